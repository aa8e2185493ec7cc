/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZS_CLASSES_H
#define ZS_CLASSES_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/object.h"
#include "ipc/slot.h"

/**
 * @file
 * Size classes of the object pool: which spans an object of a given length lives in.
 *
 * A span is a few contiguous pages of objs cut into places of one size. The class follows from the
 * place's length, and the span from the class and the offset alone, so that recovery needs no table
 * of spans. Pure functions and one constant table; any thread.
 */

#define ZS_PAGE      4096u /**< bytes of a page of the pool, whatever the disk's page size */
#define ZS_PLACE_MIN 32u   /**< bytes of the smallest class */
#define ZS_PLACE_MAX (ZSLOT_LEN_MAX + ZOBJ_GRANULE) /**< bytes of a raw page of 64 KiB */
#define ZS_SPAN_MAX  64u                            /**< pages; no class has longer spans */
#define ZS_OBJS_MAX  256u                           /**< places; no class has more in a span */
#define ZS_CLASSES   256u

struct zs_class {
	uint32_t size;  /**< bytes of a place, a multiple of ZOBJ_GRANULE */
	uint16_t pages; /**< of a span */
	uint16_t objs;  /**< places in a span */
};

struct zs_classes {
	uint32_t nr;
	struct zs_class classes[ZS_CLASSES]; /**< from the largest places to the smallest */
	uint8_t of_len[ZS_PLACE_MAX / ZOBJ_GRANULE + 1];
};

/** Computes the table of a disk with pages of @p page_size bytes, 1 KiB to 64 KiB. */
void zs_classes_init(struct zs_classes *c, uint32_t page_size);

/** @return index of the class for a place of @p place_len bytes, see zobj_place_len() */
static inline uint32_t
zs_class_of(const struct zs_classes *c, uint32_t place_len)
{
	return c->of_len[place_len / ZOBJ_GRANULE];
}

/**
 * Derives where the span begins that has a place of @p cls at @p offset.
 * @param start number of the span's first page
 * @param idx   of the place in the span
 * @return whether there is one: at most one span fits
 */
bool zs_class_span(const struct zs_class *cls, uint64_t offset, uint32_t *start, uint32_t *idx);

/** @return objects of this many bytes or more take no less memory than a raw page */
uint32_t zs_classes_huge_len(const struct zs_classes *c, uint32_t page_size);

#endif
