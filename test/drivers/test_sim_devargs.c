/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Arguments of compress_sim: what is accepted, what is refused and with which words, what the
 * profiles stand for. Devices come and go here. What an argument does is in the other tests.
 */

#include "sim_env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_malloc.h>

#include "sim_pmd.h"

/* What rte_vdev_init() made the driver say. Free it. */
static char *
said_at_init(const char *args, int *ret)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	rte_openlog_stream(f);
	*ret = rte_vdev_init(SIM_NAME, args);
	rte_openlog_stream(NULL);
	fclose(f);
	return text;
}

/* Not inlined: what the sanitizer asks of strstr() would tell gcc that both may be NULL. */
static __attribute__((noinline)) bool
has(const char *said, const char *words)
{
	return strstr(said, words) != NULL;
}

static void
refused(const char *args, const char *const words[], unsigned int nr)
{
	int ret;
	char *said = said_at_init(args, &ret);

	if (ret != -EINVAL)
		fail_msg("%s: %d", args, ret);
	for (unsigned int i = 0; i < nr; i++) {
		if (!has(said, words[i]))
			fail_msg("%s: no \"%s\" in: %s", args, words[i], said);
	}
	free(said);
	assert_int_equal(rte_compressdev_count(), 0);
}

#define REFUSED(args, ...)                                        \
	do {                                                      \
		static const char *const words[] = {__VA_ARGS__}; \
		refused(args, words, RTE_DIM(words));             \
	} while (0)

static void
number_is_from_to(const char *key, uint64_t min, uint64_t max)
{
	static const char *const bad[] = {
	        "", "-1", "x", "1x", "0x1", "1.5", " 1", "+1", "99999999999999999999"};
	char args[64], said[64], range[64];
	const char *words[] = {said, range};

	snprintf(range, sizeof(range), "from %" PRIu64 " to %" PRIu64, min, max);
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		snprintf(args, sizeof(args), "%s=%s", key, bad[i]);
		snprintf(said, sizeof(said), "%s=%s", key, bad[i]);
		refused(args, words, RTE_DIM(words));
	}
	if (max != UINT64_MAX) {
		snprintf(args, sizeof(args), "%s=%" PRIu64, key, max + 1);
		snprintf(said, sizeof(said), "%s=%" PRIu64, key, max + 1);
		refused(args, words, RTE_DIM(words));
	}
	if (min != 0) {
		snprintf(args, sizeof(args), "%s=%" PRIu64, key, min - 1);
		snprintf(said, sizeof(said), "%s=%" PRIu64, key, min - 1);
		refused(args, words, RTE_DIM(words));
	}
	snprintf(args, sizeof(args), "%s=%" PRIu64, key, max);
	if (strcmp(key, "fail_probe") != 0) {
		sim_probe(args);
		sim_close();
	}
	snprintf(args, sizeof(args), "%s=%" PRIu64, key, min);
	sim_probe(args);
	sim_close();
	snprintf(args, sizeof(args), "seed=1,%s", key);
	snprintf(said, sizeof(said), "%s: needs a value", key);
	refused(args, words, 1);
}

static void
numbers(void **state)
{
	static const struct {
		const char *key;
		uint64_t min, max;
	} all[] = {
	        {"depth", 1, 4096},          {"engines", 1, 1024},
	        {"bandwidth", 0, 1000000},   {"null_len", 1, 65535},
	        {"accel", 1, 65537},         {"threads", 1, 16},
	        {"compress_only", 0, 1},     {"same_filled", 0, 1},
	        {"dst_limit", 0, 65535},     {"batch", 1, 4096},
	        {"reorder", 0, 1},           {"error_one_in", 0, UINT32_MAX},
	        {"hang_at", 0, UINT32_MAX},  {"hang_ms", 0, 3600000},
	        {"reset_at", 0, UINT32_MAX}, {"remove_at", 0, UINT32_MAX},
	        {"fail_probe", 0, 1},        {"fail_start", 0, 1},
	        {"seed", 0, UINT64_MAX},
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(all); i++)
		number_is_from_to(all[i].key, all[i].min, all[i].max);
}

