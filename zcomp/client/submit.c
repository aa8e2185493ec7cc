/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The producing side of a queue: operations, their buffers, staging, publishing. One thread at a
 * time.
 *
 * Operation i owns page buffer i, and i is the user_data of its SQE: the caller's user_data never
 * leaves the process. Free operations are a stack, so that the buffer filled next is the one that
 * is warm. The ring has as many entries as there are operations, so it has room for each.
 */

#include "client/zcl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/same.h"
#include "client/client_private.h"
#include "ipc/doorbell.h"

/* What a new operation is for the client; what it is for the service is in its SQE. */
struct intent {
	enum client_op_state state;
	uint64_t user_data;
};

static void *
buf_of(const struct zcl_queue *q, uint32_t idx)
{
	return q->bufs + (size_t)idx * q->page_size;
}

/* A bell rings whether or not there is somebody to hear it: that the socket knows. */
static void
ring_bell(struct zcl_queue *q)
{
	const uint64_t one = 1;

	if (write(q->bell, &one, sizeof(one)) < 0)
		q->sq_rung = 0; /* let the next one try again */
	if (client_hung_up(q->sock))
		queue_lose(q);
}

void
queue_publish(struct zcl_queue *q)
{
	if (q->nr_staged == 0)
		return;
	zring_commit(&q->sq, q->nr_staged);
	q->nr_staged = 0;
	if (zbell_due(&q->head->sq_sleeper, q->sq.own, &q->sq_rung))
		ring_bell(q);
}

/* @return 0 when the ring takes one more, -EAGAIN, -ECONNRESET */
static int
check_room(struct zcl_queue *q)
{
	int room = zring_reserve(&q->sq, q->nr_staged + 1);

	if (room < 0) {
		queue_lose(q);
		return -ECONNRESET;
	}
	return (uint32_t)room > q->nr_staged ? 0 : -EAGAIN;
}

/* Takes an operation off the free ones. */
static int
take(struct zcl_queue *q, uint32_t *idx)
{
	if (q->free_first == OP_NONE)
		return -EAGAIN;
	*idx = q->free_first;
	q->free_first = q->ops[*idx].next;
	return 0;
}

/* Stages operation @p idx, whatever it was before. The ring has room. */
static void
stage(struct zcl_queue *q, uint32_t idx, const struct intent *intent, struct zwire_sqe *sqe)
{
	uint64_t words[ZWIRE_SQE_WORDS];

	q->ops[idx].state = intent->state;
	q->ops[idx].user_data = intent->user_data;
	if (intent->state == OP_SYNC)
		q->sync_op = idx;
	else
		q->nr_busy++;
	sqe->buf = idx;
	sqe->user_data = idx;
	memcpy(words, sqe, sizeof(words));
	zring_write(&q->sq, q->nr_staged, words, ZWIRE_SQE_WORDS);
	q->nr_staged++;
	if (q->nr_staged >= QUEUE_STAGE_MAX || q->free_first == OP_NONE)
		queue_publish(q);
}

static int
check_page(struct zcl_queue *q, uint64_t page)
{
	int ret = queue_check(q);

	if (ret != 0)
		return ret;
	return page < q->pages ? check_room(q) : -ERANGE;
}

int
queue_store(struct zcl_queue *q, uint64_t page, const void *src, enum client_op_state state,
            uint64_t user_data)
{
	struct zwire_sqe sqe = {.opcode = ZWIRE_OP_STORE, .page = page};
	struct intent intent = {state, user_data};
	uint32_t idx = 0;
	void *buf;
	int ret;

	ret = check_page(q, page);
	if (ret == 0)
		ret = take(q, &idx);
	if (ret != 0)
		return ret;
	buf = buf_of(q, idx);
	if ((uintptr_t)src % sizeof(uint64_t) != 0)
		src = memcpy(buf, src, q->page_size);
	if (zc_same_filled(src, q->page_size, &sqe.arg))
		sqe.opcode = ZWIRE_OP_STORE_SAME;
	else if (!queue_compress(q, src, buf, &sqe) && src != buf)
		memcpy(buf, src, q->page_size);
	stage(q, idx, &intent, &sqe);
	return 0;
}

int
zcl_store(struct zcl_queue *q, uint64_t page, const void *src, uint64_t user_data)
{
	return queue_store(q, page, src, OP_BUSY, user_data);
}

void *
zcl_buf_get(struct zcl_queue *q)
{
	uint32_t idx;

	if (queue_check(q) != 0 || take(q, &idx) != 0)
		return NULL;
	q->ops[idx].state = OP_HELD;
	return buf_of(q, idx);
}

/* @return the operation whose buffer the caller has borrowed, or OP_NONE */
static uint32_t
held_op(const struct zcl_queue *q, const void *buf)
{
	uintptr_t off = (uintptr_t)buf - (uintptr_t)q->bufs;
	/* A power of two: a division would be a tenth of the store. */
	uintptr_t idx = off >> __builtin_ctz(q->page_size);

	if (idx >= q->depth || (off & (q->page_size - 1)) != 0 || q->ops[idx].state != OP_HELD)
		return OP_NONE;
	return (uint32_t)idx;
}

void
zcl_buf_put(struct zcl_queue *q, void *buf)
{
	uint32_t idx = held_op(q, buf);

	if (idx != OP_NONE)
		queue_op_free(q, idx);
}

int
zcl_store_buf(struct zcl_queue *q, uint64_t page, void *buf, uint64_t user_data)
{
	struct zwire_sqe sqe = {.opcode = ZWIRE_OP_STORE, .page = page};
	struct intent intent = {OP_BUSY, user_data};
	uint32_t idx;
	int ret;

	ret = check_page(q, page);
	if (ret != 0)
		return ret;
	idx = held_op(q, buf);
	if (idx == OP_NONE)
		return -EINVAL;
	if (zc_same_filled(buf, q->page_size, &sqe.arg))
		sqe.opcode = ZWIRE_OP_STORE_SAME;
	else
		queue_compress(q, buf, buf, &sqe);
	stage(q, idx, &intent, &sqe);
	return 0;
}

int
zcl_store_range(struct zcl_queue *q, uint64_t page, uint32_t off, uint32_t len, const void *src,
                uint64_t user_data)
{
	if (len == 0 || len > q->page_size || off > q->page_size - len)
		return -EINVAL;
	if (len != q->page_size)
		return -EOPNOTSUPP;
	return queue_store(q, page, src, OP_BUSY, user_data);
}

int
queue_discard(struct zcl_queue *q, uint64_t page, uint64_t nr, enum client_op_state state,
              uint64_t user_data)
{
	struct zwire_sqe sqe = {.opcode = ZWIRE_OP_DISCARD, .page = page, .arg = nr};
	struct intent intent = {state, user_data};
	uint32_t idx = 0;
	int ret;

	if (nr == 0)
		return -EINVAL;
	ret = check_page(q, page);
	if (ret == 0 && nr > q->pages - page)
		ret = -ERANGE;
	if (ret == 0)
		ret = take(q, &idx);
	if (ret != 0)
		return ret;
	stage(q, idx, &intent, &sqe);
	return 0;
}

int
zcl_discard(struct zcl_queue *q, uint64_t page, uint64_t nr, uint64_t user_data)
{
	return queue_discard(q, page, nr, OP_BUSY, user_data);
}

int
zcl_submit(struct zcl_queue *q)
{
	uint32_t nr = q->nr_staged;
	int ret;

	ret = queue_check(q);
	if (ret != 0)
		return ret;
	queue_publish(q);
	return queue_dead(q) ? -ECONNRESET : (int)nr;
}
