/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The data path: from an enqueue burst to a dequeue burst.
 *
 * Enqueuing and dequeuing threads, and host threads in between. Of a queue pair the enqueuing
 * thread owns the slots from `submitted` to `returned` + depth, the dequeuing thread all others,
 * but for done_at[] and the operations whose work is not done: those are the host threads'.
 *
 * A failure that the model makes is put on an operation by the dequeuing thread alone, over
 * whatever its work has come to: nobody else writes to it then.
 */

#include "sim_pmd_private.h"

#include <assert.h>

#include <rte_cycles.h>

static bool
has_work(const struct sim_pmd_qp *qp)
{
	return qp->sim->args.codec != SIM_PMD_CODEC_NULL;
}

static void
refuse(struct rte_comp_op **ops, uint16_t nb_ops)
{
	for (uint16_t i = 0; i < nb_ops; i++)
		ops[i]->status = RTE_COMP_OP_STATUS_NOT_PROCESSED;
}

static void
refuse_for_good(struct sim_pmd_qp *qp, struct rte_comp_op **ops, uint16_t nb_ops)
{
	refuse(ops, nb_ops);
	ops[0]->status = RTE_COMP_OP_STATUS_ERROR;
	__atomic_store_n(&qp->refused, qp->refused + nb_ops, __ATOMIC_RELAXED);
}

static void
refuse_for_now(struct sim_pmd_qp *qp, struct rte_comp_op **ops, uint16_t nb_ops)
{
	refuse(ops, nb_ops);
	__atomic_store_n(&qp->busy, qp->busy + nb_ops, __ATOMIC_RELAXED);
}

/* How many of @p nb_ops there is room for. */
static uint16_t
queue_room(struct sim_pmd_qp *qp, uint16_t nb_ops)
{
	uint64_t room = qp->depth - (qp->submitted - qp->returned_seen);

	if (room < nb_ops) {
		/* Pairs with the release in sim_pmd_dequeue(). */
		qp->returned_seen = __atomic_load_n(&qp->returned, __ATOMIC_ACQUIRE);
		room = qp->depth - (qp->submitted - qp->returned_seen);
	}
	assert(room <= qp->depth);
	return (uint16_t)RTE_MIN(room, nb_ops);
}

static uint16_t
order_get(const struct sim_pmd_qp *qp, uint64_t at)
{
	return __atomic_load_n(&qp->order[at & qp->mask], __ATOMIC_RELAXED);
}

/* Give operations to the model. @return how many it took. */
static uint16_t
model_take(struct sim_pmd_qp *qp, struct rte_comp_op **ops, uint16_t nb_ops)
{
	struct sim_model *m = &qp->sim->model;
	const uint64_t now = sim_model_lock(m);
	uint16_t nr;

	for (nr = 0; nr < nb_ops; nr++) {
		uint16_t idx = order_get(qp, qp->submitted + nr);
		/* No more is in one segment: what claims to be longer is refused later. */
		uint32_t bytes = RTE_MIN(ops[nr]->src.length, UINT16_MAX);

		if (unlikely(!sim_model_take(m, now, bytes, &qp->slots[idx])))
			break;
		qp->slots[idx].op = ops[nr];
		qp->done_at[idx] = 0;
	}
	sim_model_unlock(m);
	return nr;
}

uint16_t
sim_pmd_enqueue(void *queue, struct rte_comp_op **ops, uint16_t nb_ops)
{
	struct sim_pmd_qp *qp = queue;
	const uint16_t room = queue_room(qp, nb_ops);
	const uint16_t nr = room == 0 ? 0 : model_take(qp, ops, room);

	if (!has_work(qp)) {
		for (uint16_t i = 0; i < nr; i++)
			sim_op_null(&qp->sim->args, ops[i]);
	}
	/* Pairs with the acquires in advance() and work_claim(). */
	__atomic_store_n(&qp->submitted, qp->submitted + nr, __ATOMIC_RELEASE);
	if (unlikely(nr < room))
		refuse_for_good(qp, &ops[nr], nb_ops - nr);
	else if (unlikely(nr < nb_ops))
		refuse_for_now(qp, &ops[nr], nb_ops - nr);
	if (has_work(qp) && nr != 0)
		sim_host_kick(&qp->sim->host);
	return nr;
}

uint16_t
sim_pmd_enqueue_stopped(void *queue, struct rte_comp_op **ops, uint16_t nb_ops)
{
	struct sim_pmd_qp *qp = queue;

	refuse(ops, nb_ops);
	__atomic_store_n(&qp->refused, qp->refused + nb_ops, __ATOMIC_RELAXED);
	return 0;
}

