/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Taking over an arena: as it was left, damaged, half made, and after the writer was killed. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "pool_check.h"
#include "store_util.h"

#define PAGES     1000u
#define KILLS     50
#define KILL_OPS  2000u /* operations at most before a kill */
#define CHILD_OPS 1000000u

static struct disk disk;

static int
setup(void **state)
{
	(void)state;
	if (!disk_dir(&disk))
		return -1;
	disk_opts(&disk, PAGES, 0);
	disk_create(&disk);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	disk_destroy(&disk);
	return 0;
}

static struct zarena_stat
stat_copy(void)
{
	return zstore_super(disk.st)->stat;
}

static void
assert_bad(uint64_t page)
{
	struct zreader_page p;

	assert_int_equal(fetch(&disk.reader, page, &p), -EBADMSG);
	assert_true(disk.st->slots[page].w0 == ZSLOT_BAD);
}

static void
test_every_page_is_found_again(void **state)
{
	static uint64_t versions[PAGES];
	struct zarena_stat before, after;
	unsigned int seed = 1;

	(void)state;
	memset(versions, 0, sizeof(versions));
	for (int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < 5000; i++) {
			uint64_t page = (uint64_t)rand_r(&seed) % PAGES;

			versions[page] = rand_r(&seed) % 4 == 0 ? 0 : i + 1;
			assert_int_equal(put_model(disk.st, page, versions[page]), 0);
		}
		zstore_count_failed_store(disk.st);
		before = stat_copy();
		disk_reopen(&disk);
		after = stat_copy();
		assert_int_equal(after.pages_stored, before.pages_stored);
		assert_int_equal(after.compr_data_size, before.compr_data_size);
		assert_int_equal(after.same_pages, before.same_pages);
		assert_int_equal(after.huge_pages, before.huge_pages);
		assert_int_equal(after.huge_pages_since, before.huge_pages_since);
		assert_int_equal(after.discards, before.discards);
		assert_int_equal(after.failed_stores, before.failed_stores);
		assert_int_equal(after.mem_used_max, before.mem_used_max);
		assert_true(after.mem_used <= before.mem_used);
		pool_check(&disk.st->pool);
		/* The reader's mapping is as good as before. */
		for (uint64_t page = 0; page < PAGES; page++)
			assert_true(is_model(&disk.reader, page, versions[page]));
	}
}

static void
test_limit_is_kept_over_a_reopen(void **state)
{
	uint64_t nr = 0;

	(void)state;
	zstore_remove(disk.st);
	zstore_close(disk.st);
	disk_opts(&disk, PAGES, 1 << 20);
	disk_create(&disk);
	while (put_model(disk.st, nr, nr + 1) == 0)
		nr++;
	for (int round = 0; round < 10; round++) {
		disk_reopen(&disk);
		assert_true(STAT(&disk, mem_used) <= 1 << 20);
		assert_true(STAT(&disk, mem_used_max) <= 1 << 20);
		for (uint64_t page = 0; page < nr; page++)
			assert_int_equal(put_model(disk.st, page, page + 1), 0);
		assert_true(STAT(&disk, mem_used_max) <= 1 << 20);
	}
}

