/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The cases of DPDK's own compressdev_autotest (app/test/test_compressdev.c), for the LZ4 driver.
 * That one knows DEFLATE only and has zlib as its judge; here it is liblz4. Both directions in each
 * case.
 *
 *	there, test_compressdev_...                       here, test_compressdev_...
 *
 *	invalid_configuration                             the same; more of what is wrong
 *	deflate_stateless_fixed, _dynamic                 lz4_stateless: there are no Huffman codes
 *	deflate_stateless_dynamic_big                     lz4_stateless_big: the longest chain
 *	deflate_stateless_multi_op                        lz4_stateless_multi_op
 *	deflate_stateless_multi_level                     lz4_stateless_multi_level
 *	deflate_stateless_multi_xform                     lz4_stateless_multi_xform
 *	deflate_stateless_sgl                             lz4_stateless_sgl
 *	deflate_stateless_checksum                        lz4_stateless_checksum: none is offered,
 *	                                                  all are refused
 *	out_of_space_buffer                               the same
 *	deflate_stateful_decomp, _decomp_checksum         lz4_stateful_decomp: refused
 *	external_mbufs                                    the same
 *	deflate_stateless_fixed_oos_recoverable           lz4_stateless_oos_recoverable: nothing is
 *	                                                  consumed, the operation is offered again
 *	deflate_im_buffers_LB_1op, _2ops_first,           lz4_im_buffers_LB_...: no intermediate
 *	  _2ops_second, _3ops, _4ops                      buffers, the longest single segments
 *	deflate_im_buffers_SGL_1op, _2ops_first,          lz4_im_buffers_SGL_...: the bounce buffers
 *	  _2ops_second, _3ops, _4ops                      are full
 *	deflate_im_buffers_SGL_over_1op, _2ops_first,     lz4_im_buffers_SGL_over_...: a chain
 *	  _2ops_second                                    too long fails, not its neighbour
 *
 * Arguments: the mode, with more device arguments behind a comma, and a driver to load where this
 * program is built without one.
 */

#include "comp_env.h"
#include "lz4_block.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_memory.h>

/* Bytes of plain data in a chain. */
#define CHAIN_MAX 65536

static const struct rte_compressdev_capabilities *
capability(void)
{
	const struct rte_compressdev_capabilities *cap =
	        rte_compressdev_capability_get(env.dev, RTE_COMP_ALGO_LZ4);

	assert_non_null(cap);
	return cap;
}

static void
test_compressdev_invalid_configuration(void **state)
{
	struct rte_compressdev_config config = {.socket_id = SOCKET_ID_ANY, .nb_queue_pairs = 2};

	(void)state;
	assert_int_equal(rte_compressdev_configure(env.dev, &config), -EBUSY);
	assert_int_equal(rte_compressdev_queue_pair_setup(env.dev, 0, 1, SOCKET_ID_ANY), -EBUSY);
	assert_int_equal(rte_compressdev_close(env.dev), -EBUSY);

	rte_compressdev_stop(env.dev);
	config.nb_queue_pairs = 0;
	assert_true(rte_compressdev_configure(env.dev, &config) < 0);
	config.nb_queue_pairs = 65;
	assert_true(rte_compressdev_configure(env.dev, &config) < 0);

	assert_int_equal(rte_compressdev_close(env.dev), 0);
	assert_int_equal(rte_compressdev_start(env.dev), -EINVAL);
	config.nb_queue_pairs = 2;
	assert_int_equal(rte_compressdev_configure(env.dev, &config), 0);
	assert_true(rte_compressdev_queue_pair_setup(env.dev, 2, 1, SOCKET_ID_ANY) < 0);
	assert_true(rte_compressdev_queue_pair_setup(env.dev, 0, 0, SOCKET_ID_ANY) < 0);
	assert_int_equal(rte_compressdev_queue_pair_setup(env.dev, 0, 4097, SOCKET_ID_ANY),
	                 -EINVAL);
	assert_int_equal(rte_compressdev_queue_pair_setup(env.dev, 0, UINT32_MAX, SOCKET_ID_ANY),
	                 -EINVAL);
	assert_int_equal(rte_compressdev_queue_pair_setup(env.dev, 0, 4096, SOCKET_ID_ANY), 0);
	/* The other one is missing. */
	assert_int_equal(rte_compressdev_start(env.dev), -EINVAL);
	assert_int_equal(rte_compressdev_queue_pair_setup(env.dev, 1, 1, SOCKET_ID_ANY), 0);
	assert_int_equal(rte_compressdev_start(env.dev), 0);
	test_env_queues(1, TEST_DEPTH);
}