/* Take the next slot whose work is to be done. */
static bool
work_claim(struct sim_pmd_qp *qp, uint16_t *idx)
{
	uint64_t at = __atomic_load_n(&qp->claimed, __ATOMIC_RELAXED);

	do {
		/* Pairs with the release in sim_pmd_enqueue(). */
		if (at >= __atomic_load_n(&qp->submitted, __ATOMIC_ACQUIRE))
			return false;
		/* Read before the claim: once `at` is another's, its place may be reused. */
		*idx = order_get(qp, at);
		/* Pairs with itself in another host thread: its place is read by then. */
	} while (!__atomic_compare_exchange_n(&qp->claimed, &at, at + 1, true, __ATOMIC_ACQ_REL,
	                                      __ATOMIC_RELAXED));
	return true;
}

unsigned int
sim_pmd_qp_work(struct sim_pmd_qp *qp, LZ4_stream_t *lz4_state)
{
	unsigned int nr;
	uint16_t idx;

	for (nr = 0; nr < SIM_PMD_BURST && work_claim(qp, &idx); nr++) {
		sim_op_lz4(&qp->sim->args, lz4_state, qp->slots[idx].op);
		/* Pairs with the acquire in slot_done(). */
		__atomic_store_n(&qp->done_at[idx], rte_rdtsc(), __ATOMIC_RELEASE);
	}
	return nr;
}

/* What waits for its group becomes visible, as of @p when. */
static void
group_close(struct sim_pmd_qp *qp, uint64_t when)
{
	for (; qp->open != qp->tail; qp->open++) {
		struct sim_pmd_slot *slot = &qp->slots[qp->ready[qp->open & qp->mask]];

		slot->due = RTE_MAX(slot->due, when);
	}
}

/* The time of a slot has come: it was @p when. */
static void
ready_add(struct sim_pmd_qp *qp, uint16_t idx, uint64_t when)
{
	const struct sim_pmd_dev *sim = qp->sim;

	if (qp->open != qp->tail && when >= qp->group_end)
		group_close(qp, qp->group_end);
	if (qp->open == qp->tail)
		qp->group_end = when + sim->batch_cycles;
	qp->ready[qp->tail++ & qp->mask] = idx;
	if (qp->tail - qp->open >= sim->args.batch)
		group_close(qp, when);
}

/* What has failed comes at once. */
static uint64_t
slot_time(const struct sim_pmd_qp *qp, uint16_t idx)
{
	return qp->slots[idx].nr <= qp->failed_upto ? 0 : qp->slots[idx].due;
}

/* With one latency for all, times are in the order of the operations. */
static void
advance_in_order(struct sim_pmd_qp *qp, uint64_t end, uint64_t now)
{
	for (; qp->seen != end; qp->seen++) {
		uint16_t idx = order_get(qp, qp->seen);
		uint64_t when = slot_time(qp, idx);

		if (when > now)
			break;
		ready_add(qp, idx, when);
	}
}

static void
heap_refresh(struct sim_pmd_qp *qp)
{
	for (uint32_t i = 0; i < qp->nr_heap; i++) {
		struct sim_heap_entry e = qp->heap[i];

		e.time = slot_time(qp, (uint16_t)e.slot);
		sim_heap_push(qp->heap, i, e);
	}
}

static void
advance_by_heap(struct sim_pmd_qp *qp, uint64_t end, uint64_t now)
{
	struct sim_heap_entry e;

	for (; qp->seen != end; qp->seen++) {
		e.seq = (uint32_t)qp->seen;
		e.slot = order_get(qp, qp->seen);
		e.time = slot_time(qp, (uint16_t)e.slot);
		sim_heap_push(qp->heap, qp->nr_heap++, e);
	}
	assert(qp->nr_heap <= qp->depth);
	while (qp->nr_heap != 0 && qp->heap[0].time <= now) {
		e = sim_heap_pop(qp->heap, qp->nr_heap--);
		ready_add(qp, (uint16_t)e.slot, e.time);
	}
}

