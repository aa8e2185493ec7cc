/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * What compress_sim makes of an operation, and its queues under threads: results, limits, failures,
 * same-filled pages, several queue pairs, host threads that sleep.
 *
 * Argument: the driver, if it is not built in. This test uses nothing of it but compressdev.
 */

#include "sim_env.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>

#include <rte_malloc.h>
#include <rte_ring.h>

#include "sim_pmd.h"

static void
device_info(void **state)
{
	const struct rte_compressdev_capabilities *cap;
	struct rte_compressdev_info info;

	(void)state;
	sim_open("", 1, 8);
	rte_compressdev_info_get(env.dev, &info);
	assert_string_equal(info.driver_name, "compress_sim");
	assert_int_equal(info.max_nb_queue_pairs, 64);
	cap = rte_compressdev_capability_get(env.dev, RTE_COMP_ALGO_LZ4);
	assert_non_null(cap);
	assert_true((cap->comp_feature_flags & RTE_COMP_FF_SHAREABLE_PRIV_XFORM) != 0);
	assert_true((cap->comp_feature_flags &
	             (RTE_COMP_FF_OOP_SGL_IN_SGL_OUT | RTE_COMP_FF_OOP_SGL_IN_LB_OUT |
	              RTE_COMP_FF_OOP_LB_IN_SGL_OUT)) == 0);
	assert_int_equal(cap->window_size.min, TEST_WINDOW);
	assert_int_equal(cap->window_size.max, TEST_WINDOW);
	assert_null(rte_compressdev_capability_get(env.dev, RTE_COMP_ALGO_DEFLATE));
	sim_close();
}

static void
xform_refused(struct rte_comp_xform xform, int error)
{
	void *handle = NULL;

	assert_int_equal(rte_compressdev_private_xform_create(env.dev, &xform, &handle), error);
	assert_null(handle);
}

#define REFUSED_WITH(good, field, value)            \
	do {                                        \
		struct rte_comp_xform bad = (good); \
		bad.field = (value);                \
		xform_refused(bad, -ENOTSUP);       \
	} while (0)

static void
invalid_xform(void **state)
{
	static const int levels[] = {RTE_COMP_LEVEL_NONE, -2, 65538, INT32_MIN, INT32_MAX};
	const struct rte_comp_xform c = test_xform(RTE_COMP_COMPRESS, 1);
	const struct rte_comp_xform d = test_xform(RTE_COMP_DECOMPRESS, 0);
	struct rte_comp_xform x = c;

	(void)state;
	sim_open("", 1, 8);
	for (unsigned int i = 0; i < RTE_DIM(levels); i++)
		xform_refused(test_xform(RTE_COMP_COMPRESS, levels[i]), -ENOTSUP);
	x.type = 7;
	xform_refused(x, -EINVAL);
	REFUSED_WITH(c, compress.algo, RTE_COMP_ALGO_DEFLATE);
	REFUSED_WITH(c, compress.chksum, RTE_COMP_CHECKSUM_CRC32);
	REFUSED_WITH(c, compress.hash_algo, RTE_COMP_HASH_ALGO_SHA1);
	REFUSED_WITH(c, compress.window_size, TEST_WINDOW - 1);
	REFUSED_WITH(d, decompress.algo, RTE_COMP_ALGO_LZS);
	REFUSED_WITH(d, decompress.chksum, RTE_COMP_CHECKSUM_ADLER32);
	REFUSED_WITH(d, decompress.hash_algo, RTE_COMP_HASH_ALGO_SHA2_256);
	REFUSED_WITH(d, decompress.window_size, TEST_WINDOW + 1);
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
	REFUSED_WITH(c, compress.lz4.flags, RTE_COMP_LZ4_FLAG_CONTENT_SIZE);
	REFUSED_WITH(d, decompress.lz4.flags, RTE_COMP_LZ4_FLAG_DICT_ID);
#endif
	sim_close();
	sim_open("compress_only=1", 1, 8);
	xform_refused(d, -ENOTSUP);
	sim_close();
}

