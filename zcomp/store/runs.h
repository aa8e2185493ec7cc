/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZS_RUNS_H
#define ZS_RUNS_H

#include <stdint.h>

/**
 * @file
 * Runs of free pages of the pool, by length. Neighbours are joined when a run comes back, and every
 * operation takes the same few steps however many runs there are. The caller holds the disk's
 * writer lock.
 */

#define ZS_NONE UINT32_MAX /**< no page */
#define ZS_BINS 64u        /**< runs of 1 to 63 pages, and longer ones */

enum zs_page_state {
	ZS_PAGE_NONE = 0, /**< anything else */
	ZS_PAGE_SPAN,     /**< part of a span, or was */
	ZS_PAGE_READY,    /**< end of a run that fallocate() gave memory */
	ZS_PAGE_HOLE,     /**< end of a run whose memory is given back */
};

/**
 * What the pool knows of one page. Free pages: `prev`, `next` and `run_len` of a run are in its
 * first page, `run_len` in its last one too; between them only `epoch` is meant. Spans: `back`,
 * `cls` in each page, the rest in the first one.
 */
struct zs_page {
	uint32_t prev, next; /**< list of runs or spans, by their first pages */
	union {
		uint32_t run_len; /**< pages */
		struct {
			uint8_t back; /**< pages from the span's first one */
			uint8_t held; /**< pages of the span that count as used */
			uint8_t cls;  /**< index of the class */
		};
	};
	union {
		uint16_t epoch;   /**< when it became free */
		uint16_t free_nr; /**< free places in the held pages */
	};
	uint8_t state;  /**< enum zs_page_state */
	uint8_t victim; /**< in each page of a span to be emptied; atomic: read without the lock */
};

struct zs_runs {
	struct zs_page *pages;
	uint64_t mask; /**< bins that are not empty */
	uint32_t bin[ZS_BINS];
	uint32_t free_pages;
	uint8_t state; /**< of the pages of these runs */
};

/** @param pages the pool's pages by number; @p state READY or HOLE */
void zs_runs_init(struct zs_runs *r, struct zs_page *pages, enum zs_page_state state);

/** Puts pages back that nobody has, and joins them with their neighbours. */
void zs_runs_put(struct zs_runs *r, uint32_t start, uint32_t len);

/**
 * Takes @p len pages, 1 to ZS_BINS, from a run that fits best.
 * @return the first page, or ZS_NONE
 */
uint32_t zs_runs_take(struct zs_runs *r, uint32_t len);

/**
 * Takes the end of a longest run (of one with 64 pages or more, where there are such), at most
 * @p max pages.
 * @return the first page, or ZS_NONE
 */
uint32_t zs_runs_take_longest(struct zs_runs *r, uint32_t max, uint32_t *len);

#endif
