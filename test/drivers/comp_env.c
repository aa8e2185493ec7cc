/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * EAL, the device under test and operations on byte strings, for all driver tests. Main thread,
 * but for the burst helpers, which any one thread per queue pair may call.
 */

#include "comp_env.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_bus_vdev.h>
#include <rte_eal.h>
#include <rte_errno.h>

#define TEST_MBUFS 2048

struct test_env env;

static int
first_cpu(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			return cpu;
	}
	return 0;
}

int
test_eal_start(const char *plugin)
{
	char prefix[32], lcores[32];
	/* EAL may reorder the array, but it does not write to the strings. */
	char *argv[] = {
	        (char *)(uintptr_t) "test",
	        (char *)(uintptr_t) "--no-huge",
	        (char *)(uintptr_t) "--no-pci",
	        (char *)(uintptr_t) "--no-shconf",
	        (char *)(uintptr_t) "--no-telemetry",
	        (char *)(uintptr_t) "-m",
	        (char *)(uintptr_t) "64",
	        (char *)(uintptr_t) "--file-prefix",
	        prefix,
	        (char *)(uintptr_t) "--lcores",
	        lcores,
	        (char *)(uintptr_t) "-d",
	        (char *)(uintptr_t)plugin,
	        NULL,
	};
	int argc = (int)RTE_DIM(argv) - (plugin == NULL ? 3 : 1);

	snprintf(prefix, sizeof(prefix), "zctest-%d", (int)getpid());
	snprintf(lcores, sizeof(lcores), "0@%d", first_cpu());
	return rte_eal_init(argc, argv) < 0 ? -rte_errno : 0;
}

void
test_eal_stop(void)
{
	char dir[4096];

	snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	rmdir(dir);
}

static void
queues_configure(uint16_t nr, uint32_t depth)
{
	struct rte_compressdev_config config = {
	        .socket_id = SOCKET_ID_ANY,
	        .nb_queue_pairs = nr,
	        .max_nb_priv_xforms = 16,
	};

	assert_int_equal(rte_compressdev_configure(env.dev, &config), 0);
	for (uint16_t i = 0; i < nr; i++)
		assert_int_equal(rte_compressdev_queue_pair_setup(env.dev, i, depth, SOCKET_ID_ANY),
		                 0);
	assert_int_equal(rte_compressdev_start(env.dev), 0);
}

void
test_env_queues(uint16_t nr, uint32_t depth)
{
	rte_compressdev_stop(env.dev);
	queues_configure(nr, depth);
	rte_compressdev_stats_reset(env.dev);
}

int
test_env_setup(void **state)
{
	char args[64];
	int id;

	(void)state;
	env.name = "compress_lz4_test";
	snprintf(args, sizeof(args), "mode=%s", env.mode);
	assert_int_equal(rte_vdev_init(env.name, args), 0);
	id = rte_compressdev_get_dev_id(env.name);
	assert_true(id >= 0);
	env.dev = (uint8_t)id;
	queues_configure(1, TEST_DEPTH);
	env.compress = test_xform_create(RTE_COMP_COMPRESS, RTE_COMP_LEVEL_PMD_DEFAULT);
	env.decompress = test_xform_create(RTE_COMP_DECOMPRESS, 0);
	env.ops = rte_comp_op_pool_create("ops", TEST_OPS, 0, sizeof(uint32_t), SOCKET_ID_ANY);
	env.mbufs = rte_pktmbuf_pool_create("mbufs", TEST_MBUFS, 0, 0,
	                                    TEST_ROOM + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	assert_non_null(env.ops);
	assert_non_null(env.mbufs);
	return 0;
}

int
test_env_teardown(void **state)
{
	(void)state;
	assert_int_equal(rte_mempool_in_use_count(env.ops), 0);
	assert_int_equal(rte_mempool_in_use_count(env.mbufs), 0);
	test_xform_free(env.compress);
	test_xform_free(env.decompress);
	rte_compressdev_stop(env.dev);
	assert_int_equal(rte_compressdev_close(env.dev), 0);
	assert_int_equal(rte_vdev_uninit(env.name), 0);
	rte_mempool_free(env.ops);
	rte_mempool_free(env.mbufs);
	return 0;
}

struct rte_comp_xform
test_xform(enum rte_comp_xform_type type, int level)
{
	struct rte_comp_xform xform;

	memset(&xform, 0, sizeof(xform));
	xform.type = type;
	if (type == RTE_COMP_COMPRESS) {
		xform.compress.algo = RTE_COMP_ALGO_LZ4;
		xform.compress.level = level;
		xform.compress.window_size = TEST_WINDOW;
	} else {
		xform.decompress.algo = RTE_COMP_ALGO_LZ4;
		xform.decompress.window_size = TEST_WINDOW;
	}
	return xform;
}

void *
test_xform_create(enum rte_comp_xform_type type, int level)
{
	struct rte_comp_xform xform = test_xform(type, level);
	void *handle = NULL;

	assert_int_equal(rte_compressdev_private_xform_create(env.dev, &xform, &handle), 0);
	assert_non_null(handle);
	return handle;
}

void
test_xform_free(void *xform)
{
	assert_int_equal(rte_compressdev_private_xform_free(env.dev, xform), 0);
}

void
test_fill(uint8_t *buf, uint32_t len, uint32_t seed)
{
	static const char words[8][8] = {"page ",  "slot ", "queue ", "memory ",
	                                 "store ", "load ", "zero ",  "object "};
	uint32_t x = seed * 2654435761u + 1;

	for (uint32_t i = 0; i < len;) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		if (seed % 3 == 2 || (seed % 3 == 1 && x % 4 == 0)) {
			buf[i++] = (uint8_t)(x >> 8);
			continue;
		}
		for (const char *w = words[(x >> 8) % 8]; *w != '\0' && i < len; w++)
			buf[i++] = (uint8_t)*w;
	}
}

