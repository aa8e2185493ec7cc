/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Ptest idle: a service that has nothing to do, and how it gets something to do. */

#include "ptest.h"

#include "idle.h"
#include "queue_side.h"
#include "tell.h"

void
idle_row(json_t *rows, const char *figure, double value, const char *unit)
{
	if (rows != NULL)
		json_array_append_new(rows, json_pack("{s:s, s:f, s:s}", "figure", figure, "value",
		                                      value, "unit", unit));
}

int
idle_all(const struct target_env *env, struct goal_list *goals, json_t *rows)
{
	const struct service_disk_opts opts = {0};
	struct queue_side side = {0};
	struct service_disk on;
	int ret = service_disk_open(&on, env, &opts);

	if (ret != 0)
		return ret;
	side.on = &on;
	ret = service_disk_queue(&on, PERF_DEPTH, 0, &side.queue);
	if (ret == 0)
		ret = queue_side_fill(&side);
	if (ret == 0)
		ret = idle_cpu(&on, goals, rows);
	if (ret == 0)
		ret = idle_wake(&on, side.queue, goals, rows);
	if (ret == 0)
		ret = idle_memory(&on, goals, rows);
	zcl_queue_destroy(side.queue);
	service_disk_close(&on);
	return ret == 0 ? idle_start(env, goals, rows) : ret;
}

static int
run(const struct target_env *env, struct target **targets, struct report *report)
{
	struct goal_list goals = {.nr = 0};
	json_t *rows = json_array();
	int ret;

	(void)targets;
	ret = idle_all(env, &goals, rows);
	if (ret == 0)
		return tell(env, report, rows, &goals);
	json_decref(rows);
	return ret;
}

const struct ptest ptest_idle = {
        .name = "idle",
        .doc = "the service at rest: CPU, wake-up, memory, start; no targets",
        .options = PERF_OPTION_ALGO | PERF_OPTION_COMPRESS_LEVEL | PERF_OPTION_NUM_ITER |
                   PERF_OPTION_QUICK | PERF_OPTION_SOCKET | PERF_OPTION_ZCOMPD | PERF_OPTION_CSV,
        .nr_cpus = 2,
        .run = run,
};
