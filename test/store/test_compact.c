/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Compaction of a disk: what it gives back, what loads find meanwhile and afterwards, and what
 * happens to pages in the middle of their move. For that zobj_write() is wrapped: a move writes its
 * copy between taking the place and the commit.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "ipc/object.h"
#include "pool_check.h"
#include "store_util.h"

#define PAGES 3000u
#define STEP  256u

static struct disk disk;
static uint64_t versions[PAGES];
static void (*in_move)(uint64_t page);
static unsigned int moves;

void __real_zobj_write(uint64_t *place, const void *src, const struct zobj_id *id);
void __wrap_zobj_write(uint64_t *place, const void *src, const struct zobj_id *id);

void
__wrap_zobj_write(uint64_t *place, const void *src, const struct zobj_id *id)
{
	void (*fn)(uint64_t page) = in_move;

	__real_zobj_write(place, src, id);
	if (fn == NULL)
		return;
	in_move = NULL; /* its own stores are no moves */
	moves++;
	fn(id->page);
	in_move = fn;
}

static int
setup(void **state)
{
	(void)state;
	in_move = NULL;
	moves = 0;
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
	in_move = NULL;
	disk_destroy(&disk);
	return 0;
}

static void
put_next(uint64_t page)
{
	assert_int_equal(put_model(disk.st, page, ++versions[page]), 0);
}

static void
check_all(void)
{
	for (uint64_t page = 0; page < PAGES; page++)
		assert_true(is_model(&disk.reader, page, versions[page]));
}

/* All pages, then overwrites at random, and holes. */
static void
scatter(void)
{
	unsigned int seed = 1;

	for (uint64_t page = 0; page < PAGES; page++) {
		versions[page] = 0;
		put_next(page);
	}
	for (unsigned int i = 0; i < 4 * PAGES; i++)
		put_next((uint64_t)rand_r(&seed) % PAGES);
	for (unsigned int i = 0; i < PAGES / 4; i++) {
		uint64_t page = (uint64_t)rand_r(&seed) % PAGES;

		versions[page] = 0;
		discard(disk.st, page, 1);
	}
}

static void
compact(void)
{
	while (zstore_compact(disk.st, STEP))
		continue;
}

static void
test_gives_memory_back(void **state)
{
	struct zarena_stat before, after;

	(void)state;
	scatter();
	before = zstore_super(disk.st)->stat;
	assert_int_equal(before.pages_compacted, 0);
	assert_true(zstore_wants_compact(disk.st));
	compact();
	after = zstore_super(disk.st)->stat;
	assert_true(before.mem_used - after.mem_used > before.mem_used / 50);
	assert_int_equal(after.pages_compacted, (before.mem_used - after.mem_used) / ZS_PAGE);
	assert_int_equal(after.compr_data_size, before.compr_data_size);
	assert_int_equal(after.pages_stored, before.pages_stored);
	assert_false(zstore_wants_compact(disk.st));
	pool_check(&disk.st->pool);
	assert_int_equal(disk.st->placed, 0);
	check_all();
	/* Recovery finds the same. */
	disk_reopen(&disk);
	assert_int_equal(STAT(&disk, mem_used), after.mem_used);
	assert_int_equal(STAT(&disk, pages_compacted), after.pages_compacted);
	pool_check(&disk.st->pool);
	check_all();
	/* And nothing is left to do. */
	compact();
	assert_int_equal(STAT(&disk, pages_compacted), after.pages_compacted);
}

static void
test_empty_disk(void **state)
{
	(void)state;
	assert_false(zstore_wants_compact(disk.st));
	compact();
	assert_int_equal(put_same(disk.st, 0, 0), 0);
	compact();
	assert_int_equal(STAT(&disk, pages_compacted), 0);
	assert_false(zstore_wants_compact(disk.st));
}

static void
test_takes_no_memory(void **state)
{
	uint64_t used, max;
	uint32_t high;

	(void)state;
	scatter();
	used = STAT(&disk, mem_used);
	max = STAT(&disk, mem_used_max);
	high = disk.st->pool.high;
	while (zstore_compact(disk.st, 1)) {
		assert_true(STAT(&disk, mem_used) <= used);
		used = STAT(&disk, mem_used);
	}
	assert_int_equal(STAT(&disk, mem_used_max), max);
	assert_int_equal(disk.st->pool.high, high);
}

