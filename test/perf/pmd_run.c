/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Operations on their way through a device. Main thread only. One is in the free list, staged, or
 * in the device. The calls into the driver are timed whole, so that a look at the clock is shared
 * by a burst.
 */

#include "pmd.h"

#include <errno.h>
#include <string.h>

#include <rte_compressdev.h>
#include <rte_cycles.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/log.h"

#define STALL_NS   20000000000u
#define LOOK_POLLS 1024u /* empty ones between two looks at the signals: each is a system call */

struct flow {
	struct pmd *p;
	const struct pmd_work *work;
	struct pmd_counts *counts;
	uint64_t total;
	uint64_t begun;
	uint64_t done;
	unsigned int in_flight;
	unsigned int nr_staged;
	uint64_t stalled_ns; /* when nothing came back first; 0 = something did */
	unsigned int empty;  /* polls */
	struct rte_comp_op *staged[PERF_DEPTH];
};

static struct pmd_slot *
slot_of(struct rte_comp_op *op)
{
	return container_of(op, struct pmd_slot, op);
}

void
pmd_fill(struct pmd_slot *slot, enum pmd_direction direction, const void *from, uint32_t len)
{
	struct rte_mbuf *m = direction == PMD_COMPRESS ? slot->page : slot->object;
	const char *p = (const char *)from;

	slot->op.m_src = m;
	slot->op.m_dst = direction == PMD_COMPRESS ? slot->object : slot->page;
	slot->op.src.length = len;
	for (; len > 0; m = m->next) {
		uint32_t part = RTE_MIN(len, m->data_len);

		memcpy(rte_pktmbuf_mtod(m, void *), p, part);
		p += part;
		len -= part;
	}
}

void
pmd_result(const struct pmd_slot *slot, enum pmd_direction direction, void *to)
{
	const struct rte_mbuf *m = direction == PMD_COMPRESS ? slot->object : slot->page;
	uint32_t len = slot->op.produced;
	char *p = (char *)to;

	for (; len > 0; m = m->next) {
		uint32_t part = RTE_MIN(len, m->data_len);

		memcpy(p, rte_pktmbuf_mtod(m, const void *), part);
		p += part;
		len -= part;
	}
}

static void
stage(struct flow *f)
{
	const struct pmd_work *work = f->work;

	while (f->nr_staged < work->burst && f->begun < f->total && f->p->free != NULL) {
		struct pmd_slot *slot = f->p->free;

		f->p->free = slot->next;
		work->fill(work->arg, slot);
		slot->op.private_xform = f->p->xforms[work->direction];
		slot->op.status = RTE_COMP_OP_STATUS_NOT_PROCESSED;
		/* Some drivers add to them. */
		slot->op.consumed = slot->op.produced = 0;
		f->staged[f->nr_staged++] = &slot->op;
		f->begun++;
	}
}

static int
complain(const struct rte_comp_op *op)
{
	zc_err("target pmd: page %u: the device says status %u",
	       container_of(op, const struct pmd_slot, op)->number, op->status);
	return -EIO;
}

static int
enqueue(struct flow *f)
{
	uint64_t start = rte_rdtsc();
	unsigned int n;

	if (f->nr_staged == 0)
		return 0;
	n = rte_compressdev_enqueue_burst(f->p->id, 0, f->staged, (uint16_t)f->nr_staged);
	if (n > 0)
		f->counts->enqueue += rte_rdtsc() - start;
	f->in_flight += n;
	f->nr_staged -= n;
	if (f->nr_staged == 0)
		return 0;
	f->counts->enqueue_retries++;
	memmove(f->staged, f->staged + n, f->nr_staged * sizeof(f->staged[0]));
	/* The first one that was not taken tells why: untouched, there was no room. */
	return f->staged[0]->status == RTE_COMP_OP_STATUS_NOT_PROCESSED ? 0
	                                                                : complain(f->staged[0]);
}

static int
idle(struct flow *f)
{
	uint64_t now = zc_now_ns();

	zc_pause();
	if (f->stalled_ns == 0)
		f->stalled_ns = now;
	if (++f->empty % LOOK_POLLS == 0 && perf_place_stopped(f->work->place))
		return -EINTR;
	if (now - f->stalled_ns < STALL_NS)
		return 0;
	zc_err("target pmd: nothing comes back from the device");
	return -ETIME;
}

static int
finish(struct flow *f, struct rte_comp_op *op)
{
	struct pmd_slot *slot = slot_of(op);
	int ret;

	if (op->status != RTE_COMP_OP_STATUS_SUCCESS)
		return complain(op);
	ret = f->work->done(f->work->arg, slot);
	slot->next = f->p->free;
	f->p->free = slot;
	return ret;
}

static int
dequeue(struct flow *f)
{
	struct rte_comp_op *ops[PERF_DEPTH];
	uint64_t start = rte_rdtsc(), took;
	unsigned int n = rte_compressdev_dequeue_burst(f->p->id, 0, ops, (uint16_t)f->work->burst);
	int ret = 0;

	took = rte_rdtsc() - start;
	if (n < f->work->burst && n < f->in_flight)
		f->counts->dequeue_retries++;
	if (n == 0) {
		ret = f->in_flight > 0 ? idle(f) : 0;
		f->counts->idle += rte_rdtsc() - start;
		return ret;
	}
	f->counts->dequeue += took;
	f->counts->ops += n;
	f->stalled_ns = 0;
	f->in_flight -= n;
	f->done += n;
	for (unsigned int i = 0; i < n && ret == 0; i++)
		ret = finish(f, ops[i]);
	return ret;
}

int
pmd_run(struct pmd *p, const struct pmd_work *work, uint64_t total, struct pmd_counts *counts)
{
	struct flow f = {.p = p, .work = work, .counts = counts, .total = total};
	int ret = 0;

	while (ret == 0 && f.done < total) {
		stage(&f);
		ret = enqueue(&f);
		if (ret == 0)
			ret = dequeue(&f);
	}
	return ret;
}
