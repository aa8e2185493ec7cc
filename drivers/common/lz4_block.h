/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

#ifndef LZ4_BLOCK_H
#define LZ4_BLOCK_H

/**
 * @file
 * What raw LZ4 blocks are to a compressdev driver: which transforms can be had, and the status of a
 * decompression. For the drivers of ours that use liblz4. Any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include <lz4.h>
#include <rte_branch_prediction.h>

#include "compressdev_driver.h"

/** log2 of bytes: matches reach back 65535, and liblz4 cannot be told to stay nearer. */
#define LZ4_BLOCK_WINDOW 16
/** What liblz4 clamps accelerations to. */
#define LZ4_BLOCK_ACCEL_MAX 65537
/** Of the capabilities. */
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
#define LZ4_BLOCK_FF RTE_COMP_FF_LZ4_BLOCK_INDEPENDENCE
#else
#define LZ4_BLOCK_FF 0
#endif

/** @return whether @p c asks for what a raw block is: no checksum, no frame */
static inline bool
lz4_block_compress_supported(const struct rte_comp_compress_xform *c)
{
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
	if ((c->lz4.flags & ~RTE_COMP_LZ4_FLAG_BLOCK_INDEPENDENCE) != 0)
		return false;
#endif
	return c->algo == RTE_COMP_ALGO_LZ4 && c->chksum == RTE_COMP_CHECKSUM_NONE &&
	       c->hash_algo == RTE_COMP_HASH_ALGO_NONE && c->window_size >= LZ4_BLOCK_WINDOW &&
	       (c->level == RTE_COMP_LEVEL_PMD_DEFAULT ||
	        (c->level >= 1 && c->level <= LZ4_BLOCK_ACCEL_MAX));
}

/** @return the same of a decompression */
static inline bool
lz4_block_decompress_supported(const struct rte_comp_decompress_xform *d)
{
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
	if ((d->lz4.flags & ~RTE_COMP_LZ4_FLAG_BLOCK_INDEPENDENCE) != 0)
		return false;
#endif
	return d->algo == RTE_COMP_ALGO_LZ4 && d->chksum == RTE_COMP_CHECKSUM_NONE &&
	       d->hash_algo == RTE_COMP_HASH_ALGO_NONE && d->window_size <= LZ4_BLOCK_WINDOW;
}

/**
 * @param len in: room at @p dst; out, after success: bytes written
 * @return RTE_COMP_OP_STATUS_SUCCESS, _OUT_OF_SPACE_TERMINATED, _ERROR (malformed)
 */
static inline uint8_t
lz4_block_decompress(const uint8_t *src, uint32_t src_len, uint8_t *dst, uint32_t *len)
{
	const int room = (int)*len;
	int ret = LZ4_decompress_safe((const char *)src, (char *)dst, (int)src_len, room);

	if (likely(ret >= 0)) {
		*len = (uint32_t)ret;
		return RTE_COMP_OP_STATUS_SUCCESS;
	}
	/* One error for two reasons: a block that decodes well up to the last byte of room has more
	 * to give, any other is malformed. */
	ret = LZ4_decompress_safe_partial((const char *)src, (char *)dst, (int)src_len, room, room);
	return ret == room ? RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED : RTE_COMP_OP_STATUS_ERROR;
}

#endif /* LZ4_BLOCK_H */