static void
test_compressdev_lz4_stateless(void **state)
{
	uint8_t page[TEST_PAGE];
	char block[TEST_PAGE_BOUND];

	(void)state;
	for (uint32_t seed = 0; seed < 9; seed++) {
		struct rte_comp_op *op;
		int len;

		test_fill(page, sizeof(page), seed);
		len = test_lz4_block(page, sizeof(page), block, sizeof(block), 1);

		op = test_op_bytes(env.compress, page, sizeof(page), TEST_PAGE_BOUND);
		test_run(op);
		test_result_is(op, block, (uint32_t)len);
		test_op_free(op);

		op = test_op_bytes(env.decompress, block, (uint16_t)len, sizeof(page));
		test_run(op);
		test_result_is(op, page, sizeof(page));
		test_op_free(op);
	}
}

/* A burst of different pages, told apart by their tags: no order is relied on. */
static void
test_compressdev_lz4_stateless_multi_op(void **state)
{
	enum { NR = 200 };
	static uint8_t pages[NR][TEST_PAGE];
	static char block[TEST_PAGE_BOUND];
	struct rte_comp_op *ops[NR];
	bool seen[NR] = {false};

	(void)state;
	for (uint32_t i = 0; i < NR; i++) {
		test_fill(pages[i], TEST_PAGE, i);
		ops[i] = test_op_bytes(env.compress, pages[i], TEST_PAGE, TEST_PAGE_BOUND);
		*test_tag(ops[i]) = i;
	}
	assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, ops, NR), NR);
	memset(ops, 0, sizeof(ops));
	test_dequeue_all(0, ops, NR);
	for (uint32_t i = 0; i < NR; i++) {
		uint32_t tag = *test_tag(ops[i]);
		int len = test_lz4_block(pages[tag], TEST_PAGE, block, sizeof(block), 1);

		assert_false(seen[tag]);
		seen[tag] = true;
		test_result_is(ops[i], block, (uint32_t)len);
		test_op_free(ops[i]);
	}
}

static void
test_compressdev_lz4_stateless_multi_level(void **state)
{
	static const int levels[] = {-1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 65537};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(levels); i++)
		test_lz4_level(levels[i], levels[i] < 1 ? 1 : levels[i]);
}

/* Two levels and both directions in one burst, each xform shared by many operations. */
static void
test_compressdev_lz4_stateless_multi_xform(void **state)
{
	enum { NR = 96 };
	void *fast = test_xform_create(RTE_COMP_COMPRESS, 8);
	uint8_t page[TEST_PAGE];
	char block[2][TEST_PAGE_BOUND];
	struct rte_comp_op *ops[NR];
	int len[2];

	(void)state;
	test_fill(page, sizeof(page), 0);
	len[0] = test_lz4_block(page, sizeof(page), block[0], TEST_PAGE_BOUND, 1);
	len[1] = test_lz4_block(page, sizeof(page), block[1], TEST_PAGE_BOUND, 8);
	assert_int_not_equal(len[0], len[1]);
	for (uint32_t i = 0; i < NR; i++) {
		if (i % 3 == 2)
			ops[i] = test_op_bytes(env.decompress, block[0], (uint16_t)len[0],
			                       TEST_PAGE);
		else
			ops[i] = test_op_bytes(i % 3 == 0 ? env.compress : fast, page, TEST_PAGE,
			                       TEST_PAGE_BOUND);
		*test_tag(ops[i]) = i % 3;
	}
	test_enqueue_all(0, ops, NR);
	test_dequeue_all(0, ops, NR);
	for (uint32_t i = 0; i < NR; i++) {
		uint32_t tag = *test_tag(ops[i]);

		if (tag == 2)
			test_result_is(ops[i], page, TEST_PAGE);
		else
			test_result_is(ops[i], block[tag], (uint32_t)len[tag]);
		test_op_free(ops[i]);
	}
	test_xform_free(fast);
}