static void
others_refused(void **state)
{
	static const char *const latencies[] = {
	        "latency_us=",           "latency_us=x",          "latency_us=-1",
	        "latency_us=1.2.3",      "latency_us=1e3",        "latency_us=1000000.1",
	        "latency_us=inf",        "latency_us=.",          "latency_us=uniform",
	        "latency_us=uniform:",   "latency_us=uniform:1",  "latency_us=uniform:2:1",
	        "latency_us=uniform:1:", "latency_us=uniform::2", "latency_us=uniform:1:2:3",
	        "latency_us=tail:1",     "latency_us=tail:0:5",   "latency_us=tail:5:5",
	        "latency_us=tail:6:5",   "latency_us=pareto:1:2",
	};
	static const char *const forms[] = {"latency_us=", "uniform:LO:HI", "tail:MEDIAN:P99"};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(latencies); i++) {
		const char *with_value[] = {latencies[i]};

		refused(latencies[i], forms, RTE_DIM(forms));
		refused(latencies[i], with_value, 1);
	}
	REFUSED("batch_us=x", "batch_us=x", "microseconds");
	REFUSED("batch_us=1000001", "batch_us=1000001", "microseconds");
	REFUSED("codec=zstd", "codec=zstd", "lz4", "null");
	REFUSED("codec=", "codec=", "lz4", "null");
	REFUSED("profile=qat", "profile=qat", "hisi_zip", "qpace", "hwz", "emerald_hill", "iaa");
	REFUSED("profile=", "profile=", "iaa");
	REFUSED("profile", "profile", "value");
	REFUSED("codec=null,profile", "profile", "value");
	REFUSED("speed=3", "speed", "profile=", "engines=", "seed=");
	REFUSED("depth=1,socket_id=0", "socket_id", "depth=");
	REFUSED("profile=iaa,depth=0", "depth=0", "4096");
	REFUSED("latency_us", "latency_us", "value");
}

static void
others_accepted(void **state)
{
	static const char *const args[] = {
	        "",
	        "latency_us=0",
	        "latency_us=7.69",
	        "latency_us=1000000",
	        "latency_us=uniform:0:0",
	        "latency_us=uniform:1.5:2.5",
	        "latency_us=tail:0.5:1000000",
	        "batch=8,batch_us=0",
	        "batch_us=12.5",
	        "codec=lz4",
	        "codec=null",
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(args); i++) {
		assert_int_equal(rte_vdev_init("compress_sim", args[i]), 0);
		sim_probe(args[i]);
		assert_int_equal(rte_vdev_init(SIM_NAME, args[i]), -EEXIST);
		assert_int_equal(rte_compressdev_count(), 2);
		sim_close();
		assert_int_equal(rte_vdev_uninit("compress_sim"), 0);
	}
}

static void
fail_probe(void **state)
{
	int ret;
	char *said = said_at_init("fail_probe=1", &ret);

	(void)state;
	assert_int_equal(ret, -EIO);
	assert_non_null(strstr(said, "fail_probe=1"));
	free(said);
	assert_int_equal(rte_compressdev_count(), 0);
}

/* The depth that a queue pair may have, and whether the device decompresses. */
static void
device_is(const char *args, uint32_t depth, bool decompresses)
{
	struct rte_comp_xform d = test_xform(RTE_COMP_DECOMPRESS, 0);
	struct rte_compressdev_config config = {.socket_id = SOCKET_ID_ANY, .nb_queue_pairs = 1};
	void *xform = NULL;

	sim_probe(args);
	assert_int_equal(rte_compressdev_configure(env.dev, &config), 0);
	assert_int_equal(rte_compressdev_queue_pair_setup(env.dev, 0, depth + 1, SOCKET_ID_ANY),
	                 -EINVAL);
	assert_true(rte_compressdev_queue_pair_setup(env.dev, 0, 0, SOCKET_ID_ANY) < 0);
	assert_int_equal(rte_compressdev_queue_pair_setup(env.dev, 0, depth, SOCKET_ID_ANY), 0);
	assert_int_equal(rte_compressdev_private_xform_create(env.dev, &d, &xform),
	                 decompresses ? 0 : -ENOTSUP);
	if (decompresses)
		test_xform_free(xform);
	else
		assert_null(xform);
	sim_close();
}

