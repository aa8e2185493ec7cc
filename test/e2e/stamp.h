/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_STAMP_H
#define TEST_STAMP_H

#include <stdbool.h>

#include "pages.h"

/**
 * @file
 * Pages that say who stored them, where, and as which version; and that are known to be whole.
 * The same stamp makes the same page, of one kind of compressibility or another. No assertions: for
 * any process and thread.
 */

#define STAMP_KINDS 8u
#define STAMP_MAX   65536u /**< bytes of the largest page */

/** @param owner below 256, @param version below 2^45, @param kind below STAMP_KINDS */
static inline uint64_t
stamp_make(unsigned int owner, uint64_t version, unsigned int kind)
{
	return 0xa5ull << 56 | (uint64_t)owner << 48 | version << 3 | kind;
}

static inline unsigned int
stamp_owner(uint64_t stamp)
{
	return (unsigned int)(stamp >> 48 & 0xff);
}

static inline uint64_t
stamp_version(uint64_t stamp)
{
	return stamp >> 3 & ((1ull << 45) - 1);
}

static inline uint64_t
stamp_mask(uint64_t page)
{
	return (page + 1) * 0x9e3779b97f4a7c15ull >> 16;
}

/** Fills a page. Kinds 0 and 1 are same-filled. */
static inline void
stamp_fill(void *to, uint32_t len, uint64_t page, uint64_t stamp)
{
	static const enum page_kind kinds[STAMP_KINDS] = {PAGE_ZERO,  PAGE_ZERO,  PAGE_ZERO,
	                                                  PAGE_TEXT,  PAGE_TEXT,  PAGE_MIXED,
	                                                  PAGE_MIXED, PAGE_RANDOM};
	uint64_t *words = (uint64_t *)to;
	unsigned int kind = stamp & (STAMP_KINDS - 1);

	if (kind < 2) {
		for (uint32_t i = 0; i < len / 8; i++)
			words[i] = stamp ^ stamp_mask(page);
		return;
	}
	page_fill((uint8_t *)to, len, kinds[kind], stamp ^ page);
	words[0] = page;
	words[1] = stamp;
	words[len / 8 - 1] = stamp;
}

/**
 * Reads a page's stamp.
 * @param stamp gets it, or 0 for a page of zeros
 * @return whether the page is whole, and that page
 */
static inline bool
stamp_read(const void *from, uint32_t len, uint64_t page, uint64_t *stamp)
{
	const uint64_t *words = (const uint64_t *)from;
	uint64_t want[STAMP_MAX / 8];

	*stamp = words[1];
	if (words[0] == words[1])
		*stamp = words[0] == 0 ? 0 : words[0] ^ stamp_mask(page);
	if (*stamp == 0)
		memset(want, 0, len);
	else if (*stamp >> 56 == 0xa5)
		stamp_fill(want, len, page, *stamp);
	else
		return false;
	return memcmp(from, want, len) == 0;
}

#endif
