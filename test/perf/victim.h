/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef VICTIM_H
#define VICTIM_H

#include <pthread.h>
#include <stdint.h>

#include "base/hist.h"

/**
 * @file
 * A neighbour: a thread on the CPU of the thread that starts it, which is to wake up every 200 us
 * and records how late it was each time. The times are fixed in advance: a delay of 4 ms counts
 * for each of the 20 it has missed. What runs beside it is what it suffers from.
 */

struct victim {
	pthread_t thread;
	uint32_t stop;
	struct zc_hist late; /**< nanoseconds */
};

/** @return 0, -errno */
int victim_start(struct victim *v);

/** Ends it; then v->late may be read. */
void victim_stop(struct victim *v);

/** Sleeps until that time of zc_now_ns(). */
void victim_sleep_until(uint64_t ns);

/** The calling thread's sleeps end when they should, as far as the kernel can do that. */
void victim_no_slack(void);

#endif
