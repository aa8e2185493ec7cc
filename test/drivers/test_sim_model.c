/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The model of compress_sim in time: latency, engines, bandwidth, groups, order, lateness. What is
 * said of time is what an operation does not come before, and what the model has counted, which
 * does not depend on how fast the host is.
 */

#include "sim_env.h"

#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "sim_pmd.h"

#define NR 32

static struct sim_pmd_stats
model_stats(void)
{
	struct sim_pmd_stats stats;

	assert_int_equal(sim_pmd_stats_get(SIM_NAME, &stats), 0);
	return stats;
}

/*
 * Of NR operations that are enqueued at once, the n-th comes not before n / engines rounded up
 * times the service time, nor before n times what the link takes and a latency.
 */
static void
not_before(const char *args, unsigned int engines, double latency_us, double link_us)
{
	struct rte_comp_op *ops[NR];
	uint64_t begin;

	sim_open(args, 1, NR);
	sim_ops_create(ops, NR, 0);
	begin = rte_rdtsc();
	test_enqueue_all(0, ops, NR);
	for (unsigned int i = 0; i < NR; i++) {
		unsigned int turn = i / engines + 1;
		struct rte_comp_op *op;
		uint64_t passed;

		test_dequeue_all(0, &op, 1);
		passed = rte_rdtsc() - begin;
		assert_int_equal(*test_tag(op), i);
		/* Each operation's time is rounded down, by less than a cycle. */
		assert_true(passed + 2 * NR >= sim_cycles(turn * latency_us));
		assert_true(passed + 2 * NR >= sim_cycles((i + 1) * link_us + latency_us));
	}
	assert_int_equal(rte_compressdev_dequeue_burst(env.dev, 0, ops, 1), 0);
	assert_int_equal(model_stats().ops, NR);
	sim_ops_free(ops, NR);
	sim_close();
}

static void
engines_and_bandwidth(void **state)
{
	(void)state;
	not_before("codec=null,latency_us=40", 1, 40, 0);
	not_before("codec=null,latency_us=100,engines=4", 4, 100, 0);
	not_before("codec=null,latency_us=300,engines=1024", 1024, 300, 0);
	/* 4096 bytes at 100 MB/s are 40.96 us. */
	not_before("codec=null,latency_us=0,bandwidth=100", 1, 0, 40.96);
	not_before("codec=null,latency_us=200,bandwidth=100,engines=32", 32, 200, 40.96);
	not_before("codec=null,latency_us=0.5,bandwidth=200,engines=2", 2, 0.5, 20.48);
	not_before("latency_us=60,engines=2", 2, 60, 0);
	not_before("latency_us=uniform:50:50,engines=3", 3, 50, 0);
}

/* What is enqueued at once and served at once comes at once. */
static void
at_once(const char *args, unsigned int engines)
{
	struct rte_comp_op *ops[NR];

	sim_open(args, 1, NR);
	sim_ops_create(ops, NR, 0);
	test_enqueue_all(0, ops, NR);
	for (unsigned int nr = 0; nr < NR;) {
		uint16_t got = rte_compressdev_dequeue_burst(env.dev, 0, &ops[nr], NR);

		assert_int_equal(got % engines, 0);
		nr += got;
	}
	assert_true(sim_in_order(ops, NR, 0));
	sim_ops_free(ops, NR);
	sim_close();
}

static void
engines_work_at_once(void **state)
{
	(void)state;
	at_once("codec=null,latency_us=300,engines=4", 4);
	at_once("codec=null,latency_us=300,engines=32", 32);
	at_once("codec=null,latency_us=300,engines=1024", 32);
	at_once("codec=null,latency_us=uniform:300:300,engines=8", 8);
	at_once("codec=null,latency_us=uniform:300:300,engines=100", 32);
	/* One engine serves in turn, however long each takes. */
	at_once("codec=null,latency_us=uniform:1:300,engines=1", 1);
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The latencies, sorted, in ns, of @p nr operations: each one's is what engine_ns grows by. */
static void
latencies(const char *args, uint64_t *ns, unsigned int nr)
{
	struct rte_mbuf m[2];
	struct rte_comp_op *op;
	uint64_t before = 0;

	sim_open(args, 1, nr);
	test_raw_mbuf(&m[0], NULL, TEST_PAGE);
	test_raw_mbuf(&m[1], NULL, TEST_PAGE);
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t now;

		op = test_op(env.compress, &m[0], &m[1]);
		test_enqueue_all(0, &op, 1);
		now = model_stats().engine_ns;
		ns[i] = now - before;
		before = now;
	}
	rte_compressdev_stop(env.dev);
	for (unsigned int i = 0; i < nr; i++) {
		test_dequeue_all(0, &op, 1);
		test_op_free(op);
	}
	sim_close();
	qsort(ns, nr, sizeof(*ns), compare);
}

