/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Zipf's law, against its formula, and the sequence below it. */

#include "test_util.h"

#include <math.h>

#include "zipf.h"

#define DRAWS 1000000u
#define RANKS 1000u

static void
test_range(void **state)
{
	static const uint64_t sizes[] = {2, 3, 10, 1000};
	uint64_t random = 7;
	struct zipf z;

	(void)state;
	for (size_t i = 0; i < TEST_NR(sizes); i++) {
		uint64_t seen_last = 0;

		zipf_init(&z, sizes[i], 0.5);
		for (unsigned int n = 0; n < DRAWS; n++) {
			uint64_t rank = zipf_next(&z, &random);

			assert_true(rank < sizes[i]);
			seen_last += rank == sizes[i] - 1;
		}
		assert_true(seen_last > 0);
	}
}

/* The two first ranks are exact, the others an approximation. */
static void
test_law(void **state)
{
	static uint32_t counts[RANKS];
	uint64_t random = 1;
	double head = 0, zeta = 0;
	struct zipf z;

	(void)state;
	zipf_init(&z, RANKS, 0.99);
	for (unsigned int i = 1; i <= RANKS; i++)
		zeta += pow(i, -0.99);
	assert_true(fabs(z.zeta - zeta) < 1e-9);
	for (unsigned int i = 0; i < DRAWS; i++)
		counts[zipf_next(&z, &random)]++;
	assert_true(fabs(counts[0] / (DRAWS / zeta) - 1) < 0.02);
	assert_true(fabs(counts[1] / (DRAWS * pow(2, -0.99) / zeta) - 1) < 0.02);
	for (unsigned int i = 0; i < 100; i++)
		head += counts[i];
	zeta = 0;
	for (unsigned int i = 1; i <= 100; i++)
		zeta += pow(i, -0.99);
	assert_true(fabs(head / (DRAWS * zeta / z.zeta) - 1) < 0.03);
	assert_true(counts[0] > counts[1] && counts[1] > counts[10] && counts[10] > counts[100]);
}

static void
test_same_again(void **state)
{
	uint64_t a = 5, b = 5, c = 6;
	struct zipf z;
	bool differ = false;

	(void)state;
	zipf_init(&z, RANKS, 0.99);
	for (unsigned int i = 0; i < 100; i++) {
		uint64_t rank = zipf_next(&z, &a);

		assert_true(rank == zipf_next(&z, &b));
		differ |= rank != zipf_next(&z, &c);
	}
	assert_true(differ);
}

static void
test_unit(void **state)
{
	uint64_t random = 3;
	double sum = 0;

	(void)state;
	for (unsigned int i = 0; i < DRAWS; i++) {
		double u = zipf_unit(&random);

		assert_true(u >= 0 && u < 1);
		sum += u;
	}
	assert_true(fabs(sum / DRAWS - 0.5) < 0.01);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_range),
	        cmocka_unit_test(test_law),
	        cmocka_unit_test(test_same_again),
	        cmocka_unit_test(test_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
