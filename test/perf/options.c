/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The command line, by argp. Options have the names of dpdk-test-compress-perf where it has them.
 * What is there to choose from is read off the tables of ptests and targets, so a new one is known
 * here at once.
 */

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "codec/codec.h"
#include "corpus.h"
#include "pairing.h"
#include "perf.h"
#include "ptest.h"
#include "streams.h"
#include "target.h"

#define BURST_DEFAULT 32u
#define QUICK_PAIRS   3u
#define QUICK_NS      5000000u

enum option_key {
	KEY_PTEST = 256,
	KEY_TARGET,
	KEY_INPUT_FILE,
	KEY_EXTENDED_INPUT_SZ,
	KEY_SEG_SZ,
	KEY_BURST_SZ,
	KEY_NUM_ITER,
	KEY_ALGO,
	KEY_COMPRESS_LEVEL,
	KEY_JSON,
	KEY_QUICK,
	KEY_FORCE,
	KEY_SOCKET,
	KEY_ZCOMPD,
	KEY_CSV,
	KEY_SVG,
};

static const struct argp_option option_table[] = {
        {"ptest", KEY_PTEST, "NAME", 0, "What to do (default: throughput)", 0},
        {"target", KEY_TARGET, "LIST", 0,
         "What to measure side by side; ratios are to the first (default: codec,service)", 0},
        {"input-file", KEY_INPUT_FILE, "FILE", 0,
         "The pages to work on, 1 MiB or more; needed (test/perf/corpus.sh makes one)", 0},
        {"extended-input-sz", KEY_EXTENDED_INPUT_SZ, "SIZE", 0,
         "Bytes to work on: the file is cut, or repeated (default: the file's size)", 0},
        {"seg-sz", KEY_SEG_SZ, "SIZE", 0, "Bytes of a page: 4096", 0},
        {"burst-sz", KEY_BURST_SZ, "N", 0, "Stores submitted and reaped at once (default: 32)", 0},
        {"num-iter", KEY_NUM_ITER, "N", 0, "Pairs (default and least: 11)", 0},
        {"algo", KEY_ALGO, "NAME", 0, "The codec: lz4", 0},
        {"compress-level", KEY_COMPRESS_LEVEL, "N", 0,
         "The codec's level; of lz4 the acceleration (default: 1)", 0},
        {"json", KEY_JSON, "FILE", 0,
         "Write the report there, too; '-': to standard output, and the table to standard error",
         0},
        {"csv", KEY_CSV, "FILE", 0, "Ptest streams: write a row for each point and mode there, too",
         0},
        {"svg", KEY_SVG, "FILE", 0, "Ptest streams: draw the curves there, by gnuplot", 0},
        {"quick", KEY_QUICK, NULL, 0,
         "Few and short passes: shows that it works, not how fast it is", 0},
        {"force", KEY_FORCE, NULL, 0, "Measure debug and sanitizer builds, too", 0},
        {"socket", KEY_SOCKET, "PATH", 0,
         "Measure a service that runs already (default: one of our own, with one worker)", 0},
        {"zcompd", KEY_ZCOMPD, "PATH", 0, "The program to start (default: that beside this one)",
         0},
        {0},
};

/* The names of those of enum perf_option. */
static const struct {
	int key;
	enum perf_option option;
} particular[] = {
        {KEY_ALGO, PERF_OPTION_ALGO},         {KEY_COMPRESS_LEVEL, PERF_OPTION_COMPRESS_LEVEL},
        {KEY_BURST_SZ, PERF_OPTION_BURST_SZ}, {KEY_NUM_ITER, PERF_OPTION_NUM_ITER},
        {KEY_QUICK, PERF_OPTION_QUICK},       {KEY_SOCKET, PERF_OPTION_SOCKET},
        {KEY_ZCOMPD, PERF_OPTION_ZCOMPD},     {KEY_TARGET, PERF_OPTION_TARGET},
        {KEY_CSV, PERF_OPTION_CSV},           {KEY_SVG, PERF_OPTION_SVG},
};

/* The command line as it is being read. */
struct parsing {
	struct perf_opts *opts;
	uint32_t given; /* enum perf_option */
	uint64_t num_iter;
};

/* Visible, or argp, in another object, takes its own. */
__attribute__((visibility("default"))) const char *argp_program_version =
        "zcomp-perf " ZCOMPD_VERSION;

