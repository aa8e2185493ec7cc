/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Goals that are ratios of targets which do the same work in turn: liblz4 alone, the service, and
 * zram where it is given. Main thread only.
 */

#include "goals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "progress.h"
#include "queue_side.h"
#include "sides.h"
#include "ticks.h"

#define HOT_PAGES  256u
#define ZERO_PAGES 8u

/* Which target is which. */
enum {
	CODEC,
	SERVICE,
	ZRAM,
	SLOTS,
};

struct contest {
	struct target_env env;
	struct target *targets[SLOTS];
	struct pairing_time *times; /* nr_pairs for each */
};

const struct target_ops *
goals_zram(const struct target_env *env)
{
	for (unsigned int i = 0; i < env->opts->nr_targets; i++) {
		if (strncmp(env->opts->targets[i]->name, "zram", 4) == 0)
			return env->opts->targets[i];
	}
	return NULL;
}

void
goals_skip_zram(struct goal_list *goals, const struct goal_def *const *defs)
{
	for (; *defs != NULL; defs++)
		goal_skip(goals, *defs, "needs zram:/dev/zramN among the targets");
}

int
goals_view(const struct corpus *c, uint32_t nr, struct corpus *view)
{
	uint32_t at = 0;

	*view = *c;
	view->nr = nr;
	view->order = (uint32_t *)malloc(nr * sizeof(*view->order));
	if (view->order == NULL) {
		zc_err("no memory for the order of %u pages", nr);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < c->nr; i++) {
		if (c->order[i] < nr)
			view->order[at++] = c->order[i];
	}
	return 0;
}

void
goals_view_fini(struct corpus *view)
{
	free(view->order);
}

static void
contest_end(struct contest *c)
{
	targets_destroy(c->targets, SLOTS);
	free(c->times);
}

/* Without zram, or without any need of one or the other, there is none in its place. */
static int
contest_begin(struct contest *c, const struct target_env *env, const struct corpus *corpus,
              bool codec, bool zram)
{
	const struct target_ops *const ops[SLOTS] = {codec ? &target_codec : NULL, &target_service,
	                                             zram ? goals_zram(env) : NULL};
	int ret = 0;

	*c = (struct contest){.env = *env, .times = sides_times(env->opts)};
	c->env.corpus = corpus;
	if (c->times == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < SLOTS && ret == 0; i++) {
		if (ops[i] != NULL)
			ret = ops[i]->create(&c->env, &c->targets[i]);
	}
	if (ret != 0)
		contest_end(c);
	return ret;
}

static int
contest_run(struct contest *c, sides_pass pass)
{
	const struct perf_opts *opts = c->env.opts;
	const struct pairing_opts pairing = {
	        .nr_pairs = opts->nr_pairs,
	        .min_ns = opts->min_ns,
	        .what = "goals",
	        .progress = progress_show,
	};
	struct pairing_side sides[SLOTS];
	unsigned int nr = 0;

	for (unsigned int i = 0; i < SLOTS; i++) {
		if (c->targets[i] != NULL)
			sides[nr++] = (struct pairing_side){pass, c->targets[i],
			                                    c->times + i * opts->nr_pairs};
	}
	return pairing_run(&pairing, sides, nr);
}

static void
elapsed(const struct contest *c, unsigned int slot, double *out)
{
	for (unsigned int i = 0; i < c->env.opts->nr_pairs; i++)
		out[i] = c->times[slot * c->env.opts->nr_pairs + i].elapsed_ns;
}

static void
client(const struct contest *c, unsigned int slot, double *out)
{
	for (unsigned int i = 0; i < c->env.opts->nr_pairs; i++)
		out[i] = c->times[slot * c->env.opts->nr_pairs + i].client_ns;
}

