/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The doorbell: when it is due, and that no wake-up is lost between two threads: one sleeps on a
 * socket as a client does, the other on the edges of a bell as the service does. A lost one would
 * hang this test; nothing here measures time.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test_util.h"

#include "ipc/doorbell.h"

static void
test_due_once_for_each_arming(void **state)
{
	uint64_t word = 0;
	uint32_t rung = 0;

	(void)state;
	assert_false(zbell_due(&word, 0, &rung));
	for (uint32_t round = 0; round < 100; round++) {
		zbell_arm(&word, 5);
		assert_false(zbell_due(&word, 3, &rung));
		assert_false(zbell_due(&word, 4, &rung));
		assert_true(zbell_due(&word, 5, &rung));
		assert_false(zbell_due(&word, 5, &rung));
		assert_false(zbell_due(&word, 6, &rung));
		if (round % 2 == 0)
			zbell_disarm(&word);
		assert_false(zbell_due(&word, 7, &rung));
	}
}

static void
test_disarmed_is_never_due(void **state)
{
	uint64_t word = 0;
	uint32_t rung = 0;

	(void)state;
	for (uint32_t round = 0; round < 100; round++) {
		zbell_arm(&word, 5);
		zbell_disarm(&word);
		assert_false(zbell_due(&word, 5, &rung));
		zbell_disarm(&word);
		assert_false(zbell_due(&word, 9, &rung));
	}
	zbell_arm(&word, 5);
	assert_true(zbell_due(&word, 5, &rung));
}

static void
test_index_wraps(void **state)
{
	uint64_t word = 0;
	uint32_t rung = 0;

	(void)state;
	zbell_arm(&word, 2);
	assert_false(zbell_due(&word, UINT32_MAX - 1, &rung));
	assert_false(zbell_due(&word, UINT32_MAX, &rung));
	assert_false(zbell_due(&word, 0, &rung));
	assert_false(zbell_due(&word, 1, &rung));
	assert_true(zbell_due(&word, 2, &rung));
	zbell_arm(&word, UINT32_MAX);
	assert_false(zbell_due(&word, UINT32_MAX - 1, &rung));
	assert_true(zbell_due(&word, 3, &rung));
}

/* The round has 31 bits and starts over. */
static void
test_round_wraps(void **state)
{
	uint64_t word = (uint64_t)(UINT32_MAX - 4) << 32;
	uint32_t rung = 0;

	(void)state;
	for (uint32_t round = 0; round < 10; round++) {
		zbell_arm(&word, round);
		assert_int_equal(word >> 32 & 1, 1);
		assert_int_equal((uint32_t)word, round);
		assert_true(zbell_due(&word, round, &rung));
		assert_false(zbell_due(&word, round, &rung));
		zbell_disarm(&word);
	}
}

/* The word belongs to the peer: whatever it holds, one round rings once. */
static void
test_any_word(void **state)
{
	uint64_t seed = 13;
	uint32_t rung = 0;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t word = test_random(&seed);
		uint32_t index = (uint32_t)test_random(&seed);

		if (zbell_due(&word, index, &rung))
			assert_int_equal(rung & 1, 1);
		assert_false(zbell_due(&word, index, &rung));
	}
}

#define ROUNDS (100000u / TEST_SLOW)

/* One of two who take turns: each moves its index once the other has moved its own. */
struct turn {
	uint32_t *own_idx;
	uint32_t *peer_idx;
	uint64_t *own_word;
	uint64_t *peer_word;
	int sock;
	int bell;       /* which the client raises and the service never reads */
	int epoll_fd;   /* the service's; the client's is -1 */
	uint32_t first; /* rounds the peer is ahead when this one begins: 0 or 1 */
	uint64_t seed;
	uint32_t rung;
	uint32_t slept;
	bool failed;
};

static bool
reached(const struct turn *t, uint32_t index)
{
	/* Pairs with the store in take_turns(). */
	return (int32_t)(zc_load_acquire(t->peer_idx) - index) >= 0;
}

/* Mostly spins until the peer is awake again, now and then only for about as long as an awake peer
 * takes for its turn: so the one often arms at the very moment at which the other commits. */
