/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Ptest streams: when do managed streams pay? All modes over devices of the accelerator model, in
 * this process, with the submitter on the first CPU and the model's host thread on the second; then
 * the goals. Main thread only, which is EAL's main lcore.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "eal.h"
#include "plot.h"
#include "progress.h"
#include "ptest.h"
#include "runner.h"
#include "streams.h"
#include "victim.h"

#define MS          1000000ull
#define ROUNDS_MAX  3u
#define DEPTH       256u /* where the open loop is run */
#define FULL_ROUNDS 1.5  /* warm up: so many times what a page stays in a full queue */

/* How long things take. */
struct schedule {
	unsigned int rounds;
	uint64_t warm_ns;
	uint64_t window_ns;
	uint64_t open_ns;
	uint64_t idle_ns;   /* the neighbour alone */
	uint32_t verify_nr; /* pages by each mode */
};

static const struct schedule whole = {3, 10 * MS, 35 * MS, 400 * MS, 1000 * MS, 1024};
static const struct schedule quick = {1, 2 * MS, 5 * MS, 40 * MS, 50 * MS, 64};

struct sweep {
	const struct perf_opts *opts;
	const struct perf_place *place;
	const struct corpus *corpus;
	const struct schedule *schedule;
	struct streams_found *found;
	struct runner *runner;
	uint32_t unverified; /* page that is verified next */
};

static void
add_point(struct streams_found *found, double latency_us, unsigned int depth, unsigned int engines,
          bool null)
{
	found->points[found->nr_points++].device =
	        (struct streams_device_opts){"compress_sim", latency_us, depth, engines, null};
}

static void
add_points(struct streams_found *found, bool is_quick)
{
	static const double latencies[] = {2, 5, 10, 20, 50, 100, 200};
	static const unsigned int depths[] = {1, 8, 32, 128, DEPTH};

	if (is_quick) {
		add_point(found, 50, DEPTH, DEPTH, true);
		add_point(found, 20, DEPTH, 1, true);
		add_point(found, 50, DEPTH, DEPTH, false);
		return;
	}
	for (size_t i = 0; i < sizeof(latencies) / sizeof(latencies[0]); i++) {
		for (size_t d = 0; d < sizeof(depths) / sizeof(depths[0]); d++)
			add_point(found, latencies[i], depths[d], depths[d], true);
		add_point(found, latencies[i], DEPTH, 4, true);
		add_point(found, latencies[i], DEPTH, 1, true);
		add_point(found, latencies[i], DEPTH, DEPTH, false);
	}
}

static int
idle_victim(const struct sweep *sweep)
{
	struct victim victim;
	int ret = victim_start(&victim);

	if (ret != 0) {
		zc_err("cannot start a thread: %s", strerror(-ret));
		return ret;
	}
	victim_sleep_until(zc_now_ns() + sweep->schedule->idle_ns);
	victim_stop(&victim);
	sweep->found->victim_idle_us = (double)zc_hist_percentile(&victim.late, 99) / 1e3;
	return 0;
}

/* Each page of the corpus is verified at one point or another. */
static int
verify_modes(struct sweep *sweep, const struct streams_device *dev)
{
	const uint32_t wanted = sweep->schedule->verify_nr;
	const uint32_t nr = sweep->corpus->nr < wanted ? sweep->corpus->nr : wanted;
	int ret = 0;

	for (unsigned int m = 0; m < STREAMS_MODES_MAX && ret == 0; m++)
		ret = runner_verify(sweep->runner, dev, &streams_modes[m], sweep->unverified, nr);
	sweep->unverified = (sweep->unverified + nr) % sweep->corpus->nr;
	return ret;
}

static int
closed_loops(const struct sweep *sweep, const struct streams_device *dev,
             struct streams_point *point)
{
	const struct schedule *schedule = sweep->schedule;
	const uint64_t full_ns = (uint64_t)(FULL_ROUNDS * 1e3 * streams_device_full_us(dev));
	double rates[STREAMS_MODES_MAX][ROUNDS_MAX];
	struct pairing_figure figure;
	struct runner_rate rate;

	for (unsigned int i = 0; i < schedule->rounds * STREAMS_MODES_MAX; i++) {
		unsigned int round = i / STREAMS_MODES_MAX, m = i % STREAMS_MODES_MAX;
		int ret = runner_closed(sweep->runner, dev, &streams_modes[m],
		                        full_ns > schedule->warm_ns ? full_ns : schedule->warm_ns,
		                        schedule->window_ns, &rate);

		if (ret != 0)
			return ret;
		rates[m][round] = rate.pages_per_s;
		point->results[m].managed += rate.managed / schedule->rounds;
		point->results[m].refused += rate.refused / schedule->rounds;
	}
	for (unsigned int m = 0; m < STREAMS_MODES_MAX; m++) {
		pairing_figure(rates[m], schedule->rounds, &figure);
		point->results[m].pages_per_s = figure.median;
	}
	return 0;
}

