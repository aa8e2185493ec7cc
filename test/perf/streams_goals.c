/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The goals, as ratios of sides that are measured in turn (pairing.h). A side is a mode over a
 * device, or a loop over liblz4. Main thread only.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "lz4_loop.h"
#include "pairing.h"
#include "runner.h"
#include "sides.h"
#include "streams.h"

struct goals {
	const struct perf_opts *opts;
	const struct perf_place *place;
	const struct corpus *corpus;
	struct streams_found *found;
	struct runner *runner;
	struct pairing_time *times; /* nr_pairs for each side */
};

static void
add_goal(struct goals *g, const char *text, const double *of, const double *to, double wanted,
         bool at_most)
{
	struct streams_goal *goal = &g->found->goals[g->found->nr_goals++];
	double ratios[PAIRING_PAIRS_MAX];
	struct pairing_figure figure;

	pairing_ratio(of, to, g->opts->nr_pairs, ratios);
	pairing_figure(ratios, g->opts->nr_pairs, &figure);
	snprintf(goal->text, sizeof(goal->text), "%s", text);
	goal->reached = figure.median;
	goal->spread = figure.spread;
	goal->wanted = wanted;
	goal->at_most = at_most;
}

static void
add_ratio(struct goals *g, const struct sides *s, const char *text, unsigned int of,
          unsigned int to, double wanted)
{
	double x[PAIRING_PAIRS_MAX], y[PAIRING_PAIRS_MAX];

	sides_rates(s, of, x);
	sides_rates(s, to, y);
	add_goal(g, text, x, y, wanted, false);
}

static struct runner_side
mode_side(const struct goals *g, const struct streams_device *dev, const struct streams_mode *mode)
{
	return (struct runner_side){.runner = g->runner, .dev = dev, .mode = mode};
}

/* Managed streams against per-CPU synchronous streams, and against the most that there can be. */

static void
add_limit_goal(struct goals *g, const struct sides *s, const struct streams_device_opts *opts)
{
	const double device = 1e6 * opts->engines / opts->latency_us;
	double managed[PAIRING_PAIRS_MAX], most[PAIRING_PAIRS_MAX];

	sides_rates(s, 0, managed);
	sides_rates(s, 2, most);
	for (unsigned int i = 0; i < g->opts->nr_pairs; i++) {
		if (device < most[i])
			most[i] = device;
	}
	add_goal(g, "managed / lesser of device and LZ4 loop on its CPU, 50 us, LZ4", managed, most,
	         0.95, false);
}

/* With LZ4 the codec is the most of it; without, it would be memory that pages come from. */
static int
timing_goal(struct goals *g)
{
	const struct streams_device_opts opts = {"compress_sim", 50, 256, 256, true};
	struct runner_side managed, percpu, uncached;
	struct sides s = sides_begin(g->opts, g->place, g->times);
	struct streams_device dev;
	int ret = streams_device_create(&dev, &opts, g->opts->level);

	if (ret != 0)
		return ret;
	uncached = mode_side(g, &dev, &streams_mode_device);
	managed = uncached;
	percpu = mode_side(g, &dev, streams_mode_percpu);
	managed.cached = percpu.cached = true;
	sides_add(&s, runner_pass, &managed, &managed.pages);
	sides_add(&s, runner_pass, &percpu, &percpu.pages);
	sides_add(&s, runner_pass, &uncached, &uncached.pages);
	ret = sides_measure(&s);
	if (ret == 0) {
		add_ratio(g, &s, "managed / percpu-device, 50 us, timing only, pages in the cache",
		          0, 1, 100);
		add_ratio(g, &s, "managed / percpu-device, 50 us, timing only, pages in memory", 2,
		          1, 100);
	}
	streams_device_destroy(&dev);
	return ret;
}