static void
distributions(void **state)
{
	enum { SAMPLES = 4096 };
	static uint64_t ns[SAMPLES], again[SAMPLES];

	(void)state;
	latencies("codec=null,depth=4096,latency_us=20", ns, SAMPLES);
	assert_in_range(ns[0], 19900, 20100);
	assert_in_range(ns[SAMPLES - 1], 19900, 20100);

	latencies("codec=null,depth=4096,latency_us=uniform:10:30", ns, SAMPLES);
	assert_in_range(ns[0], 9900, 10200);
	assert_in_range(ns[SAMPLES / 2], 19000, 21000);
	assert_in_range(ns[SAMPLES - 1], 29800, 30100);

	latencies("codec=null,depth=4096,latency_us=tail:10:100", ns, SAMPLES);
	assert_in_range(ns[SAMPLES / 2], 9500, 10500);
	assert_in_range(ns[SAMPLES * 99 / 100], 75000, 135000);
	/* A half are up to the median; beyond p99 there is more to come. */
	assert_true(ns[0] > 5000);
	assert_true(ns[SAMPLES - 1] > 250000);

	/* The same seed, the same numbers; another one, others. */
	latencies("codec=null,depth=4096,latency_us=tail:10:100", again, SAMPLES);
	assert_memory_equal(ns, again, sizeof(ns));
	latencies("codec=null,depth=4096,latency_us=tail:10:100,seed=2", again, SAMPLES);
	assert_memory_not_equal(ns, again, sizeof(ns));
}

/* With latencies that vary, an operation comes in its time and not in its turn. */
static void
reordered_by_latency(void **state)
{
	struct rte_comp_op *ops[NR], *back[NR];
	uint64_t begin;

	(void)state;
	sim_open("codec=null,latency_us=uniform:50:5000,engines=64", 1, NR);
	sim_ops_create(ops, NR, 0);
	begin = rte_rdtsc();
	test_enqueue_all(0, ops, NR);
	test_dequeue_all(0, &back[0], 1);
	assert_true(rte_rdtsc() - begin >= sim_cycles(50));
	test_dequeue_all(0, &back[1], NR - 1);
	assert_false(sim_in_order(back, NR, 0));
	sim_ops_free(ops, NR);
	sim_close();
}

static void
reordered_on_purpose(void **state)
{
	struct rte_comp_op *ops[NR], *back[NR] = {NULL};
	bool seen[NR] = {false};

	(void)state;
	for (int reorder = 0; reorder < 2; reorder++) {
		sim_open(reorder ? "codec=null,latency_us=0,reorder=1" : "codec=null,latency_us=0",
		         1, NR);
		sim_ops_create(ops, NR, 0);
		test_enqueue_all(0, ops, NR);
		assert_int_equal(rte_compressdev_dequeue_burst(env.dev, 0, back, NR), NR);
		assert_int_equal(sim_in_order(back, NR, 0), !reorder);
		sim_ops_free(ops, NR);
		sim_close();
	}
	/* In parts, with work to wait for: each comes once. */
	sim_open("latency_us=0,reorder=1,threads=2", 1, NR);
	sim_ops_create(ops, NR, 0);
	test_enqueue_all(0, ops, NR);
	for (unsigned int i = 0; i < NR; i++) {
		test_dequeue_all(0, &back[0], 1);
		assert_false(seen[*test_tag(back[0])]);
		seen[*test_tag(back[0])] = true;
		sim_op_check(back[0]);
	}
	sim_ops_free(ops, NR);
	sim_close();
}

/* Nothing of a group is seen before it is complete, or batch_us old. */
static void
groups(void **state)
{
	struct rte_comp_op *ops[NR], *back[NR];
	uint64_t begin, now;
	uint16_t got;

	(void)state;
	sim_open("codec=null,latency_us=5,batch=8,batch_us=1000000,engines=8", 1, NR);
	sim_ops_create(ops, NR, 0);
	begin = rte_rdtsc();
	test_enqueue_all(0, ops, 7);
	sim_wait(begin + sim_cycles(1000));
	got = rte_compressdev_dequeue_burst(env.dev, 0, back, NR);
	now = rte_rdtsc();
	/* Unless this test was kept from running for a second. */
	if (now - begin < sim_cycles(1000000))
		assert_int_equal(got, 0);
	test_enqueue_all(0, &ops[7], 1);
	test_dequeue_all(0, &back[got], 8 - got);
	assert_true(sim_in_order(back, 8, 0));
	/* Groups follow each other; a part of one stays until the stop. */
	test_enqueue_all(0, &ops[8], 19);
	test_dequeue_all(0, back, 16);
	assert_true(sim_in_order(back, 16, 8));
	rte_compressdev_stop(env.dev);
	assert_int_equal(rte_compressdev_dequeue_burst(env.dev, 0, back, NR), 3);
	assert_true(sim_in_order(back, 3, 24));
	sim_ops_free(ops, NR);
	sim_close();
}

