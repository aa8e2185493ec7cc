/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Submitters and their loops. Each submitter belongs to its thread from its start to its join; the
 * runner is the main thread's.
 */

#include "runner.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/hist.h"
#include "base/log.h"
#include "ticks.h"
#include "victim.h"

/* Turns between two looks at the clock, so that the clock is not what is measured. */
#define TURNS 8u
/* The open loop goes on so much longer for what comes late; then it is too slow for the rate. */
#define GRACE 0.1

struct job {
	uint64_t begin_ns;  /* of the window, closed loop; of the arrivals, open loop */
	uint64_t end_ns;    /* of the open loop */
	uint64_t window_ns; /* of the closed loop */
	uint64_t period_ns; /* open loop: of a burst */
	uint64_t total;     /* open loop, verification: pages of all submitters */
	unsigned int burst;
	unsigned int nr; /* of submitters */
};

struct submitter {
	struct gen gen;
	const struct job *job;
	uint64_t first; /* page of its source */
	double pages_per_s;
	struct gen_counts counts; /* of the window */
	uint64_t cpu_ns;
	uint64_t done; /* in time */
	struct zc_hist hist;
	int ret;
	pthread_t thread;
};

struct runner {
	const struct corpus *corpus;
	unsigned int burst;
	uint64_t failed;
	struct victim victim;
	struct submitter submitters[STREAMS_LCORES];
};

int
runner_create(const struct corpus *corpus, unsigned int burst, struct runner **out)
{
	struct runner *r = (struct runner *)calloc(1, sizeof(*r));

	if (r == NULL) {
		zc_err("no memory for %u submitters", STREAMS_LCORES);
		return -ENOMEM;
	}
	r->corpus = corpus;
	r->burst = burst;
	*out = r;
	return 0;
}

void
runner_destroy(struct runner *r)
{
	free(r);
}

uint64_t
runner_failed(const struct runner *r)
{
	return r->failed;
}

static void
idle(const struct gen *g)
{
	if (g->mode->idle == STREAMS_IDLE_YIELD)
		sched_yield();
	else
		zc_pause();
}

/* The closed loop. */

/* Goes on until it is time, and @done pages are done. @return the time */
static uint64_t
turn_until(struct gen *g, uint64_t end_ns, uint64_t done)
{
	uint64_t now_ns;

	while ((now_ns = zc_now_ns()) < end_ns || g->counts.done < done) {
		for (unsigned int i = 0; i < TURNS; i++) {
			if (gen_turn(g) == 0)
				idle(g);
		}
	}
	return now_ns;
}

static void *
closed_main(void *arg)
{
	struct submitter *s = (struct submitter *)arg;
	struct gen *g = &s->gen;
	struct gen_counts before;
	uint64_t from_ns, to_ns;

	g->source = UINT64_MAX;
	from_ns = turn_until(g, s->job->begin_ns, 0);
	before = g->counts;
	to_ns = turn_until(g, from_ns + s->job->window_ns, before.done + 1);
	s->counts.done = g->counts.done - before.done;
	s->counts.managed = g->counts.managed - before.managed;
	s->counts.refused = g->counts.refused - before.refused;
	s->pages_per_s = 1e9 * (double)s->counts.done / (double)(to_ns - from_ns);
	gen_drain(g);
	return NULL;
}

/* The open loop. */

/* Bursts are dealt out page by page: to the first submitter, to the second, and so on. */
static uint64_t
page_ns(const struct submitter *s, uint64_t seq)
{
	const struct job *job = s->job;
	uint64_t page = (seq - s->first) * job->nr + s->gen.lcore;

	return job->begin_ns + page / job->burst * job->period_ns;
}

static void
record(void *arg, uint64_t seq, const struct zcomp_strm *strm)
{
	struct submitter *s = (struct submitter *)arg;

	(void)strm;
	zc_hist_add(&s->hist, zc_now_ns() - page_ns(s, seq));
	s->done++;
}

/* Too late to count as done; its time is a lower bound. */
static void
record_late(void *arg, uint64_t seq, const struct zcomp_strm *strm)
{
	struct submitter *s = (struct submitter *)arg;

	(void)strm;
	zc_hist_add(&s->hist, s->job->end_ns - page_ns(s, seq));
}

/* How many of @pages are this submitter's. */
static uint64_t
share(const struct submitter *s, uint64_t pages)
{
	return (pages + s->job->nr - 1 - s->gen.lcore) / s->job->nr;
}