/* There and back, pages of all kinds. */
static void
round_trip(void **state)
{
	enum { NR = 24 };
	struct rte_comp_op *ops[NR], *back[NR];
	uint8_t page[TEST_PAGE];

	(void)state;
	sim_open("latency_us=5,engines=4", 1, NR);
	sim_ops_create(ops, NR, 0);
	test_enqueue_all(0, ops, NR);
	test_dequeue_all(0, back, NR);
	assert_true(sim_in_order(back, NR, 0));
	for (unsigned int i = 0; i < NR; i++) {
		struct rte_comp_op *op;

		sim_op_check(back[i]);
		op = test_op_bytes(env.decompress, rte_pktmbuf_mtod(back[i]->m_dst, void *),
		                   (uint16_t)back[i]->produced, TEST_PAGE);
		test_run(op);
		test_fill(page, sizeof(page), *test_tag(back[i]));
		test_result_is(op, page, sizeof(page));
		/* As it came back, it may be used again. */
		test_run(op);
		test_result_is(op, page, sizeof(page));
		test_op_free(op);
	}
	sim_ops_free(ops, NR);
	sim_close();
}

/* The device's acceleration is what the levels that ask for none get. */
static void
levels(void **state)
{
	static const int all[] = {RTE_COMP_LEVEL_PMD_DEFAULT, 1, 2};
	uint8_t page[TEST_PAGE];
	char block[TEST_PAGE_BOUND];

	(void)state;
	sim_open("accel=9", 1, 8);
	test_fill(page, sizeof(page), 1);
	for (unsigned int i = 0; i < RTE_DIM(all); i++) {
		int len = LZ4_compress_fast((const char *)page, block, sizeof(page), sizeof(block),
		                            all[i] > 1 ? all[i] : 9);
		void *xform = test_xform_create(RTE_COMP_COMPRESS, all[i]);
		struct rte_comp_op *op = test_op_bytes(xform, page, sizeof(page), TEST_PAGE_BOUND);

		test_run(op);
		test_result_is(op, block, (uint32_t)len);
		test_op_free(op);
		test_xform_free(xform);
	}
	sim_close();
}

/* Room or limit for just the block, and for a byte less. */
static void
out_of_space(void **state)
{
	uint8_t page[TEST_PAGE];
	char block[TEST_PAGE_BOUND], args[64];
	struct rte_comp_op *op;
	uint16_t len;

	(void)state;
	test_fill(page, sizeof(page), 1);
	len = (uint16_t)LZ4_compress_default((const char *)page, block, sizeof(page),
	                                     sizeof(block));
	for (uint16_t less = 0; less < 2; less++) {
		uint8_t status = less == 0 ? RTE_COMP_OP_STATUS_SUCCESS
		                           : RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED;

		snprintf(args, sizeof(args), "dst_limit=%u", len - less);
		sim_open(args, 1, 8);
		op = test_op_bytes(env.compress, page, sizeof(page), TEST_PAGE_BOUND);
		assert_int_equal(test_run(op), status);
		assert_int_equal(op->produced, less == 0 ? len : 0);
		test_op_free(op);
		/* The limit is not one of decompression. */
		op = test_op_bytes(env.decompress, block, len, TEST_PAGE);
		test_run(op);
		test_result_is(op, page, sizeof(page));
		test_op_free(op);
		sim_close();

		sim_open("", 1, 8);
		op = test_op_bytes(env.compress, page, sizeof(page), len - less);
		assert_int_equal(test_run(op), status);
		test_op_free(op);
		op = test_op_bytes(env.compress, page, sizeof(page), 100 + len - less);
		op->dst.offset = 100;
		assert_int_equal(test_run(op), status);
		test_op_free(op);
		op = test_op_bytes(env.decompress, block, len, TEST_PAGE - less);
		assert_int_equal(test_run(op), status);
		test_op_free(op);
		sim_close();
	}
}

