/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A client that scribbles on everything it can write, while a worker polls its queue: the worker
 * may give the queue up, but it does not crash, takes nothing from memory that is not the queue's,
 * and serves the queue of another client as if nothing were. Best run with sanitizers.
 */

#include "service_env.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_backend.h"
#include "ipc/doorbell.h"

#define WAIT_MS 60000
#define DEPTH   16u
#define LIVES   (90u / TEST_SLOW + 10u)
#define STEPS   400u
#define STROKES 2000u
#define STORES  20u

struct hostile {
	struct test_client client;
	uint64_t seed;
	uint64_t tameness; /* one stroke in so many is nonsense */
};

static bool
nonsense_is_due(struct hostile *h)
{
	return test_random(&h->seed) % h->tameness == 0;
}

/* An SQE that may pass, or one with something wrong in it. */
static void
write_sqe(struct hostile *h, uint32_t slot)
{
	struct test_client *c = &h->client;
	uint64_t r = test_random(&h->seed), *entry;
	union {
		struct zwire_sqe sqe;
		uint64_t words[ZWIRE_SQE_WORDS];
		uint8_t bytes[sizeof(struct zwire_sqe)];
	} u = {{
	        .opcode = (uint8_t)(1 + (r >> 8) % 6),
	        .buf = (uint32_t)(r >> 16) % DEPTH,
	        .page = (r >> 24) % (ENV_PAGES + 2),
	        .arg = (r >> 32) % 8,
	        .user_data = r,
	}};

	if (u.sqe.opcode == ZWIRE_OP_STORE)
		u.sqe.arg = 0;
	if (u.sqe.opcode == ZWIRE_OP_STORE_PRECOMP)
		u.sqe.arg = zwire_precomp_arg((r >> 32) % (ENV_PAGE_SIZE + 8) + 1, r >> 48 & 3);
	if (nonsense_is_due(h))
		u.bytes[(r >> 48) % sizeof(u)] ^= (uint8_t)(r >> 56);
	entry = &c->sq.entries[slot * ZWIRE_SQE_WORDS];
	for (size_t i = 0; i < ZWIRE_SQE_WORDS; i++)
		zc_store_relaxed(&entry[i], u.words[i]);
}

/* Publishes some entries, whatever is in them. */
static void
advance(struct hostile *h)
{
	struct zring *sq = &h->client.sq;
	uint32_t room = DEPTH - (sq->own - zc_load_relaxed(sq->peer_idx));

	if (room == 0 || room > DEPTH)
		return;
	sq->own += (uint32_t)(test_random(&h->seed) % room + 1);
	/* Pairs with zring_peek(). */
	zc_store_release(sq->own_idx, sq->own);
}

/* Any word of the memory: indexes of both sides, entries, pages. */
static void
write_nonsense(struct hostile *h)
{
	struct test_client *c = &h->client;
	uint64_t r = test_random(&h->seed), *mem = (uint64_t *)(void *)c->head;
	uint64_t nr = r % 2 == 0 ? sizeof(*c->head) / 8 : c->mem_len / 8;

	zc_store_relaxed(&mem[(r >> 8) % nr], test_random(&h->seed));
}

