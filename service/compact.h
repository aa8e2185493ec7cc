/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_COMPACT_H
#define ZD_COMPACT_H

#include <stdint.h>

struct zd;

/**
 * @file
 * When disks are compacted, and at what cost. Main lcore.
 */

/** What is remembered from one step to the next. */
struct zd_compact {
	uint64_t step_ns; /**< when the last step was */
	uint64_t ops;     /**< operations of all workers then */
};

/** Once a second: finds the disks of which it is worthwhile. */
void zd_compact_look(struct zd *zd);

/**
 * Goes a step on, where there is something to do and it is time, and tells the sessions that wait
 * for it. At once if one does; else 5 % of the time while no worker has anything to do, and 0.5 %
 * otherwise.
 * @param now_ns the monotonic clock
 * @return ms until it wants to be called again, -1 where there is nothing to do
 */
int zd_compact_run(struct zd *zd, uint64_t now_ns);

#endif
