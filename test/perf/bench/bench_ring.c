/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The rings between client and worker, both spinning, as both use them: an entry there, its
 * completion back, alone or in bursts; beside them the bare cache line, which nothing can beat. A
 * second thread, on a CPU of its own, answers.
 */

#include "bench_env.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/ring.h"
#include "ipc/wire.h"

#define DEPTH 256u

/* One side of both rings. */
struct side {
	struct zring sq;
	struct zring cq;
};

struct peer {
	_Alignas(128) uint32_t ping;
	_Alignas(128) uint32_t pong;
	_Alignas(128) struct zwire_queue_head head;
	struct zwire_sqe sqes[DEPTH];
	struct zwire_cqe cqes[DEPTH];
	_Alignas(128) uint32_t stop;
	struct side service;
	uint32_t turn;
	_Alignas(128) struct side client;
	uint32_t asked;
	uint32_t burst;
	pthread_t thread;
};

static void *
answer_line(void *arg)
{
	struct peer *p = (struct peer *)arg;

	while (zc_load_relaxed(&p->stop) == 0) {
		/* Pairs with run_line(). */
		uint32_t ping = zc_load_acquire(&p->ping);

		if (ping == p->turn) {
			zc_pause();
			continue;
		}
		p->turn = ping;
		/* Pairs with run_line(). */
		zc_store_release(&p->pong, ping);
	}
	return NULL;
}

static int
run_line(void *state, uint64_t nr)
{
	struct peer *p = (struct peer *)state;

	for (uint64_t i = 0; i < nr; i++) {
		p->asked++;
		/* Both pair with answer_line(). */
		zc_store_release(&p->ping, p->asked);
		while (zc_load_acquire(&p->pong) != p->asked)
			zc_pause();
	}
	return 0;
}

/* Completes what there is. @return entries, or -errno */
static int
answer_some(struct side *s)
{
	int nr = zring_peek(&s->sq, 1), room;

	if (nr <= 0)
		return nr;
	room = zring_reserve(&s->cq, (uint32_t)nr);
	if (room < nr)
		return room < 0 ? room : 0;
	for (uint32_t i = 0; i < (uint32_t)nr; i++) {
		uint64_t words[ZWIRE_SQE_WORDS];
		struct zwire_sqe sqe;
		struct zwire_cqe cqe;

		zring_read(&s->sq, i, words, ZWIRE_SQE_WORDS);
		memcpy(&sqe, words, sizeof(sqe));
		cqe = (struct zwire_cqe){sqe.user_data, 0, 0};
		memcpy(words, &cqe, sizeof(cqe));
		zring_write(&s->cq, i, words, ZWIRE_CQE_WORDS);
	}
	zring_release(&s->sq, (uint32_t)nr);
	zring_commit(&s->cq, (uint32_t)nr);
	return nr;
}

static void *
answer_ring(void *arg)
{
	struct peer *p = (struct peer *)arg;

	while (zc_load_relaxed(&p->stop) == 0) {
		if (answer_some(&p->service) <= 0)
			zc_pause();
	}
	return NULL;
}

static int
ask(struct peer *p)
{
	struct zwire_sqe sqe = {.opcode = ZWIRE_OP_DISCARD, .arg = 1};
	uint64_t words[ZWIRE_SQE_WORDS];

	if (zring_reserve(&p->client.sq, p->burst) < (int)p->burst)
		return -EPROTO;
	for (uint32_t i = 0; i < p->burst; i++) {
		sqe.user_data = p->asked++;
		memcpy(words, &sqe, sizeof(sqe));
		zring_write(&p->client.sq, i, words, ZWIRE_SQE_WORDS);
	}
	zring_commit(&p->client.sq, p->burst);
	return 0;
}

/* Takes completions; they come in order here. @return how many, or -EPROTO */
static int
reap(struct peer *p, uint32_t expected)
{
	int nr = zring_peek(&p->client.cq, 1);

	for (uint32_t i = 0; nr > 0 && i < (uint32_t)nr; i++) {
		uint64_t words[ZWIRE_CQE_WORDS];
		struct zwire_cqe cqe;

		zring_read(&p->client.cq, i, words, ZWIRE_CQE_WORDS);
		memcpy(&cqe, words, sizeof(cqe));
		if (cqe.user_data != expected + i)
			return -EPROTO;
	}
	if (nr > 0)
		zring_release(&p->client.cq, (uint32_t)nr);
	return nr;
}

