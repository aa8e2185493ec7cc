/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The report. JSON grows as figures come; the table is printed from the rows that are kept beside
 * it. Neither has the name of the host, a user or a folder: reports are shown to others.
 */

#include "report.h"

#include <errno.h>
#include <isa-l.h>
#include <lz4.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "codec/codec.h"
#include "host.h"
#include "pairing.h"
#include "ptest.h"
#include "report_csv.h"
#include "target.h"

#define ROWS_MAX 32u

struct cell {
	bool there;
	struct pairing_figure figure;
};

struct row {
	const struct report_row *name;
	struct cell values[PERF_TARGETS_MAX];
	struct cell ratios[PERF_TARGETS_MAX]; /* to target 0 */
};

struct report {
	const struct perf_opts *opts;
	json_t *root;
	struct row rows[ROWS_MAX];
	unsigned int nr_rows;
	struct host host;
	char corpus[160];
	char *own;     /* table, or NULL */
	char line[96]; /* of the cache line, or empty */
	FILE *json;    /* NULL = none wanted */
};

/* @return bytes before the path in an argument that has one */
static int
before_path(const char *arg)
{
	const char *slash = strchr(arg, '/'), *equals = strchr(arg, '=');

	if (slash > arg && slash[-1] == ':')
		return (int)(slash - arg);
	return arg[0] == '-' && equals != NULL ? (int)(equals + 1 - arg) : 0;
}

/* "--file=/a/b" becomes "--file=b", and "codec,zram:/dev/zram0" "codec,zram:zram0". */
static json_t *
command_line(int argc, char **argv)
{
	json_t *command = json_array();

	for (int i = 1; i < argc; i++) {
		const char *slash = strrchr(argv[i], '/');
		int head = slash != NULL ? before_path(argv[i]) : 0;

		json_array_append_new(command, json_sprintf("%.*s%s", head, argv[i],
		                                            slash != NULL ? slash + 1 : argv[i]));
	}
	return command;
}

int
report_check_file(const char *option, const char *path)
{
	FILE *file = path != NULL ? fopen(path, "ae") : NULL;

	if (file == NULL && path != NULL) {
		zc_err("%s: %s: %s", option, path, strerror(errno));
		return -errno;
	}
	if (file != NULL)
		fclose(file);
	return 0;
}

/* That of the software codec. ISA-L knows its version only when it is built with. */
static const char *
library(const struct zcodec *codec)
{
	static char isal[32];

	snprintf(isal, sizeof(isal), "%d.%d.%d", ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION,
	         ISAL_PATCH_VERSION);
	return codec->id == ZCODEC_LZ4 ? LZ4_versionString()
	                               : (codec->id == ZCODEC_DEFLATE ? isal : "none");
}

/* At the beginning, as report_check_file(). */
static int
open_json(struct report *r)
{
	const char *path = r->opts->json;

	if (path == NULL)
		return 0;
	r->json = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	if (r->json != NULL)
		return 0;
	zc_err("--json: %s: %s", path, strerror(errno));
	return -errno;
}

struct report *
report_create(const struct perf_opts *opts, int argc, char **argv)
{
	struct report *r = (struct report *)calloc(1, sizeof(*r));

	if (r == NULL) {
		zc_err("no memory for a report");
		return NULL;
	}
	r->opts = opts;
	r->root = json_pack(
	        "{s:s, s:s, s:s, s:s, s:o, s:b, s:i, s:f, s:{s:s, s:i, s:s}, s:{}, s:{}, s:[]}",
	        "program", "zcomp-perf", "version", ZCOMPD_VERSION, "commit", perf_commit(),
	        "ptest", opts->ptest->name, "command", command_line(argc, argv), "quick",
	        (int)opts->quick, "pairs", (int)opts->nr_pairs, "pass_ms",
	        (double)opts->min_ns / 1e6, "codec", "algorithm", opts->codec->name, "level",
	        opts->level, "library", library(opts->codec), "targets", "ratios", "warnings");
	if (r->root == NULL)
		zc_err("no memory for a report");
	if (r->root == NULL || open_json(r) != 0 || report_check_file("--csv", opts->csv) != 0) {
		report_destroy(r);
		return NULL;
	}
	return r;
}

void
report_destroy(struct report *r)
{
	if (r == NULL)
		return;
	if (r->json != NULL && r->json != stdout)
		fclose(r->json);
	json_decref(r->root);
	free(r->own);
	free(r);
}

