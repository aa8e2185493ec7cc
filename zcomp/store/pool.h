/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZS_POOL_H
#define ZS_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "store/classes.h"
#include "store/runs.h"

/**
 * @file
 * The object pool: places of 32 bytes and more in one contiguous range of offsets. It knows which
 * places are taken, and never touches what is in them.
 *
 * All of its memory is private and set aside by zs_pool_init(): 16 bytes a page for the page array
 * and 16 for the bitmaps of free places, touched only where the pool has pages. Whoever calls
 * anything but init and fini holds the disk's writer lock.
 */

#define ZS_FULLNESS 8u                 /**< lists of partly used spans by fullness */
#define ZS_LISTS    (ZS_FULLNESS + 1u) /**< of a class: these, behind the one of victims */
#define ZS_VICTIMS  0u
#define ZS_KEEP_ALL UINT16_MAX

/** The spans of one class. */
struct zs_spans {
	uint32_t partial[ZS_LISTS]; /**< spans with all pages held, by their first page */
	uint32_t growing;           /**< the span whose last pages need not be held, or ZS_NONE */
	uint32_t spans;
	uint32_t free_nr; /**< free places in held pages */
	uint16_t mask;    /**< lists in `partial` that are not empty */
	uint16_t keep;    /**< places of the growing span from this one on are to be emptied */
};

struct zs_pool {
	struct zs_page *pages;
	uint64_t *bits; /**< two words a page; a span's are those of all its pages; 1 = free */
	uint32_t max_pages;
	uint32_t high;       /**< pages of the file, which only grows */
	uint32_t used_pages; /**< held by spans: what the limit is about */
	uint32_t span_pages; /**< of spans, held or not */
	uint64_t free_bytes; /**< in free places of held pages */
	uint32_t limit;      /**< pages; UINT32_MAX = none */
	uint32_t slack;      /**< pages below the limit that new objects leave to smaller ones */
	uint32_t owed;       /**< pages promised to classes without a free place */
	uint16_t epoch;      /**< stamp of pages that become free now */
	struct zs_runs ready, holes;
	struct zs_spans spans[ZS_CLASSES];
	struct zs_classes classes;
};

/**
 * @param max_pages the offsets go up to this many pages of ZS_PAGE bytes
 * @param limit     bytes that used_pages never exceeds; 0 = none
 * @return 0 or -ENOMEM, after which zs_pool_fini() is harmless but not needed
 */
int zs_pool_init(struct zs_pool *pool, uint32_t page_size, uint32_t max_pages, uint64_t limit);

/** Tolerates a zeroed pool. */
void zs_pool_fini(struct zs_pool *pool);

/** Forgets all spans and runs, as after init. */
void zs_pool_reset(struct zs_pool *pool);

/** How much a new object may count on at the limit. */
enum zs_claim {
	ZS_CLAIM_NEW,     /**< more than there was before */
	ZS_CLAIM_REPLACE, /**< soon frees a place that is no smaller: may go up to the limit */
};

/**
 * Takes a place.
 * @param place_len of zobj_place_len()
 * @param offset    bytes
 * @return 0, -ENOSPC (the limit), -ENOMEM (no run of ready pages)
 */
int zs_pool_alloc(struct zs_pool *pool, uint32_t place_len, enum zs_claim claim, uint64_t *offset);

/** Frees a place; the span's last one gives its pages back to the ready runs. */
void zs_pool_free(struct zs_pool *pool, uint64_t offset, uint32_t place_len);

/** Has what zs_pool_free() will need of the place brought into the cache. */
static inline void
zs_pool_prefetch(const struct zs_pool *pool, uint64_t offset)
{
	uint64_t page = offset / ZS_PAGE;

	__builtin_prefetch(&pool->pages[page], 1);
	__builtin_prefetch(&pool->bits[2 * page], 1);
}

/*
 * Compaction. A round marks places as victims, class by class; then their objects are moved, each
 * to a place of zs_pool_alloc_elsewhere(), and their places freed; then the marks are taken off,
 * class by class. Victims are places like others meanwhile, only the last that an object gets: who
 * needs one is not kept waiting, and what was not emptied is tried in another round.
 */

/** What a round knows of the class that it marks. All zero at first. */
struct zs_marking {
	uint32_t spare; /**< free places not yet meant for a victim's object */
	uint32_t pages; /**< that the round can give back, of all classes */
	bool begun;     /**< with this class */
};

/**
 * Marks what of class @p c can be emptied into other free places of the class: the emptiest spans,
 * then the end of the growing one. A few spans at a time.
 * @return whether to call again for this class
 */
bool zs_pool_mark(struct zs_pool *pool, uint32_t c, struct zs_marking *m);

/** @return whether the page is of a span with marks: a hint, for who does not hold the lock */
static inline bool
zs_pool_maybe_victim(const struct zs_pool *pool, uint64_t offset)
{
	return zc_load_relaxed(&pool->pages[offset / ZS_PAGE].victim) != 0;
}

/** @return whether the object at @p offset is to be moved */
bool zs_pool_is_victim(const struct zs_pool *pool, uint64_t offset);

/**
 * Takes a place that is no victim, and no page. Where there is a limit, a class keeps a free place.
 * @return 0 or -ENOSPC
 */
int zs_pool_alloc_elsewhere(struct zs_pool *pool, uint32_t place_len, uint64_t *offset);

/**
 * Takes the marks off class @p c, a few spans at a time, and lets go of pages that its growing span
 * needs no more.
 * @return whether to call again for this class
 */
bool zs_pool_unmark(struct zs_pool *pool, uint32_t c);

/** @return pages that compaction could give back, or a few less. */
uint32_t zs_pool_compactable(const struct zs_pool *pool);

/** @return bytes that new objects cannot have: of places, and lost at the ends of spans */
static inline uint64_t
zs_pool_occupied(const struct zs_pool *pool)
{
	return (uint64_t)pool->used_pages * ZS_PAGE - pool->free_bytes;
}

/**
 * Recovery: takes a known place in a pool whose `high` is set, before zs_pool_settle().
 * @return 0, -EINVAL (no place of the class, or beyond the file), -EEXIST (already taken, or the
 *         pages belong to another span)
 */
int zs_pool_claim(struct zs_pool *pool, uint64_t offset, uint32_t place_len);

/** Recovery: all objects are claimed; what is left becomes holes. Counts no more pages than the
 * pool held that these objects are from. */
void zs_pool_settle(struct zs_pool *pool);

#endif
