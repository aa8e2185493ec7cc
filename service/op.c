/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * One operation's way from SQE to CQE, on its queue's worker:
 *
 *   store    START: reserve, ask for a stream, copy the page in -> same-filled: PUT
 *                                                               -> else COMP, until polled -> PUT
 *            device error: REDO on a per-lcore stream -> COMP -> PUT
 *   same     START -> PUT
 *   precomp  START: reserve -> OBJECT: copy the object in, store it
 *   discard  START -> DISCARD, some pages at each poll
 *
 * What becomes of a page for which no stream is free is the policy of its disk. Whatever cannot go
 * on waits in the worker's retry list. The page is copied before anything looks at it: the client
 * may change it at any time, and liblz4 reads beyond a page that changes while it compresses it
 * (1.9.4, between guard pages, once in some 100,000 pages).
 */

#include "op.h"

#include <errno.h>
#include <string.h>

#include "base/same.h"
#include "comp/policy.h"
#include "disk.h"
#include "queue.h"
#include "worker.h"

static void
finish(struct zd_worker *w, struct zd_op *op, int res)
{
	if (op->strm != NULL) {
		zcomp_stream_put(op->strm);
		op->strm = NULL;
	}
	zd_queue_complete(w, op, res);
}

static void
run_put(struct zd_worker *w, struct zd_op *op)
{
	struct zd_disk *disk = op->queue->disk;
	int ret = zstore_put(disk->store, &op->put);

	if (zstore_wants_populate(disk->store))
		zd_disk_ask_populate(disk, w->gone);
	if (ret == -EAGAIN)
		zd_worker_retry(w, op);
	else
		finish(w, op, ret);
}

/* The client's bytes are anybody's until they are placed, and are taken anew at each try: nothing
 * of an earlier copy counts. The checksum is that of the copy. */
static void
run_object(struct zd_worker *w, struct zd_op *op)
{
	uint32_t page_size = zstore_super(op->queue->disk->store)->page_size;
	uint32_t len = zwire_precomp_len(op->sqe.arg);

	if (!op->put.placed) {
		memcpy(w->object, op->queue->bufs + (uint64_t)op->sqe.buf * page_size, len);
		zstore_put_object(&op->put, op->sqe.page, zwire_precomp_prio(op->sqe.arg),
		                  w->object, len);
	}
	run_put(w, op);
}

static void
start_put_same(struct zd_worker *w, struct zd_op *op, uint64_t word)
{
	zstore_put_same(&op->put, op->sqe.page, word);
	op->cqe_flags |= ZWIRE_CQE_SAME;
	op->state = ZD_OP_PUT;
	run_put(w, op);
}

static void
run_discard(struct zd_worker *w, struct zd_op *op)
{
	struct zstore *store = op->queue->disk->store;

	/* A range is not atomic, and may be long: a queue that dies does not wait for the rest. */
	if (op->queue->state == ZD_QUEUE_DRAINING) {
		zd_queue_complete(w, op, -ECONNRESET);
		return;
	}
	op->done += zstore_discard(store, op->sqe.page + op->done, op->sqe.arg - op->done);
	if (op->done == op->sqe.arg)
		zd_queue_complete(w, op, 0);
	else
		zd_worker_retry(w, op);
}

static struct zcomp_policy
policy_of(const struct zd_op *op)
{
	return zcomp_policy_unpack(zc_load_relaxed(&op->queue->disk->policy));
}

/* Asks for a stream: a managed one only where the batch has a place. */
static enum zcomp_verdict
ask_stream(struct zd_worker *w, struct zd_op *op)
{
	unsigned int c = op->queue->disk->compressor;
	struct zd_batch *batch = &w->batches[c];
	struct zcomp_want want = {
	        .policy = policy_of(op),
	        .waiting = w->waiting,
	        .spilled = batch->nr_spilled,
	        .since_ns = op->since_ns,
	};
	enum zcomp_verdict verdict;

	if (batch->nr == ZD_BURST)
		zd_worker_submit(w, c);
	want.full = batch->nr == ZD_BURST;
	verdict = zcomp_stream_ask(w->compressors->entries[c].comp, w->idx, &want, &op->strm);
	op->since_ns = want.since_ns;
	return verdict;
}

/* A per-lcore stream compresses at once: behind managed ones it would wait for a device that may
 * take nothing. */
static void
batch_stream(struct zd_worker *w, struct zd_op *op)
{
	unsigned int c = op->queue->disk->compressor;
	struct zcomp *comp = w->compressors->entries[c].comp;
	struct zd_batch *batch = &w->batches[c];

	op->strm->user = op;
	op->state = ZD_OP_COMP;
	op->cqe_flags &= ~(ZWIRE_CQE_MANAGED | ZWIRE_CQE_INLINE);
	if (op->strm->managed) {
		op->cqe_flags |= ZWIRE_CQE_MANAGED;
		batch->strms[batch->nr++] = op->strm;
		return;
	}
	if (zcomp_managed(comp) && policy_of(op).kind != ZCOMP_POLICY_SOFTWARE)
		op->cqe_flags |= ZWIRE_CQE_INLINE;
	zcomp_submit(comp, w->idx, &op->strm, 1);
}