/* One round trip with chains of these segments, from and to offsets. */
static void
sgl_round_trip(const uint8_t *data, uint32_t len, uint32_t src_seg, uint32_t dst_seg)
{
	static uint8_t padded[1 << 17];
	static char block[LZ4_COMPRESSBOUND(CHAIN_MAX)];
	const uint32_t src_off = len % 97, dst_off = len % 61;
	uint32_t size = (uint32_t)test_lz4_block(data, (int)len, block, sizeof(block), 1);
	struct rte_comp_op *op;

	memcpy(padded + src_off, data, len);
	op = test_op(env.compress, test_chain(padded, src_off + len, src_seg),
	             test_chain(NULL, dst_off + LZ4_COMPRESSBOUND(len), dst_seg));
	op->src.offset = src_off;
	op->src.length = len;
	op->dst.offset = dst_off;
	test_run(op);
	test_result_is(op, block, size);
	test_op_free(op);

	memcpy(padded + src_off, block, size);
	op = test_op(env.decompress, test_chain(padded, src_off + size, src_seg),
	             test_chain(NULL, dst_off + len, dst_seg));
	op->src.offset = src_off;
	op->src.length = size;
	op->dst.offset = dst_off;
	test_run(op);
	test_result_is(op, data, len);
	test_op_free(op);
}

static void
test_compressdev_lz4_stateless_sgl(void **state)
{
	static const uint32_t lens[] = {1, 64, 511, 4096, 5000, CHAIN_MAX - 1, CHAIN_MAX};
	static const uint32_t segs[] = {61, 256, 1000, 4096, TEST_ROOM};
	static uint8_t data[CHAIN_MAX];

	(void)state;
	for (uint32_t l = 0; l < RTE_DIM(lens); l++) {
		for (uint32_t s = 0; s < RTE_DIM(segs); s++) {
			for (uint32_t d = 0; d < RTE_DIM(segs); d++) {
				/* No more mbufs than the pool has. */
				if (lens[l] / segs[s] + lens[l] / segs[d] > 1000)
					continue;
				test_fill(data, lens[l], l + s + d);
				sgl_round_trip(data, lens[l], segs[s], segs[d]);
			}
		}
	}
}

/* As much as a chain may have, and none of it compresses. */
static void
test_compressdev_lz4_stateless_big(void **state)
{
	static uint8_t data[CHAIN_MAX];

	(void)state;
	test_fill(data, sizeof(data), 2);
	sgl_round_trip(data, sizeof(data), 2048, 2048);
}

static void
xform_not_supported(const struct rte_comp_xform *xform)
{
	void *handle = NULL;

	assert_int_equal(rte_compressdev_private_xform_create(env.dev, xform, &handle), -ENOTSUP);
	assert_null(handle);
}

static void
test_compressdev_lz4_stateless_checksum(void **state)
{
	const uint64_t flags = RTE_COMP_FF_CRC32_CHECKSUM | RTE_COMP_FF_ADLER32_CHECKSUM |
	                       RTE_COMP_FF_CRC32_ADLER32_CHECKSUM;
	static const enum rte_comp_checksum_type types[] = {
		RTE_COMP_CHECKSUM_CRC32,
		RTE_COMP_CHECKSUM_ADLER32,
		RTE_COMP_CHECKSUM_CRC32_ADLER32,
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
		RTE_COMP_CHECKSUM_XXHASH32,
#endif
	};
	struct rte_comp_xform c = test_xform(RTE_COMP_COMPRESS, 1);
	struct rte_comp_xform d = test_xform(RTE_COMP_DECOMPRESS, 0);

	(void)state;
	assert_int_equal(capability()->comp_feature_flags & flags, 0);
	for (unsigned int i = 0; i < RTE_DIM(types); i++) {
		c.compress.chksum = types[i];
		xform_not_supported(&c);
		d.decompress.chksum = types[i];
		xform_not_supported(&d);
	}
}

/* Neither a stream nor an operation that says so is taken for one. */
static void
test_compressdev_lz4_stateful_decomp(void **state)
{
	const uint64_t flags =
	        RTE_COMP_FF_STATEFUL_COMPRESSION | RTE_COMP_FF_STATEFUL_DECOMPRESSION;
	const struct rte_comp_xform d = test_xform(RTE_COMP_DECOMPRESS, 0);
	const struct rte_comp_xform c = test_xform(RTE_COMP_COMPRESS, 1);
	uint8_t page[TEST_PAGE];
	char block[TEST_PAGE_BOUND];
	struct rte_comp_op *op;
	void *stream = NULL;
	int len;

	(void)state;
	assert_int_equal(capability()->comp_feature_flags & flags, 0);
	assert_int_equal(rte_compressdev_stream_create(env.dev, &c, &stream), -ENOTSUP);
	assert_int_equal(rte_compressdev_stream_create(env.dev, &d, &stream), -ENOTSUP);
	assert_null(stream);

	test_fill(page, sizeof(page), 0);
	len = test_lz4_block(page, sizeof(page), block, sizeof(block), 1);
	op = test_op_bytes(env.decompress, block, (uint16_t)len, sizeof(page));
	op->op_type = RTE_COMP_OP_STATEFUL;
	test_run(op);
	test_failed_with(op, RTE_COMP_OP_STATUS_INVALID_ARGS);
	test_op_free(op);
}