static void
profiles(void **state)
{
	(void)state;
	device_is("", 256, true);
	device_is("profile=hisi_zip", 1024, false);
	device_is("profile=qpace", 128, false);
	device_is("profile=hwz", 2048, true);
	device_is("profile=emerald_hill", 256, false);
	device_is("profile=iaa", 128, true);
	/* An argument goes over the profile's wherever it stands, and the last one holds. */
	device_is("profile=qpace,depth=7", 7, false);
	device_is("compress_only=0,depth=9,profile=qpace", 9, true);
	device_is("depth=9,profile=hwz,depth=8", 8, true);
}

/* How long the engines are busy with one page, by the model: nanoseconds. */
static uint64_t
service_ns(const char *args)
{
	struct sim_pmd_stats stats;
	struct rte_comp_op *op;

	sim_open(args, 1, 1);
	sim_ops_create(&op, 1, 0);
	test_run(op);
	assert_int_equal(sim_pmd_stats_get(SIM_NAME, &stats), 0);
	assert_int_equal(stats.ops, 1);
	test_op_free(op);
	sim_close();
	return stats.engine_ns;
}

static void
profile_latency(void **state)
{
	(void)state;
	assert_in_range(service_ns("codec=null"), 9990, 10010);
	assert_in_range(service_ns("codec=null,profile=qpace"), 7680, 7700);
	assert_in_range(service_ns("latency_us=3,codec=null,profile=qpace"), 2990, 3010);
	assert_in_range(service_ns("codec=null,bandwidth=100,latency_us=1.5"), 42450, 42470);
}

/* What is left of the profiles: pages of one word, results that are too large. */
static void
profile_results(void **state)
{
	static const struct {
		const char *args;
		bool same;
		bool limit;
	} all[] = {
	        {"profile=hisi_zip", false, false},
	        {"profile=qpace", true, false},
	        {"profile=hwz", true, false},
	        {"profile=emerald_hill", false, true},
	        {"profile=iaa", false, false},
	        {"profile=qpace,same_filled=0", false, false},
	        {"dst_limit=3072,profile=hwz", true, true},
	};
	static uint8_t zeros[TEST_PAGE], noise[TEST_PAGE];

	(void)state;
	test_fill(noise, sizeof(noise), 2);
	for (unsigned int i = 0; i < RTE_DIM(all); i++) {
		struct rte_comp_op *op;

		sim_open(all[i].args, 1, 1);
		op = test_op_bytes(env.compress, zeros, sizeof(zeros), TEST_PAGE_BOUND);
		assert_int_equal(test_run(op), RTE_COMP_OP_STATUS_SUCCESS);
		assert_int_equal(op->debug_status, all[i].same ? SIM_PMD_SAME : 0);
		test_op_free(op);
		op = test_op_bytes(env.compress, noise, sizeof(noise), TEST_PAGE_BOUND);
		assert_int_equal(test_run(op), all[i].limit
		                                       ? RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED
		                                       : RTE_COMP_OP_STATUS_SUCCESS);
		test_op_free(op);
		sim_close();
	}
}

static unsigned int
heap_pieces(void)
{
	unsigned int pieces = 0;

	for (unsigned int i = 0; i < rte_socket_count(); i++) {
		struct rte_malloc_socket_stats stats;

		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i), &stats) == 0)
			pieces += stats.alloc_count;
	}
	return pieces;
}

/* A device that is still started may be taken away, and gives all of its memory back. */
static void
remove_started(void **state)
{
	const unsigned int pieces = heap_pieces();

	(void)state;
	for (int i = 0; i < 4; i++) {
		sim_probe(i % 2 == 0 ? "threads=3" : "codec=null");
		test_env_queues(2, 8);
		assert_true(heap_pieces() > pieces);
		sim_close();
		assert_int_equal(heap_pieces(), pieces);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(numbers),         cmocka_unit_test(others_refused),
	        cmocka_unit_test(others_accepted), cmocka_unit_test(fail_probe),
	        cmocka_unit_test(profiles),        cmocka_unit_test(profile_latency),
	        cmocka_unit_test(profile_results), cmocka_unit_test(remove_started),
	};
	int failed;

	if (test_eal_start(NULL) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, sim_pools_create, sim_pools_free);
	test_eal_stop();
	return failed;
}
