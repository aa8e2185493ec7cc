/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * What compaction asks of the pool: marks, places elsewhere, pages given back. Objects are offsets
 * and lengths here; test_compact.c has bytes.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "ipc/object.h"
#include "pool_check.h"

#define PAGES   4096u
#define OBJECTS 6000u

struct object {
	uint64_t offset;
	uint32_t place_len;
};

static struct zs_pool pool;
static struct object objects[OBJECTS];
static unsigned int objects_nr;

static void
init_pool(uint32_t page_size, uint64_t limit)
{
	assert_int_equal(zs_pool_init(&pool, page_size, PAGES, limit), 0);
	pool.high = PAGES;
	zs_runs_put(&pool.ready, 0, PAGES);
	objects_nr = 0;
}

static int
teardown(void **state)
{
	(void)state;
	zs_pool_fini(&pool);
	return 0;
}

static int
add_object(uint32_t place_len)
{
	struct object *o = &objects[objects_nr];
	int ret = zs_pool_alloc(&pool, place_len, ZS_CLAIM_NEW, &o->offset);

	o->place_len = place_len;
	objects_nr += ret == 0;
	return ret;
}

static void
del_object(unsigned int i)
{
	zs_pool_free(&pool, objects[i].offset, objects[i].place_len);
	objects[i] = objects[--objects_nr];
}

static void
add_random(unsigned int nr, uint32_t page_size, unsigned int *seed)
{
	for (unsigned int i = 0; i < nr && objects_nr < OBJECTS; i++)
		(void)add_object(zobj_place_len(1 + (uint32_t)rand_r(seed) % page_size));
}

static void
del_random(unsigned int nr, unsigned int *seed)
{
	for (unsigned int i = 0; i < nr && objects_nr > 0; i++)
		del_object((unsigned int)rand_r(seed) % objects_nr);
}

static uint32_t
mark_all(void)
{
	struct zs_marking m = {0};

	for (uint32_t c = 0; c < pool.classes.nr; c++) {
		while (zs_pool_mark(&pool, c, &m))
			pool_check(&pool);
	}
	pool_check(&pool);
	return m.pages;
}

static void
move_object(unsigned int i)
{
	uint32_t used = pool.used_pages;
	uint64_t to;

	if (!zs_pool_is_victim(&pool, objects[i].offset) ||
	    zs_pool_alloc_elsewhere(&pool, objects[i].place_len, &to) != 0)
		return;
	/* It takes no pages, and no place that is to be emptied itself. */
	assert_int_equal(pool.used_pages, used);
	assert_true(zs_pool_maybe_victim(&pool, objects[i].offset));
	assert_false(zs_pool_is_victim(&pool, to));
	zs_pool_free(&pool, objects[i].offset, objects[i].place_len);
	objects[i].offset = to;
}

static void
unmark_all(void)
{
	for (uint32_t c = 0; c < pool.classes.nr; c++) {
		while (zs_pool_unmark(&pool, c))
			pool_check(&pool);
	}
	assert_int_equal(pool_check(&pool), objects_nr);
	for (uint32_t page = 0; page < pool.high; page++)
		assert_int_equal(pool.pages[page].victim, 0);
}

/* @return pages given back */
static uint32_t
round_of_all(void)
{
	uint32_t used = pool.used_pages, owed = pool.used_pages + pool.owed, pages = mark_all();

	for (unsigned int i = 0; i < objects_nr; i++)
		move_object(i);
	unmark_all();
	/* Where there is a limit, new objects find no less room than before. */
	assert_true(pages == 0 || pool.used_pages < used);
	assert_true(pool.limit == UINT32_MAX || pool.used_pages + pool.owed <= owed);
	return pages;
}

static void
compact_all(void)
{
	unsigned int rounds = 0;

	while (round_of_all() != 0)
		assert_true(++rounds < 8);
}

/* The least pages that the objects fit in. */
static uint32_t
least_pages(void)
{
	uint32_t nr[ZS_CLASSES] = {0}, pages = 0;

	for (unsigned int i = 0; i < objects_nr; i++)
		nr[zs_class_of(&pool.classes, objects[i].place_len)]++;
	for (uint32_t c = 0; c < pool.classes.nr; c++) {
		const struct zs_class *cls = &pool.classes.classes[c];
		uint32_t rest = nr[c] % cls->objs;

		pages += nr[c] / cls->objs * cls->pages;
		pages += (rest * cls->size + ZS_PAGE - 1) / ZS_PAGE;
	}
	return pages;
}

