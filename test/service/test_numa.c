/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Which node each kind of memory is asked for, on a host with two that is made of script. */

#include <errno.h>
#include <limits.h>

#include <numaif.h>

#include "test_util.h"

#include "base/log.h"
#include "numa_mock.h"
#include "numa_policy.h"

static struct zd_numa numa;
static char mem[1];

static int
set_up(void **state)
{
	(void)state;
	mock_numa_reset();
	memset(&numa, 0xff, sizeof(numa));
	zd_numa_init(&numa);
	return 0;
}

/* Nothing is known, and nothing is asked for. */
static void
expect_off(void)
{
	static const unsigned int cpus[] = {0, 1};

	zd_numa_init(&numa);
	assert_int_equal(zd_numa_node_of_cpu(&numa, 1), -1);
	zd_numa_stay_near(&numa, cpus, 2);
	zd_numa_place(&numa, mem, 4096, 1);
	assert_int_equal(mock_numa.nr_calls, 0);
	assert_false(numa.has_complained);
	mock_numa_reset();
}

static void
test_nothing_to_do(void **state)
{
	static const int policies[] = {MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE, 77};

	(void)state;
	mock_numa.one_node = true;
	expect_off();
	mock_numa.unavailable = true;
	expect_off();
	for (unsigned int i = 0; i < TEST_NR(policies); i++) {
		mock_numa.mode = policies[i];
		expect_off();
	}
	mock_numa.get_mempolicy_err = EPERM;
	expect_off();
	mock_numa.get_mempolicy_err = ENOSYS;
	expect_off();
}

static void
test_node_of_cpu(void **state)
{
	(void)state;
	assert_int_equal(zd_numa_node_of_cpu(&numa, 0), 0);
	assert_int_equal(zd_numa_node_of_cpu(&numa, 7), 1);
	assert_int_equal(zd_numa_node_of_cpu(&numa, MOCK_CPU_BARE), -1);
	assert_int_equal(zd_numa_node_of_cpu(&numa, MOCK_CPU_UNKNOWN), -1);
	/* The kernel's own name for what is the default. */
	mock_numa.mode = MPOL_LOCAL;
	zd_numa_init(&numa);
	assert_int_equal(zd_numa_node_of_cpu(&numa, 7), 1);
}

/* One node is preferred, several take turns, one without memory counts for nothing. */
static void
test_stay_near(void **state)
{
	static const struct {
		unsigned int cpus[3], nr;
		int mode;
		unsigned long nodes; /* 0: nothing is asked for */
	} cases[] = {
	        {{0}, 1, MPOL_PREFERRED, 1},
	        {{1}, 1, MPOL_PREFERRED, 2},
	        {{3, 1, 5}, 3, MPOL_PREFERRED, 2},
	        {{0, 1}, 2, MPOL_INTERLEAVE, 3},
	        {{5, 2, 3}, 3, MPOL_INTERLEAVE, 3},
	        {{MOCK_CPU_BARE, 1, MOCK_CPU_UNKNOWN}, 3, MPOL_PREFERRED, 2},
	        {{MOCK_CPU_BARE, MOCK_CPU_UNKNOWN}, 2, 0, 0},
	        {{0}, 0, 0, 0},
	};

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(cases); i++) {
		mock_numa_reset();
		zd_numa_stay_near(&numa, cases[i].cpus, cases[i].nr);
		assert_int_equal(mock_numa.nr_calls, cases[i].nodes != 0);
		assert_int_equal(mock_numa.calls[0].mode, cases[i].mode);
		assert_int_equal(mock_numa.calls[0].nodes, cases[i].nodes);
	}
	assert_false(numa.has_complained);
}

/* A client may say what it likes. */
static void
test_place(void **state)
{
	static const int wrong[] = {-1, INT_MIN, 2, 5, 63, 64, 1023, 1024, 65535, INT_MAX};

	(void)state;
	for (int node = 0; node < 2; node++) {
		mock_numa_reset();
		zd_numa_place(&numa, mem, 12288, node);
		assert_int_equal(mock_numa.nr_calls, 1);
		assert_int_equal(mock_numa.calls[0].mode, MPOL_PREFERRED);
		assert_int_equal(mock_numa.calls[0].nodes, 1ul << node);
		assert_ptr_equal(mock_numa.calls[0].mem, mem);
		assert_int_equal(mock_numa.calls[0].len, 12288);
	}
	mock_numa_reset();
	for (unsigned int i = 0; i < TEST_NR(wrong); i++)
		zd_numa_place(&numa, mem, 4096, wrong[i]);
	assert_int_equal(mock_numa.nr_calls, 0);
	assert_false(numa.has_complained);
}

/* Whatever fails, it is said, and asked for again the next time. */
static void
test_failures(void **state)
{
	static const unsigned int cpu = 1;
	static const int errs[] = {EPERM, ENOMEM, ENOSYS, EINVAL};

	(void)state;
	for (unsigned int i = 0; i < 2 * TEST_NR(errs); i++) {
		mock_numa_reset();
		zd_numa_init(&numa);
		mock_numa.set_mempolicy_err = mock_numa.mbind_err = errs[i / 2];
		if (i % 2 == 0)
			zd_numa_stay_near(&numa, &cpu, 1);
		else
			zd_numa_place(&numa, mem, 4096, 0);
		assert_true(numa.has_complained);
		zd_numa_place(&numa, mem, 4096, 0);
		assert_int_equal(mock_numa.nr_calls, 2);
		assert_int_equal(zd_numa_node_of_cpu(&numa, cpu), 1);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_nothing_to_do), TEST(test_node_of_cpu), TEST(test_stay_near),
	        TEST(test_place),         TEST(test_failures),
	};

	/* Failing warns, here on purpose. */
	zc_log_init("test_numa", ZC_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
