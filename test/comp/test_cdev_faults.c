/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The compressdev backend over a device that misbehaves: the lz4 driver, with this file between it
 * and the backend. Refused operations, bad results, and set-up that fails at each step.
 */

#include <errno.h>
#include <stdlib.h>

#include "cdev_env.h"
#include "comp_env.h"

#include <lz4.h>
#include <rte_malloc.h>

#include "base/log.h"

#define NR 8u

typedef void (*op_fn)(struct rte_comp_op *op);

/* Orders for one test. */
static struct {
	unsigned int stop_at; /* an enqueue call takes so many and refuses the next */
	unsigned int stops;   /* in so many calls */
	op_fn refuse;         /* what the driver does to the refused operation; NULL: nothing */
	op_fn spoil;          /* what it does to each operation it has done; NULL: nothing */
	unsigned int enqueues;
	int configure_ret, qp_ret, start_ret, xform_ret;
	int full_node; /* has no memory; 0 = every node has */
} script;

/* What was asked for last: of each queue pair, and how often of streams on each node. */
static struct {
	int qp_nodes[CDEV_LCORES];
	unsigned int strms_on[3]; /* nodes 0 and 1, any */
} seen;

/* Allocation number oom_at fails, of libc's and EAL's together; and all later ones. */
static unsigned int oom_at, oom_count;
static bool oom_for_good, oom_failed;

uint16_t __real_rte_compressdev_enqueue_burst(uint8_t dev, uint16_t qp, struct rte_comp_op **ops,
                                              uint16_t nr);
uint16_t __wrap_rte_compressdev_enqueue_burst(uint8_t dev, uint16_t qp, struct rte_comp_op **ops,
                                              uint16_t nr);
uint16_t __real_rte_compressdev_dequeue_burst(uint8_t dev, uint16_t qp, struct rte_comp_op **ops,
                                              uint16_t nr);
uint16_t __wrap_rte_compressdev_dequeue_burst(uint8_t dev, uint16_t qp, struct rte_comp_op **ops,
                                              uint16_t nr);
int __real_rte_compressdev_configure(uint8_t dev, struct rte_compressdev_config *config);
int __wrap_rte_compressdev_configure(uint8_t dev, struct rte_compressdev_config *config);
int __real_rte_compressdev_queue_pair_setup(uint8_t dev, uint16_t qp, uint32_t depth, int socket);
int __wrap_rte_compressdev_queue_pair_setup(uint8_t dev, uint16_t qp, uint32_t depth, int socket);
int __real_rte_compressdev_start(uint8_t dev);
int __wrap_rte_compressdev_start(uint8_t dev);
int __real_rte_compressdev_private_xform_create(uint8_t dev, const struct rte_comp_xform *xform,
                                                void **handle);
int __wrap_rte_compressdev_private_xform_create(uint8_t dev, const struct rte_comp_xform *xform,
                                                void **handle);
int __real_rte_compressdev_private_xform_free(uint8_t dev, void *handle);
int __wrap_rte_compressdev_private_xform_free(uint8_t dev, void *handle);
void *__real_aligned_alloc(size_t align, size_t len);
void *__wrap_aligned_alloc(size_t align, size_t len);
void *__real_rte_zmalloc_socket(const char *type, size_t len, unsigned int align, int socket);
void *__wrap_rte_zmalloc_socket(const char *type, size_t len, unsigned int align, int socket);
void *__real_rte_malloc_socket(const char *type, size_t len, unsigned int align, int socket);
void *__wrap_rte_malloc_socket(const char *type, size_t len, unsigned int align, int socket);

