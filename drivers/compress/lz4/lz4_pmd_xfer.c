/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The data path: from an enqueue burst to a dequeue burst.
 *
 * An enqueue appends to the queue pair's array, lz4_pmd_qp_run() works on what was appended, a
 * dequeue takes from the front what is done. In inline mode the first two are one thread. In thread
 * mode any number of engines share the middle: each claims a range by moving `claimed`, and who
 * moved it is alone with that range until it marks the operations done, one by one.
 *
 * A bad operation is taken like a good one and comes back with a status. Every byte that is read or
 * written lies inside the segments' data: offsets and lengths are checked against data_len here,
 * liblz4 keeps to the sizes that it is given. Operations whose bytes lie in one segment are worked
 * on in place, others go through the worker's bounce buffers.
 */

#include "lz4_pmd_private.h"

#include <assert.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_prefetch.h>

struct span {
	uint8_t *data;
	uint32_t len;
};

/* The segment that holds byte *off of a chain, and *off made relative to it. */
static const struct rte_mbuf *
segment_at(const struct rte_mbuf *m, uint32_t *off)
{
	while (*off >= m->data_len && m->next != NULL) {
		*off -= m->data_len;
		m = m->next;
	}
	return *off <= m->data_len ? m : NULL;
}

static bool
gather(const struct rte_mbuf *m, uint32_t off, uint8_t *to, uint32_t len)
{
	for (; m != NULL; m = m->next, off = 0) {
		uint32_t part = RTE_MIN(len, m->data_len - off);

		memcpy(to, rte_pktmbuf_mtod_offset(m, uint8_t *, off), part);
		to += part;
		len -= part;
		if (len == 0)
			return true;
	}
	return false;
}

/* The caller has checked that the chain has room. */
static void
scatter(const struct rte_mbuf *m, uint32_t off, const uint8_t *from, uint32_t len)
{
	for (; len != 0; m = m->next, off = 0) {
		uint32_t part;

		assert(m != NULL);
		part = RTE_MIN(len, m->data_len - off);
		memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, off), from, part);
		from += part;
		len -= part;
	}
}

/* How much one side of a chained operation may have. */
static uint32_t
chain_max(bool plain)
{
	return plain ? LZ4_PMD_PLAIN_MAX : LZ4_PMD_BLOCK_MAX;
}

static bool
source_span(const struct lz4_pmd_work *work, const struct rte_comp_op *op, struct span *src)
{
	const struct lz4_pmd_xform *xform = op->private_xform;
	uint32_t off = op->src.offset;
	const struct rte_mbuf *m = segment_at(op->m_src, &off);

	if (unlikely(m == NULL))
		return false;
	src->len = op->src.length;
	if (likely(src->len <= m->data_len - off)) {
		src->data = rte_pktmbuf_mtod_offset(m, uint8_t *, off);
		return true;
	}
	src->data = work->src_bounce;
	return src->len <= chain_max(xform->type == RTE_COMP_COMPRESS) &&
	       gather(m, off, src->data, src->len);
}

static uint8_t
compress(const struct lz4_pmd_work *work, const struct lz4_pmd_xform *xform, const struct span *src,
         struct span *dst)
{
	int ret = LZ4_compress_fast_extState(work->lz4, (const char *)src->data, (char *)dst->data,
	                                     (int)src->len, (int)dst->len, xform->accel);

	if (unlikely(ret <= 0))
		return RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED;
	dst->len = (uint32_t)ret;
	return RTE_COMP_OP_STATUS_SUCCESS;
}

static uint8_t
op_work(const struct lz4_pmd_work *work, const struct lz4_pmd_xform *xform, const struct span *src,
        struct span *dst)
{
	return xform->type == RTE_COMP_COMPRESS
	               ? compress(work, xform, src, dst)
	               : lz4_block_decompress(src->data, src->len, dst->data, &dst->len);
}

