/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_PAGES_H
#define TEST_PAGES_H

#include "test_util.h"

/**
 * @file
 * Pages to compress, the same in every run.
 */

enum page_kind {
	PAGE_ZERO,
	PAGE_TEXT,   /**< words from a small vocabulary: compresses well */
	PAGE_MIXED,  /**< runs of text between runs of noise */
	PAGE_RANDOM, /**< does not compress */
	PAGE_KINDS,
};

static inline void
page_fill_text(uint8_t *page, size_t len, uint64_t *state)
{
	static const char words[8][9] = {"stream ", "lcore ", "page ",   "device ",
	                                 "ring ",   "slot ",  "object ", "arena, "};
	size_t at = 0;

	while (at < len) {
		const char *word = words[test_random(state) >> 61];
		size_t part = strlen(word);

		if (part > len - at)
			part = len - at;
		memcpy(&page[at], word, part);
		at += part;
	}
}

/** Fills @p len bytes with content of @p kind that depends on @p seed alone. */
static inline void
page_fill(uint8_t *page, size_t len, enum page_kind kind, uint64_t seed)
{
	uint64_t state = seed;
	size_t part;

	memset(page, 0, len);
	if (kind == PAGE_TEXT)
		page_fill_text(page, len, &state);
	if (kind == PAGE_RANDOM)
		test_random_fill(&state, page, len);
	for (size_t at = 0; kind == PAGE_MIXED && at < len; at += part) {
		part = 1 + test_random(&state) % 200;
		if (part > len - at)
			part = len - at;
		if ((part & 1) != 0)
			page_fill_text(&page[at], part, &state);
		else
			test_random_fill(&state, &page[at], part);
	}
}

#endif
