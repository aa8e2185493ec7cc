/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The LZ4 driver's data path against liblz4 itself. Cases are named like those of DPDK's own
 * compressdev test, where that has them: it knows no LZ4.
 *
 * Arguments: the mode, and a driver to load where this program is built without one.
 */

#include "comp_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lz4.h>

#include <rte_eal.h>

/* What liblz4 makes of the same bytes. @return the block's length. */
static int
lz4_block(const void *src, int len, char *block, int room, int accel)
{
	int ret = LZ4_compress_fast(src, block, len, room, accel);

	assert_true(ret > 0);
	return ret;
}

static void
stateless_single_op(void **state)
{
	uint8_t page[TEST_PAGE];
	char block[TEST_PAGE_BOUND];

	(void)state;
	for (uint32_t seed = 0; seed < 9; seed++) {
		struct rte_comp_op *op;
		int len;

		test_fill(page, sizeof(page), seed);
		len = lz4_block(page, sizeof(page), block, sizeof(block), 1);

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

/* Every length, so every tail of the format, odd addresses too. */
static void
stateless_lengths(void **state)
{
	uint8_t data[300];
	char block[LZ4_COMPRESSBOUND(sizeof(data))];

	(void)state;
	test_fill(data, sizeof(data), 1);
	for (uint16_t len = 0; len < sizeof(data); len++) {
		int size = lz4_block(data, len, block, sizeof(block), 1);
		struct rte_comp_op *op;

		op = test_op_bytes(env.compress, data, len, sizeof(block));
		test_run(op);
		test_result_is(op, block, (uint32_t)size);
		test_op_free(op);

		op = test_op_bytes(env.decompress, block, (uint16_t)size, len);
		test_run(op);
		test_result_is(op, data, len);
		test_op_free(op);
	}
}

/* A burst of different pages, told apart by their tags: no order is relied on. */
static void
stateless_multi_op(void **state)
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
		int len = lz4_block(pages[tag], TEST_PAGE, block, sizeof(block), 1);

		assert_false(seen[tag]);
		seen[tag] = true;
		test_result_is(ops[i], block, (uint32_t)len);
		test_op_free(ops[i]);
	}
}

static void
stateless_multi_level(void **state)
{
	static const int levels[] = {-1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 65537};
	uint8_t page[TEST_PAGE];
	char block[TEST_PAGE_BOUND];

	(void)state;
	test_fill(page, sizeof(page), 1);
	for (unsigned int i = 0; i < RTE_DIM(levels); i++) {
		int accel = levels[i] < 1 ? 1 : levels[i];
		int len = lz4_block(page, sizeof(page), block, sizeof(block), accel);
		void *xform = test_xform_create(RTE_COMP_COMPRESS, levels[i]);
		struct rte_comp_op *op = test_op_bytes(xform, page, sizeof(page), TEST_PAGE_BOUND);

		test_run(op);
		test_result_is(op, block, (uint32_t)len);
		test_op_free(op);
		test_xform_free(xform);
	}
}