void
report_corpus(struct report *r, const struct corpus *c)
{
	char crc[16];

	snprintf(crc, sizeof(crc), "%08x", c->crc32c);
	json_object_set_new(r->root, "corpus",
	                    json_pack("{s:s, s:i, s:I, s:I, s:I, s:s}", "name", c->name,
	                              "page_size", (int)PERF_PAGE_SIZE, "pages", (json_int_t)c->nr,
	                              "file_pages", (json_int_t)c->file_pages, "same_filled",
	                              (json_int_t)c->same_filled, "crc32c", crc));
	snprintf(r->corpus, sizeof(r->corpus), "%s, %u pages of %u bytes, %u of them same-filled",
	         c->name, c->nr, PERF_PAGE_SIZE, c->same_filled);
}

void
report_place(struct report *r, const struct perf_place *place)
{
	const char *flaw = host_build_flaw();

	host_describe(&r->host, CPU_COUNT(&place->cpus));
	json_object_set_new(r->root, "host",
	                    json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "cpu", r->host.cpu, "cpus",
	                              r->host.nr_cpus, "arch", r->host.arch, "kernel",
	                              r->host.kernel, "compiler", r->host.compiler, "build",
	                              flaw != NULL ? flaw : "optimized"));
}

void
report_line(struct report *r, double before_ns, double after_ns)
{
	if (before_ns == 0 || after_ns == 0)
		return;
	json_object_set_new(json_object_get(r->root, "host"), "line_ns",
	                    json_pack("{s:f, s:f}", "before", before_ns, "after", after_ns));
	snprintf(r->line, sizeof(r->line),
	         "a cache line from CPU to CPU and back: %.0f ns before, %.0f ns after\n",
	         before_ns, after_ns);
}

void
report_own(struct report *r, char *text, json_t *json)
{
	r->own = text;
	json_object_set_new(r->root, r->opts->ptest->name, json);
}

void
report_warning(struct report *r, const char *what, uint64_t count)
{
	json_array_append_new(json_object_get(r->root, "warnings"),
	                      json_sprintf("%s: %llu", what, (unsigned long long)count));
}

void
report_spread(struct report *r, const char *what, double spread)
{
	if (spread > PAIRING_SPREAD)
		json_array_append_new(
		        json_object_get(r->root, "warnings"),
		        json_sprintf("%s: spread %.0f %%, more than %.0f %%: not to be trusted",
		                     what, 100 * spread, 100 * PAIRING_SPREAD));
}

static json_t *
pack_cell(const struct cell *cell, const double *values, unsigned int nr)
{
	const struct pairing_figure *f = &cell->figure;
	json_t *pairs;

	if (nr == 1)
		return json_pack("{s:f}", "value", f->median);
	pairs = json_array();
	for (unsigned int i = 0; i < nr; i++)
		json_array_append_new(pairs, json_real(values[i]));
	return json_pack("{s:f, s:f, s:f, s:f, s:o}", "value", f->median, "min", f->min, "max",
	                 f->max, "spread", f->spread, "pairs", pairs);
}

/* root[part][name][key] = value */
static void
put(struct report *r, const char *part, const char *name, const char *key, json_t *value)
{
	json_t *parent = json_object_get(r->root, part), *object = json_object_get(parent, name);

	if (object == NULL) {
		object = json_object();
		json_object_set_new(parent, name, object);
	}
	json_object_set_new(object, key, value);
}

static void
warn_of_spread(struct report *r, const char *name, const struct report_row *row, double spread)
{
	char what[128];

	snprintf(what, sizeof(what), "%s, %s", name, row->key);
	report_spread(r, what, spread);
}

static void
add_value(struct report *r, struct row *row, unsigned int i, const double *values, unsigned int nr)
{
	const char *name = r->opts->targets[i]->name;

	row->values[i].there = true;
	pairing_figure(values, nr, &row->values[i].figure);
	put(r, "targets", name, row->name->key, pack_cell(&row->values[i], values, nr));
	/* Where there is something to compare with, absolute figures may drift as they like. */
	if (r->opts->nr_targets == 1)
		warn_of_spread(r, name, row->name, row->values[i].figure.spread);
}

static void
add_ratio(struct report *r, struct row *row, unsigned int i, const double *const *values,
          unsigned int nr)
{
	double ratios[PAIRING_PAIRS_MAX];
	char name[64];

	snprintf(name, sizeof(name), "%s/%s", r->opts->targets[i]->name, r->opts->targets[0]->name);
	pairing_ratio(values[i], values[0], nr, ratios);
	row->ratios[i].there = true;
	pairing_figure(ratios, nr, &row->ratios[i].figure);
	put(r, "ratios", name, row->name->key, pack_cell(&row->ratios[i], ratios, nr));
	warn_of_spread(r, name, row->name, row->ratios[i].figure.spread);
}