/* One stroke. Most play the game, so that the worker has something under way. */
static void
stroke(struct hostile *h)
{
	struct test_client *c = &h->client;
	uint64_t r = test_random(&h->seed), what = r % 100;
	uint64_t *bufs = (uint64_t *)(void *)c->bufs;

	if (nonsense_is_due(h))
		write_nonsense(h);
	else if (what < 40)
		write_sqe(h, (uint32_t)(r >> 8) % DEPTH);
	else if (what < 60)
		advance(h);
	else if (what < 75)
		/* Pairs with zring_reserve(). */
		zc_store_release(&c->head->cq_head, zc_load_relaxed(&c->head->cq_tail));
	else if (what < 95)
		zc_store_relaxed(&bufs[(r >> 8) % (DEPTH * ENV_PAGE_SIZE / 8)],
		                 test_random(&h->seed));
	else if (what < 96)
		(void)send(c->sock, c->bufs, (r >> 8) % 64 + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (what < 98)
		client_ring(c, UINT64_MAX >> (r >> 8) % 64);
	else
		zc_store_relaxed(&c->head->cq_sleeper, test_random(&h->seed));
}

static void
start_life(struct test_env *env, struct hostile *h)
{
	env_client_open(env, 0, DEPTH, &h->client);
	h->tameness = 1ull << test_random(&h->seed) % 16;
	for (uint32_t slot = 0; slot < DEPTH; slot++)
		write_sqe(h, slot);
}

/* @return whether the worker has found it out */
static bool
end_life(struct hostile *h, struct zd_queue *gone)
{
	bool poisoned = gone->poisoned;

	assert_ptr_equal(gone, h->client.queue);
	assert_int_equal(zd_queue_in_flight(gone), 0);
	zd_queue_destroy(gone);
	return poisoned;
}

/* The good client stores a page on its own disk. */
static void
good_store(struct test_client *good, uint64_t nr)
{
	assert_true(client_store(good, nr % ENV_PAGES, (enum page_kind)(nr % PAGE_KINDS), nr));
	client_submit(good);
}

/* That has come back, and the page is there. */
static void
good_check(struct test_env *env, struct test_client *good, uint64_t nr)
{
	uint8_t want[ENV_PAGE_SIZE], got[ENV_PAGE_SIZE];
	struct zwire_cqe cqe;

	assert_int_equal(client_reap(good, &cqe, 1), 1);
	assert_int_equal(cqe.res, 0);
	assert_int_equal(cqe.user_data, nr);
	page_fill(want, sizeof(want), (enum page_kind)(nr % PAGE_KINDS), nr);
	assert_int_equal(env_load(env, 1, nr % ENV_PAGES, got), 0);
	assert_memory_equal(got, want, sizeof(want));
}

/* Whatever was stored there, it is a disk. Objects of the client's need not be pages. */
static void
check_disk(struct test_env *env)
{
	bool precomp = (zstore_super(env->disks[0].store)->flags & ZARENA_PRECOMP) != 0;
	uint8_t got[ENV_PAGE_SIZE];
	unsigned int nr_bad = 0;

	for (uint64_t page = 0; page < ENV_PAGES; page++) {
		int ret = env_load(env, 0, page, got);

		assert_true(ret == 0 || (precomp && ret == -EBADMSG));
		nr_bad += ret != 0;
	}
	assert_true(precomp == (nr_bad > 0));
}

/* Some strokes, then a poll, in turn: the same in each run. */
static bool
live_in_steps(struct test_env *env, struct hostile *h, struct test_client *good, uint64_t *nr)
{
	struct zd_queue *gone = NULL;
	bool poisoned;

	start_life(env, h);
	env_client_join(env, &h->client);
	for (unsigned int i = 0; i < STEPS && gone == NULL; i++) {
		for (uint64_t strokes = test_random(&h->seed) % 16; strokes > 0; strokes--)
			stroke(h);
		good_store(good, *nr);
		for (unsigned int polls = 0; zring_peek(&good->cq, 1) == 0; polls++) {
			assert_true(polls < 10000);
			env_poll(env);
		}
		good_check(env, good, (*nr)++);
		gone = env_take_gone(env);
	}
	if (gone == NULL) {
		env_client_end(env, &h->client);
		return false;
	}
	poisoned = end_life(h, gone);
	env_client_close(&h->client);
	return poisoned;
}

static void
run_in_steps(const struct test_env_opts *opts)
{
	struct hostile h = {.seed = 1};
	unsigned int poisoned = 0;
	struct test_client good;
	struct test_env env;
	uint64_t nr = 0;

	fake_reset();
	fake_script.delay = 2;
	env_open(&env, opts);
	env_client_open(&env, 1, DEPTH, &good);
	env_client_join(&env, &good);
	for (unsigned int i = 0; i < LIVES; i++)
		poisoned += live_in_steps(&env, &h, &good, &nr);
	/* Both ends of a queue were seen, and not all that it said was nonsense. */
	assert_true(poisoned > LIVES / 4 && poisoned < LIVES);
	assert_true(env.worker->stats.ops > 2 * nr);
	check_disk(&env);
	env_client_end(&env, &good);
	assert_int_equal(env.worker->in_flight, 0);
	env_close(&env);
}

static void
test_in_steps(void **state)
{
	(void)state;
	run_in_steps(&(struct test_env_opts){0});
}

static void
test_in_steps_precompressed(void **state)
{
	(void)state;
	run_in_steps(&(struct test_env_opts){.flags = ZARENA_PRECOMP});
}

static void
test_in_steps_managed(void **state)
{
	(void)state;
	run_in_steps(&(struct test_env_opts){
	        .backend = &fake_backend, .stream_depth = 12, .mem_limit = 128 << 10});
}

static void *
scribble(void *arg)
{
	struct hostile *h = (struct hostile *)arg;

	for (unsigned int i = 0; i < STROKES; i++)
		stroke(h);
	return NULL;
}

/* The good client works while the other one scribbles. */
static void
live_in_a_thread(struct test_env *env, struct hostile *h, struct test_client *good, uint64_t *nr)
{
	struct zd_queue *gone = NULL;
	pthread_t thread;

	start_life(env, h);
	zd_worker_add(env->worker, h->client.queue);
	assert_int_equal(pthread_create(&thread, NULL, scribble, h), 0);
	for (unsigned int i = 0; i < STORES; i++) {
		char byte;

		if (gone == NULL)
			gone = env_main_lcore(env, 0);
		zbell_arm(&good->head->cq_sleeper, good->cq.own + 1);
		good_store(good, *nr);
		while (zring_peek(&good->cq, 1) == 0) {
			assert_true(client_wait(good, WAIT_MS));
			assert_int_equal(recv(good->sock, &byte, 1, MSG_DONTWAIT), 1);
		}
		zbell_disarm(&good->head->cq_sleeper);
		good_check(env, good, (*nr)++);
	}
	pthread_join(thread, NULL);
	env_client_close(&h->client);
	while (gone == NULL)
		gone = env_main_lcore(env, WAIT_MS);
	end_life(h, gone);
}

static void
run_in_a_thread(const struct test_env_opts *opts)
{
	struct hostile h = {.seed = 2};
	struct test_client good;
	struct test_env env;
	uint64_t nr = 0;

	env_open(&env, opts);
	env_start(&env, 20000);
	env_client_open(&env, 1, DEPTH, &good);
	zd_worker_add(env.worker, good.queue);
	for (unsigned int i = 0; i < LIVES; i++)
		live_in_a_thread(&env, &h, &good, &nr);
	check_disk(&env);
	env_client_close(&good);
	env_bury(&env, 1);
	env_stop(&env);
	assert_int_equal(env.worker->in_flight, 0);
	env_close(&env);
}

static void
test_in_a_thread(void **state)
{
	(void)state;
	run_in_a_thread(&(struct test_env_opts){0});
}

static void
test_in_a_thread_precompressed(void **state)
{
	(void)state;
	run_in_a_thread(&(struct test_env_opts){.flags = ZARENA_PRECOMP});
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_in_steps),
	        cmocka_unit_test(test_in_steps_precompressed),
	        cmocka_unit_test(test_in_steps_managed),
	        cmocka_unit_test(test_in_a_thread),
	        cmocka_unit_test(test_in_a_thread_precompressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