static void
pack(uint32_t page_size, unsigned int nr, unsigned int seed)
{
	init_pool(page_size, 0);
	add_random(nr, page_size, &seed);
	for (unsigned int i = 0; i < 10; i++) {
		del_random(nr / 2, &seed);
		add_random(nr / 2, page_size, &seed);
	}
	del_random(nr / 3, &seed);
	assert_true(zs_pool_compactable(&pool) > 0);
	compact_all();
	assert_int_equal(pool.used_pages, least_pages());
	assert_int_equal(zs_pool_compactable(&pool), 0);
	print_message("pages of %u: %u objects in %u pages\n", page_size, objects_nr,
	              pool.used_pages);
	/* The pool goes on as it was. */
	add_random(nr / 3, page_size, &seed);
	assert_int_equal(pool_check(&pool), objects_nr);
	del_random(objects_nr, &seed);
	pool_check(&pool);
	assert_int_equal(pool.used_pages, 0);
	assert_int_equal(pool.ready.free_pages, PAGES);
	zs_pool_fini(&pool);
}

static void
test_packs_as_tight_as_can_be(void **state)
{
	(void)state;
	pack(4096, 4000, 1);
	pack(4096, 600, 2);
	pack(1024, 6000, 3);
	pack(16384, 600, 4);
	pack(65536, 150, 5);
}

static void
test_at_rest_nothing_is_marked(void **state)
{
	(void)state;
	init_pool(4096, 0);
	assert_int_equal(round_of_all(), 0);
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(add_object(1360), 0);
	assert_int_equal(round_of_all(), 0);
	assert_int_equal(zs_pool_compactable(&pool), 0);
}

/* Three spans of one page with three places: one object each of two of them fits into the third. */
static void
test_the_emptiest_goes_into_the_fullest(void **state)
{
	const uint32_t len = 1360;
	uint64_t kept;

	(void)state;
	init_pool(4096, 0);
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(add_object(len), 0);
	kept = objects[3].offset; /* of the second span, the only one that keeps two */
	del_object(5);            /* now there: 8 */
	del_object(1);            /* 7 */
	del_object(2);            /* 6 */
	assert_int_equal(objects_nr, 6);
	assert_int_equal(pool.used_pages, 3);
	assert_int_equal(mark_all(), 1);
	for (unsigned int i = 0; i < objects_nr; i++) {
		if (objects[i].offset == kept)
			assert_false(zs_pool_is_victim(&pool, kept));
		move_object(i);
	}
	unmark_all();
	assert_int_equal(pool.used_pages, 2);
}

static void
test_no_place_elsewhere(void **state)
{
	uint64_t offset;

	(void)state;
	init_pool(4096, 0);
	assert_int_equal(zs_pool_alloc_elsewhere(&pool, 1360, &offset), -ENOSPC);
	assert_int_equal(add_object(1360), 0);
	assert_int_equal(zs_pool_alloc_elsewhere(&pool, 1360, &offset), 0);
	assert_int_equal(zs_pool_alloc_elsewhere(&pool, 1360, &offset), 0);
	assert_int_equal(zs_pool_alloc_elsewhere(&pool, 1360, &offset), -ENOSPC);
	assert_int_equal(pool.used_pages, 1);
	zs_pool_fini(&pool);
	/* Where there is a limit, the last one stays for who replaces an object. */
	init_pool(4096, 1u << 20);
	assert_int_equal(add_object(1360), 0);
	assert_int_equal(zs_pool_alloc_elsewhere(&pool, 1360, &offset), 0);
	assert_int_equal(zs_pool_alloc_elsewhere(&pool, 1360, &offset), -ENOSPC);
	assert_int_equal(zs_pool_alloc(&pool, 1360, ZS_CLAIM_REPLACE, &offset), 0);
}