/* Two levels and both directions in one burst, each xform shared by many operations. */
static void
stateless_multi_xform(void **state)
{
	enum { NR = 96 };
	void *fast = test_xform_create(RTE_COMP_COMPRESS, 8);
	uint8_t page[TEST_PAGE];
	char block[2][TEST_PAGE_BOUND];
	struct rte_comp_op *ops[NR];
	int len[2];

	(void)state;
	test_fill(page, sizeof(page), 0);
	len[0] = lz4_block(page, sizeof(page), block[0], TEST_PAGE_BOUND, 1);
	len[1] = lz4_block(page, sizeof(page), block[1], TEST_PAGE_BOUND, 8);
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
	static char block[LZ4_COMPRESSBOUND(65536)];
	const uint32_t src_off = len % 97, dst_off = len % 61;
	uint32_t size = (uint32_t)lz4_block(data, (int)len, block, sizeof(block), 1);
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
stateless_sgl(void **state)
{
	static const uint32_t lens[] = {1, 64, 511, 4096, 5000, 65535, 65536};
	static const uint32_t segs[] = {61, 256, 1000, 4096, TEST_ROOM};
	static uint8_t data[65536];

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

/* Chains are bounded: 64 KiB of plain data, and the block of as much. */
static void
stateless_sgl_too_long(void **state)
{
	static uint8_t data[65537 + 100];
	static char block[LZ4_COMPRESSBOUND(sizeof(data))];
	struct rte_comp_op *op;
	int len;

	(void)state;
	test_fill(data, sizeof(data), 0);
	op = test_op(env.compress, test_chain(data, 65537, 4096), test_chain(NULL, 4096, 4096));
	test_run(op);
	test_failed_with(op, RTE_COMP_OP_STATUS_INVALID_ARGS);
	test_op_free(op);

	len = lz4_block(data, 65537, block, sizeof(block), 1);
	op = test_op(env.decompress, test_chain(block, (uint32_t)len, 4096),
	             test_chain(NULL, 70000, 4096));
	test_run(op);
	test_failed_with(op, RTE_COMP_OP_STATUS_INVALID_ARGS);
	test_op_free(op);

	/* Room of more than can be used does no harm. */
	len = lz4_block(data, 65536, block, sizeof(block), 1);
	op = test_op(env.decompress, test_chain(block, (uint32_t)len, 4096),
	             test_chain(NULL, 70000, 4096));
	test_run(op);
	test_result_is(op, data, 65536);
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
stateless_external_mbufs(void **state)
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
	len = (uint32_t)lz4_block(page, sizeof(page), block, sizeof(block), 1);

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

/* Room for each number of bytes less than needed, in one segment and in a chain. */
static void
out_of_space(void **state)
{
	uint8_t data[700];
	char block[LZ4_COMPRESSBOUND(sizeof(data))];
	struct rte_comp_op *op;
	uint16_t len;

	(void)state;
	test_fill(data, sizeof(data), 0);
	len = (uint16_t)lz4_block(data, sizeof(data), block, sizeof(block), 1);
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

/* A buffer that ends where memory ends: one byte too far is a fault. */
struct guarded {
	uint8_t *map;
	size_t len;
};

static struct guarded
guarded_map(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct guarded g = {.len = 4 * page};

	g.map = mmap(NULL, g.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(g.map, MAP_FAILED);
	assert_int_equal(mprotect(g.map + g.len - page, page, PROT_NONE), 0);
	g.len -= page;
	return g;
}

static void
guarded_unmap(struct guarded *g)
{
	munmap(g->map, g->len + (size_t)sysconf(_SC_PAGESIZE));
}

/* The last @p len bytes before the guard. */
static uint8_t *
guarded_tail(const struct guarded *g, size_t len)
{
	return g->map + g->len - len;
}

/* What the driver must say of a block, by liblz4's word. */
static void
decompress_guarded(const struct guarded *in, const struct guarded *out, const void *block,
                   uint16_t len, uint16_t room)
{
	static char expect[3 * TEST_PAGE];
	int ret = LZ4_decompress_safe(block, expect, len, room);
	struct rte_mbuf raw[2];
	struct rte_comp_op *op;

	memcpy(guarded_tail(in, len), block, len);
	test_raw_mbuf(&raw[0], guarded_tail(in, len), len);
	test_raw_mbuf(&raw[1], guarded_tail(out, room), room);
	op = test_op(env.decompress, &raw[0], &raw[1]);
	test_run(op);
	if (ret >= 0)
		test_result_is(op, expect, (uint32_t)ret);
	else if (op->status == RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED)
		test_failed_with(op, RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED);
	else
		test_failed_with(op, RTE_COMP_OP_STATUS_ERROR);
	test_op_free(op);
}

/* Broken on purpose in ways that no amount of room mends. */
static void
decompress_malformed(void **state)
{
	static const struct {
		const char *bytes;
		uint16_t len;
	} bad[] = {
	        {"", 0},     /* not even a token */
	        {"\xf0", 1}, /* length goes on, input does not */
	        {"\x20"
	         "a",
	         2}, /* fewer literals than promised */
	        {"\x10"
	         "a\x02\x00\x50"
	         "bcdef",
	         10}, /* match before the start */
	        {"\x14"
	         "a\x01",
	         3}, /* half an offset */
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		struct rte_comp_op *op =
		        test_op_bytes(env.decompress, bad[i].bytes, bad[i].len, TEST_PAGE);

		test_run(op);
		test_failed_with(op, RTE_COMP_OP_STATUS_ERROR);
		test_op_free(op);
	}
}

/* Cut, flipped and random blocks: agrees with liblz4 and stays inside both buffers. */
static void
decompress_hostile(void **state)
{
	struct guarded in = guarded_map(), out = guarded_map();
	uint8_t page[TEST_PAGE], noise[256];
	char block[TEST_PAGE_BOUND];
	uint16_t len;

	(void)state;
	test_fill(page, sizeof(page), 1);
	len = (uint16_t)lz4_block(page, sizeof(page), block, sizeof(block), 1);
	for (uint16_t cut = 0; cut < len; cut += 7)
		decompress_guarded(&in, &out, block, cut, sizeof(page));
	for (uint32_t bit = 0; bit < 8u * len; bit += 11) {
		block[bit / 8] ^= (char)(1 << bit % 8);
		decompress_guarded(&in, &out, block, len, sizeof(page));
		block[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (uint32_t seed = 0; seed < 3000; seed++) {
		test_fill(noise, sizeof(noise), 3 * seed + 2);
		decompress_guarded(&in, &out, noise, (uint16_t)(seed % sizeof(noise)),
		                   (uint16_t)(seed * 5 % TEST_PAGE));
	}
	guarded_unmap(&in);
	guarded_unmap(&out);
}

/* Every room from nothing to enough, against the guard. */
static void
compress_guarded(void **state)
{
	struct guarded in = guarded_map(), out = guarded_map();
	struct rte_mbuf raw[2];

	(void)state;
	for (uint32_t seed = 0; seed < 3; seed++) {
		uint8_t *page = guarded_tail(&in, TEST_PAGE);

		test_fill(page, TEST_PAGE, seed);
		test_raw_mbuf(&raw[0], page, TEST_PAGE);
		for (uint16_t room = 0; room <= TEST_PAGE_BOUND; room += 13) {
			struct rte_comp_op *op;

			test_raw_mbuf(&raw[1], guarded_tail(&out, room), room);
			op = test_op(env.compress, &raw[0], &raw[1]);
			if (test_run(op) == RTE_COMP_OP_STATUS_SUCCESS)
				assert_true(op->produced <= room);
			else
				test_failed_with(op, RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED);
			test_op_free(op);
		}
	}
	guarded_unmap(&in);
	guarded_unmap(&out);
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
		op->dst.offset = UINT32_MAX;
		return true;
	case 9:
		rte_pktmbuf_free(op->m_src);
		op->m_src = NULL;
		return true;
	case 10:
		rte_pktmbuf_free(op->m_dst);
		op->m_dst = NULL;
		return true;
	default:
		return false;
	}
}

/* Bad operations are taken in their turn, come back as such, and harm no neighbour. */
static void
invalid_args(void **state)
{
	uint8_t page[TEST_PAGE];
	char block[TEST_PAGE_BOUND];
	int len;

	(void)state;
	test_fill(page, sizeof(page), 0);
	len = lz4_block(page, sizeof(page), block, sizeof(block), 1);
	for (unsigned int i = 0;; i++) {
		struct rte_comp_op *ops[3];
		bool spoilt = false;

		for (uint32_t j = 0; j < 3; j++) {
			ops[j] = test_op_bytes(env.compress, page, sizeof(page), TEST_PAGE_BOUND);
			*test_tag(ops[j]) = j;
		}
		spoilt = op_spoil(ops[1], i);
		assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, ops, 3), 3);
		test_dequeue_all(0, ops, 3);
		for (uint32_t j = 0; j < 3; j++) {
			if (spoilt && *test_tag(ops[j]) == 1)
				test_failed_with(ops[j], RTE_COMP_OP_STATUS_INVALID_ARGS);
			else
				test_result_is(ops[j], block, (uint32_t)len);
			test_op_free(ops[j]);
		}
		if (!spoilt)
			break;
	}
}

/* An operation may be used again as it came back. */
static void
op_reuse(void **state)
{
	uint8_t page[TEST_PAGE];
	char block[TEST_PAGE_BOUND];
	struct rte_comp_op *op;
	uint32_t len;

	(void)state;
	test_fill(page, sizeof(page), 1);
	len = (uint32_t)lz4_block(page, sizeof(page), block, sizeof(block), 1);
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

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(stateless_single_op),
	        cmocka_unit_test(stateless_lengths),
	        cmocka_unit_test(stateless_multi_op),
	        cmocka_unit_test(stateless_multi_level),
	        cmocka_unit_test(stateless_multi_xform),
	        cmocka_unit_test(stateless_sgl),
	        cmocka_unit_test(stateless_sgl_too_long),
	        cmocka_unit_test(stateless_external_mbufs),
	        cmocka_unit_test(out_of_space),
	        cmocka_unit_test(decompress_malformed),
	        cmocka_unit_test(decompress_hostile),
	        cmocka_unit_test(compress_guarded),
	        cmocka_unit_test(invalid_args),
	        cmocka_unit_test(op_reuse),
	};
	int failed;

	if (argc < 2) {
		fprintf(stderr, "usage: %s inline|thread [driver.so]\n", argv[0]);
		return 2;
	}
	env.mode = argv[1];
	if (test_eal_start(argc > 2 ? argv[2] : NULL) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, test_env_setup, test_env_teardown);
	test_eal_stop();
	return failed;
}