static int
contest_stores(struct contest *c, struct goal_list *goals)
{
	static const struct goal_def rate = {"stores_lz4", "stores/s, one worker, one client",
	                                     "liblz4 loop", 0.90, false};
	static const struct goal_def stretch = {"stores_lz4_stretch", "the same, stretch",
	                                        "liblz4 loop", 0.95, false};
	static const struct goal_def zram = {"stores_zram", "stores/s, one worker, one client",
	                                     "kernel zram write, one thread", 1.12, false};
	static const struct goal_def zram_stretch = {"stores_zram_stretch", "the same, stretch",
	                                             "kernel zram write, one thread", 1.18, false};
	static const struct goal_def time = {"client_store", "client's time per zcl_store",
	                                     "kernel zram write, one thread", 1.0 / 11, true};
	static const struct goal_def *const need_zram[] = {&zram, &zram_stretch, &time, NULL};
	const unsigned int nr = c->env.opts->nr_pairs;
	double x[PAIRING_PAIRS_MAX], y[PAIRING_PAIRS_MAX];
	int ret = contest_run(c, target_store_pass);

	if (ret != 0)
		return ret;
	elapsed(c, SERVICE, y);
	elapsed(c, CODEC, x);
	goal_add_ratio(goals, &rate, x, y, nr);
	goal_add_ratio(goals, &stretch, x, y, nr);
	if (c->targets[ZRAM] == NULL) {
		goals_skip_zram(goals, need_zram);
		return 0;
	}
	elapsed(c, ZRAM, x);
	goal_add_ratio(goals, &zram, x, y, nr);
	goal_add_ratio(goals, &zram_stretch, x, y, nr);
	client(c, SERVICE, y);
	goal_add_ratio(goals, &time, y, x, nr);
	return 0;
}

static int
contest_loads(struct contest *c, const struct goal_def *def, struct goal_list *goals)
{
	double x[PAIRING_PAIRS_MAX], y[PAIRING_PAIRS_MAX];
	int ret = contest_run(c, target_load_pass);

	if (ret != 0)
		return ret;
	elapsed(c, SERVICE, x);
	elapsed(c, CODEC, y);
	goal_add_ratio(goals, def, x, y, c->env.opts->nr_pairs);
	return 0;
}

static int
percentiles(struct contest *c, unsigned int slot, struct zc_hist *hist, double *p50, double *p99)
{
	int ret;

	memset(hist, 0, sizeof(*hist));
	ret = c->targets[slot]->ops->load(c->targets[slot], 1, hist);
	*p50 = (double)zc_hist_percentile(hist, 50);
	*p99 = (double)zc_hist_percentile(hist, 99);
	return ret == 0 && perf_place_stopped(c->env.place) ? -EINTR : ret;
}

static int
contest_percentiles(struct contest *c, struct goal_list *goals)
{
	static const struct goal_def p50 = {"load_p50", "zcl_load p50, random pages",
	                                    "kernel zram read", 0.70, true};
	static const struct goal_def p99 = {"load_p99", "zcl_load p99, random pages",
	                                    "kernel zram read", 0.80, true};
	static const struct goal_def *const defs[] = {&p50, &p99, NULL};
	double x50[PAIRING_PAIRS_MAX], y50[PAIRING_PAIRS_MAX];
	double x99[PAIRING_PAIRS_MAX], y99[PAIRING_PAIRS_MAX];
	struct zc_hist *hist;
	int ret = 0;

	if (c->targets[ZRAM] == NULL) {
		goals_skip_zram(goals, defs);
		return 0;
	}
	hist = (struct zc_hist *)malloc(sizeof(*hist));
	if (hist == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < c->env.opts->nr_pairs && ret == 0; i++) {
		ret = percentiles(c, SERVICE, hist, &x50[i], &x99[i]);
		if (ret == 0)
			ret = percentiles(c, ZRAM, hist, &y50[i], &y99[i]);
	}
	free(hist);
	if (ret != 0)
		return ret;
	goal_add_ratio(goals, &p50, x50, y50, c->env.opts->nr_pairs);
	goal_add_ratio(goals, &p99, x99, y99, c->env.opts->nr_pairs);
	return 0;
}

static int
contest_memory(struct contest *c, struct goal_list *goals)
{
	static const struct goal_def def = {"pool", "pool memory", "compressed bytes", 1.03, true};
	struct target *service = c->targets[SERVICE];
	struct target_stat before, after;
	int ret = service->ops->stat(service, &before);

	if (ret == 0)
		ret = service->ops->compact(service);
	if (ret == 0)
		ret = service->ops->stat(service, &after);
	if (ret != 0)
		return ret;
	if (after.object_bytes == 0)
		goal_skip(goals, &def, "all pages of the corpus are same-filled");
	else
		goal_add(goals, &def, (double)after.mem_used / (double)after.object_bytes,
		         "%.1f MiB of pages; %.3f before compaction was asked for",
		         (double)after.orig_bytes / (1 << 20),
		         (double)before.mem_used / (double)before.object_bytes);
	return 0;
}

