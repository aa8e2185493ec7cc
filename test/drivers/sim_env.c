/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* comp_env.c for compress_sim. Main thread, but for sim_op_check(), which any thread may call. */

#include "sim_env.h"

#include <string.h>

#include <lz4.h>

#include <rte_bus_vdev.h>
#include <rte_cycles.h>
#include <rte_pause.h>

int
sim_pools_create(void **state)
{
	(void)state;
	env.ops = rte_comp_op_pool_create("ops", TEST_OPS, 0, sizeof(uint32_t), SOCKET_ID_ANY);
	env.mbufs = rte_pktmbuf_pool_create("mbufs", 2048, 0, 0, TEST_ROOM + RTE_PKTMBUF_HEADROOM,
	                                    SOCKET_ID_ANY);
	assert_non_null(env.ops);
	assert_non_null(env.mbufs);
	return 0;
}

int
sim_pools_free(void **state)
{
	(void)state;
	rte_mempool_free(env.ops);
	rte_mempool_free(env.mbufs);
	return 0;
}

void
sim_probe(const char *args)
{
	int id;

	env.name = SIM_NAME;
	assert_int_equal(rte_vdev_init(env.name, args), 0);
	id = rte_compressdev_get_dev_id(env.name);
	assert_true(id >= 0);
	env.dev = (uint8_t)id;
	env.compress = NULL;
	env.decompress = NULL;
}

void
sim_open(const char *args, uint16_t nr, uint32_t depth)
{
	struct rte_comp_xform decompress = test_xform(RTE_COMP_DECOMPRESS, 0);

	sim_probe(args);
	test_env_queues(nr, depth);
	env.compress = test_xform_create(RTE_COMP_COMPRESS, RTE_COMP_LEVEL_PMD_DEFAULT);
	if (rte_compressdev_private_xform_create(env.dev, &decompress, &env.decompress) != 0)
		env.decompress = NULL;
}

void
sim_close(void)
{
	assert_int_equal(rte_mempool_in_use_count(env.ops), 0);
	assert_int_equal(rte_mempool_in_use_count(env.mbufs), 0);
	if (env.compress != NULL)
		test_xform_free(env.compress);
	if (env.decompress != NULL)
		test_xform_free(env.decompress);
	assert_int_equal(rte_vdev_uninit(env.name), 0);
}

uint64_t
sim_cycles(double us)
{
	return (uint64_t)(us * (double)rte_get_tsc_hz() / US_PER_S);
}

void
sim_wait(uint64_t when)
{
	while (rte_rdtsc() < when)
		rte_pause();
}

void
sim_ops_create(struct rte_comp_op **ops, unsigned int nr, uint32_t tag)
{
	uint8_t page[TEST_PAGE];

	for (unsigned int i = 0; i < nr; i++) {
		test_fill(page, sizeof(page), tag + i);
		ops[i] = test_op_bytes(env.compress, page, sizeof(page), TEST_PAGE_BOUND);
		*test_tag(ops[i]) = tag + i;
	}
}

void
sim_ops_free(struct rte_comp_op **ops, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		test_op_free(ops[i]);
}

void
sim_op_check(struct rte_comp_op *op)
{
	char page[TEST_PAGE], got[TEST_PAGE];
	const char *block = rte_pktmbuf_mtod(op->m_dst, const char *);

	assert_int_equal(op->status, RTE_COMP_OP_STATUS_SUCCESS);
	assert_int_equal(op->consumed, sizeof(page));
	assert_int_equal(op->debug_status, 0);
	test_fill((uint8_t *)page, sizeof(page), *test_tag(op));
	assert_int_equal(LZ4_decompress_safe(block, got, (int)op->produced, sizeof(got)),
	                 sizeof(got));
	assert_memory_equal(got, page, sizeof(page));
}

bool
sim_in_order(struct rte_comp_op **ops, unsigned int nr, uint32_t tag)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (*test_tag(ops[i]) != tag + i)
			return false;
	}
	return true;
}
