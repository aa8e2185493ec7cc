/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The submitter. A page is in one place: in the source, in the ring of those that come back, filled
 * into a stream, in flight. One that is filled and not taken goes first at the next doorbell.
 */

#include "gen.h"

#include <assert.h>
#include <string.h>

#include "base/atomic.h"
#include "ticks.h"

void
gen_init(struct gen *g, const struct streams_mode *mode, const struct streams_device *dev,
         unsigned int lcore, const struct corpus *corpus, unsigned int burst)
{
	memset(g, 0, sizeof(*g));
	g->mode = mode;
	g->comp = dev->comp;
	g->lcore = lcore;
	g->corpus = corpus;
	g->nr_pages = corpus->nr;
	g->burst = mode->burst != 0 ? mode->burst : burst;
	g->want.policy = mode->policy;
}

static void
back_push(struct gen *g, uint64_t seq)
{
	assert(g->back_nr < GEN_BACK_MAX);
	g->back[(g->back_first + g->back_nr++) % GEN_BACK_MAX] = seq;
}

static void
finish(struct gen *g, struct zcomp_strm *strm)
{
	uint64_t seq = (uint64_t)(uintptr_t)strm->user;

	if (strm->result <= 0) {
		/* The page is still in the source: it is offered again. */
		g->counts.failed++;
		back_push(g, seq);
	} else {
		g->counts.done++;
		g->counts.managed += strm->managed;
		if (g->finished != NULL)
			g->finished(g->arg, seq, strm);
	}
	zcomp_stream_put(strm);
}

static unsigned int
poll(struct gen *g)
{
	struct zcomp_strm *strms[GEN_BURST_MAX];
	uint64_t start = g->times_idling ? ticks_now() : 0;
	unsigned int n;

	if (g->in_flight == 0)
		return 0;
	n = zcomp_poll(g->comp, g->lcore, strms, GEN_BURST_MAX);
	if (n == 0 && g->times_idling)
		g->idle_ticks += ticks_now() - start;
	for (unsigned int i = 0; i < n; i++)
		finish(g, strms[i]);
	g->in_flight -= n;
	return n;
}

/* The modes without a policy wait where they get no stream. */
static enum zcomp_verdict
ask(struct gen *g, struct zcomp_want *want, struct zcomp_strm **strm)
{
	switch (g->mode->ask) {
	case STREAMS_ASK_PREFER:
		*strm = zcomp_stream_get(g->comp, g->lcore, ZSTRM_PREFER_MGMT);
		break;
	case STREAMS_ASK_ONLY:
		*strm = zcomp_stream_get(g->comp, g->lcore, ZSTRM_ONLY_MGMT);
		break;
	default:
		return zcomp_stream_ask(g->comp, g->lcore, want, strm);
	}
	return *strm != NULL ? ZCOMP_GRANTED : ZCOMP_WAIT;
}

static void
fill(struct gen *g, uint64_t seq, struct zcomp_strm *strm)
{
	const struct corpus *c = g->corpus;

	if (!g->empty)
		memcpy(strm->src, corpus_content(c, (uint32_t)(seq % g->nr_pages), 0),
		       PERF_PAGE_SIZE);
	strm->user = (void *)(uintptr_t)seq;
	g->filled[g->nr_filled++] = strm;
}

static bool
has_room(const struct gen *g)
{
	return g->nr_filled < g->burst && (g->mode->in_flight_max == 0 ||
	                                   g->in_flight + g->nr_filled < g->mode->in_flight_max);
}

static void
ask_for_back(struct gen *g)
{
	struct zcomp_strm *strm;

	while (g->back_nr > 0 && has_room(g)) {
		/* It has a place in the list already. */
		struct zcomp_want want = {.policy = g->mode->policy, .spilled = g->back_nr - 1};

		if (ask(g, &want, &strm) != ZCOMP_GRANTED)
			return;
		fill(g, g->back[g->back_first], strm);
		g->back_first = (g->back_first + 1) % GEN_BACK_MAX;
		g->back_nr--;
	}
}

static void
ask_for_new(struct gen *g)
{
	struct zcomp_strm *strm;

	while (g->next < g->source && has_room(g)) {
		uint64_t behind = g->source - g->next - 1;

		g->want.waiting = behind < g->burst ? (unsigned int)behind : g->burst - 1;
		g->want.spilled = g->back_nr;
		switch (ask(g, &g->want, &strm)) {
		case ZCOMP_GRANTED:
			fill(g, g->next, strm);
			break;
		case ZCOMP_SPILL:
			back_push(g, g->next);
			break;
		case ZCOMP_REFUSED:
			/* Whoever stores it tries again later. */
			g->counts.refused++;
			return;
		default:
			return;
		}
		g->next++;
		g->want.since_ns = 0;
	}
}

static unsigned int
submit(struct gen *g)
{
	unsigned int taken;

	if (g->nr_filled == 0)
		return 0;
	taken = zcomp_submit(g->comp, g->lcore, g->filled, g->nr_filled);
	g->in_flight += taken;
	g->nr_filled -= taken;
	if (g->nr_filled > 0)
		memmove(g->filled, g->filled + taken, g->nr_filled * sizeof(g->filled[0]));
	return taken;
}

unsigned int
gen_turn(struct gen *g)
{
	unsigned int n = poll(g);

	ask_for_back(g);
	ask_for_new(g);
	return n + submit(g);
}

void
gen_drain(struct gen *g)
{
	g->source = g->next;
	while (gen_busy(g)) {
		if (gen_turn(g) != 0)
			continue;
		if (g->mode->idle == STREAMS_IDLE_YIELD)
			sched_yield();
		else
			zc_pause();
	}
}