static void
set_ptest(struct argp_state *state, struct perf_opts *opts, const char *name)
{
	char names[256] = "";
	size_t len = 0;

	for (unsigned int i = 0; ptest_table[i] != NULL; i++) {
		if (strcmp(ptest_table[i]->name, name) == 0) {
			opts->ptest = ptest_table[i];
			return;
		}
		len += (size_t)snprintf(names + len, sizeof(names) - len, " %s",
		                        ptest_table[i]->name);
	}
	argp_error(state, "--ptest: no '%s'; there are:%s", name, names);
}

static const struct target_ops *
find_target(struct argp_state *state, const char *name)
{
	char names[256] = "";
	size_t len = 0;

	for (unsigned int i = 0; target_table[i] != NULL; i++) {
		if (strcmp(target_table[i]->name, name) == 0)
			return target_table[i];
		len += (size_t)snprintf(names + len, sizeof(names) - len, " %s",
		                        target_table[i]->name);
	}
	argp_error(state, "--target: no '%s'; there are:%s", name, names);
	return NULL;
}

static void
set_targets(struct argp_state *state, struct perf_opts *opts, const char *list)
{
	char copy[256], *rest = copy, *name;

	if (strlen(list) >= sizeof(copy))
		argp_error(state, "--target: a list of more than %zu bytes", sizeof(copy) - 1);
	strcpy(copy, list);
	opts->nr_targets = 0;
	while ((name = strsep(&rest, ",")) != NULL) {
		const struct target_ops *ops = find_target(state, name);

		for (unsigned int i = 0; i < opts->nr_targets; i++) {
			if (opts->targets[i] == ops)
				argp_error(state, "--target: '%s' is there twice", name);
		}
		if (opts->nr_targets == PERF_TARGETS_MAX)
			argp_error(state, "--target: more than %u", PERF_TARGETS_MAX);
		opts->targets[opts->nr_targets++] = ops;
	}
}

static uint64_t
number(struct argp_state *state, const char *option, const char *text, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (zc_parse_u64(text, max, &value) != 0 || value < min)
		argp_error(state, "--%s: '%s' is not a number from %llu to %llu", option, text,
		           (unsigned long long)min, (unsigned long long)max);
	return value;
}

static uint64_t
size(struct argp_state *state, const char *option, const char *text, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (zc_parse_size(text, &value) != 0 || value < min || value > max)
		argp_error(state,
		           "--%s: '%s' is not a size from %llu to %llu, in bytes or with K, M, G",
		           option, text, (unsigned long long)min, (unsigned long long)max);
	return value;
}

static void
set_algo(struct argp_state *state, const char *name)
{
	if (strcmp(name, zcodec_lz4.name) != 0)
		argp_error(state, "--algo: no '%s'; there is: %s", name, zcodec_lz4.name);
}

/* Refuses what nobody that takes part has a use for. */
static void
check_use(struct argp_state *state, const struct parsing *p)
{
	const struct perf_opts *opts = p->opts;
	uint32_t used = opts->ptest->options;
	char names[256] = "";
	size_t len = 0;

	for (unsigned int i = 0; i < opts->nr_targets; i++) {
		used |= opts->targets[i]->options;
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
		                        i == 0 ? "" : ", ", opts->targets[i]->name);
	}
	for (size_t i = 0; i < sizeof(particular) / sizeof(particular[0]); i++) {
		const struct argp_option *o = option_table;

		if ((p->given & ~used & particular[i].option) == 0)
			continue;
		while (o->key != particular[i].key)
			o++;
		if (opts->nr_targets == 0)
			argp_error(state, "--%s: ptest %s has no use for it", o->name,
			           opts->ptest->name);
		else
			argp_error(state, "--%s: neither ptest %s nor target %s has a use for it",
			           o->name, opts->ptest->name, names);
	}
}

static void
finish(struct argp_state *state, struct parsing *p)
{
	struct perf_opts *opts = p->opts;

	if (opts->input_file == NULL)
		argp_error(state, "--input-file is needed; test/perf/corpus.sh makes one");
	if ((opts->ptest->options & PERF_OPTION_TARGET) == 0)
		opts->nr_targets = 0;
	check_use(state, p);
	if (opts->socket != NULL && opts->zcompd != NULL)
		argp_error(state, "--zcompd: no service is started with --socket");
	opts->nr_pairs = opts->quick ? QUICK_PAIRS : PAIRING_PAIRS_MIN;
	opts->min_ns = opts->quick ? QUICK_NS : PAIRING_NS_MIN;
	if (p->num_iter == 0)
		return;
	if (p->num_iter < PAIRING_PAIRS_MIN && !opts->quick)
		argp_error(state,
		           "--num-iter: %llu is less than %u, with which a median means "
		           "something; fewer with --quick",
		           (unsigned long long)p->num_iter, PAIRING_PAIRS_MIN);
	opts->nr_pairs = (unsigned int)p->num_iter;
}

