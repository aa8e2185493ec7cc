/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

#ifndef SIM_PMD_PRIVATE_H
#define SIM_PMD_PRIVATE_H

/**
 * @file
 * The accelerator model: what its files share.
 *
 * An operation has two halves that nothing but its dequeue joins: the model gives it a time at the
 * enqueue (sim_model.c), and a host thread does its work meanwhile (sim_host.c). drivers/README.md
 * defines the model.
 *
 * Thread rules, as in compress_lz4: of one queue pair one thread enqueues and one thread dequeues
 * at a time, the two may differ. Control operations are for one thread at a time and want the data
 * path quiet, but for the statistics, which may be read and reset while it runs.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <lz4.h>

#include <rte_common.h>
#include <rte_log.h>
#include <rte_spinlock.h>

#include "compressdev_driver.h"
#include "lz4_block.h"
#include "sim_heap.h"
#include "sim_pmd.h"

#define SIM_PMD_QPS_MAX     64
#define SIM_PMD_DEPTH_MAX   4096
#define SIM_PMD_ENGINES_MAX 1024
#define SIM_PMD_THREADS_MAX 16
/** Operations that a host thread takes from one queue pair before it looks at the next. */
#define SIM_PMD_BURST 32
/** A distribution of latencies is so many of its quantiles, equally likely. A power of two. */
#define SIM_PMD_QUANTILES 4096
/** The time of what never completes. */
#define SIM_PMD_NEVER UINT64_MAX

extern int sim_pmd_logtype;

