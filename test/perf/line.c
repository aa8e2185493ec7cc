/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * One cache line between two CPUs: the calling thread counts up a word, a thread on the worker's
 * CPU says the same in another. The median leaves out the times when either was not running.
 */

#include "line.h"

#include <pthread.h>

#include "base/atomic.h"
#include "base/hist.h"
#include "ticks.h"

#define ROUNDS 10000u

struct line {
	_Alignas(128) uint32_t ping;
	_Alignas(128) uint32_t pong;
	int cpu;
};

static void *
answer(void *arg)
{
	struct line *line = (struct line *)arg;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(line->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		/* Pairs with ask(). */
		while (zc_load_acquire(&line->ping) != i)
			zc_pause();
		/* Pairs with ask(). */
		zc_store_release(&line->pong, i);
	}
	return NULL;
}

static void
ask(struct line *line, struct zc_hist *hist)
{
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		uint64_t start = ticks_now();

		/* Both pair with answer(). */
		zc_store_release(&line->ping, i);
		while (zc_load_acquire(&line->pong) != i)
			zc_pause();
		zc_hist_add(hist, ticks_now() - start);
	}
}

double
line_round_trip_ns(const struct perf_place *place)
{
	struct zc_hist hist = {0};
	struct line line = {.cpu = place->worker_cpu};
	struct ticks_span span = ticks_begin();
	pthread_t thread;

	if (line.cpu < 0 || pthread_create(&thread, NULL, answer, &line) != 0)
		return 0;
	ask(&line, &hist);
	pthread_join(thread, NULL);
	return ticks_unit(&span) * (double)zc_hist_percentile(&hist, 50);
}
