/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * How late a neighbour on the storing thread's CPU wakes up while pages are stored at a fixed rate,
 * beyond its lateness when nobody stores: with the service, where that thread only hands pages
 * over, and with zram, where it compresses them. Main thread, and the neighbour's (victim.h).
 */

#include "goals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue_side.h"
#include "victim.h"

#define PAGES_PER_S 70000u
#define BURST       16u
#define LEAST_US    0.1 /* of zram's part: below, the quotient means nothing */

struct rival {
	struct queue_side *side; /* or NULL */
	struct target *zram;     /* or NULL; with neither, nobody stores */
};

static int
store_burst(struct queue_side *side)
{
	const struct corpus *c = side->on->env->corpus;
	struct zcl_cqe cqes[PERF_DEPTH];
	int ret = 0, nr;

	for (unsigned int i = 0; i < BURST && ret == 0; i++) {
		uint32_t shift = corpus_shift(c, side->at / c->nr);
		uint32_t page = (uint32_t)(side->at % c->nr);

		ret = zcl_store(side->queue, page, corpus_content(c, page, shift), 0);
		side->at += ret == 0;
	}
	/* A full queue: the service has not kept up, and the rest of the burst is left out. */
	if (ret == -EAGAIN)
		ret = 0;
	if (ret == 0)
		ret = zcl_submit(side->queue);
	nr = ret < 0 ? ret : zcl_reap(side->queue, cqes, PERF_DEPTH);
	for (int i = 0; i < nr; i++)
		side->failed += cqes[i].res != 0;
	return nr < 0 ? service_complain("storing at a fixed rate", nr) : 0;
}

/* @param p99_us of the victim's lateness @return 0, -errno */
static int
suffer(const struct target_env *env, const struct rival *rival, double *p99_us)
{
	const uint64_t gap_ns = 1000000000u * (uint64_t)BURST / PAGES_PER_S;
	uint64_t next = zc_now_ns(), until = next + (env->opts->quick ? 20000000 : 400000000);
	struct victim *victim = (struct victim *)malloc(sizeof(*victim));
	double client_ns;
	int ret = victim == NULL ? -ENOMEM : victim_start(victim);

	if (ret != 0) {
		zc_err("cannot start a thread: %s", strerror(-ret));
		free(victim);
		return ret;
	}
	victim_no_slack();
	while (ret == 0 && zc_now_ns() < until) {
		if (rival->side != NULL)
			ret = store_burst(rival->side);
		else if (rival->zram != NULL)
			ret = rival->zram->ops->store(rival->zram, 1, &client_ns);
		victim_sleep_until(next += gap_ns);
	}
	victim_stop(victim);
	*p99_us = (double)zc_hist_percentile(&victim->late, 99) / 1e3;
	free(victim);
	return ret == 0 && perf_place_stopped(env->place) ? -EINTR : ret;
}

static int
measure(const struct target_env *env, struct queue_side *side, struct target *zram,
        const struct goal_def *def, struct goal_list *goals)
{
	const struct rival rivals[] = {{NULL, NULL}, {side, NULL}, {NULL, zram}};
	double ratios[PAIRING_PAIRS_MAX], p99[3];
	uint64_t failed;
	int ret = 0;

	for (unsigned int pair = 0; pair < env->opts->nr_pairs; pair++) {
		for (unsigned int i = 0; i < 3 && ret == 0; i++)
			ret = suffer(env, &rivals[i], &p99[i]);
		if (ret != 0)
			return ret;
		ratios[pair] = (p99[1] > p99[0] ? p99[1] - p99[0] : 0) /
		               (p99[2] - p99[0] > LEAST_US ? p99[2] - p99[0] : LEAST_US);
	}
	failed = side->failed;
	if (failed != 0) {
		zc_err("%llu stores have failed", (unsigned long long)failed);
		return -EIO;
	}
	goal_add_values(goals, def, ratios, env->opts->nr_pairs);
	return 0;
}

static int
run(const struct target_env *env, const struct goal_def *def, struct goal_list *goals)
{
	const struct service_disk_opts opts = {0};
	struct queue_side side = {.op = QUEUE_STORE};
	struct target *zram = NULL;
	struct service_disk on;
	int ret = service_disk_open(&on, env, &opts);

	if (ret != 0)
		return ret;
	side.on = &on;
	ret = service_disk_queue(&on, PERF_DEPTH, 0, &side.queue);
	if (ret == 0)
		ret = goals_zram(env)->create(env, &zram);
	if (ret == 0)
		ret = measure(env, &side, zram, def, goals);
	targets_destroy(&zram, 1);
	zcl_queue_destroy(side.queue);
	service_disk_close(&on);
	return ret;
}

int
goals_victim(const struct target_env *env, struct goal_list *goals)
{
	static const struct goal_def def = {"victim",
	                                    "neighbour's p99 above idle, 70,000 pages/s stored",
	                                    "kernel zram doing the same", 0.5, true};
	static const struct goal_def *const defs[] = {&def, NULL};
	struct target_env own = *env;
	struct corpus view;
	int ret;

	if (goals_zram(env) == NULL) {
		goals_skip_zram(goals, defs);
		return 0;
	}
	/* A sweep of zram is a burst. */
	ret = goals_view(env->corpus, BURST, &view);
	if (ret != 0)
		return ret;
	own.corpus = &view;
	ret = run(&own, &def, goals);
	goals_view_fini(&view);
	return ret;
}
