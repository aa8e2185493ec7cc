/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The consuming side of a queue, and its death. One thread at a time.
 *
 * Completions go from the ring to a list of ready operations, and from there to the caller: so the
 * ring is free for the service, zcl_*_sync() can pick out its own, and a queue that lost its
 * service holds all that is to be told in one place.
 */

#include "client/zcl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "client/client_private.h"
#include "ipc/doorbell.h"

/* A reap in vain looks at the socket when so much time has passed, or so many came before it. */
#define LOOK_NS    1000000u
#define LOOK_REAPS 4096u

static_assert(ZCL_CQE_SAME == ZWIRE_CQE_SAME && ZCL_CQE_HUGE == ZWIRE_CQE_HUGE &&
                      ZCL_CQE_MANAGED == ZWIRE_CQE_MANAGED && ZCL_CQE_INLINE == ZWIRE_CQE_INLINE &&
                      ZCL_CQE_CLIENT == ZWIRE_CQE_CLIENT,
              "passed through");

static void
make_ready(struct zcl_queue *q, uint32_t idx, int32_t res, uint32_t flags)
{
	struct client_op *op = &q->ops[idx];

	op->state = OP_READY;
	op->res = res;
	op->flags = flags;
	op->next = OP_NONE;
	if (q->ready_first == OP_NONE)
		q->ready_first = idx;
	else
		q->ops[q->ready_last].next = idx;
	q->ready_last = idx;
	q->nr_busy--;
	q->nr_ready++;
}

/* Ends an operation that is staged or submitted. @return whether it was */
static bool
end_op(struct zcl_queue *q, uint32_t idx, int32_t res, uint32_t flags)
{
	switch (q->ops[idx].state) {
	case OP_BUSY:
		make_ready(q, idx, res, flags);
		return true;
	case OP_SYNC:
		q->sync_op = OP_NONE;
		q->sync_res = res;
		queue_op_free(q, idx);
		return true;
	case OP_DROPPED:
		queue_op_free(q, idx);
		return true;
	default:
		return false;
	}
}

/* Takes all that is posted. @return 0, or -EPROTO when it makes no sense */
static int
drain_ring(struct zcl_queue *q)
{
	int nr = zring_peek(&q->cq, q->depth);

	if (nr <= 0)
		return nr;
	for (uint32_t i = 0; i < (uint32_t)nr; i++) {
		uint64_t words[ZWIRE_CQE_WORDS];
		struct zwire_cqe cqe;

		zring_read(&q->cq, i, words, ZWIRE_CQE_WORDS);
		memcpy(&cqe, words, sizeof(cqe));
		if (cqe.user_data >= q->depth ||
		    !end_op(q, (uint32_t)cqe.user_data, cqe.res, cqe.flags))
			return -EPROTO;
	}
	zring_release(&q->cq, (uint32_t)nr);
	return 0;
}

/* Whatever is under way is lost. */
static void
die(struct zcl_queue *q)
{
	for (uint32_t i = 0; i < q->depth; i++)
		end_op(q, i, -ECONNRESET, 0);
	q->nr_staged = 0;
	q->epoch_died = q->epoch_expected;
	q->epoch_expected = QUEUE_EPOCH_DEAD;
	shutdown(q->sock, SHUT_RDWR);
}

void
queue_drain(struct zcl_queue *q)
{
	if (!queue_dead(q) && drain_ring(q) != 0)
		die(q);
}

void
queue_lose(struct zcl_queue *q)
{
	/* The service posts before it hangs up, so what is there now is all there will ever be. */
	queue_drain(q);
	if (!queue_dead(q))
		die(q);
}

void
queue_quiet(struct zcl_queue *q)
{
	char bell;
	ssize_t n = recv(q->sock, &bell, sizeof(bell), MSG_DONTWAIT);

	if (n == 0)
		queue_lose(q);
}

void
queue_forget_ring(struct zcl_queue *q)
{
	if (!q->was_rung)
		return;
	q->was_rung = false;
	queue_quiet(q);
}

/* Hands ready operations out. */
static int
take_ready(struct zcl_queue *q, struct zcl_cqe *cqes, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr && q->ready_first != OP_NONE; i++) {
		uint32_t idx = q->ready_first;
		struct client_op *op = &q->ops[idx];

		cqes[i] = (struct zcl_cqe){op->user_data, op->res, op->flags};
		q->ready_first = op->next;
		q->nr_ready--;
		queue_op_free(q, idx);
	}
	return (int)i;
}

/* Looks from time to time whether the service is still there. */
static void
look(struct zcl_queue *q)
{
	uint64_t now = zc_now_ns();

	queue_forget_ring(q);
	q->nr_empty++;
	if (q->nr_empty < LOOK_REAPS && now - q->looked_ns < LOOK_NS)
		return;
	q->nr_empty = 0;
	q->looked_ns = now;
	if (!queue_dead(q) && client_hung_up(q->sock))
		queue_lose(q);
}

int
zcl_reap(struct zcl_queue *q, struct zcl_cqe *cqes, unsigned int nr)
{
	int ret = queue_check(q);

	if (ret == -EPERM)
		return ret;
	if (ret == 0 && q->armed) {
		q->armed = false;
		zbell_disarm(&q->head->cq_sleeper);
		queue_quiet(q);
	}
	queue_drain(q);
	if (q->nr_ready == 0 && !queue_dead(q))
		look(q);
	if (q->nr_ready > 0)
		return take_ready(q, cqes, nr);
	if (queue_dead(q))
		return ret != 0 ? ret : -ECONNRESET;
	return 0;
}
