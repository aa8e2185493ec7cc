/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

#include <jansson.h>

#include "corpus.h"
#include "perf.h"

/**
 * @file
 * What was found, as a table and as JSON. A figure is a row of the table: a value of each target,
 * and its ratios to that of the first target.
 */

struct report;

/** What a figure is called. */
struct report_row {
	const char *key;   /**< in JSON; ends with its unit */
	const char *label; /**< in the table */
	int digits;        /**< behind the point, in the table */
};

/** @return the caller's, for report_destroy(); NULL: no memory, or opts->json cannot be written */
struct report *report_create(const struct perf_opts *opts, int argc, char **argv);

/**
 * Finds out at the beginning, so that nobody waits for what cannot be written.
 * @param path NULL: nothing is to be written
 * @return 0, -errno
 */
int report_check_file(const char *option, const char *path);

/** Accepts NULL. */
void report_destroy(struct report *r);

/** Says what it was measured with, and where. */
void report_corpus(struct report *r, const struct corpus *c);
void report_place(struct report *r, const struct perf_place *place);

/** Says what line_round_trip_ns() found. It is printed where it was found at all. */
void report_line(struct report *r, double before_ns, double after_ns);

/**
 * Gives a ptest without targets a table and a part of the JSON of its own.
 * @param text malloc'ed; both become the report's
 */
void report_own(struct report *r, char *text, json_t *json);

/** Warns of something that was counted. */
void report_warning(struct report *r, const char *what, uint64_t count);

/** Warns of a figure, if its pairs spread so much that it is not to be trusted. */
void report_spread(struct report *r, const char *what, double spread);

/**
 * Adds a figure.
 * @param values one array for each target of the command line; NULL: it has no such figure
 * @param nr     values in each: one for each pair, or 1 where nothing was paired
 */
void report_figure(struct report *r, const struct report_row *row, const double *const *values,
                   unsigned int nr);

/**
 * Prints the table, and JSON and CSV where they are wanted; CSV not after report_own(). With JSON
 * on standard output the table goes to standard error.
 * @return 0, -ENOMEM, -errno
 */
int report_print(struct report *r);

#endif
