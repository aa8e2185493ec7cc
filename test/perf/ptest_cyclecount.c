/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Ptest pmd-cyclecount: what a driver's own calls cost, without all that is around them. A driver
 * that works inside a call has its work counted there. Main thread only.
 */

#include "ptest.h"

#include <errno.h>

#include "base/clock.h"
#include "progress.h"
#include "target_pmd.h"

enum value {
	ENQUEUE,
	DEQUEUE,
	ENQUEUE_RETRIES,
	DEQUEUE_RETRIES,
	NR_VALUES,
};

static const struct report_row rows[PMD_DIRECTIONS][NR_VALUES] = {
        [PMD_COMPRESS] =
                {
                        {"comp_enqueue_cycles", "comp, enqueue, cycles/op", 1},
                        {"comp_dequeue_cycles", "comp, dequeue, cycles/op", 1},
                        {"comp_enqueue_retries_per_op", "comp, enqueue, retries/op", 3},
                        {"comp_dequeue_retries_per_op", "comp, dequeue, retries/op", 3},
                },
        [PMD_DECOMPRESS] =
                {
                        {"decomp_enqueue_cycles", "decomp, enqueue, cycles/op", 1},
                        {"decomp_dequeue_cycles", "decomp, dequeue, cycles/op", 1},
                        {"decomp_enqueue_retries_per_op", "decomp, enqueue, retries/op", 3},
                        {"decomp_dequeue_retries_per_op", "decomp, dequeue, retries/op", 3},
                },
};

/* Sweeps for as long as a pass is to take. */
static int
pass(const struct target_env *env, struct target *t, enum pmd_direction direction,
     struct pmd_counts *counts)
{
	uint64_t start = zc_now_ns();
	int ret;

	*counts = (struct pmd_counts){0};
	do {
		ret = target_pmd_sweep(t, direction, counts);
		if (ret == 0 && perf_place_stopped(env->place))
			ret = -EINTR;
	} while (ret == 0 && zc_now_ns() - start < env->opts->min_ns);
	return ret;
}

/* The first pass does not count. */
static int
measure(const struct target_env *env, struct target *t, enum pmd_direction direction,
        struct report *report)
{
	const unsigned int nr = env->opts->nr_pairs;
	double values[NR_VALUES][PAIRING_PAIRS_MAX];
	const double *row;

	for (unsigned int i = 0; i <= nr; i++) {
		struct pmd_counts counts;
		int ret = pass(env, t, direction, &counts);

		if (ret != 0)
			return ret;
		progress_show(direction == PMD_COMPRESS ? "comp" : "decomp", i, nr);
		if (i == 0)
			continue;
		values[ENQUEUE][i - 1] = (double)counts.enqueue / (double)counts.ops;
		values[DEQUEUE][i - 1] = (double)counts.dequeue / (double)counts.ops;
		values[ENQUEUE_RETRIES][i - 1] =
		        (double)counts.enqueue_retries / (double)counts.ops;
		values[DEQUEUE_RETRIES][i - 1] =
		        (double)counts.dequeue_retries / (double)counts.ops;
	}
	for (unsigned int v = 0; v < NR_VALUES; v++) {
		row = values[v];
		report_figure(report, &rows[direction][v], &row, nr);
	}
	return 0;
}

static int
report_sizes(struct target *t, struct report *report)
{
	static const struct report_row size = {"comp_size_bytes", "bytes of objects", 0};
	static const struct report_row ratio = {"compression_ratio", "bytes in / bytes of objects",
	                                        3};
	double bytes, quotient;
	const double *row = &bytes;
	struct target_stat stat;
	int ret = t->ops->stat(t, &stat);

	if (ret != 0)
		return ret;
	bytes = (double)stat.object_bytes;
	quotient = (double)stat.orig_bytes / bytes;
	report_figure(report, &size, &row, 1);
	row = &quotient;
	report_figure(report, &ratio, &row, 1);
	return 0;
}

static int
run(const struct target_env *env, struct target **targets, struct report *report)
{
	struct target *t = targets[0];
	int ret = target_verify(t);

	if (ret == 0)
		ret = report_sizes(t, report);
	if (ret == 0 && (env->opts->operations & PERF_COMP) != 0)
		ret = measure(env, t, PMD_COMPRESS, report);
	if (ret == 0 && (env->opts->operations & PERF_DECOMP) != 0) {
		if (target_pmd_decompresses(t))
			ret = measure(env, t, PMD_DECOMPRESS, report);
		else
			report_warning(report, "the device does not decompress; sweeps left out",
			               env->opts->nr_pairs);
	}
	return ret == 0 ? target_verify(t) : ret;
}

const struct ptest ptest_cyclecount = {
        .name = "pmd-cyclecount",
        .doc = "cycles and retries of a driver's calls; target pmd alone",
        .options = PERF_OPTION_TARGET | PERF_OPTION_NUM_ITER | PERF_OPTION_QUICK |
                   PERF_OPTION_OPERATION | PERF_OPTION_CSV,
        .only = &target_pmd,
        .run = run,
};