uint16_t
__wrap_rte_compressdev_enqueue_burst(uint8_t dev, uint16_t qp, struct rte_comp_op **ops,
                                     uint16_t nr)
{
	uint16_t taken;

	script.enqueues++;
	for (unsigned int i = 0; i < nr; i++) {
		/* What drivers that add to them, or leave them, need. */
		assert_int_equal(ops[i]->status, RTE_COMP_OP_STATUS_NOT_PROCESSED);
		assert_int_equal(ops[i]->consumed, 0);
		assert_int_equal(ops[i]->produced, 0);
	}
	if (script.stops == 0 || script.stop_at >= nr)
		return __real_rte_compressdev_enqueue_burst(dev, qp, ops, nr);
	script.stops--;
	taken = __real_rte_compressdev_enqueue_burst(dev, qp, ops, (uint16_t)script.stop_at);
	assert_int_equal(taken, script.stop_at);
	if (script.refuse != NULL)
		script.refuse(ops[taken]);
	return taken;
}

uint16_t
__wrap_rte_compressdev_dequeue_burst(uint8_t dev, uint16_t qp, struct rte_comp_op **ops,
                                     uint16_t nr)
{
	uint16_t n = __real_rte_compressdev_dequeue_burst(dev, qp, ops, nr);

	for (unsigned int i = 0; i < n && script.spoil != NULL; i++)
		script.spoil(ops[i]);
	return n;
}

int
__wrap_rte_compressdev_configure(uint8_t dev, struct rte_compressdev_config *config)
{
	return script.configure_ret != 0 ? script.configure_ret
	                                 : __real_rte_compressdev_configure(dev, config);
}

int
__wrap_rte_compressdev_queue_pair_setup(uint8_t dev, uint16_t qp, uint32_t depth, int socket)
{
	seen.qp_nodes[qp] = socket;
	/* The first one is there by then. */
	return script.qp_ret != 0 && qp > 0
	               ? script.qp_ret
	               : __real_rte_compressdev_queue_pair_setup(dev, qp, depth, socket);
}

int
__wrap_rte_compressdev_start(uint8_t dev)
{
	return script.start_ret != 0 ? script.start_ret : __real_rte_compressdev_start(dev);
}

int
__wrap_rte_compressdev_private_xform_create(uint8_t dev, const struct rte_comp_xform *xform,
                                            void **handle)
{
	if (script.xform_ret == 0)
		return __real_rte_compressdev_private_xform_create(dev, xform, handle);
	/* Some leave this behind, which is none of theirs to free. */
	*handle = handle;
	return script.xform_ret;
}

int
__wrap_rte_compressdev_private_xform_free(uint8_t dev, void *handle)
{
	int ret = __real_rte_compressdev_private_xform_free(dev, handle);

	assert_int_equal(script.xform_ret, 0);
	assert_int_equal(ret, 0);
	return ret;
}

static bool
oom_now(void)
{
	oom_count++;
	oom_failed = oom_at != 0 && (oom_count == oom_at || (oom_for_good && oom_count > oom_at));
	return oom_failed;
}

/* The second try on any node is the same allocation: it fails as the first one did. */
static bool
oom_now_on(int node)
{
	if (node == SOCKET_ID_ANY && oom_failed)
		return true;
	return oom_now() || (node == script.full_node && node != 0);
}

void *
__wrap_aligned_alloc(size_t align, size_t len)
{
	return oom_now() ? NULL : __real_aligned_alloc(align, len);
}

void *
__wrap_rte_zmalloc_socket(const char *type, size_t len, unsigned int align, int socket)
{
	return oom_now_on(socket) ? NULL : __real_rte_zmalloc_socket(type, len, align, socket);
}

void *
__wrap_rte_malloc_socket(const char *type, size_t len, unsigned int align, int socket)
{
	if (strcmp(type, "zcomp_strms") == 0 || strcmp(type, "zcomp_bufs") == 0)
		seen.strms_on[socket == SOCKET_ID_ANY ? 2 : socket]++;
	return oom_now_on(socket) ? NULL : __real_rte_malloc_socket(type, len, align, socket);
}

