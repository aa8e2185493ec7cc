/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The service's side of a queue: taking SQEs with a CQE's place in hand, completing, waking.
 *
 * Credit: operations in flight, plus CQEs that the client has not reaped, never exceed the depth;
 * so each completion has its place, and a client that does not reap stops only its own queue.
 * A range (a discard of several pages) is a barrier: it starts when nothing is in flight, and
 * nothing starts before it is complete.
 */

#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "disk.h"
#include "ipc/doorbell.h"
#include "ipc/shm.h"
#include "worker.h"

uint64_t
zd_queue_mem_len(const struct zd_disk *disk, uint32_t depth)
{
	return zwire_queue_layout(depth, zstore_super(disk->store)->page_size).len;
}

static int
alloc_ops(struct zd_queue *q)
{
	q->ops = (struct zd_op *)calloc(q->depth, sizeof(*q->ops));
	q->free_ops = (struct zd_op **)calloc(q->depth, sizeof(*q->free_ops));
	if (q->ops == NULL || q->free_ops == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < q->depth; i++) {
		q->ops[i].queue = q;
		q->free_ops[q->nr_free++] = &q->ops[i];
	}
	return zd_inflight_init(&q->inflight, q->depth);
}

static int
map_memory(struct zd_queue *q, uint32_t page_size, int *fd)
{
	struct zwire_queue_layout l = zwire_queue_layout(q->depth, page_size);
	char *mem;
	int ret;

	*fd = zshm_memfd("zcompd-queue", l.len);
	if (*fd < 0)
		return *fd;
	ret = zshm_map(*fd, l.len, &q->mem);
	if (ret != 0)
		return ret;
	q->mem_len = l.len;
	mem = (char *)q->mem;
	q->head = (struct zwire_queue_head *)q->mem;
	q->bufs = (const uint8_t *)mem + l.bufs_off;
	zring_init(&q->sq, &q->head->sq_head, &q->head->sq_tail, mem + l.sqes_off, q->depth);
	zring_init(&q->cq, &q->head->cq_tail, &q->head->cq_head, mem + l.cqes_off, q->depth);
	return 0;
}

static int
open_sockets(struct zd_queue *q, int fds[3])
{
	int socks[2];

	q->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->bell < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
		return -errno;
	q->sock = socks[0];
	/* Said once, where the service listens, when the kernel is too old for this. */
	(void)zshm_refuse_fds(q->sock);
	fds[1] = socks[1];
	fds[2] = q->bell;
	return 0;
}

int
zd_queue_create(struct zd_disk *disk, uint32_t depth, struct zd_queue **out, int fds[3])
{
	struct zd_queue *q;
	int ret;

	fds[0] = fds[1] = fds[2] = -1;
	q = (struct zd_queue *)calloc(1, sizeof(*q));
	if (q == NULL)
		return -ENOMEM;
	q->disk = disk;
	q->depth = depth;
	q->sock = -1;
	q->bell = -1;
	ret = alloc_ops(q);
	if (ret == 0)
		ret = map_memory(q, zstore_super(disk->store)->page_size, &fds[0]);
	if (ret == 0)
		ret = open_sockets(q, fds);
	if (ret != 0) {
		if (fds[0] >= 0)
			close(fds[0]);
		fds[0] = -1;
		zd_queue_destroy(q);
		return ret;
	}
	*out = q;
	return 0;
}

void
zd_queue_destroy(struct zd_queue *q)
{
	if (q == NULL)
		return;
	if (q->sock >= 0)
		close(q->sock);
	if (q->bell >= 0)
		close(q->bell);
	if (q->mem != NULL)
		munmap(q->mem, q->mem_len);
	zd_inflight_fini(&q->inflight);
	free(q->free_ops);
	free(q->ops);
	free(q);
}

static bool
is_range(const struct zwire_sqe *sqe)
{
	return sqe->opcode == ZWIRE_OP_DISCARD && sqe->arg > 1;
}

/* Starts an operation, or completes it with what its check said. @return false when it must wait in
 * the ring: a range for all before it. */