/* The destination is a chain: work into the bounce buffer, then copy out. */
static uint8_t
op_work_chained(const struct lz4_pmd_work *work, const struct rte_comp_op *op,
                const struct span *src, const struct rte_mbuf *m, uint32_t off, struct span *dst)
{
	const struct lz4_pmd_xform *xform = op->private_xform;
	const uint32_t max = chain_max(xform->type == RTE_COMP_DECOMPRESS);
	uint64_t room = m->data_len - off;
	uint8_t status;

	for (const struct rte_mbuf *seg = m->next; seg != NULL; seg = seg->next)
		room += seg->data_len;
	dst->data = work->dst_bounce;
	dst->len = (uint32_t)RTE_MIN(room, max);
	status = op_work(work, xform, src, dst);
	if (status == RTE_COMP_OP_STATUS_SUCCESS)
		scatter(m, off, dst->data, dst->len);
	else if (status == RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED && room > max)
		status = RTE_COMP_OP_STATUS_INVALID_ARGS;
	return status;
}

static bool
op_valid(const struct rte_comp_op *op)
{
	const struct lz4_pmd_xform *xform = op->private_xform;

	return op->op_type == RTE_COMP_OP_STATELESS && xform != NULL && op->m_src != NULL &&
	       op->m_dst != NULL &&
	       (xform->type == RTE_COMP_DECOMPRESS || op->flush_flag >= RTE_COMP_FLUSH_FULL);
}

static uint8_t
op_run(const struct lz4_pmd_work *work, const struct rte_comp_op *op, struct span *dst)
{
	uint32_t off = op->dst.offset;
	const struct rte_mbuf *m;
	struct span src;

	if (unlikely(!op_valid(op) || !source_span(work, op, &src)))
		return RTE_COMP_OP_STATUS_INVALID_ARGS;
	m = segment_at(op->m_dst, &off);
	if (unlikely(m == NULL))
		return RTE_COMP_OP_STATUS_INVALID_ARGS;
	if (unlikely(m->next != NULL))
		return op_work_chained(work, op, &src, m, off, dst);

	dst->data = rte_pktmbuf_mtod_offset(m, uint8_t *, off);
	dst->len = m->data_len - off;
	return op_work(work, op->private_xform, &src, dst);
}

static inline void
op_finish(const struct lz4_pmd_work *work, struct rte_comp_op *op)
{
	struct span dst;
	uint8_t status = op_run(work, op, &dst);
	bool good = status == RTE_COMP_OP_STATUS_SUCCESS;

	op->consumed = good ? op->src.length : 0;
	op->produced = good ? dst.len : 0;
	op->status = status;
}

/*
 * Fetch what the next operations need while this one is worked on: each step follows pointers that
 * an earlier one has fetched.
 */
static inline void
prefetch_ahead(const struct lz4_pmd_qp *qp, uint64_t next, uint64_t end)
{
	const struct rte_comp_op *op;

	if (next + 2 < end) {
		op = qp->ring[(next + 2) & qp->mask];
		rte_prefetch0(op);
		rte_prefetch0(RTE_PTR_ADD(op, RTE_CACHE_LINE_SIZE));
	}
	if (next + 1 < end) {
		op = qp->ring[(next + 1) & qp->mask];
		rte_prefetch0(op->m_src);
		rte_prefetch0(op->m_dst);
		rte_prefetch0(RTE_PTR_ADD(op->m_src, RTE_CACHE_LINE_SIZE));
		rte_prefetch0(RTE_PTR_ADD(op->m_dst, RTE_CACHE_LINE_SIZE));
	}
	if (next < end) {
		op = qp->ring[next & qp->mask];
		if (op->m_src != NULL)
			rte_prefetch0(rte_pktmbuf_mtod_offset(op->m_src, void *, op->src.offset));
	}
}

