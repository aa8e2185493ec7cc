/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_LOOP_H
#define ZD_LOOP_H

#include <stdint.h>

/**
 * @file
 * The main lcore's event loop: descriptors and what to call when they are ready.
 */

/** Embedded in whatever owns the descriptor; lives as long as it is watched. */
struct zd_source {
	void (*ready)(struct zd_source *src, uint32_t events);
	int fd;
};

/** Watches a source for input and hang-up. @return 0 or -errno of epoll_ctl(2) */
int zd_loop_watch(int epoll_fd, struct zd_source *src);

/** Stops watching. A source may then be freed, also inside a ready(). */
void zd_loop_unwatch(int epoll_fd, struct zd_source *src);

/** Waits up to @p timeout_ms and calls what is ready, one source at a time. */
void zd_loop_run_once(int epoll_fd, int timeout_ms);

#endif
