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

#define BURST_DEFAULT  32u
#define DRIVER_DEFAULT "compress_lz4"
#define SEG_SZ_MIN     256u
#define SGL_SEGS_MAX   16u /* such segments make a page */
#define WINDOW_MIN     8u
#define WINDOW_MAX     16u /* of LZ4 */
#define QUICK_PAIRS    3u
#define QUICK_NS       5000000u

enum option_key {
	KEY_PTEST = 256,
	KEY_TARGET,
	KEY_DRIVER_NAME,
	KEY_INPUT_FILE,
	KEY_EXTENDED_INPUT_SZ,
	KEY_SEG_SZ,
	KEY_BURST_SZ,
	KEY_NUM_ITER,
	KEY_OPERATION,
	KEY_ALGO,
	KEY_COMPRESS_LEVEL,
	KEY_HUFFMAN_ENC,
	KEY_WINDOW_SZ,
	KEY_MAX_NUM_SGL_SEGS,
	KEY_EXTERNAL_MBUFS,
	KEY_JSON,
	KEY_QUICK,
	KEY_FORCE,
	KEY_SOCKET,
	KEY_ZCOMPD,
	KEY_CSV,
	KEY_SVG,
	KEY_RATES,
	KEY_MIX,
	KEY_DIST,
};

static const struct argp_option option_table[] = {
        {"ptest", KEY_PTEST, "NAME", 0, "What to do (default: throughput)", 0},
        {"target", KEY_TARGET, "LIST", 0,
         "What to measure side by side; ratios are to the first (default: codec,service)", 0},
        {"driver-name", KEY_DRIVER_NAME, "NAME[,ARGS]", 0,
         "The virtual device of targets pmd and zcomp, one for each, with its arguments "
         "(default: " DRIVER_DEFAULT ")",
         0},
        {"input-file", KEY_INPUT_FILE, "FILE", 0,
         "The pages to work on, 1 MiB or more; needed (test/perf/corpus.sh makes one)", 0},
        {"extended-input-sz", KEY_EXTENDED_INPUT_SZ, "SIZE", 0,
         "Bytes to work on: the file is cut, or repeated (default: the file's size)", 0},
        {"seg-sz", KEY_SEG_SZ, "SIZE", 0,
         "Bytes of a segment; target pmd takes pages in several (default: 4096, the page)", 0},
        {"burst-sz", KEY_BURST_SZ, "N", 0, "Stores submitted and reaped at once (default: 32)", 0},
        {"num-iter", KEY_NUM_ITER, "N", 0, "Pairs (default and least: 11)", 0},
        {"operation", KEY_OPERATION, "NAME", 0,
         "comp: stores, decomp: loads, comp_and_decomp: both (default)", 0},
        {"algo", KEY_ALGO, "NAME", 0, "The codec: lz4 (default), deflate, null", 0},
        {"compress-level", KEY_COMPRESS_LEVEL, "N", 0,
         "The codec's level; of lz4 the acceleration (default: the codec's, of lz4 1)", 0},
        {"huffman-enc", KEY_HUFFMAN_ENC, "NAME", 0,
         "Codes of deflate: fixed, dynamic (default), default: as the device likes", 0},
        {"window-sz", KEY_WINDOW_SZ, "N", 0,
         "Base-two logarithm of the window, 15: 32 KiB (default: the device's largest)", 0},
        {"max-num-sgl-segs", KEY_MAX_NUM_SGL_SEGS, "N", 0,
         "Segments that a page may have (default: 16)", 0},
        {"external-mbufs", KEY_EXTERNAL_MBUFS, NULL, 0,
         "Mbufs with their data in a memzone instead of their own", 0},
        {"json", KEY_JSON, "FILE", 0,
         "Write the report there, too; '-': to standard output, and the table to standard error",
         0},
        {"csv", KEY_CSV, "FILE", 0,
         "Write a row for each figure there, too; ptest streams: for each point and mode", 0},
        {"svg", KEY_SVG, "FILE", 0, "Ptests streams, latency, goals: draw curves, or bars, there",
         0},
        {"quick", KEY_QUICK, NULL, 0,
         "Few and short passes: shows that it works, not how fast it is", 0},
        {"force", KEY_FORCE, NULL, 0, "Measure debug and sanitizer builds, too", 0},
        {"socket", KEY_SOCKET, "PATH", 0,
         "Measure a service that runs already (default: one of our own, with one worker)", 0},
        {"zcompd", KEY_ZCOMPD, "PATH", 0, "The program to start (default: that beside this one)",
         0},
        {"rates", KEY_RATES, "LIST", 0,
         "Ptest latency: offered rates, in percent of the closed loop (default: 10,25,50,75,90)",
         0},
        {"mix", KEY_MIX, "S:L:D", 0,
         "Ptest mixed: shares of stores, loads and discards (default: 30:60:10)", 0},
        {"dist", KEY_DIST, "NAME", 0,
         "Ptest mixed: how pages are chosen, uniform or zipf (default: uniform)", 0},
        {0},
};

