/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Waiting for completions: spin for as long as a store takes, then arm the doorbell and sleep on
 * the queue's socket. One thread at a time.
 */

#include "client/zcl.h"

#include <errno.h>
#include <poll.h>

#include "client/client_private.h"
#include "ipc/doorbell.h"

#define SPIN_PAUSES 16

/* What is waited for, where it is not a number of completions: the end of sync_op. */
#define WAIT_SYNC UINT_MAX

static bool
satisfied(const struct zcl_queue *q, unsigned int nr)
{
	return nr == WAIT_SYNC ? q->sync_op == OP_NONE : q->nr_ready >= nr;
}

static void
spin(struct zcl_queue *q, unsigned int nr, uint64_t deadline)
{
	uint64_t now = zc_now_ns();
	uint64_t end = now + q->spin_ns < deadline ? now + q->spin_ns : deadline;

	while (now < end && !satisfied(q, nr)) {
		for (unsigned int i = 0; i < SPIN_PAUSES; i++)
			zc_pause();
		queue_drain(q);
		now = zc_now_ns();
	}
}

/*
 * Sleeps once, unless enough is there. What zcl_arm() promised holds meanwhile: then the next
 * completion of all rings, and no ring is taken off the socket, for the caller's epoll wants it.
 * @return 0 to look again, -ETIME, -EINTR
 */
static int
sleep_armed(struct zcl_queue *q, unsigned int nr, uint64_t deadline)
{
	struct pollfd p = {q->sock, POLLIN | POLLRDHUP, 0};
	uint32_t missing = nr == WAIT_SYNC || q->armed ? 1 : nr - q->nr_ready;
	int ret = 1;

	queue_forget_ring(q);
	zbell_arm(&q->head->cq_sleeper, q->cq.own + missing);
	queue_drain(q);
	if (!satisfied(q, nr)) {
		ret = poll(&p, 1, client_left_ms(deadline));
		if (ret < 0)
			ret = errno == EINTR ? -EINTR : 1;
		else if (ret == 0)
			ret = -ETIME;
	}
	if (!q->armed)
		zbell_disarm(&q->head->cq_sleeper);
	if ((p.revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0)
		queue_lose(q);
	else if ((p.revents & POLLIN) != 0 && !q->armed)
		q->was_rung = true;
	return ret < 0 ? ret : 0;
}

/* @return 0 when it is there, -ETIME, -EINTR. A queue that dies has everything there. */
static int
wait_until(struct zcl_queue *q, unsigned int nr, uint64_t deadline)
{
	int ret = 0;

	queue_drain(q);
	spin(q, nr, deadline);
	while (ret == 0 && !satisfied(q, nr)) {
		ret = sleep_armed(q, nr, deadline);
		queue_drain(q);
	}
	return satisfied(q, nr) ? 0 : ret;
}

int
zcl_wait(struct zcl_queue *q, unsigned int nr, int timeout_ms)
{
	int ret = queue_check(q);

	if (ret == -EPERM)
		return ret;
	if (ret == 0)
		queue_publish(q);
	if (queue_dead(q) && q->nr_ready == 0)
		return ret != 0 ? ret : -ECONNRESET;
	if (nr > q->nr_busy + q->nr_ready || timeout_ms < -1)
		return -EINVAL;
	ret = wait_until(q, nr, client_deadline(timeout_ms));
	if (ret == -EINTR)
		return ret;
	return ret == 0 || q->nr_ready > 0 ? (int)q->nr_ready : -ETIME;
}

int
zcl_arm(struct zcl_queue *q)
{
	int ret = queue_check(q);

	if (ret == -EPERM)
		return ret;
	if (ret == 0)
		queue_publish(q);
	queue_drain(q);
	if (q->nr_ready == 0 && !queue_dead(q)) {
		queue_forget_ring(q);
		zbell_arm(&q->head->cq_sleeper, q->cq.own + 1);
		q->armed = true;
		queue_drain(q);
	}
	if (q->nr_ready > 0)
		return 1;
	if (queue_dead(q))
		return ret != 0 ? ret : -ECONNRESET;
	return 0;
}

/* Waits for the operation that was just staged with OP_SYNC. */
static int
finish_sync(struct zcl_queue *q)
{
	uint64_t deadline = client_deadline(q->disk->zc->timeout_ms);
	int ret;

	queue_publish(q);
	do {
		ret = wait_until(q, WAIT_SYNC, deadline);
	} while (ret == -EINTR);
	if (ret == 0)
		return q->sync_res;
	q->ops[q->sync_op].state = OP_DROPPED;
	q->sync_op = OP_NONE;
	return ret;
}

int
zcl_store_sync(struct zcl_queue *q, uint64_t page, const void *src)
{
	int ret = queue_store(q, page, src, OP_SYNC, 0);

	return ret == 0 ? finish_sync(q) : ret;
}

int
zcl_discard_sync(struct zcl_queue *q, uint64_t page, uint64_t nr)
{
	int ret = queue_discard(q, page, nr, OP_SYNC, 0);

	return ret == 0 ? finish_sync(q) : ret;
}