/* Room for each number of bytes less than needed, in one segment and in a chain. */
static void
test_compressdev_out_of_space_buffer(void **state)
{
	uint8_t data[700];
	char block[LZ4_COMPRESSBOUND(sizeof(data))];
	struct rte_comp_op *op;
	uint16_t len;

	(void)state;
	test_fill(data, sizeof(data), 0);
	len = (uint16_t)test_lz4_block(data, sizeof(data), block, sizeof(block), 1);
	for (uint16_t room = 0; room < len; room++) {
		op = test_op(env.compress, test_chain(data, sizeof(data), TEST_ROOM),
		             test_chain(NULL, room, room % 2 == 0 ? TEST_ROOM : 16));
		test_run(op);
		test_failed_with(op, RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED);
		test_op_free(op);
	}
	for (uint16_t room = 0; room < sizeof(data); room++) {
		op = test_op(env.decompress, test_chain(block, len, TEST_ROOM),
		             test_chain(NULL, room, room % 2 == 0 ? TEST_ROOM : 64));
		test_run(op);
		test_failed_with(op, RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED);
		test_op_free(op);
	}
	/* As much as is needed is enough. */
	op = test_op_bytes(env.decompress, block, len, sizeof(data));
	test_run(op);
	test_result_is(op, data, sizeof(data));
	test_op_free(op);
}

static void
extbuf_free(void *addr, void *opaque)
{
	(void)addr;
	(*(unsigned int *)opaque)++;
}

static struct rte_mbuf *
extbuf_mbuf(struct rte_mempool *pool, struct rte_mbuf_ext_shared_info *info, void *buf,
            uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	rte_mbuf_ext_refcnt_set(info, 1);
	rte_pktmbuf_attach_extbuf(m, buf, RTE_BAD_IOVA, len, info);
	assert_non_null(rte_pktmbuf_append(m, len));
	return m;
}

/* Memory of the test's own, once through attached mbufs, once through mbufs without a pool. */
static void
test_compressdev_external_mbufs(void **state)
{
	static uint8_t page[TEST_PAGE], out[TEST_PAGE_BOUND];
	static char block[TEST_PAGE_BOUND];
	unsigned int freed = 0;
	struct rte_mbuf_ext_shared_info info[2] = {
	        {.free_cb = extbuf_free, .fcb_opaque = &freed},
	        {.free_cb = extbuf_free, .fcb_opaque = &freed},
	};
	struct rte_mempool *pool = rte_pktmbuf_pool_create("empty", 2, 0, 0, 0, SOCKET_ID_ANY);
	struct rte_mbuf raw[2];
	struct rte_comp_op *op;
	uint32_t len;

	(void)state;
	assert_non_null(pool);
	test_fill(page, sizeof(page), 1);
	len = (uint32_t)test_lz4_block(page, sizeof(page), block, sizeof(block), 1);

	op = test_op(env.compress, extbuf_mbuf(pool, &info[0], page, sizeof(page)),
	             extbuf_mbuf(pool, &info[1], out, sizeof(out)));
	test_run(op);
	test_result_is(op, block, len);
	assert_memory_equal(out, block, len);
	test_op_free(op);
	assert_int_equal(freed, 2);
	rte_mempool_free(pool);

	memset(out, 0, sizeof(out));
	test_raw_mbuf(&raw[0], block, (uint16_t)len);
	test_raw_mbuf(&raw[1], out, sizeof(page));
	op = test_op(env.decompress, &raw[0], &raw[1]);
	test_run(op);
	test_result_is(op, page, sizeof(page));
	test_op_free(op);
}