static int
run_ring(void *state, uint64_t nr)
{
	struct peer *p = (struct peer *)state;

	for (uint64_t i = 0; i < nr; i++) {
		uint32_t done = p->asked;
		int ret = ask(p);

		while (ret >= 0 && done != p->asked) {
			ret = reap(p, done);
			done += ret > 0 ? (uint32_t)ret : 0;
			if (ret == 0)
				zc_pause();
		}
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* The same work by one thread: what it costs without the way between the CPUs. */
static int
run_alone(void *state, uint64_t nr)
{
	struct peer *p = (struct peer *)state;

	for (uint64_t i = 0; i < nr; i++) {
		uint32_t first = p->asked;
		int ret = ask(p);

		if (ret == 0 && answer_some(&p->service) != (int)p->burst)
			ret = -EPROTO;
		if (ret == 0 && reap(p, first) != (int)p->burst)
			ret = -EPROTO;
		if (ret != 0)
			return ret;
	}
	return 0;
}

static int
setup_alone(struct bench_env *env, const struct bench *bench, void **state)
{
	struct peer *p = (struct peer *)aligned_alloc(128, sizeof(*p));

	(void)env;
	if (p == NULL)
		return -ENOMEM;
	memset(p, 0, sizeof(*p));
	p->burst = (uint32_t)bench->arg;
	zring_init(&p->client.sq, &p->head.sq_tail, &p->head.sq_head, p->sqes, DEPTH);
	zring_init(&p->client.cq, &p->head.cq_head, &p->head.cq_tail, p->cqes, DEPTH);
	zring_init(&p->service.sq, &p->head.sq_head, &p->head.sq_tail, p->sqes, DEPTH);
	zring_init(&p->service.cq, &p->head.cq_tail, &p->head.cq_head, p->cqes, DEPTH);
	*state = p;
	return 0;
}

static void
teardown_alone(void *state)
{
	free(state);
}

static int
start(struct peer *p, int cpu, void *(*answer)(void *))
{
	pthread_attr_t attr;
	cpu_set_t cpus;
	int ret;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	ret = pthread_attr_init(&attr);
	if (ret != 0)
		return -ret;
	ret = pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	if (ret == 0)
		ret = pthread_create(&p->thread, &attr, answer, p);
	pthread_attr_destroy(&attr);
	return -ret;
}

static int
setup_pair(struct bench_env *env, const struct bench *bench, void **state)
{
	int ret = setup_alone(env, bench, state);

	if (ret != 0)
		return ret;
	ret = start((struct peer *)*state, bench_env_peer_cpu(env),
	            bench->arg == 0 ? answer_line : answer_ring);
	if (ret != 0)
		teardown_alone(*state);
	return ret;
}

static void
teardown_pair(void *state)
{
	struct peer *p = (struct peer *)state;

	zc_store_relaxed(&p->stop, 1);
	pthread_join(p->thread, NULL);
	free(p);
}

#define LINE "ring/line"
#define PAIR(burst)                                                                      \
	.setup = setup_pair, .run = run_ring, .teardown = teardown_pair, .arg = (burst), \
	.items = (burst), .nr_cpus = 2
#define ALONE(burst)                                                                        \
	.setup = setup_alone, .run = run_alone, .teardown = teardown_alone, .arg = (burst), \
	.items = (burst), .nr_cpus = 1

const struct bench bench_ring[] = {
        {.name = LINE,
         .setup = setup_pair,
         .run = run_line,
         .teardown = teardown_pair,
         .items = 1,
         .nr_cpus = 2},
        {.name = "ring/round_trip", .against = LINE, PAIR(1)},
        {.name = "ring/round_trip_32", .against = LINE, PAIR(32)},
        {.name = "ring/one_thread", ALONE(1)},
        {.name = "ring/one_thread_32", ALONE(32)},
        {.name = NULL},
};
