/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Stores that the client compresses because the service is busy enough. One thread at a time.
 *
 * The service counts as saturated while it leaves more of the queue untaken than it works off in
 * the time of one page here: then it never runs dry meanwhile. What is untaken is seen by its own
 * index in the queue's memory, which is read only where the last one read leaves the question open.
 *
 * The result is made in private memory, as far as it may grow, and then copied: the codec is
 * faster where it need not watch for the end, src may be the buffer itself, and a page that does
 * not compress has not spoilt anything.
 */

#include "client/zcl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/client_private.h"

/* Untaken operations that are enough to keep a worker busy, even if all of them are objects that
 * cost it a tenth of a page: twice what it takes at a time. More would only widen the circle of
 * buffers, which then fall out of the cache. */
#define ENOUGH 64u

int
queue_compress_init(struct zcl_queue *q)
{
	const struct zarena_super *super = q->disk->reader.super;
	const struct zcodec *codec = zcodec_by_id(super->codecs[0].id);
	size_t ctx_len;

	if ((super->flags & ZARENA_PRECOMP) == 0 || codec == NULL)
		return -EOPNOTSUPP;
	ctx_len = (codec->ctx_len() + 63) & ~(size_t)63;
	q->ctx = aligned_alloc(64, ctx_len + 2 * (size_t)q->page_size);
	if (q->ctx == NULL)
		return -ENOMEM;
	q->object = (uint8_t *)q->ctx + ctx_len;
	q->level = super->codecs[0].level;
	q->codec = codec;
	return 0;
}

void
queue_compress_fini(struct zcl_queue *q)
{
	free(q->ctx);
}

static bool
saturated(struct zcl_queue *q)
{
	uint32_t enough = q->depth / 4 < ENOUGH ? q->depth / 4 : ENOUGH;
	int room = zring_reserve(&q->sq, q->depth - enough);

	/* An index that cannot be is found out by the next operation. */
	return room >= 0 && (uint32_t)room < q->depth - enough;
}

/* @return objects of that length or more are of no use: they go as pages */
static uint32_t
huge_len(const struct zcl_queue *q)
{
	uint32_t len = zc_load_relaxed(&q->disk->reader.super->huge_len);

	return len < q->page_size ? len : q->page_size;
}

bool
queue_compress(struct zcl_queue *q, const void *src, void *buf, struct zwire_sqe *sqe)
{
	int len;

	if (q->codec == NULL || !saturated(q))
		return false;
	len = q->codec->compress(q->ctx, q->level, src, q->page_size, q->object, 2 * q->page_size);
	if (len <= 0 || (uint32_t)len >= huge_len(q))
		return false;
	memcpy(buf, q->object, (size_t)len);
	sqe->opcode = ZWIRE_OP_STORE_PRECOMP;
	sqe->arg = zwire_precomp_arg((uint32_t)len, 0);
	return true;
}