/* Move what is due by @p now to `ready`. */
static void
advance(struct sim_pmd_qp *qp, uint64_t now)
{
	/* Pairs with the release in fail_in_flight(). */
	uint64_t failed = __atomic_load_n(&qp->sim->model.failed_upto, __ATOMIC_ACQUIRE);
	/* Pairs with the release in sim_pmd_enqueue(). */
	uint64_t end = __atomic_load_n(&qp->submitted, __ATOMIC_ACQUIRE);

	if (unlikely(failed != qp->failed_upto)) {
		qp->failed_upto = failed;
		heap_refresh(qp);
		group_close(qp, 0);
	}
	if (qp->sim->model.varies)
		advance_by_heap(qp, end, now);
	else
		advance_in_order(qp, end, now);
	if (qp->open != qp->tail && now >= qp->group_end)
		group_close(qp, qp->group_end);
}

static void
shuffle(struct sim_pmd_qp *qp)
{
	for (uint32_t nr = qp->open - qp->head; nr > 1; nr--) {
		uint16_t *a = &qp->ready[(qp->head + nr - 1) & qp->mask];
		uint16_t *b = &qp->ready[(qp->head + sim_rng_next(&qp->rng) % nr) & qp->mask];
		uint16_t idx = *a;

		*a = *b;
		*b = idx;
	}
}

static bool
slot_failed(const struct sim_pmd_qp *qp, const struct sim_pmd_slot *slot)
{
	const uint64_t one_in = qp->sim->args.error_one_in;

	return slot->nr <= qp->failed_upto || slot->due == SIM_PMD_NEVER ||
	       (one_in != 0 && slot->nr % one_in == 0);
}

static void
count_late(struct sim_pmd_qp *qp, uint64_t late)
{
	__atomic_store_n(&qp->late_ops, qp->late_ops + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&qp->late_sum, qp->late_sum + late, __ATOMIC_RELAXED);
	if (late > qp->late_max)
		__atomic_store_n(&qp->late_max, late, __ATOMIC_RELAXED);
}

/* Finish the operation of a slot whose time has come. @return NULL if its work is not done. */
static struct rte_comp_op *
slot_finish(struct sim_pmd_qp *qp, uint16_t idx)
{
	const struct sim_pmd_slot *slot = &qp->slots[idx];
	uint64_t done_at = 0;

	if (has_work(qp)) {
		/* Pairs with the release in sim_pmd_qp_work(). */
		done_at = __atomic_load_n(&qp->done_at[idx], __ATOMIC_ACQUIRE);
		if (done_at == 0)
			return NULL;
	}
	if (unlikely(slot_failed(qp, slot))) {
		sim_op_fail(slot->op, RTE_COMP_OP_STATUS_ERROR);
		__atomic_store_n(&qp->model_failed, qp->model_failed + 1, __ATOMIC_RELAXED);
	} else if (done_at > slot->due) {
		count_late(qp, done_at - slot->due);
	}
	if (unlikely(slot->op->status != RTE_COMP_OP_STATUS_SUCCESS))
		__atomic_store_n(&qp->errors, qp->errors + 1, __ATOMIC_RELAXED);
	return slot->op;
}

/* Take finished operations out of what is visible; the others keep their order. */
static uint16_t
hand_out(struct sim_pmd_qp *qp, struct rte_comp_op **ops, uint16_t nb_ops)
{
	const uint64_t put_at = qp->returned + qp->depth;
	uint32_t at = qp->head, kept = 0;
	uint16_t nr = 0;

	for (; at != qp->open && nr < nb_ops; at++) {
		uint16_t idx = qp->ready[at & qp->mask];

		ops[nr] = slot_finish(qp, idx);
		if (likely(ops[nr] != NULL))
			__atomic_store_n(&qp->order[(put_at + nr++) & qp->mask], idx,
			                 __ATOMIC_RELAXED);
		else
			qp->ready[(qp->head + kept++) & qp->mask] = idx;
	}
	for (uint32_t i = 1; i <= kept; i++)
		qp->ready[(at - i) & qp->mask] = qp->ready[(qp->head + kept - i) & qp->mask];
	qp->head = at - kept;
	return nr;
}

uint16_t
sim_pmd_dequeue(void *queue, struct rte_comp_op **ops, uint16_t nb_ops)
{
	struct sim_pmd_qp *qp = queue;
	uint16_t nr;

	advance(qp, rte_rdtsc());
	if (unlikely(qp->sim->args.reorder != 0))
		shuffle(qp);
	nr = hand_out(qp, ops, nb_ops);
	/* Pairs with the acquire in queue_room(). */
	__atomic_store_n(&qp->returned, qp->returned + nr, __ATOMIC_RELEASE);
	return nr;
}

void
sim_pmd_qp_flush(struct sim_pmd_qp *qp)
{
	/* Which is also later than the end of any group. */
	advance(qp, SIM_PMD_NEVER);
}