/* An operation may be offered again as it came back, also after it failed for want of room. */
static void
test_compressdev_lz4_stateless_oos_recoverable(void **state)
{
	uint8_t page[TEST_PAGE];
	char block[TEST_PAGE_BOUND];
	struct rte_comp_op *op;
	uint32_t len;

	(void)state;
	test_fill(page, sizeof(page), 1);
	len = (uint32_t)test_lz4_block(page, sizeof(page), block, sizeof(block), 1);
	op = test_op_bytes(env.compress, page, sizeof(page), TEST_PAGE_BOUND);
	for (int i = 0; i < 3; i++) {
		test_run(op);
		test_result_is(op, block, len);
	}
	op->dst.offset = TEST_PAGE_BOUND - 10;
	test_run(op);
	test_failed_with(op, RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED);
	op->dst.offset = 0;
	test_run(op);
	test_result_is(op, block, len);
	test_op_free(op);
}

/* Small and large operations in one burst, one for each letter of `ops`: s or L. */
struct im_case {
	const char *ops;
	uint32_t large; /* bytes, of which none compresses */
	uint32_t seg;   /* bytes of a segment; 0: all in one */
};

#define IM_OPS_MAX 4

struct im_bytes {
	uint8_t data[LZ4_COMPRESSBOUND(CHAIN_MAX)];
	uint32_t len;
	struct rte_mbuf raw;
	uint8_t in_raw[LZ4_COMPRESSBOUND(CHAIN_MAX)];
};

static struct rte_mbuf *
im_mbuf(struct im_bytes *b, const void *data, uint32_t len, uint32_t seg)
{
	if (seg != 0)
		return test_chain(data, len, seg);
	if (data != NULL)
		memcpy(b->in_raw, data, len);
	else
		memset(b->in_raw, 0, len);
	test_raw_mbuf(&b->raw, b->in_raw, (uint16_t)len);
	return &b->raw;
}

/* All of @p in as one burst, that must come back as @p out. */
static void
im_burst(void *xform, struct im_bytes *in, struct im_bytes *out, uint16_t nr, uint32_t seg)
{
	struct rte_comp_op *ops[IM_OPS_MAX], *back[IM_OPS_MAX];

	for (uint16_t i = 0; i < nr; i++) {
		uint32_t room = xform == env.compress ? LZ4_COMPRESSBOUND(in[i].len) : out[i].len;

		ops[i] = test_op(xform, im_mbuf(&in[i], in[i].data, in[i].len, seg),
		                 im_mbuf(&out[i], NULL, room, seg));
	}
	assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, ops, nr), nr);
	test_dequeue_all(0, back, nr);
	for (uint16_t i = 0; i < nr; i++) {
		assert_ptr_equal(back[i], ops[i]);
		test_result_is(ops[i], out[i].data, out[i].len);
		test_op_free(ops[i]);
	}
}

static void
im_buffers(void **state)
{
	static struct im_bytes plain[IM_OPS_MAX], block[IM_OPS_MAX];
	const struct im_case *c = *state;
	const uint16_t nr = (uint16_t)strlen(c->ops);

	for (uint16_t i = 0; i < nr; i++) {
		bool large = c->ops[i] == 'L';

		plain[i].len = large ? c->large : TEST_PAGE;
		test_fill(plain[i].data, plain[i].len, large ? 2 : i * 3u);
		block[i].len =
		        (uint32_t)test_lz4_block(plain[i].data, (int)plain[i].len,
		                                 (char *)block[i].data, sizeof(block[i].data), 1);
	}
	im_burst(env.compress, plain, block, nr, c->seg);
	im_burst(env.decompress, block, plain, nr, c->seg);
}

/* Chains are bounded: 64 KiB of plain data, and the block of as much. */
static void
test_compressdev_lz4_im_buffers_SGL_over_1op(void **state)
{
	static uint8_t data[CHAIN_MAX + 1];
	static char block[LZ4_COMPRESSBOUND(sizeof(data))];
	struct rte_comp_op *op;
	int len;

	(void)state;
	test_fill(data, sizeof(data), 0);
	op = test_op(env.compress, test_chain(data, CHAIN_MAX + 1, 4096),
	             test_chain(NULL, 4096, 4096));
	test_run(op);
	test_failed_with(op, RTE_COMP_OP_STATUS_INVALID_ARGS);
	test_op_free(op);

	len = test_lz4_block(data, CHAIN_MAX + 1, block, sizeof(block), 1);
	op = test_op(env.decompress, test_chain(block, (uint32_t)len, 4096),
	             test_chain(NULL, 70000, 4096));
	test_run(op);
	test_failed_with(op, RTE_COMP_OP_STATUS_INVALID_ARGS);
	test_op_free(op);

	/* Room of more than can be used does no harm. */
	len = test_lz4_block(data, CHAIN_MAX, block, sizeof(block), 1);
	op = test_op(env.decompress, test_chain(block, (uint32_t)len, 4096),
	             test_chain(NULL, 70000, 4096));
	test_run(op);
	test_result_is(op, data, CHAIN_MAX);
	test_op_free(op);
}

