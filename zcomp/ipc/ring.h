/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZRING_H
#define ZRING_H

#include <errno.h>
#include <stdint.h>

#include "base/atomic.h"

/**
 * @file
 * One side of a single-producer, single-consumer ring in memory that a hostile peer may write.
 *
 * Size, mask and the own index are private; of the peer only its index is read, once each time, and
 * an index that cannot be is -EPROTO. Entries are whole 8-byte words, copied in and out by relaxed
 * atomics exactly once; what is acted upon is always the private copy.
 *
 * Producer: zring_reserve(), zring_write(), zring_commit(). Consumer: zring_peek(), zring_read(),
 * zring_release(). One thread at a time on each side. Indexes run freely and wrap at 2^32.
 */
struct zring {
	uint32_t *own_idx;  /**< shared; we write it */
	uint32_t *peer_idx; /**< shared; the peer writes it */
	uint64_t *entries;  /**< shared */
	uint32_t size;      /**< entries, a power of two */
	uint32_t own;       /**< our index */
	uint32_t peer;      /**< the peer's index as last read */
};

static inline void
zring_init(struct zring *r, uint32_t *own_idx, uint32_t *peer_idx, void *entries, uint32_t size)
{
	*r = (struct zring){own_idx, peer_idx, (uint64_t *)entries, size, 0, 0};
}

/**
 * Producer: looks for room.
 * @param want entries wished for; the peer's index is read only when the known room is less
 * @return entries that may be written, possibly 0 and possibly more than @p want; -EPROTO
 */
static inline int
zring_reserve(struct zring *r, uint32_t want)
{
	if (r->size - (r->own - r->peer) < want) {
		/* Pairs with the consumer's zring_release(): its copies are out. */
		uint32_t peer = zc_load_acquire(r->peer_idx);

		if (r->own - peer > r->size)
			return -EPROTO;
		r->peer = peer;
	}
	return (int)(r->size - (r->own - r->peer));
}

/** Consumer: looks for entries, as zring_reserve() looks for room. */
static inline int
zring_peek(struct zring *r, uint32_t want)
{
	if (r->peer - r->own < want) {
		/* Pairs with the producer's zring_commit(): the entries are in. */
		uint32_t peer = zc_load_acquire(r->peer_idx);

		if (peer - r->own > r->size)
			return -EPROTO;
		r->peer = peer;
	}
	return (int)(r->peer - r->own);
}

/**
 * Consumer: has the peer's index and the next entry fetched from the peer's cache, both at once and
 * meanwhile. No more than a hint, for where something is known to have come after a while.
 */
static inline void
zring_prefetch(const struct zring *r, uint32_t nr_words)
{
	__builtin_prefetch(r->peer_idx);
	__builtin_prefetch(&r->entries[(uint64_t)(r->own & (r->size - 1)) * nr_words]);
}

/** Producer: writes the entry @p ahead places behind the last committed one. */
static inline void
zring_write(struct zring *r, uint32_t ahead, const uint64_t *words, uint32_t nr_words)
{
	uint64_t *entry = &r->entries[(uint64_t)((r->own + ahead) & (r->size - 1)) * nr_words];

	for (uint32_t i = 0; i < nr_words; i++)
		zc_store_relaxed(&entry[i], words[i]);
}

/** Consumer: copies out the entry @p ahead places behind the last released one. */
static inline void
zring_read(const struct zring *r, uint32_t ahead, uint64_t *words, uint32_t nr_words)
{
	const uint64_t *entry =
	        &r->entries[(uint64_t)((r->own + ahead) & (r->size - 1)) * nr_words];

	for (uint32_t i = 0; i < nr_words; i++)
		words[i] = zc_load_relaxed(&entry[i]);
}

/** Producer: publishes @p nr written entries. */
static inline void
zring_commit(struct zring *r, uint32_t nr)
{
	r->own += nr;
	/* Pairs with the consumer's zring_peek(). */
	zc_store_release(r->own_idx, r->own);
}

/** Consumer: gives @p nr entries back. */
static inline void
zring_release(struct zring *r, uint32_t nr)
{
	r->own += nr;
	/* Pairs with the producer's zring_reserve(). */
	zc_store_release(r->own_idx, r->own);
}

#endif
