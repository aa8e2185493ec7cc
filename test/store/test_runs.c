/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Runs of free pages: joined with neighbours, best fit, and never given out twice. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "store/runs.h"

#define PAGES 2000

static struct zs_page pages[PAGES + 1];
static struct zs_runs runs;

static int
setup(void **state)
{
	(void)state;
	memset(pages, 0, sizeof(pages));
	zs_runs_init(&runs, pages, ZS_PAGE_READY);
	return 0;
}

static void
test_empty(void **state)
{
	uint32_t len;

	(void)state;
	assert_int_equal(zs_runs_take(&runs, 1), ZS_NONE);
	assert_int_equal(zs_runs_take_longest(&runs, 10, &len), ZS_NONE);
	assert_int_equal(runs.free_pages, 0);
}

static void
test_neighbours_are_joined(void **state)
{
	(void)state;
	zs_runs_put(&runs, 10, 5);
	zs_runs_put(&runs, 20, 5);
	assert_int_equal(zs_runs_take(&runs, 6), ZS_NONE);
	zs_runs_put(&runs, 15, 5); /* closes the gap */
	assert_int_equal(runs.free_pages, 15);
	assert_int_equal(zs_runs_take(&runs, 15), 10);
	assert_int_equal(runs.free_pages, 0);

	zs_runs_put(&runs, 1, 1); /* joined from below only, at page 0 */
	zs_runs_put(&runs, 0, 1);
	assert_int_equal(zs_runs_take(&runs, 2), 0);
}

static void
test_other_states_are_left_alone(void **state)
{
	struct zs_runs holes;

	(void)state;
	zs_runs_init(&holes, pages, ZS_PAGE_HOLE);
	zs_runs_put(&runs, 0, 4);
	zs_runs_put(&holes, 4, 4);
	zs_runs_put(&runs, 8, 4);
	assert_int_equal(zs_runs_take(&runs, 5), ZS_NONE);
	assert_int_equal(zs_runs_take(&holes, 4), 4);
	assert_int_equal(zs_runs_take(&holes, 1), ZS_NONE);
	/* Taken out and in nobody's list: still no bridge. */
	assert_int_equal(zs_runs_take(&runs, 5), ZS_NONE);
	zs_runs_put(&runs, 4, 4);
	assert_int_equal(zs_runs_take(&runs, 12), 0);
}

static void
test_best_fit(void **state)
{
	(void)state;
	zs_runs_put(&runs, 0, 64);
	zs_runs_put(&runs, 100, 7);
	zs_runs_put(&runs, 200, 9);
	assert_int_equal(zs_runs_take(&runs, 7), 100);
	assert_int_equal(zs_runs_take(&runs, 8), 200);
	assert_int_equal(zs_runs_take(&runs, 1), 208);
	assert_int_equal(zs_runs_take(&runs, 1), 0);
	assert_int_equal(zs_runs_take(&runs, 64), ZS_NONE);
	assert_int_equal(zs_runs_take(&runs, 63), 1);
}

static void
test_longest_from_the_end(void **state)
{
	uint32_t len;

	(void)state;
	zs_runs_put(&runs, 0, 3);
	zs_runs_put(&runs, 100, 40);
	assert_int_equal(zs_runs_take_longest(&runs, 30, &len), 110);
	assert_int_equal(len, 30);
	assert_int_equal(zs_runs_take_longest(&runs, 30, &len), 100);
	assert_int_equal(len, 10);
	assert_int_equal(zs_runs_take_longest(&runs, 30, &len), 0);
	assert_int_equal(len, 3);
	assert_int_equal(zs_runs_take_longest(&runs, 0, &len), ZS_NONE);
}

enum { FREE, TAKEN };

static uint8_t shadow[PAGES];

static void
shadow_take(uint32_t start, uint32_t len)
{
	for (uint32_t i = start; i < start + len; i++) {
		assert_true(i < PAGES && shadow[i] == FREE);
		shadow[i] = TAKEN;
	}
}

/* Every maximal run of free pages can be had in one piece: nothing was left unjoined. */
static void
check_joined(void)
{
	uint32_t free_nr = 0, start, len;

	for (uint32_t i = 0; i < PAGES; i += len) {
		for (len = 1; i + len < PAGES && shadow[i + len] == shadow[i];)
			len++;
		if (shadow[i] == TAKEN)
			continue;
		free_nr += len;
		assert_int_equal(pages[i].state, ZS_PAGE_READY);
		assert_int_equal(pages[i].run_len, len);
		assert_int_equal(pages[i + len - 1].run_len, len);
	}
	assert_int_equal(runs.free_pages, free_nr);
	start = runs.mask == 0 ? 0 : 63 - (uint32_t)__builtin_clzll(runs.mask);
	assert_true(runs.mask == 0 || runs.bin[start] != ZS_NONE);
}

static void
test_random(void **state)
{
	static struct {
		uint32_t start, len;
	} held[PAGES];
	unsigned int seed = 1, nr = 0;

	(void)state;
	memset(shadow, FREE, sizeof(shadow));
	zs_runs_put(&runs, 0, PAGES);
	for (unsigned int i = 0; i < 100000; i++) {
		unsigned int dice = (unsigned int)rand_r(&seed) % 100;
		uint32_t len = 1 + (uint32_t)rand_r(&seed) % 17;

		if (dice < 45 || nr == 0) {
			held[nr].len = len;
			held[nr].start = zs_runs_take(&runs, len);
		} else if (dice < 50) {
			held[nr].start = zs_runs_take_longest(&runs, len, &held[nr].len);
		} else {
			unsigned int victim = (unsigned int)rand_r(&seed) % nr;

			memset(shadow + held[victim].start, FREE, held[victim].len);
			zs_runs_put(&runs, held[victim].start, held[victim].len);
			held[victim] = held[--nr];
			continue;
		}
		if (held[nr].start != ZS_NONE) {
			shadow_take(held[nr].start, held[nr].len);
			nr++;
		}
		if (i % 500 == 0)
			check_joined();
	}
	while (nr > 0) {
		nr--;
		zs_runs_put(&runs, held[nr].start, held[nr].len);
	}
	assert_int_equal(pages[0].run_len, PAGES);
	assert_int_equal(runs.free_pages, PAGES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_empty, setup),
	        cmocka_unit_test_setup(test_neighbours_are_joined, setup),
	        cmocka_unit_test_setup(test_other_states_are_left_alone, setup),
	        cmocka_unit_test_setup(test_best_fit, setup),
	        cmocka_unit_test_setup(test_longest_from_the_end, setup),
	        cmocka_unit_test_setup(test_random, setup),
	};

	return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
