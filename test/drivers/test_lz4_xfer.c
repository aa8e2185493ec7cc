/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The LZ4 driver's data path at its edges, against liblz4 itself: every length, every room, hostile
 * blocks, bad operations. test_lz4_autotest.c has the common ways to use it.
 *
 * Argument: the mode, and more device arguments behind a comma.
 */

#include "comp_env.h"
#include "lz4_block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_eal.h>

/* Every length, so every tail of the format, odd addresses too. */
static void
stateless_lengths(void **state)
{
	uint8_t data[300];
	char block[LZ4_COMPRESSBOUND(sizeof(data))];

	(void)state;
	test_fill(data, sizeof(data), 1);
	for (uint16_t len = 0; len < sizeof(data); len++) {
		int size = test_lz4_block(data, len, block, sizeof(block), 1);
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
	len = (uint16_t)test_lz4_block(page, sizeof(page), block, sizeof(block), 1);
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
	len = test_lz4_block(page, sizeof(page), block, sizeof(block), 1);
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

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(stateless_lengths),  cmocka_unit_test(decompress_malformed),
	        cmocka_unit_test(decompress_hostile), cmocka_unit_test(compress_guarded),
	        cmocka_unit_test(invalid_args),
	};
	int failed;

	if (argc != 2) {
		fprintf(stderr, "usage: %s inline|thread[,engines=N]\n", argv[0]);
		return 2;
	}
	env.mode = argv[1];
	if (test_eal_start(NULL) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, test_env_setup, test_env_teardown);
	test_eal_stop();
	return failed;
}