static int
open_loops(const struct sweep *sweep, const struct streams_device *dev, struct streams_point *point)
{
	for (unsigned int m = 0; m < STREAMS_MODES_MAX; m++) {
		struct streams_result *result = &point->results[m];
		int ret = runner_open(sweep->runner, dev, &streams_modes[m],
		                      sweep->schedule->open_ns, result);

		if (ret != 0)
			return ret;
	}
	return 0;
}

static int
run_point(struct sweep *sweep, struct streams_point *point)
{
	struct streams_device dev;
	int ret = streams_device_create(&dev, &point->device, sweep->opts->level);

	if (ret != 0)
		return ret;
	if (!point->device.null)
		ret = verify_modes(sweep, &dev);
	if (ret == 0)
		ret = closed_loops(sweep, &dev, point);
	if (ret == 0 && point->device.depth == DEPTH)
		ret = open_loops(sweep, &dev, point);
	point->late = streams_device_late(&dev);
	streams_device_destroy(&dev);
	if (ret == 0 && perf_place_stopped(sweep->place))
		ret = -EINTR;
	return ret;
}

static int
run_sweep(struct sweep *sweep)
{
	int ret = runner_create(sweep->corpus, sweep->opts->burst, &sweep->runner);

	if (ret == 0)
		ret = idle_victim(sweep);
	for (unsigned int i = 0; i < sweep->found->nr_points && ret == 0; i++) {
		progress_show("points", i, sweep->found->nr_points);
		ret = run_point(sweep, &sweep->found->points[i]);
	}
	if (sweep->runner != NULL)
		sweep->found->failed += runner_failed(sweep->runner);
	runner_destroy(sweep->runner);
	return ret;
}

static int
measure(const struct target_env *env, struct streams_found *found)
{
	struct sweep sweep = {
	        .opts = env->opts,
	        .place = env->place,
	        .corpus = env->corpus,
	        .schedule = env->opts->quick ? &quick : &whole,
	        .found = found,
	};
	int ret = perf_eal_start(env->place);

	if (ret != 0)
		return ret;
	add_points(found, env->opts->quick);
	ret = run_sweep(&sweep);
	if (ret == 0)
		ret = streams_goals_run(env->opts, env->place, env->corpus, found);
	perf_eal_stop();
	return ret;
}

static int
draw(const struct target_env *env, const struct streams_found *found)
{
	char foot[512];

	plot_foot(env, foot, sizeof(foot));
	return streams_plot(found, env->opts->svg, foot);
}

static int
tell(const struct target_env *env, const struct streams_found *found, struct report *report)
{
	char *text = streams_text(found);
	json_t *json = streams_json(found);
	int ret = 0;

	if (text == NULL || json == NULL) {
		zc_err("no memory for a report");
		free(text);
		json_decref(json);
		return -ENOMEM;
	}
	report_own(report, text, json);
	if (found->failed != 0)
		report_warning(report, "devices gave pages back with an error", found->failed);
	for (unsigned int i = 0; i < found->nr_goals; i++)
		report_spread(report, found->goals[i].text, found->goals[i].spread);
	if (env->opts->csv != NULL)
		ret = streams_csv(found, env->opts->csv);
	if (ret == 0 && env->opts->svg != NULL)
		ret = draw(env, found);
	return ret;
}

static int
run(const struct target_env *env, struct target **targets, struct report *report)
{
	struct streams_found *found;
	int ret = plot_check(env->opts->svg);

	(void)targets;
	if (ret != 0)
		return ret;
	found = (struct streams_found *)calloc(1, sizeof(*found));
	if (found == NULL) {
		zc_err("no memory for what is found");
		return -ENOMEM;
	}
	ret = measure(env, found);
	if (ret == 0)
		ret = tell(env, found, report);
	free(found);
	return ret;
}

const struct ptest ptest_streams = {
        .name = "streams",
        .doc = "managed and per-CPU streams, modelled devices; no targets",
        .options = PERF_OPTION_COMPRESS_LEVEL | PERF_OPTION_BURST_SZ | PERF_OPTION_NUM_ITER |
                   PERF_OPTION_QUICK | PERF_OPTION_CSV | PERF_OPTION_SVG,
        .nr_cpus = 2,
        .run = run,
};
