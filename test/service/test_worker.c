/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Workers in threads of their own, with clients that sleep, hang up and are hung up on. A doorbell
 * that is lost shows as a wait without end: WAIT_MS is far beyond what any wake-up takes.
 */

#include "service_env.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/doorbell.h"

#define WAIT_MS     60000
#define DEPTH       16u
#define SPIN_CYCLES 20000u
#define ROUNDS      (3000u / TEST_SLOW)
#define IDLERS      50u

/* A client in a thread. It tells by `why` what went wrong, for only the test's thread asserts. */
struct user {
	struct test_env *env;
	struct test_client client;
	pthread_t thread;
	uint64_t seed;
	unsigned int rounds;
	unsigned int first_page, nr_pages;
	unsigned int done; /* atomic */
	const char *why;
};

/* Sleeps until @p nr completions are there and takes them. @return NULL or what is wrong */
static const char *
sleep_for(struct test_client *c, unsigned int nr, struct zwire_cqe *cqes)
{
	char byte;

	zbell_arm(&c->head->cq_sleeper, c->cq.own + nr);
	/* A ring may come late, from a round whose completions were seen without sleeping. */
	while (zring_peek(&c->cq, nr) < (int)nr) {
		if (!client_wait(c, WAIT_MS))
			return "not woken";
		if (recv(c->sock, &byte, 1, MSG_DONTWAIT) == 0)
			return "hung up on";
	}
	zbell_disarm(&c->head->cq_sleeper);
	if (client_reap(c, cqes, nr) != (int)nr)
		return "woken, but not enough is there";
	for (unsigned int i = 0; i < nr; i++) {
		if (cqes[i].res != 0)
			return "a store failed";
	}
	return NULL;
}

/* Stores some pages, sleeps until they are there, loads them. */
static const char *
one_round(struct user *u)
{
	unsigned int nr = 1 + (unsigned int)(test_random(&u->seed) % DEPTH);
	uint8_t want[ENV_PAGE_SIZE], got[ENV_PAGE_SIZE];
	uint64_t seeds[DEPTH], pages[DEPTH];
	struct zwire_cqe cqes[DEPTH];
	const char *why;

	if (nr > u->nr_pages)
		nr = u->nr_pages;
	for (unsigned int i = 0; i < nr; i++) {
		seeds[i] = test_random(&u->seed);
		pages[i] = u->first_page + i;
		if (!client_store(&u->client, pages[i], (enum page_kind)(seeds[i] % PAGE_KINDS),
		                  seeds[i]))
			return "no room";
	}
	client_submit(&u->client);
	why = sleep_for(&u->client, nr, cqes);
	for (unsigned int i = 0; why == NULL && i < nr; i++) {
		page_fill(want, sizeof(want), (enum page_kind)(seeds[i] % PAGE_KINDS), seeds[i]);
		if (env_load(u->env, 0, pages[i], got) != 0 || memcmp(got, want, sizeof(got)) != 0)
			why = "loads other than it stored";
	}
	return why;
}

static void *
use(void *arg)
{
	struct user *u = (struct user *)arg;

	for (unsigned int i = 0; u->why == NULL && i < u->rounds; i++)
		u->why = one_round(u);
	zc_store_release(&u->done, 1u); /* Pairs with the acquire in serve_until_done(). */
	zd_mailbox_notify(&u->env->gone);
	return NULL;
}

static void
start_user(struct test_env *env, struct user *u, struct zd_worker *w)
{
	u->env = env;
	env_client_open(env, 0, DEPTH, &u->client);
	zd_worker_add(w, u->client.queue);
	if (u->rounds > 0)
		assert_int_equal(pthread_create(&u->thread, NULL, use, u), 0);
}

/* Is the main lcore until the users are through. */
static void
serve_until_done(struct test_env *env, struct user *users, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		/* Pairs with the release in use(). */
		while (zc_load_acquire(&users[i].done) == 0)
			assert_null(env_main_lcore(env, WAIT_MS));
		pthread_join(users[i].thread, NULL);
		if (users[i].why != NULL)
			fail_msg("user %u: %s", i, users[i].why);
	}
}