static uint64_t
arrived(const struct submitter *s, uint64_t now_ns)
{
	const struct job *job = s->job;
	uint64_t pages;

	if (now_ns < job->begin_ns)
		return 0;
	pages = ((now_ns - job->begin_ns) / job->period_ns + 1) * job->burst;
	return share(s, pages < job->total ? pages : job->total);
}

static void
rest(const struct submitter *s, uint64_t now_ns)
{
	const struct gen *g = &s->gen;
	uint64_t until_ns = page_ns(s, g->next < g->source ? g->next : g->source);

	if (gen_busy(g)) {
		/* The RFC's submitters sleep too; their polling would be charged to the mode. */
		if (g->mode->idle == STREAMS_IDLE_SPIN) {
			idle(g);
			return;
		}
		if (until_ns <= now_ns || until_ns > now_ns + STREAMS_NAP_NS)
			until_ns = now_ns + STREAMS_NAP_NS;
	}
	victim_sleep_until(until_ns);
}

static uint64_t
thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void *
open_main(void *arg)
{
	struct submitter *s = (struct submitter *)arg;
	const uint64_t mine = share(s, s->job->total);
	struct gen *g = &s->gen;
	uint64_t cpu_ns, now_ns;

	victim_no_slack();
	g->finished = record;
	g->arg = s;
	cpu_ns = thread_cpu_ns();
	while ((now_ns = zc_now_ns()) < s->job->end_ns) {
		g->source = s->first + arrived(s, now_ns);
		if (gen_turn(g) != 0)
			continue;
		if (s->done == mine)
			break;
		rest(s, now_ns);
	}
	s->cpu_ns = thread_cpu_ns() - cpu_ns;
	s->counts = g->counts;
	g->finished = record_late;
	gen_drain(g);
	for (uint64_t seq = g->next; seq < s->first + mine; seq++)
		record_late(s, seq, NULL);
	return NULL;
}

/* Verification. */

static void
compare(void *arg, uint64_t seq, const struct zcomp_strm *strm)
{
	struct submitter *s = (struct submitter *)arg;
	const struct corpus *c = s->gen.corpus;
	uint8_t page[PERF_PAGE_SIZE];

	if (zcodec_lz4.decompress(strm->dst, (uint32_t)strm->result, page, sizeof(page)) != 0 ||
	    memcmp(page, corpus_content(c, (uint32_t)(seq % c->nr), 0), sizeof(page)) != 0)
		s->ret = -EBADMSG;
}

static void *
verify_main(void *arg)
{
	struct submitter *s = (struct submitter *)arg;
	struct gen *g = &s->gen;

	g->finished = compare;
	g->arg = s;
	g->source = s->first + share(s, s->job->total);
	while (gen_busy(g)) {
		if (gen_turn(g) == 0)
			idle(g);
	}
	s->counts.done = g->counts.done;
	return NULL;
}

/* All of them. */

static int
start_all(struct runner *r, const struct job *job, void *(*main)(void *))
{
	for (unsigned int i = 0; i < job->nr; i++) {
		int ret = pthread_create(&r->submitters[i].thread, NULL, main, &r->submitters[i]);

		if (ret == 0)
			continue;
		zc_err("cannot start submitter %u: %s", i, strerror(ret));
		while (i-- > 0)
			pthread_join(r->submitters[i].thread, NULL);
		return -ret;
	}
	for (unsigned int i = 0; i < job->nr; i++)
		pthread_join(r->submitters[i].thread, NULL);
	return 0;
}

static int
run(struct runner *r, const struct streams_device *dev, const struct streams_mode *mode,
    struct job *job, uint32_t first, void *(*main)(void *))
{
	int ret = 0;

	job->nr = mode->threads;
	for (unsigned int i = 0; i < job->nr; i++) {
		struct submitter *s = &r->submitters[i];

		memset(s, 0, sizeof(*s));
		gen_init(&s->gen, mode, dev, i, r->corpus, r->burst);
		s->job = job;
		s->first = first + (uint64_t)i * (r->corpus->nr / job->nr);
		s->gen.next = s->gen.source = s->first;
	}
	if (job->nr == 1)
		main(&r->submitters[0]);
	else
		ret = start_all(r, job, main);
	for (unsigned int i = 0; i < job->nr; i++) {
		r->failed += r->submitters[i].gen.counts.failed;
		if (ret == 0)
			ret = r->submitters[i].ret;
	}
	return ret;
}

