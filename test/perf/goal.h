/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef GOAL_H
#define GOAL_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/**
 * @file
 * Goals: what is wanted of the service, against what it is measured, and what was reached. A goal
 * that cannot be measured here says why. Main thread only.
 */

/** A goal as it is set; static. */
struct goal_def {
	const char *key;     /**< in JSON */
	const char *what;    /**< is measured */
	const char *against; /**< what; its unit, where it is no ratio */
	double wanted;
	bool at_most; /**< @p wanted is an upper limit */
};

struct goal {
	const struct goal_def *def;
	bool measured;
	double reached;
	double spread;  /**< of the pairs; 0 = it was measured once */
	char note[160]; /**< why it is not measured, or how it came about */
};

#define GOALS_MAX 32u

struct goal_list {
	struct goal goals[GOALS_MAX];
	unsigned int nr;
};

/** Adds one that was measured once. @param fmt of a note, or NULL */
void goal_add(struct goal_list *list, const struct goal_def *def, double reached, const char *fmt,
              ...) __attribute__((format(printf, 4, 5)));

/** Adds one with a value of each pair: the median counts. */
void goal_add_values(struct goal_list *list, const struct goal_def *def, const double *values,
                     unsigned int nr);

/** Adds one with a difference of each pair. Its spread is over what is wanted: it may be 0. */
void goal_add_differences(struct goal_list *list, const struct goal_def *def,
                          const double *differences, unsigned int nr);

/** Adds one with the ratios of the pairs: @p of over @p to. */
void goal_add_ratio(struct goal_list *list, const struct goal_def *def, const double *of,
                    const double *to, unsigned int nr);

/** Adds one that is not measured. */
void goal_skip(struct goal_list *list, const struct goal_def *def, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/** @return "reached", "missed" or "not measured" */
const char *goal_verdict(const struct goal *g);

/** Prints a table of them, and how many of each verdict there are. */
void goal_print(const struct goal_list *list, FILE *out);

/** @return an array; NULL: no memory */
json_t *goal_json(const struct goal_list *list);

#endif
