/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* A disk from its making to its removal: every kind of page, counters, discards, errors. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "pool_check.h"
#include "store_util.h"

#define PAGES 1000u

static struct disk disk;

static int
setup(void **state)
{
	(void)state;
	if (!disk_dir(&disk))
		return -1;
	disk_opts(&disk, PAGES, 0);
	return 0;
}

static int
setup_disk(void **state)
{
	if (setup(state) != 0)
		return -1;
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

static int
create_with(const char *name, uint64_t pages, uint32_t page_size)
{
	struct zstore_opts opts = disk.opts;
	struct zstore *st = NULL;
	int ret;

	opts.name = name;
	opts.pages = pages;
	opts.page_size = page_size;
	ret = zstore_create(disk.dirfd, &opts, &st);
	if (ret == 0) {
		zstore_remove(st);
		zstore_close(st);
	}
	return ret;
}

static void
test_create_refuses(void **state)
{
	static const char long_name[] =
	        "a123456789012345678901234567890123456789012345678901234567890123";

	(void)state;
	assert_int_equal(create_with(NULL, PAGES, 4096), -EINVAL);
	assert_int_equal(create_with("", PAGES, 4096), -EINVAL);
	assert_int_equal(create_with(".hidden", PAGES, 4096), -EINVAL);
	assert_int_equal(create_with("../x", PAGES, 4096), -EINVAL);
	assert_int_equal(create_with("a/b", PAGES, 4096), -EINVAL);
	assert_int_equal(create_with("a b", PAGES, 4096), -EINVAL);
	assert_int_equal(create_with(long_name, PAGES, 4096), -EINVAL);
	assert_int_equal(create_with(long_name + 1, PAGES, 4096), 0);
	assert_int_equal(create_with("A-1_x.y", PAGES, 4096), 0);
	assert_int_equal(create_with("x", 0, 4096), -EINVAL);
	assert_int_equal(create_with("x", UINT64_MAX, 4096), -EINVAL);
	assert_int_equal(create_with("x", UINT64_C(1) << 50, 4096), -EINVAL);
	assert_int_equal(create_with("x", PAGES, 0), -EINVAL);
	assert_int_equal(create_with("x", PAGES, 512), -EINVAL);
	assert_int_equal(create_with("x", PAGES, 4097), -EINVAL);
	assert_int_equal(create_with("x", PAGES, 131072), -EINVAL);
	assert_int_equal(create_with("x", 1, 1024), 0);
	assert_int_equal(create_with("x", 1, 65536), 0);
	disk.opts.algorithm = long_name;
	assert_int_equal(create_with("x", PAGES, 4096), -EINVAL);
	disk.opts.algorithm = NULL;
	assert_int_equal(create_with("x", PAGES, 4096), 0);
}

static void
test_create_where_one_is(void **state)
{
	struct zstore *other = NULL;

	(void)state;
	assert_int_equal(put_raw(disk.st, 3, 1), 0);
	assert_int_equal(zstore_create(disk.dirfd, &disk.opts, &other), -EEXIST);
	assert_true(is_object(&disk.reader, 3, 1, 4096));
}

static void
test_create_is_complete(void **state)
{
	const struct zarena_super *super;
	struct stat st;

	(void)state;
	disk.opts.uid = 12;
	disk.opts.gid = 34;
	disk.opts.mode = 0640;
	disk.opts.flags = 5;
	disk.opts.mem_limit = 1 << 20;
	disk.opts.codecs[2].level = -3;
	disk_create(&disk);
	super = zstore_super(disk.st);
	assert_true(super->magic == ZARENA_MAGIC && super->version == ZARENA_VERSION);
	assert_int_equal(super->state, ZARENA_LIVE);
	assert_int_equal(super->pages, PAGES);
	assert_int_equal(super->page_size, 4096);
	assert_int_equal(super->flags, 5);
	assert_true(super->uid == 12 && super->gid == 34 && super->mode == 0640);
	assert_string_equal(super->name, "disk");
	assert_string_equal(super->algorithm, "lz4");
	assert_int_equal(super->codecs[0].id, 1);
	assert_int_equal(super->codecs[2].level, -3);
	assert_int_equal(super->stat.mem_limit, 1 << 20);
	assert_int_equal(super->stat.mem_used, 0);
	assert_true((super->nonce[0] | super->nonce[1]) != 0);
	assert_int_equal(super->objs_max, 64 << 20);
	/* Only the owner may map it, whatever the disk's own mode says. The table has no holes. */
	assert_int_equal(fstatat(disk.dirfd, "disk.objs", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fstatat(disk.dirfd, "disk.slots", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true((uint64_t)st.st_size == zarena_slots_len(PAGES));
	assert_true(st.st_blocks * 512 >= st.st_size);
}

static void
test_nonces_differ(void **state)
{
	uint64_t nonce[2];

	(void)state;
	disk_create(&disk);
	memcpy(nonce, zstore_super(disk.st)->nonce, sizeof(nonce));
	zstore_remove(disk.st);
	zstore_close(disk.st);
	disk.st = NULL;
	disk_create(&disk);
	assert_memory_not_equal(nonce, zstore_super(disk.st)->nonce, sizeof(nonce));
}

static void
test_every_kind(void **state)
{
	struct zreader_page p;

	(void)state;
	assert_int_equal(fetch(&disk.reader, 0, &p), 0);
	assert_int_equal(p.kind, ZSLOT_EMPTY);

	assert_int_equal(put_same(disk.st, 0, 0), 0);
	assert_int_equal(fetch(&disk.reader, 0, &p), 0);
	assert_int_equal(p.kind, ZSLOT_FILL); /* zeros that were stored are not empty */
	assert_int_equal(p.pattern, 0);

	assert_int_equal(put_same(disk.st, 1, UINT64_C(0xabcdef01abcdef01)), 0);
	assert_int_equal(fetch(&disk.reader, 1, &p), 0);
	assert_int_equal(p.kind, ZSLOT_FILL);
	assert_int_equal(p.pattern, 0xabcdef01);
	assert_int_equal(STAT(&disk, mem_used), 0);

	assert_int_equal(put_same(disk.st, 2, UINT64_C(0x123456789abcdef0)), 0);
	assert_int_equal(fetch(&disk.reader, 2, &p), 0);
	assert_int_equal(p.kind, ZSLOT_FILL8);
	assert_true(fetched[0] == UINT64_C(0x123456789abcdef0));
	assert_int_equal(STAT(&disk, mem_used), 4096);

	for (uint32_t len = 1; len <= 4096; len++) {
		assert_int_equal(put_object(disk.st, 3, len, len), 0);
		assert_true(is_object(&disk.reader, 3, len, len));
	}
	assert_int_equal(put_raw(disk.st, 4, 7), 0);
	assert_true(is_object(&disk.reader, 4, 7, 4096));
	assert_int_equal(fetch(&disk.reader, 4, &p), 0);
	assert_int_equal(p.kind, ZSLOT_RAW);
	assert_int_equal(pool_check(&disk.st->pool), 3);
}

static void
test_priority_is_kept(void **state)
{
	struct zstore_put put = {0};
	struct zreader_page p;
	char data[100] = {1, 2, 3};

	(void)state;
	for (uint8_t prio = 0; prio < ZARENA_CODECS; prio++) {
		zstore_put_object(&put, prio, prio, data, sizeof(data));
		assert_int_equal(put_retry(disk.st, &put), 0);
		assert_int_equal(fetch(&disk.reader, prio, &p), 0);
		assert_int_equal(p.prio, prio);
		assert_memory_equal(fetched, data, sizeof(data));
	}
}

static void
test_page_sizes(void **state)
{
	(void)state;
	for (uint32_t page_size = 1024; page_size <= 65536; page_size *= 2) {
		disk.opts.page_size = page_size;
		disk_create(&disk);
		for (uint64_t version = 1; version <= 3; version++) {
			for (uint64_t page = 0; page < 200; page++)
				assert_int_equal(put_model(disk.st, page, version), 0);
			for (uint64_t page = 0; page < 200; page++)
				assert_true(is_model(&disk.reader, page, version));
		}
		pool_check(&disk.st->pool);
		zstore_remove(disk.st);
		zstore_close(disk.st);
		disk.st = NULL;
	}
}

static void
test_counters(void **state)
{
	(void)state;
	assert_int_equal(put_same(disk.st, 0, 0), 0);
	assert_int_equal(put_same(disk.st, 1, 0x1122334455667788), 0);
	assert_int_equal(put_object(disk.st, 2, 1, 1000), 0);
	assert_int_equal(put_object(disk.st, 3, 1, 1500), 0);
	assert_int_equal(put_raw(disk.st, 4, 1), 0);
	assert_int_equal(STAT(&disk, pages_stored), 5);
	assert_int_equal(STAT(&disk, same_pages), 2);
	assert_int_equal(STAT(&disk, compr_data_size), 1000 + 1500 + 4096);
	assert_int_equal(STAT(&disk, huge_pages), 1);
	assert_int_equal(STAT(&disk, huge_pages_since), 1);
	assert_int_equal(STAT(&disk, mem_used), disk.st->pool.used_pages * 4096);

	/* Overwrites: each kind by another. */
	assert_int_equal(put_raw(disk.st, 0, 2), 0);
	assert_int_equal(put_object(disk.st, 1, 2, 10), 0);
	assert_int_equal(put_same(disk.st, 2, 5), 0);
	assert_int_equal(put_same(disk.st, 3, 0), 0);
	assert_int_equal(put_object(disk.st, 4, 2, 2000), 0);
	assert_int_equal(STAT(&disk, pages_stored), 5);
	assert_int_equal(STAT(&disk, same_pages), 2);
	assert_int_equal(STAT(&disk, compr_data_size), 4096 + 10 + 2000);
	assert_int_equal(STAT(&disk, huge_pages), 1);
	assert_int_equal(STAT(&disk, huge_pages_since), 2);

	/* Discards count empty pages as well. */
	assert_int_equal(zstore_discard(disk.st, 0, 10), 10);
	assert_int_equal(STAT(&disk, discards), 10);
	assert_int_equal(STAT(&disk, pages_stored), 0);
	assert_int_equal(STAT(&disk, same_pages), 0);
	assert_int_equal(STAT(&disk, compr_data_size), 0);
	assert_int_equal(STAT(&disk, huge_pages), 0);
	assert_int_equal(STAT(&disk, huge_pages_since), 2);
	assert_int_equal(STAT(&disk, mem_used), 0);
	assert_true(STAT(&disk, mem_used_max) > 0);
	assert_int_equal(STAT(&disk, failed_stores), 0);
	zstore_count_failed_store(disk.st);
	assert_int_equal(STAT(&disk, failed_stores), 1);
}

static void
test_discard(void **state)
{
	struct zreader_page p;

	(void)state;
	for (uint64_t page = 0; page < PAGES; page++)
		assert_int_equal(put_model(disk.st, page, 1), 0);
	assert_int_equal(zstore_discard(disk.st, 0, PAGES), ZSTORE_DISCARD_MAX);
	assert_int_equal(fetch(&disk.reader, ZSTORE_DISCARD_MAX - 1, &p), 0);
	assert_int_equal(p.kind, ZSLOT_EMPTY);
	assert_true(is_model(&disk.reader, ZSTORE_DISCARD_MAX, 1));
	assert_int_equal(zstore_discard(disk.st, PAGES - 3, 3), 3);
	assert_int_equal(zstore_discard(disk.st, 500, 0), 0);
	assert_true(is_model(&disk.reader, PAGES - 4, 1));
	assert_int_equal(STAT(&disk, pages_stored), PAGES - ZSTORE_DISCARD_MAX - 3);
	discard(disk.st, 0, PAGES);
	assert_int_equal(STAT(&disk, discards), ZSTORE_DISCARD_MAX + 3 + PAGES);
	assert_int_equal(STAT(&disk, mem_used), 0);
	assert_int_equal(pool_check(&disk.st->pool), 0);
}

/* A generation is never used twice, also not by discards: readers rely on it. */
static void
test_generations(void **state)
{
	uint64_t generation = 0;

	(void)state;
	for (uint64_t version = 1; version < 20; version++) {
		uint64_t now;

		assert_int_equal(put_model(disk.st, 9, version), 0);
		now = zslot_generation(disk.st->slots[9].w1);
		assert_true(now == generation + 1);
		discard(disk.st, 9, 1);
		generation = zslot_generation(disk.st->slots[9].w1);
		assert_true(generation == now + 1);
	}
	discard(disk.st, 9, 1); /* empty: nothing is committed */
	assert_true(zslot_generation(disk.st->slots[9].w1) == generation);
}

/* Who does not get the lock comes back: with nothing done, or with the place still his. */
static void
test_lock_is_held(void **state)
{
	struct zstore_put put = {0};
	char data[1000];

	(void)state;
	model_fill(data, sizeof(data), 5, 1);
	zstore_put_object(&put, 5, 0, data, sizeof(data));
	assert_true(zc_trylock_take(&disk.st->lock));
	assert_int_equal(zstore_put(disk.st, &put), -EAGAIN);
	assert_false(put.placed);
	assert_int_equal(zstore_discard(disk.st, 0, 10), 0);
	zc_trylock_drop(&disk.st->lock);
	assert_int_equal(zstore_put(disk.st, &put), 0);
	assert_true(is_object(&disk.reader, 5, 1, sizeof(data)));
	assert_int_equal(STAT(&disk, failed_stores), 0);
}

static void
test_random_model(void **state)
{
	static uint64_t versions[PAGES];
	unsigned int seed = 1;

	(void)state;
	memset(versions, 0, sizeof(versions));
	for (uint64_t i = 1; i <= 50000; i++) {
		uint64_t page = (uint64_t)rand_r(&seed) % PAGES;
		uint64_t version = rand_r(&seed) % 8 == 0 ? 0 : i;

		assert_int_equal(put_model(disk.st, page, version), 0);
		versions[page] = version;
		page = (uint64_t)rand_r(&seed) % PAGES;
		assert_true(is_model(&disk.reader, page, versions[page]));
	}
	for (uint64_t page = 0; page < PAGES; page++)
		assert_true(is_model(&disk.reader, page, versions[page]));
	pool_check(&disk.st->pool);
}

static void
test_readonly_descriptors(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(zstore_open_readonly(disk.st, fds), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fcntl(fds[i], F_GETFL) & O_ACCMODE, O_RDONLY);
		assert_true((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) != 0);
		assert_int_equal(ftruncate(fds[i], 0), -1);
		close(fds[i]);
	}
}

static void
test_remove(void **state)
{
	struct zreader_page p;
	struct stat st;

	(void)state;
	assert_int_equal(put_raw(disk.st, 1, 1), 0);
	assert_true(is_object(&disk.reader, 1, 1, 4096));
	zstore_remove(disk.st);
	assert_int_equal(fetch(&disk.reader, 1, &p), -ENODEV);
	assert_int_equal(zreader_check_live(&disk.reader), -ENODEV);
	assert_int_equal(fstatat(disk.dirfd, "disk.slots", &st, 0), -1);
	assert_int_equal(fstatat(disk.dirfd, "disk.objs", &st, 0), -1);
	/* A load that has begun finds zeros, not SIGBUS, until the store is closed. */
	assert_int_equal(fstat(disk.reader.objs_fd, &st), 0);
	assert_true(st.st_size > 0);
	assert_int_equal(st.st_blocks, 0);
	assert_int_equal(*(volatile const uint64_t *)disk.reader.objs, 0);
	zstore_close(disk.st);
	disk.st = NULL;
	assert_int_equal(fstat(disk.reader.objs_fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(zstore_open(disk.dirfd, "disk", &disk.st), -ENOENT);
	disk.st = NULL;
	/* The name is free at once. */
	zreader_fini(&disk.reader);
	disk_create(&disk);
	assert_int_equal(fetch(&disk.reader, 1, &p), 0);
	assert_int_equal(p.kind, ZSLOT_EMPTY);
}

static void
test_close_keeps_the_arena(void **state)
{
	(void)state;
	assert_int_equal(put_raw(disk.st, 1, 1), 0);
	zstore_close(disk.st);
	disk.st = NULL;
	assert_true(is_object(&disk.reader, 1, 1, 4096));
	zstore_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_create_refuses, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_create_where_one_is, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_create_is_complete, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_nonces_differ, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_every_kind, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_priority_is_kept, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_page_sizes, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_counters, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_discard, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_generations, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_lock_is_held, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_random_model, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_readonly_descriptors, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_remove, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_close_keeps_the_arena, setup_disk, teardown),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
