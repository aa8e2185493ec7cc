/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The pool against a shadow: a byte for each 16 bytes of offsets, filled with the object's mark, so
 * that places that overlap are seen.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/object.h"
#include "pool_check.h"

#define PAGES   2048u
#define OBJECTS 4000u

struct object {
	uint64_t offset;
	uint32_t place_len;
	uint8_t mark;
};

static struct zs_pool pool;
static uint8_t shadow[PAGES * ZS_PAGE / ZOBJ_GRANULE];
static struct object objects[OBJECTS];
static unsigned int objects_nr;

static void
init_pool(uint32_t page_size, uint32_t ready_pages, uint64_t limit)
{
	assert_int_equal(zs_pool_init(&pool, page_size, PAGES, limit), 0);
	pool.high = ready_pages;
	if (ready_pages != 0)
		zs_runs_put(&pool.ready, 0, ready_pages);
	memset(shadow, 0, sizeof(shadow));
	objects_nr = 0;
}

static int
teardown(void **state)
{
	(void)state;
	zs_pool_fini(&pool);
	return 0;
}

static void
shade(const struct object *o, uint8_t from, uint8_t to)
{
	for (uint64_t i = o->offset / 16; i < (o->offset + o->place_len) / 16; i++) {
		assert_int_equal(shadow[i], from);
		shadow[i] = to;
	}
}

static int
add_object(uint32_t place_len, enum zs_claim claim)
{
	struct object *o = &objects[objects_nr];
	int ret = zs_pool_alloc(&pool, place_len, claim, &o->offset);

	if (ret != 0)
		return ret;
	assert_int_equal(o->offset % ZOBJ_GRANULE, 0);
	assert_true(o->offset + place_len <= (uint64_t)pool.high * ZS_PAGE);
	o->place_len = place_len;
	o->mark = (uint8_t)(1 + objects_nr % 255);
	shade(o, 0, o->mark);
	objects_nr++;
	return 0;
}

static void
del_object(unsigned int i)
{
	shade(&objects[i], objects[i].mark, 0);
	zs_pool_free(&pool, objects[i].offset, objects[i].place_len);
	objects[i] = objects[--objects_nr];
}

static uint32_t
random_len(unsigned int *seed, uint32_t page_size)
{
	uint32_t dice = (uint32_t)rand_r(seed) % 8;

	if (dice == 0)
		return zobj_place_len(page_size);
	if (dice == 1)
		return zobj_place_len(8);
	return zobj_place_len(1 + (uint32_t)rand_r(seed) % page_size);
}

/* Rebuilds the pool from what is live, as recovery does, and goes on with the new one. */
static void
reclaim_all(void)
{
	uint32_t high = pool.high, used = pool.used_pages;

	zs_pool_reset(&pool);
	pool.high = high;
	for (unsigned int i = 0; i < objects_nr; i++)
		assert_int_equal(zs_pool_claim(&pool, objects[i].offset, objects[i].place_len), 0);
	zs_pool_settle(&pool);
	assert_int_equal(pool_check(&pool), objects_nr);
	assert_true(pool.used_pages <= used);
	for (uint32_t start, len;
	     (start = zs_runs_take_longest(&pool.holes, PAGES, &len)) != ZS_NONE;)
		zs_runs_put(&pool.ready, start, len);
}

static void
random_ops(uint32_t page_size, uint64_t limit, unsigned int ops, unsigned int seed)
{
	uint32_t failed = 0;

	init_pool(page_size, PAGES, limit);
	for (unsigned int i = 0; i < ops; i++) {
		/* Long waves, so that the pool gets full, and nearly empty again. */
		unsigned int grow = i / (ops / 6) % 2 == 0 ? 65 : 35;

		if (objects_nr == 0 ||
		    (objects_nr < OBJECTS && (unsigned int)rand_r(&seed) % 100 < grow)) {
			enum zs_claim claim =
			        rand_r(&seed) % 4 == 0 ? ZS_CLAIM_REPLACE : ZS_CLAIM_NEW;
			int ret = add_object(random_len(&seed, page_size), claim);

			assert_true(ret == 0 || ret == -ENOMEM || (limit != 0 && ret == -ENOSPC));
			failed += ret != 0;
		} else {
			del_object((unsigned int)rand_r(&seed) % objects_nr);
		}
		assert_true((uint64_t)pool.used_pages * ZS_PAGE <=
		            (limit != 0 ? limit : UINT64_MAX));
		if (i % 1000 == 0)
			assert_int_equal(pool_check(&pool), objects_nr);
		if (i % 5000 == 4999)
			reclaim_all();
	}
	print_message("page size %u: %u of %u failed, %u live objects\n", page_size, failed, ops,
	              objects_nr);
	while (objects_nr > 0)
		del_object(objects_nr - 1);
	pool_check(&pool);
	assert_int_equal(pool.used_pages, 0);
	assert_int_equal(pool.ready.free_pages, PAGES);
	assert_int_equal(pool.pages[0].run_len, PAGES); /* all joined again */
	zs_pool_fini(&pool);
}

static void
test_random(void **state)
{
	(void)state;
	random_ops(4096, 0, 60000, 1);
	random_ops(4096, 0, 60000, 2);
	random_ops(1024, 0, 30000, 3);
	random_ops(16384, 0, 30000, 4);
	random_ops(65536, 0, 30000, 5);
}

static void
test_random_at_the_limit(void **state)
{
	(void)state;
	random_ops(4096, 1u << 20, 60000, 6);
	random_ops(4096, 100 * 1024, 30000, 7);
	random_ops(65536, 2u << 20, 30000, 8);
}

