/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Raw LZ4 blocks. As in zram, the level is liblz4's acceleration: higher is faster and worse. */

#include <errno.h>
#include <lz4.h>

#include "codec/codec.h"

static size_t
lz4_ctx_len(void)
{
	return (size_t)LZ4_sizeofState();
}

static int
lz4_compress(void *ctx, int32_t level, const void *src, uint32_t src_len, void *dst,
             uint32_t dst_len)
{
	int n = LZ4_compress_fast_extState(ctx, (const char *)src, (char *)dst, (int)src_len,
	                                   (int)dst_len, level);

	return n > 0 ? n : -ENOSPC;
}

static int
lz4_decompress(const void *src, uint32_t src_len, void *dst, uint32_t dst_len)
{
	int n = LZ4_decompress_safe((const char *)src, (char *)dst, (int)src_len, (int)dst_len);

	return n == (int)dst_len ? 0 : -EBADMSG;
}

const struct zcodec zcodec_lz4 = {
        .id = ZCODEC_LZ4,
        .name = "lz4",
        .level_min = 1,
        .level_max = 65536,
        .level_default = 1,
        .ctx_len = lz4_ctx_len,
        .compress = lz4_compress,
        .decompress = lz4_decompress,
};
