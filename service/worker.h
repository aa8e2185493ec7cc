/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_WORKER_H
#define ZD_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/atomic.h"
#include "compressors.h"
#include "mailbox.h"
#include "op.h"
#include "queue.h"

#define ZD_BURST 32u /**< SQEs of one queue, and pages of one submission, at a poll */

/** Written by the worker alone, by relaxed stores; telemetry reads them. */
struct zd_worker_stats {
	uint64_t ops;
	uint64_t polls;
	uint64_t busy_cycles;
	uint64_t total_cycles;
	uint64_t sleeps;
	uint64_t retries;
	uint64_t spills;  /**< pages that waited in a spill list */
	uint64_t refused; /**< stores that the policy answered with -EAGAIN */
	uint64_t redone;  /**< pages that their device failed, compressed by the lcore */
};

/** Adds to a counter that only the caller writes and others read. */
static inline void
zd_count(uint64_t *counter, uint64_t nr)
{
	zc_store_relaxed(counter, *counter + nr);
}

/** What waits for a compressor's devices. */
struct zd_batch {
	struct zcomp_strm *strms[ZD_BURST]; /**< filled and not yet submitted */
	unsigned int nr;
	unsigned int nr_spilled;
	STAILQ_HEAD(, zd_op) spilled; /**< operations that wait for a managed stream */
};

/** What a worker is made with. */
struct zd_worker_opts {
	unsigned int idx;      /**< its lcore index in zcomp: 0 upwards */
	unsigned int lcore_id; /**< the EAL's */
	unsigned int cpu;
	int node; /**< the CPU's, for statistics; -1: not known */
	const struct zd_compressors *compressors;
	struct zd_mailbox *gone; /**< the main lcore's, for drained queues */
};

/**
 * A worker: an lcore that polls queues and devices. It alone touches what is in here, but for
 * `inbox` and `stopping`, through which the main lcore reaches it.
 */
struct zd_worker {
	LIST_HEAD(, zd_queue) queues;  /**< all */
	TAILQ_HEAD(, zd_queue) polled; /**< those that are not armed */
	STAILQ_HEAD(, zd_op) retry;
	SLIST_HEAD(, zd_queue) dirty;
	struct zd_batch batches[ZD_COMPRESSORS_MAX];
	const struct zd_compressors *compressors;
	struct zd_mailbox *gone;
	struct zd_mailbox inbox; /**< new queues */
	uint64_t last_look;      /**< TSC of the last look at epoll */
	uint64_t spin_cycles;    /**< how long an idle queue is polled before it is armed */
	struct zd_worker_stats stats;
	unsigned int idx;
	unsigned int lcore_id;
	unsigned int cpu;
	int node;
	unsigned int nr_retry;
	unsigned int in_flight;
	unsigned int waiting; /**< operations known behind the one that runs */
	int epoll_fd;
	uint32_t stopping; /**< atomic */
	uint64_t
	        object[ZSLOT_LEN_MAX / sizeof(uint64_t)]; /**< a client's, copied in to be stored */
};

/** Makes a worker, which runs once its lcore calls zd_worker_main(). @return 0, -ENOMEM, -EMFILE */
int zd_worker_create(const struct zd_worker_opts *opts, struct zd_worker **out);

/** Frees a worker whose lcore has returned. Accepts NULL. */
void zd_worker_destroy(struct zd_worker *w);

/** The lcore's loop; returns 0 after zd_worker_stop(). For rte_eal_remote_launch(). */
int zd_worker_main(void *worker);

/** Hands a queue to the worker. Main lcore. */
void zd_worker_add(struct zd_worker *w, struct zd_queue *q);

/**
 * Asks a queue's worker to drain it and to give it back. Main lcore, which has not freed the queue;
 * harmless when it is on its way already.
 */
void zd_worker_kill(struct zd_queue *q);

/** Asks the worker to return once it has no queue. Main lcore. */
void zd_worker_stop(struct zd_worker *w);

/** Puts an operation on the retry list, to be run at the next poll. Worker. */
void zd_worker_retry(struct zd_worker *w, struct zd_op *op);

/** Puts an operation on its compressor's spill list, one that was there before back to its head. */
void zd_worker_spill(struct zd_worker *w, struct zd_op *op);

/** Submits a compressor's batch as far as it is taken. Worker. */
void zd_worker_submit(struct zd_worker *w, unsigned int compressor);

/** One poll, in the order of the design's section 7. @return whether there was anything to do */
bool zd_worker_poll(struct zd_worker *w, uint64_t now);

#endif