/* @return whether the worst case is reserved; else the operation waits or has failed */
static bool
reserve(struct zd_worker *w, struct zd_op *op)
{
	int ret;

	if (op->put.reserved)
		return true;
	ret = zstore_reserve(op->queue->disk->store, op->sqe.page, &op->put);
	if (ret == 0)
		return true;
	if (ret == -EAGAIN)
		zd_worker_retry(w, op);
	else
		finish(w, op, ret);
	return false;
}

static void
refuse(struct zd_worker *w, struct zd_op *op)
{
	struct zstore *store = op->queue->disk->store;

	zstore_unreserve(store, &op->put);
	zstore_count_failed_store(store);
	zd_count(&w->stats.refused, 1);
	finish(w, op, -EAGAIN);
}

static void
fill_stream(struct zd_worker *w, struct zd_op *op)
{
	uint32_t page_size = zstore_super(op->queue->disk->store)->page_size;
	uint64_t word;

	memcpy(op->strm->src, op->queue->bufs + (uint64_t)op->sqe.buf * page_size, page_size);
	if (zc_same_filled(op->strm->src, page_size, &word))
		start_put_same(w, op, word);
	else
		batch_stream(w, op);
}

static void
start_store(struct zd_worker *w, struct zd_op *op)
{
	if (!reserve(w, op))
		return;
	switch (ask_stream(w, op)) {
	case ZCOMP_GRANTED:
		fill_stream(w, op);
		break;
	case ZCOMP_WAIT:
		zd_worker_retry(w, op);
		break;
	case ZCOMP_SPILL:
		zd_worker_spill(w, op);
		break;
	case ZCOMP_REFUSED:
		refuse(w, op);
		break;
	}
}

int
zd_op_check_precomp(const struct zd_disk *disk, uint64_t arg)
{
	const struct zarena_super *super = zstore_super(disk->store);

	if ((super->flags & ZARENA_PRECOMP) == 0)
		return -EOPNOTSUPP;
	if (super->codecs[zwire_precomp_prio(arg)].id == ZCODEC_NONE ||
	    zwire_precomp_len(arg) >= zstore_huge_len(disk->store))
		return -EINVAL;
	return 0;
}

static void
start_precomp(struct zd_worker *w, struct zd_op *op)
{
	if (!reserve(w, op))
		return;
	op->cqe_flags |= ZWIRE_CQE_CLIENT;
	op->state = ZD_OP_OBJECT;
	run_object(w, op);
}

/* The device failed this page: software compresses it, and the client does not hear of it. */
static void
redo(struct zd_worker *w, struct zd_op *op)
{
	struct zcomp *comp = w->compressors->entries[op->queue->disk->compressor].comp;
	struct zcomp_strm *strm = zcomp_stream_get(comp, w->idx, ZSTRM_DEFAULT);

	if (strm == NULL) {
		op->state = ZD_OP_REDO;
		zd_worker_retry(w, op);
		return;
	}
	memcpy(strm->src, op->strm->src, zstore_super(op->queue->disk->store)->page_size);
	zcomp_stream_put(op->strm);
	op->strm = strm;
	zd_count(&w->stats.redone, 1);
	batch_stream(w, op);
}

void
zd_op_compressed(struct zd_worker *w, struct zd_op *op)
{
	struct zstore *store = op->queue->disk->store;
	int len = op->strm->result;

	if (len < 0 && len != -ENOSPC && op->strm->managed) {
		redo(w, op);
		return;
	}
	if (len > 0 && (uint32_t)len < zstore_huge_len(store)) {
		zstore_put_object(&op->put, op->sqe.page, 0, op->strm->dst, (uint32_t)len);
	} else {
		zstore_put_raw(store, &op->put, op->sqe.page, op->strm->src);
		op->cqe_flags |= ZWIRE_CQE_HUGE;
	}
	op->state = ZD_OP_PUT;
	run_put(w, op);
}

void
zd_op_run(struct zd_worker *w, struct zd_op *op)
{
	switch (op->state) {
	case ZD_OP_PUT:
		run_put(w, op);
		break;
	case ZD_OP_DISCARD:
		run_discard(w, op);
		break;
	case ZD_OP_REDO:
		redo(w, op);
		break;
	case ZD_OP_OBJECT:
		run_object(w, op);
		break;
	default:
		if (op->sqe.opcode == ZWIRE_OP_DISCARD) {
			op->state = ZD_OP_DISCARD;
			run_discard(w, op);
		} else if (op->sqe.opcode == ZWIRE_OP_STORE_SAME) {
			start_put_same(w, op, op->sqe.arg);
		} else if (op->sqe.opcode == ZWIRE_OP_STORE_PRECOMP) {
			start_precomp(w, op);
		} else {
			start_store(w, op);
		}
		break;
	}
}
