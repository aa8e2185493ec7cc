/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Ptest latency: what stores and loads take when they come at a fixed rate, from the time at which
 * they should have come (openloop.h). The rates are shares of what a closed loop does on this
 * machine now. One client, which spins; main thread only.
 */

#include "ptest.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "latency_plot.h"
#include "openloop.h"
#include "plot.h"
#include "queue_side.h"
#include "tell.h"

#define STOP_EVERY 4096u /* loads between two looks at whether to stop */

struct client {
	struct service_disk on;
	struct queue_side side; /* its queue, and the page that is stored next */
	uint64_t loads;
	uint64_t staged;
	uint64_t since_ns; /* nothing was reaped */
	uint64_t failed;
};

static uint64_t
now(void *arg)
{
	(void)arg;
	return zc_now_ns();
}

static int
begin_store(void *arg, struct openloop *o, uint64_t intended_ns)
{
	struct client *c = (struct client *)arg;
	const struct corpus *corpus = c->on.env->corpus;
	uint64_t page = c->side.at % c->on.pages;
	uint32_t shift = corpus_shift(corpus, c->side.at / c->on.pages);
	int ret = zcl_store(c->side.queue, page, corpus_content(corpus, (uint32_t)page, shift),
	                    intended_ns);

	(void)o;
	if (ret == 0) {
		c->side.at++;
		c->staged++;
	}
	return ret;
}

static int
poll_stores(void *arg, struct openloop *o)
{
	struct client *c = (struct client *)arg;
	struct zcl_cqe cqes[32];
	int ret = c->staged > 0 ? zcl_submit(c->side.queue) : 0, nr;
	uint64_t done_ns;

	c->staged = 0;
	nr = ret < 0 ? ret : zcl_reap(c->side.queue, cqes, 32);
	if (nr < 0)
		return service_complain("an open loop", nr);
	if (nr == 0)
		return o->begun > o->done ? queue_side_stalled(&c->on, &c->since_ns) : 0;
	c->since_ns = 0;
	done_ns = zc_now_ns();
	for (int i = 0; i < nr; i++) {
		openloop_done(o, cqes[i].user_data, done_ns);
		c->failed += cqes[i].res != 0;
	}
	return 0;
}

static int
load_next(struct client *c)
{
	const struct corpus *corpus = c->on.env->corpus;
	char dst[PERF_PAGE_SIZE];
	int ret = zcl_load(c->on.disk, corpus->order[c->loads++ % corpus->nr], dst);

	return ret == 0 ? 0 : service_complain("zcl_load", ret);
}

static int
begin_load(void *arg, struct openloop *o, uint64_t intended_ns)
{
	int ret = load_next((struct client *)arg);

	openloop_done(o, intended_ns, zc_now_ns());
	return ret;
}

static int
poll_loads(void *arg, struct openloop *o)
{
	struct client *c = (struct client *)arg;

	(void)o;
	return c->loads % STOP_EVERY == 0 && perf_place_stopped(c->on.env->place) ? -EINTR : 0;
}

/* Pages a second of the closed loop. */

static int
closed_stores(struct client *c, uint64_t least_ns, double *rate)
{
	struct pairing_time time;
	double elapsed_ns = 0, pages = 0;
	int ret = 0;

	c->side.pages = c->on.pages;
	while (ret == 0 && elapsed_ns < (double)least_ns) {
		ret = queue_side_pass(&c->side, 1, &time);
		elapsed_ns += time.elapsed_ns;
		pages += (double)c->side.pages;
	}
	*rate = 1e9 * pages / elapsed_ns;
	return ret;
}

static int
closed_loads(struct client *c, uint64_t least_ns, double *rate)
{
	uint64_t start = zc_now_ns(), nr = 0, elapsed;
	int ret;

	do {
		ret = load_next(c);
		nr++;
		elapsed = zc_now_ns() - start;
	} while (ret == 0 && elapsed < least_ns);
	*rate = 1e9 * (double)nr / (double)elapsed;
	return ret;
}

