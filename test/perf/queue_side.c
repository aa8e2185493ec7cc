/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A client that keeps one queue full. It spins, and its time is that inside zcl_*() calls which
 * made progress: in the others it could have done something else.
 */

#include "queue_side.h"

#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "base/log.h"
#include "ticks.h"

#define STALL_NS 20000000000u

struct run {
	uint64_t total;
	uint64_t sent;
	uint64_t reaped;
	uint64_t staged; /* since the last zcl_submit() */
	uint64_t ticks;  /* inside calls that made progress */
	uint64_t since_ns;
};

int
queue_side_stalled(const struct service_disk *on, uint64_t *since_ns)
{
	uint64_t now = zc_now_ns();

	zc_pause();
	if (*since_ns == 0)
		*since_ns = now;
	if (now - *since_ns < STALL_NS)
		return 0;
	return perf_place_stopped(on->env->place) ? -EINTR : service_complain("reaping", -ETIME);
}

/* What the next store has. A discard goes without: looking for it would make the client slower than
 * a worker that does ten million a second. */
static const uint8_t *
next_content(const struct queue_side *side, uint64_t page)
{
	const struct corpus *c = side->on->env->corpus;

	if (side->op != QUEUE_STORE && side->op != QUEUE_STORE_BUF)
		return NULL;
	return corpus_content(c, (uint32_t)(page % c->nr),
	                      corpus_shift(c, side->at / side->on->pages));
}

/* @return what the library has said */
static int
begin_one(struct queue_side *side, struct run *run)
{
	uint64_t page = side->at % side->on->pages;
	const uint8_t *content = next_content(side, page);
	uint64_t start = ticks_now(), filling = 0;
	void *buf;
	int ret;

	switch (side->op) {
	case QUEUE_STORE:
		ret = zcl_store(side->queue, page, content, page);
		break;
	case QUEUE_STORE_BUF:
		buf = zcl_buf_get(side->queue);
		if (buf == NULL)
			return -EAGAIN;
		filling = ticks_now();
		memcpy(buf, content, PERF_PAGE_SIZE);
		/* It ends when the bytes are in the cache: the next load from the page, which is
		 * the library's, would wait for that, and be charged with it. */
		ticks_settle();
		filling = ticks_since(filling, 0);
		ret = zcl_store_buf(side->queue, page, buf, page);
		break;
	default:
		ret = zcl_discard(side->queue, page, 1, page);
		break;
	}
	if (ret != 0)
		return ret;
	run->ticks += ticks_since(start, side->overhead + filling);
	side->at++;
	run->sent++;
	run->staged++;
	return 0;
}

static int
submit(struct queue_side *side, struct run *run)
{
	uint64_t start = ticks_now();
	int ret = zcl_submit(side->queue);

	if (ret > 0)
		run->ticks += ticks_since(start, side->overhead);
	run->staged = 0;
	return ret < 0 ? ret : 0;
}

/* A burst is submitted when it is whole, when it is the last, and when else the service would have
 * nothing to do. */
static int
fill(struct queue_side *side, struct run *run)
{
	const uint64_t depth = zcl_queue_depth(side->queue);
	const unsigned int burst = side->on->env->opts->burst;
	int ret = 0;

	while (ret == 0 && run->sent < run->total && run->sent - run->reaped < depth) {
		ret = begin_one(side, run);
		if (ret == 0 && run->staged >= burst)
			ret = submit(side, run);
	}
	if (ret == -EAGAIN)
		ret = 0;
	if (ret == 0 && run->staged > 0 &&
	    (run->sent == run->total || run->staged == run->sent - run->reaped))
		ret = submit(side, run);
	return ret;
}

static int
reap(struct queue_side *side, struct run *run)
{
	struct zcl_cqe cqes[PERF_DEPTH];
	uint64_t start = ticks_now();
	int nr = zcl_reap(side->queue, cqes, side->on->env->opts->burst);
	uint64_t took = ticks_since(start, side->overhead);

	if (nr < 0)
		return nr;
	if (nr == 0)
		return queue_side_stalled(side->on, &run->since_ns);
	run->since_ns = 0;
	run->ticks += took;
	run->reaped += (unsigned int)nr;
	for (int i = 0; i < nr; i++) {
		side->failed += cqes[i].res != 0;
		side->by_client += (cqes[i].flags & ZCL_CQE_CLIENT) != 0;
	}
	return 0;
}

int
queue_side_pass(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	struct queue_side *side = (struct queue_side *)arg;
	struct run run = {.total = sweeps * side->pages};
	struct ticks_span span = ticks_begin();
	int ret = 0;

	if (side->overhead == 0)
		side->overhead = ticks_overhead();
	while (ret == 0 && run.reaped < run.total) {
		ret = fill(side, &run);
		if (ret == 0)
			ret = reap(side, &run);
	}
	time->elapsed_ns = (double)(zc_now_ns() - span.ns);
	time->client_ns = (double)run.ticks * ticks_unit(&span);
	if (ret != 0)
		return ret == -EINTR ? ret : service_complain("a queue kept full", ret);
	if (side->failed != 0) {
		zc_err("service: %llu operations have failed", (unsigned long long)side->failed);
		return -EIO;
	}
	return perf_place_stopped(side->on->env->place) ? -EINTR : 0;
}

int
queue_side_fill(struct queue_side *side)
{
	struct pairing_time time;
	uint64_t pages = side->pages;
	int ret;

	side->pages = side->on->pages;
	ret = queue_side_pass(side, 1, &time);
	side->pages = pages;
	return ret;
}
