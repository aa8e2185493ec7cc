/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZSLOT_H
#define ZSLOT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * @file
 * A slot: a disk's table entry for one page, two 64-bit words in native order, written by the
 * service only. Pure encoding and decoding; the protocol is in reader.h and store/commit.c.
 *
 * w0, the place, is the only word that publishes; 0 is an empty slot, which reads as zeros:
 *
 *     0-2   kind
 *     3     back: the bytes are on the backing store
 *     4-5   priority of the codec
 *     6-21  length - 1
 *     22-63 offset / 16, in objs or in the backing store
 *     FILL: bits 32-63 are the 4-byte pattern, 3-31 zero
 *
 * w1: bits 16-63 generation, raised before w0 changes; 0-15 the service's own, which readers mask.
 */
struct zslot {
	uint64_t w0;
	uint64_t w1;
};

enum zslot_kind {
	ZSLOT_EMPTY = 0, /**< never stored, or discarded */
	ZSLOT_FILL = 1,  /**< same-filled, period 4, the pattern in the slot itself */
	ZSLOT_FILL8 = 2, /**< same-filled, period 8, the word is an object of 8 bytes */
	ZSLOT_OBJ = 3,   /**< compressed */
	ZSLOT_RAW = 4,   /**< huge: stored as it is */
	ZSLOT_BAD = 7,   /**< damaged: reads -EBADMSG until stored or discarded */
};

#define ZSLOT_BACK        (1u << 3)
#define ZSLOT_GEN_SHIFT   16
#define ZSLOT_OWN_MASK    0xffffu
#define ZSLOT_LEN_MAX     65536u
#define ZSLOT_OFFSET_UNIT 16u

/** What w0 says, taken apart. */
struct zslot_place {
	enum zslot_kind kind;
	bool back;
	uint8_t prio;
	uint32_t len;    /**< bytes, 1 to 65536; FILL, EMPTY, BAD: 0 */
	uint64_t offset; /**< bytes; FILL: the 4-byte pattern */
};

/** @return w0 of a page that is one 4-byte pattern */
static inline uint64_t
zslot_fill(uint32_t pattern)
{
	return (uint64_t)pattern << 32 | ZSLOT_FILL;
}

/** @return w0 of an object of @p len bytes (1 to 65536) at @p offset (a multiple of 16) */
static inline uint64_t
zslot_object(enum zslot_kind kind, uint8_t prio, uint32_t len, uint64_t offset)
{
	return (uint64_t)kind | (uint64_t)(prio & 3) << 4 | (uint64_t)(len - 1) << 6 |
	       offset / ZSLOT_OFFSET_UNIT << 22;
}

/** Takes w0 apart. Words that no writer makes come back as BAD. */
static inline struct zslot_place
zslot_decode(uint64_t w0)
{
	struct zslot_place p = {(enum zslot_kind)(w0 & 7), (w0 & ZSLOT_BACK) != 0,
	                        (uint8_t)(w0 >> 4 & 3), 0, 0};

	switch (p.kind) {
	case ZSLOT_FILL:
		p.offset = w0 >> 32;
		if (w0 != zslot_fill((uint32_t)p.offset))
			p.kind = ZSLOT_BAD;
		break;
	case ZSLOT_FILL8:
	case ZSLOT_OBJ:
	case ZSLOT_RAW:
		p.len = (uint32_t)(w0 >> 6 & 0xffff) + 1;
		p.offset = (w0 >> 22) * ZSLOT_OFFSET_UNIT;
		break;
	default:
		p.kind = w0 == 0 ? ZSLOT_EMPTY : ZSLOT_BAD;
		break;
	}
	return p;
}

/** @return whether the kind owns a place in objs */
static inline bool
zslot_kind_has_object(enum zslot_kind kind)
{
	return kind == ZSLOT_FILL8 || kind == ZSLOT_OBJ || kind == ZSLOT_RAW;
}

static inline uint64_t
zslot_generation(uint64_t w1)
{
	return w1 >> ZSLOT_GEN_SHIFT;
}

#endif