static void
test_what_is_no_arena(void **state)
{
	struct zarena_super super = disk.st->super[0], wrong;
	struct zstore *st = NULL;
	int fd = openat(disk.dirfd, "disk.slots", O_RDWR | O_CLOEXEC);

	(void)state;
	zstore_close(disk.st);
	disk.st = NULL;
	assert_int_equal(zstore_open(disk.dirfd, "other", &st), -ENOENT);
	assert_int_equal(zstore_open(disk.dirfd, "../disk", &st), -ENOENT);
#define TRY_WRONG(assignment)                                                          \
	do {                                                                           \
		wrong = super;                                                         \
		assignment;                                                            \
		assert_int_equal(pwrite(fd, &wrong, sizeof(wrong), 0), sizeof(wrong)); \
		assert_int_equal(zstore_open(disk.dirfd, "disk", &st), -EPROTO);       \
	} while (0)
	TRY_WRONG(wrong.magic++);
	TRY_WRONG(wrong.version++);
	TRY_WRONG(wrong.pages++);
	TRY_WRONG(wrong.pages = 0);
	TRY_WRONG(wrong.pages = UINT64_MAX / 8);
	TRY_WRONG(wrong.page_size = 4000);
	TRY_WRONG(wrong.page_size = 0);
	TRY_WRONG(wrong.objs_max = 0);
	TRY_WRONG(wrong.objs_max = 4096);
	TRY_WRONG(wrong.objs_max++);
	TRY_WRONG(wrong.objs_max = UINT64_MAX & ~(uint64_t)4095);
	TRY_WRONG(wrong.name[0] = 'D');
	assert_int_equal(pwrite(fd, &super, sizeof(super), 0), sizeof(super));
	/* Cut short. */
	assert_int_equal(renameat(disk.dirfd, "disk.objs", disk.dirfd, "x"), 0);
	assert_int_equal(zstore_open(disk.dirfd, "disk", &st), -EPROTO);
	assert_int_equal(renameat(disk.dirfd, "x", disk.dirfd, "disk.objs"), 0);
	assert_int_equal(zstore_open(disk.dirfd, "disk", &disk.st), 0);
	zstore_close(disk.st);
	disk.st = NULL;
	assert_int_equal(ftruncate(fd, 4096 + 16 * PAGES - 1), 0);
	assert_int_equal(zstore_open(disk.dirfd, "disk", &st), -EPROTO);
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_equal(zstore_open(disk.dirfd, "disk", &st), -EPROTO);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(zstore_open(disk.dirfd, "disk", &st), -EPROTO);
	close(fd);
}

/* Killed while it made or removed the disk: that is finished. */
static void
test_what_is_not_alive(void **state)
{
	static const uint32_t states[] = {ZARENA_NEW, ZARENA_REMOVED};
	struct stat st;

	(void)state;
	for (int i = 0; i < 4; i++) {
		disk.st->super->state = states[i / 2];
		zstore_close(disk.st);
		disk.st = NULL;
		if (i % 2 != 0)
			assert_int_equal(unlinkat(disk.dirfd, "disk.objs", 0), 0);
		assert_int_equal(zstore_open(disk.dirfd, "disk", &disk.st), -ENOENT);
		assert_int_equal(fstatat(disk.dirfd, "disk.slots", &st, 0), -1);
		assert_int_equal(fstatat(disk.dirfd, "disk.objs", &st, 0), -1);
		zreader_fini(&disk.reader);
		disk_create(&disk);
	}
}

static void
test_damaged_slots(void **state)
{
	const uint64_t far = disk.st->objs_max;
	struct zslot *slots = disk.st->slots;
	/* Pages 0 to 19 are good, the ones after them get these words. */
	const uint64_t words[] = {
	        2 | 7 << 6 | 1 << 3 | (uint64_t)50000 << 22, /* on a backing store there is not */
	        4,                                           /* RAW of one byte */
	        zslot_object(ZSLOT_RAW, 0, 4095, 0),
	        zslot_object(ZSLOT_FILL8, 0, 9, 1 << 19),
	        zslot_object(ZSLOT_OBJ, 0, 4097, 0),
	        zslot_object(ZSLOT_OBJ, 0, 65536, 0),
	        zslot_object(ZSLOT_OBJ, 0, 100, far), /* beyond the file */
	        zslot_object(ZSLOT_OBJ, 0, 100, far - 16),
	        UINT64_MAX,
	        zslot_object(ZSLOT_OBJ, 0, 4000, (3 << 18) + 16), /* no place of that size */
	        zslot_fill(7) | 1 << 5,                           /* bits that are none */
	        5,                                                /* kinds that are none */
	        6,
	        1 << 20, /* empty, but not quite */
	        ZSLOT_BAD,
	        ZSLOT_BAD | 1 << 30,
	};
	const uint64_t nr = sizeof(words) / sizeof(words[0]);

	(void)state;
	for (uint64_t page = 0; page < 20; page++)
		assert_int_equal(put_model(disk.st, page, 1), 0);
	for (uint64_t i = 0; i < nr; i++)
		slots[20 + i].w0 = words[i];
	disk_reopen(&disk);
	for (uint64_t page = 0; page < 20; page++) {
		assert_true(is_model(&disk.reader, page, 1));
		assert_true(zslot_generation(disk.st->slots[page].w1) == 1);
	}
	for (uint64_t i = 0; i < nr; i++) {
		assert_bad(20 + i);
		/* By the commit protocol; who was BAD already is not written. */
		assert_true(zslot_generation(disk.st->slots[20 + i].w1) ==
		            (words[i] == ZSLOT_BAD ? 0 : 1));
	}
	pool_check(&disk.st->pool);
	assert_int_equal(STAT(&disk, pages_stored), 20);
	/* Stored again, or discarded, they are well. */
	assert_int_equal(put_raw(disk.st, 20, 1), 0);
	assert_true(is_object(&disk.reader, 20, 1, 4096));
	discard(disk.st, 21, nr - 1);
	assert_int_equal(STAT(&disk, pages_stored), 21);
	disk_reopen(&disk);
	for (uint64_t i = 1; i < nr; i++)
		assert_true(is_model(&disk.reader, 20 + i, 0));
}

