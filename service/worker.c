/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A worker's loop: devices, spill and retry lists, queues, devices again, completions, and sleep.
 *
 * Queues that have been idle for a while are armed and leave the polling set; their bell brings
 * them back, which a busy worker hears by a look at its epoll every LOOK_US. With no queue polled
 * and nothing in flight it sleeps there. Retried and spilled operations are drained at every poll,
 * from one place, whether or not anything completed.
 */

#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "disk.h"
#include "ipc/doorbell.h"

#define LOOK_US   50 /* A doorbell waits no longer than a wake-up takes anyway (about 50 us). */
#define SPIN_US   50 /* Likewise: polling longer than a wake-up takes cannot pay. */
#define EPOLL_MAX 32

void
zd_worker_add(struct zd_worker *w, struct zd_queue *q)
{
	q->worker = w;
	zd_mailbox_put(&w->inbox, q);
}

void
zd_worker_kill(struct zd_queue *q)
{
	zc_store_relaxed(&q->dying, 1);
	zd_mailbox_notify(&q->worker->inbox);
}

void
zd_worker_stop(struct zd_worker *w)
{
	zc_store_relaxed(&w->stopping, 1);
	zd_mailbox_notify(&w->inbox);
}

static int
watch(struct zd_worker *w, int fd, uint32_t events, void *ptr)
{
	struct epoll_event ev = {.events = events, .data.ptr = ptr};

	return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int
zd_worker_create(const struct zd_worker_opts *opts, struct zd_worker **out)
{
	struct zd_worker *w = (struct zd_worker *)calloc(1, sizeof(*w));
	int ret;

	if (w == NULL)
		return -ENOMEM;
	LIST_INIT(&w->queues);
	TAILQ_INIT(&w->polled);
	STAILQ_INIT(&w->retry);
	SLIST_INIT(&w->dirty);
	for (unsigned int i = 0; i < ZD_COMPRESSORS_MAX; i++)
		STAILQ_INIT(&w->batches[i].spilled);
	w->compressors = opts->compressors;
	w->gone = opts->gone;
	w->idx = opts->idx;
	w->lcore_id = opts->lcore_id;
	w->cpu = opts->cpu;
	w->node = opts->node;
	w->spin_cycles = SPIN_US * rte_get_tsc_hz() / 1000000;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ret = zd_mailbox_init(&w->inbox);
	if (ret == 0)
		ret = w->epoll_fd < 0 ? -errno : watch(w, w->inbox.fd, EPOLLIN, NULL);
	if (ret != 0) {
		zd_worker_destroy(w);
		return ret;
	}
	*out = w;
	return 0;
}

void
zd_worker_destroy(struct zd_worker *w)
{
	if (w == NULL)
		return;
	zd_mailbox_fini(&w->inbox);
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	free(w);
}

void
zd_worker_retry(struct zd_worker *w, struct zd_op *op)
{
	STAILQ_INSERT_TAIL(&w->retry, op, retry);
	op->queue->retrying++;
	w->nr_retry++;
}

/* Runs each operation that waited when the poll began once; those that wait again go to the end. */
static void
drain_retry(struct zd_worker *w)
{
	unsigned int nr = w->nr_retry;

	zd_count(&w->stats.retries, nr);
	for (; nr > 0; nr--) {
		struct zd_op *op = STAILQ_FIRST(&w->retry);

		STAILQ_REMOVE_HEAD(&w->retry, retry);
		op->queue->retrying--;
		w->nr_retry--;
		w->waiting = nr - 1;
		zd_op_run(w, op);
	}
}

void
zd_worker_spill(struct zd_worker *w, struct zd_op *op)
{
	struct zd_batch *b = &w->batches[op->queue->disk->compressor];

	if (op->spilled) {
		STAILQ_INSERT_HEAD(&b->spilled, op, retry);
	} else {
		STAILQ_INSERT_TAIL(&b->spilled, op, retry);
		op->spilled = true;
		zd_count(&w->stats.spills, 1);
	}
	b->nr_spilled++;
}

/* Gives what was spilled the streams that have become free, in order, until there is none: then the
 * operation is back at the head, or waits for the per-lcore stream in the retry list. */
static void
drain_spilled(struct zd_worker *w, struct zd_batch *b)
{
	struct zd_op *op;

	while ((op = STAILQ_FIRST(&b->spilled)) != NULL) {
		unsigned int nr_retry = w->nr_retry;

		STAILQ_REMOVE_HEAD(&b->spilled, retry);
		b->nr_spilled--;
		w->waiting = b->nr_spilled;
		zd_op_run(w, op);
		if (STAILQ_FIRST(&b->spilled) == op || w->nr_retry != nr_retry)
			break;
	}
}

void
zd_worker_submit(struct zd_worker *w, unsigned int compressor)
{
	struct zd_batch *b = &w->batches[compressor];
	struct zcomp *comp = w->compressors->entries[compressor].comp;
	struct zcomp_strm *first = b->strms[0];
	unsigned int taken, shift;

	if (b->nr == 0)
		return;
	taken = zcomp_submit(comp, w->idx, b->strms, b->nr);
	shift = taken > 0 ? taken : 1;
	memmove(b->strms, &b->strms[shift], (b->nr - shift) * sizeof(b->strms[0]));
	b->nr -= taken;
	/* A device that takes none must not keep those of others waiting. */
	if (taken == 0)
		b->strms[b->nr - 1] = first;
}

static unsigned int
poll_compressors(struct zd_worker *w, unsigned int nr_compressors)
{
	struct zcomp_strm *done[ZD_BURST];
	unsigned int total = 0;

	for (unsigned int c = 0; c < nr_compressors; c++) {
		unsigned int nr =
		        zcomp_poll(w->compressors->entries[c].comp, w->idx, done, ZD_BURST);

		for (unsigned int i = 0; i < nr; i++)
			zd_op_compressed(w, (struct zd_op *)done[i]->user);
		total += nr;
	}
	return total;
}

/*
 * Hears a queue's hang-up, and its bell. The bell is never read: its client could make that wait
 * for ever. What wakes is that the count was raised, whatever it is.
 */
static int
watch_queue(struct zd_worker *w, struct zd_queue *q)
{
	int ret = watch(w, q->sock, EPOLLRDHUP, q);

	return ret == 0 ? watch(w, q->bell, EPOLLIN | EPOLLET, q) : ret;
}

/* A queue that is drained: nothing of it can take effect any more. Only now the client may see the
 * hang-up. The client keeps the bell open, so that closing it would not take it off the epoll. */
static void
bury(struct zd_worker *w, struct zd_queue *q)
{
	epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, q->bell, NULL);
	epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, q->sock, NULL);
	TAILQ_REMOVE(&w->polled, q, link);
	LIST_REMOVE(q, own);
	shutdown(q->sock, SHUT_RDWR);
	zd_mailbox_put(w->gone, q);
}