static int
set_up(void **state)
{
	memset(&script, 0, sizeof(script));
	memset(&seen, 0, sizeof(seen));
	return cdev_set_up(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, cdev_tear_down)

static void
send(struct zcomp *comp, struct zcomp_strm *strms[NR])
{
	for (unsigned int i = 0; i < NR; i++) {
		strms[i] = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true);
		strm_fill(strms[i], i);
	}
}

/* Collects @nr streams and puts them: @bad of them failed with @result, the others are right. */
static void
receive(struct zcomp *comp, unsigned int nr, unsigned int bad, int32_t result)
{
	struct zcomp_strm *strms[NR];

	cdev_collect(comp, 0, strms, nr);
	for (unsigned int i = 0; i < nr; i++) {
		if (strms[i]->result == result) {
			assert_true(bad > 0);
			bad--;
		} else {
			strm_check(strms[i], &zcodec_lz4);
		}
		zcomp_stream_put(strms[i]);
	}
	assert_int_equal(bad, 0);
	assert_int_equal(stats_of(comp, 0).in_flight, 0);
}

static void
refuse_invalid(struct rte_comp_op *op)
{
	op->status = RTE_COMP_OP_STATUS_INVALID_ARGS;
}

static void
refuse_error(struct rte_comp_op *op)
{
	op->status = RTE_COMP_OP_STATUS_ERROR;
}

/* One that the driver refuses for good is taken, and comes back as failed: no endless retry. */
static void
test_bad_op(void **state)
{
	static const unsigned int places[] = {0, 3, NR - 1};

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(places); i++) {
		struct zcomp *comp = cdev_create(1, NR);
		struct zcomp_strm *strms[NR];

		script.stop_at = places[i];
		script.stops = 1;
		script.refuse = refuse_invalid;
		script.enqueues = 0;
		send(comp, strms);
		assert_int_equal(zcomp_submit(comp, 0, strms, NR), NR);
		assert_int_equal(script.enqueues, places[i] == NR - 1 ? 1 : 2);
		assert_int_equal(stats_of(comp, 0).in_flight, NR);
		receive(comp, NR, 1, -EIO);
		assert_int_equal(stats_of(comp, 0).errors, 1);
		zcomp_destroy(comp);
	}
}

/* With nothing in the device everything comes back by the next polls nevertheless. */
static void
test_all_bad(void **state)
{
	struct zcomp *comp = cdev_create(1, NR);
	struct zcomp_strm *strms[NR], *done;

	(void)state;
	script.stops = NR;
	script.refuse = refuse_error;
	send(comp, strms);
	assert_int_equal(zcomp_submit(comp, 0, strms, NR), NR);
	for (unsigned int i = 0; i < NR; i++) {
		assert_int_equal(zcomp_poll(comp, 0, &done, 1), 1);
		assert_int_equal(done->result, -EIO);
		zcomp_stream_put(done);
	}
	assert_int_equal(zcomp_poll(comp, 0, &done, 1), 0);
	assert_int_equal(stats_of(comp, 0).errors, NR);
	/* The device has recovered. */
	send(comp, strms);
	assert_int_equal(zcomp_submit(comp, 0, strms, NR), NR);
	receive(comp, NR, 0, -EIO);
	zcomp_destroy(comp);
}

/* Who polls for any compressor of the device finds what the device refused. */
static void
test_bad_op_found_by_other(void **state)
{
	struct zcomp *a = cdev_create(1, NR), *b = cdev_create(2, NR);
	struct zcomp_strm *strm = strm_get(a, 0, ZSTRM_ONLY_MGMT, true), *done;

	(void)state;
	script.stops = 1;
	script.refuse = refuse_invalid;
	assert_int_equal(zcomp_submit(a, 0, &strm, 1), 1);
	assert_int_equal(zcomp_poll(b, 0, &done, 1), 1);
	assert_ptr_equal(done, strm);
	assert_int_equal(done->result, -EIO);
	assert_int_equal(stats_of(a, 0).errors, 1);
	assert_int_equal(stats_of(b, 0).errors, 0);
	zcomp_stream_put(done);
	zcomp_destroy(a);
	zcomp_destroy(b);
}

