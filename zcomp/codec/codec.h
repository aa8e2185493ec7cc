/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZCODEC_H
#define ZCODEC_H

#include <stddef.h>
#include <stdint.h>

/**
 * @file
 * Codecs as pure functions over the codec libraries, for the service and the client alike. A codec
 * is one file that exports one struct zcodec. Ids are part of the arena's format: never reused.
 *
 * Any thread, as long as nobody else uses the same memory. Lengths are those of pages and of
 * results in two pages: far below 2 GiB, where the libraries' ints end.
 */

enum zcodec_id {
	ZCODEC_NONE = 0,
	ZCODEC_NULL = 1,    /**< copies: for measuring what is not the codec */
	ZCODEC_LZ4 = 2,     /**< raw LZ4 blocks */
	ZCODEC_DEFLATE = 3, /**< raw deflate streams, of whatever level and window */
	ZCODEC_IDS,         /**< all ids are below */
};

struct zcodec {
	enum zcodec_id id;
	const char *name;
	int32_t level_min;
	int32_t level_max;
	int32_t level_default;
	/** Bytes of scratch memory that compress() needs, 64-byte aligned; may be 0. */
	size_t (*ctx_len)(void);
	/**
	 * Compresses without allocating. @p ctx is the caller's for this call alone.
	 * @return bytes written to @p dst, or -ENOSPC when they do not fit in @p dst_len
	 */
	int (*compress)(void *ctx, int32_t level, const void *src, uint32_t src_len, void *dst,
	                uint32_t dst_len);
	/**
	 * Decompresses hostile bytes: reads only @p src_len bytes, writes at most @p dst_len, needs
	 * no memory but its stack, async-signal-safe. The stack is 16 KiB; deflate, whose tables
	 * have no other place, takes 112 KiB.
	 * @return 0 when exactly @p dst_len bytes came out, else -EBADMSG
	 */
	int (*decompress)(const void *src, uint32_t src_len, void *dst, uint32_t dst_len);
};

extern const struct zcodec zcodec_null;
extern const struct zcodec zcodec_lz4;
extern const struct zcodec zcodec_deflate;

/** @return the codec, or NULL for an unknown name. Any thread. */
const struct zcodec *zcodec_by_name(const char *name);

/** @return the codec, or NULL for an unknown id. Any thread, async-signal-safe. */
const struct zcodec *zcodec_by_id(unsigned int id);

#endif