struct rte_mbuf *
test_chain(const void *data, uint32_t len, uint32_t seg)
{
	const uint8_t *from = data;
	struct rte_mbuf *head = NULL;

	assert_true(seg <= TEST_ROOM);
	do {
		uint16_t part = (uint16_t)RTE_MIN(len, seg);
		struct rte_mbuf *m = rte_pktmbuf_alloc(env.mbufs);
		char *to;

		assert_non_null(m);
		to = rte_pktmbuf_append(m, part);
		assert_non_null(to);
		if (from == NULL)
			memset(to, 0, part);
		else
			memcpy(to, from, part);
		from = from == NULL ? NULL : from + part;
		len -= part;
		if (head == NULL)
			head = m;
		else
			assert_int_equal(rte_pktmbuf_chain(head, m), 0);
	} while (len != 0);
	return head;
}

void
test_raw_mbuf(struct rte_mbuf *m, void *data, uint16_t len)
{
	memset(m, 0, sizeof(*m));
	m->buf_addr = data;
	m->buf_len = len;
	m->data_len = len;
	m->pkt_len = len;
	m->nb_segs = 1;
	rte_mbuf_refcnt_set(m, 1);
}

void
test_chain_read(const struct rte_mbuf *m, uint32_t off, void *to, uint32_t len)
{
	const void *at = rte_pktmbuf_read(m, off, len, to);

	assert_non_null(at);
	if (at != to)
		memcpy(to, at, len);
}

struct rte_comp_op *
test_op(void *xform, struct rte_mbuf *src, struct rte_mbuf *dst)
{
	struct rte_comp_op *op = rte_comp_op_alloc(env.ops);

	assert_non_null(op);
	op->op_type = RTE_COMP_OP_STATELESS;
	op->flush_flag = RTE_COMP_FLUSH_FINAL;
	op->private_xform = xform;
	op->m_src = src;
	op->m_dst = dst;
	op->src.offset = 0;
	op->src.length = src->pkt_len;
	op->dst.offset = 0;
	op->status = RTE_COMP_OP_STATUS_NOT_PROCESSED;
	/* A driver that adds to them, or leaves them, is found out. */
	op->consumed = 12345;
	op->produced = 54321;
	return op;
}

struct rte_comp_op *
test_op_bytes(void *xform, const void *src, uint16_t len, uint16_t room)
{
	return test_op(xform, test_chain(src, len, TEST_ROOM), test_chain(NULL, room, TEST_ROOM));
}

void
test_op_free(struct rte_comp_op *op)
{
	if (op->m_src != NULL && op->m_src->pool != NULL)
		rte_pktmbuf_free(op->m_src);
	if (op->m_dst != NULL && op->m_dst->pool != NULL)
		rte_pktmbuf_free(op->m_dst);
	rte_comp_op_free(op);
}

void
test_enqueue_all(uint16_t qp, struct rte_comp_op **ops, unsigned int nr)
{
	for (unsigned int done = 0; done < nr;) {
		uint16_t burst = (uint16_t)RTE_MIN(nr - done, 32u);
		uint16_t got = rte_compressdev_enqueue_burst(env.dev, qp, &ops[done], burst);

		assert_int_equal(got, burst);
		done += got;
	}
}

void
test_dequeue_all(uint16_t qp, struct rte_comp_op **ops, unsigned int nr)
{
	for (unsigned int done = 0; done < nr;) {
		uint16_t burst = (uint16_t)RTE_MIN(nr - done, 32u);
		uint16_t got = rte_compressdev_dequeue_burst(env.dev, qp, &ops[done], burst);

		assert_true(got <= burst);
		if (got == 0)
			sched_yield();
		done += got;
	}
}

uint8_t
test_run(struct rte_comp_op *op)
{
	struct rte_comp_op *back = NULL;

	test_enqueue_all(0, &op, 1);
	test_dequeue_all(0, &back, 1);
	assert_ptr_equal(back, op);
	return op->status;
}

void
test_result_is(const struct rte_comp_op *op, const void *bytes, uint32_t len)
{
	static uint8_t got[1 << 17];

	assert_int_equal(op->status, RTE_COMP_OP_STATUS_SUCCESS);
	assert_int_equal(op->consumed, op->src.length);
	assert_int_equal(op->produced, len);
	assert_true(len <= sizeof(got));
	test_chain_read(op->m_dst, op->dst.offset, got, len);
	assert_memory_equal(got, bytes, len);
}

void
test_failed_with(const struct rte_comp_op *op, uint8_t status)
{
	assert_int_equal(op->status, status);
	assert_int_equal(op->consumed, 0);
	assert_int_equal(op->produced, 0);
}