static void
add_row(json_t *rows, const char *op, double percent, const struct openloop *o)
{
	double achieved = 1e9 * (double)o->done / (double)o->elapsed_ns;

	json_array_append_new(
	        rows, json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "op", op,
	                        "percent", percent, "offered_per_s", o->rate, "done_per_s",
	                        achieved, "p50_us", (double)zc_hist_percentile(&o->hist, 50) / 1e3,
	                        "p90_us", (double)zc_hist_percentile(&o->hist, 90) / 1e3, "p99_us",
	                        (double)zc_hist_percentile(&o->hist, 99) / 1e3, "p999_us",
	                        (double)zc_hist_percentile(&o->hist, 99.9) / 1e3, "max_us",
	                        (double)o->hist.max / 1e3));
}

static int
open_loops(struct client *c, bool loads, double closed, json_t *rows)
{
	const struct perf_opts *opts = c->on.env->opts;
	const double seconds = opts->quick ? 0.02 : 1;
	struct openloop *o = (struct openloop *)malloc(sizeof(*o));
	int ret = o == NULL ? -ENOMEM : 0;

	for (unsigned int i = 0; i < opts->load.nr_rates && ret == 0; i++) {
		double percent = opts->load.rates[i], rate = closed * percent / 100;

		*o = (struct openloop){
		        .rate = rate,
		        .nr = 1 + (uint64_t)(rate * seconds),
		        .now = now,
		        .begin = loads ? begin_load : begin_store,
		        .poll = loads ? poll_loads : poll_stores,
		        .arg = c,
		};
		ret = openloop_run(o);
		if (ret == 0 && perf_place_stopped(c->on.env->place))
			ret = -EINTR;
		if (ret == 0)
			add_row(rows, loads ? "load" : "store", percent, o);
	}
	free(o);
	return ret;
}

static int
measure(struct client *c, json_t *rows, double closed[2])
{
	const uint64_t least_ns = c->on.env->opts->quick ? 10000000 : 500000000;
	int ret = service_disk_queue(&c->on, PERF_DEPTH, 0, &c->side.queue);

	c->side.on = &c->on;
	if (ret == 0)
		ret = queue_side_fill(&c->side);
	if (ret == 0)
		ret = closed_stores(c, least_ns, &closed[0]);
	if (ret == 0)
		ret = closed_loads(c, least_ns, &closed[1]);
	for (unsigned int i = 0; i < 2 && ret == 0; i++)
		ret = open_loops(c, i == 1, closed[i], rows);
	zcl_queue_destroy(c->side.queue);
	if (ret == 0 && c->failed != 0) {
		zc_err("%llu stores have failed", (unsigned long long)c->failed);
		ret = -EIO;
	}
	return ret;
}

static int
run(const struct target_env *env, struct target **targets, struct report *report)
{
	const struct perf_opts *opts = env->opts;
	struct service_disk_opts disk = {0};
	struct client c = {0};
	json_t *rows = json_array();
	double closed[2];
	char foot[512];
	int ret = plot_check(opts->svg);

	(void)targets;
	if (ret == 0)
		ret = service_disk_open(&c.on, env, &disk);
	if (ret == 0)
		ret = measure(&c, rows, closed);
	service_disk_close(&c.on);
	plot_foot(env, foot, sizeof(foot));
	if (ret == 0 && opts->svg != NULL)
		ret = latency_plot(rows, opts->svg, foot);
	if (ret == 0)
		return tell(env, report, rows, NULL);
	json_decref(rows);
	return ret;
}

const struct ptest ptest_latency = {
        .name = "latency",
        .doc = "percentiles of stores and loads at fixed rates, open loop; no targets",
        .options = PERF_OPTION_ALGO | PERF_OPTION_COMPRESS_LEVEL | PERF_OPTION_BURST_SZ |
                   PERF_OPTION_QUICK | PERF_OPTION_SOCKET | PERF_OPTION_ZCOMPD | PERF_OPTION_CSV |
                   PERF_OPTION_SVG | PERF_OPTION_RATES,
        .nr_cpus = 2,
        .run = run,
};
