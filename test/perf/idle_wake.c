/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Waking the service up. What the machine can do is a thread on the worker's CPU that sleeps in an
 * eventfd and answers through a word in memory; the client spins for both. They take turns, with a
 * pause before each that is long enough for either to be asleep.
 */

#include "idle.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/log.h"
#include "queue_side.h"
#include "victim.h"

#define PAUSE_NS 1000000u
#define ROUNDS   25u /* of each pair */

struct sleeper {
	int fd;
	int cpu;
	pthread_t thread;
	_Alignas(128) uint32_t answer;
};

static void *
answer(void *arg)
{
	struct sleeper *s = (struct sleeper *)arg;
	uint64_t count;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(s->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	for (uint32_t i = 1;; i++) {
		/* A count of more than one: the end. */
		if (read(s->fd, &count, sizeof(count)) != sizeof(count) || count > 1)
			return NULL;
		/* Pairs with wake_sleeper(). */
		zc_store_release(&s->answer, i);
	}
}

static int
start_sleeper(struct sleeper *s, int cpu)
{
	int ret;

	s->cpu = cpu;
	s->answer = 0;
	s->fd = eventfd(0, EFD_CLOEXEC);
	if (s->fd < 0)
		return -errno;
	ret = pthread_create(&s->thread, NULL, answer, s);
	if (ret != 0)
		close(s->fd);
	return -ret;
}

static void
stop_sleeper(struct sleeper *s)
{
	const uint64_t end = 2;

	if (write(s->fd, &end, sizeof(end)) == sizeof(end))
		pthread_join(s->thread, NULL);
	close(s->fd);
}

static int
wake_sleeper(struct sleeper *s, uint32_t nr, struct zc_hist *hist)
{
	const uint64_t one = 1;
	uint64_t start;

	victim_sleep_until(zc_now_ns() + PAUSE_NS);
	start = zc_now_ns();
	if (write(s->fd, &one, sizeof(one)) != sizeof(one))
		return -errno;
	/* Pairs with answer(). */
	while (zc_load_acquire(&s->answer) != nr)
		zc_pause();
	zc_hist_add(hist, zc_now_ns() - start);
	return 0;
}

static int
wake_service(const struct service_disk *on, struct zcl_queue *queue, struct zc_hist *hist)
{
	static _Alignas(64) const uint8_t zeros[PERF_PAGE_SIZE];
	uint64_t start, since = 0;
	struct zcl_cqe cqe;
	int ret, nr = 0;

	victim_sleep_until(zc_now_ns() + PAUSE_NS);
	start = zc_now_ns();
	ret = zcl_store(queue, 0, zeros, 0);
	if (ret == 0)
		ret = zcl_submit(queue);
	while (ret >= 0 && nr == 0) {
		nr = zcl_reap(queue, &cqe, 1);
		ret = nr != 0 ? nr : queue_side_stalled(on, &since);
	}
	zc_hist_add(hist, zc_now_ns() - start);
	if (ret == 1 && cqe.res != 0)
		ret = cqe.res;
	return ret >= 0 ? 0 : service_complain("waking the service", ret);
}

static int
measure(const struct service_disk *on, struct zcl_queue *queue, struct sleeper *s, double *service,
        double *bare)
{
	struct zc_hist *hists = (struct zc_hist *)malloc(2 * sizeof(*hists));
	uint32_t nr = 0;
	int ret = hists == NULL ? -ENOMEM : 0;

	victim_no_slack();
	for (unsigned int pair = 0; pair < on->env->opts->nr_pairs && ret == 0; pair++) {
		memset(hists, 0, 2 * sizeof(*hists));
		for (unsigned int i = 0; i < ROUNDS && ret == 0; i++) {
			ret = wake_sleeper(s, ++nr, &hists[0]);
			if (ret == 0)
				ret = wake_service(on, queue, &hists[1]);
		}
		bare[pair] = (double)zc_hist_percentile(&hists[0], 50) / 1e3;
		service[pair] = (double)zc_hist_percentile(&hists[1], 50) / 1e3;
		if (ret == 0 && perf_place_stopped(on->env->place))
			ret = -EINTR;
	}
	free(hists);
	return ret;
}

int
idle_wake(const struct service_disk *on, struct zcl_queue *queue, struct goal_list *goals,
          json_t *rows)
{
	static const struct goal_def def = {"idle_wake",
	                                    "same-filled store to a sleeping service, p50",
	                                    "eventfd wake-up, client spinning", 1.2, true};
	double service[PAIRING_PAIRS_MAX], bare[PAIRING_PAIRS_MAX];
	const unsigned int nr = on->env->opts->nr_pairs;
	struct pairing_figure figure;
	struct sleeper sleeper;
	int ret = start_sleeper(&sleeper, on->env->place->worker_cpu);

	if (ret != 0) {
		zc_err("cannot start a thread that sleeps: %s", strerror(-ret));
		return ret;
	}
	ret = measure(on, queue, &sleeper, service, bare);
	stop_sleeper(&sleeper);
	if (ret != 0)
		return ret;
	goal_add_ratio(goals, &def, service, bare, nr);
	pairing_figure(bare, nr, &figure);
	idle_row(rows, "eventfd wake-up, p50", figure.median, "us");
	pairing_figure(service, nr, &figure);
	idle_row(rows, "same-filled store to a sleeping service, p50", figure.median, "us");
	return 0;
}