static bool
start(struct zd_worker *w, struct zd_queue *q, const struct zwire_sqe *sqe, int check)
{
	struct zd_op *op;

	if (check == 0 && is_range(sqe) && zd_queue_in_flight(q) > 0)
		return false;
	op = q->free_ops[--q->nr_free];
	op->sqe = *sqe;
	op->state = ZD_OP_START;
	op->cqe_flags = 0;
	op->done = 0;
	op->since_ns = 0;
	op->spilled = false;
	op->successor = NULL;
	op->strm = NULL;
	op->put = (struct zstore_put){.page = sqe->page};
	w->in_flight++;
	if (check != 0) {
		if (sqe->opcode != ZWIRE_OP_DISCARD)
			zstore_count_failed_store(q->disk->store);
		zd_queue_complete(w, op, check);
	} else if (is_range(sqe)) {
		q->barrier = true;
		zd_op_run(w, op);
	} else if (zd_inflight_add(&q->inflight, op)) {
		zd_op_run(w, op);
	}
	return true;
}

int
zd_queue_take(struct zd_worker *w, struct zd_queue *q, unsigned int budget)
{
	uint64_t pages = zstore_super(q->disk->store)->pages;
	uint32_t busy = zd_queue_in_flight(q) + q->cq_pending;
	int room = zring_reserve(&q->cq, busy + budget);
	int known = zring_peek(&q->sq, budget), nr = known;
	unsigned int taken = 0;

	if (room < 0 || nr < 0)
		return -EPROTO;
	if ((uint32_t)room <= busy)
		return 0;
	room -= (int)busy;
	if (nr > room)
		nr = room;
	if (nr > (int)budget)
		nr = (int)budget;
	while ((int)taken < nr && q->retrying == 0 && !q->barrier) {
		union {
			struct zwire_sqe sqe;
			uint64_t words[ZWIRE_SQE_WORDS];
		} copy;
		int check;

		zring_read(&q->sq, taken, copy.words, ZWIRE_SQE_WORDS);
		check = zwire_sqe_check(&copy.sqe, q->depth, pages);
		if (check == -EPROTO)
			return -EPROTO;
		if (check == 0 && copy.sqe.opcode == ZWIRE_OP_STORE_PRECOMP)
			check = zd_op_check_precomp(q->disk, copy.sqe.arg);
		w->waiting = (unsigned int)known - taken - 1;
		if (!start(w, q, &copy.sqe, check))
			break;
		taken++;
	}
	if (taken > 0)
		zring_release(&q->sq, taken);
	return (int)taken;
}

void
zd_queue_complete(struct zd_worker *w, struct zd_op *op, int res)
{
	union {
		struct zwire_cqe cqe;
		uint64_t words[ZWIRE_CQE_WORDS];
	} out = {{op->sqe.user_data, res, op->cqe_flags}};
	struct zd_queue *q = op->queue;
	struct zd_op *next = NULL;

	zring_write(&q->cq, q->cq_pending++, out.words, ZWIRE_CQE_WORDS);
	if (!q->is_dirty) {
		q->is_dirty = true;
		SLIST_INSERT_HEAD(&w->dirty, q, dirty);
	}
	if (is_range(&op->sqe))
		q->barrier = false;
	else
		next = zd_inflight_del(&q->inflight, op);
	q->free_ops[q->nr_free++] = op;
	w->in_flight--;
	zd_count(&w->stats.ops, 1);
	if (next != NULL)
		zd_worker_retry(w, next);
}

void
zd_queue_flush(struct zd_queue *q)
{
	uint32_t pending = q->cq_pending;

	if (pending == 0)
		return;
	q->cq_pending = 0;
	zring_commit(&q->cq, pending);
	/* A full socket buffer means that the client has been rung often enough, and a vanished
	 * client is noticed by its hang-up: both are no news here. */
	if (zbell_due(&q->head->cq_sleeper, q->cq.own, &q->rung))
		(void)zshm_send(q->sock, "", 1, NULL, 0);
}
