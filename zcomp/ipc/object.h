/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZOBJ_H
#define ZOBJ_H

#include <stdbool.h>
#include <stdint.h>

/**
 * @file
 * An object in the arena: its bytes, then 4 bytes of checksum. What is left of its place nobody
 * reads, and it may keep older bytes.
 *
 * Reader and writer may meet on the same bytes, so both sides use relaxed 8-byte atomics, and the
 * checksum is computed in the same pass: fused so, a checked copy costs what memcpy() costs.
 * The checksum is CRC32C in three lanes: words go to them in turn, three by three, and those that
 * make no full three to the first. The lanes, two of them multiplied, are folded together with what
 * the object is: the disk's nonce, page, kind, codec priority and length. Bytes of another page or
 * of an older disk therefore never pass.
 */

#define ZOBJ_GRANULE 16u /**< places start and end on multiples of this many bytes */
#define ZOBJ_SUM_LEN 4u  /**< bytes of checksum behind the object */

/** What an object is; all of it is covered by its checksum. */
struct zobj_id {
	uint64_t nonce[2]; /**< of the disk */
	uint64_t page;
	uint32_t len; /**< bytes of the object, without checksum */
	uint8_t kind; /**< enum zslot_kind */
	uint8_t prio; /**< the codec's priority, 0 to 3 */
};

/** @return bytes that an object of @p len occupies: object, checksum, padding */
static inline uint32_t
zobj_place_len(uint32_t len)
{
	return (len + ZOBJ_SUM_LEN + ZOBJ_GRANULE - 1) & ~(ZOBJ_GRANULE - 1);
}

/**
 * Writes an object into its place. The caller owns the place, and has put a release fence between
 * taking it and this call (design, section 6: alloc).
 * @param place 16-byte aligned, zobj_place_len(id->len) bytes
 * @param src   id->len private bytes, any alignment
 */
void zobj_write(uint64_t *place, const void *src, const struct zobj_id *id);

/**
 * Copies an object out of its place, which may be overwritten meanwhile.
 * @param dst   zobj_place_len(id->len) private bytes, 8-byte aligned
 * @return whether the copy's checksum is that of @p id
 */
bool zobj_read(void *dst, const uint64_t *place, const struct zobj_id *id);

#endif