/* The names of those of enum perf_option. */
static const struct {
	int key;
	enum perf_option option;
} particular[] = {
        {KEY_ALGO, PERF_OPTION_ALGO},
        {KEY_COMPRESS_LEVEL, PERF_OPTION_COMPRESS_LEVEL},
        {KEY_BURST_SZ, PERF_OPTION_BURST_SZ},
        {KEY_NUM_ITER, PERF_OPTION_NUM_ITER},
        {KEY_QUICK, PERF_OPTION_QUICK},
        {KEY_SOCKET, PERF_OPTION_SOCKET},
        {KEY_ZCOMPD, PERF_OPTION_ZCOMPD},
        {KEY_TARGET, PERF_OPTION_TARGET},
        {KEY_CSV, PERF_OPTION_CSV},
        {KEY_SVG, PERF_OPTION_SVG},
        {KEY_SEG_SZ, PERF_OPTION_SEG_SZ},
        {KEY_DRIVER_NAME, PERF_OPTION_DRIVER_NAME},
        {KEY_OPERATION, PERF_OPTION_OPERATION},
        {KEY_HUFFMAN_ENC, PERF_OPTION_HUFFMAN_ENC},
        {KEY_WINDOW_SZ, PERF_OPTION_WINDOW_SZ},
        {KEY_MAX_NUM_SGL_SEGS, PERF_OPTION_SGL_SEGS},
        {KEY_EXTERNAL_MBUFS, PERF_OPTION_EXTERNAL_MBUFS},
        {KEY_RATES, PERF_OPTION_RATES},
        {KEY_MIX, PERF_OPTION_MIX},
        {KEY_DIST, PERF_OPTION_DIST},
};