static void
close_users(struct test_env *env, struct user *users, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		env_client_close(&users[i].client);
	env_bury(env, nr);
}

/* Both sides sleep as often as they can. */
static void
test_wake_ups(void **state)
{
	struct user u = {.seed = 1, .rounds = ROUNDS, .nr_pages = 2};
	struct test_env env;

	(void)state;
	env_open(&env, &(struct test_env_opts){0});
	env_start(&env, 0);
	start_user(&env, &u, env.worker);
	serve_until_done(&env, &u, 1);
	close_users(&env, &u, 1);
	env_stop(&env);
	assert_true(env.worker->stats.sleeps > 0);
	env_close(&env);
}

static void
test_wake_ups_after_some_spinning(void **state)
{
	struct user u = {.seed = 2, .rounds = ROUNDS, .nr_pages = DEPTH};
	struct test_env env;

	(void)state;
	env_open(&env, &(struct test_env_opts){0});
	env_start(&env, SPIN_CYCLES);
	start_user(&env, &u, env.worker);
	serve_until_done(&env, &u, 1);
	close_users(&env, &u, 1);
	env_stop(&env);
	env_close(&env);
}

static void
test_many_idle_queues(void **state)
{
	static struct user idlers[IDLERS];
	struct user u = {.seed = 3, .rounds = ROUNDS, .nr_pages = DEPTH};
	struct test_env env;

	(void)state;
	memset(idlers, 0, sizeof(idlers));
	env_open(&env, &(struct test_env_opts){0});
	env_start(&env, SPIN_CYCLES);
	for (unsigned int i = 0; i < IDLERS; i++)
		start_user(&env, &idlers[i], env.worker);
	start_user(&env, &u, env.worker);
	serve_until_done(&env, &u, 1);
	/* Each of them can still be woken, and wakes its client. */
	for (unsigned int i = 0; i < IDLERS; i++) {
		idlers[i].nr_pages = 1;
		idlers[i].first_page = i;
		idlers[i].why = one_round(&idlers[i]);
		if (idlers[i].why != NULL)
			fail_msg("idler %u: %s", i, idlers[i].why);
	}
	close_users(&env, idlers, IDLERS);
	close_users(&env, &u, 1);
	env_stop(&env);
	env_close(&env);
}

/* Two workers, a disk that belongs to both, and pages of each user. */
static void
test_two_workers(void **state)
{
	struct user users[4];
	struct test_env env;

	(void)state;
	env_open(&env, &(struct test_env_opts){.nr_workers = 2});
	env_start(&env, SPIN_CYCLES);
	memset(users, 0, sizeof(users));
	for (unsigned int i = 0; i < TEST_NR(users); i++) {
		users[i].seed = 10 + i;
		users[i].rounds = ROUNDS / 2;
		users[i].nr_pages = DEPTH;
		users[i].first_page = i * DEPTH;
		start_user(&env, &users[i], env.workers[i % 2]);
	}
	serve_until_done(&env, users, TEST_NR(users));
	close_users(&env, users, TEST_NR(users));
	env_stop(&env);
	env_close(&env);
}

/* A client may do with its bell what it likes: fill it, empty it, make reads of it wait, keep it
 * when its queue is gone. It gains nothing; others and, if it rings, it itself are served. */
