/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Clients that are connected, have a disk open and a queue, and do nothing: what the one that works
 * feels of them. They are connected anew for each pass; that time is not counted. Main thread only.
 */

#include "scale.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue_side.h"
#include "sides.h"
#include "victim.h"

#define CLIENTS       1000u
#define CLIENTS_QUICK 20u
#define DEPTH         4u
#define SETTLE_NS     20000000u /* the service arms or forgets their queues */

struct among {
	struct queue_side side;
	struct service_client *idle;
	unsigned int nr;
	uint64_t pages; /* of a sweep */
};

static int
pass_among(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	struct among *a = (struct among *)arg;
	unsigned int open = 0;
	int ret = 0;

	for (; open < a->nr && ret == 0; open += ret == 0)
		ret = service_client_open(&a->idle[open], a->side.on, DEPTH);
	victim_sleep_until(zc_now_ns() + SETTLE_NS);
	a->side.pages = a->pages;
	if (ret == 0)
		ret = queue_side_pass(&a->side, sweeps, time);
	while (open > 0)
		service_client_close(&a->idle[--open]);
	victim_sleep_until(zc_now_ns() + SETTLE_NS);
	return ret;
}

static void
raise_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int
measure(struct among *with, struct among *without, struct goal_list *goals)
{
	static const struct goal_def def = {"idle_clients",
	                                    "active client's rate beside 1,000 idle clients",
	                                    "its rate without them", 0.97, false};
	const struct perf_opts *opts = with->side.on->env->opts;
	struct sides s = sides_begin(opts, with->side.on->env->place, sides_times(opts));
	double of[PAIRING_PAIRS_MAX], to[PAIRING_PAIRS_MAX];
	int ret = s.times != NULL ? 0 : -ENOMEM;

	sides_add(&s, pass_among, with, &with->pages);
	sides_add(&s, pass_among, without, &without->pages);
	if (ret == 0)
		ret = sides_measure(&s);
	if (ret == 0) {
		sides_rates(&s, 0, of);
		sides_rates(&s, 1, to);
		goal_add_ratio(goals, &def, of, to, opts->nr_pairs);
	}
	/* Not for want of a service, but of descriptors or memory on this machine. */
	if (ret == -EMFILE || ret == -ENFILE || ret == -ENOMEM || ret == -EDQUOT) {
		goal_skip(goals, &def, "%u clients cannot be connected here: %s", with->nr,
		          zcl_strerror(ret));
		ret = 0;
	}
	free(s.times);
	return ret;
}

int
scale_idle_clients(const struct target_env *env, struct goal_list *goals)
{
	const struct service_disk_opts opts = {0};
	struct among with = {.nr = env->opts->quick ? CLIENTS_QUICK : CLIENTS}, without;
	struct service_disk on;
	int ret = service_disk_open(&on, env, &opts);

	if (ret != 0)
		return ret;
	raise_limit();
	with.idle = (struct service_client *)calloc(with.nr, sizeof(*with.idle));
	if (with.idle == NULL)
		ret = -ENOMEM;
	with.side.on = &on;
	if (ret == 0)
		ret = service_disk_queue(&on, PERF_DEPTH, 0, &with.side.queue);
	if (ret == 0)
		ret = queue_side_fill(&with.side);
	without = with;
	without.nr = 0;
	if (ret == 0)
		ret = measure(&with, &without, goals);
	zcl_queue_destroy(with.side.queue);
	free(with.idle);
	service_disk_close(&on);
	return ret;
}
