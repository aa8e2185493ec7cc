/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef SIDES_H
#define SIDES_H

#include <stdint.h>

#include "pairing.h"
#include "perf.h"

/**
 * @file
 * Sides of a pairing that do not do the same amount of work: each has an amount of its own, found
 * by a first try, so that a slow one does not make the others wait. Main thread only.
 */

#define SIDES_MAX 4u

typedef int (*sides_pass)(void *arg, uint64_t sweeps, struct pairing_time *time);

/** The sides of one comparison. */
struct sides {
	const struct perf_opts *opts;
	const struct perf_place *place;
	struct pairing_time *times; /**< opts->nr_pairs for each of SIDES_MAX; the caller's */
	unsigned int nr;
	struct pairing_side sides[SIDES_MAX];
	uint64_t *pages[SIDES_MAX]; /**< of a sweep, in the side's own struct */
};

/** @return room for the times of all sides, for free(); NULL, which is told: no memory */
struct pairing_time *sides_times(const struct perf_opts *opts);

/** @param times of sides_times(); with NULL nothing can be measured */
static inline struct sides
sides_begin(const struct perf_opts *opts, const struct perf_place *place,
            struct pairing_time *times)
{
	return (struct sides){.opts = opts, .place = place, .times = times};
}

/** @param pages of a sweep, which @p pass looks at: set by sides_measure() */
void sides_add(struct sides *s, sides_pass pass, void *arg, uint64_t *pages);

/** Finds the amounts of work, then measures. @return 0, -EINTR, or what a pass has returned */
int sides_measure(struct sides *s);

/** Pages a second of a side, in each pair. */
void sides_rates(const struct sides *s, unsigned int side, double *out);

/** The client's nanoseconds for a page of a side, in each pair. */
void sides_client_ns(const struct sides *s, unsigned int side, double *out);

#endif
