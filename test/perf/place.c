/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * CPUs and signals. The signals stay pending once they came, so that undoing the mask at the end
 * makes the program die of them, as its parent expects.
 */

#include "perf.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"

static int
next_cpu(const cpu_set_t *cpus, int cpu)
{
	while (++cpu < CPU_SETSIZE) {
		if (CPU_ISSET(cpu, cpus))
			return cpu;
	}
	return -1;
}

static int
move_to(int cpu)
{
	cpu_set_t own;

	CPU_ZERO(&own);
	CPU_SET(cpu, &own);
	return sched_setaffinity(0, sizeof(own), &own) < 0 ? -errno : 0;
}

static int
pin(struct perf_place *place, unsigned int nr_cpus)
{
	if (sched_getaffinity(0, sizeof(place->cpus), &place->cpus) < 0)
		return -errno;
	if ((unsigned int)CPU_COUNT(&place->cpus) < nr_cpus) {
		zc_err("%u threads must run at the same time, and there %s %d CPU%s: other "
		       "targets or ptests need fewer",
		       nr_cpus, CPU_COUNT(&place->cpus) == 1 ? "is" : "are",
		       CPU_COUNT(&place->cpus), CPU_COUNT(&place->cpus) == 1 ? "" : "s");
		return -ENOSPC;
	}
	place->client_cpu = next_cpu(&place->cpus, -1);
	place->worker_cpu = next_cpu(&place->cpus, place->client_cpu);
	return move_to(place->client_cpu);
}

int
perf_place_take(struct perf_place *place, unsigned int nr_cpus)
{
	sigset_t set;
	int ret = pin(place, nr_cpus);

	if (ret != 0) {
		if (ret != -ENOSPC)
			zc_err("cannot choose a CPU: %s", strerror(-ret));
		return ret;
	}
	/* A service that goes away is told by its queue, not by a signal. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &place->signals);
	place->stop_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (place->stop_fd >= 0)
		return 0;
	ret = -errno;
	zc_err("cannot watch for signals: %s", strerror(-ret));
	return ret;
}

void
perf_place_move(int cpu)
{
	/* One of those it was given: only a CPU that is taken away meanwhile can be refused, and
	 * then the kernel has moved the thread already. */
	if (cpu >= 0)
		(void)move_to(cpu);
}

void
perf_place_leave(const struct perf_place *place)
{
	close(place->stop_fd);
	sched_setaffinity(0, sizeof(place->cpus), &place->cpus);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &place->signals, NULL);
}

bool
perf_place_stopped(const struct perf_place *place)
{
	struct pollfd fd = {.fd = place->stop_fd, .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

int
perf_place_rest(const struct perf_place *place, int ms)
{
	struct pollfd fd = {.fd = place->stop_fd, .events = POLLIN};

	return poll(&fd, 1, ms) > 0 ? -EINTR : 0;
}
