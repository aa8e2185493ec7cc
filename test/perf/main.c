/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * zcomp-perf: measures zcompd, in the manner of dpdk-test-compress-perf. Targets are measured side
 * by side in one run, because absolute figures drift from run to run.
 */

#include <stdlib.h>

#include "base/log.h"
#include "corpus.h"
#include "host.h"
#include "line.h"
#include "perf.h"
#include "progress.h"
#include "ptest.h"
#include "report.h"
#include "target.h"

static int
run_ptest(const struct target_env *env, struct report *report)
{
	struct target *targets[PERF_TARGETS_MAX] = {NULL};
	double before_ns = line_round_trip_ns(env->place);
	int ret = env->opts->ptest->makes_targets ? 0 : targets_create(env, targets);

	if (ret != 0)
		return ret;
	ret = env->opts->ptest->run(env, targets, report);
	progress_end();
	targets_destroy(targets, env->opts->nr_targets);
	if (ret == 0)
		report_line(report, before_ns, line_round_trip_ns(env->place));
	return ret;
}

static int
run_placed(const struct perf_opts *opts, const struct perf_place *place, struct report *report)
{
	struct corpus corpus;
	struct target_env env = {opts, place, &corpus};
	int ret = corpus_read(&corpus, opts->input_file, opts->extended_len);

	if (ret != 0)
		return ret;
	report_corpus(report, &corpus);
	report_place(report, place);
	ret = run_ptest(&env, report);
	corpus_fini(&corpus);
	return ret == 0 ? report_print(report) : ret;
}

static int
run(const struct perf_opts *opts, struct report *report)
{
	struct perf_place place;
	unsigned int nr_cpus = opts->ptest->nr_cpus > 1 ? opts->ptest->nr_cpus : 1;
	int ret;

	for (unsigned int i = 0; i < opts->nr_targets; i++) {
		if (opts->targets[i]->nr_cpus > nr_cpus)
			nr_cpus = opts->targets[i]->nr_cpus;
	}
	ret = perf_place_take(&place, nr_cpus);
	if (ret != 0)
		return ret;
	ret = run_placed(opts, &place, report);
	perf_place_leave(&place);
	return ret;
}

int
main(int argc, char **argv)
{
	const char *flaw = host_build_flaw();
	struct perf_opts opts;
	struct report *report;
	int ret;

	zc_log_init("zcomp-perf", ZC_LOG_INFO);
	perf_opts_parse(&opts, argc, argv);
	if (flaw != NULL && !opts.force) {
		zc_err("%s: its figures mean nothing; a release build (meson setup "
		       "-Dbuildtype=release), or --force",
		       flaw);
		return EXIT_FAILURE;
	}
	report = report_create(&opts, argc, argv);
	if (report == NULL)
		return EXIT_FAILURE;
	ret = run(&opts, report);
	report_destroy(report);
	return ret == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