/* The command line as it is being read. */
struct parsing {
	struct perf_opts *opts;
	uint32_t given; /* enum perf_option */
	uint64_t num_iter;
	const char *level; /* NULL = the codec's own */
	unsigned int sgl_segs_max;
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

/* "zram:/dev/zram0" is target zram, and what follows. */
static bool
is_target(const struct target_ops *ops, const char *name)
{
	size_t len = strlen(ops->name);

	if (ops->arg == NULL)
		return strcmp(ops->name, name) == 0;
	return strncmp(ops->name, name, len) == 0 && name[len] == ':' && name[len + 1] == '/';
}

static const struct target_ops *
find_target(struct argp_state *state, const char *name)
{
	char names[256] = "";
	size_t len = 0;

	for (unsigned int i = 0; target_table[i] != NULL; i++) {
		const struct target_ops *ops = target_table[i];

		if (is_target(ops, name))
			return ops;
		len += (size_t)snprintf(names + len, sizeof(names) - len, " %s%s%s", ops->name,
		                        ops->arg != NULL ? ":" : "",
		                        ops->arg != NULL ? ops->arg : "");
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
		if (ops->arg == NULL)
			continue;
		if ((size_t)snprintf(opts->zram, sizeof(opts->zram), "%s", strchr(name, ':') + 1) >=
		    sizeof(opts->zram))
			argp_error(state, "--target: '%s' is too long", name);
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
set_algo(struct argp_state *state, struct perf_opts *opts, const char *name)
{
	opts->codec = zcodec_by_name(name);
	if (opts->codec == NULL)
		argp_error(state, "--algo: no '%s'; there are: lz4 deflate null", name);
}

/* @return which of @names, that end with NULL */
static unsigned int
choice(struct argp_state *state, const char *option, const char *text, const char *const *names)
{
	char all[128] = "";
	size_t len = 0;

	for (unsigned int i = 0; names[i] != NULL; i++) {
		if (strcmp(names[i], text) == 0)
			return i;
		len += (size_t)snprintf(all + len, sizeof(all) - len, " %s", names[i]);
	}
	argp_error(state, "--%s: no '%s'; there are:%s", option, text, all);
	return 0;
}

static void
set_operation(struct argp_state *state, struct perf_opts *opts, const char *name)
{
	static const char *const names[] = {"comp", "decomp", "comp_and_decomp", NULL};

	/* PERF_COMP, PERF_DECOMP, and both. */
	opts->operations = 1 + choice(state, "operation", name, names);
}

static void
set_huffman(struct argp_state *state, struct perf_opts *opts, const char *name)
{
	static const char *const names[] = {
	        [PERF_HUFFMAN_DYNAMIC] = "dynamic",
	        [PERF_HUFFMAN_FIXED] = "fixed",
	        [PERF_HUFFMAN_DEFAULT] = "default",
	        NULL,
	};

	opts->huffman = (enum perf_huffman)choice(state, "huffman-enc", name, names);
}

static void
set_seg_sz(struct argp_state *state, struct perf_opts *opts, const char *text)
{
	uint64_t value;

	if (zc_parse_size(text, &value) != 0 || value < SEG_SZ_MIN || value > PERF_PAGE_SIZE ||
	    (value & (value - 1)) != 0)
		argp_error(state, "--seg-sz: '%s' is not a power of two from %u to %u, in bytes",
		           text, SEG_SZ_MIN, PERF_PAGE_SIZE);
	opts->seg_sz = (unsigned int)value;
}

/* @return whether it is one of what a client asks for */
static bool
parse_load(int key, char *arg, struct argp_state *state)
{
	struct load_opts *load = &((struct parsing *)state->input)->opts->load;

	switch (key) {
	case KEY_RATES:
		if (load_opts_rates(load, arg) != 0)
			argp_error(state,
			           "--rates: '%s' is not a list of up to %u percents from 0.1 to "
			           "100, as 10,25,50",
			           arg, LOAD_RATES_MAX);
		return true;
	case KEY_MIX:
		if (load_opts_mix(load, arg) != 0)
			argp_error(state, "--mix: '%s' is not three shares up to 1000, as 30:60:10",
			           arg);
		return true;
	case KEY_DIST:
		if (load_opts_dist(load, arg) != 0)
			argp_error(state, "--dist: no '%s'; there are: uniform zipf", arg);
		return true;
	default:
		return false;
	}
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
set_only(struct argp_state *state, const struct parsing *p)
{
	struct perf_opts *opts = p->opts;
	const struct target_ops *only = opts->ptest->only;

	if ((p->given & PERF_OPTION_TARGET) != 0 &&
	    (opts->nr_targets > 1 || opts->targets[0] != only))
		argp_error(state, "--target: ptest %s has a use for %s alone", opts->ptest->name,
		           only->name);
	opts->targets[0] = only;
	opts->nr_targets = 1;
}

/* What depends on the codec, and segments. */
static void
finish_format(struct argp_state *state, const struct parsing *p)
{
	struct perf_opts *opts = p->opts;
	const struct zcodec *codec = opts->codec;
	unsigned int nr_segs = PERF_PAGE_SIZE / opts->seg_sz;

	opts->level = codec->level_default;
	if (p->level != NULL)
		opts->level = (int)number(state, "compress-level", p->level,
		                          (uint64_t)codec->level_min, (uint64_t)codec->level_max);
	if ((p->given & PERF_OPTION_HUFFMAN_ENC) != 0 && codec != &zcodec_deflate)
		argp_error(state, "--huffman-enc: algorithm %s has no Huffman codes", codec->name);
	if (nr_segs > p->sgl_segs_max)
		argp_error(state,
		           "--seg-sz: %u makes %u segments of a page; --max-num-sgl-segs is %u",
		           opts->seg_sz, nr_segs, p->sgl_segs_max);
}

static void
finish(struct argp_state *state, struct parsing *p)
{
	struct perf_opts *opts = p->opts;

	if (opts->input_file == NULL)
		argp_error(state, "--input-file is needed; test/perf/corpus.sh makes one");
	if ((opts->ptest->options & PERF_OPTION_TARGET) == 0)
		opts->nr_targets = 0;
	if (opts->ptest->only != NULL)
		set_only(state, p);
	check_use(state, p);
	finish_format(state, p);
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

/* Those of devices. */
static error_t
parse_device(int key, char *arg, struct argp_state *state)
{
	struct parsing *p = (struct parsing *)state->input;

	switch (key) {
	case KEY_DRIVER_NAME:
		p->opts->driver = arg;
		break;
	case KEY_SEG_SZ:
		set_seg_sz(state, p->opts, arg);
		break;
	case KEY_OPERATION:
		set_operation(state, p->opts, arg);
		break;
	case KEY_HUFFMAN_ENC:
		set_huffman(state, p->opts, arg);
		break;
	case KEY_WINDOW_SZ:
		p->opts->window =
		        (unsigned int)number(state, "window-sz", arg, WINDOW_MIN, WINDOW_MAX);
		break;
	case KEY_MAX_NUM_SGL_SEGS:
		p->sgl_segs_max =
		        (unsigned int)number(state, "max-num-sgl-segs", arg, 1, SGL_SEGS_MAX);
		break;
	case KEY_EXTERNAL_MBUFS:
		p->opts->external_mbufs = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t
parse_particular(int key, char *arg, struct argp_state *state)
{
	struct parsing *p = (struct parsing *)state->input;

	switch (key) {
	case KEY_ALGO:
		set_algo(state, p->opts, arg);
		break;
	case KEY_COMPRESS_LEVEL:
		p->level = arg;
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
		if (parse_device(key, arg, state) != 0 && !parse_load(key, arg, state))
			return ARGP_ERR_UNKNOWN;
	}
	/* A segment may be the whole page everywhere. */
	if (key == KEY_SEG_SZ && p->opts->seg_sz == PERF_PAGE_SIZE)
		return 0;
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
		fprintf(stream, "  %-15s %s\n", ptest_table[i]->name, ptest_table[i]->doc);
	fputs("Targets:\n", stream);
	for (unsigned int i = 0; target_table[i] != NULL; i++)
		fprintf(stream, "  %s%s%-*s %s\n", target_table[i]->name,
		        target_table[i]->arg != NULL ? ":" : "",
		        target_table[i]->arg != NULL ? 10 : 15 - (int)strlen(target_table[i]->name),
		        target_table[i]->arg != NULL ? target_table[i]->arg : "",
		        target_table[i]->doc);
	fputs("Modes of ptest streams:\n", stream);
	for (unsigned int i = 0; streams_modes[i].name != NULL; i++)
		fprintf(stream, "  %-15s %s\n", streams_modes[i].name, streams_modes[i].doc);
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
	        .doc = "Measures zcompd against the compression library alone, devices, and the "
	               "kernel's zram."
	               "\vA figure is the median of the pairs: all targets do the same work in "
	               "turn, each for 75 ms or more; the first round does not count. The spread "
	               "is that of the middle half of the pairs; above 15 % the figure is not to "
	               "be trusted. The client runs on the first CPU of the affinity mask, the "
	               "worker on the second: taskset chooses others. In ptest streams these are "
	               "the submitter, and the device where it compresses really.",
	        .help_filter = help,
	};
	struct parsing p = {.opts = opts, .sgl_segs_max = SGL_SEGS_MAX};

	*opts = (struct perf_opts){
	        .ptest = &ptest_throughput,
	        .targets = {&target_codec, &target_service},
	        .nr_targets = 2,
	        .burst = BURST_DEFAULT,
	        .codec = &zcodec_lz4,
	        .operations = PERF_COMP | PERF_DECOMP,
	        .driver = DRIVER_DEFAULT,
	        .seg_sz = PERF_PAGE_SIZE,
	};
	load_opts_init(&opts->load);
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &p);
}