int
runner_closed(struct runner *r, const struct streams_device *dev, const struct streams_mode *mode,
              uint64_t warm_ns, uint64_t window_ns, struct runner_rate *out)
{
	struct job job = {.begin_ns = zc_now_ns() + warm_ns, .window_ns = window_ns};
	struct gen_counts sum = {0};
	int ret;

	ret = run(r, dev, mode, &job, 0, closed_main);
	if (ret != 0)
		return ret;
	*out = (struct runner_rate){0};
	for (unsigned int i = 0; i < job.nr; i++) {
		out->pages_per_s += r->submitters[i].pages_per_s;
		sum.done += r->submitters[i].counts.done;
		sum.managed += r->submitters[i].counts.managed;
		sum.refused += r->submitters[i].counts.refused;
	}
	out->managed = (double)sum.managed / (double)sum.done;
	out->refused = (double)sum.refused / (double)sum.done;
	return 0;
}

static void
open_result(struct runner *r, const struct job *job, struct streams_result *out)
{
	struct zc_hist *hist = &r->submitters[0].hist;
	uint64_t done = 0, managed = 0, cpu_ns = 0;

	for (unsigned int i = 0; i < job->nr; i++) {
		if (i > 0)
			zc_hist_merge(hist, &r->submitters[i].hist);
		managed += r->submitters[i].counts.managed;
		done += r->submitters[i].done;
		cpu_ns += r->submitters[i].cpu_ns;
	}
	out->open = true;
	out->sustained = (double)done / (double)job->total;
	out->p50_us = (double)zc_hist_percentile(hist, 50) / 1e3;
	out->p99_us = (double)zc_hist_percentile(hist, 99) / 1e3;
	out->open_managed = done > 0 ? (double)managed / (double)done : 0;
	out->cpu_us = done > 0 ? (double)cpu_ns / (double)done / 1e3 : 0;
	out->victim_us = (double)zc_hist_percentile(&r->victim.late, 99) / 1e3;
}

int
runner_open(struct runner *r, const struct streams_device *dev, const struct streams_mode *mode,
            uint64_t duration_ns, struct streams_result *out)
{
	struct job job = {
	        .burst = r->burst,
	        .period_ns = 1000000000ull * r->burst / STREAMS_RATE,
	};
	int ret = victim_start(&r->victim);

	if (ret != 0) {
		zc_err("cannot start a thread: %s", strerror(-ret));
		return ret;
	}
	job.total = duration_ns / job.period_ns * job.burst;
	/* All threads have started by then. */
	job.begin_ns = zc_now_ns() + 2000000;
	job.end_ns = job.begin_ns + (uint64_t)((1 + GRACE) * (double)duration_ns);
	ret = run(r, dev, mode, &job, 0, open_main);
	victim_stop(&r->victim);
	if (ret == 0)
		open_result(r, &job, out);
	return ret;
}

int
runner_verify(struct runner *r, const struct streams_device *dev, const struct streams_mode *mode,
              uint32_t first, uint32_t nr)
{
	struct job job = {.total = nr};
	uint64_t done = 0;
	int ret = run(r, dev, mode, &job, first, verify_main);

	for (unsigned int i = 0; i < job.nr; i++)
		done += r->submitters[i].counts.done;
	if (ret == 0 && done != nr)
		ret = -EBADMSG;
	if (ret == -EBADMSG)
		zc_err("mode %s: a page does not come back as it was", mode->name);
	return ret;
}

/* A side of the pairing. */

static void
turn_until_done(struct gen *g, uint64_t done)
{
	while (g->counts.done < done) {
		if (gen_turn(g) == 0)
			idle(g);
	}
}

int
runner_pass(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	const struct runner_side *side = (const struct runner_side *)arg;
	struct gen *g = &side->runner->submitters[0].gen;
	struct ticks_span span;
	uint64_t start_ns, idle_ticks, from;

	gen_init(g, side->mode, side->dev, 0, side->runner->corpus, side->runner->burst);
	g->empty = g->times_idling = side->calls_only;
	if (side->cached)
		g->nr_pages = RUNNER_CACHED;
	g->source = UINT64_MAX;
	/* The queue is full then, and what was asked for first is back. */
	turn_until_done(g, side->mode->in_flight_max != 0 ? 2 : 2 * side->dev->opts.depth);
	span = ticks_begin();
	start_ns = zc_now_ns();
	idle_ticks = g->idle_ticks;
	from = g->counts.done;
	turn_until_done(g, from + sweeps * side->pages);
	time->elapsed_ns = (double)(zc_now_ns() - start_ns) * (double)(sweeps * side->pages) /
	                   (double)(g->counts.done - from);
	if (side->calls_only)
		time->elapsed_ns -= (double)(g->idle_ticks - idle_ticks) * ticks_unit(&span);
	time->client_ns = time->elapsed_ns;
	gen_drain(g);
	side->runner->failed += g->counts.failed;
	return 0;
}
