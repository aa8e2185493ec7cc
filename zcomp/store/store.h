/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZSTORE_H
#define ZSTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/arena.h"

/**
 * @file
 * The page store: the writer's side of one disk's arena.
 *
 * Stores follow zram's order: compress, allocate, copy, and only then commit the slot and free what
 * it named before, so that the old content survives every failure.
 *
 * Threads: create, open, populate, compact, remove, close on the main lcore. The data path
 * (reserve, put, discard) on any lcore; it takes the disk's writer lock by trylock for some tens of
 * nanoseconds, and answers -EAGAIN where it does not get it: the caller calls again later with the
 * same request. No allocation, no system call, no waiting on the data path.
 */

struct zstore;

struct zstore_opts {
	const char *name;
	uint64_t pages;
	uint32_t page_size;
	uint64_t mem_limit; /**< bytes of pool; 0 = none */
	const char *algorithm;
	struct zarena_codec codecs[ZARENA_CODECS];
	uint32_t uid, gid, mode;
	uint32_t flags;
};

/**
 * Makes a disk's arena, NAME.slots and NAME.objs, mode 0600, below @p dirfd (tmpfs). A first stock
 * of memory is ready, so that it can store at once.
 * @param dirfd stays the caller's
 * @return 0, -EEXIST, -EINVAL (name, pages, page size, length of the algorithm's name), -ENOMEM
 *         (also a tmpfs without room), -EOPNOTSUPP (hugetlbfs), other -errno. Nothing is left
 *         behind after an error.
 */
int zstore_create(int dirfd, const struct zstore_opts *opts, struct zstore **out);

/**
 * Takes over the arena that an earlier process left, however it ended; readers may go on meanwhile.
 * Every slot is checked (kind, length, bounds, overlap); a wrong one becomes BAD, no other is
 * written. What no slot names is free. Counters are computed anew, but for those that only grow.
 * Where two slots are at odds, the checksum decides.
 * @param dirfd stays the caller's
 * @return 0, -ENOENT (also for an arena whose making or removal was cut short; it is removed),
 *         -EPROTO (not an arena of this version), -ENOMEM, other -errno
 */
int zstore_open(int dirfd, const char *name, struct zstore **out);

/** Unmaps and forgets; the arena stays for zstore_open(). Accepts NULL. */
void zstore_close(struct zstore *st);

/**
 * Removes the disk: loads answer -ENODEV from now on, the names are gone, the memory is given back.
 * No request is under way. objs keeps its length until zstore_close(), which should come 10 s later
 * for the sake of clients that were in the middle of a load.
 */
void zstore_remove(struct zstore *st);

/** @return the superblock, readable from any thread by relaxed loads; lives as long as @p st */
const struct zarena_super *zstore_super(const struct zstore *st);

/**
 * Opens fresh read-only descriptions of both files for a client.
 * @param fds slots, objs; the caller's to close
 * @return 0, -EMFILE, other -errno
 */
int zstore_open_readonly(const struct zstore *st, int fds[2]);

/**
 * @return results of this many bytes or more are stored raw: they would save no memory. Any lcore.
 */
uint32_t zstore_huge_len(const struct zstore *st);

/**
 * One store under way, all zero at first. Once zstore_put() was called, the caller keeps it, and
 * calls again, until the answer is other than -EAGAIN: it may hold a place.
 */
struct zstore_put {
	uint64_t page;
	const void *data; /**< private; len bytes */
	uint64_t word;    /**< FILL, FILL8 */
	uint32_t len;
	enum zslot_kind kind;
	uint8_t prio;
	bool reserved;  /**< holds a reservation of zstore_reserve() */
	bool placed;    /**< place is taken and the bytes are in it */
	uint64_t place; /**< bytes, in objs */
};

/**
 * Reserves the worst case against the memory limit, before the page is compressed. An overwrite of
 * an object needs none, nor does a disk without a limit. Given back by zstore_put(), or by
 * zstore_unreserve(). It spares compressing what will not fit, and does not promise a place: only
 * zstore_put() knows whether there is one of the right size.
 * @return 0, -EAGAIN (others' reservations are in the way: once they are settled it may fit),
 *         -ENOSPC (the limit; counts as a failed store)
 */
int zstore_reserve(struct zstore *st, uint64_t page, struct zstore_put *put);

/** Gives back a reservation whose store will not come. */
void zstore_unreserve(struct zstore *st, struct zstore_put *put);

/**
 * Prepares @p put for a same-filled page: a word of period 4 needs no reservation and no memory.
 */
void zstore_put_same(struct zstore_put *put, uint64_t page, uint64_t word);

/** Prepares @p put for a page that compressed into @p len bytes with the codec of @p prio. */
void zstore_put_object(struct zstore_put *put, uint64_t page, uint8_t prio, const void *data,
                       uint32_t len);

/** Prepares @p put for a page stored as it is; @p data is the whole page. */
void zstore_put_raw(struct zstore *st, struct zstore_put *put, uint64_t page, const void *data);

/**
 * Stores: place, copy, commit, free the old place. After 0 every load sees this page or a newer.
 * At the limit, what replaces an object of the same size or a larger one goes on; it fails only
 * where free places are all of other sizes and no page is left.
 * @return 0; -EAGAIN: call again (the lock, or memory is not ready yet, or another store frees some
 *         just now); -ENOSPC (the limit), -ENOMEM (the tmpfs is full): the old content stays, and
 *         it counts as a failed store. Other than after -EAGAIN no reservation and no place is held
 *         any more.
 */
int zstore_put(struct zstore *st, struct zstore_put *put);

/**
 * Discards pages, at most @p nr and at most ZSTORE_DISCARD_MAX at a time. Pages are in range.
 * @return how many are done, 0 upwards; 0 only where the lock was not to be had: call again
 */
uint64_t zstore_discard(struct zstore *st, uint64_t page, uint64_t nr);
#define ZSTORE_DISCARD_MAX 256u

/**
 * @return whether zstore_populate() should run soon. Not while the tmpfs is full: then the call
 *         once a second finds out when it is no longer. Any lcore.
 */
bool zstore_wants_populate(const struct zstore *st);

/**
 * Gets memory ready ahead of need (fallocate), and gives back what has been free for a second or
 * more (punch). Main lcore, when zstore_wants_populate() says so and once a second anyway.
 * @param now_ns the monotonic clock
 * @return 0; -ENOMEM when the tmpfs has no room, which zstore_put() then answers too once the ready
 *         memory is used up; other -errno of fallocate(2)
 */
int zstore_populate(struct zstore *st, uint64_t now_ns);

/**
 * Compacts the pool, a step: moves objects out of spans that others of their class have room for,
 * and gives the pages back, as zram's `compact` does. Loads, stores and discards go on meanwhile;
 * at most a load copies its object again. Begins anew when it was done. Nothing is held between two
 * steps: the store may be closed, or removed, in the middle. Main lcore.
 * @param budget slots to look at, some nanoseconds each; an object that is moved counts for 64
 * @return whether there is more to do
 */
bool zstore_compact(struct zstore *st, uint32_t budget);

/**
 * @return whether compaction is worthwhile: would give back 1/64 of the pool, and 16 pages at
 *         least, beyond what it last left as it was. Main lcore.
 */
bool zstore_wants_compact(struct zstore *st);

/** Counts a store that failed for a reason that is not the store's. Any lcore. */
void zstore_count_failed_store(struct zstore *st);

#endif
