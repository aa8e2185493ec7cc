/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Ptest verify: all that was stored loads back, at first and when it has been overwritten. */

#include "ptest.h"

static int
verify_target(struct target *t)
{
	double client_ns;
	int ret = target_verify(t);

	if (ret == 0)
		ret = t->ops->store(t, 1, &client_ns);
	return ret == 0 ? target_verify(t) : ret;
}

static int
run(const struct target_env *env, struct target **targets, struct report *report)
{
	static const struct report_row row = {"verified_pages", "pages verified", 0};
	const double *values[PERF_TARGETS_MAX];
	double pages = 2.0 * env->corpus->nr;

	for (unsigned int i = 0; i < env->opts->nr_targets; i++) {
		int ret = verify_target(targets[i]);

		if (ret != 0)
			return ret;
		values[i] = &pages;
	}
	report_figure(report, &row, values, 1);
	return 0;
}

const struct ptest ptest_verify = {
        .name = "verify",
        .doc = "compares all pages with what was stored, twice",
        .options = PERF_OPTION_TARGET | PERF_OPTION_CSV,
        .run = run,
};
