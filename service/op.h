/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_OP_H
#define ZD_OP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "comp/zcomp.h"
#include "ipc/wire.h"
#include "store/store.h"

struct zd_disk;
struct zd_queue;
struct zd_worker;

/** Where an operation stands; each state names what it waits for. */
enum zd_op_state {
	ZD_OP_START,  /**< nothing done yet: order, memory limit, a stream */
	ZD_OP_COMP,   /**< its stream is submitted, or in a batch about to be */
	ZD_OP_REDO,   /**< its device failed; waits for the per-lcore stream */
	ZD_OP_PUT,    /**< has its result; to be stored */
	ZD_OP_OBJECT, /**< a client's object; to be copied in and stored */
	ZD_OP_DISCARD,
};

/** One operation of a client, from its SQE to its CQE. Belongs to its queue's worker. */
struct zd_op {
	STAILQ_ENTRY(zd_op) retry; /**< in the worker's retry list, or a spill list */
	struct zd_queue *queue;
	struct zd_op *successor;   /**< the next operation on the same page; starts after this */
	struct zd_op *bucket_next; /**< in the in-flight table */
	struct zcomp_strm *strm;   /**< held from ZD_OP_COMP to the end of ZD_OP_PUT */
	struct zwire_sqe sqe;      /**< the private, checked copy */
	struct zstore_put put;
	uint64_t done;     /**< pages of a discard */
	uint64_t since_ns; /**< since when it waits for a managed stream; zcomp_stream_ask()'s */
	enum zd_op_state state;
	uint32_t cqe_flags;
	bool spilled; /**< has been in the spill list */
};

/**
 * Checks what the wire's check cannot know of a precompressed store: whether the disk takes any,
 * its codecs (every decoder of ours is bounded) and its longest object. The bytes stay unchecked:
 * who decodes them takes failure as -EBADMSG of that page. Worker.
 * @param arg passed by zwire_sqe_check()
 * @return 0, -EOPNOTSUPP (not this disk), -EINVAL (no such codec, or too long to save memory)
 */
int zd_op_check_precomp(const struct zd_disk *disk, uint64_t arg);

/** Starts or goes on with an operation until it waits for something or is complete. */
void zd_op_run(struct zd_worker *w, struct zd_op *op);

/** Goes on with an operation whose stream has come back from zcomp_poll(). */
void zd_op_compressed(struct zd_worker *w, struct zd_op *op);

#endif
