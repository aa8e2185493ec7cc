/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The main lcore's event loop, with sources that end themselves and each other. */

#include "test_util.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"

struct end {
	struct zd_source src; /* first, so that a source is its end */
	struct end *victim;   /* freed by this one's ready() */
	int epoll_fd;
	int peer;
	unsigned int calls;
	uint32_t events;
};

static void
free_end(struct end *e)
{
	zd_loop_unwatch(e->epoll_fd, &e->src);
	close(e->src.fd);
	close(e->peer);
	free(e);
}

static void
on_ready(struct zd_source *src, uint32_t events)
{
	struct end *e = (struct end *)(void *)src;
	char byte;

	e->calls++;
	e->events = events;
	if (recv(src->fd, &byte, 1, MSG_DONTWAIT) < 0)
		assert_int_equal(errno, EAGAIN);
	if (e->victim != NULL)
		free_end(e->victim);
	e->victim = NULL;
}

static struct end *
new_end(int epoll_fd)
{
	struct end *e = (struct end *)calloc(1, sizeof(*e));
	int socks[2];

	assert_non_null(e);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, socks), 0);
	e->src.ready = on_ready;
	e->src.fd = socks[0];
	e->peer = socks[1];
	e->epoll_fd = epoll_fd;
	assert_int_equal(zd_loop_watch(epoll_fd, &e->src), 0);
	return e;
}

static void
ring(struct end *e)
{
	assert_int_equal(send(e->peer, "", 1, 0), 1);
}

static int
setup(void **state)
{
	int *fd = (int *)malloc(sizeof(*fd));

	assert_non_null(fd);
	*fd = epoll_create1(EPOLL_CLOEXEC);
	assert_true(*fd >= 0);
	*state = fd;
	return 0;
}

static int
teardown(void **state)
{
	close(*(int *)*state);
	free(*state);
	return 0;
}

static void
test_calls_what_is_ready(void **state)
{
	int epoll_fd = *(int *)*state;
	struct end *a = new_end(epoll_fd), *b = new_end(epoll_fd);

	zd_loop_run_once(epoll_fd, 0);
	assert_int_equal(a->calls + b->calls, 0);
	ring(a);
	zd_loop_run_once(epoll_fd, -1);
	assert_int_equal(a->calls, 1);
	assert_int_equal(b->calls, 0);
	assert_int_equal(a->events, EPOLLIN);
	ring(a);
	ring(b);
	zd_loop_run_once(epoll_fd, -1);
	zd_loop_run_once(epoll_fd, -1);
	zd_loop_run_once(epoll_fd, 0);
	assert_int_equal(a->calls, 2);
	assert_int_equal(b->calls, 1);
	free_end(a);
	free_end(b);
}

static void
test_hang_up(void **state)
{
	int epoll_fd = *(int *)*state;
	struct end *e = new_end(epoll_fd);

	shutdown(e->peer, SHUT_WR);
	zd_loop_run_once(epoll_fd, -1);
	assert_int_equal(e->calls, 1);
	assert_true((e->events & EPOLLRDHUP) != 0);
	free_end(e);
}

static void
test_unwatched(void **state)
{
	int epoll_fd = *(int *)*state;
	struct end *e = new_end(epoll_fd);

	ring(e);
	zd_loop_unwatch(epoll_fd, &e->src);
	zd_loop_run_once(epoll_fd, 0);
	assert_int_equal(e->calls, 0);
	assert_int_equal(zd_loop_watch(epoll_fd, &e->src), 0);
	assert_int_equal(zd_loop_watch(epoll_fd, &e->src), -EEXIST);
	zd_loop_run_once(epoll_fd, -1);
	assert_int_equal(e->calls, 1);
	free_end(e);
}

static void
test_bad_descriptor(void **state)
{
	struct zd_source src = {on_ready, -1};

	assert_int_equal(zd_loop_watch(*(int *)*state, &src), -EBADF);
}

/* Both are ready; whichever comes first frees the other, which must not be called any more. */
static void
test_one_frees_the_other(void **state)
{
	int epoll_fd = *(int *)*state;

	for (unsigned int i = 0; i < 100; i++) {
		struct end *a = new_end(epoll_fd), *b = new_end(epoll_fd);

		a->victim = b;
		ring((i & 1) != 0 ? a : b);
		ring((i & 1) != 0 ? b : a);
		while (a->calls == 0)
			zd_loop_run_once(epoll_fd, -1);
		zd_loop_run_once(epoll_fd, 0);
		assert_int_equal(a->calls, 1);
		free_end(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_calls_what_is_ready), cmocka_unit_test(test_hang_up),
	        cmocka_unit_test(test_unwatched),           cmocka_unit_test(test_bad_descriptor),
	        cmocka_unit_test(test_one_frees_the_other),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
