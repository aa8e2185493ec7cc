/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The one C++ file: hands the benches to Google Benchmark and says what they ran on. Its options
 * are Google's, and two of zcomp-perf's. The main thread runs all benches, one after the other.
 */

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <getopt.h>

#include <benchmark/benchmark.h>

extern "C" {
#include "base/parse.h"
#include "bench.h"
#include "host.h"
}

static const struct bench *const tables[] = {
        bench_ring, bench_same,   bench_object, bench_slot_load,
        bench_pool, bench_submit, bench_store,
};

static const uint64_t LEN_DEFAULT = 128u << 20;
static const uint64_t LEN_MIN = 1u << 20;

struct options {
	const char *input_file;
	uint64_t len;
};

static bool failed;

static void
run(benchmark::State &state, struct bench_env *env, const struct bench *bench)
{
	uint64_t nr = static_cast<uint64_t>(state.max_iterations);
	void *made = nullptr;
	int ret = bench->setup(env, bench, &made);

	if (ret == 0) {
		/* Not the first touch of anything. */
		ret = bench->run(made, 1);
		while (ret == 0 && state.KeepRunningBatch(state.max_iterations))
			ret = bench->run(made, nr);
		bench->teardown(made);
	}
	if (ret != 0) {
		failed |= ret != -EOPNOTSUPP;
		state.SkipWithError(ret == -EOPNOTSUPP ? "this host cannot" : strerror(-ret));
		return;
	}
	state.SetItemsProcessed(static_cast<int64_t>(nr * bench->items));
	if (bench->bytes != 0)
		state.SetBytesProcessed(static_cast<int64_t>(nr * bench->bytes));
	if (bench->against != nullptr)
		state.SetLabel(std::string("against ") + bench->against);
}

static void
add_all(struct bench_env *env)
{
	unsigned int nr_cpus = bench_env_nr_cpus(env);

	for (const struct bench *bench : tables) {
		for (; bench->name != nullptr; bench++) {
			if (bench->nr_cpus > nr_cpus) {
				fprintf(stderr, "skipped: %s needs %u CPUs, there is %u\n",
				        bench->name, bench->nr_cpus, nr_cpus);
				continue;
			}
			/* What two threads do together takes its time from neither alone. */
			auto *added = benchmark::RegisterBenchmark(
			        bench->name,
			        [env, bench](benchmark::State &state) { run(state, env, bench); });
			if (bench->nr_cpus > 1)
				added->UseRealTime();
		}
	}
}

static void
describe_host(const struct options *options, unsigned int nr_cpus)
{
	const char *flaw = host_build_flaw();
	const char *file = options->input_file;
	const char *slash = file != nullptr ? strrchr(file, '/') : nullptr;
	struct host host;

	host_describe(&host, static_cast<int>(nr_cpus));
	benchmark::AddCustomContext("cpu", host.cpu);
	benchmark::AddCustomContext("cpus", std::to_string(host.nr_cpus));
	benchmark::AddCustomContext("arch", host.arch);
	benchmark::AddCustomContext("kernel", host.kernel);
	benchmark::AddCustomContext("compiler", host.compiler);
	benchmark::AddCustomContext("build", flaw != nullptr ? flaw : "optimized");
	benchmark::AddCustomContext("corpus", file == nullptr    ? "generated"
	                                      : slash != nullptr ? slash + 1
	                                                         : file);
	benchmark::AddCustomContext("corpus_bytes", std::to_string(options->len));
}

static void
usage(const char *program)
{
	fprintf(stderr,
	        "Usage: %s [--input-file FILE] [--extended-input-sz SIZE] [--benchmark_...]\n"
	        "  --input-file FILE         The pages to work on (default: generated ones)\n"
	        "  --extended-input-sz SIZE  Bytes to work on, 1M or more: the file is cut, or\n"
	        "                            repeated (default: 128M)\n"
	        "and the options of Google Benchmark, which --help lists.\n",
	        program);
	exit(2);
}

static void
parse(struct options *options, int argc, char **argv)
{
	static const struct option table[] = {
	        {"input-file", required_argument, nullptr, 'f'},
	        {"extended-input-sz", required_argument, nullptr, 's'},
	        {nullptr, 0, nullptr, 0},
	};
	int key;

	while ((key = getopt_long(argc, argv, "", table, nullptr)) != -1) {
		if (key == 'f') {
			options->input_file = optarg;
		} else if (key != 's') {
			usage(argv[0]);
		} else if (zc_parse_size(optarg, &options->len) != 0 || options->len < LEN_MIN) {
			fprintf(stderr, "--extended-input-sz '%s': a size of 1M or more\n", optarg);
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "'%s' is no option\n", argv[optind]);
		usage(argv[0]);
	}
}

int
main(int argc, char **argv)
{
	struct options options = {nullptr, LEN_DEFAULT};
	std::string min_time = "--benchmark_min_time=" BENCH_MIN_TIME;
	std::vector<char *> args(argv, argv + argc);
	struct bench_env *env = nullptr;
	int ret;

	/* In front of the caller's own, of which the last one counts. */
	args.insert(args.begin() + 1, &min_time[0]);
	argc = static_cast<int>(args.size());
	args.push_back(nullptr);
	benchmark::Initialize(&argc, args.data());
	parse(&options, argc, args.data());
	ret = bench_env_create(options.input_file, options.len, &env);
	if (ret != 0) {
		fprintf(stderr, "cannot begin: %s\n", strerror(-ret));
		return 1;
	}
	describe_host(&options, bench_env_nr_cpus(env));
	add_all(env);
	benchmark::RunSpecifiedBenchmarks();
	benchmark::Shutdown();
	bench_env_destroy(env);
	return failed ? 1 : 0;
}