void
report_figure(struct report *r, const struct report_row *name, const double *const *values,
              unsigned int nr)
{
	struct row *row = &r->rows[r->nr_rows];

	if (r->nr_rows == ROWS_MAX)
		return;
	r->nr_rows++;
	row->name = name;
	for (unsigned int i = 0; i < r->opts->nr_targets; i++) {
		if (values[i] == NULL)
			continue;
		add_value(r, row, i, values[i], nr);
		if (i > 0 && values[0] != NULL)
			add_ratio(r, row, i, values, nr);
	}
}

static void
print_spread(const struct cell *cell, FILE *out)
{
	double spread = cell->figure.spread;

	if (!cell->there || (cell->figure.min == cell->figure.max))
		fprintf(out, "%10s ", "");
	else
		fprintf(out, "%8.1f %%%c", 100 * spread, spread > PAIRING_SPREAD ? '!' : ' ');
}

static void
print_row(const struct report *r, const struct row *row, FILE *out)
{
	unsigned int nr = r->opts->nr_targets;

	fprintf(out, "%-32s", row->name->label);
	for (unsigned int i = 0; i < nr; i++) {
		if (row->values[i].there)
			fprintf(out, "%12.*f", row->name->digits, row->values[i].figure.median);
		else
			fprintf(out, "%12s", "-");
	}
	for (unsigned int i = 1; i < nr; i++) {
		if (row->ratios[i].there)
			fprintf(out, "%18.3f", row->ratios[i].figure.median);
		else
			fprintf(out, "%18s", "");
		print_spread(&row->ratios[i], out);
	}
	if (nr == 1)
		print_spread(&row->values[0], out);
	fputc('\n', out);
}

static void
print_rows(const struct report *r, FILE *out)
{
	const struct perf_opts *opts = r->opts;
	unsigned int i;

	fprintf(out, "%-32s", "");
	for (i = 0; i < opts->nr_targets; i++)
		fprintf(out, "%12s", opts->targets[i]->name);
	for (i = 1; i < opts->nr_targets; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s/%s", opts->targets[i]->name,
		         opts->targets[0]->name);
		fprintf(out, "%18s%10s ", name, "spread");
	}
	fprintf(out, "%s\n", opts->nr_targets == 1 ? "    spread" : "");
	for (i = 0; i < r->nr_rows; i++)
		print_row(r, &r->rows[i], out);
}

static void
print_table(const struct report *r, FILE *out)
{
	const struct perf_opts *opts = r->opts;
	json_t *warning;
	size_t i;

	fprintf(out, "%s, %s level %d", opts->ptest->name, opts->codec->name, opts->level);
	if ((opts->ptest->options & PERF_OPTION_NUM_ITER) != 0)
		fprintf(out, ", %u pairs of passes of %.0f ms or more%s", opts->nr_pairs,
		        (double)opts->min_ns / 1e6,
		        opts->quick ? ": shows that it works, not how fast" : "");
	fprintf(out, "\ncorpus: %s\nhost: %s, %d CPUs, %s, %s\n%s\n", r->corpus, r->host.cpu,
	        r->host.nr_cpus, r->host.kernel, r->host.compiler, r->line);
	if (r->own != NULL)
		fputs(r->own, out);
	else
		print_rows(r, out);
	json_array_foreach (json_object_get(r->root, "warnings"), i, warning)
		fprintf(out, "%swarning: %s\n", i == 0 ? "\n" : "", json_string_value(warning));
	fflush(out);
}

static int
print_json(const struct report *r)
{
	int ret = 0;

	errno = 0;
	if (json_dumpf(r->root, r->json, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) != 0 ||
	    fputc('\n', r->json) == EOF || fflush(r->json) != 0)
		ret = errno != 0 ? -errno : -EIO;
	if (ret != 0)
		zc_err("--json: %s: %s", r->opts->json, strerror(-ret));
	return ret;
}

int
report_print(struct report *r)
{
	int ret = 0;

	print_table(r, r->json == stdout ? stderr : stdout);
	if (r->json != NULL)
		ret = print_json(r);
	if (ret == 0 && r->opts->csv != NULL && r->own == NULL)
		ret = report_csv(r->root, r->opts->csv);
	return ret;
}