static error_t
parse_particular(int key, char *arg, struct argp_state *state)
{
	struct parsing *p = (struct parsing *)state->input;

	switch (key) {
	case KEY_ALGO:
		set_algo(state, arg);
		break;
	case KEY_COMPRESS_LEVEL:
		p->opts->level =
		        (int)number(state, "compress-level", arg, (uint64_t)zcodec_lz4.level_min,
		                    (uint64_t)zcodec_lz4.level_max);
		break;
	case KEY_BURST_SZ:
		p->opts->burst = (unsigned int)number(state, "burst-sz", arg, 1, PERF_DEPTH);
		break;
	case KEY_NUM_ITER:
		p->num_iter = number(state, "num-iter", arg, 1, PAIRING_PAIRS_MAX);
		break;
	case KEY_QUICK:
		p->opts->quick = true;
		break;
	case KEY_SOCKET:
		p->opts->socket = arg;
		break;
	case KEY_ZCOMPD:
		p->opts->zcompd = arg;
		break;
	case KEY_TARGET:
		set_targets(state, p->opts, arg);
		break;
	case KEY_CSV:
		p->opts->csv = arg;
		break;
	case KEY_SVG:
		p->opts->svg = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	for (size_t i = 0; i < sizeof(particular) / sizeof(particular[0]); i++) {
		if (particular[i].key == key)
			p->given |= particular[i].option;
	}
	return 0;
}

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
	struct parsing *p = (struct parsing *)state->input;

	switch (key) {
	case KEY_PTEST:
		set_ptest(state, p->opts, arg);
		break;
	case KEY_INPUT_FILE:
		p->opts->input_file = arg;
		break;
	case KEY_EXTENDED_INPUT_SZ:
		p->opts->extended_len =
		        size(state, "extended-input-sz", arg, CORPUS_LEN_MIN, CORPUS_LEN_MAX);
		break;
	case KEY_SEG_SZ:
		size(state, "seg-sz", arg, PERF_PAGE_SIZE, PERF_PAGE_SIZE);
		break;
	case KEY_JSON:
		p->opts->json = arg;
		break;
	case KEY_FORCE:
		p->opts->force = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option", arg);
		break;
	case ARGP_KEY_END:
		finish(state, p);
		break;
	default:
		return parse_particular(key, arg, state);
	}
	return 0;
}

/* Adds the tables to the end of the help. */
static char *
help(int key, const char *text, void *input)
{
	char *out;
	size_t len;
	FILE *stream;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)(uintptr_t)text;
	stream = open_memstream(&out, &len);
	if (stream == NULL)
		return NULL;
	fputs("Ptests:\n", stream);
	for (unsigned int i = 0; ptest_table[i] != NULL; i++)
		fprintf(stream, "  %-12s %s\n", ptest_table[i]->name, ptest_table[i]->doc);
	fputs("Targets:\n", stream);
	for (unsigned int i = 0; target_table[i] != NULL; i++)
		fprintf(stream, "  %-12s %s\n", target_table[i]->name, target_table[i]->doc);
	fputs("Modes of ptest streams:\n", stream);
	for (unsigned int i = 0; streams_modes[i].name != NULL; i++)
		fprintf(stream, "  %-13s %s\n", streams_modes[i].name, streams_modes[i].doc);
	fprintf(stream, "\n%s", text);
	fclose(stream);
	return out;
}

void
perf_opts_parse(struct perf_opts *opts, int argc, char **argv)
{
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .doc = "Measures zcompd against the compression library alone."
	               "\vA figure is the median of the pairs: all targets do the same work in "
	               "turn, each for 75 ms or more; the first round does not count. The spread "
	               "is that of the middle half of the pairs; above 15 % the figure is not to "
	               "be trusted. The client runs on the first CPU of the affinity mask, the "
	               "worker on the second: taskset chooses others. In ptest streams these are "
	               "the submitter, and the device where it compresses really.",
	        .help_filter = help,
	};
	struct parsing p = {.opts = opts};

	*opts = (struct perf_opts){
	        .ptest = &ptest_throughput,
	        .targets = {&target_codec, &target_service},
	        .nr_targets = 2,
	        .burst = BURST_DEFAULT,
	        .level = zcodec_lz4.level_default,
	};
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &p);
}