static void
malformed(void **state)
{
	struct rte_comp_op *op;

	(void)state;
	sim_open("", 1, 8);
	op = test_op_bytes(env.decompress, "\xf0", 1, TEST_PAGE);
	test_run(op);
	test_failed_with(op, RTE_COMP_OP_STATUS_ERROR);
	test_op_free(op);
	op = test_op_bytes(env.decompress, "", 0, TEST_PAGE);
	test_run(op);
	test_failed_with(op, RTE_COMP_OP_STATUS_ERROR);
	test_op_free(op);
	sim_close();
}

/* A page is one repeated word, or is not, by the byte at @p spoilt. */
static void
same_filled_page(uint16_t len, int spoilt, bool same)
{
	static const uint8_t word[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint8_t page[TEST_PAGE] = {0};
	struct rte_comp_op *op;

	for (uint16_t i = 0; i < len; i++)
		page[i] = word[i % 8];
	if (spoilt >= 0)
		page[spoilt] ^= 1;
	op = test_op_bytes(env.compress, page, len, TEST_PAGE_BOUND);
	*test_tag(op) = 0;
	assert_int_equal(test_run(op), RTE_COMP_OP_STATUS_SUCCESS);
	assert_int_equal(op->consumed, len);
	if (same) {
		assert_int_equal(op->debug_status, SIM_PMD_SAME);
		assert_int_equal(op->produced, 0);
		assert_memory_equal(&op->output_chksum, word, sizeof(word));
	} else {
		assert_int_equal(op->debug_status, 0);
		assert_true(op->produced > 0);
	}
	test_op_free(op);
}

static void
same_filled(void **state)
{
	(void)state;
	sim_open("same_filled=1", 1, 8);
	same_filled_page(TEST_PAGE, -1, true);
	same_filled_page(8, -1, true);
	same_filled_page(TEST_PAGE, 0, false);
	same_filled_page(TEST_PAGE, 2000, false);
	same_filled_page(TEST_PAGE, TEST_PAGE - 1, false);
	same_filled_page(TEST_PAGE - 4, -1, false);
	same_filled_page(4, -1, false);
	same_filled_page(0, -1, false);
	sim_close();
	sim_open("", 1, 8);
	same_filled_page(TEST_PAGE, -1, false);
	sim_close();
}

/* Timing only: the bytes of both sides are not even there. */
static void
null_codec(void **state)
{
	struct rte_mbuf m[2];
	struct rte_comp_op *op;

	(void)state;
	sim_open("codec=null,null_len=1234,same_filled=1", 1, 8);
	test_raw_mbuf(&m[0], NULL, TEST_PAGE);
	test_raw_mbuf(&m[1], NULL, 1234);
	op = test_op(env.compress, &m[0], &m[1]);
	assert_int_equal(test_run(op), RTE_COMP_OP_STATUS_SUCCESS);
	assert_int_equal(op->consumed, TEST_PAGE);
	assert_int_equal(op->produced, 1234);
	m[1].data_len = 1233;
	test_run(op);
	test_failed_with(op, RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED);
	m[1].data_len = TEST_PAGE;
	op->private_xform = env.decompress;
	op->dst.offset = 96;
	assert_int_equal(test_run(op), RTE_COMP_OP_STATUS_SUCCESS);
	assert_int_equal(op->produced, TEST_PAGE - 96);
	op->src.length++;
	test_run(op);
	test_failed_with(op, RTE_COMP_OP_STATUS_INVALID_ARGS);
	test_op_free(op);
	sim_close();

	sim_open("codec=null,dst_limit=1599", 1, 8);
	sim_ops_create(&op, 1, 0);
	test_run(op);
	test_failed_with(op, RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED);
	test_op_free(op);
	sim_close();
}

static void
add_segment(struct rte_mbuf *head)
{
	assert_int_equal(rte_pktmbuf_chain(head, test_chain(NULL, 16, 16)), 0);
}

/* Make an operation bad in the @p i-th way. @return whether there is such a way. */
static bool
op_spoil(struct rte_comp_op *op, unsigned int i)
{
	switch (i) {
	case 0:
		op->op_type = RTE_COMP_OP_STATEFUL;
		return true;
	case 1:
		op->private_xform = NULL;
		return true;
	case 2:
		op->flush_flag = RTE_COMP_FLUSH_NONE;
		return true;
	case 3:
		op->src.length++;
		return true;
	case 4:
		op->src.offset = 1;
		return true;
	case 5:
		op->src.offset = UINT32_MAX;
		op->src.length = 2;
		return true;
	case 6:
		op->src.length = UINT32_MAX;
		return true;
	case 7:
		op->dst.offset = TEST_PAGE_BOUND + 1;
		return true;
	case 8:
		rte_pktmbuf_free(op->m_src);
		op->m_src = NULL;
		return true;
	case 9:
		rte_pktmbuf_free(op->m_dst);
		op->m_dst = NULL;
		return true;
	case 10:
		add_segment(op->m_src);
		return true;
	case 11:
		add_segment(op->m_dst);
		return true;
	default:
		return false;
	}
}

/* Bad operations are taken in their turn, come back as such, and harm no neighbour. */
static void
invalid_args(void **state)
{
	bool spoilt = true;

	(void)state;
	sim_open("latency_us=1", 1, 8);
	for (unsigned int i = 0; spoilt; i++) {
		struct rte_comp_op *ops[3];

		sim_ops_create(ops, 3, 0);
		spoilt = op_spoil(ops[1], i);
		assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, ops, 3), 3);
		test_dequeue_all(0, ops, 3);
		for (uint32_t j = 0; j < 3; j++) {
			if (spoilt && *test_tag(ops[j]) == 1)
				test_failed_with(ops[j], RTE_COMP_OP_STATUS_INVALID_ARGS);
			else
				sim_op_check(ops[j]);
		}
		sim_ops_free(ops, 3);
	}
	sim_close();
}