static void
spin(struct turn *t, uint32_t index)
{
	uint64_t pauses = test_random(&t->seed) % 2 != 0 ? 10000 : test_random(&t->seed) % 16;

	while (pauses-- > 0 && !reached(t, index))
		zc_pause();
}

static bool
sleep_once(const struct turn *t)
{
	struct epoll_event ev;
	char byte;

	if (t->epoll_fd < 0)
		return recv(t->sock, &byte, 1, 0) == 1;
	return epoll_wait(t->epoll_fd, &ev, 1, -1) == 1 && ev.data.fd == t->bell;
}

static void
wait_for_peer(struct turn *t, uint32_t index)
{
	spin(t, index);
	while (!reached(t, index) && !t->failed) {
		zbell_arm(t->own_word, index);
		if (!reached(t, index)) {
			t->slept++;
			t->failed = !sleep_once(t);
		}
		zbell_disarm(t->own_word);
	}
}

/* Two who take turns tend to be put on one CPU, where nothing is ever seen out of order. */
static void
keep_to_a_cpu(uint32_t which)
{
	cpu_set_t all, one;
	int nr;

	if (sched_getaffinity(0, sizeof(all), &all) < 0 || CPU_COUNT(&all) < 2)
		return;
	for (nr = 0; !CPU_ISSET(nr, &all) || which-- > 0; nr++)
		continue;
	CPU_ZERO(&one);
	CPU_SET(nr, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* A socket that is full of rings has been rung: who woke before it slept left them there. */
static void
ring(struct turn *t)
{
	const uint64_t one = 1;

	if (t->epoll_fd < 0)
		t->failed = write(t->bell, &one, sizeof(one)) != sizeof(one);
	else if (send(t->sock, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		t->failed = true;
}

static void *
take_turns(void *arg)
{
	struct turn *t = (struct turn *)arg;

	keep_to_a_cpu(t->first);
	for (uint32_t round = 1; round <= ROUNDS && !t->failed; round++) {
		if (t->first + round > 1)
			wait_for_peer(t, t->first + round - 1);
		/* Pairs with the load in reached(). */
		zc_store_release(t->own_idx, round);
		if (zbell_due(t->peer_word, round, &t->rung))
			ring(t);
	}
	if (t->failed)
		shutdown(t->sock, SHUT_RDWR);
	return NULL;
}

static void
open_bells(struct turn *client, struct turn *service)
{
	int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event rings = {EPOLLIN | EPOLLET, {.fd = bell}};
	struct epoll_event hang_up = {EPOLLRDHUP, {.fd = -1}};
	int socks[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks), 0);
	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, bell, &rings), 0);
	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, socks[1], &hang_up), 0);
	client->sock = socks[0];
	service->sock = socks[1];
	client->bell = service->bell = bell;
	client->epoll_fd = -1;
	service->epoll_fd = epoll_fd;
}

static void
test_no_wakeup_is_lost(void **state)
{
	static struct {
		_Alignas(64) uint32_t idx;
		_Alignas(64) uint64_t word;
	} side[2];
	struct turn turns[2] = {
	        {.own_idx = &side[0].idx,
	         .peer_idx = &side[1].idx,
	         .own_word = &side[0].word,
	         .peer_word = &side[1].word,
	         .first = 0,
	         .seed = 14},
	        {.own_idx = &side[1].idx,
	         .peer_idx = &side[0].idx,
	         .own_word = &side[1].word,
	         .peer_word = &side[0].word,
	         .first = 1,
	         .seed = 15},
	};
	pthread_t threads[2];

	(void)state;
	open_bells(&turns[0], &turns[1]);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &turns[i]), 0);
	}
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < 2; i++) {
		assert_false(turns[i].failed);
		assert_int_equal(side[i].idx, ROUNDS);
		assert_true(turns[i].slept > 0);
		close(turns[i].sock);
	}
	close(turns[1].bell);
	close(turns[1].epoll_fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_due_once_for_each_arming),
	        cmocka_unit_test(test_disarmed_is_never_due),
	        cmocka_unit_test(test_index_wraps),
	        cmocka_unit_test(test_round_wraps),
	        cmocka_unit_test(test_any_word),
	        cmocka_unit_test(test_no_wakeup_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
