/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */

/* zcp: the threads of a transfer and the progress bar, which the main thread draws. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "zcp.h"

#define BAR_WIDTH 40
#define REDRAW_NS 100000000

static double
seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void
draw(const struct zcp_job *job, const struct zcp_thread *threads, double seconds)
{
	static const char full[BAR_WIDTH + 1] = "########################################";
	uint64_t done = 0, all = job->end - job->first;
	unsigned int i;
	int width;

	for (i = 0; i < job->opts->threads; i++)
		done += atomic_load_explicit(&threads[i].done, memory_order_relaxed);
	width = (int)(done * BAR_WIDTH / all);
	fprintf(stderr, "\r[%-*.*s] %3d%% %llu pages, %.0f pages/s ", BAR_WIDTH, width, full,
	        (int)(done * 100 / all), (unsigned long long)done, (double)done / seconds);
}

static void
join(struct zcp_job *job, struct zcp_thread *threads, unsigned int nr, const struct timespec *start)
{
	bool bar = isatty(STDERR_FILENO);
	struct timespec until;
	unsigned int i = 0;

	while (i < nr) {
		if (!bar) {
			pthread_join(threads[i++].id, NULL);
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += REDRAW_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_timedjoin_np(threads[i].id, NULL, &until) == 0)
			i++;
		draw(job, threads, seconds_since(start));
	}
	if (bar)
		fputc('\n', stderr);
}

static void *
thread_main(void *arg)
{
	struct zcp_thread *thread = arg;

	thread->ret = thread->job->opts->put ? zcp_put(thread) : zcp_get(thread);
	return NULL;
}

int
zcp_run(struct zcp_job *job, struct zcp_thread *threads, double *seconds)
{
	uint64_t pages = job->end - job->first;
	unsigned int i, started, nr = job->opts->threads;
	struct timespec start;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (started = 0; started < nr; started++) {
		struct zcp_thread *thread = &threads[started];

		thread->job = job;
		thread->first = job->first + pages * started / nr;
		thread->end = job->first + pages * (started + 1) / nr;
		ret = -pthread_create(&thread->id, NULL, thread_main, thread);
		if (ret != 0) {
			zcp_page_failed(job, "no thread for it", thread->first, ret);
			break;
		}
	}
	join(job, threads, started, &start);
	*seconds = seconds_since(&start);
	for (i = 0; i < started; i++) {
		if (threads[i].ret != 0)
			ret = threads[i].ret;
	}
	return ret;
}

int
zcp_page_failed(struct zcp_job *job, const char *what, uint64_t page, int err)
{
	if (!atomic_exchange(&job->failed, true))
		fprintf(stderr, "%szcp: page %llu of '%s': %s: %s (%d)\n",
		        isatty(STDERR_FILENO) ? "\n" : "", (unsigned long long)page,
		        job->opts->disk, what, zcl_strerror(err), err);
	return err;
}