/* One enqueuing and one dequeuing thread, and the operations that go round between them. */
struct flow {
	uint16_t qp;
	unsigned int rounds;
	struct rte_comp_op *ops[25];
	struct rte_ring *idle;
};

static void *
flow_enqueue(void *arg)
{
	struct flow *f = arg;
	struct rte_comp_op *ops[5];

	for (unsigned int left = f->rounds; left != 0;) {
		unsigned int nr = rte_ring_dequeue_burst(f->idle, (void **)ops,
		                                         RTE_MIN(left, RTE_DIM(ops)), NULL);

		left -= nr;
		for (unsigned int done = 0; done < nr;) {
			uint16_t got = rte_compressdev_enqueue_burst(env.dev, f->qp, &ops[done],
			                                             (uint16_t)(nr - done));

			if (got == 0)
				sched_yield();
			done += got;
		}
	}
	return NULL;
}

/* @return NULL, or the flow if an operation was wrong: cmocka is for the main thread only. */
static void *
flow_dequeue(void *arg)
{
	struct flow *f = arg;
	struct rte_comp_op *ops[8];
	void *ret = NULL;

	for (unsigned int left = f->rounds; left != 0;) {
		uint16_t got = rte_compressdev_dequeue_burst(env.dev, f->qp, ops, RTE_DIM(ops));

		if (got == 0)
			sched_yield();
		for (uint16_t i = 0; i < got; i++) {
			char page[TEST_PAGE];

			if (ops[i]->status != RTE_COMP_OP_STATUS_SUCCESS ||
			    LZ4_decompress_safe(rte_pktmbuf_mtod(ops[i]->m_dst, char *), page,
			                        (int)ops[i]->produced, TEST_PAGE) != TEST_PAGE)
				ret = f;
			ops[i]->status = RTE_COMP_OP_STATUS_NOT_PROCESSED;
			rte_ring_enqueue(f->idle, ops[i]);
		}
		left -= got;
	}
	return ret;
}

