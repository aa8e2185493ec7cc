/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef OBJECTS_H
#define OBJECTS_H

#include <stdint.h>

/**
 * @file
 * Compressed pages of a target that has no store: a place for each page.
 */

/** Bytes of a place: what does not compress, with what any format adds. An odd number of cache
 * lines, so that the objects do not all begin in the same few sets of the cache. */
#define OBJECTS_ROOM 4800u

struct objects {
	char *mem;
	uint32_t *lens; /**< bytes of each; the caller sets them */
	uint32_t nr;
};

/** The memory is there as far as it is written. @return 0, -ENOMEM; undone by objects_fini() */
int objects_init(struct objects *o, uint32_t nr);

/** Accepts what is all zero. */
void objects_fini(struct objects *o);

/** @return the place of page @p page */
static inline void *
objects_at(const struct objects *o, uint32_t page)
{
	return o->mem + (uint64_t)page * OBJECTS_ROOM;
}

/** @return bytes of all objects */
uint64_t objects_bytes(const struct objects *o);

#endif
