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
 * Modes. `inline`: the enqueuing lcore does the work inside the enqueue call. `thread`: an engine
 * thread per device does it, serving all queue pairs in turn.
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

#define LZ4_PMD_QPS_MAX   64
#define LZ4_PMD_DEPTH_MAX 4096
/** What liblz4 clamps to. */
#define LZ4_PMD_ACCEL_MAX 65537
/** Bytes of plain data in one operation whose mbufs are chained. */
#define LZ4_PMD_PLAIN_MAX 65536
/** Bytes of its block. */
#define LZ4_PMD_BLOCK_MAX LZ4_COMPRESSBOUND(LZ4_PMD_PLAIN_MAX)
/** Operations that the engine takes from one queue pair before it looks at the next. */
#define LZ4_PMD_BURST 32

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

/** The engine thread of one device. Only the flags are shared with other threads. */
struct lz4_pmd_engine {
	struct lz4_pmd_qp *qps[LZ4_PMD_QPS_MAX];
	uint16_t nr_qps;
	rte_thread_t thread;
	uint64_t spin_cycles;
	/** 1 while the engine sleeps, or is about to: also the futex that it sleeps on. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint32_t asleep;
	bool stop;
};

/**
 * A queue pair: one array of operations and three counters that only grow. An operation's place is
 * its number modulo the array.
 *
 *	returned <= completed <= submitted <= returned + depth
 *
 * Each counter has one writer, which is why each has a cache line of its own.
 */
struct lz4_pmd_qp {
	/* Constant from set-up to release. */
	struct rte_comp_op **ring;
	uint32_t mask;
	uint32_t depth;
	struct lz4_pmd_engine *engine;

	/* Whoever does the work: the engine, or in inline mode the enqueuing thread. */
	void *lz4;
	uint8_t *src_bounce; /* LZ4_PMD_BLOCK_MAX bytes */
	uint8_t *dst_bounce; /* LZ4_PMD_BLOCK_MAX bytes */

	/* Statistics count from here. Control thread. */
	struct rte_compressdev_stats base;

	/* Written by the enqueuing thread. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t submitted;
	uint64_t returned_seen;
	uint64_t refused;

	/* Written by whoever does the work. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t completed;

	/* Written by the dequeuing thread. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t returned;
	uint64_t failed;
};

/** What a device keeps, in rte_compressdev_data.dev_private. */
struct lz4_pmd_dev {
	enum lz4_pmd_mode mode;
	int accel;
	struct lz4_pmd_engine engine;
};

/* lz4_pmd_ops.c */

extern struct rte_compressdev_ops lz4_pmd_ops;

/* lz4_pmd_xfer.c: the burst functions take a prefix; @p queue is a struct lz4_pmd_qp. */

/** Take operations and do them. */
uint16_t lz4_pmd_enqueue_inline(void *queue, struct rte_comp_op **ops, uint16_t nb_ops);

/** Take operations and leave them to the engine. */
uint16_t lz4_pmd_enqueue_thread(void *queue, struct rte_comp_op **ops, uint16_t nb_ops);

/** Take none: the device is not started. They count as enqueue errors. */
uint16_t lz4_pmd_enqueue_stopped(void *queue, struct rte_comp_op **ops, uint16_t nb_ops);

/** Return done operations, also of a stopped device. */
uint16_t lz4_pmd_dequeue(void *queue, struct rte_comp_op **ops, uint16_t nb_ops);

/**
 * Do the operations that wait, in order, each one visible to lz4_pmd_dequeue() at once.
 *
 * @param max  At most so many.
 * @return how many were done.
 */
unsigned int lz4_pmd_qp_run(struct lz4_pmd_qp *qp, unsigned int max);

/* lz4_engine.c */

/**
 * Start the engine thread over all queue pairs of @p dev, which are set up.
 *
 * @return 0 or a negative errno of the thread's creation.
 */
int lz4_pmd_engine_start(struct rte_compressdev *dev);

/**
 * Stop the engine thread: it first does everything that was enqueued, so nothing of the
 * application's memory is touched after the return.
 */
void lz4_pmd_engine_stop(struct lz4_pmd_engine *engine);

/** The slow half of lz4_pmd_engine_kick(). */
void lz4_pmd_engine_wake(struct lz4_pmd_engine *engine);

/** Wake the engine if it sleeps, after operations were published. */
static inline void
lz4_pmd_engine_kick(struct lz4_pmd_engine *engine)
{
	/* Pairs with the fence in engine_sleep(): either it sees the operations or we the flag. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (unlikely(__atomic_load_n(&engine->asleep, __ATOMIC_RELAXED) != 0))
		lz4_pmd_engine_wake(engine);
}

#endif /* LZ4_PMD_PRIVATE_H */
