/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Ptest mixed: stores, loads and discards in chosen shares, on pages chosen at random, as fast as
 * they go. Stores and discards keep the queue full, loads come between them as they do in a
 * program. At the end each page is compared with the last that was done to it: operations on one
 * page through one queue take effect in order. One client, which spins; main thread only.
 */

#include "ptest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue_side.h"
#include "tell.h"
#include "ticks.h"
#include "zipf.h"

#define THETA      0.99
#define SEED       1u
#define KIND_BITS  2
#define STOP_EVERY 4096u
#define GONE       UINT32_MAX /* instead of a content: the page is discarded */

enum kind {
	STORE,
	LOAD,
	DISCARD,
	KINDS,
};

static const char *const kind_names[KINDS] = {"store", "load", "discard"};

struct mixed {
	struct service_disk on;
	struct zcl_queue *queue;
	const struct corpus *corpus;
	struct zipf zipf;
	uint64_t random;
	uint32_t *content; /* of each page: which page of the corpus, or GONE */
	uint64_t *begun;   /* ticks, by a number in user_data; as many as the queue holds */
	uint32_t *unused;  /* those numbers, a stack */
	uint32_t nr_unused;
	uint64_t staged;
	uint64_t since_ns;
	uint64_t failed;
	uint64_t overhead;
	struct zc_hist hists[KINDS]; /* ticks */
};

static enum kind
choose_kind(struct mixed *m)
{
	const unsigned int *mix = m->on.env->opts->load.mix;
	uint64_t draw = zipf_random(&m->random) % (mix[0] + mix[1] + mix[2]);

	return draw < mix[0] ? STORE : draw < mix[0] + mix[1] ? LOAD : DISCARD;
}

/* Pages that come often do not lie side by side. */
static uint32_t
choose_page(struct mixed *m)
{
	uint64_t rank = m->on.env->opts->load.zipf ? zipf_next(&m->zipf, &m->random)
	                                           : zipf_random(&m->random) % m->corpus->nr;

	return m->corpus->order[rank];
}

static int
submit(struct mixed *m)
{
	int ret = m->staged > 0 ? zcl_submit(m->queue) : 0;

	m->staged = 0;
	return ret < 0 ? service_complain("zcl_submit", ret) : 0;
}

static int
reap(struct mixed *m)
{
	struct zcl_cqe cqes[32];
	int nr = zcl_reap(m->queue, cqes, 32);
	uint64_t now = ticks_now();

	if (nr < 0)
		return service_complain("zcl_reap", nr);
	if (nr == 0)
		return queue_side_stalled(&m->on, &m->since_ns);
	m->since_ns = 0;
	for (int i = 0; i < nr; i++) {
		uint32_t number = (uint32_t)(cqes[i].user_data >> KIND_BITS);

		zc_hist_add(&m->hists[cqes[i].user_data & ((1 << KIND_BITS) - 1)],
		            now - m->begun[number]);
		m->unused[m->nr_unused++] = number;
		m->failed += cqes[i].res != 0;
	}
	return 0;
}

/* A full queue is submitted and reaped until there is room. */
static int
begin(struct mixed *m, enum kind kind, uint32_t page)
{
	uint32_t content = (uint32_t)(zipf_random(&m->random) % m->corpus->nr), number;
	uint64_t data;
	int ret = 0;

	while (ret == 0 && m->nr_unused == 0) {
		ret = submit(m);
		if (ret == 0)
			ret = reap(m);
	}
	if (ret != 0)
		return ret;
	number = m->unused[m->nr_unused - 1];
	data = (uint64_t)number << KIND_BITS | kind;
	m->begun[number] = ticks_now();
	ret = kind == DISCARD
	              ? zcl_discard(m->queue, page, 1, data)
	              : zcl_store(m->queue, page, corpus_content(m->corpus, content, 0), data);
	if (ret != 0)
		return service_complain(kind_names[kind], ret);
	m->content[page] = kind == DISCARD ? GONE : content;
	m->nr_unused--;
	return ++m->staged >= m->on.env->opts->burst ? submit(m) : 0;
}

static int
load(struct mixed *m, uint32_t page)
{
	char dst[PERF_PAGE_SIZE];
	uint64_t start = ticks_now();
	int ret = zcl_load(m->on.disk, page, dst);

	zc_hist_add(&m->hists[LOAD], ticks_since(start, m->overhead));
	return ret == 0 ? 0 : service_complain("zcl_load", ret);
}

static int
drain(struct mixed *m)
{
	int ret = submit(m);

	while (ret == 0 && m->nr_unused < zcl_queue_depth(m->queue))
		ret = reap(m);
	if (ret == 0 && m->failed != 0) {
		zc_err("%llu operations have failed", (unsigned long long)m->failed);
		ret = -EIO;
	}
	return ret;
}

