/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Loads need no service and no lock, so threads on CPUs of their own should not slow one another
 * down. The main thread only waits meanwhile. Each thread goes through the pages from a place of
 * its own on.
 */

#include "scale.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue_side.h"
#include "sides.h"

#define THREADS_MAX 64u

struct loaders {
	const struct service_disk *on;
	unsigned int nr;
	uint64_t pages;        /* of a sweep, by each thread */
	uint64_t loads;        /* of this pass, by each thread */
	bool given_up;         /* not all threads could be started */
	pthread_rwlock_t gate; /* held for writing until all are there; guards given_up */
};

struct loader {
	struct loaders *all;
	unsigned int number;
	double elapsed_ns;
	int ret;
	pthread_t thread;
};

static void *
load(void *arg)
{
	struct loader *l = (struct loader *)arg;
	const struct corpus *c = l->all->on->env->corpus;
	uint64_t at = (uint64_t)l->number * c->nr / l->all->nr, start, nr;
	char dst[PERF_PAGE_SIZE];

	pthread_rwlock_rdlock(&l->all->gate);
	nr = l->all->given_up ? 0 : l->all->loads;
	pthread_rwlock_unlock(&l->all->gate);
	start = zc_now_ns();
	for (uint64_t i = 0; i < nr && l->ret == 0; i++) {
		l->ret = zcl_load(l->all->on->disk, c->order[at], dst);
		at = at + 1 == c->nr ? 0 : at + 1;
	}
	l->elapsed_ns = (double)(zc_now_ns() - start);
	return NULL;
}

static int
start_loader(struct loader *l)
{
	int cpu = scale_cpu(l->all->on->env->place, l->number);
	pthread_attr_t attr;
	cpu_set_t cpus;
	int ret;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	ret = pthread_create(&l->thread, &attr, load, l);
	pthread_attr_destroy(&attr);
	return ret;
}

/* @return how many have started, and wait at the gate */
static unsigned int
start_all(struct loaders *all, struct loader *loaders)
{
	for (unsigned int i = 0; i < all->nr; i++) {
		int ret;

		loaders[i] = (struct loader){.all = all, .number = i};
		ret = start_loader(&loaders[i]);
		if (ret != 0) {
			zc_err("cannot start a thread: %s", strerror(ret));
			return i;
		}
	}
	return all->nr;
}

/* @param time of the mean of the threads, so that a rate is that of one thread */
static int
loaders_pass(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	struct loaders *all = (struct loaders *)arg;
	struct loader loaders[THREADS_MAX];
	unsigned int started;
	double rates = 0;
	int ret;

	all->loads = sweeps * all->pages;
	pthread_rwlock_init(&all->gate, NULL);
	pthread_rwlock_wrlock(&all->gate);
	started = start_all(all, loaders);
	all->given_up = started < all->nr;
	ret = all->given_up ? -EAGAIN : 0;
	pthread_rwlock_unlock(&all->gate);
	for (unsigned int i = 0; i < started; i++) {
		pthread_join(loaders[i].thread, NULL);
		rates += (double)all->loads / loaders[i].elapsed_ns;
		if (loaders[i].ret != 0)
			ret = service_complain("zcl_load", loaders[i].ret);
	}
	pthread_rwlock_destroy(&all->gate);
	time->elapsed_ns = time->client_ns = (double)all->loads * all->nr / rates;
	if (ret == 0 && perf_place_stopped(all->on->env->place))
		ret = -EINTR;
	return ret;
}

static int
measure(const struct service_disk *on, unsigned int nr, struct goal_list *goals, json_t *rows)
{
	static const struct goal_def def = {"loads_threads", "loads/s of N threads on N CPUs",
	                                    "N x one thread", 0.95, false};
	struct loaders one = {.on = on, .nr = 1}, many = {.on = on, .nr = nr};
	double of[PAIRING_PAIRS_MAX], to[PAIRING_PAIRS_MAX];
	struct sides s = sides_begin(on->env->opts, on->env->place, sides_times(on->env->opts));
	struct pairing_figure figure;
	int ret = s.times != NULL ? 0 : -ENOMEM;

	sides_add(&s, loaders_pass, &many, &many.pages);
	sides_add(&s, loaders_pass, &one, &one.pages);
	if (ret == 0)
		ret = sides_measure(&s);
	if (ret == 0) {
		sides_rates(&s, 0, of);
		sides_rates(&s, 1, to);
		pairing_figure(of, on->env->opts->nr_pairs, &figure);
		if (rows != NULL)
			scale_row(rows, "loads", (const unsigned int[]){nr, 1, 0, 0},
			          nr * figure.median, -1);
		/* The last one, with as many threads as there are CPUs, is the goal. */
		if (goals != NULL)
			goal_add_ratio(goals, &def, of, to, on->env->opts->nr_pairs);
	}
	free(s.times);
	return ret;
}

int
scale_loads(const struct target_env *env, struct goal_list *goals, json_t *rows)
{
	const struct service_disk_opts opts = {0};
	const unsigned int cpus = (unsigned int)CPU_COUNT(&env->place->cpus);
	const unsigned int nr = cpus < THREADS_MAX ? cpus : THREADS_MAX;
	struct queue_side side = {0};
	struct service_disk on;
	int ret = service_disk_open(&on, env, &opts);

	if (ret != 0)
		return ret;
	side.on = &on;
	ret = service_disk_queue(&on, PERF_DEPTH, 0, &side.queue);
	if (ret == 0)
		ret = queue_side_fill(&side);
	for (unsigned int n = 1; n < nr && ret == 0 && rows != NULL; n *= 2)
		ret = measure(&on, n, NULL, rows);
	if (ret == 0)
		ret = measure(&on, nr, goals, rows);
	zcl_queue_destroy(side.queue);
	service_disk_close(&on);
	return ret;
}