/* Two slots that name one place, and a slot whose span would cross another's: bytes decide. */
static void
test_overlaps(void **state)
{
	struct zslot *slots = disk.st->slots;
	struct zslot_place p;

	(void)state;
	for (uint64_t page = 10; page < 100; page++)
		assert_int_equal(put_object(disk.st, page, 1, (uint32_t)(page * 37)), 0);
	/* Beyond the file: there is nothing to compute a checksum of. */
	slots[201].w0 = zslot_object(ZSLOT_OBJ, 0, 100, UINT64_MAX << 22 >> 18);
	/* Both before and after the rightful owner, so that either may be seen first. */
	slots[0].w0 = slots[50].w0;
	slots[200].w0 = slots[51].w0;
	/* Into the middle of others, in classes with spans of their own. */
	for (uint64_t page = 1; page < 10; page++) {
		p = zslot_decode(slots[60 + page].w0);
		slots[page].w0 = zslot_object(ZSLOT_OBJ, 0, page % 2 == 0 ? 4000 : 20,
		                              p.offset / 4096 * 4096);
	}
	disk_reopen(&disk);
	for (uint64_t page = 0; page < 10; page++)
		assert_bad(page);
	assert_bad(200);
	assert_bad(201);
	for (uint64_t page = 10; page < 100; page++)
		assert_true(is_object(&disk.reader, page, 1, (uint32_t)(page * 37)));
	assert_int_equal(pool_check(&disk.st->pool), 90);
	assert_int_equal(STAT(&disk, pages_stored), 90);
	for (uint64_t page = 0; page < PAGES; page++)
		assert_int_equal(put_model(disk.st, page, 2), 0);
	for (uint64_t page = 0; page < PAGES; page++)
		assert_true(is_model(&disk.reader, page, 2));
}

/* Bits of slots at random: whatever comes of it, no load gives wrong bytes, and nothing breaks. */
static void
test_random_damage(void **state)
{
	unsigned int seed = 3;

	(void)state;
	for (unsigned int round = 0; round < 30; round++) {
		struct zslot *slots = disk.st->slots;

		for (uint64_t page = 0; page < PAGES; page++)
			assert_int_equal(put_model(disk.st, page, round + 1), 0);
		for (unsigned int i = 0; i < round + 1; i++)
			slots[(uint64_t)rand_r(&seed) % PAGES].w0 ^= UINT64_C(1)
			                                             << (6 + rand_r(&seed) % 30);
		disk_reopen(&disk);
		pool_check(&disk.st->pool);
		for (uint64_t page = 0; page < PAGES; page++) {
			struct page_model m = model_of(page, round + 1, 4096);
			struct zreader_page p;

			if (m.kind != ZSLOT_FILL && fetch(&disk.reader, page, &p) == 0)
				assert_true(is_model(&disk.reader, page, round + 1));
		}
	}
}

static void
test_truncated_objects(void **state)
{
	int fd = openat(disk.dirfd, "disk.objs", O_RDWR | O_CLOEXEC);
	uint64_t bad = 0;

	(void)state;
	for (uint64_t page = 0; page < PAGES; page++)
		assert_int_equal(put_object(disk.st, page, 1, 3000), 0);
	zstore_close(disk.st);
	disk.st = NULL;
	assert_int_equal(ftruncate(fd, 1000001), 0);
	close(fd);
	assert_int_equal(zstore_open(disk.dirfd, "disk", &disk.st), 0);
	disk_map_reader(&disk);
	for (uint64_t page = 0; page < PAGES; page++) {
		bool good = is_object(&disk.reader, page, 1, 3000);

		if (!good)
			assert_bad(page);
		bad += !good;
	}
	assert_true(bad > PAGES / 2 && bad < PAGES);
	pool_check(&disk.st->pool);
}

