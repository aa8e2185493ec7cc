/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZBELL_H
#define ZBELL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

/**
 * @file
 * Sleeping and waking, for both directions of a queue; explored in test/model.
 *
 * The sleeper's word holds, while it sleeps: a round (high half, odd) and the index it waits for
 * (low half). Sleeper: zbell_arm(), read the ring's index once more, sleep until the bell rings,
 * zbell_disarm(). Waker: commit the ring's index, zbell_due(), then ring.
 */

/**
 * Sleeper: announces that it will sleep until the ring's index reaches @p index. The caller must
 * look at the ring again afterwards, before it sleeps.
 * @param word shared, written by the sleeper only
 */
static inline void
zbell_arm(uint64_t *word, uint32_t index)
{
	uint32_t round = (uint32_t)(zc_load_relaxed(word) >> 32);

	zc_store_relaxed(word, (uint64_t)((round | 1) + 2) << 32 | index);
	/* Pairs with the fence in zbell_due(): either the sleeper sees the index or the waker sees
	 * the word. */
	zc_fence_seq_cst();
}

/** Sleeper: awake again. */
static inline void
zbell_disarm(uint64_t *word)
{
	uint32_t round = (uint32_t)(zc_load_relaxed(word) >> 32);

	zc_store_relaxed(word, (uint64_t)(round & ~1u) << 32);
}

/**
 * Waker: whether to ring, after it has committed up to @p index. Rings once for each time the
 * sleeper arms.
 * @param rung the waker's private memory of the last round it rang for; starts at 0
 */
static inline bool
zbell_due(const uint64_t *word, uint32_t index, uint32_t *rung)
{
	uint64_t armed;
	uint32_t round;

	/* Pairs with the fence in zbell_arm(). */
	zc_fence_seq_cst();
	armed = zc_load_relaxed(word);
	round = (uint32_t)(armed >> 32);
	if ((round & 1) == 0 || round == *rung || (int32_t)(index - (uint32_t)armed) < 0)
		return false;
	*rung = round;
	return true;
}

#endif