static void
test_misused_bell(void **state)
{
	struct user bad = {.seed = 7, .nr_pages = 1}, good = {.seed = 8, .nr_pages = 1};
	struct test_env env;
	uint64_t count;
	int bell;

	(void)state;
	good.first_page = 1;
	env_open(&env, &(struct test_env_opts){0});
	env_start(&env, 0);
	start_user(&env, &bad, env.worker);
	start_user(&env, &good, env.worker);
	client_ring(&bad.client, UINT64_MAX - 1);
	assert_null(one_round(&good));
	assert_int_equal(fcntl(bad.client.bell, F_SETFL, 0), 0);
	assert_int_equal(read(bad.client.bell, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, UINT64_MAX - 1);
	for (unsigned int i = 0; i < 10; i++) {
		assert_null(one_round(&bad));
		assert_null(one_round(&good));
	}
	client_ring(&bad.client, 1);
	assert_int_equal(read(bad.client.bell, &count, sizeof(count)), sizeof(count));
	bell = bad.client.bell;
	bad.client.bell = -1;
	env_client_close(&bad.client);
	env_bury(&env, 1);
	for (count = 1; count < 10; count++) {
		assert_int_equal(write(bell, &count, sizeof(count)), sizeof(count));
		assert_null(one_round(&good));
	}
	close(bell);
	close_users(&env, &good, 1);
	env_stop(&env);
	env_close(&env);
}

/* Clients that vanish with stores under way: the queue comes back, and nothing of it is left. */
static void
test_clients_that_vanish(void **state)
{
	unsigned int rounds = 300 / TEST_SLOW, before;
	struct test_env env;
	uint64_t seed = 4;

	(void)state;
	env_open(&env, &(struct test_env_opts){0});
	env_start(&env, SPIN_CYCLES);
	before = test_open_fds();
	for (unsigned int i = 0; i < rounds; i++) {
		uint64_t nr = test_random(&seed) % (DEPTH + 1);
		struct user u = {0};

		start_user(&env, &u, env.worker);
		for (uint64_t j = 0; j < nr; j++)
			assert_true(client_store(&u.client, j, PAGE_MIXED, seed + j));
		client_submit(&u.client);
		if (test_random(&seed) % 2 == 0)
			assert_null(env_main_lcore(&env, 0));
		close_users(&env, &u, 1);
	}
	assert_int_equal(test_open_fds(), before);
	env_stop(&env);
	assert_int_equal(env.worker->in_flight, 0);
	assert_int_equal(env.worker->nr_retry, 0);
	env_close(&env);
}

/* The main lcore ends a queue: first what it took is posted, then it hangs up. */
static void
test_killed_queues(void **state)
{
	unsigned int rounds = 300 / TEST_SLOW;
	struct test_env env;
	uint64_t seed = 5;

	(void)state;
	env_open(&env, &(struct test_env_opts){0});
	env_start(&env, SPIN_CYCLES);
	for (unsigned int i = 0; i < rounds; i++) {
		struct user u = {0};
		uint64_t nr = test_random(&seed) % (DEPTH + 1);
		struct zwire_cqe cqes[DEPTH];
		char byte;

		start_user(&env, &u, env.worker);
		for (uint64_t j = 0; j < nr; j++)
			assert_true(client_store(&u.client, j, PAGE_MIXED, i * DEPTH + j));
		client_submit(&u.client);
		zd_worker_kill(u.client.queue);
		zd_worker_kill(u.client.queue);
		do {
			assert_true(client_wait(&u.client, WAIT_MS));
		} while (recv(u.client.sock, &byte, 1, MSG_DONTWAIT) > 0);
		/* All that was taken, in any order, and nothing of the rest ever. */
		assert_int_equal(client_reap(&u.client, cqes, DEPTH),
		                 zc_load_relaxed(&u.client.head->sq_head));
		close_users(&env, &u, 1);
	}
	env_stop(&env);
	env_close(&env);
}

/* A worker that is to stop goes on until its last queue is gone. */
static void
test_stop_with_a_queue(void **state)
{
	struct user u = {.seed = 6, .nr_pages = 4};
	struct test_env env;

	(void)state;
	env_open(&env, &(struct test_env_opts){0});
	env_start(&env, 0);
	start_user(&env, &u, env.worker);
	u.why = one_round(&u);
	assert_null(u.why);
	zd_worker_stop(env.worker);
	for (unsigned int i = 0; u.why == NULL && i < 10; i++)
		u.why = one_round(&u);
	assert_null(u.why);
	close_users(&env, &u, 1);
	env_stop(&env);
	env_close(&env);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_wake_ups),
	        cmocka_unit_test(test_wake_ups_after_some_spinning),
	        cmocka_unit_test(test_many_idle_queues),
	        cmocka_unit_test(test_two_workers),
	        cmocka_unit_test(test_misused_bell),
	        cmocka_unit_test(test_clients_that_vanish),
	        cmocka_unit_test(test_killed_queues),
	        cmocka_unit_test(test_stop_with_a_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
