/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Arguments of the LZ4 driver: what is accepted and does what it says, what is refused and with
 * which words. Devices come and go here.
 */

#include "comp_env.h"
#include "lz4_block.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_malloc.h>

/* What a call made the driver say. Free it. */
static char *
said_by(int (*call)(const void *arg), const void *arg, int *ret)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	rte_openlog_stream(f);
	*ret = call(arg);
	rte_openlog_stream(NULL);
	fclose(f);
	return text;
}

static int
device_init(const void *args)
{
	return rte_vdev_init("compress_lz4_0", args);
}

/* With one operation more than this. */
static int
queue_pair_setup(const void *depth)
{
	return rte_compressdev_queue_pair_setup(0, 0, *(const uint32_t *)depth + 1, SOCKET_ID_ANY);
}

static void
refused(const char *args, const char *const words[], unsigned int nr)
{
	int ret;
	char *said = said_by(device_init, args, &ret);

	assert_int_equal(ret, -EINVAL);
	for (unsigned int i = 0; i < nr; i++) {
		if (strstr(said, words[i]) == NULL)
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
args_refused(void **state)
{
	(void)state;
	REFUSED("speed=3", "speed", "mode", "accel", "engines", "depth");
	REFUSED("mode=inline,speed", "speed", "mode", "accel", "engines", "depth");
	REFUSED("socket_id=0", "socket_id", "mode", "accel", "engines", "depth");
	REFUSED("mode", "mode", "value");
	REFUSED("accel", "accel", "value");
	REFUSED("mode=", "mode=", "inline", "thread");
	REFUSED("mode=async", "mode=async", "inline", "thread");
	REFUSED("mode=threads", "mode=threads");
	REFUSED("accel=", "accel=", "65537");
	REFUSED("accel=0", "accel=0", "1", "65537");
	REFUSED("accel=-1", "accel=-1");
	REFUSED("accel=65538", "accel=65538");
	REFUSED("accel=99999999999999999999", "accel=99999999999999999999");
	REFUSED("accel=2x", "accel=2x");
	REFUSED("accel=fast,mode=thread", "accel=fast");
	REFUSED("mode=thread,accel=fast", "accel=fast");
	REFUSED("mode=thread,engines", "engines", "value");
	REFUSED("mode=thread,engines=0", "engines=0", "1", "64");
	REFUSED("mode=thread,engines=65", "engines=65", "1", "64");
	REFUSED("mode=thread,engines=two", "engines=two");
	REFUSED("engines=2", "engines=2", "mode=thread");
	REFUSED("engines=1", "engines=1", "mode=thread");
	REFUSED("engines=2,mode=inline", "engines=2", "mode=thread");
	REFUSED("depth", "depth", "value");
	REFUSED("depth=0", "depth=0", "1", "4096");
	REFUSED("depth=-1", "depth=-1");
	REFUSED("depth=4097", "depth=4097", "1", "4096");
	REFUSED("depth=8k", "depth=8k");
}

static void
args_accepted(void **state)
{
	static const char *const args[] = {
	        "",
	        "mode=inline",
	        "mode=thread",
	        "accel=1",
	        "accel=65537",
	        "mode=thread,accel=7",
	        "mode=thread,engines=1",
	        "engines=64,mode=thread",
	        "depth=1",
	        "mode=thread,engines=2,accel=3,depth=4096",
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(args); i++) {
		assert_int_equal(rte_vdev_init("compress_lz4", args[i]), 0);
		assert_int_equal(rte_vdev_init("compress_lz4_1", args[i]), 0);
		assert_int_equal(rte_vdev_init("compress_lz4_1", args[i]), -EEXIST);
		assert_int_equal(rte_compressdev_count(), 2);
		assert_int_equal(rte_vdev_uninit("compress_lz4_1"), 0);
		assert_int_equal(rte_vdev_uninit("compress_lz4"), 0);
		assert_int_equal(rte_compressdev_count(), 0);
	}
}

/* The device's acceleration is what the levels that ask for none get. */
static void
accel_is_default_level(void **state)
{
	static const int levels[] = {RTE_COMP_LEVEL_PMD_DEFAULT, 1, 2};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(levels); i++)
		test_lz4_level(levels[i], levels[i] > 1 ? levels[i] : 9);
}

/* The device takes queue pairs up to the depth of its argument, and says so. */
static void
depth_limits_queue_pairs(void **state)
{
	static const uint32_t depths[] = {1, 3, 256, 4096};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(depths); i++) {
		struct rte_compressdev_config config = {.socket_id = SOCKET_ID_ANY,
		                                        .nb_queue_pairs = 1};
		char args[32], limit[32], *said;
		int ret;

		snprintf(args, sizeof(args), "depth=%u", depths[i]);
		assert_int_equal(rte_vdev_init("compress_lz4", args), 0);
		assert_int_equal(rte_compressdev_configure(0, &config), 0);
		said = said_by(queue_pair_setup, &depths[i], &ret);
		assert_int_equal(ret, -EINVAL);
		snprintf(limit, sizeof(limit), "%u is not from 1 to %u", depths[i] + 1, depths[i]);
		assert_non_null(strstr(said, limit));
		free(said);
		assert_int_equal(rte_compressdev_queue_pair_setup(0, 0, depths[i], SOCKET_ID_ANY),
		                 0);
		assert_int_equal(rte_vdev_uninit("compress_lz4"), 0);
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
	struct rte_compressdev_config config = {.socket_id = SOCKET_ID_ANY, .nb_queue_pairs = 1};
	const unsigned int pieces = heap_pieces();

	(void)state;
	for (int i = 0; i < 4; i++) {
		int id;

		assert_int_equal(rte_vdev_init("compress_lz4", i % 2 == 0 ? "" : "mode=thread"), 0);
		id = rte_compressdev_get_dev_id("compress_lz4");
		assert_int_equal(id, 0);
		assert_int_equal(rte_compressdev_configure(0, &config), 0);
		assert_int_equal(rte_compressdev_queue_pair_setup(0, 0, 8, SOCKET_ID_ANY), 0);
		assert_int_equal(rte_compressdev_start(0), 0);
		assert_true(heap_pieces() > pieces);
		assert_int_equal(rte_vdev_uninit("compress_lz4"), 0);
		assert_int_equal(heap_pieces(), pieces);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(args_refused),
	        cmocka_unit_test(args_accepted),
	        cmocka_unit_test(depth_limits_queue_pairs),
	        cmocka_unit_test(remove_started),
	        cmocka_unit_test_setup_teardown(accel_is_default_level, test_env_setup,
	                                        test_env_teardown),
	};
	int failed;

	env.mode = "inline,accel=9";
	if (test_eal_start(NULL) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_eal_stop();
	return failed;
}
