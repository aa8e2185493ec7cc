/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The device under test. Main thread. */

#include "cdev_env.h"

#include <sched.h>
#include <stdio.h>

#include <rte_bus_vdev.h>
#include <rte_malloc.h>

struct cdev_env cdev_env = {.mode = "inline"};

unsigned int
cdev_heap_blocks(void)
{
	struct rte_malloc_socket_stats stats;

	assert_int_equal(rte_malloc_get_socket_stats(0, &stats), 0);
	return stats.alloc_count;
}

struct zcomp_params
cdev_params(uint32_t depth)
{
	return (struct zcomp_params){
	        .codec = &zcodec_lz4,
	        .level = 1,
	        .page_size = PAGE,
	        .nr_lcores = CDEV_LCORES,
	        .depth = depth,
	        .dev = cdev_env.dev,
	        /* On a busy machine its thread may not run for long. */
	        .hang_ns = UINT64_C(60000000000),
	};
}

struct zcomp *
cdev_create(int32_t level, uint32_t depth)
{
	struct zcomp_params params = cdev_params(depth);
	struct zcomp *comp = NULL;

	params.level = level;
	assert_int_equal(zcomp_create(&zcomp_backend_compressdev, &params, &comp), 0);
	assert_true(zcomp_managed(comp));
	assert_string_equal(zcomp_name(comp), "compressdev");
	return comp;
}

void
cdev_reopen(uint32_t depth)
{
	zcomp_cdev_close(cdev_env.dev);
	cdev_env.dev = NULL;
	assert_int_equal(zcomp_cdev_open(CDEV_NAME, CDEV_LCORES, depth, NULL, &cdev_env.dev), 0);
}

void
cdev_collect(struct zcomp *comp, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	for (unsigned int n = 0; n < nr;) {
		unsigned int got = zcomp_poll(comp, lcore, &strms[n], nr - n);

		if (got == 0)
			sched_yield();
		n += got;
	}
}

int
cdev_set_up(void **state)
{
	char args[32];

	(void)state;
	snprintf(args, sizeof(args), "mode=%s", cdev_env.mode);
	cdev_env.blocks = cdev_heap_blocks();
	assert_int_equal(rte_vdev_init(CDEV_NAME, args), 0);
	cdev_reopen(CDEV_DEPTH);
	return 0;
}

int
cdev_tear_down(void **state)
{
	(void)state;
	zcomp_cdev_close(cdev_env.dev);
	cdev_env.dev = NULL;
	assert_int_equal(rte_vdev_uninit(CDEV_NAME), 0);
	assert_int_equal(cdev_heap_blocks(), cdev_env.blocks);
	return 0;
}
