/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZC_CLOCK_H
#define ZC_CLOCK_H

#include <stdint.h>
#include <time.h>

/** @return nanoseconds of the monotonic clock. Any thread; no system call where the vDSO has it. */
static inline uint64_t
zc_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#endif
