/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZREADER_H
#define ZREADER_H

#include "ipc/arena.h"
#include "ipc/object.h"

/**
 * @file
 * The reader's side of the slot protocol: a consistent, checked copy of one page's object, taken
 * from an arena that somebody else writes meanwhile. No lock, no system call (but fstat(2) when the
 * arena has grown), no message to anybody. Any number of threads, async-signal-safe, re-entrant.
 */

struct zreader {
	const struct zarena_super *super;
	const struct zslot *slots;
	const uint64_t *objs;
	uint64_t pages;
	uint64_t objs_map_len; /**< bytes mapped at objs, which may exceed the file */
	uint64_t objs_len;     /**< bytes that the file is known to have; grows, atomic */
	uint64_t nonce[2];
	uint32_t page_size;
	int objs_fd;
};

/** What zreader_fetch() found. */
struct zreader_page {
	enum zslot_kind kind; /**< EMPTY, FILL, FILL8, OBJ or RAW */
	uint8_t prio;
	uint32_t len;     /**< of the bytes in the buffer; 0 for EMPTY and FILL */
	uint32_t pattern; /**< FILL */
};

/** @return bytes of a buffer that takes any object of a disk with pages of @p page_size bytes */
static inline uint32_t
zreader_buf_len(uint32_t page_size)
{
	return page_size + ZOBJ_GRANULE;
}

/**
 * Maps an arena read-only.
 * @param slots_fd, objs_fd read-only descriptors; objs_fd becomes the reader's on success, slots_fd
 *                          stays the caller's
 * @return 0, -EPROTO (not an arena of a version that this reader knows), -ENOMEM, other errno of
 *         fstat(2), pread(2) and mmap(2)
 */
int zreader_init(struct zreader *r, int slots_fd, int objs_fd);

/** Unmaps; tolerates a reader that zreader_init() refused, when it was zeroed before. */
void zreader_fini(struct zreader *r);

/**
 * Takes a page's object out of the arena.
 * @param buf  zreader_buf_len() private bytes, 8-byte aligned; content undefined after an error
 * @return 0, -ERANGE (no such page), -EBADMSG (damaged), -ENODEV (disk removed), -EREMOTE (the
 *         bytes are on the backing store)
 */
int zreader_fetch(struct zreader *r, uint64_t page, void *buf, struct zreader_page *out);

/**
 * Asks for what zreader_fetch() will read of a page, which is in no cache: its slot, or, once that
 * is there, its object. Reads and promises nothing else; any page number.
 */
void zreader_prefetch_slot(const struct zreader *r, uint64_t page);
void zreader_prefetch_object(const struct zreader *r, uint64_t page);

/** @return 0 while the disk lives, else -ENODEV: to be asked before any result is handed out */
int zreader_check_live(const struct zreader *r);

#endif
