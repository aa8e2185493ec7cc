/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Raw deflate streams (RFC 1951), without header or checksum, over ISA-L. Any thread: all state is
 * in the caller's scratch memory, or on the stack.
 *
 * ISA-L has three levels with Huffman codes of the page's own; the levels above are its highest. A
 * device may know more of them: which levels there are is the format's custom, 1 to 9.
 */

#include <errno.h>
#include <isa-l/igzip_lib.h>

#include "codec/codec.h"

#define LEVEL_MAX 9

/* The library takes what it only reads by plain pointers. */
static uint8_t *
unconst(const void *p)
{
	return (uint8_t *)(uintptr_t)p;
}

struct deflate_ctx {
	struct isal_zstream stream;
	/* Tables, and room for the tokens of the largest page; only what is needed is touched. */
	uint8_t level_buf[ISAL_DEF_LVL3_LARGE];
};

static size_t
deflate_ctx_len(void)
{
	return sizeof(struct deflate_ctx);
}

static int
deflate_compress(void *ctx, int32_t level, const void *src, uint32_t src_len, void *dst,
                 uint32_t dst_len)
{
	struct deflate_ctx *c = ctx;

	isal_deflate_stateless_init(&c->stream);
	c->stream.level = level < ISAL_DEF_MAX_LEVEL ? (uint32_t)level : ISAL_DEF_MAX_LEVEL;
	c->stream.level_buf = c->level_buf;
	c->stream.level_buf_size = sizeof(c->level_buf);
	c->stream.end_of_stream = 1;
	c->stream.next_in = unconst(src);
	c->stream.avail_in = src_len;
	c->stream.next_out = dst;
	c->stream.avail_out = dst_len;
	if (isal_deflate_stateless(&c->stream) != COMP_OK)
		return -ENOSPC;
	return (int)c->stream.total_out;
}

static int
deflate_decompress(const void *src, uint32_t src_len, void *dst, uint32_t dst_len)
{
	struct inflate_state state;

	/* The largest window, whatever the stream was made with. */
	isal_inflate_init(&state);
	state.next_in = unconst(src);
	state.avail_in = src_len;
	state.next_out = dst;
	state.avail_out = dst_len;
	if (isal_inflate_stateless(&state) != ISAL_DECOMP_OK)
		return -EBADMSG;
	/* The whole stream and the whole page, both to the byte. */
	return state.avail_in == 0 && state.total_out == dst_len ? 0 : -EBADMSG;
}

const struct zcodec zcodec_deflate = {
        .id = ZCODEC_DEFLATE,
        .name = "deflate",
        .level_min = 1,
        .level_max = LEVEL_MAX,
        .level_default = 1,
        .ctx_len = deflate_ctx_len,
        .compress = deflate_compress,
        .decompress = deflate_decompress,
};