static int
depth_goal(struct goals *g)
{
	const struct streams_device_opts opts = {"compress_sim", 50, 256, 256, false};
	struct streams_device dev;
	struct sides s = sides_begin(g->opts, g->place, g->times);
	struct runner_side managed, percpu;
	struct lz4_loop loop = {g->corpus, g->opts->level, 0, g->place, false, NULL};
	int ret = lz4_loop_init(&loop);

	if (ret == 0)
		ret = streams_device_create(&dev, &opts, g->opts->level);
	if (ret != 0) {
		lz4_loop_fini(&loop);
		return ret;
	}
	managed = mode_side(g, &dev, &streams_mode_device);
	percpu = mode_side(g, &dev, streams_mode_percpu);
	sides_add(&s, runner_pass, &managed, &managed.pages);
	sides_add(&s, runner_pass, &percpu, &percpu.pages);
	sides_add(&s, lz4_loop_pass, &loop, &loop.pages);
	ret = sides_measure(&s);
	if (ret == 0) {
		add_ratio(g, &s, "managed / percpu-device, 50 us, LZ4", 0, 1, 8);
		add_limit_goal(g, &s, &opts);
	}
	streams_device_destroy(&dev);
	lz4_loop_fini(&loop);
	return ret;
}

/* The policies against software and the device, each alone. */

enum {
	SOFTWARE,
	DEVICE,
	INLINE,
	ADAPTIVE,
};

static int
measure_policies(struct goals *g, const struct streams_device_opts *opts, struct sides *s,
                 struct runner_side *sides)
{
	const struct streams_mode *const modes[] = {
	        [SOFTWARE] = streams_mode_software,
	        [DEVICE] = &streams_mode_device,
	        [INLINE] = streams_mode_inline,
	        [ADAPTIVE] = streams_mode_adaptive,
	};
	struct streams_device dev;
	int ret = streams_device_create(&dev, opts, g->opts->level);

	if (ret != 0)
		return ret;
	for (unsigned int i = 0; i < SIDES_MAX; i++) {
		sides[i] = mode_side(g, &dev, modes[i]);
		sides_add(s, runner_pass, &sides[i], &sides[i].pages);
	}
	ret = sides_measure(s);
	streams_device_destroy(&dev);
	return ret;
}

static int
slower_goal(struct goals *g)
{
	const struct streams_device_opts opts = {"compress_sim", 20, 256, 1, true};
	struct runner_side sides[SIDES_MAX];
	struct sides s = sides_begin(g->opts, g->place, g->times);
	int ret = measure_policies(g, &opts, &s, sides);

	if (ret != 0)
		return ret;
	add_ratio(g, &s, "inline / software, device slower (1 engine, 20 us)", INLINE, SOFTWARE,
	          0.97);
	add_ratio(g, &s, "adaptive / software, device slower (1 engine, 20 us)", ADAPTIVE, SOFTWARE,
	          0.97);
	return 0;
}

static int
faster_goal(struct goals *g)
{
	const struct streams_device_opts opts = {"compress_sim", 20, 256, 256, true};
	struct runner_side sides[SIDES_MAX];
	struct sides s = sides_begin(g->opts, g->place, g->times);
	int ret = measure_policies(g, &opts, &s, sides);

	if (ret != 0)
		return ret;
	add_ratio(g, &s, "inline / device alone, device faster (256 engines, 20 us)", INLINE,
	          DEVICE, 0.97);
	add_ratio(g, &s, "adaptive / device alone, device faster (256 engines, 20 us)", ADAPTIVE,
	          DEVICE, 0.97);
	return 0;
}

/* @return microseconds of a page on the per-lcore stream, 0 after an error */
static double
software_us(struct goals *g)
{
	struct lz4_loop loop = {g->corpus, g->opts->level, g->corpus->nr, NULL, false, NULL};
	struct pairing_time time = {0, 0};
	int ret = lz4_loop_init(&loop);

	if (ret == 0)
		ret = lz4_loop_pass(&loop, 1, &time);
	lz4_loop_fini(&loop);
	return ret == 0 ? time.elapsed_ns / g->corpus->nr / 1e3 : 0;
}

