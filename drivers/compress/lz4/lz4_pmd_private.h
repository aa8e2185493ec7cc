/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

#ifndef LZ4_PMD_PRIVATE_H
#define LZ4_PMD_PRIVATE_H

/**
 * @file
 * compress_lz4: raw LZ4 blocks through compressdev, in software.
 *
 * One operation is one independent block: no frame, no header, no checksum. Stateless only.
 *
 * Acceleration. The xform's level is LZ4's acceleration, so unlike a zlib level a higher one is
 * faster and packs worse: RTE_COMP_LEVEL_PMD_DEFAULT and 1 take the device's `accel` argument,
 * N from 2 to 65537 is acceleration N. 0 (stored blocks) is not supported.
 *
 * Modes. `inline`: the enqueuing lcore does the work inside the enqueue call. `thread`: engine
 * threads do it, one or several per device, each of which serves all queue pairs in turn.
 *
 * Thread rules, in both modes: of one queue pair one thread enqueues and one thread dequeues at a
 * time, the two may differ. Control operations are for one thread at a time and want the data path
 * quiet, but for the statistics, which may be read and reset while it runs.
 */

#include <stdbool.h>
#include <stdint.h>

#include <lz4.h>

#include <rte_common.h>
#include <rte_log.h>

#include "compressdev_driver.h"
#include "lz4_block.h"

#define LZ4_PMD_QPS_MAX   64
#define LZ4_PMD_DEPTH_MAX 4096 /* unless the device's argument says less */
/** Bytes of plain data in one operation whose mbufs are chained. */
#define LZ4_PMD_PLAIN_MAX 65536
/** Bytes of its block. */
#define LZ4_PMD_BLOCK_MAX LZ4_COMPRESSBOUND(LZ4_PMD_PLAIN_MAX)
/** Engines of one device: as many as a word has bits. */
#define LZ4_PMD_ENGINES_MAX 64
/** Operations that an engine claims at once: alone for the prefetching, beside others few. */
#define LZ4_PMD_CLAIM_ALONE  32
#define LZ4_PMD_CLAIM_SHARED 4

extern int lz4_pmd_logtype;