static int
run_for(struct mixed *m, uint64_t ns)
{
	uint64_t until = zc_now_ns() + ns;
	int ret = 0;

	for (uint64_t i = 0; ret == 0; i++) {
		enum kind kind = choose_kind(m);
		uint32_t page = choose_page(m);

		if (i % 64 == 0 && zc_now_ns() >= until)
			break;
		if (i % STOP_EVERY == 0 && perf_place_stopped(m->on.env->place))
			return -EINTR;
		ret = kind == LOAD ? load(m, page) : begin(m, kind, page);
	}
	return ret == 0 ? drain(m) : ret;
}

static int
verify(const struct mixed *m)
{
	static const char zeros[PERF_PAGE_SIZE];
	char dst[PERF_PAGE_SIZE];

	for (uint32_t i = 0; i < m->corpus->nr; i++) {
		const void *wanted = m->content[i] == GONE
		                             ? (const void *)zeros
		                             : corpus_content(m->corpus, m->content[i], 0);
		int ret = zcl_load(m->on.disk, i, dst);

		if (ret != 0)
			return service_complain("zcl_load", ret);
		if (memcmp(dst, wanted, sizeof(dst)) != 0) {
			zc_err("page %u is not what was done to it last", i);
			return -EBADMSG;
		}
	}
	return 0;
}

static void
add_rows(const struct mixed *m, json_t *rows, double seconds, double unit_us)
{
	for (unsigned int i = 0; i < KINDS; i++) {
		const struct zc_hist *h = &m->hists[i];

		json_array_append_new(
		        rows,
		        json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f}", "op", kind_names[i],
		                  "pages", m->on.env->opts->load.zipf ? "zipf" : "uniform", "share",
		                  (int)m->on.env->opts->load.mix[i], "per_s",
		                  (double)h->count / seconds, "p50_us",
		                  unit_us * (double)zc_hist_percentile(h, 50), "p90_us",
		                  unit_us * (double)zc_hist_percentile(h, 90), "p99_us",
		                  unit_us * (double)zc_hist_percentile(h, 99), "p999_us",
		                  unit_us * (double)zc_hist_percentile(h, 99.9)));
	}
}

/* All pages are stored before it begins, in their order. */
static int
measure(struct mixed *m, json_t *rows)
{
	const bool quick = m->on.env->opts->quick;
	struct ticks_span span;
	int ret = 0;

	for (uint32_t i = 0; i < m->corpus->nr && ret == 0; i++)
		ret = begin(m, STORE, i);
	if (ret == 0)
		ret = drain(m);
	if (ret == 0)
		ret = run_for(m, quick ? 5000000 : 200000000);
	memset(m->hists, 0, sizeof(m->hists));
	span = ticks_begin();
	if (ret == 0)
		ret = run_for(m, quick ? 50000000 : 3000000000);
	if (ret != 0)
		return ret;
	add_rows(m, rows, (double)(zc_now_ns() - span.ns) / 1e9, ticks_unit(&span) / 1e3);
	return verify(m);
}

static int
prepare(struct mixed *m, const struct target_env *env)
{
	const struct service_disk_opts disk = {0};
	int ret = service_disk_open(&m->on, env, &disk);

	m->corpus = env->corpus;
	m->random = SEED;
	m->overhead = ticks_overhead();
	zipf_init(&m->zipf, env->corpus->nr, THETA);
	if (ret == 0)
		ret = service_disk_queue(&m->on, PERF_DEPTH, 0, &m->queue);
	if (ret != 0)
		return ret;
	m->nr_unused = zcl_queue_depth(m->queue);
	m->content = (uint32_t *)malloc(env->corpus->nr * sizeof(*m->content));
	m->begun = (uint64_t *)calloc(m->nr_unused, sizeof(*m->begun));
	m->unused = (uint32_t *)calloc(m->nr_unused, sizeof(*m->unused));
	if (m->content == NULL || m->begun == NULL || m->unused == NULL) {
		zc_err("no memory for what is stored");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < m->nr_unused; i++)
		m->unused[i] = i;
	return 0;
}

static int
run(const struct target_env *env, struct target **targets, struct report *report)
{
	struct mixed *m = (struct mixed *)calloc(1, sizeof(*m));
	json_t *rows = json_array();
	int ret = m == NULL || rows == NULL ? -ENOMEM : 0;

	(void)targets;
	if (ret == 0)
		ret = prepare(m, env);
	if (ret == 0)
		ret = measure(m, rows);
	if (m != NULL) {
		zcl_queue_destroy(m->queue);
		service_disk_close(&m->on);
		free(m->content);
		free(m->begun);
		free(m->unused);
	}
	free(m);
	if (ret == 0)
		return tell(env, report, rows, NULL);
	json_decref(rows);
	return ret;
}

const struct ptest ptest_mixed = {
        .name = "mixed",
        .doc = "stores, loads and discards together; no targets",
        .options = PERF_OPTION_ALGO | PERF_OPTION_COMPRESS_LEVEL | PERF_OPTION_BURST_SZ |
                   PERF_OPTION_QUICK | PERF_OPTION_SOCKET | PERF_OPTION_ZCOMPD | PERF_OPTION_CSV |
                   PERF_OPTION_MIX | PERF_OPTION_DIST,
        .nr_cpus = 2,
        .run = run,
};