static int
equal_goal(struct goals *g)
{
	const struct streams_device_opts opts = {"compress_sim", software_us(g), 256, 1, true};
	double sum[PAIRING_PAIRS_MAX], other[PAIRING_PAIRS_MAX];
	struct runner_side sides[SIDES_MAX];
	struct sides s = sides_begin(g->opts, g->place, g->times);
	int ret = opts.latency_us > 0 ? measure_policies(g, &opts, &s, sides) : -ENOMEM;

	if (ret != 0)
		return ret;
	sides_rates(&s, SOFTWARE, sum);
	sides_rates(&s, DEVICE, other);
	for (unsigned int i = 0; i < g->opts->nr_pairs; i++)
		sum[i] += other[i];
	sides_rates(&s, INLINE, other);
	add_goal(g, "inline / software + device, device as fast as software", other, sum, 0.9,
	         false);
	sides_rates(&s, ADAPTIVE, other);
	add_goal(g, "adaptive / software + device, device as fast as software", other, sum, 0.9,
	         false);
	return 0;
}

/* What the streams themselves cost. */

static int
measure_path(struct goals *g, const struct streams_device_opts *opts, struct sides *s,
             struct runner_side *side, struct lz4_loop *loops)
{
	struct streams_device dev;
	int ret = streams_device_create(&dev, opts, g->opts->level);

	if (ret != 0)
		return ret;
	*side = mode_side(g, &dev, &streams_mode_device);
	side->calls_only = opts->null;
	sides_add(s, runner_pass, side, &side->pages);
	for (unsigned int i = 0; i < 2 && ret == 0; i++) {
		loops[i] = (struct lz4_loop){g->corpus, g->opts->level, 0, NULL, i == 1, NULL};
		ret = lz4_loop_init(&loops[i]);
		sides_add(s, lz4_loop_pass, &loops[i], &loops[i].pages);
	}
	if (ret == 0)
		ret = sides_measure(s);
	streams_device_destroy(&dev);
	lz4_loop_fini(&loops[0]);
	lz4_loop_fini(&loops[1]);
	return ret;
}

static int
path_goal(struct goals *g)
{
	const struct streams_device_opts opts = {"compress_lz4", 0, 256, 1, false};
	struct lz4_loop loops[2] = {{0}, {0}};
	struct sides s = sides_begin(g->opts, g->place, g->times);
	struct runner_side side;
	int ret = measure_path(g, &opts, &s, &side, loops);

	if (ret != 0)
		return ret;
	add_ratio(g, &s, "compress_lz4, mode=inline / bare LZ4 loop", 0, 1, 0.97);
	add_ratio(g, &s, "compress_lz4, mode=inline / LZ4 loop with copy-in", 0, 2, 0.97);
	return 0;
}

static int
null_goal(struct goals *g)
{
	const struct streams_device_opts opts = {"compress_sim", 2, 256, 256, true};
	double of[PAIRING_PAIRS_MAX], to[PAIRING_PAIRS_MAX];
	struct lz4_loop loops[2] = {{0}, {0}};
	struct sides s = sides_begin(g->opts, g->place, g->times);
	struct runner_side side;
	int ret = measure_path(g, &opts, &s, &side, loops);

	if (ret != 0)
		return ret;
	/* Times, not rates. */
	sides_rates(&s, 1, of);
	sides_rates(&s, 0, to);
	add_goal(g, "get, submit, poll, put of a page / LZ4 of a page", of, to, 0.05, true);
	return 0;
}

static int
run_all(struct goals *g)
{
	static int (*const goals[])(struct goals *) = {
	        depth_goal, timing_goal, slower_goal, faster_goal, equal_goal, path_goal, null_goal,
	};
	int ret = 0;

	for (size_t i = 0; i < sizeof(goals) / sizeof(goals[0]) && ret == 0; i++)
		ret = goals[i](g);
	return ret;
}

int
streams_goals_run(const struct perf_opts *opts, const struct perf_place *place,
                  const struct corpus *corpus, struct streams_found *found)
{
	struct goals g = {.opts = opts, .place = place, .corpus = corpus, .found = found};
	int ret = runner_create(corpus, opts->burst, &g.runner);

	if (ret != 0)
		return ret;
	g.times = sides_times(opts);
	ret = g.times != NULL ? run_all(&g) : -ENOMEM;
	found->failed += runner_failed(g.runner);
	free(g.times);
	runner_destroy(g.runner);
	return ret;
}