/** Log one line; never on the data path. */
#define LZ4_PMD_LOG(level, fmt, ...) \
	rte_log(RTE_LOG_##level, lz4_pmd_logtype, "compress_lz4: " fmt "\n", ##__VA_ARGS__)

enum lz4_pmd_mode {
	LZ4_PMD_MODE_INLINE,
	LZ4_PMD_MODE_THREAD,
};

/** A private xform: never written after its creation, hence shareable. */
struct lz4_pmd_xform {
	enum rte_comp_xform_type type;
	int accel;
};

/** What it takes to work on operations: one for each thread that does. */
struct lz4_pmd_work {
	void *lz4;           /* also what is to be freed; NULL: there is none */
	uint8_t *src_bounce; /* LZ4_PMD_BLOCK_MAX bytes */
	uint8_t *dst_bounce; /* LZ4_PMD_BLOCK_MAX bytes */
};

struct lz4_pmd_engines;

/** One engine thread. */
struct lz4_pmd_engine {
	/* Constant while the thread lives. */
	struct lz4_pmd_engines *set;
	struct lz4_pmd_work work;
	uint8_t index;
	rte_thread_t thread;

	/** The futex that it sleeps on while this is 1. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint32_t parked;
	/** It has operations in hand. A hint for who thinks of waking others. */
	bool busy;
};

/** The engines of one device. */
struct lz4_pmd_engines {
	/* Constant while the threads live. */
	unsigned int nr;
	unsigned int claim_max;
	uint16_t nr_qps;
	struct lz4_pmd_qp *qps[LZ4_PMD_QPS_MAX];
	uint64_t spin_cycles;
	struct lz4_pmd_engine engine[LZ4_PMD_ENGINES_MAX];

	/** A bit for each engine that sleeps or is about to, until somebody sets out to wake it. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t sleepers;
	bool stop;
};

/**
 * A queue pair: an array of operations and counters that only grow. An operation's place is its
 * number modulo the array.
 *
 *	returned <= claimed <= submitted <= returned + depth
 *
 * The operations from `returned` to `claimed` are done or being worked on; they are done in any
 * order, and each says so by itself: done[place] is its number + 1. In inline mode nothing is
 * claimed, the enqueuing thread works on what it has just submitted.
 *
 * Counters that different threads write have cache lines of their own.
 */
struct lz4_pmd_qp {
	/* Constant from set-up to release. */
	struct rte_comp_op **ring;
	uint32_t *done;
	uint32_t mask;
	uint32_t depth;
	struct lz4_pmd_engines *engines;
	struct lz4_pmd_work work; /* inline mode only */

	/* Statistics count from here. Control thread. */
	struct rte_compressdev_stats base;

	/* Written by the enqueuing thread. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t submitted;
	uint64_t returned_seen;
	uint64_t refused;

	/* Written by the engines, by compare-and-swap. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t claimed;

	/* Written by the dequeuing thread. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t returned;
	uint64_t failed;
};

/** What a device keeps, in rte_compressdev_data.dev_private. */
struct lz4_pmd_dev {
	enum lz4_pmd_mode mode;
	int accel;
	uint32_t depth_max;
	struct lz4_pmd_engines engines;
};

/* lz4_pmd_ops.c */

extern struct rte_compressdev_ops lz4_pmd_ops;

/** Allocate. @return 0 or -ENOMEM, with work->lz4 NULL. */
int lz4_pmd_work_init(struct lz4_pmd_work *work, int socket_id);

/** Free, also what is not there. */
void lz4_pmd_work_fini(struct lz4_pmd_work *work);

/* lz4_pmd_xfer.c: the burst functions take a prefix; @p queue is a struct lz4_pmd_qp. */

/** Take operations and do them. */
uint16_t lz4_pmd_enqueue_inline(void *queue, struct rte_comp_op **ops, uint16_t nb_ops);

/** Take operations and leave them to the engines. */
uint16_t lz4_pmd_enqueue_thread(void *queue, struct rte_comp_op **ops, uint16_t nb_ops);

/** Take none: the device is not started. They count as enqueue errors. */
uint16_t lz4_pmd_enqueue_stopped(void *queue, struct rte_comp_op **ops, uint16_t nb_ops);

/** Return done operations, also of a stopped device. */
uint16_t lz4_pmd_dequeue(void *queue, struct rte_comp_op **ops, uint16_t nb_ops);

/** Operations that wait for an engine. Any thread; may be out of date by the return. */
static inline uint64_t
lz4_pmd_qp_waiting(const struct lz4_pmd_qp *qp)
{
	/* Not to see a claim before its operations. Pairs with lz4_pmd_qp_claim(). */
	uint64_t claimed = __atomic_load_n(&qp->claimed, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&qp->submitted, __ATOMIC_RELAXED) - claimed;
}

/**
 * Take a range of the operations that wait. Engines only, any number of them.
 *
 * @param from  Filled with the number of the first one.
 * @return how many: a fair share of what waits; 0 if none does.
 */
unsigned int lz4_pmd_qp_claim(struct lz4_pmd_qp *qp, uint64_t *from);

/**
 * Do @p nr operations, from number @p from on, which are the caller's: each one is visible to
 * lz4_pmd_dequeue() at once, and no longer touched.
 */
void lz4_pmd_qp_run(struct lz4_pmd_qp *qp, const struct lz4_pmd_work *work, uint64_t from,
                    unsigned int nr);

/* lz4_engine.c */

/**
 * Start the engine threads over all queue pairs of @p dev, which are set up.
 *
 * @return 0; -ENOMEM; another negative errno of a thread's creation. After an error there are none.
 */
int lz4_pmd_engines_start(struct rte_compressdev *dev);

/**
 * Stop the engine threads: they first do everything that was enqueued, so nothing of the
 * application's memory is touched after the return.
 */
void lz4_pmd_engines_stop(struct lz4_pmd_engines *set);

/**
 * Wake as many engines as are useful for what waits, beside those that are awake without work.
 *
 * @param waiting  Operations.
 */
void lz4_pmd_engines_wake(struct lz4_pmd_engines *set, uint64_t waiting);

/** Wake engines if any sleep, after operations were published. */
static inline void
lz4_pmd_engines_kick(const struct lz4_pmd_qp *qp)
{
	/* Pairs with the fence in engine_sleep(): either it sees the operations or we its bit. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (unlikely(__atomic_load_n(&qp->engines->sleepers, __ATOMIC_RELAXED) != 0))
		lz4_pmd_engines_wake(qp->engines, lz4_pmd_qp_waiting(qp));
}

#endif /* LZ4_PMD_PRIVATE_H */
