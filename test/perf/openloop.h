/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef OPENLOOP_H
#define OPENLOOP_H

#include <stdint.h>

#include "base/hist.h"

/**
 * @file
 * An open loop: operations come at a fixed rate, whether or not those before are done, and the time
 * of each counts from when it should have come. So a stall counts for all that it has delayed, not
 * for one alone (no coordinated omission). One thread, which spins.
 */

struct openloop {
	double rate; /**< operations a second */
	uint64_t nr; /**< operations */
	uint64_t (*now)(void *arg);
	/**
	 * Begins the operation that should have come at @p intended_ns.
	 * @return 0, -EAGAIN (there is no room: later), other -errno
	 */
	int (*begin)(void *arg, struct openloop *o, uint64_t intended_ns);
	/** Tells openloop_done() of what has completed. @return 0, -errno */
	int (*poll)(void *arg, struct openloop *o);
	void *arg;

	uint64_t begun; /**< what follows is the result, 0 at first */
	uint64_t done;
	uint64_t elapsed_ns; /**< from the first intended time to the last completion */
	struct zc_hist hist; /**< nanoseconds */
};

/** @return 0, or what begin() or poll() have returned */
int openloop_run(struct openloop *o);

/** An operation is completed at @p now_ns. */
static inline void
openloop_done(struct openloop *o, uint64_t intended_ns, uint64_t now_ns)
{
	zc_hist_add(&o->hist, now_ns > intended_ns ? now_ns - intended_ns : 0);
	o->done++;
}

#endif
