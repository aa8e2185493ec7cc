/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef GEN_H
#define GEN_H

#include <stdint.h>

#include "streams.h"

/**
 * @file
 * A submitter: it takes pages from a source in order, has them compressed as its mode says, and is
 * the caller that comp/policy.h describes. One thread each, with an lcore index of its own.
 */

#define GEN_BURST_MAX 256u
/** A power of two: the spill list, and beside it as many as can be in flight. */
#define GEN_BACK_MAX 1024u

struct gen_counts {
	uint64_t done;    /**< pages compressed */
	uint64_t managed; /**< of them, by the device */
	uint64_t refused; /**< times that the answer was -EAGAIN */
	uint64_t failed;  /**< times that the device gave a page back with an error */
};

struct gen {
	const struct streams_mode *mode;
	struct zcomp *comp;
	unsigned int lcore;
	const struct corpus *corpus;
	uint32_t nr_pages; /**< of the corpus, from its beginning: the others are left out */
	unsigned int burst;
	/** Is told each page that is compressed, by its number in the source. May be NULL. */
	void (*finished)(void *arg, uint64_t seq, const struct zcomp_strm *strm);
	void *arg;
	bool empty;        /**< no page is copied into the streams */
	bool times_idling; /**< idle_ticks is kept */

	uint64_t source;             /**< pages that there are: those below */
	uint64_t next;               /**< the next one to get a stream */
	struct zcomp_want want;      /**< of it */
	uint64_t back[GEN_BACK_MAX]; /**< pages to ask for again after each poll: a ring */
	uint32_t back_first, back_nr;
	struct zcomp_strm *filled[GEN_BURST_MAX]; /**< not taken yet */
	unsigned int nr_filled;
	unsigned int in_flight;
	uint64_t idle_ticks; /**< of polls that found nothing */
	struct gen_counts counts;
};

/** Which pages of the corpus a source consists of is up to the caller: it begins at @p first. */
void gen_init(struct gen *g, const struct streams_mode *mode, const struct streams_device *dev,
              unsigned int lcore, const struct corpus *corpus, unsigned int burst);

/** Polls, asks, fills, submits: once each. @return how many pages moved; 0 = there was nothing */
unsigned int gen_turn(struct gen *g);

/** @return whether pages of the source are not done */
static inline bool
gen_busy(const struct gen *g)
{
	return g->next < g->source || g->in_flight != 0 || g->nr_filled != 0 || g->back_nr != 0;
}

/** Ends the source, and waits until all that has begun is done. */
void gen_drain(struct gen *g);

#endif
