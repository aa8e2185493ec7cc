/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef PMD_H
#define PMD_H

#include <stdint.h>

#include <rte_comp.h>
#include <rte_mbuf.h>
#include <rte_memzone.h>

#include "perf.h"

/**
 * @file
 * A compressdev alone: one queue pair, and operations of one page each, as dpdk-test-compress-perf
 * has them. A page lies in one mbuf, or in a chain of --seg-sz pieces; its object has as many
 * pieces, of twice the size. Main thread only, which is EAL's main lcore.
 */

enum pmd_direction {
	PMD_COMPRESS,
	PMD_DECOMPRESS,
	PMD_DIRECTIONS,
};

/** An operation, and its two chains. */
struct pmd_slot {
	struct rte_comp_op op;
	struct pmd_slot *next; /**< in the free list */
	struct rte_mbuf *page;
	struct rte_mbuf *object;
	uint32_t number; /**< of the page: the caller's */
};

struct pmd {
	const struct perf_opts *opts;
	uint8_t id;
	bool started;
	uint32_t depth;
	void *xforms[PMD_DIRECTIONS]; /**< NULL: the device does not do that */
	unsigned int nr_segs;
	struct rte_mempool *pool;
	const struct rte_memzone *zone; /**< of external mbufs */
	uint32_t zone_used;
	struct rte_mbuf_ext_shared_info shared;
	struct pmd_slot *slots;
	struct pmd_slot *free;
};

/** What the calls into the driver took, in ticks of rte_rdtsc(). A retry is a call that did not
 * take or give all that it could have. */
struct pmd_counts {
	uint64_t ops;
	uint64_t enqueue; /**< of calls that took something */
	uint64_t dequeue; /**< of calls that gave something */
	uint64_t idle;    /**< of dequeues that found nothing, and the pauses behind them */
	uint64_t enqueue_retries;
	uint64_t dequeue_retries;
};

/** What is to be done by pmd_run(). */
struct pmd_work {
	enum pmd_direction direction;
	unsigned int burst;
	/** Fills in the next operation with pmd_fill(), and its number. */
	void (*fill)(void *arg, struct pmd_slot *slot);
	/** Takes a result, of @p slot->op.produced bytes. @return 0, -errno, which ends it all */
	int (*done)(void *arg, const struct pmd_slot *slot);
	void *arg;
	const struct perf_place *place;
};

/**
 * Opens a device, with all that the command line asks of it.
 * @param name as EAL knows it
 * @return 0, -ENOTSUP (it cannot do that), -ENOMEM, -errno; pmd_close() in all cases
 */
int pmd_open(struct pmd *p, const struct perf_opts *opts, const char *name);

/** Stops and closes it. Accepts one that was not opened. */
void pmd_close(struct pmd *p);

/** Copies the source of an operation into its chain. */
void pmd_fill(struct pmd_slot *slot, enum pmd_direction direction, const void *from, uint32_t len);

/** Copies the result of an operation out of its chain. */
void pmd_result(const struct pmd_slot *slot, enum pmd_direction direction, void *to);

/**
 * Does @p total operations, with as many in flight as the queue takes.
 * @param counts is added to
 * @return 0, -EIO (one failed), -ETIME (the device hangs), -EINTR, what done() said; the device is
 *         then only fit to be closed
 */
int pmd_run(struct pmd *p, const struct pmd_work *work, uint64_t total, struct pmd_counts *counts);

#endif