/* Who needs a place gets a victim's, rather than a page. */
static void
test_victims_are_the_last_places(void **state)
{
	const uint32_t len = 512; /* 8 in a page */
	uint32_t victims = 0;

	(void)state;
	init_pool(4096, 0);
	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(add_object(len), 0);
	for (unsigned int i = 0; i < 12; i++)
		del_object(i < 6 ? 0 : 7); /* holes in several spans */
	assert_int_equal(mark_all(), 1);
	for (unsigned int i = 0; i < objects_nr; i++)
		victims += zs_pool_is_victim(&pool, objects[i].offset);
	assert_true(victims > 0 && victims < 8);
	for (unsigned int i = 0; i < 12; i++) {
		assert_int_equal(add_object(len), 0);
		/* First all others. */
		assert_true(i >= 12 - (8 - victims) ||
		            !zs_pool_is_victim(&pool, objects[objects_nr - 1].offset));
		assert_int_equal(pool_check(&pool), objects_nr);
	}
	assert_int_equal(pool.used_pages, 4);
	unmark_all();
	assert_int_equal(pool.used_pages, 4);
}

static void
test_at_the_limit(void **state)
{
	unsigned int seed = 6, failed = 0;

	(void)state;
	init_pool(4096, 4u << 20);
	for (unsigned int i = 0; i < 20; i++) {
		for (failed = 0; failed < 200;)
			failed +=
			        add_object(zobj_place_len(1 + (uint32_t)rand_r(&seed) % 4096)) != 0;
		compact_all();
		/* Full as it is, each object can be replaced by one of its size. */
		for (unsigned int n = 0; n < objects_nr; n++) {
			uint64_t offset;

			assert_int_equal(zs_pool_alloc(&pool, objects[n].place_len,
			                               ZS_CLAIM_REPLACE, &offset),
			                 0);
			zs_pool_free(&pool, objects[n].offset, objects[n].place_len);
			objects[n].offset = offset;
		}
		pool_check(&pool);
		del_random(objects_nr / 3, &seed);
		compact_all();
	}
}

static void
random_with_compaction(uint32_t page_size, uint64_t limit, unsigned int ops, unsigned int seed)
{
	struct zs_marking m = {0};
	uint32_t c = 0;

	init_pool(page_size, limit);
	for (unsigned int i = 0; i < ops; i++) {
		unsigned int grow = i / (ops / 6) % 2 == 0 ? 65 : 35;
		unsigned int what = (unsigned int)rand_r(&seed) % 10;

		if (what < 5 && (unsigned int)rand_r(&seed) % 100 < grow)
			add_random(1, page_size, &seed);
		else if (what < 5)
			del_random(1, &seed);
		else if (what < 8 && objects_nr > 0)
			move_object((unsigned int)rand_r(&seed) % objects_nr);
		else if (i % 4096 < 1024)
			c = (c + !zs_pool_mark(&pool, c, &m)) % pool.classes.nr;
		else if (i % 4096 > 3000)
			c = (c + !zs_pool_unmark(&pool, c)) % pool.classes.nr;
		if (i % 500 == 0)
			assert_int_equal(pool_check(&pool), objects_nr);
	}
	unmark_all();
	if (limit == 0) {
		compact_all();
		assert_int_equal(pool.used_pages, least_pages());
	}
	del_random(objects_nr, &seed);
	pool_check(&pool);
	assert_int_equal(pool.ready.free_pages, PAGES);
	zs_pool_fini(&pool);
}

/* Objects come and go between any two steps. */
static void
test_random(void **state)
{
	(void)state;
	random_with_compaction(4096, 0, 100000, 11);
	random_with_compaction(4096, 2u << 20, 100000, 12);
	random_with_compaction(1024, 0, 50000, 13);
	random_with_compaction(65536, 0, 20000, 14);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_packs_as_tight_as_can_be),
	        cmocka_unit_test_teardown(test_at_rest_nothing_is_marked, teardown),
	        cmocka_unit_test_teardown(test_the_emptiest_goes_into_the_fullest, teardown),
	        cmocka_unit_test_teardown(test_no_place_elsewhere, teardown),
	        cmocka_unit_test_teardown(test_victims_are_the_last_places, teardown),
	        cmocka_unit_test_teardown(test_at_the_limit, teardown),
	        cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("compact-pool", tests, NULL, NULL);
}
