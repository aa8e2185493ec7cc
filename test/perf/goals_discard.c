/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Discards of pages that are empty: what the rings and the worker's loop cost, since nothing is
 * compressed or given back. Main thread only.
 */

#include "goals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "lz4_loop.h"
#include "queue_side.h"
#include "sides.h"
#include "ticks.h"

#define ROUNDS       10000u
#define ROUNDS_QUICK 200u

/* A queue that is kept full. */
static int
many(struct queue_side *side, struct goal_list *goals)
{
	static const struct goal_def def = {"discard", "discard of an empty page, one worker",
	                                    "a page of the liblz4 loop", 1.0 / 60, true};
	const struct target_env *env = side->on->env;
	double of[PAIRING_PAIRS_MAX], to[PAIRING_PAIRS_MAX];
	struct lz4_loop loop = {env->corpus, env->opts->level, 0, env->place, false, NULL};
	struct sides s = sides_begin(env->opts, env->place, sides_times(env->opts));
	int ret = s.times != NULL ? lz4_loop_init(&loop) : -ENOMEM;

	sides_add(&s, queue_side_pass, side, &side->pages);
	sides_add(&s, lz4_loop_pass, &loop, &loop.pages);
	if (ret == 0)
		ret = sides_measure(&s);
	if (ret == 0) {
		/* Times, not rates. */
		sides_rates(&s, 1, of);
		sides_rates(&s, 0, to);
		goal_add_ratio(goals, &def, of, to, env->opts->nr_pairs);
	}
	lz4_loop_fini(&loop);
	free(s.times);
	return ret;
}

static int
discard_one(const struct queue_side *side)
{
	struct zcl_cqe cqe;
	uint64_t since = 0;
	int nr = 0, ret = zcl_discard(side->queue, 0, 1, 0);

	if (ret == 0)
		ret = zcl_submit(side->queue);
	while (ret >= 0 && nr == 0) {
		nr = zcl_reap(side->queue, &cqe, 1);
		ret = nr != 0 ? nr : queue_side_stalled(side->on, &since);
	}
	if (ret < 0)
		return service_complain("a discard", ret);
	return cqe.res == 0 ? 0 : service_complain("a discard", cqe.res);
}

/* @param ns of the median */
static int
round_trip(const struct queue_side *side, struct zc_hist *hist, double *ns)
{
	const unsigned int nr = side->on->env->opts->quick ? ROUNDS_QUICK : ROUNDS;
	struct ticks_span span = ticks_begin();
	int ret = 0;

	memset(hist, 0, sizeof(*hist));
	for (unsigned int i = 0; i < nr && ret == 0; i++) {
		uint64_t start = ticks_now();

		ret = discard_one(side);
		zc_hist_add(hist, ticks_now() - start);
	}
	*ns = ticks_unit(&span) * (double)zc_hist_percentile(hist, 50);
	return ret == 0 && perf_place_stopped(side->on->env->place) ? -EINTR : ret;
}

static int
one(const struct queue_side *side, struct goal_list *goals)
{
	static const struct goal_def def = {"discard_round_trip",
	                                    "its round trip, p50, both sides spinning",
	                                    "round trip of a cache line", 1.5, true};
	const struct target_env *env = side->on->env;
	double of[PAIRING_PAIRS_MAX], to[PAIRING_PAIRS_MAX];
	struct zc_hist *hist = (struct zc_hist *)malloc(sizeof(*hist));
	int ret = hist == NULL ? -ENOMEM : 0;

	for (unsigned int i = 0; i < env->opts->nr_pairs && ret == 0; i++) {
		to[i] = line_round_trip_ns(env->place);
		ret = round_trip(side, hist, &of[i]);
		if (ret == 0 && to[i] == 0)
			ret = -EAGAIN;
	}
	free(hist);
	if (ret == -EAGAIN) {
		goal_skip(goals, &def, "no thread for the other side of the cache line");
		return 0;
	}
	if (ret == 0)
		goal_add_ratio(goals, &def, of, to, env->opts->nr_pairs);
	return ret;
}

int
goals_discard(const struct target_env *env, struct goal_list *goals)
{
	const struct service_disk_opts opts = {0};
	struct queue_side side = {.op = QUEUE_DISCARD};
	struct service_disk on;
	int ret = service_disk_open(&on, env, &opts);

	if (ret != 0)
		return ret;
	side.on = &on;
	ret = service_disk_queue(&on, PERF_DEPTH, 0, &side.queue);
	if (ret == 0)
		ret = many(&side, goals);
	if (ret == 0)
		ret = one(&side, goals);
	zcl_queue_destroy(side.queue);
	service_disk_close(&on);
	return ret;
}
