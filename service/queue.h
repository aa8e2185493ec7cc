/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_QUEUE_H
#define ZD_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "inflight.h"
#include "ipc/ring.h"
#include "ipc/wire.h"

struct zd_disk;
struct zd_session;

enum zd_queue_state {
	ZD_QUEUE_POLLED,   /**< in its worker's polling set */
	ZD_QUEUE_ARMED,    /**< idle: its bell wakes it */
	ZD_QUEUE_DRAINING, /**< takes no new SQE; dies when nothing is in flight */
};

/**
 * The service's side of a client's queue. Made and freed by the main lcore; between
 * zd_worker_add() and its return by the mailbox it belongs to that worker.
 *
 * Every word of `mem` may change at any time: it is read once, through the rings and the doorbell,
 * and page buffers are copied before anything looks at them.
 */
struct zd_queue {
	TAILQ_ENTRY(zd_queue) link;    /**< in the worker's polling set */
	SLIST_ENTRY(zd_queue) dirty;   /**< in the worker's list of queues with new completions */
	LIST_ENTRY(zd_queue) siblings; /**< in its session; main lcore */
	LIST_ENTRY(zd_queue) own;      /**< in its worker's list of all its queues */
	struct zd_queue *mail_next;    /**< in a mailbox */
	struct zd_session *session;
	uint32_t disk_id; /**< the session's handle that it was made from; main lcore */
	struct zd_disk *disk;
	struct zd_worker *worker;
	struct zwire_queue_head *head;
	const uint8_t *bufs;
	struct zring sq;
	struct zring cq;
	struct zd_op *ops;       /**< depth of them */
	struct zd_op **free_ops; /**< stack */
	struct zd_inflight inflight;
	uint64_t last_work; /**< TSC */
	uint64_t mem_len;
	void *mem;
	uint32_t depth;
	uint32_t nr_free;    /**< of free_ops */
	uint32_t cq_pending; /**< CQEs written, not yet committed */
	uint32_t retrying;   /**< operations in the worker's retry list: no new SQE until 0 */
	uint32_t rung;       /**< of zbell_due() */
	enum zd_queue_state state;
	bool barrier;   /**< a range is under way: no new SQE until it is complete */
	bool is_dirty;  /**< in the dirty list */
	bool poisoned;  /**< the client broke the protocol: its session is to be closed */
	uint32_t dying; /**< the main lcore wants it drained; atomic */
	int sock;       /**< our end of the queue's socket */
	int bell;       /**< an eventfd that the client rings; it holds it, too: never read */
};

/**
 * Makes a queue's memory, socket pair, bell and private tables. Main lcore.
 * @param depth a power of two, at most ZWIRE_DEPTH_MAX
 * @param fds   for the client: memory and its end of the socket, which are the caller's to close,
 *              and the bell, which stays the queue's
 * @return 0, -ENOMEM, -EMFILE, other -errno
 */
int zd_queue_create(struct zd_disk *disk, uint32_t depth, struct zd_queue **out, int fds[3]);

/** Frees a queue that no worker has. Accepts NULL. Main lcore. */
void zd_queue_destroy(struct zd_queue *q);

/** @return bytes of shared memory that a queue takes: what is charged to its client */
uint64_t zd_queue_mem_len(const struct zd_disk *disk, uint32_t depth);

/** @return operations taken and not complete. Worker. */
static inline uint32_t
zd_queue_in_flight(const struct zd_queue *q)
{
	return q->depth - q->nr_free;
}

/**
 * Takes up to @p budget SQEs and starts them. Worker.
 * @return how many were taken; -EPROTO: the client broke the protocol
 */
int zd_queue_take(struct zd_worker *w, struct zd_queue *q, unsigned int budget);

/** Completes an operation: writes its CQE, frees it, starts its successor. Worker. */
void zd_queue_complete(struct zd_worker *w, struct zd_op *op, int res);

/** Publishes the written CQEs and wakes the client if it sleeps. Worker. */
void zd_queue_flush(struct zd_queue *q);

#endif
