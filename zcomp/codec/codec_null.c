/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The codec that copies: what is left when it runs is the cost of everything else. */

#include <errno.h>
#include <string.h>

#include "codec/codec.h"

static size_t
null_ctx_len(void)
{
	return 0;
}

static int
null_compress(void *ctx, int32_t level, const void *src, uint32_t src_len, void *dst,
              uint32_t dst_len)
{
	(void)ctx;
	(void)level;
	if (src_len > dst_len)
		return -ENOSPC;
	memcpy(dst, src, src_len);
	return (int)src_len;
}

static int
null_decompress(const void *src, uint32_t src_len, void *dst, uint32_t dst_len)
{
	if (src_len != dst_len)
		return -EBADMSG;
	memcpy(dst, src, src_len);
	return 0;
}

const struct zcodec zcodec_null = {
        .id = ZCODEC_NULL,
        .name = "null",
        .level_min = 0,
        .level_max = 0,
        .level_default = 0,
        .ctx_len = null_ctx_len,
        .compress = null_compress,
        .decompress = null_decompress,
};