static void
flow_init(struct flow *f, uint16_t qp)
{
	char name[16];

	f->qp = qp;
	f->rounds = 400;
	snprintf(name, sizeof(name), "idle-%u", qp);
	f->idle = rte_ring_create(name, 32, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_non_null(f->idle);
	sim_ops_create(f->ops, RTE_DIM(f->ops), 100u * qp);
	for (unsigned int i = 0; i < RTE_DIM(f->ops); i++)
		assert_int_equal(rte_ring_enqueue(f->idle, f->ops[i]), 0);
}

static void
several_queue_pairs(void **state)
{
	/* More operations than fit, so that the enqueuing threads also meet a full queue. */
	static const char *const args[] = {
	        "latency_us=2,engines=4,threads=1",
	        "latency_us=uniform:0:50,engines=16,threads=3,batch=3,batch_us=20",
	        "latency_us=tail:1:30,engines=8,threads=2,reorder=1,bandwidth=2000",
	};
	enum { NR = 3 };
	struct flow flows[NR];
	pthread_t in[NR], out[NR];

	(void)state;
	for (unsigned int a = 0; a < RTE_DIM(args); a++) {
		sim_open(args[a], NR, 10);
		for (uint16_t i = 0; i < NR; i++)
			flow_init(&flows[i], i);
		for (uint16_t i = 0; i < NR; i++) {
			assert_int_equal(pthread_create(&in[i], NULL, flow_enqueue, &flows[i]), 0);
			assert_int_equal(pthread_create(&out[i], NULL, flow_dequeue, &flows[i]), 0);
		}
		for (uint16_t i = 0; i < NR; i++) {
			void *ret;

			assert_int_equal(pthread_join(in[i], NULL), 0);
			assert_int_equal(pthread_join(out[i], &ret), 0);
			assert_null(ret);
			assert_int_equal(rte_ring_count(flows[i].idle), RTE_DIM(flows[i].ops));
			sim_ops_free(flows[i].ops, RTE_DIM(flows[i].ops));
			rte_ring_free(flows[i].idle);
		}
		sim_close();
	}
}

static void
max_queue_pairs(void **state)
{
	struct rte_comp_op *ops[64], *back;

	(void)state;
	sim_open("latency_us=1,engines=7", 64, 16);
	sim_ops_create(ops, 64, 0);
	for (uint16_t i = 0; i < 64; i++)
		test_enqueue_all(i, &ops[i], 1);
	for (uint16_t i = 0; i < 64; i++) {
		test_dequeue_all(i, &back, 1);
		assert_ptr_equal(back, ops[i]);
		sim_op_check(back);
	}
	sim_ops_free(ops, 64);
	sim_close();
}

/* Every depth wraps around at every fill level, also those that are no power of two. */
static void
queue_wraps(void **state)
{
	static const uint32_t depths[] = {1, 2, 3, 7, 31, 32};
	struct rte_comp_op *ops[33], *back[33];

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(depths); i++) {
		const uint32_t depth = depths[i];

		sim_open("codec=null,latency_us=uniform:0:2,engines=3", 1, depth);
		sim_ops_create(ops, depth + 1, 0);
		for (uint32_t round = 0; round < 200; round++) {
			uint16_t nr = (uint16_t)(round % depth + 1);

			test_enqueue_all(0, ops, nr);
			test_dequeue_all(0, back, nr);
		}
		test_enqueue_all(0, ops, depth);
		assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, &ops[depth], 1), 0);
		test_dequeue_all(0, back, 1);
		assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, &ops[depth], 1), 1);
		test_dequeue_all(0, back, depth);
		assert_int_equal(rte_compressdev_dequeue_burst(env.dev, 0, back, 1), 0);
		sim_ops_free(ops, depth + 1);
		sim_close();
	}
}

