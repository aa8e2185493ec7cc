/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The neighbour, and exact sleeping. The thread owns its struct until it is joined, but for `stop`,
 * which the main thread sets.
 */

#include "victim.h"

#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/atomic.h"
#include "base/clock.h"

#define SLEEP_NS 200000u

void
victim_no_slack(void)
{
	/* 0 would be the default: 50 us. */
	prctl(PR_SET_TIMERSLACK, 1ul);
}

void
victim_sleep_until(uint64_t ns)
{
	struct timespec ts = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void *
suffer(void *arg)
{
	struct victim *v = (struct victim *)arg;
	uint64_t wanted_ns, now_ns;

	victim_no_slack();
	wanted_ns = zc_now_ns() + SLEEP_NS;
	/* What was due before the end still counts. */
	for (now_ns = 0; zc_load_relaxed(&v->stop) == 0 || wanted_ns <= now_ns;
	     wanted_ns += SLEEP_NS) {
		victim_sleep_until(wanted_ns);
		now_ns = zc_now_ns();
		zc_hist_add(&v->late, now_ns - wanted_ns);
	}
	return NULL;
}

int
victim_start(struct victim *v)
{
	memset(v, 0, sizeof(*v));
	return -pthread_create(&v->thread, NULL, suffer, v);
}

void
victim_stop(struct victim *v)
{
	zc_store_relaxed(&v->stop, 1u);
	pthread_join(v->thread, NULL);
}