/* A step's length does not matter, nor what is stored between two of them. */
static void
test_goes_on_between_stores(void **state)
{
	unsigned int seed = 2;

	(void)state;
	scatter();
	for (unsigned int i = 0; i < 20000; i++) {
		(void)zstore_compact(disk.st, 1 + (uint32_t)rand_r(&seed) % 200);
		put_next((uint64_t)rand_r(&seed) % PAGES);
	}
	pool_check(&disk.st->pool);
	compact();
	pool_check(&disk.st->pool);
	check_all();
	assert_true(STAT(&disk, pages_compacted) > 0);
}

/* What stores leave behind a round is no reason to leave it so when they end. */
static void
test_comes_back_for_what_stores_leave(void **state)
{
	unsigned int seed = 4;

	(void)state;
	scatter();
	while (zstore_compact(disk.st, STEP)) {
		for (unsigned int i = 0; i < 20; i++)
			put_next((uint64_t)rand_r(&seed) % PAGES);
	}
	assert_true(zs_pool_compactable(&disk.st->pool) > disk.st->pool.used_pages / 32);
	assert_true(zstore_wants_compact(disk.st));
	compact();
	assert_false(zstore_wants_compact(disk.st));
}

static void
overwrite(uint64_t page)
{
	put_next(page);
}

static void
discard_moved(uint64_t page)
{
	versions[page] = 0;
	discard(disk.st, page, 1);
}

/* The same place again, and so the same w0: only the generation tells. */
static void
come_back(uint64_t page)
{
	struct zslot_place p = zslot_decode(disk.st->slots[page].w0);
	uint64_t w0 = disk.st->slots[page].w0;

	if (p.kind != ZSLOT_OBJ)
		return;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(put_object(disk.st, page, 1000 + i, p.len), 0);
	versions[page] = disk.st->slots[page].w0 == w0 ? UINT64_MAX : UINT64_MAX - 1;
}

static void
compact_disturbed(void (*fn)(uint64_t page))
{
	scatter();
	in_move = fn;
	compact();
	in_move = NULL;
	assert_true(moves > 50);
	pool_check(&disk.st->pool);
	assert_int_equal(disk.st->placed, 0);
}

static void
test_overwritten_in_the_move(void **state)
{
	(void)state;
	compact_disturbed(overwrite);
	check_all();
}

static void
test_discarded_in_the_move(void **state)
{
	(void)state;
	compact_disturbed(discard_moved);
	check_all();
}

static void
test_same_word_comes_back_in_the_move(void **state)
{
	unsigned int same = 0;

	(void)state;
	compact_disturbed(come_back);
	for (uint64_t page = 0; page < PAGES; page++) {
		if (versions[page] < UINT64_MAX - 1) {
			assert_true(is_model(&disk.reader, page, versions[page]));
			continue;
		}
		assert_true(is_object(&disk.reader, page, 1001,
		                      zslot_decode(disk.st->slots[page].w0).len));
		same += versions[page] == UINT64_MAX;
	}
	assert_true(same > 0);
}

/* What a process that is killed here leaves. */
static void
look_at_what_is_left(uint64_t page)
{
	struct zstore *second;

	if (moves % 64 != 1)
		return;
	assert_int_equal(zstore_open(disk.dirfd, disk.opts.name, &second), 0);
	pool_check(&second->pool);
	assert_int_equal(zstore_super(second)->stat.pages_stored, STAT(&disk, pages_stored));
	assert_true(is_model(&disk.reader, page, versions[page]));
	zstore_close(second);
}

static void
test_killed_in_the_move(void **state)
{
	(void)state;
	scatter();
	in_move = look_at_what_is_left;
	/* The other one has counted anew, and what this one takes off and adds stays right. */
	compact();
	in_move = NULL;
	assert_true(moves > 50);
	disk_reopen(&disk);
	pool_check(&disk.st->pool);
	check_all();
}

static void
test_closed_in_the_middle(void **state)
{
	unsigned int steps = 0;

	(void)state;
	scatter();
	while (zstore_compact(disk.st, STEP)) {
		if (++steps % 8 != 0)
			continue;
		disk_reopen(&disk);
		pool_check(&disk.st->pool);
		check_all();
		assert_true(steps < 10000);
		for (unsigned int i = 0; i < steps && zstore_compact(disk.st, STEP); i++)
			continue;
	}
	check_all();
}

static void
test_removed_in_the_middle(void **state)
{
	struct zreader_page p;

	(void)state;
	scatter();
	for (unsigned int i = 0; i < 10; i++)
		assert_true(zstore_compact(disk.st, STEP));
	zstore_remove(disk.st);
	assert_int_equal(fetch(&disk.reader, 0, &p), -ENODEV);
}

