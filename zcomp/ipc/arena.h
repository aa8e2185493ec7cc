/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZARENA_H
#define ZARENA_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/slot.h"

/**
 * @file
 * The arena of one disk, as both sides map it: two files.
 *
 * `NAME.slots`: the superblock (one 4 KiB page), then the slot table; fully allocated.
 * `NAME.objs`:  the objects; as long as its high-water mark, never shorter.
 *
 * The service writes, clients map read-only. Everything that changes after creation is read and
 * written by relaxed 8-byte atomics, but `state`, whose store is a release.
 */

#define ZARENA_MAGIC     0x3144524f43505a00ull /* "\0ZPCORD1" */
#define ZARENA_VERSION   2u
#define ZARENA_SLOTS_OFF 4096u /**< of the slot table in NAME.slots */
#define ZARENA_NAME_LEN  64u
#define ZARENA_CODECS    4u

/** Flag of a disk: takes objects that its clients compressed, whose bytes nobody has checked. */
#define ZARENA_PRECOMP (1u << 0)

enum zarena_state {
	ZARENA_NEW = 0, /**< being made */
	ZARENA_LIVE = 1,
	ZARENA_REMOVED = 2, /**< every load answers -ENODEV */
};

/** One of up to four codecs by priority; what a reader needs to decode. */
struct zarena_codec {
	uint8_t id; /**< enum zcodec_id; 0 = none */
	uint8_t reserved[3];
	int32_t level;
	uint64_t dict_off; /**< of a dictionary in NAME.slots; 0 = none */
	uint32_t dict_len;
	uint32_t reserved2;
};

/** Counters, with zram's names and meanings (mm_stat, io_stat, bd_stat). */
struct zarena_stat {
	uint64_t pages_stored;
	uint64_t compr_data_size; /**< bytes of objects, without checksums and same-filled pages */
	uint64_t mem_used;        /**< bytes of the pool's pages, without the slot table */
	uint64_t mem_limit;       /**< bytes; 0 = none */
	uint64_t mem_used_max;
	uint64_t same_pages;
	uint64_t huge_pages;
	uint64_t huge_pages_since;
	uint64_t pages_compacted;
	uint64_t bd_count;
	uint64_t bd_reads;
	uint64_t bd_writes;
	uint64_t failed_loads;
	uint64_t failed_stores;
	uint64_t discards;
};

struct zarena_super {
	uint64_t magic;
	uint32_t version;
	uint32_t state; /**< enum zarena_state */
	uint64_t pages;
	uint64_t nonce[2]; /**< random, of this disk's making; tells one incarnation from another */
	uint32_t page_size;
	uint32_t flags;    /**< ZARENA_* */
	uint64_t objs_max; /**< bytes that NAME.objs will never exceed: what a reader maps */
	uint32_t uid;      /**< owner, group and permission bits as chmod(2) has them */
	uint32_t gid;
	uint32_t mode;
	uint32_t huge_len; /**< zstore_huge_len(), written anew by each service */
	char name[ZARENA_NAME_LEN];
	char algorithm[ZARENA_NAME_LEN]; /**< as the creator wrote it */
	struct zarena_codec codecs[ZARENA_CODECS];
	struct zarena_stat stat;
};

static_assert(sizeof(struct zarena_super) <= ZARENA_SLOTS_OFF, "the superblock is one page");
static_assert(sizeof(struct zslot) == 16, "a slot is two words");

/** @return bytes of NAME.slots for @p pages pages */
static inline uint64_t
zarena_slots_len(uint64_t pages)
{
	return ZARENA_SLOTS_OFF + pages * sizeof(struct zslot);
}

#endif
