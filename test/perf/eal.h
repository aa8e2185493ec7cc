/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef EAL_H
#define EAL_H

#include "perf.h"

/**
 * @file
 * DPDK's EAL in this process, for what has a device of its own. Main thread only.
 */

/**
 * Starts it, with the calling thread as its only lcore; when it runs already, for one user more.
 * EAL starts once in a process: not again after the last perf_eal_stop().
 * @return 0, -errno
 */
int perf_eal_start(const struct perf_place *place);

/** Ends it with its last user. */
void perf_eal_stop(void);

#endif
