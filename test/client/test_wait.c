/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Waiting for completions: spinning, sleeping, epoll, and one's own operation alone. */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "test_util.h"

#include "client/client_private.h"
#include "fake.h"

#define DEPTH 8

static struct fake_client *c;

static int
setup(void **state)
{
	int ret = fake_client_setup(state);

	c = *state;
	return ret;
}

static void
store(unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(zcl_store(c->q, i, fake_page(i), 10 + i), 0);
}

static void
test_look_only(void **state)
{
	struct zcl_cqe cqes[DEPTH];

	(void)state;
	assert_int_equal(zcl_wait(c->q, 0, 0), 0);
	assert_int_equal(zcl_wait(c->q, 1, 0), -EINVAL);
	store(2);
	assert_int_equal(zcl_wait(c->q, 3, 0), -EINVAL);
	assert_int_equal(zcl_wait(c->q, 1, -2), -EINVAL);
	assert_int_equal(zcl_wait(c->q, 1, 0), -ETIME);
	assert_int_equal(zcl_wait(c->q, 2, 5), -ETIME);
	/* It has submitted what was staged. */
	assert_int_equal(zcl_submit(c->q), 0);
	assert_int_equal(fake_complete_all(c->fq, 0), 2);
	assert_int_equal(zcl_wait(c->q, 1, 0), 2);
	assert_int_equal(zcl_wait(c->q, 2, -1), 2);
	store(1);
	assert_int_equal(zcl_wait(c->q, 3, 5), 2); /* the time is up: fewer */
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), 2);
	assert_int_equal(zcl_wait(c->q, 2, 0), -EINVAL);
}

/* Completes after the client has gone to sleep. */
static void *
completes_later(void *arg)
{
	unsigned int nr = *(unsigned int *)arg;
	struct zwire_sqe sqe;

	for (unsigned int i = 0; i < nr; i++) {
		fake_await_sleeper(c->fq);
		assert_true(fake_take(c->fq, &sqe));
		fake_post(c->fq, sqe.user_data, 0, 0);
	}
	return NULL;
}

static void
test_sleeps(void **state)
{
	unsigned int nr = 5;
	struct zcl_cqe cqes[DEPTH];
	pthread_t thread;

	(void)state;
	store(nr);
	assert_int_equal(pthread_create(&thread, NULL, completes_later, &nr), 0);
	assert_int_equal(zcl_wait(c->q, nr, -1), nr);
	pthread_join(thread, NULL);
	/* It was woken for the last one, not for each: fewer only if it had not yet slept. */
	assert_true(c->fq->nr_bells <= 1);
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), nr);
	assert_int_equal(zcl_wait(c->q, 0, 0), 0);
}

static void *
hangs_up_later(void *arg)
{
	(void)arg;
	fake_await_sleeper(c->fq);
	fake_hang_up(c->fq);
	return NULL;
}

static void
test_hang_up_wakes(void **state)
{
	pthread_t thread;

	(void)state;
	store(3);
	assert_int_equal(pthread_create(&thread, NULL, hangs_up_later, NULL), 0);
	assert_int_equal(zcl_wait(c->q, 3, -1), 3);
	pthread_join(thread, NULL);
}

static void
nothing(int sig)
{
	(void)sig;
}

static pthread_t waiter;
static uint32_t waiter_done;

/* Signals until the wait has ended: one alone may come before it sleeps. */
static void *
signals_later(void *arg)
{
	const struct timespec pause = {0, 1000000};

	(void)arg;
	while (zc_load_relaxed(&waiter_done) == 0) {
		fake_await_sleeper(c->fq);
		pthread_kill(waiter, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void
test_interrupted(void **state)
{
	struct sigaction action = {.sa_handler = nothing}, before;
	pthread_t thread;
	int ret;

	(void)state;
	store(1);
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	waiter = pthread_self();
	zc_store_relaxed(&waiter_done, 0);
	assert_int_equal(pthread_create(&thread, NULL, signals_later, NULL), 0);
	ret = zcl_wait(c->q, 1, -1);
	zc_store_relaxed(&waiter_done, 1);
	zcl_arm(c->q); /* for who waits for a sleeper */
	pthread_join(thread, NULL);
	sigaction(SIGUSR1, &before, NULL);
	assert_int_equal(ret, -EINTR);
	assert_int_equal(fake_complete_all(c->fq, 0), 1);
	assert_int_equal(zcl_wait(c->q, 1, -1), 1);
}

static bool
readable(void)
{
	struct pollfd p = {zcl_queue_fd(c->q), POLLIN, 0};

	return poll(&p, 1, 0) == 1;
}

static void
test_arm(void **state)
{
	struct zcl_cqe cqes[DEPTH];

	(void)state;
	store(3);
	assert_int_equal(zcl_arm(c->q), 0);
	/* It has submitted, too. */
	assert_int_equal(zcl_submit(c->q), 0);
	assert_false(readable());
	fake_post(c->fq, 0, 0, 0);
	assert_true(readable());
	fake_post(c->fq, 1, 0, 0);
	assert_int_equal(c->fq->nr_bells, 1);
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), 2);
	assert_false(readable());
	/* Not armed any more. */
	fake_post(c->fq, 2, 0, 0);
	assert_false(readable());
	assert_int_equal(zcl_arm(c->q), 1);
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), 1);
	assert_int_equal(zcl_arm(c->q), 0);
	fake_hang_up(c->fq);
	assert_true(readable());
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), -ECONNRESET);
}