static void
drain(struct zd_worker *w, struct zd_queue *q)
{
	if (q->state == ZD_QUEUE_DRAINING)
		return;
	if (q->state == ZD_QUEUE_ARMED)
		TAILQ_INSERT_TAIL(&w->polled, q, link);
	q->state = ZD_QUEUE_DRAINING;
}

static void
arm(struct zd_worker *w, struct zd_queue *q)
{
	zbell_arm(&q->head->sq_sleeper, q->sq.own + 1);
	if (zring_peek(&q->sq, 1) != 0) {
		zbell_disarm(&q->head->sq_sleeper);
		return;
	}
	TAILQ_REMOVE(&w->polled, q, link);
	q->state = ZD_QUEUE_ARMED;
}

/* One queue's turn. @return operations taken */
static unsigned int
serve(struct zd_worker *w, struct zd_queue *q, uint64_t now)
{
	int taken;

	if (q->state == ZD_QUEUE_DRAINING) {
		/* Its last completions may be on their way: the end of the poll posts them. */
		if (zd_queue_in_flight(q) == 0 && !q->is_dirty)
			bury(w, q);
		return 0;
	}
	taken = zd_queue_take(w, q, ZD_BURST);
	if (taken < 0) {
		q->poisoned = true;
		drain(w, q);
		return 0;
	}
	if (taken > 0 || zd_queue_in_flight(q) > 0)
		q->last_work = now;
	else if (now - q->last_work > w->spin_cycles)
		arm(w, q);
	return (unsigned int)taken;
}