static void
refuse_full(struct rte_comp_op *op)
{
	op->status = RTE_COMP_OP_STATUS_NOT_PROCESSED;
}

/* A full queue, of a driver that says so and of one that says nothing: retried, not failed. */
static void
test_full(void **state)
{
	static const op_fn ways[] = {refuse_full, NULL};

	(void)state;
	for (unsigned int i = 0; i < 2 * TEST_NR(ways); i++) {
		struct zcomp *comp = cdev_create(1, NR);
		struct zcomp_strm *strms[NR];

		/* Streams that were used before: their old status means nothing. */
		send(comp, strms);
		assert_int_equal(zcomp_submit(comp, 0, strms, NR), NR);
		receive(comp, NR, 0, -EIO);

		script.stop_at = i < TEST_NR(ways) ? 3 : 0;
		script.stops = 2;
		script.refuse = ways[i % TEST_NR(ways)];
		send(comp, strms);
		assert_int_equal(zcomp_submit(comp, 0, strms, NR), script.stop_at);
		assert_int_equal(zcomp_submit(comp, 0, strms + script.stop_at, NR - script.stop_at),
		                 script.stop_at);
		assert_int_equal(
		        zcomp_submit(comp, 0, strms + 2 * script.stop_at, NR - 2 * script.stop_at),
		        NR - 2 * script.stop_at);
		receive(comp, NR, 0, -EIO);
		zcomp_destroy(comp);
	}
}

/* Some drivers do an operation and only then find no place to return it. */
static void
refuse_done(struct rte_comp_op *op)
{
	int len = LZ4_compress_default(rte_pktmbuf_mtod(op->m_src, char *),
	                               rte_pktmbuf_mtod(op->m_dst, char *), (int)op->src.length,
	                               op->m_dst->data_len);

	op->status = RTE_COMP_OP_STATUS_SUCCESS;
	op->consumed = op->src.length;
	op->produced = (uint32_t)len;
}

static void
test_done_but_refused(void **state)
{
	struct zcomp *comp = cdev_create(1, NR);
	struct zcomp_strm *strms[NR];

	(void)state;
	script.stop_at = 2;
	script.stops = 1;
	script.refuse = refuse_done;
	send(comp, strms);
	assert_int_equal(zcomp_submit(comp, 0, strms, NR), NR);
	receive(comp, NR, 0, -EIO);
	zcomp_destroy(comp);
}

static void
spoil_no_room(struct rte_comp_op *op)
{
	op->status = RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED;
}

static void
spoil_recoverable(struct rte_comp_op *op)
{
	op->status = RTE_COMP_OP_STATUS_OUT_OF_SPACE_RECOVERABLE;
}

static void
spoil_state(struct rte_comp_op *op)
{
	op->status = RTE_COMP_OP_STATUS_INVALID_STATE;
}

static void
spoil_status(struct rte_comp_op *op)
{
	op->status = 255;
}

static void
spoil_nothing_done(struct rte_comp_op *op)
{
	op->status = RTE_COMP_OP_STATUS_NOT_PROCESSED;
}

static void
spoil_empty(struct rte_comp_op *op)
{
	op->produced = 0;
}

static void
spoil_too_long(struct rte_comp_op *op)
{
	op->produced = 2 * PAGE + 1;
}

static void
spoil_huge(struct rte_comp_op *op)
{
	op->produced = UINT32_MAX;
}

static void
spoil_part(struct rte_comp_op *op)
{
	op->consumed = PAGE - 1;
}