/* A doorbell of an earlier sleep is one spurious wake-up, not more. */
static void
test_stale_doorbell(void **state)
{
	struct zcl_cqe cqe;

	(void)state;
	store(2);
	assert_int_equal(zcl_arm(c->q), 0);
	fake_post(c->fq, 0, 0, 0);
	assert_int_equal(zcl_wait(c->q, 1, -1), 1); /* has seen it without the doorbell */
	assert_int_equal(write(c->fq->sock, "", 1), 1);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
	assert_true(readable());
	assert_int_equal(zcl_wait(c->q, 1, 5), -ETIME);
	assert_false(readable());
}

/* What woke a wait stays on the socket until there is time, and wakes nobody else. */
static void
test_ring_is_forgotten(void **state)
{
	struct zcl_cqe cqe;

	(void)state;
	store(2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(write(c->fq->sock, "", 1), 1);
		c->q->was_rung = true;
		assert_int_equal(i == 0 ? zcl_reap(c->q, &cqe, 1) : zcl_arm(c->q), 0);
		assert_false(readable());
	}
	fake_post(c->fq, 0, 0, 0);
	assert_true(readable());
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
	/* It may be the time to find out. */
	c->q->was_rung = true;
	fake_hang_up(c->fq);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
	assert_int_equal(cqe.res, -ECONNRESET);
}

static void
test_sync(void **state)
{
	struct zcl_cqe cqes[DEPTH];
	struct fake_worker w;
	char page[ZWIRE_PAGE_SIZE];

	(void)state;
	store(3);
	fake_worker_start(&w, &c->fake, c->fq);
	assert_int_equal(zcl_store_sync(c->q, 20, fake_page(20)), 0);
	assert_int_equal(zcl_load(c->disk, 20, page), 0);
	assert_memory_equal(page, fake_page(20), sizeof(page));
	assert_int_equal(zcl_discard_sync(c->q, 20, 1), 0);
	assert_int_equal(zcl_load(c->disk, 20, page), 0);
	assert_int_equal(page[99], 0);
	/* The others' completions are all there, and only they. */
	assert_int_equal(zcl_wait(c->q, 3, -1), 3);
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(cqes[i].user_data, 10 + i);
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(zcl_store_sync(c->q, i % 64, fake_page(i)), 0);
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), 0);
	fake_worker_stop(&w);
	assert_int_equal(zcl_store_sync(c->q, 64, fake_page(1)), -ERANGE);
	assert_int_equal(zcl_discard_sync(c->q, 0, 0), -EINVAL);
}

static void *
refuses_later(void *arg)
{
	(void)arg;
	while (fake_complete_all(c->fq, -ENOSPC) == 0)
		sched_yield();
	return NULL;
}

static void
test_sync_error(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, refuses_later, NULL), 0);
	assert_int_equal(zcl_store_sync(c->q, 0, fake_page(1)), -ENOSPC);
	pthread_join(thread, NULL);
}

/* Given up on, the operation is nobody's: its completion is never reaped, its buffer comes back. */
static void
test_sync_times_out(void **state)
{
	const struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = 2};
	struct zcl_cqe cqes[2];
	struct fake_queue *fq;
	struct zcl_queue *q;

	(void)state;
	assert_int_equal(zcl_queue_create(c->disk, &opts, &q), 0);
	fq = fake_queue(&c->fake);
	c->zc->timeout_ms = 5;
	assert_int_equal(zcl_store_sync(q, 1, fake_page(1)), -ETIME);
	assert_int_equal(zcl_store(q, 2, fake_page(2), 22), 0);
	assert_int_equal(zcl_wait(q, 2, 0), -EINVAL); /* it is not waited for either */
	assert_int_equal(zcl_store(q, 3, fake_page(3), 33), -EAGAIN);
	assert_int_equal(fake_complete_all(fq, 0), 2);
	assert_int_equal(zcl_wait(q, 1, -1), 1);
	assert_int_equal(zcl_reap(q, cqes, 2), 1);
	assert_int_equal(cqes[0].user_data, 22);
	assert_int_equal(zcl_store_sync(q, 1, fake_page(1)), -ETIME);
	assert_int_equal(zcl_store(q, 2, fake_page(2), 22), 0);
	/* Nor is it told that it was lost. */
	fake_hang_up(fq);
	assert_int_equal(zcl_wait(q, 1, -1), 1);
	assert_int_equal(zcl_reap(q, cqes, 2), 1);
	assert_int_equal(zcl_reap(q, cqes, 2), -ECONNRESET);
	zcl_queue_destroy(q);
	c->zc->timeout_ms = CLIENT_TIMEOUT_MS;
}

/* Completes two operations, each when it comes. */
static void *
completes_two(void *arg)
{
	struct zwire_sqe sqe;

	(void)arg;
	for (unsigned int i = 0; i < 2; i++) {
		while (!fake_take(c->fq, &sqe))
			sched_yield();
		fake_post(c->fq, sqe.user_data, 0, 0);
	}
	return NULL;
}

/* A promise to epoll is kept though a wait sleeps on the same socket. */
static void
test_armed_across_a_sync(void **state)
{
	struct pollfd p = {zcl_queue_fd(c->q), POLLIN, 0};
	struct zcl_cqe cqe;
	pthread_t thread;

	(void)state;
	c->q->spin_ns = 0;
	store(1);
	assert_int_equal(zcl_arm(c->q), 0);
	assert_int_equal(pthread_create(&thread, NULL, completes_two, NULL), 0);
	assert_int_equal(zcl_store_sync(c->q, 5, fake_page(5)), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
	assert_int_equal(cqe.user_data, 10);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, fake_client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_armed_across_a_sync), TEST(test_look_only),         TEST(test_sleeps),
	        TEST(test_hang_up_wakes),       TEST(test_interrupted),       TEST(test_arm),
	        TEST(test_stale_doorbell),      TEST(test_ring_is_forgotten), TEST(test_sync),
	        TEST(test_sync_error),          TEST(test_sync_times_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
