/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Sleeping and waking, on both sides. A wake-up that is lost shows as a wait without end. That the
 * service sleeps shows in its own counters: of polls, which stop, and of sleeps.
 */

#include "e2e.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "pages.h"

#define PAGES  64u
#define ROUNDS (2000u / TEST_SLOW)
#define IDLERS 50u

struct kit {
	struct zcl *zc;
	struct zcl_disk *disk;
	struct zcl_queue *q;
	uint64_t nr;
};

static void
open_kit(struct kit *k, struct e2e *e, const char *name, uint32_t depth)
{
	k->zc = e2e_connect(e);
	k->disk = e2e_disk(k->zc, name, PAGES);
	k->q = e2e_queue(k->disk, depth);
	k->nr = 0;
}

static void
close_kit(struct kit *k)
{
	zcl_queue_destroy(k->q);
	zcl_disk_close(k->disk);
	zcl_close(k->zc);
}

static void
store_next(struct kit *k)
{
	uint8_t page[E2E_PAGE];

	page_fill(page, sizeof(page), (enum page_kind)(k->nr % PAGE_KINDS), k->nr);
	assert_int_equal(zcl_store(k->q, k->nr % PAGES, page, k->nr), 0);
	k->nr++;
}

/* The last one that was stored is there. */
static void
check_last(struct kit *k)
{
	uint8_t want[E2E_PAGE], got[E2E_PAGE];
	uint64_t nr = k->nr - 1;

	page_fill(want, sizeof(want), (enum page_kind)(nr % PAGE_KINDS), nr);
	assert_int_equal(zcl_load(k->disk, nr % PAGES, got), 0);
	assert_memory_equal(got, want, sizeof(want));
}

/* Asks until the worker has slept more often than before, and then not polled once during some
 * questions. @return its sleeps */
static uint64_t
wait_until_asleep(struct zcl *zc, uint64_t before)
{
	static char reply[65536];
	uint64_t polls = UINT64_MAX, sleeps = 0;
	unsigned int same = 0;

	for (unsigned int i = 0; sleeps <= before || same < 20; i++) {
		uint64_t now;

		assert_true(i < 1000000);
		assert_int_equal(zcl_admin(zc, "{\"cmd\":\"info\"}", reply, sizeof(reply)), 0);
		now = e2e_number(reply, "polls");
		same = now == polls ? same + 1 : 0;
		polls = now;
		sleeps = e2e_number(reply, "sleeps");
	}
	return sleeps;
}

/* Idle, it sleeps; a store to it completes all the same; and then it sleeps again. */
static void
test_service_sleeps(void **state)
{
	struct kit k;
	uint64_t sleeps;

	open_kit(&k, (struct e2e *)*state, "asleep", 8);
	sleeps = wait_until_asleep(k.zc, 0);
	for (unsigned int i = 0; i < 50; i++) {
		store_next(&k);
		e2e_reap_ok(k.q, 1);
		check_last(&k);
		sleeps = wait_until_asleep(k.zc, sleeps);
	}
	close_kit(&k);
}

/* A client that sleeps in zcl_wait() until all are there. */
static void
test_wait(void **state)
{
	struct kit k;

	open_kit(&k, (struct e2e *)*state, "wait", 32);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int nr = 1 + i % 32;

		for (unsigned int j = 0; j < nr; j++)
			store_next(&k);
		e2e_reap_ok(k.q, nr);
		check_last(&k);
	}
	close_kit(&k);
}

/* A client that sleeps in its own epoll, edge-triggered too, where each arm must bring an edge. */
static void
wait_by_epoll(struct e2e *e, const char *name, uint32_t trigger)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN | trigger};
	struct zcl_cqe cqe;
	struct kit k;

	open_kit(&k, e, name, 32);
	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, zcl_queue_fd(k.q), &ev), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int nr = 1 + i % 4;

		if (i % 256 == 0)
			wait_until_asleep(k.zc, 0);
		for (unsigned int j = 0; j < nr; j++)
			store_next(&k);
		while (nr > 0) {
			if (zcl_arm(k.q) == 0)
				assert_int_equal(epoll_wait(epoll_fd, &ev, 1, E2E_WAIT_MS), 1);
			while (zcl_reap(k.q, &cqe, 1) == 1) {
				assert_int_equal(cqe.res, 0);
				nr--;
			}
		}
		check_last(&k);
	}
	close(epoll_fd);
	close_kit(&k);
}

static void
test_epoll(void **state)
{
	wait_by_epoll((struct e2e *)*state, "epoll", 0);
}

static void
test_epoll_edges(void **state)
{
	wait_by_epoll((struct e2e *)*state, "edges", EPOLLET);
}

/* Fifty queues that sleep do not keep one from working, and each of them can be woken. */
static void
test_idle_queues(void **state)
{
	struct zcl_queue *idlers[IDLERS];
	struct kit k;

	open_kit(&k, (struct e2e *)*state, "idlers", 32);
	for (unsigned int i = 0; i < IDLERS; i++)
		idlers[i] = e2e_queue(k.disk, 8);
	wait_until_asleep(k.zc, 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		for (unsigned int j = 0; j < 8; j++)
			store_next(&k);
		e2e_reap_ok(k.q, 8);
		check_last(&k);
	}
	for (unsigned int i = 0; i < IDLERS; i++) {
		uint8_t page[E2E_PAGE], got[E2E_PAGE];

		page_fill(page, sizeof(page), PAGE_TEXT, i);
		assert_int_equal(zcl_store_sync(idlers[i], i, page), 0);
		assert_int_equal(zcl_load(k.disk, i, got), 0);
		assert_memory_equal(got, page, sizeof(page));
		zcl_queue_destroy(idlers[i]);
	}
	wait_until_asleep(k.zc, 0);
	close_kit(&k);
}

/* Times that pass, and signals that come. */
static void
on_alarm(int sig)
{
	(void)sig;
}

static void
test_timeouts_and_signals(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct itimerval soon = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	struct sigaction sa = {.sa_handler = on_alarm};
	struct kit k;
	int ret;

	open_kit(&k, e, "times", 8);
	/* A service that is stopped answers nobody. */
	assert_int_equal(kill(e->pid, SIGSTOP), 0);
	assert_int_equal(waitpid(e->pid, &ret, WUNTRACED), e->pid);
	assert_true(WIFSTOPPED(ret));
	store_next(&k);
	assert_int_equal(zcl_wait(k.q, 1, 0), -ETIME);
	assert_int_equal(zcl_wait(k.q, 1, 20), -ETIME);
	assert_int_equal(sigaction(SIGALRM, &sa, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	ret = zcl_wait(k.q, 1, -1);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(ret, -EINTR);
	assert_int_equal(kill(e->pid, SIGCONT), 0);
	e2e_reap_ok(k.q, 1);
	check_last(&k);
	close_kit(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_service_sleeps), cmocka_unit_test(test_wait),
	        cmocka_unit_test(test_epoll),          cmocka_unit_test(test_epoll_edges),
	        cmocka_unit_test(test_idle_queues),    cmocka_unit_test(test_timeouts_and_signals),
	};

	return cmocka_run_group_tests(tests, e2e_setup_started, e2e_teardown);
}