unsigned int
lz4_pmd_qp_claim(struct lz4_pmd_qp *qp, uint64_t *from)
{
	const struct lz4_pmd_engines *set = qp->engines;
	/* Pairs with the release below: `submitted` is then no older than what the claim saw. */
	uint64_t claimed = __atomic_load_n(&qp->claimed, __ATOMIC_ACQUIRE);
	uint64_t waiting;
	unsigned int nr;

	do {
		/* Pairs with the release in queue_append(). */
		waiting = __atomic_load_n(&qp->submitted, __ATOMIC_ACQUIRE) - claimed;
		if (waiting == 0)
			return 0;
		nr = (unsigned int)RTE_MIN((waiting + set->nr - 1) / set->nr, set->claim_max);
		/* Pairs with the acquire above and in lz4_pmd_qp_waiting(). */
	} while (!__atomic_compare_exchange_n(&qp->claimed, &claimed, claimed + nr, true,
	                                      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	/* Only now: `claimed` may have been old before, and `waiting` too much. */
	assert(waiting <= qp->depth);
	*from = claimed;
	return nr;
}

void
lz4_pmd_qp_run(struct lz4_pmd_qp *qp, const struct lz4_pmd_work *work, uint64_t from,
               unsigned int nr)
{
	const uint64_t end = from + nr;

	while (from != end) {
		const uint64_t at = from++ & qp->mask;
		struct rte_comp_op *op = qp->ring[at];

		prefetch_ahead(qp, from, end);
		op_finish(work, op);
		/* Pairs with the acquire in lz4_pmd_dequeue(). */
		__atomic_store_n(&qp->done[at], (uint32_t)from, __ATOMIC_RELEASE);
	}
}

static void
refuse(struct rte_comp_op **ops, uint16_t nb_ops)
{
	for (uint16_t i = 0; i < nb_ops; i++)
		ops[i]->status = RTE_COMP_OP_STATUS_NOT_PROCESSED;
}

static uint16_t
queue_append(struct lz4_pmd_qp *qp, struct rte_comp_op **ops, uint16_t nb_ops)
{
	const uint64_t head = qp->submitted;
	uint64_t room = qp->depth - (head - qp->returned_seen);
	uint16_t nr;

	if (unlikely(room < nb_ops)) {
		/* Pairs with the release in lz4_pmd_dequeue(). */
		qp->returned_seen = __atomic_load_n(&qp->returned, __ATOMIC_ACQUIRE);
		room = qp->depth - (head - qp->returned_seen);
	}
	assert(room <= qp->depth);
	nr = (uint16_t)RTE_MIN(room, nb_ops);
	for (uint16_t i = 0; i < nr; i++)
		qp->ring[(head + i) & qp->mask] = ops[i];
	refuse(&ops[nr], nb_ops - nr);
	/* Pairs with the acquire in lz4_pmd_qp_claim(). */
	__atomic_store_n(&qp->submitted, head + nr, __ATOMIC_RELEASE);
	return nr;
}

uint16_t
lz4_pmd_enqueue_inline(void *queue, struct rte_comp_op **ops, uint16_t nb_ops)
{
	struct lz4_pmd_qp *qp = queue;
	const uint64_t from = qp->submitted;
	uint16_t nr = queue_append(qp, ops, nb_ops);

	lz4_pmd_qp_run(qp, &qp->work, from, nr);
	return nr;
}

uint16_t
lz4_pmd_enqueue_thread(void *queue, struct rte_comp_op **ops, uint16_t nb_ops)
{
	struct lz4_pmd_qp *qp = queue;
	uint16_t nr = queue_append(qp, ops, nb_ops);

	if (nr != 0)
		lz4_pmd_engines_kick(qp);
	return nr;
}

uint16_t
lz4_pmd_enqueue_stopped(void *queue, struct rte_comp_op **ops, uint16_t nb_ops)
{
	struct lz4_pmd_qp *qp = queue;

	refuse(ops, nb_ops);
	__atomic_store_n(&qp->refused, qp->refused + nb_ops, __ATOMIC_RELAXED);
	return 0;
}

/* Whether the operation of this number is done; then its result can be read. */
static inline bool
op_done(const struct lz4_pmd_qp *qp, uint64_t number)
{
	/* Pairs with the release in lz4_pmd_qp_run(). The place holds this number or one that is a
	 * lap older, so that the cut to 32 bits confuses nothing. */
	return __atomic_load_n(&qp->done[number & qp->mask], __ATOMIC_ACQUIRE) ==
	       (uint32_t)(number + 1);
}

uint16_t
lz4_pmd_dequeue(void *queue, struct rte_comp_op **ops, uint16_t nb_ops)
{
	struct lz4_pmd_qp *qp = queue;
	const uint64_t tail = qp->returned;
	uint64_t failed = 0;
	uint16_t nr;

	for (nr = 0; nr < nb_ops && op_done(qp, tail + nr); nr++) {
		ops[nr] = qp->ring[(tail + nr) & qp->mask];
		failed += ops[nr]->status != RTE_COMP_OP_STATUS_SUCCESS;
	}
	assert(nr <= qp->depth);
	if (unlikely(failed != 0))
		__atomic_store_n(&qp->failed, qp->failed + failed, __ATOMIC_RELAXED);
	/* Pairs with the acquire in queue_append(). */
	__atomic_store_n(&qp->returned, tail + nr, __ATOMIC_RELEASE);
	return nr;
}
