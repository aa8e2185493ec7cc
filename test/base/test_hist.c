/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The histogram against arithmetic on its buckets' edges and against a sorted array. */

#include <stdlib.h>

#include "test_util.h"

#include "base/hist.h"

/* A prime, so that no per mille of it but 1000 is a whole number and each rank is clear. */
#define NR_VALUES 9973

static struct zc_hist hist, other, both;

static int
clear(void **state)
{
	(void)state;
	memset(&hist, 0, sizeof(hist));
	memset(&other, 0, sizeof(other));
	memset(&both, 0, sizeof(both));
	return 0;
}

static unsigned int
bucket_of(uint64_t value)
{
	unsigned int found = ZC_HIST_BUCKETS;

	memset(&other, 0, sizeof(other));
	zc_hist_add(&other, value);
	assert_int_equal(other.count, 1);
	for (unsigned int i = 0; i < ZC_HIST_BUCKETS; i++) {
		if (other.buckets[i] != 0) {
			assert_int_equal(found, ZC_HIST_BUCKETS);
			found = i;
		}
	}
	assert_true(found < ZC_HIST_BUCKETS);
	return found;
}

static void
test_bucket_edges(void **state)
{
	uint64_t first = 0;

	(void)state;
	for (unsigned int bucket = 0; bucket < ZC_HIST_BUCKETS; bucket++) {
		unsigned int shift = bucket < 2 * ZC_HIST_SUB ? 0 : bucket / ZC_HIST_SUB - 1;
		uint64_t last = first + (1ull << shift) - 1;

		assert_int_equal(bucket_of(first), bucket);
		assert_int_equal(bucket_of(last), bucket);
		first = last + 1;
	}
	/* The last bucket ended at the largest value there is. */
	assert_int_equal(first, 0);
}

static void
test_empty(void **state)
{
	(void)state;
	assert_int_equal(zc_hist_percentile(&hist, 0), 0);
	assert_int_equal(zc_hist_percentile(&hist, 50), 0);
	assert_int_equal(zc_hist_percentile(&hist, 100), 0);
	assert_true(zc_hist_mean(&hist) == 0.0);
}

static void
test_one_value(void **state)
{
	static const uint64_t values[] = {0, 1, 31, 32, 33, 1000, 123456789, UINT64_MAX};

	for (size_t i = 0; i < TEST_NR(values); i++) {
		clear(state);
		zc_hist_add(&hist, values[i]);
		assert_int_equal(zc_hist_percentile(&hist, 0), values[i]);
		assert_int_equal(zc_hist_percentile(&hist, 50), values[i]);
		assert_int_equal(zc_hist_percentile(&hist, 100), values[i]);
		assert_int_equal(hist.max, values[i]);
		assert_true(zc_hist_mean(&hist) == (double)values[i]);
	}
}

/* No fewer values than asked for lie at or below the answer, however few there are. */
static void
test_few_values(void **state)
{
	(void)state;
	zc_hist_add(&hist, 1);
	zc_hist_add(&hist, 10);
	zc_hist_add(&hist, 20);
	zc_hist_add(&hist, 30);
	assert_int_equal(zc_hist_percentile(&hist, 0), 1);
	assert_int_equal(zc_hist_percentile(&hist, 25), 1);
	assert_int_equal(zc_hist_percentile(&hist, 26), 10);
	assert_int_equal(zc_hist_percentile(&hist, 50), 10);
	assert_int_equal(zc_hist_percentile(&hist, 51), 20);
	assert_int_equal(zc_hist_percentile(&hist, 75), 20);
	assert_int_equal(zc_hist_percentile(&hist, 99.9), 30);
	assert_int_equal(zc_hist_percentile(&hist, 100), 30);
	assert_true(zc_hist_mean(&hist) == 15.25);
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
check_percentiles(const uint64_t *sorted)
{
	for (unsigned int mille = 0; mille <= 1000; mille++) {
		uint64_t rank = ((uint64_t)NR_VALUES * mille + 999) / 1000;
		uint64_t exact = sorted[rank == 0 ? 0 : rank - 1];
		uint64_t got = zc_hist_percentile(&hist, mille / 10.0);

		assert_true(got >= exact);
		assert_true(got - exact <= exact / ZC_HIST_SUB);
	}
}

static void
test_percentiles(void **state)
{
	static uint64_t values[NR_VALUES];
	uint64_t seed = 1;

	/* All of one width, then of any width. */
	for (unsigned int width = 6; width <= 65; width++) {
		clear(state);
		for (size_t i = 0; i < NR_VALUES; i++) {
			uint64_t bits = width == 65 ? test_random(&seed) % 64 + 1 : width;

			values[i] = test_random(&seed) >> (64 - bits);
			zc_hist_add(&hist, values[i]);
		}
		qsort(values, NR_VALUES, sizeof(values[0]), compare);
		assert_int_equal(hist.count, NR_VALUES);
		assert_int_equal(hist.max, values[NR_VALUES - 1]);
		check_percentiles(values);
	}
}

static void
test_merge(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		uint64_t value = test_random(&seed) >> test_random(&seed) % 64;

		zc_hist_add(i % 3 == 0 ? &hist : &other, value);
		zc_hist_add(&both, value);
	}
	zc_hist_merge(&hist, &other);
	assert_memory_equal(&hist, &both, sizeof(hist));

	/* Nothing added changes nothing, and the smaller maximum does not win. */
	memset(&other, 0, sizeof(other));
	zc_hist_merge(&hist, &other);
	assert_memory_equal(&hist, &both, sizeof(hist));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_bucket_edges, clear),
	        cmocka_unit_test_setup(test_empty, clear),
	        cmocka_unit_test_setup(test_one_value, clear),
	        cmocka_unit_test_setup(test_few_values, clear),
	        cmocka_unit_test_setup(test_percentiles, clear),
	        cmocka_unit_test_setup(test_merge, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
