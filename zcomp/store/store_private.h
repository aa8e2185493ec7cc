/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZSTORE_PRIVATE_H
#define ZSTORE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "store/pool.h"
#include "store/store.h"

/**
 * @file
 * What the files of the store share.
 *
 * `lock` protects the pool, all slots, `placed`, and the counters in the superblock (but
 * failed_stores, which is atomic). Workers only try it; the main lcore yields until it gets it, and
 * never holds it across a system call.
 */

/** Where compaction is, between two calls. */
struct zstore_compaction {
	int phase;     /**< see compact.c */
	uint32_t cls;  /**< next class to mark, or to unmark */
	uint64_t page; /**< next page to look at */
	struct zs_marking marking;
	unsigned int rounds;
	uint64_t gained; /**< pages_compacted when the round began */
	uint32_t rest;   /**< zs_pool_compactable() when a round in vain began; 0 = none was */
};

struct zstore {
	struct zc_trylock lock __attribute__((aligned(64)));
	uint32_t placed; /**< stores with a place but not committed: they free one soon */
	struct zarena_super *super;
	struct zslot *slots;
	uint64_t *objs;
	uint64_t nonce[2];
	uint64_t pages;
	uint64_t limit; /**< bytes; 0 = none */
	uint32_t page_size;
	uint32_t raw_place_len; /**< the worst case of zstore_reserve() */
	uint32_t huge_len;
	uint64_t occupied; /**< zs_pool_occupied(), for zstore_reserve(). Relaxed */

	/* Of both sides, relaxed. */
	uint64_t reserved __attribute__((aligned(64))); /**< bytes */
	uint32_t wanted;                                /**< ready pages run low */
	uint32_t starved;   /**< a store found no run that is long enough */
	uint32_t exhausted; /**< the tmpfs had no room when last asked */

	/* The main lcore's. */
	int dirfd, slots_fd, objs_fd;
	uint64_t slots_len;    /**< bytes mapped */
	uint64_t objs_max;     /**< bytes mapped */
	uint64_t tidied_ns;    /**< when zstore_populate() last gave memory back */
	uint64_t excess_pages; /**< beyond the store's own count, which punching did not change */
	struct zstore_compaction compaction;
	char name[ZARENA_NAME_LEN];

	struct zs_pool pool;
};

/** @return -ENOMEM for what a full file system or a file size limit answers, else -@p err */
int zstore_memory_error(int err);

/** fallocate(2), again when a signal came. @return 0, -ENOMEM, other -errno */
int zstore_fallocate(int fd, int mode, uint64_t offset, uint64_t len);

/** Takes the lock on the main lcore, which may wait. */
void zstore_lock(struct zstore *st);

/** Pages to keep ready, below which more are populated. The caller holds the lock. */
uint32_t zstore_low_water(const struct zstore *st);

/** Brings the superblock's counters and `occupied` up to the pool. The caller holds the lock. */
void zstore_publish(struct zstore *st);

/**
 * Adds what a slot stands for to the counters, or takes it off. The caller holds the lock.
 * @param sign 1 or -1
 */
void zstore_account(struct zstore *st, const struct zslot_place *p, int sign);

/** Adds to a counter of the superblock. The caller holds the lock. */
void zstore_count(uint64_t *counter, uint64_t n);

/** The commit protocol of design section 6. The caller holds the lock. */
void zstore_write_slot(struct zstore *st, uint64_t page, uint64_t w0);

/**
 * Rebuilds the pool and the counters from the slots.
 * @param objs_len bytes of NAME.objs
 */
void zstore_recover(struct zstore *st, uint64_t objs_len);

#endif
