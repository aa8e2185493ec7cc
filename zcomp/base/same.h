/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZC_SAME_H
#define ZC_SAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * @file
 * Same-filled pages: one 8-byte word repeated. zram's test, the last word before the others, since
 * most pages that are not same-filled differ there already.
 */

/**
 * @param page a whole page, 8-byte aligned
 * @param len  its length in bytes, a multiple of 64
 * @param word the repeated word, set only when the page is same-filled
 */
static inline bool
zc_same_filled(const void *page, size_t len, uint64_t *word)
{
	const uint64_t *w = (const uint64_t *)page;
	size_t nr = len / sizeof(*w);
	uint64_t first = w[0];

	if (w[nr - 1] != first)
		return false;
	for (size_t i = 0; i < nr; i += 8) {
		uint64_t diff = 0;

		for (size_t j = 0; j < 8; j++)
			diff |= w[i + j] ^ first;
		if (diff != 0)
			return false;
	}
	*word = first;
	return true;
}

/** Fills @p len bytes (a multiple of 8) at @p dst, of any alignment, with @p word. */
static inline void
zc_fill(void *dst, size_t len, uint64_t word)
{
	char *p = (char *)dst;

	/* Zeros are the common case, and memset() is twice as fast. */
	if (word == (word & 0xff) * 0x0101010101010101u) {
		memset(dst, (int)(word & 0xff), len);
		return;
	}
	for (size_t off = 0; off < len; off += sizeof(word))
		memcpy(p + off, &word, sizeof(word));
}

#endif