static void
test_bad_results(void **state)
{
	static const struct {
		op_fn spoil;
		int32_t result;
	} cases[] = {
	        {spoil_no_room, -ENOSPC},   {spoil_recoverable, -EIO}, {spoil_state, -EIO},
	        {spoil_status, -EIO},       {spoil_empty, -EIO},       {spoil_too_long, -EIO},
	        {spoil_huge, -EIO},         {spoil_part, -EIO},        {refuse_error, -EIO},
	        {spoil_nothing_done, -EIO}, {refuse_invalid, -EIO},
	};

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(cases); i++) {
		struct zcomp *comp = cdev_create(1, NR);
		struct zcomp_strm *strms[NR];

		script.spoil = cases[i].spoil;
		send(comp, strms);
		assert_int_equal(zcomp_submit(comp, 0, strms, NR), NR);
		receive(comp, NR, NR, cases[i].result);
		assert_int_equal(stats_of(comp, 0).errors, cases[i].result == -EIO ? NR : 0);
		/* The streams are as good as before. */
		script.spoil = NULL;
		send(comp, strms);
		assert_int_equal(zcomp_submit(comp, 0, strms, NR), NR);
		receive(comp, NR, 0, -EIO);
		zcomp_destroy(comp);
	}
}

static void
test_xform_refused(void **state)
{
	static const int errors[] = {-EINVAL, -ENOTSUP, -1};
	struct zcomp_params params = cdev_params(NR);
	struct zcomp *comp = NULL;

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(errors); i++) {
		script.xform_ret = errors[i];
		assert_int_equal(zcomp_create(&zcomp_backend_compressdev, &params, &comp), 0);
		assert_false(zcomp_managed(comp));
		zcomp_destroy(comp);
	}
	comp = NULL;
	script.xform_ret = -ENOMEM;
	assert_int_equal(zcomp_create(&zcomp_backend_compressdev, &params, &comp), -ENOMEM);
	assert_null(comp);
}

/* Whatever step fails: an error, nothing left, and the device opens when asked again. */
static void
open_fails(int want)
{
	const unsigned int blocks = cdev_heap_blocks();
	struct zcomp_cdev *dev = NULL;

	assert_int_equal(zcomp_cdev_open(CDEV_NAME, CDEV_LCORES, 4, NULL, &dev), want);
	assert_null(dev);
	assert_int_equal(cdev_heap_blocks(), blocks);
	memset(&script, 0, sizeof(script));
	assert_int_equal(zcomp_cdev_open(CDEV_NAME, CDEV_LCORES, 4, NULL, &dev), 0);
	zcomp_cdev_close(dev);
	assert_int_equal(cdev_heap_blocks(), blocks);
}

static void
test_open_fails(void **state)
{
	static const struct {
		int ret, want;
	} cases[] = {{-ENOMEM, -ENOMEM}, {-EINVAL, -EIO}, {-1, -EIO}, {-ENOTSUP, -EIO}};

	(void)state;
	zcomp_cdev_close(cdev_env.dev);
	cdev_env.dev = NULL;
	for (unsigned int i = 0; i < TEST_NR(cases); i++) {
		script.configure_ret = cases[i].ret;
		open_fails(cases[i].want);
		script.qp_ret = cases[i].ret;
		open_fails(cases[i].want);
		script.start_ret = cases[i].ret;
		open_fails(cases[i].want);
	}
}

/* Opens the device with its lcores on nodes 0 and 1, and runs pages of both through it. */
static void
run_on(const int *nodes)
{
	struct zcomp *comp;

	zcomp_cdev_close(cdev_env.dev);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(zcomp_cdev_open(CDEV_NAME, CDEV_LCORES, NR, nodes, &cdev_env.dev), 0);
	comp = cdev_create(1, NR);
	for (unsigned int lcore = 0; lcore < CDEV_LCORES; lcore++) {
		struct zcomp_strm *strm = strm_get(comp, lcore, ZSTRM_ONLY_MGMT, true);

		strm_fill(strm, lcore);
		assert_int_equal(zcomp_submit(comp, lcore, &strm, 1), 1);
		cdev_collect(comp, lcore, &strm, 1);
		strm_check(strm, &zcodec_lz4);
		zcomp_stream_put(strm);
	}
	zcomp_destroy(comp);
}

