/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef PTEST_H
#define PTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "report.h"
#include "target.h"

/**
 * @file
 * What is done with the targets: one file and one line of ptest_table for each.
 */

struct ptest {
	const char *name;
	const char *doc;  /**< for --help */
	uint32_t options; /**< enum perf_option that it has a use for; among them targets */
	const struct target_ops *only; /**< the one target that it works with; NULL = all */
	unsigned int nr_cpus; /**< threads that must run at the same time; 0 = the targets know */
	bool makes_targets;   /**< run() makes those that it needs, and when */
	/** @param targets env->opts->nr_targets of them, ready, that hold sweep 0; maybe none */
	int (*run)(const struct target_env *env, struct target **targets, struct report *report);
};

extern const struct ptest ptest_throughput;
extern const struct ptest ptest_verify;
extern const struct ptest ptest_cyclecount;
extern const struct ptest ptest_streams;
extern const struct ptest ptest_latency;
extern const struct ptest ptest_mixed;
extern const struct ptest ptest_scale;
extern const struct ptest ptest_idle;
extern const struct ptest ptest_goals;

/** All ptests; the last entry is NULL. */
extern const struct ptest *const ptest_table[];

#endif
