/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Many who store at once. Each has a thread, which sleeps while its queue is full, as programs do;
 * the threads share the CPUs that the workers leave. The main thread looks at their counts at the
 * beginning and at the end of a window.
 */

#include "scale.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/log.h"
#include "service_disk.h"

#define ACTORS_MAX   64u
#define REAP_MAX     32u
#define WAIT_MS      100
#define FAIR_CLIENTS 64u
#define FAIR_MS      10000
#define DRAIN_WAITS  100u

struct crowd;

/* A queue and its thread. */
struct actor {
	struct crowd *crowd;
	struct service_client client; /* only its queue, where the client is another actor's */
	unsigned int number;
	pthread_t thread;
	int ret; /* of the thread, when it has ended */
	uint64_t before;
	_Alignas(64) uint64_t done; /* pages; the thread's, read by the main thread */
};

struct crowd {
	const struct service_disk *on;
	unsigned int nr;
	uint32_t stop;
	cpu_set_t cpus;
	struct actor *actors;
};

static int
fill(struct actor *a, uint64_t *sent)
{
	const struct crowd *crowd = a->crowd;
	const struct corpus *c = crowd->on->env->corpus;
	const uint64_t share = crowd->on->pages / crowd->nr;
	int ret = 0;

	while (ret == 0) {
		uint64_t page = a->number * share + *sent % share;
		uint32_t shift = corpus_shift(c, *sent / share);

		ret = zcl_store(a->client.queue, page, corpus_content(c, (uint32_t)page, shift), 0);
		if (ret == 0)
			++*sent;
	}
	return ret == -EAGAIN ? 0 : ret;
}

static int
reap(struct actor *a, uint64_t *done)
{
	struct zcl_cqe cqes[REAP_MAX];
	int nr;

	do {
		nr = zcl_reap(a->client.queue, cqes, REAP_MAX);
		for (int i = 0; i < nr; i++) {
			if (cqes[i].res != 0)
				return cqes[i].res;
		}
		*done += nr > 0 ? (unsigned int)nr : 0;
	} while (nr == (int)REAP_MAX);
	zc_store_relaxed(&a->done, *done);
	return nr < 0 ? nr : 0;
}

static void *
act(void *arg)
{
	struct actor *a = (struct actor *)arg;
	uint64_t sent = 0, done = 0;
	unsigned int waits = 0;
	int ret = 0;

	while (ret == 0) {
		bool stop = zc_load_relaxed(&a->crowd->stop) != 0;
		uint64_t left;

		ret = stop ? 0 : fill(a, &sent);
		left = sent - done;
		if (ret != 0 || (stop && left == 0))
			break;
		if (stop && waits++ == DRAIN_WAITS) {
			ret = -ETIME;
			break;
		}
		ret = zcl_wait(a->client.queue, left < REAP_MAX ? (unsigned int)left : REAP_MAX,
		               WAIT_MS);
		ret = ret >= 0 || ret == -ETIME ? reap(a, &done) : ret;
	}
	a->ret = ret;
	return NULL;
}

/* The first queue of each client comes with a connection, the others share it. */
static int
open_actor(struct crowd *crowd, unsigned int number, unsigned int queues_each)
{
	struct actor *a = &crowd->actors[number];
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = PERF_DEPTH};
	int ret;

	a->crowd = crowd;
	a->number = number;
	if (number % queues_each == 0)
		return service_client_open(&a->client, crowd->on, PERF_DEPTH);
	ret = zcl_queue_create(crowd->actors[number - number % queues_each].client.disk, &opts,
	                       &a->client.queue);
	return ret == 0 ? 0 : service_complain("zcl_queue_create", ret);
}

static int
start_actors(struct crowd *crowd, unsigned int *started)
{
	pthread_attr_t attr;
	int ret = 0;

	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(crowd->cpus), &crowd->cpus);
	for (*started = 0; *started < crowd->nr; ++*started) {
		struct actor *a = &crowd->actors[*started];

		ret = pthread_create(&a->thread, &attr, act, a);
		if (ret != 0) {
			zc_err("cannot start a thread: %s", strerror(ret));
			break;
		}
	}
	pthread_attr_destroy(&attr);
	return -ret;
}

/* @param rate pages a second of all @param fairness the least over the most */
static int
watch(struct crowd *crowd, int ms, double *rate, double *fairness)
{
	uint64_t start, least = UINT64_MAX, most = 0, sum = 0;
	int ret = perf_place_rest(crowd->on->env->place, ms / 10 + 10);

	if (ret != 0)
		return ret;
	start = zc_now_ns();
	for (unsigned int i = 0; i < crowd->nr; i++)
		crowd->actors[i].before = zc_load_relaxed(&crowd->actors[i].done);
	ret = perf_place_rest(crowd->on->env->place, ms);
	for (unsigned int i = 0; i < crowd->nr; i++) {
		uint64_t done = zc_load_relaxed(&crowd->actors[i].done) - crowd->actors[i].before;

		least = done < least ? done : least;
		most = done > most ? done : most;
		sum += done;
	}
	*rate = 1e9 * (double)sum / (double)(zc_now_ns() - start);
	*fairness = most == 0 ? 0 : (double)least / (double)most;
	return ret;
}