int
goals_corpus(const struct target_env *env, struct goal_list *goals)
{
	static const struct goal_def loads = {"load_random", "zcl_load mean, random pages",
	                                      "LZ4_decompress_safe alone", 1.05, true};
	struct contest c;
	int ret = contest_begin(&c, env, env->corpus, true, true);

	if (ret != 0)
		return ret;
	for (unsigned int i = 0; i < SLOTS && ret == 0; i++) {
		if (c.targets[i] != NULL)
			ret = target_verify(c.targets[i]);
	}
	if (ret == 0)
		ret = contest_stores(&c, goals);
	if (ret == 0)
		ret = contest_memory(&c, goals);
	if (ret == 0)
		ret = contest_loads(&c, &loads, goals);
	if (ret == 0)
		ret = contest_percentiles(&c, goals);
	contest_end(&c);
	return ret;
}

int
goals_hot(const struct target_env *env, struct goal_list *goals)
{
	static const struct goal_def def = {"load_hot", "zcl_load mean, 256 hot pages",
	                                    "LZ4_decompress_safe alone", 1.10, true};
	struct corpus view;
	struct contest c;
	int ret = goals_view(env->corpus, HOT_PAGES < env->corpus->nr ? HOT_PAGES : env->corpus->nr,
	                     &view);

	if (ret != 0)
		return ret;
	ret = contest_begin(&c, env, &view, true, false);
	if (ret == 0) {
		ret = contest_loads(&c, &def, goals);
		contest_end(&c);
	}
	goals_view_fini(&view);
	return ret;
}

int
goals_same(const struct target_env *env, struct goal_list *goals)
{
	static const struct goal_def def = {"same_filled", "same-filled stores, client's time, hot",
	                                    "kernel zram zero-page write", 8, false};
	static const struct goal_def *const defs[] = {&def, NULL};
	static _Alignas(4096) uint8_t zeros[ZERO_PAGES * PERF_PAGE_SIZE];
	double x[PAIRING_PAIRS_MAX], y[PAIRING_PAIRS_MAX];
	struct corpus view;
	struct contest c;
	int ret;

	if (goals_zram(env) == NULL) {
		goals_skip_zram(goals, defs);
		return 0;
	}
	ret = goals_view(env->corpus, ZERO_PAGES, &view);
	if (ret != 0)
		return ret;
	view.pages = zeros;
	ret = contest_begin(&c, env, &view, false, true);
	if (ret == 0) {
		ret = contest_run(&c, target_store_same_pass);
		elapsed(&c, ZRAM, x);
		client(&c, SERVICE, y);
		if (ret == 0)
			goal_add_ratio(goals, &def, x, y, env->opts->nr_pairs);
		contest_end(&c);
	}
	goals_view_fini(&view);
	return ret;
}

static int
pair_buf(struct queue_side *side, struct target *zram, const struct goal_def *def,
         struct goal_list *goals)
{
	const struct perf_opts *opts = side->on->env->opts;
	const struct pairing_opts pairing = {
	        .nr_pairs = opts->nr_pairs,
	        .min_ns = opts->min_ns,
	        .what = "goals",
	        .progress = progress_show,
	};
	double x[PAIRING_PAIRS_MAX], y[PAIRING_PAIRS_MAX];
	struct pairing_time *times = sides_times(opts);
	const struct pairing_side sides[] = {
	        {queue_side_pass, side, times},
	        {target_store_here_pass, zram, times + opts->nr_pairs},
	};
	int ret = times == NULL ? -ENOMEM : pairing_run(&pairing, sides, 2);

	for (unsigned int i = 0; i < opts->nr_pairs && ret == 0; i++) {
		x[i] = sides[0].times[i].client_ns;
		y[i] = sides[1].times[i].elapsed_ns;
	}
	if (ret == 0)
		goal_add_ratio(goals, def, x, y, opts->nr_pairs);
	free(times);
	return ret;
}

int
goals_buf(const struct target_env *env, struct goal_list *goals)
{
	static const struct goal_def def = {"client_store_buf", "client's time per zcl_store_buf",
	                                    "kernel zram write, one thread", 1.0 / 40, true};
	static const struct goal_def *const defs[] = {&def, NULL};
	const struct service_disk_opts opts = {0};
	struct queue_side side = {.op = QUEUE_STORE_BUF, .pages = env->corpus->nr};
	struct target *zram = NULL;
	struct service_disk on;
	int ret;

	if (goals_zram(env) == NULL) {
		goals_skip_zram(goals, defs);
		return 0;
	}
	ret = service_disk_open(&on, env, &opts);
	if (ret != 0)
		return ret;
	side.on = &on;
	ret = service_disk_queue(&on, PERF_DEPTH, 0, &side.queue);
	if (ret == 0)
		ret = goals_zram(env)->create(env, &zram);
	if (ret == 0)
		ret = pair_buf(&side, zram, &def, goals);
	targets_destroy(&zram, 1);
	zcl_queue_destroy(side.queue);
	service_disk_close(&on);
	return ret;
}