/* What the writer that will be killed tells of: a page's version before and after. */
struct witness {
	uint64_t ops;
	uint64_t done[PAGES];
	uint64_t pending[PAGES];
};

static void
write_until_killed(struct witness *w, unsigned int seed)
{
	struct zstore *st;

	if (zstore_open(disk.dirfd, "disk", &st) != 0)
		_exit(1);
	for (uint64_t i = 0; i < CHILD_OPS; i++) {
		uint64_t page = (uint64_t)rand_r(&seed) % PAGES;
		uint64_t version = rand_r(&seed) % 5 == 0 ? 0 : w->done[page] + 1 + i;

		zc_store_release(&w->pending[page], version); /* Pairs with wait_ops(). */
		if (put_model(st, page, version) != 0)
			_exit(2);
		zc_store_release(&w->done[page], version); /* Pairs with wait_ops(). */
		zc_store_release(&w->ops, w->ops + 1);     /* Pairs with wait_ops(). */
		if (i % 500 == 0)
			(void)zstore_populate(st, zc_now_ns() + i * 1000000);
	}
	_exit(3);
}

static void
wait_ops(const struct witness *w, uint64_t ops, pid_t pid)
{
	siginfo_t info = {0};

	/* Pairs with the releases of write_until_killed(). */
	while (zc_load_acquire(&w->ops) < ops) {
		assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
		assert_int_equal(info.si_pid, 0); /* it does not end by itself */
		sched_yield();
	}
}

/* The spans that the slots name, found without the pool. @return their pages */
static uint64_t
span_pages_of_slots(void)
{
	static uint8_t seen[1 << 20];
	const struct zs_classes *c = &disk.st->pool.classes;
	uint64_t pages = 0;

	memset(seen, 0, sizeof(seen));
	for (uint64_t page = 0; page < PAGES; page++) {
		struct zslot_place p = zslot_decode(disk.st->slots[page].w0);
		const struct zs_class *cls;
		uint32_t start, idx;

		if (!zslot_kind_has_object(p.kind))
			continue;
		cls = &c->classes[zs_class_of(c, zobj_place_len(p.len))];
		assert_true(zs_class_span(cls, p.offset, &start, &idx));
		if (seen[start]++ == 0)
			pages += cls->pages;
	}
	return pages;
}

static void
check_after_kill(struct witness *w)
{
	uint64_t live = 0;

	assert_int_equal(zstore_open(disk.dirfd, "disk", &disk.st), 0);
	for (uint64_t page = 0; page < PAGES; page++) {
		bool new = is_model(&disk.reader, page, w->pending[page]);

		assert_true(new || is_model(&disk.reader, page, w->done[page]));
		if (new)
			w->done[page] = w->pending[page];
		w->pending[page] = w->done[page];
		live += zslot_kind_has_object(zslot_decode(disk.st->slots[page].w0).kind);
	}
	assert_int_equal(pool_check(&disk.st->pool), live);
	assert_int_equal(disk.st->pool.span_pages, span_pages_of_slots());
	assert_int_equal(STAT(&disk, mem_used), (uint64_t)disk.st->pool.used_pages * ZS_PAGE);
	zstore_close(disk.st);
	disk.st = NULL;
}

static void
test_killed_writer(void **state)
{
	struct witness *w = (struct witness *)mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
	                                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int seed = 4;

	(void)state;
	assert_ptr_not_equal(w, MAP_FAILED);
	zstore_close(disk.st);
	disk.st = NULL;
	for (int i = 0; i < KILLS; i++) {
		uint64_t until = w->ops + (uint64_t)rand_r(&seed) % KILL_OPS;
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			write_until_killed(w, seed);
		wait_ops(w, until, pid);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		check_after_kill(w);
	}
	munmap(w, sizeof(*w));
	assert_int_equal(zstore_open(disk.dirfd, "disk", &disk.st), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_every_page_is_found_again, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_limit_is_kept_over_a_reopen, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_what_is_no_arena, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_what_is_not_alive, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_damaged_slots, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_overlaps, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_random_damage, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_truncated_objects, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_killed_writer, setup, teardown),
	};

	return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}