/* Each lcore has a queue pair and streams of its own node, of any if that has no memory, and of the
 * device's if its own is not known. */
static void
test_nodes(void **state)
{
	static const int nodes[CDEV_LCORES] = {0, 1}, unknown[CDEV_LCORES] = {1, -1};
	const int own = rte_compressdev_socket_id((uint8_t)rte_compressdev_get_dev_id(CDEV_NAME));

	(void)state;
	run_on(nodes);
	assert_memory_equal(seen.qp_nodes, nodes, sizeof(nodes));
	assert_int_equal(seen.strms_on[0], 2);
	assert_int_equal(seen.strms_on[1], 2);
	assert_int_equal(seen.strms_on[2], 0);
	run_on(unknown);
	assert_int_equal(seen.qp_nodes[0], 1);
	assert_int_equal(seen.qp_nodes[1], own);
	run_on(NULL);
	assert_int_equal(seen.qp_nodes[0], own);
	script.full_node = 1;
	run_on(nodes);
	assert_int_equal(seen.qp_nodes[0], 0);
	assert_int_equal(seen.qp_nodes[1], SOCKET_ID_ANY);
	assert_int_equal(seen.strms_on[0], 2);
	assert_int_equal(seen.strms_on[1], 2);
	assert_int_equal(seen.strms_on[2], 2);
}

static void
create_out_of_memory(void)
{
	struct zcomp_params params = cdev_params(NR);
	const unsigned int blocks = cdev_heap_blocks();
	struct zcomp *comp = NULL;
	unsigned int at = 0;
	int ret;

	do {
		oom_count = 0;
		oom_at = ++at;
		ret = zcomp_create(&zcomp_backend_compressdev, &params, &comp);
		oom_at = 0;
		if (ret != 0) {
			assert_int_equal(ret, -ENOMEM);
			assert_null(comp);
			assert_int_equal(cdev_heap_blocks(), blocks);
		}
	} while (ret != 0);
	/* Two of the front end; the backend, the xform, and of each lcore the streams and the
	 * buffers. */
	assert_int_equal(at, 9);
	assert_true(zcomp_managed(comp));
	zcomp_destroy(comp);
}

static void
open_out_of_memory(void)
{
	const unsigned int blocks = cdev_heap_blocks();
	struct zcomp_cdev *dev = NULL;
	unsigned int at = 0;
	int ret;

	do {
		oom_count = 0;
		oom_at = ++at;
		ret = zcomp_cdev_open(CDEV_NAME, CDEV_LCORES, 4, NULL, &dev);
		oom_at = 0;
		if (ret != 0) {
			assert_int_equal(ret, -ENOMEM);
			assert_null(dev);
			assert_int_equal(cdev_heap_blocks(), blocks);
		}
	} while (ret != 0);
	/* The device and its watches; its two queue pairs and what each of them works with. */
	assert_int_equal(at, 7);
	zcomp_cdev_close(dev);
}

static void
test_out_of_memory(void **state)
{
	(void)state;
	create_out_of_memory();
	oom_for_good = true;
	create_out_of_memory();
	zcomp_cdev_close(cdev_env.dev);
	cdev_env.dev = NULL;
	open_out_of_memory();
	oom_for_good = false;
	open_out_of_memory();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_bad_op),
	        TEST(test_all_bad),
	        TEST(test_bad_op_found_by_other),
	        TEST(test_full),
	        TEST(test_done_but_refused),
	        TEST(test_bad_results),
	        TEST(test_xform_refused),
	        TEST(test_open_fails),
	        TEST(test_nodes),
	        TEST(test_out_of_memory),
	};
	int ret;

	/* Degrading warns, here on purpose. */
	zc_log_init("test_cdev_faults", ZC_LOG_ERROR);
	if (test_eal_start(NULL) != 0)
		return 77;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	test_eal_stop();
	return ret;
}
