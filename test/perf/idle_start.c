/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * How long it takes until a service that is started has stored a page. What cannot be less is EAL,
 * which looks for the rate of the CPU's clock: it starts in a child of ours, since a process can
 * start it once. They take turns.
 */

#include "idle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "eal.h"

#define ROUNDS_MAX 11u

/* In the child. */
static void
start_eal(const struct perf_place *place, int out)
{
	uint64_t ns = zc_now_ns();
	int ret = perf_eal_start(place);

	ns = zc_now_ns() - ns;
	if (ret == 0)
		perf_eal_stop();
	_exit(ret == 0 && write(out, &ns, sizeof(ns)) == sizeof(ns) ? EXIT_SUCCESS : EXIT_FAILURE);
}

static int
time_eal(const struct perf_place *place, double *ms)
{
	uint64_t ns = 0;
	int fds[2], status = -1;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		start_eal(place, fds[1]);
	close(fds[1]);
	if (pid > 0 && read(fds[0], &ns, sizeof(ns)) != sizeof(ns))
		ns = 0;
	close(fds[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	*ms = (double)ns / 1e6;
	return pid > 0 && status == 0 && ns != 0 ? 0 : -EIO;
}

static int
time_service(const struct target_env *env, double *ms)
{
	const struct service_disk_opts opts = {0};
	uint64_t start = zc_now_ns();
	struct zcl_queue *queue = NULL;
	struct service_disk on;
	int ret = service_disk_open(&on, env, &opts);

	if (ret != 0)
		return ret;
	ret = service_disk_queue(&on, PERF_DEPTH, 0, &queue);
	if (ret == 0)
		ret = zcl_store_sync(queue, 0, corpus_content(env->corpus, 0, 0));
	*ms = (double)(zc_now_ns() - start) / 1e6;
	zcl_queue_destroy(queue);
	service_disk_close(&on);
	return ret;
}

int
idle_start(const struct target_env *env, struct goal_list *goals, json_t *rows)
{
	static const struct goal_def def = {"idle_start",
	                                    "start of zcompd to the first store, beyond EAL",
	                                    "rte_eal_init() here; ms more", 50, true};
	const unsigned int nr = env->opts->quick ? 2 : ROUNDS_MAX;
	double eal[ROUNDS_MAX], service[ROUNDS_MAX], more[ROUNDS_MAX];
	struct pairing_figure figure;

	if (env->opts->socket != NULL) {
		goal_skip(goals, &def, "needs a service of our own: not with --socket");
		return 0;
	}
	for (unsigned int i = 0; i < nr; i++) {
		int ret = time_eal(env->place, &eal[i]);

		if (ret != 0) {
			goal_skip(goals, &def, "EAL does not start in zcomp-perf");
			return 0;
		}
		ret = time_service(env, &service[i]);
		if (ret == 0 && perf_place_stopped(env->place))
			ret = -EINTR;
		if (ret != 0)
			return ret;
		more[i] = service[i] - eal[i];
	}
	goal_add_differences(goals, &def, more, nr);
	pairing_figure(eal, nr, &figure);
	idle_row(rows, "rte_eal_init()", figure.median, "ms");
	pairing_figure(service, nr, &figure);
	idle_row(rows, "start of zcompd to the first store", figure.median, "ms");
	return 0;
}