/* Takes what the main lcore has put down: new queues, and those that it wants back. */
static void
hear_main(struct zd_worker *w)
{
	struct zd_queue *q = zd_mailbox_take(&w->inbox), *next;

	for (; q != NULL; q = next) {
		next = q->mail_next;
		q->state = ZD_QUEUE_POLLED;
		q->last_work = rte_rdtsc();
		LIST_INSERT_HEAD(&w->queues, q, own);
		TAILQ_INSERT_TAIL(&w->polled, q, link);
		if (watch_queue(w, q) != 0)
			drain(w, q);
	}
	LIST_FOREACH (q, &w->queues, own) {
		if (zc_load_relaxed(&q->dying) != 0)
			drain(w, q);
	}
}

static void
hear_client(struct zd_worker *w, struct zd_queue *q, uint32_t events)
{
	if ((events & ~(uint32_t)EPOLLIN) != 0) {
		drain(w, q);
		return;
	}
	if (q->state != ZD_QUEUE_ARMED)
		return;
	zring_prefetch(&q->sq, ZWIRE_SQE_WORDS);
	zbell_disarm(&q->head->sq_sleeper);
	q->state = ZD_QUEUE_POLLED;
	q->last_work = rte_rdtsc();
	TAILQ_INSERT_TAIL(&w->polled, q, link);
}

/* Hears doorbells, hang-ups and the main lcore. */
static void
look(struct zd_worker *w, int timeout_ms)
{
	struct epoll_event events[EPOLL_MAX];
	int nr = epoll_wait(w->epoll_fd, events, EPOLL_MAX, timeout_ms);

	for (int i = 0; i < nr; i++) {
		if (events[i].data.ptr != NULL)
			hear_client(w, (struct zd_queue *)events[i].data.ptr, events[i].events);
		else
			hear_main(w);
	}
	w->last_look = rte_rdtsc();
}

bool
zd_worker_poll(struct zd_worker *w, uint64_t now)
{
	unsigned int nr_compressors = zd_compressors_nr(w->compressors);
	struct zd_queue *q, *next;
	unsigned int work;

	work = poll_compressors(w, nr_compressors) + w->nr_retry;
	for (unsigned int c = 0; c < nr_compressors; c++)
		drain_spilled(w, &w->batches[c]);
	drain_retry(w);
	for (q = TAILQ_FIRST(&w->polled); q != NULL; q = next) {
		next = TAILQ_NEXT(q, link);
		work += serve(w, q, now);
	}
	for (unsigned int c = 0; c < nr_compressors; c++)
		zd_worker_submit(w, c);
	while ((q = SLIST_FIRST(&w->dirty)) != NULL) {
		SLIST_REMOVE_HEAD(&w->dirty, dirty);
		q->is_dirty = false;
		zd_queue_flush(q);
	}
	return work > 0 || w->in_flight > 0;
}

int
zd_worker_main(void *worker)
{
	struct zd_worker *w = (struct zd_worker *)worker;
	uint64_t look_cycles = LOOK_US * rte_get_tsc_hz() / 1000000;
	uint64_t before = rte_rdtsc();

	while (zc_load_relaxed(&w->stopping) == 0 || !LIST_EMPTY(&w->queues)) {
		uint64_t now = rte_rdtsc();
		bool busy;

		if (TAILQ_EMPTY(&w->polled) && w->in_flight == 0) {
			zd_count(&w->stats.sleeps, 1);
			look(w, -1);
			now = rte_rdtsc();
		} else if (now - w->last_look > look_cycles) {
			look(w, 0);
			now = rte_rdtsc();
		}
		zd_count(&w->stats.total_cycles, now - before);
		before = now;
		busy = zd_worker_poll(w, now);
		zd_count(&w->stats.polls, 1);
		if (busy)
			zd_count(&w->stats.busy_cycles, rte_rdtsc() - now);
		else
			rte_pause();
	}
	return 0;
}