/** Log one line; never on the data path. */
#define SIM_PMD_LOG(level, fmt, ...) \
	rte_log(RTE_LOG_##level, sim_pmd_logtype, "compress_sim: " fmt "\n", ##__VA_ARGS__)

enum sim_pmd_codec {
	SIM_PMD_CODEC_LZ4,
	SIM_PMD_CODEC_NULL,
};

enum sim_pmd_dist {
	SIM_PMD_DIST_FIXED,   /* a */
	SIM_PMD_DIST_UNIFORM, /* from a to b */
	SIM_PMD_DIST_TAIL,    /* half are up to a, 99 of 100 up to b */
};

/** Microseconds. */
struct sim_pmd_latency {
	enum sim_pmd_dist dist;
	double a;
	double b;
};

/** The device arguments, by their names; numbers that are not given in a unit are counts. */
struct sim_pmd_args {
	uint64_t depth;
	uint64_t engines;
	struct sim_pmd_latency latency_us;
	uint64_t bandwidth; /* 10^6 bytes a second, 0 = unlimited */
	enum sim_pmd_codec codec;
	uint64_t null_len; /* bytes */
	uint64_t accel;
	uint64_t threads;
	uint64_t compress_only;
	uint64_t same_filled;
	uint64_t dst_limit; /* bytes, 0 = none */
	uint64_t batch;
	double batch_us;
	uint64_t reorder;
	uint64_t error_one_in; /* 0 = none, as with the following */
	uint64_t hang_at;
	uint64_t hang_ms;
	uint64_t reset_at;
	uint64_t remove_at;
	uint64_t fail_probe;
	uint64_t fail_start;
	uint64_t seed;
};

/** A private xform: never written after its creation, hence shareable. */
struct sim_pmd_xform {
	enum rte_comp_xform_type type;
	int accel;
};

/** The model of one device, shared by its queue pairs. Times are TSC cycles. */
struct sim_model {
	/* Constant. */
	uint64_t hang_at, reset_at, remove_at;
	uint64_t hang_cycles; /* 0: until the next start */
	uint64_t fixed;       /* the latency, if it is always the same */
	double cycles_per_byte;
	uint32_t nr_engines;
	bool varies; /* the latency is one of the quantiles */

	_Alignas(RTE_CACHE_LINE_SIZE) rte_spinlock_t lock;
	/* Under the lock. */
	uint32_t next; /* engine, if the latency is always the same */
	uint64_t taken;
	uint64_t rng;
	uint64_t link_free;
	bool hung;
	/* Written under the lock, read by anybody. */
	bool removed;
	uint64_t ops, hung_ops, engine_cycles; /* since the start */

	/** Operations up to this number that are in flight have failed. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t failed_upto;

	_Alignas(RTE_CACHE_LINE_SIZE) struct sim_heap_entry engines[SIM_PMD_ENGINES_MAX];
	uint64_t quantiles[SIM_PMD_QUANTILES];
};

/** An operation in flight. Written by the enqueuing thread, then by the dequeuing one. */
struct sim_pmd_slot {
	struct rte_comp_op *op;
	uint64_t due; /* its model time, or when its group became visible if that is later */
	uint64_t nr;  /* the device's first operation is 1 */
};

/**
 * A queue pair. The numbers of its slots go round in the array `order`: the enqueuing thread uses
 * the one at `submitted`, the others find it there, the dequeuing thread puts it back at
 * `returned` + depth.
 *
 *	returned <= seen <= submitted <= returned + depth,	claimed <= submitted
 *
 * Within the dequeuing thread a slot waits for its model time in `order`, or if latencies vary in
 * `heap`, and moves on to `ready`: there those from `head` to `open` are visible, those to `tail`
 * wait for their group.
 */
struct sim_pmd_qp {
	/* Constant from set-up to release. */
	struct sim_pmd_dev *sim;
	uint32_t depth;
	uint32_t mask;
	uint16_t *order;
	struct sim_pmd_slot *slots;
	uint64_t *done_at; /* by slot: TSC, 0 until its work is done; written by a host thread */
	struct sim_heap_entry *heap;
	uint16_t *ready;

	/* Statistics count from here. Control thread. */
	struct rte_compressdev_stats base;

	/* Written by the enqueuing thread. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t submitted;
	uint64_t returned_seen;
	uint64_t refused;
	uint64_t busy;

	/* Written by the host threads. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t claimed;

	/* Written by the dequeuing thread. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint64_t returned;
	uint64_t seen;
	uint64_t failed_upto; /* of the model, as far as acted on */
	uint64_t group_end;   /* when the group that waits becomes visible */
	uint64_t rng;
	uint32_t nr_heap;
	uint32_t head, open, tail;
	uint64_t errors; /* operations that came back with one */
	uint64_t model_failed, late_ops, late_max, late_sum; /* since the start; cycles */
};

/** The host threads of one device. Only the last three are shared with other threads. */
struct sim_host {
	struct sim_pmd_dev *sim;
	struct sim_pmd_qp *qps[SIM_PMD_QPS_MAX];
	uint16_t nr_qps;
	uint16_t nr_threads;
	rte_thread_t threads[SIM_PMD_THREADS_MAX];
	uint64_t spin_cycles;
	/** 1 if a thread sleeps, or is about to, that nobody has woken. */
	_Alignas(RTE_CACHE_LINE_SIZE) uint32_t asleep;
	/** Counts the wake-ups: the futex that threads sleep on. */
	uint32_t wakeups;
	bool stop;
};

/** What a device keeps, in rte_compressdev_data.dev_private. */
struct sim_pmd_dev {
	struct sim_pmd_args args;
	uint64_t batch_cycles;
	LIST_ENTRY(sim_pmd_dev) link;
	const char *name;
	/** For the statistics, under their lock: compressdev's own array moves. */
	struct sim_pmd_qp *qps[SIM_PMD_QPS_MAX];
	struct sim_host host;
	struct sim_model model;
};

static inline uint64_t
sim_rng_next(uint64_t *rng)
{
	/* splitmix64 (Steele, Lea, Flood 2014): any seed is good, also 0. */
	uint64_t x = *rng += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* sim_args.c */

/** All arguments, for rte_pmd_info and for who gives a wrong one. */
#define SIM_PMD_PARAMS                                                                           \
	"profile=<hisi_zip|qpace|hwz|emerald_hill|iaa> depth=<1-4096> engines=<1-1024> "         \
	"latency_us=<N|uniform:LO:HI|tail:MEDIAN:P99> bandwidth=<MB/s> codec=<lz4|null> "        \
	"null_len=<bytes> accel=<1-65537> threads=<1-16> compress_only=<0|1> same_filled=<0|1> " \
	"dst_limit=<bytes> batch=<1-4096> batch_us=<N> reorder=<0|1> error_one_in=<N> "          \
	"hang_at=<N> hang_ms=<N> reset_at=<N> remove_at=<N> fail_probe=<0|1> fail_start=<0|1> "  \
	"seed=<N>"

/**
 * Parse device arguments; what is not given gets its default or that of the profile. Logs what is
 * wrong and what would be right.
 *
 * @return 0 or -EINVAL.
 */
int sim_pmd_args_parse(const char *text, struct sim_pmd_args *args);

/* sim_model.c */

/** Fill @p m, which is all zero, from @p args. */
void sim_model_init(struct sim_model *m, const struct sim_pmd_args *args);

/** The device is started: its engines are idle, a hang is over. Control thread. */
void sim_model_start(struct sim_model *m);

/** Begin a burst of sim_model_take(). @return the time at which it arrives. */
uint64_t sim_model_lock(struct sim_model *m);

void sim_model_unlock(struct sim_model *m);

/**
 * An operation of @p bytes arrives at @p now: give it a number and a time.
 *
 * @return whether it is taken; if not, the device is gone and @p slot is untouched.
 */
bool sim_model_take(struct sim_model *m, uint64_t now, uint32_t bytes, struct sim_pmd_slot *slot);

/* sim_op.c */

/** Do the work of an operation with liblz4, in @p state, which is the caller's and may be dirty. */
void sim_op_lz4(const struct sim_pmd_args *args, LZ4_stream_t *state, struct rte_comp_op *op);

/** Fill in an operation's result without a look at its bytes. */
void sim_op_null(const struct sim_pmd_args *args, struct rte_comp_op *op);

/** Give an operation a failure for its result. */
static inline void
sim_op_fail(struct rte_comp_op *op, uint8_t status)
{
	op->status = status;
	op->consumed = 0;
	op->produced = 0;
}

/* sim_pmd_ops.c */

extern struct rte_compressdev_ops sim_pmd_ops;

/* sim_pmd_xfer.c: the burst functions take a prefix; @p queue is a struct sim_pmd_qp. */

/** Take operations. If the device is gone, the first one that is not taken has status ERROR. */
uint16_t sim_pmd_enqueue(void *queue, struct rte_comp_op **ops, uint16_t nb_ops);

/** Take none: the device is not started. They count as enqueue errors. */
uint16_t sim_pmd_enqueue_stopped(void *queue, struct rte_comp_op **ops, uint16_t nb_ops);

/** Return operations whose time has come and whose work is done, also of a stopped device. */
uint16_t sim_pmd_dequeue(void *queue, struct rte_comp_op **ops, uint16_t nb_ops);

/** After a stop: let everything in flight be dequeued. Its work is done. */
void sim_pmd_qp_flush(struct sim_pmd_qp *qp);

/** Do the work of up to SIM_PMD_BURST operations. Host threads. @return how many. */
unsigned int sim_pmd_qp_work(struct sim_pmd_qp *qp, LZ4_stream_t *lz4_state);

/* sim_host.c */

/**
 * Start the host threads over all queue pairs of @p dev, which are set up.
 *
 * @return 0 or a negative errno of the creation of a thread; then none is left.
 */
int sim_host_start(struct rte_compressdev *dev);

/**
 * Stop the host threads: they first do everything that was enqueued, so nothing of the
 * application's memory is touched after the return.
 */
void sim_host_stop(struct sim_host *host);

/** The slow half of sim_host_kick(). */
void sim_host_wake(struct sim_host *host);

/** Wake the host threads if one sleeps, after operations were published. */
static inline void
sim_host_kick(struct sim_host *host)
{
	/* Pairs with the fence in host_sleep(): either it sees the operations or we the flag. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (unlikely(__atomic_load_n(&host->asleep, __ATOMIC_RELAXED) != 0))
		sim_host_wake(host);
}

/* sim_stats.c */

/** Make a device known to sim_pmd_stats_get(). */
void sim_stats_add(struct sim_pmd_dev *sim);

/** Forget it. */
void sim_stats_del(struct sim_pmd_dev *sim);

/** The device's queue pair is @p qp now, or none. @return the one before. */
struct sim_pmd_qp *sim_stats_set_qp(struct sim_pmd_dev *sim, uint16_t qp_id, struct sim_pmd_qp *qp);

#endif /* SIM_PMD_PRIVATE_H */