/* How many host threads there are, and how many of them sleep. */
static unsigned int
host_threads(unsigned int *asleep)
{
	unsigned int nr = 0;
	DIR *dir = opendir("/proc/self/task");
	struct dirent *ent;

	*asleep = 0;
	assert_non_null(dir);
	while ((ent = readdir(dir)) != NULL) {
		char path[64], line[128];
		const char *name;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%.16s/stat", ent->d_name);
		f = fopen(path, "r");
		if (f == NULL)
			continue;
		name = fgets(line, sizeof(line), f) == NULL ? NULL : strstr(line, "(sim-host-");
		if (name != NULL) {
			nr++;
			*asleep += strstr(name, ") S ") != NULL;
		}
		fclose(f);
	}
	closedir(dir);
	return nr;
}

/* A stopped device has no thread, an idle one's sleep, and each enqueue wakes them. */
static void
host_threads_sleep(void **state)
{
	struct rte_comp_op *op, *back;
	unsigned int asleep;

	(void)state;
	sim_open("codec=null", 1, 8);
	assert_int_equal(host_threads(&asleep), 0);
	sim_close();
	sim_open("threads=3,latency_us=1", 1, 8);
	assert_int_equal(host_threads(&asleep), 3);
	rte_compressdev_stop(env.dev);
	assert_int_equal(host_threads(&asleep), 0);
	assert_int_equal(rte_compressdev_start(env.dev), 0);
	sim_ops_create(&op, 1, 0);
	for (int i = 0; i < 20; i++) {
		do
			sched_yield();
		while (host_threads(&asleep) != 3 || asleep != 3);
		test_enqueue_all(0, &op, 1);
		test_dequeue_all(0, &back, 1);
		sim_op_check(back);
	}
	test_op_free(op);
	sim_close();
}

/* Take all of EAL's heap, in pieces of @p len; each is linked to the one before. */
static void **
heap_take(size_t len, void **last)
{
	for (void **piece; (piece = rte_malloc(NULL, len, 0)) != NULL; last = piece)
		*piece = last;
	return last;
}

static void
no_memory(void **state)
{
	struct rte_comp_xform x = test_xform(RTE_COMP_COMPRESS, 1);
	void *handle = NULL, **taken = NULL, **next;
	struct rte_comp_op *op;
	int setup, xform;

	(void)state;
	sim_open("depth=4096", 1, 8);
	rte_compressdev_stop(env.dev);
	for (size_t len = 1 << 20; len >= 64; len /= 2)
		taken = heap_take(len, taken);
	setup = rte_compressdev_queue_pair_setup(env.dev, 0, 4096, SOCKET_ID_ANY);
	xform = rte_compressdev_private_xform_create(env.dev, &x, &handle);
	for (; taken != NULL; taken = next) {
		next = *taken;
		rte_free(taken);
	}
	assert_int_equal(setup, -ENOMEM);
	assert_int_equal(xform, -ENOMEM);
	/* The queue pair is as it was. */
	assert_int_equal(rte_compressdev_start(env.dev), 0);
	sim_ops_create(&op, 1, 0);
	test_run(op);
	sim_op_check(op);
	test_op_free(op);
	sim_close();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(device_info),         cmocka_unit_test(invalid_xform),
	        cmocka_unit_test(round_trip),          cmocka_unit_test(levels),
	        cmocka_unit_test(out_of_space),        cmocka_unit_test(malformed),
	        cmocka_unit_test(same_filled),         cmocka_unit_test(null_codec),
	        cmocka_unit_test(invalid_args),        cmocka_unit_test(queue_wraps),
	        cmocka_unit_test(several_queue_pairs), cmocka_unit_test(max_queue_pairs),
	        cmocka_unit_test(host_threads_sleep),  cmocka_unit_test(no_memory),
	};
	int failed;

	if (test_eal_start(argc > 1 ? argv[1] : NULL) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, sim_pools_create, sim_pools_free);
	test_eal_stop();
	return failed;
}