static int
run_crowd(struct crowd *crowd, unsigned int queues_each, int ms, double *rate, double *fairness)
{
	unsigned int started = 0;
	int ret = 0;

	for (unsigned int i = 0; i < crowd->nr && ret == 0; i++)
		ret = open_actor(crowd, i, queues_each);
	if (ret == 0)
		ret = start_actors(crowd, &started);
	if (ret == 0)
		ret = watch(crowd, ms, rate, fairness);
	zc_store_relaxed(&crowd->stop, 1u);
	for (unsigned int i = 0; i < started; i++) {
		pthread_join(crowd->actors[i].thread, NULL);
		if (ret == 0 && crowd->actors[i].ret != 0)
			ret = service_complain("one of many clients", crowd->actors[i].ret);
	}
	for (unsigned int i = crowd->nr; i-- > 0;)
		service_client_close(&crowd->actors[i].client);
	return ret;
}

/* Those CPUs that the workers leave. */
static void
choose_cpus(const struct perf_place *place, unsigned int workers, cpu_set_t *cpus)
{
	*cpus = place->cpus;
	for (unsigned int i = 1; i <= workers; i++) {
		int cpu = scale_cpu(place, i);

		if (cpu >= 0)
			CPU_CLR(cpu, cpus);
	}
}

static int
measure(const struct service_disk *on, const unsigned int counts[4], int ms, double *rate,
        double *fairness)
{
	struct crowd crowd = {.on = on, .nr = counts[1] * counts[2]};
	const size_t len = crowd.nr * sizeof(struct actor);
	int ret;

	crowd.actors = (struct actor *)aligned_alloc(_Alignof(struct actor), len);
	if (crowd.actors == NULL) {
		zc_err("no memory for %u clients", crowd.nr);
		return -ENOMEM;
	}
	memset(crowd.actors, 0, len);
	choose_cpus(on->env->place, counts[3], &crowd.cpus);
	ret = run_crowd(&crowd, counts[2], ms, rate, fairness);
	free(crowd.actors);
	return ret;
}

static int
measure_all(const struct service_disk *on, unsigned int workers, json_t *rows)
{
	/* Clients, queues of each. */
	static const unsigned int points[][2] = {{1, 1},  {2, 1}, {4, 1}, {16, 1},
	                                         {64, 1}, {1, 4}, {1, 16}};
	const int ms = on->env->opts->quick ? 20 : 500;
	int ret = 0;

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]) && ret == 0; i++) {
		const unsigned int counts[4] = {points[i][0] * points[i][1], points[i][0],
		                                points[i][1], workers};
		double rate, fairness;

		ret = measure(on, counts, ms, &rate, &fairness);
		if (ret == 0)
			scale_row(
			        rows, "stores",
			        (const unsigned int[]){counts[0], counts[1], counts[2],
			                               on->env->opts->socket != NULL ? 0 : workers},
			        rate, counts[0] > 1 ? fairness : -1);
	}
	return ret;
}

int
scale_stores(const struct target_env *env, json_t *rows)
{
	unsigned int most = (unsigned int)CPU_COUNT(&env->place->cpus) - 1;
	int ret = 0;

	/* A running service has as many as it has. */
	if (env->opts->socket != NULL)
		most = 1;
	for (unsigned int workers = 1; workers <= most && ret == 0; workers *= 2) {
		const struct service_disk_opts opts = {.nr_workers = workers};
		struct service_disk on;

		ret = service_disk_open(&on, env, &opts);
		if (ret != 0)
			break;
		ret = measure_all(&on, workers, rows);
		service_disk_close(&on);
	}
	return ret;
}

int
scale_fairness(const struct target_env *env, struct goal_list *goals)
{
	static const struct goal_def def = {"fairness", "64 clients storing at once, least served",
	                                    "most served", 0.85, false};
	static const unsigned int counts[4] = {FAIR_CLIENTS, FAIR_CLIENTS, 1, 1};
	const int ms = env->opts->quick ? 100 : FAIR_MS;
	const struct service_disk_opts opts = {0};
	double rate, fairness;
	struct service_disk on;
	int ret = service_disk_open(&on, env, &opts);

	if (ret != 0)
		return ret;
	ret = measure(&on, counts, ms, &rate, &fairness);
	if (ret == 0)
		goal_add(goals, &def, fairness, "once, for %.1f s, %.0f stores/s", ms / 1e3, rate);
	service_disk_close(&on);
	return ret;
}
