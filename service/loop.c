/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* One event at a time, so that a source freed by another's ready() is never called. Main lcore. */

#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

int
zd_loop_watch(int epoll_fd, struct zd_source *src)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = src};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, src->fd, &ev) < 0 ? -errno : 0;
}

void
zd_loop_unwatch(int epoll_fd, struct zd_source *src)
{
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, src->fd, NULL);
}

void
zd_loop_run_once(int epoll_fd, int timeout_ms)
{
	struct epoll_event ev;

	if (epoll_wait(epoll_fd, &ev, 1, timeout_ms) == 1) {
		struct zd_source *src = (struct zd_source *)ev.data.ptr;

		src->ready(src, ev.events);
	}
}
