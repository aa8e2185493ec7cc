/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

#ifndef TEST_LZ4_BLOCK_H
#define TEST_LZ4_BLOCK_H

/**
 * @file
 * liblz4 as the judge of the LZ4 driver.
 */

#include "comp_env.h"

#include <lz4.h>

/** What liblz4 makes of the same bytes. @return the block's length. */
static inline int
test_lz4_block(const void *src, int len, char *block, int room, int accel)
{
	int ret = LZ4_compress_fast(src, block, len, room, accel);

	assert_true(ret > 0);
	return ret;
}

/** A page compressed at this level is what liblz4 makes of it at this acceleration. */
static inline void
test_lz4_level(int level, int accel)
{
	void *xform = test_xform_create(RTE_COMP_COMPRESS, level);
	uint8_t page[TEST_PAGE];
	char block[TEST_PAGE_BOUND];
	struct rte_comp_op *op;
	int len;

	test_fill(page, sizeof(page), 1);
	len = test_lz4_block(page, sizeof(page), block, sizeof(block), accel);
	op = test_op_bytes(xform, page, sizeof(page), TEST_PAGE_BOUND);
	test_run(op);
	test_result_is(op, block, (uint32_t)len);
	test_op_free(op);
	test_xform_free(xform);
}

#endif /* TEST_LZ4_BLOCK_H */
