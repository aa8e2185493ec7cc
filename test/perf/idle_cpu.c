/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The service's CPU time while it has clients, a disk and a queue, and nothing to do. */

#include "idle.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define SETTLE_MS 200

/* @return 0, -errno */
static int
cpu_ns(pid_t pid, uint64_t *ns)
{
	struct timespec ts;
	clockid_t clock;
	int ret = clock_getcpuclockid(pid, &clock);

	if (ret != 0)
		return -ret;
	if (clock_gettime(clock, &ts) < 0)
		return -errno;
	*ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	return 0;
}

int
idle_cpu(const struct service_disk *on, struct goal_list *goals, json_t *rows)
{
	static const struct goal_def def = {"idle_cpu", "CPU of zcompd at rest", "percent", 0.5,
	                                    true};
	const int ms = on->env->opts->quick ? 100 : 5000;
	pid_t pid = service_disk_pid(on);
	uint64_t before = 0, after = 0, start;
	double percent;
	int ret = perf_place_rest(on->env->place, SETTLE_MS), err;

	if (ret != 0)
		return ret;
	err = pid > 0 ? cpu_ns(pid, &before) : (int)pid;
	start = zc_now_ns();
	ret = perf_place_rest(on->env->place, ms);
	if (ret != 0)
		return ret;
	if (err == 0)
		err = cpu_ns(pid, &after);
	if (err != 0) {
		goal_skip(goals, &def, "the service's clock: %s", strerror(-err));
		return 0;
	}
	percent = 100.0 * (double)(after - before) / (double)(zc_now_ns() - start);
	goal_add(goals, &def, percent, "once, for %.1f s", ms / 1e3);
	idle_row(rows, "CPU of zcompd", percent, "percent");
	return 0;
}