static void
test_fullest_first(void **state)
{
	const uint32_t len = 2048 / 4; /* 8 in a span of one page */

	(void)state;
	init_pool(4096, 64, 0);
	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(add_object(len, ZS_CLAIM_NEW), 0);
	assert_int_equal(pool.used_pages, 4);
	/* Objects were placed in order: span i holds 8i to 8i + 7. Leave 6, 2, 7 and 4 of them. */
	for (unsigned int span = 0; span < 4; span++) {
		static const unsigned int keep[] = {6, 2, 7, 4};

		for (unsigned int i = keep[span]; i < 8; i++)
			zs_pool_free(&pool, objects[8 * span + i].offset, len);
	}
	for (unsigned int i = 0; i < 1 + 2 + 4 + 6; i++) {
		uint64_t offset;

		assert_int_equal(zs_pool_alloc(&pool, len, ZS_CLAIM_NEW, &offset), 0);
		assert_int_equal(offset / ZS_PAGE, i < 1 ? 2 : i < 3 ? 0 : i < 7 ? 3 : 1);
	}
	assert_int_equal(pool.used_pages, 4);
}

static void
test_span_grows_page_by_page(void **state)
{
	const struct zs_class *cls;

	(void)state;
	init_pool(4096, 64, 0);
	cls = &pool.classes.classes[zs_class_of(&pool.classes, 3584)];
	assert_int_equal(cls->pages, 7);
	for (uint32_t i = 1; i <= cls->objs; i++) {
		assert_int_equal(add_object(3584, ZS_CLAIM_NEW), 0);
		assert_int_equal(pool.used_pages, (i * 3584 + ZS_PAGE - 1) / ZS_PAGE);
		assert_int_equal(pool.span_pages, 7);
	}
	assert_int_equal(pool_check(&pool), cls->objs);
}

static void
test_empty_span_goes_back(void **state)
{
	(void)state;
	init_pool(4096, 64, 0);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(add_object(1360, ZS_CLAIM_NEW), 0);
	assert_true(pool.ready.free_pages < 64);
	while (objects_nr > 0)
		del_object(0);
	assert_int_equal(pool.used_pages, 0);
	assert_int_equal(pool.span_pages, 0);
	assert_int_equal(pool.free_bytes, 0);
	assert_int_equal(pool.ready.free_pages, 64);
}

static void
test_no_ready_pages(void **state)
{
	uint64_t offset;

	(void)state;
	init_pool(4096, 0, 0);
	assert_int_equal(zs_pool_alloc(&pool, 64, ZS_CLAIM_NEW, &offset), -ENOMEM);
	pool.high = 14;
	zs_runs_put(&pool.ready, 0, 14);
	assert_int_equal(zs_pool_alloc(&pool, 4112, ZS_CLAIM_NEW, &offset), -ENOMEM);
	assert_int_equal(zs_pool_alloc(&pool, 64, ZS_CLAIM_NEW, &offset), 0);
	pool_check(&pool);
}

/* Full of objects of all sizes; then each can be replaced by one of its size, again and again. */
static void
test_replacements_pass_at_the_limit(void **state)
{
	unsigned int seed = 9, failed = 0;

	(void)state;
	init_pool(4096, PAGES, 4u << 20);
	while (failed < 1000)
		failed += add_object(random_len(&seed, 4096), ZS_CLAIM_NEW) != 0;
	assert_true(pool.used_pages + pool.owed + 8 <= pool.limit);
	assert_true(pool.used_pages > pool.limit * 9 / 10);
	for (unsigned int i = 0; i < 50000; i++) {
		unsigned int victim = (unsigned int)rand_r(&seed) % objects_nr;

		assert_int_equal(add_object(objects[victim].place_len, ZS_CLAIM_REPLACE), 0);
		del_object(victim);
		if (i % 1000 == 0)
			pool_check(&pool);
	}
}

static void
test_claim_refuses_what_cannot_be(void **state)
{
	(void)state;
	init_pool(4096, 64, 0);
	zs_pool_reset(&pool);
	pool.high = 64;
	assert_int_equal(zs_pool_claim(&pool, 16, 4096), -EINVAL);           /* no place there */
	assert_int_equal(zs_pool_claim(&pool, 64 * ZS_PAGE, 32), -EINVAL);   /* beyond the file */
	assert_int_equal(zs_pool_claim(&pool, 60 * ZS_PAGE, 3584), -EINVAL); /* its span is */
	assert_int_equal(zs_pool_claim(&pool, 10 * ZS_PAGE, 3584), 0);
	assert_int_equal(zs_pool_claim(&pool, 10 * ZS_PAGE, 3584), -EEXIST); /* twice */
	assert_int_equal(zs_pool_claim(&pool, 12 * ZS_PAGE, 32), -EEXIST);   /* inside a span */
	assert_int_equal(zs_pool_claim(&pool, 5 * ZS_PAGE, 3584), -EEXIST);  /* into a span */
	assert_int_equal(zs_pool_claim(&pool, 2 * ZS_PAGE, 3584), 0);
	zs_pool_settle(&pool);
	assert_int_equal(pool_check(&pool), 2);
	/* One of the two may have been growing, the other one held its pages. */
	assert_int_equal(pool.used_pages, 1 + 7);
	assert_int_equal(pool.holes.free_pages, 64 - 14);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_random),
	        cmocka_unit_test(test_random_at_the_limit),
	        cmocka_unit_test_teardown(test_fullest_first, teardown),
	        cmocka_unit_test_teardown(test_span_grows_page_by_page, teardown),
	        cmocka_unit_test_teardown(test_empty_span_goes_back, teardown),
	        cmocka_unit_test_teardown(test_no_ready_pages, teardown),
	        cmocka_unit_test_teardown(test_replacements_pass_at_the_limit, teardown),
	        cmocka_unit_test_teardown(test_claim_refuses_what_cannot_be, teardown),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