/* Whoever damaged it, it is not moved: a copy would be no better, and its checksum stays wrong. */
static void
test_damaged_objects_stay(void **state)
{
	uint64_t words[PAGES], nr = 0, compacted;
	struct zreader_page p;

	(void)state;
	scatter();
	for (uint64_t page = 0; page < PAGES; page++) {
		struct zslot_place place = zslot_decode(disk.st->slots[page].w0);

		words[page] = 0;
		if (page % 3 != 0 || place.kind != ZSLOT_OBJ)
			continue;
		words[page] = disk.st->slots[page].w0;
		disk.st->objs[place.offset / 8] ^= 4;
		nr++;
	}
	assert_true(nr > 100);
	assert_true(zstore_wants_compact(disk.st));
	compact();
	pool_check(&disk.st->pool);
	for (uint64_t page = 0; page < PAGES; page++) {
		if (words[page] == 0) {
			assert_true(is_model(&disk.reader, page, versions[page]));
			continue;
		}
		assert_int_equal(disk.st->slots[page].w0, words[page]);
		assert_int_equal(fetch(&disk.reader, page, &p), -EBADMSG);
	}
	/* It does not come back for them for ever. */
	assert_false(zstore_wants_compact(disk.st));
	compacted = STAT(&disk, pages_compacted);
	compact();
	assert_int_equal(STAT(&disk, pages_compacted), compacted);
	/* But when they are gone. */
	for (uint64_t page = 0; page < PAGES; page++) {
		if (words[page] != 0)
			discard(disk.st, page, 1);
	}
	compact();
	assert_true(STAT(&disk, pages_compacted) > compacted);
}

static uint64_t
fill_to_the_limit(void)
{
	uint64_t page = 0;

	while (page < PAGES && put_object(disk.st, page, 1, 100 + (uint32_t)page * 7 % 3000) == 0)
		page++;
	return page;
}

/* Stores of the same size pass at the limit, compaction or not. */
static void
test_at_the_limit(void **state)
{
	uint64_t nr, page;
	unsigned int seed = 3;

	(void)state;
	disk_destroy(&disk);
	assert_true(disk_dir(&disk));
	disk_opts(&disk, PAGES, UINT64_C(2) << 20);
	disk_create(&disk);
	nr = fill_to_the_limit();
	assert_true(nr > 500 && nr < PAGES);
	for (unsigned int i = 0; i < 30000; i++) {
		page = (uint64_t)rand_r(&seed) % nr;
		assert_int_equal(put_object(disk.st, page, 1, 100 + (uint32_t)page * 7 % 3000), 0);
		(void)zstore_compact(disk.st, 1 + (uint32_t)rand_r(&seed) % 100);
		assert_true(STAT(&disk, mem_used) <= disk.opts.mem_limit);
	}
	compact();
	pool_check(&disk.st->pool);
	for (page = 0; page < nr; page++)
		assert_true(is_object(&disk.reader, page, 1, 100 + (uint32_t)page * 7 % 3000));
}

/* In the middle of a move, too: nobody fails for the place that it has taken. */
static void
overwrite_same_size(uint64_t page)
{
	uint32_t len = zslot_decode(disk.st->slots[page].w0).len;

	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(put_object(disk.st, page, 1, len), 0);
}

static void
test_at_the_limit_in_the_move(void **state)
{
	uint64_t nr;

	(void)state;
	disk_destroy(&disk);
	assert_true(disk_dir(&disk));
	disk_opts(&disk, PAGES, UINT64_C(2) << 20);
	disk_create(&disk);
	nr = fill_to_the_limit();
	for (uint64_t page = 0; page < nr; page += 3)
		discard(disk.st, page, 1);
	in_move = overwrite_same_size;
	compact();
	in_move = NULL;
	assert_true(moves > 50);
	pool_check(&disk.st->pool);
	assert_true(STAT(&disk, mem_used_max) <= disk.opts.mem_limit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_gives_memory_back),
	        TEST(test_empty_disk),
	        TEST(test_takes_no_memory),
	        TEST(test_goes_on_between_stores),
	        TEST(test_comes_back_for_what_stores_leave),
	        TEST(test_overwritten_in_the_move),
	        TEST(test_discarded_in_the_move),
	        TEST(test_same_word_comes_back_in_the_move),
	        TEST(test_killed_in_the_move),
	        TEST(test_closed_in_the_middle),
	        TEST(test_removed_in_the_middle),
	        TEST(test_damaged_objects_stay),
	        TEST(test_at_the_limit),
	        TEST(test_at_the_limit_in_the_move),
	};

	return cmocka_run_group_tests_name("compact", tests, NULL, NULL);
}