/* A chain that is too long and a page, in this order or the other. */
static void
im_over_2ops(unsigned int over)
{
	static uint8_t data[CHAIN_MAX + 1];
	char block[TEST_PAGE_BOUND];
	struct rte_comp_op *ops[2], *back[2];
	uint32_t len;

	test_fill(data, sizeof(data), 0);
	len = (uint32_t)test_lz4_block(data, TEST_PAGE, block, sizeof(block), 1);
	ops[over] = test_op(env.compress, test_chain(data, sizeof(data), 2048),
	                    test_chain(NULL, LZ4_COMPRESSBOUND(sizeof(data)), 2048));
	ops[1 - over] = test_op_bytes(env.compress, data, TEST_PAGE, sizeof(block));
	assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, ops, 2), 2);
	test_dequeue_all(0, back, 2);
	test_failed_with(ops[over], RTE_COMP_OP_STATUS_INVALID_ARGS);
	test_result_is(ops[1 - over], block, len);
	test_op_free(ops[0]);
	test_op_free(ops[1]);
}

static void
test_compressdev_lz4_im_buffers_SGL_over_2ops_first(void **state)
{
	(void)state;
	im_over_2ops(0);
}

static void
test_compressdev_lz4_im_buffers_SGL_over_2ops_second(void **state)
{
	(void)state;
	im_over_2ops(1);
}

/* A segment's length has 16 bits, and its block must fit in as many. */
#define IM_CASE(kind, name, letters, len, segment)                                        \
	{                                                                                 \
		"test_compressdev_lz4_im_buffers_" kind "_" name, im_buffers, NULL, NULL, \
		        &(struct im_case)                                                 \
		{                                                                         \
			.ops = (letters), .large = (len), .seg = (segment)                \
		}                                                                         \
	}
#define IM_LB(name, letters)  IM_CASE("LB", name, letters, 65000, 0)
#define IM_SGL(name, letters) IM_CASE("SGL", name, letters, CHAIN_MAX, 2048)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_compressdev_invalid_configuration),
	        cmocka_unit_test(test_compressdev_lz4_stateless),
	        cmocka_unit_test(test_compressdev_lz4_stateless_big),
	        cmocka_unit_test(test_compressdev_lz4_stateless_multi_op),
	        cmocka_unit_test(test_compressdev_lz4_stateless_multi_level),
	        cmocka_unit_test(test_compressdev_lz4_stateless_multi_xform),
	        cmocka_unit_test(test_compressdev_lz4_stateless_sgl),
	        cmocka_unit_test(test_compressdev_lz4_stateless_checksum),
	        cmocka_unit_test(test_compressdev_out_of_space_buffer),
	        cmocka_unit_test(test_compressdev_lz4_stateful_decomp),
	        cmocka_unit_test(test_compressdev_external_mbufs),
	        cmocka_unit_test(test_compressdev_lz4_stateless_oos_recoverable),
	        IM_LB("1op", "L"),
	        IM_LB("2ops_first", "Ls"),
	        IM_LB("2ops_second", "sL"),
	        IM_LB("3ops", "sLs"),
	        IM_LB("4ops", "sLsL"),
	        IM_SGL("1op", "L"),
	        IM_SGL("2ops_first", "Ls"),
	        IM_SGL("2ops_second", "sL"),
	        IM_SGL("3ops", "sLs"),
	        IM_SGL("4ops", "sLsL"),
	        cmocka_unit_test(test_compressdev_lz4_im_buffers_SGL_over_1op),
	        cmocka_unit_test(test_compressdev_lz4_im_buffers_SGL_over_2ops_first),
	        cmocka_unit_test(test_compressdev_lz4_im_buffers_SGL_over_2ops_second),
	};
	int failed;

	if (argc < 2) {
		fprintf(stderr, "usage: %s inline|thread[,engines=N] [driver.so]\n", argv[0]);
		return 2;
	}
	env.mode = argv[1];
	if (test_eal_start(argc > 2 ? argv[2] : NULL) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, test_env_setup, test_env_teardown);
	test_eal_stop();
	return failed;
}
