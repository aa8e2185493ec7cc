/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Rates, shares and distributions, right and wrong. */

#include "test_util.h"

#include <errno.h>

#include "load_opts.h"

static void
test_defaults(void **state)
{
	struct load_opts o;

	(void)state;
	load_opts_init(&o);
	assert_int_equal(o.nr_rates, 5);
	assert_true(o.rates[0] == 10 && o.rates[4] == 90);
	assert_true(o.mix[0] == 30 && o.mix[1] == 60 && o.mix[2] == 10);
	assert_false(o.zipf);
}

static void
test_rates(void **state)
{
	static const char *const wrong[] = {
	        "",    ",",   "10,",   ",10", "0",     "-5",
	        "101", "ten", "10;20", "nan", "10 20", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
	};
	struct load_opts o;

	(void)state;
	load_opts_init(&o);
	for (size_t i = 0; i < TEST_NR(wrong); i++)
		assert_int_equal(load_opts_rates(&o, wrong[i]), -EINVAL);
	assert_int_equal(o.nr_rates, 5);
	assert_int_equal(load_opts_rates(&o, "0.5,100"), 0);
	assert_int_equal(o.nr_rates, 2);
	assert_true(o.rates[0] == 0.5 && o.rates[1] == 100);
	assert_int_equal(load_opts_rates(&o, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"), 0);
	assert_int_equal(o.nr_rates, LOAD_RATES_MAX);
}

static void
test_mix(void **state)
{
	static const char *const wrong[] = {"",      "1:2",      "1:2:3:4", "0:0:0",
	                                    "a:b:c", "1:2:1001", "-1:2:3",  "1::3"};
	struct load_opts o;

	(void)state;
	load_opts_init(&o);
	for (size_t i = 0; i < TEST_NR(wrong); i++)
		assert_int_equal(load_opts_mix(&o, wrong[i]), -EINVAL);
	assert_int_equal(o.mix[1], 60);
	assert_int_equal(load_opts_mix(&o, "1:0:1000"), 0);
	assert_true(o.mix[0] == 1 && o.mix[1] == 0 && o.mix[2] == 1000);
}

static void
test_dist(void **state)
{
	struct load_opts o;

	(void)state;
	load_opts_init(&o);
	assert_int_equal(load_opts_dist(&o, "zipf"), 0);
	assert_true(o.zipf);
	assert_int_equal(load_opts_dist(&o, "uniform"), 0);
	assert_false(o.zipf);
	assert_int_equal(load_opts_dist(&o, "normal"), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_defaults),
	        cmocka_unit_test(test_rates),
	        cmocka_unit_test(test_mix),
	        cmocka_unit_test(test_dist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
