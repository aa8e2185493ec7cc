/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_H
#define ZD_H

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "backends.h"
#include "compact.h"
#include "compressors.h"
#include "disk.h"
#include "ipc/wire.h"
#include "loop.h"
#include "mailbox.h"
#include "numa_policy.h"
#include "options.h"
#include "worker.h"

struct zd_session;

/** The service. Belongs to the main lcore; workers see only what they were made with. */
struct zd {
	struct zd_options opts;
	struct zd_compressors compressors;
	struct zd_backends backends;
	struct zd_disks disks;
	struct zd_compact compact;
	struct zd_numa numa;
	struct zd_mailbox mail; /**< drained queues, and disks that want memory */
	struct zd_worker *workers[ZD_WORKERS_MAX];
	int nodes[ZD_WORKERS_MAX]; /**< NUMA nodes of the workers' CPUs; -1 = not known */
	unsigned int nr_workers;
	unsigned int next_worker; /**< queues go to the workers in turn */
	LIST_HEAD(, zd_session) sessions;
	struct zd_source listener;
	struct zd_source mail_source;
	struct zd_source signals;
	char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat socket_id; /**< of the socket as we made it */
	int epoll_fd;
	int state_fd; /**< the state directory */
	int lock_fd;  /**< its lock: who holds it may write the arenas */
	bool eal_is_up;
	bool listener_paused; /**< descriptors have run out */
	bool stopping;
	_Alignas(8) char msg[ZWIRE_MSG_MAX + 1]; /**< one control message at a time */
};

#endif
