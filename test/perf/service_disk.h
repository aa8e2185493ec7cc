/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef SERVICE_DISK_H
#define SERVICE_DISK_H

#include <stdint.h>
#include <sys/types.h>

#include "client/zcl.h"
#include "service_proc.h"
#include "target.h"

/**
 * @file
 * A service, of our own or that of --socket, with a disk of ours; and clients of it, each with a
 * connection and a queue. Errors are told where they are found.
 */

struct service_disk {
	const struct target_env *env;
	struct service_proc proc;
	const char *socket;
	struct zcl *zc;
	struct zcl_disk *disk;
	uint64_t pages;
	char name[48]; /**< of the disk; empty = there is none */
};

struct service_disk_opts {
	uint64_t pages;          /**< of the disk; 0 = as many as the corpus has */
	uint32_t flags;          /**< ZCL_DISK_* */
	unsigned int nr_workers; /**< of a service of our own; 0 = one */
};

/** Starts or finds the service and makes the disk. @return 0, -errno; nothing is left then */
int service_disk_open(struct service_disk *s, const struct target_env *env,
                      const struct service_disk_opts *opts);

/** Removes the disk, and ends a service of our own. Also of what is all 0. */
void service_disk_close(struct service_disk *s);

/** @param flags ZCL_QUEUE_* @return 0, -errno */
int service_disk_queue(const struct service_disk *s, uint32_t depth, uint32_t flags,
                       struct zcl_queue **out);

/** @return the service's process, or -errno */
pid_t service_disk_pid(const struct service_disk *s);

/** A client of its own, as another process would be. */
struct service_client {
	struct zcl *zc;
	struct zcl_disk *disk;
	struct zcl_queue *queue;
};

/** Any thread. @return 0, -errno; nothing is left then */
int service_client_open(struct service_client *c, const struct service_disk *s, uint32_t depth);
void service_client_close(struct service_client *c);

/** Tells of an error of libzcl. @return @p err */
int service_complain(const char *what, int err);

#endif
