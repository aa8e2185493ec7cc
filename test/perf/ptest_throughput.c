/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Ptest throughput: steady overwriting and random loads, as fast as they go, and what they cost the
 * client. Stores and loads are paired each for themselves. The percentiles come from passes of
 * their own, since looking at the clock would slow the others down.
 */

#include "ptest.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "progress.h"
#include "ticks.h"

struct run {
	const struct target_env *env;
	struct target **targets;
	struct report *report;
	unsigned int nr;
	double pages; /* of a sweep */
	struct pairing_time *times[PERF_TARGETS_MAX];
	bool measured[PERF_TARGETS_MAX]; /* by the last measure() */
};

/* Which value of a pass a figure is. */
enum value {
	RATE,      /* pages a second */
	PAGE_US,   /* microseconds a page */
	CLIENT_US, /* of them, the client's */
};

static double
value_of(const struct run *run, const struct pairing_time *time, enum value what)
{
	switch (what) {
	case RATE:
		return 1e9 * run->pages / time->elapsed_ns;
	case PAGE_US:
		return time->elapsed_ns / run->pages / 1e3;
	default:
		return time->client_ns / run->pages / 1e3;
	}
}

static void
figure(struct run *run, const struct report_row *row, enum value what)
{
	double values[PERF_TARGETS_MAX][PAIRING_PAIRS_MAX];
	const double *rows[PERF_TARGETS_MAX];
	unsigned int nr_pairs = run->env->opts->nr_pairs, nr = 0;

	for (unsigned int i = 0; i < run->nr; i++) {
		for (unsigned int pair = 0; pair < nr_pairs; pair++)
			values[i][pair] = value_of(run, &run->times[i][pair], what);
		rows[i] = run->measured[i] ? values[i] : NULL;
		nr += run->measured[i];
	}
	if (nr > 0)
		report_figure(run->report, row, rows, nr_pairs);
}

/* All targets, or those that store_same(). */
static int
measure(struct run *run, const char *name, bool same,
        int (*pass)(void *arg, uint64_t sweeps, struct pairing_time *time))
{
	struct pairing_opts opts = {
	        .nr_pairs = run->env->opts->nr_pairs,
	        .min_ns = run->env->opts->min_ns,
	        .what = name,
	        .progress = progress_show,
	};
	struct pairing_side sides[PERF_TARGETS_MAX] = {{0}};
	unsigned int nr = 0;

	for (unsigned int i = 0; i < run->nr; i++) {
		run->measured[i] = !same || run->targets[i]->ops->store_same != NULL;
		if (run->measured[i])
			sides[nr++] = (struct pairing_side){pass, run->targets[i], run->times[i]};
	}
	return nr == 0 ? 0 : pairing_run(&opts, sides, nr);
}

static int
measure_stores(struct run *run)
{
	static const struct report_row rate = {"stores_per_s", "stores/s", 0};
	static const struct report_row page = {"store_us", "store, us, mean", 3};
	static const struct report_row client = {"store_client_us", "store, us, client's time", 3};
	int ret = measure(run, "stores", false, target_store_pass);

	if (ret != 0)
		return ret;
	figure(run, &rate, RATE);
	figure(run, &page, PAGE_US);
	figure(run, &client, CLIENT_US);
	return 0;
}

static int
measure_loads(struct run *run)
{
	static const struct report_row rate = {"loads_per_s", "loads/s", 0};
	static const struct report_row page = {"load_us", "load, us, mean", 3};
	int ret = measure(run, "loads", false, target_load_pass);

	if (ret != 0)
		return ret;
	figure(run, &rate, RATE);
	figure(run, &page, PAGE_US);
	return 0;
}

/* Pages of zeros: those who have a way of their own with them. Gives them back the corpus. */
static int
measure_same(struct run *run)
{
	static const struct report_row store = {"same_store_us", "zero page, store, us, mean", 3};
	static const struct report_row client = {"same_store_client_us",
	                                         "zero page, store, us, client's", 3};
	static const struct report_row load = {"same_load_us", "zero page, load, us, mean", 3};
	const unsigned int operations = run->env->opts->operations;
	double client_ns;
	int ret = measure(run, "stores of zero pages", true, target_store_same_pass);

	if (ret == 0 && (operations & PERF_COMP) != 0) {
		figure(run, &store, PAGE_US);
		figure(run, &client, CLIENT_US);
	}
	if (ret == 0 && (operations & PERF_DECOMP) != 0) {
		ret = measure(run, "loads of zero pages", true, target_load_pass);
		if (ret == 0)
			figure(run, &load, PAGE_US);
	}
	for (unsigned int i = 0; i < run->nr && ret == 0; i++) {
		if (run->measured[i])
			ret = run->targets[i]->ops->store(run->targets[i], 1, &client_ns);
	}
	return ret;
}

