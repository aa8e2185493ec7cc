/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

#ifndef SIM_HEAP_H
#define SIM_HEAP_H

/**
 * @file
 * A binary heap of points in time, the earliest first, over memory of the caller's. Of equal times
 * the one that was given earlier comes first.
 *
 * Context: one thread at a time.
 */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

struct sim_heap_entry {
	uint64_t time;
	uint32_t seq; /* may wrap around: entries lie less than 2^31 apart */
	uint32_t slot;
};

static inline bool
sim_heap_before(const struct sim_heap_entry *a, const struct sim_heap_entry *b)
{
	return a->time < b->time || (a->time == b->time && (int32_t)(a->seq - b->seq) < 0);
}

/** Add @p e to the @p nr entries of @p heap, which has room for one more. */
static inline void
sim_heap_push(struct sim_heap_entry *heap, uint32_t nr, struct sim_heap_entry e)
{
	while (nr != 0 && sim_heap_before(&e, &heap[(nr - 1) / 2])) {
		heap[nr] = heap[(nr - 1) / 2];
		nr = (nr - 1) / 2;
	}
	heap[nr] = e;
}

/** Put @p e in place of the earliest of @p nr entries, at least one. */
static inline void
sim_heap_replace(struct sim_heap_entry *heap, uint32_t nr, struct sim_heap_entry e)
{
	uint32_t at = 0, child;

	assert(nr != 0);
	while ((child = 2 * at + 1) < nr) {
		if (child + 1 < nr && sim_heap_before(&heap[child + 1], &heap[child]))
			child++;
		if (!sim_heap_before(&heap[child], &e))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = e;
}

/** Take the earliest of @p nr entries, at least one: nr - 1 are left. */
static inline struct sim_heap_entry
sim_heap_pop(struct sim_heap_entry *heap, uint32_t nr)
{
	const struct sim_heap_entry first = heap[0];

	if (nr > 1)
		sim_heap_replace(heap, nr - 1, heap[nr - 1]);
	return first;
}

#endif /* SIM_HEAP_H */
