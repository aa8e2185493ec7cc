/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Ptest scale: more threads, clients, queues and workers. */

#include "ptest.h"

#include <errno.h>

#include "scale.h"
#include "tell.h"

int
scale_cpu(const struct perf_place *place, unsigned int nr)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &place->cpus) && nr-- == 0)
			return cpu;
	}
	return -1;
}

void
scale_row(json_t *rows, const char *what, const unsigned int counts[4], double per_s,
          double fairness)
{
	json_array_append_new(rows, json_pack("{s:s, s:i, s:i, s:i, s:i, s:f, s:o}", "op", what,
	                                      "threads", (int)counts[0], "clients", (int)counts[1],
	                                      "queues_each", (int)counts[2], "workers",
	                                      (int)counts[3], "per_s", per_s, "min_over_max",
	                                      fairness >= 0 ? json_real(fairness) : json_null()));
}

static int
run(const struct target_env *env, struct target **targets, struct report *report)
{
	struct goal_list goals = {.nr = 0};
	json_t *rows = json_array();
	int ret;

	(void)targets;
	ret = scale_loads(env, &goals, rows);
	if (ret == 0)
		ret = scale_stores(env, rows);
	if (ret == 0)
		ret = scale_fairness(env, &goals);
	if (ret == 0)
		ret = scale_idle_clients(env, &goals);
	if (ret == 0)
		return tell(env, report, rows, &goals);
	json_decref(rows);
	return ret;
}

const struct ptest ptest_scale = {
        .name = "scale",
        .doc = "more threads, clients, queues and workers; no targets",
        .options = PERF_OPTION_ALGO | PERF_OPTION_COMPRESS_LEVEL | PERF_OPTION_BURST_SZ |
                   PERF_OPTION_NUM_ITER | PERF_OPTION_QUICK | PERF_OPTION_SOCKET |
                   PERF_OPTION_ZCOMPD | PERF_OPTION_CSV,
        .nr_cpus = 2,
        .run = run,
};
