/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A saturated worker and a client that compresses in its own thread, against the liblz4 loop on
 * both of their CPUs at once. Main thread, and one of its own for the second loop.
 */

#include "goals.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "lz4_loop.h"
#include "queue_side.h"
#include "sides.h"

/* Both loops do the same number of pages. */
struct both {
	struct lz4_loop client;
	struct lz4_loop worker;
	uint64_t pages; /* of a sweep, by both */
	uint64_t sweeps;
	struct pairing_time worker_time;
	int worker_ret;
};

static void *
other_loop(void *arg)
{
	struct both *b = (struct both *)arg;

	b->worker_ret = lz4_loop_pass(&b->worker, b->sweeps, &b->worker_time);
	return NULL;
}

static int
both_pass(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	struct both *b = (struct both *)arg;
	double each;
	pthread_t thread;
	int ret;

	b->client.pages = b->worker.pages = (b->pages + 1) / 2;
	b->sweeps = sweeps;
	ret = pthread_create(&thread, NULL, other_loop, b);
	if (ret != 0) {
		zc_err("cannot start a thread: %s", strerror(ret));
		return -ret;
	}
	ret = lz4_loop_pass(&b->client, sweeps, time);
	pthread_join(thread, NULL);
	each = (double)(sweeps * b->client.pages);
	/* So that the rate is the sum of both, whoever ended first. */
	time->elapsed_ns = (double)(sweeps * b->pages) /
	                   (each / time->elapsed_ns + each / b->worker_time.elapsed_ns);
	return ret != 0 ? ret : b->worker_ret;
}

static int
measure(struct queue_side *side, struct both *both, struct goal_list *goals)
{
	static const struct goal_def def = {"client_compress",
	                                    "stores/s, worker saturated, client compresses, too",
	                                    "liblz4 loops on both CPUs at once", 0.85, false};
	const struct target_env *env = side->on->env;
	double of[PAIRING_PAIRS_MAX], to[PAIRING_PAIRS_MAX];
	struct sides s = sides_begin(env->opts, env->place, sides_times(env->opts));
	int ret = s.times != NULL ? 0 : -ENOMEM;

	sides_add(&s, queue_side_pass, side, &side->pages);
	sides_add(&s, both_pass, both, &both->pages);
	if (ret == 0)
		ret = sides_measure(&s);
	if (ret == 0) {
		sides_rates(&s, 0, of);
		sides_rates(&s, 1, to);
		goal_add_ratio(goals, &def, of, to, env->opts->nr_pairs);
	}
	free(s.times);
	return ret;
}

int
goals_compress(const struct target_env *env, struct goal_list *goals)
{
	const struct service_disk_opts opts = {.flags = ZCL_DISK_PRECOMP};
	const struct lz4_loop loop = {env->corpus, env->opts->level, 0, NULL, false, NULL};
	struct both both = {.client = loop, .worker = loop};
	struct queue_side side = {.op = QUEUE_STORE};
	struct service_disk on;
	int ret = service_disk_open(&on, env, &opts);

	if (ret != 0)
		return ret;
	both.worker.place = env->place;
	side.on = &on;
	ret = service_disk_queue(&on, PERF_DEPTH, ZCL_QUEUE_COMPRESS, &side.queue);
	if (ret == 0)
		ret = lz4_loop_init(&both.client);
	if (ret == 0)
		ret = lz4_loop_init(&both.worker);
	if (ret == 0)
		ret = queue_side_fill(&side);
	if (ret == 0)
		ret = measure(&side, &both, goals);
	lz4_loop_fini(&both.client);
	lz4_loop_fini(&both.worker);
	zcl_queue_destroy(side.queue);
	service_disk_close(&on);
	return ret;
}
