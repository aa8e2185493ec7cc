/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* What zreader_init() refuses, field by field of the superblock, and that it then keeps nothing. */

#include <errno.h>
#include <sys/resource.h>

#include "arena_util.h"
#include "test_util.h"

#include "ipc/reader.h"

static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_open(&arena, 4096);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_close(&arena);
	return 0;
}

/* How often this process maps files of the arena: one for each writable map, and the leaks. */
static unsigned int
mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int nr = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL)
		nr += strstr(line, "/dev/shm/zc-test-") != NULL ? 1 : 0;
	fclose(maps);
	return nr;
}

static void
check_refused(int slots_fd, int objs_fd, int ret)
{
	unsigned int fds = test_open_fds();
	struct zreader r;

	memset(&r, 0xa5, sizeof(r));
	assert_int_equal(zreader_init(&r, slots_fd, objs_fd), ret);
	assert_int_equal(mappings(), 2);
	/* Both descriptors are the caller's as before. */
	assert_int_equal(test_open_fds(), fds);
	zreader_fini(&r);
	assert_int_equal(mappings(), 2);
	assert_int_equal(test_open_fds(), fds);
}

static void
test_accepted_and_given_back(void **state)
{
	unsigned int fds = test_open_fds();
	struct zreader r;

	(void)state;
	assert_int_equal(zreader_init(&r, arena.slots_ro, arena.objs_ro), 0);
	assert_int_equal(mappings(), 4);
	assert_int_equal(test_open_fds(), fds);
	zreader_fini(&r);
	assert_int_equal(mappings(), 2);
	/* The reader owned this one, and only this one. */
	assert_int_equal(test_open_fds(), fds - 1);
	zreader_fini(&r);
	assert_int_equal(test_open_fds(), fds - 1);
	arena.objs_ro = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
test_super_fields(void **state)
{
	static const uint32_t page_sizes[] = {0,    1,    512,    1023,       1025,
	                                      4095, 6144, 131072, UINT32_MAX, 1u << 31};
	static const uint64_t pages[] = {
	        0,          ARENA_PAGES + 1, 1ull << 40, UINT64_MAX / 32, UINT64_MAX / 16,
	        UINT64_MAX, (1ull << 60) + 1};
	const struct zarena_super good = *arena.super;

	(void)state;
	for (unsigned int bit = 0; bit < 64; bit++) {
		arena.super->magic ^= 1ull << bit;
		check_refused(arena.slots_ro, arena.objs_ro, -EPROTO);
		*arena.super = good;
	}
	for (unsigned int bit = 0; bit < 32; bit++) {
		arena.super->version ^= 1u << bit;
		check_refused(arena.slots_ro, arena.objs_ro, -EPROTO);
		*arena.super = good;
	}
	for (size_t i = 0; i < TEST_NR(page_sizes); i++) {
		arena.super->page_size = page_sizes[i];
		check_refused(arena.slots_ro, arena.objs_ro, -EPROTO);
		*arena.super = good;
	}
	for (size_t i = 0; i < TEST_NR(pages); i++) {
		arena.super->pages = pages[i];
		check_refused(arena.slots_ro, arena.objs_ro, -EPROTO);
		*arena.super = good;
	}
	arena.super->objs_max = 0;
	check_refused(arena.slots_ro, arena.objs_ro, -EPROTO);
}

static void
test_short_files(void **state)
{
	static const off_t lens[] = {0,
	                             1,
	                             sizeof(struct zarena_super) - 1,
	                             sizeof(struct zarena_super),
	                             4096,
	                             4096 + 16 * 63};
	const struct zarena_super good = *arena.super;

	(void)state;
	for (size_t i = 0; i < TEST_NR(lens); i++) {
		assert_int_equal(ftruncate(arena.slots_rw, lens[i]), 0);
		assert_int_equal(ftruncate(arena.slots_rw, lens[i]), 0);
		check_refused(arena.slots_ro, arena.objs_ro, -EPROTO);
		assert_int_equal(pwrite(arena.slots_rw, &good, sizeof(good), 0), sizeof(good));
	}
	/* Just long enough, and no objects yet. */
	assert_int_equal(ftruncate(arena.slots_rw, 4096 + 16 * 64), 0);
	assert_int_equal(ftruncate(arena.objs_rw, 0), 0);
	test_accepted_and_given_back(state);
}

static void
test_no_memory(void **state)
{
	(void)state;
	/* More than an address space has, first of objects, then of slots. */
	arena.super->objs_max = 1ull << 62;
	check_refused(arena.slots_ro, arena.objs_ro, -ENOMEM);
	arena.super->objs_max = ARENA_OBJS_MAX;
	arena.super->pages = 1ull << 56;
	assert_int_equal(ftruncate(arena.slots_rw, (off_t)zarena_slots_len(1ull << 56)), 0);
	check_refused(arena.slots_ro, arena.objs_ro, -ENOMEM);
}

static void
test_wrong_descriptors(void **state)
{
	int dir = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ends[2];

	(void)state;
	assert_true(dir >= 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	check_refused(-1, arena.objs_ro, -EBADF);
	check_refused(arena.slots_ro, -1, -EBADF);
	check_refused(dir, arena.objs_ro, -EISDIR);
	check_refused(ends[0], arena.objs_ro, -ESPIPE);
	check_refused(arena.slots_ro, dir, -ENODEV);
	check_refused(arena.slots_ro, ends[0], -ENODEV);
	close(dir);
	close(ends[0]);
	close(ends[1]);
}

/* A process that has no descriptor left can still open a disk whose two it was given. */
static void
test_needs_no_descriptor(void **state)
{
	struct rlimit old, none;
	struct zreader r;
	int ret;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){0, old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	ret = zreader_init(&r, arena.slots_ro, arena.objs_ro);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(ret, 0);
	zreader_fini(&r);
	arena.objs_ro = -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_accepted_and_given_back, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_super_fields, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_short_files, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_wrong_descriptors, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_needs_no_descriptor, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
