/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Ptest goals: a verdict on all that is wanted of the service's speed. What cannot be measured here
 * is listed with the reason; what falls short is listed, and no failure.
 */

#include "ptest.h"

#include <errno.h>

#include "base/log.h"
#include "codec/codec.h"
#include "goals.h"
#include "goals_plot.h"
#include "idle.h"
#include "plot.h"
#include "scale.h"
#include "tell.h"

static int
threads(const struct target_env *env, struct goal_list *goals)
{
	return scale_loads(env, goals, NULL);
}

static int
rest(const struct target_env *env, struct goal_list *goals)
{
	return idle_all(env, goals, NULL);
}

static int
draw(const struct target_env *env, const struct goal_list *goals)
{
	char foot[512];

	if (env->opts->svg == NULL)
		return 0;
	plot_foot(env, foot, sizeof(foot));
	return goals_plot(goals, env->opts->svg, foot);
}

static int
run(const struct target_env *env, struct target **targets, struct report *report)
{
	static int (*const parts[])(const struct target_env *, struct goal_list *) = {
	        goals_corpus,   goals_buf,     goals_same,     goals_hot,
	        threads,        goals_discard, goals_compress, scale_idle_clients,
	        scale_fairness, rest,          goals_victim,
	};
	struct goal_list goals = {.nr = 0};
	int ret = plot_check(env->opts->svg);

	(void)targets;
	if (ret != 0)
		return ret;
	if (env->opts->codec != &zcodec_lz4 || env->opts->operations != (PERF_COMP | PERF_DECOMP)) {
		zc_err("ptest goals: they are set for lz4, both ways: neither --algo nor "
		       "--operation can be another");
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && ret == 0; i++)
		ret = parts[i](env, &goals);
	if (ret == 0)
		ret = draw(env, &goals);
	return ret == 0 ? tell(env, report, NULL, &goals) : ret;
}

const struct ptest ptest_goals = {
        .name = "goals",
        .doc = "a verdict on all goals; codec and service always, zram if among the targets",
        .options = PERF_OPTION_TARGET | PERF_OPTION_ALGO | PERF_OPTION_COMPRESS_LEVEL |
                   PERF_OPTION_BURST_SZ | PERF_OPTION_NUM_ITER | PERF_OPTION_QUICK |
                   PERF_OPTION_SOCKET | PERF_OPTION_ZCOMPD | PERF_OPTION_SVG,
        .nr_cpus = 2,
        .makes_targets = true,
        .run = run,
};
