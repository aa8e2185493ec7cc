/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef QUEUE_SIDE_H
#define QUEUE_SIDE_H

#include "pairing.h"
#include "service_disk.h"

/** What a client does with its queue. */
enum queue_op {
	QUEUE_STORE,
	QUEUE_STORE_BUF, /**< borrowed buffers; filling them is not the client's time */
	QUEUE_DISCARD,
};

/**
 * A side of the pairing: a client that keeps a queue full, page after page of the disk, each time
 * with other content. The caller sets the first four members; the others are 0.
 */
struct queue_side {
	const struct service_disk *on;
	struct zcl_queue *queue;
	enum queue_op op;
	uint64_t pages; /**< of a sweep of the pairing */

	uint64_t at;        /**< operations so far */
	uint64_t overhead;  /**< ticks of looking at the clock */
	uint64_t by_client; /**< pages compressed in the client */
	uint64_t failed;
};

/** @param arg struct queue_side @return 0, -errno */
int queue_side_pass(void *arg, uint64_t sweeps, struct pairing_time *time);

/** Stores each page of the disk once. @return 0, -errno */
int queue_side_fill(struct queue_side *side);

/** Nothing was there to reap: waits a little. @p since_ns starts at 0. @return 0, -ETIME, -EINTR */
int queue_side_stalled(const struct service_disk *on, uint64_t *since_ns);

#endif