static void
groups_time_out(void **state)
{
	struct rte_comp_op *ops[NR], *back[NR];
	uint64_t begin;

	(void)state;
	sim_open("codec=null,latency_us=100,batch=8,batch_us=1500.5,engines=8", 1, NR);
	sim_ops_create(ops, NR, 0);
	begin = rte_rdtsc();
	test_enqueue_all(0, ops, 3);
	test_dequeue_all(0, back, 3);
	assert_true(rte_rdtsc() - begin >= sim_cycles(1600));
	sim_ops_free(ops, NR);
	sim_close();

	/* No time to wait: no groups. */
	sim_open("codec=null,latency_us=0,batch=8,batch_us=0", 1, NR);
	sim_ops_create(ops, NR, 0);
	test_enqueue_all(0, ops, 3);
	test_dequeue_all(0, back, 3);
	sim_ops_free(ops, NR);
	sim_close();
}

/* Work that takes longer than the model allows is counted, other work is not. */
static void
lateness(void **state)
{
	struct rte_comp_op *ops[NR], *back[NR];
	struct sim_pmd_stats stats;

	(void)state;
	/* Due on arrival: all of them are late. */
	sim_open("latency_us=0", 1, NR);
	sim_ops_create(ops, NR, 0);
	test_enqueue_all(0, ops, NR);
	test_dequeue_all(0, back, NR);
	stats = model_stats();
	assert_int_equal(stats.ops, NR);
	assert_int_equal(stats.late_ops, NR);
	assert_true(stats.late_ns_max > 0);
	assert_true(stats.late_ns_sum >= stats.late_ns_max);
	assert_true(stats.late_ns_sum <= stats.late_ns_max * NR);
	assert_int_equal(stats.engine_ns, 0);
	/* They count from the start. */
	rte_compressdev_stop(env.dev);
	assert_int_equal(rte_compressdev_start(env.dev), 0);
	stats = model_stats();
	assert_int_equal(stats.ops + stats.late_ops + stats.late_ns_max + stats.late_ns_sum, 0);
	sim_ops_free(ops, NR);
	sim_close();

	/* Stopped long before they are due, hence done before. */
	sim_open("latency_us=1000000", 1, NR);
	sim_ops_create(ops, NR, 0);
	test_enqueue_all(0, ops, NR);
	rte_compressdev_stop(env.dev);
	test_dequeue_all(0, back, NR);
	for (unsigned int i = 0; i < NR; i++)
		sim_op_check(back[i]);
	assert_true(model_stats().late_ops < NR);
	sim_ops_free(ops, NR);
	sim_close();

	/* No work, nothing late. */
	sim_open("codec=null,latency_us=0", 1, NR);
	sim_ops_create(ops, NR, 0);
	test_enqueue_all(0, ops, NR);
	test_dequeue_all(0, back, NR);
	assert_int_equal(model_stats().late_ops, 0);
	sim_ops_free(ops, NR);
	sim_close();
}

/* The model's numbers, and compressdev's, of a queue that is full. */
static void
busy(void **state)
{
	struct rte_comp_op *ops[NR], *back[NR];
	struct rte_compressdev_stats stats;
	struct sim_pmd_stats none;

	(void)state;
	sim_open("codec=null,latency_us=1000000,depth=9", 1, 9);
	sim_ops_create(ops, NR, 0);
	assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, ops, 12), 9);
	assert_int_equal(ops[9]->status, RTE_COMP_OP_STATUS_NOT_PROCESSED);
	assert_int_equal(model_stats().ops, 9);
	assert_int_equal(model_stats().busy, 3);
	rte_compressdev_stop(env.dev);
	assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, &ops[9], 2), 0);
	test_dequeue_all(0, back, 9);
	assert_int_equal(rte_compressdev_stats_get(env.dev, &stats), 0);
	assert_int_equal(stats.enqueued_count, 9);
	assert_int_equal(stats.dequeued_count, 9);
	assert_int_equal(stats.enqueue_err_count, 2);
	assert_int_equal(stats.dequeue_err_count, 0);
	rte_compressdev_stats_reset(env.dev);
	assert_int_equal(rte_compressdev_stats_get(env.dev, &stats), 0);
	assert_int_equal(stats.enqueued_count + stats.dequeued_count + stats.enqueue_err_count, 0);
	sim_ops_free(ops, NR);

	assert_int_equal(sim_pmd_stats_get("compress_sim_other", &none), -ENOENT);
	assert_int_equal(sim_pmd_stats_get(NULL, &none), -EINVAL);
	assert_int_equal(sim_pmd_stats_get(SIM_NAME, NULL), -EINVAL);
	sim_close();
	assert_int_equal(sim_pmd_stats_get(SIM_NAME, &none), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(engines_and_bandwidth),
	        cmocka_unit_test(engines_work_at_once),
	        cmocka_unit_test(distributions),
	        cmocka_unit_test(reordered_by_latency),
	        cmocka_unit_test(reordered_on_purpose),
	        cmocka_unit_test(groups),
	        cmocka_unit_test(groups_time_out),
	        cmocka_unit_test(lateness),
	        cmocka_unit_test(busy),
	};
	int failed;

	if (test_eal_start(NULL) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, sim_pools_create, sim_pools_free);
	test_eal_stop();
	return failed;
}