static void
percentiles(struct run *run, const struct zc_hist *hists, double unit_us)
{
	static const struct {
		double percent;
		struct report_row row;
	} table[] = {
	        {50, {"load_p50_us", "load, us, p50", 3}},
	        {90, {"load_p90_us", "load, us, p90", 3}},
	        {99, {"load_p99_us", "load, us, p99", 3}},
	        {99.9, {"load_p999_us", "load, us, p99.9", 3}},
	};
	double values[PERF_TARGETS_MAX];
	const double *rows[PERF_TARGETS_MAX];

	for (size_t p = 0; p < sizeof(table) / sizeof(table[0]); p++) {
		for (unsigned int i = 0; i < run->nr; i++) {
			values[i] =
			        unit_us * (double)zc_hist_percentile(&hists[i], table[p].percent);
			rows[i] = &values[i];
		}
		report_figure(run->report, &table[p].row, rows, 1);
	}
}

static int
measure_latency(struct run *run)
{
	struct zc_hist *hists = (struct zc_hist *)calloc(run->nr, sizeof(*hists));
	struct ticks_span span = ticks_begin();
	int ret = hists == NULL ? -ENOMEM : 0;

	for (unsigned int round = 0; round < run->env->opts->nr_pairs; round++) {
		for (unsigned int i = 0; i < run->nr && ret == 0; i++) {
			ret = run->targets[i]->ops->load(run->targets[i], 1, &hists[i]);
			if (ret == 0 && perf_place_stopped(run->env->place))
				ret = -EINTR;
		}
	}
	if (ret == 0)
		percentiles(run, hists, ticks_unit(&span) / 1e3);
	free(hists);
	return ret;
}

/* What the stored pages take, where a target knows. */
static int
report_sizes(struct run *run)
{
	static const struct report_row names[] = {
	        {"compression_ratio", "bytes in / bytes of objects", 3},
	        {"memory_ratio", "bytes in / memory used", 3},
	        {"mem_used_bytes", "memory used, bytes", 0},
	        {"mem_used_max_bytes", "memory used, most, bytes", 0},
	        {"managed_share", "share of managed streams", 3},
	};
	enum { NR = sizeof(names) / sizeof(names[0]) };
	double values[NR][PERF_TARGETS_MAX];
	const double *rows[NR][PERF_TARGETS_MAX] = {{NULL}};

	for (unsigned int i = 0; i < run->nr; i++) {
		struct target_stat stat;
		int ret = run->targets[i]->ops->stat(run->targets[i], &stat);

		if (ret != 0)
			return ret;
		if (stat.object_bytes != 0) {
			values[0][i] = (double)stat.orig_bytes / (double)stat.object_bytes;
			rows[0][i] = &values[0][i];
		}
		if (stat.stores != 0) {
			values[4][i] = (double)stat.managed / (double)stat.stores;
			rows[4][i] = &values[4][i];
		}
		if (stat.mem_used == 0)
			continue;
		values[1][i] = (double)stat.orig_bytes / (double)stat.mem_used;
		values[2][i] = (double)stat.mem_used;
		values[3][i] = (double)stat.mem_used_max;
		for (unsigned int n = 1; n <= 3; n++)
			rows[n][i] = &values[n][i];
	}
	for (unsigned int n = 0; n < NR; n++)
		report_figure(run->report, &names[n], rows[n], 1);
	return 0;
}

static int
verify_all(const struct run *run)
{
	for (unsigned int i = 0; i < run->nr; i++) {
		int ret = target_verify(run->targets[i]);

		if (ret != 0)
			return ret;
	}
	return 0;
}

static int
measure_all(struct run *run)
{
	const unsigned int operations = run->env->opts->operations;
	int ret = verify_all(run);

	if (ret == 0 && (operations & PERF_COMP) != 0)
		ret = measure_stores(run);
	if (ret == 0 && (operations & PERF_DECOMP) != 0)
		ret = measure_loads(run);
	if (ret == 0 && (operations & PERF_DECOMP) != 0)
		ret = measure_latency(run);
	if (ret == 0)
		ret = report_sizes(run);
	if (ret == 0)
		ret = measure_same(run);
	/* What was measured was the real thing. */
	return ret == 0 ? verify_all(run) : ret;
}

static int
run_throughput(const struct target_env *env, struct target **targets, struct report *report)
{
	struct run run = {
	        .env = env,
	        .targets = targets,
	        .report = report,
	        .nr = env->opts->nr_targets,
	        .pages = env->corpus->nr,
	};
	int ret = 0;

	for (unsigned int i = 0; i < run.nr; i++) {
		run.times[i] =
		        (struct pairing_time *)calloc(env->opts->nr_pairs, sizeof(*run.times[i]));
		if (run.times[i] == NULL)
			ret = -ENOMEM;
	}
	if (ret == 0)
		ret = measure_all(&run);
	else
		zc_err("no memory for the times of %u pairs", env->opts->nr_pairs);
	for (unsigned int i = 0; i < run.nr; i++)
		free(run.times[i]);
	return ret;
}

const struct ptest ptest_throughput = {
        .name = "throughput",
        .doc = "verifies, then measures stores and loads",
        .options = PERF_OPTION_TARGET | PERF_OPTION_NUM_ITER | PERF_OPTION_QUICK |
                   PERF_OPTION_OPERATION | PERF_OPTION_CSV,
        .run = run_throughput,
};
