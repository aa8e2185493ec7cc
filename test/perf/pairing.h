/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef PAIRING_H
#define PAIRING_H

#include <stdint.h>

/**
 * @file
 * The pairing protocol: how figures come about on machines whose speed drifts.
 *
 * The sides do the same work by turns, in alternating order, each for a minimum of time; that is a
 * round. What is compared is compared within a round, and the median over the rounds is the figure.
 * The first round is not counted: there memory is touched for the first time.
 */

#define PAIRING_PAIRS_MIN 11u
#define PAIRING_PAIRS_MAX 999u
#define PAIRING_NS_MIN    75000000u
#define PAIRING_SPREAD    0.15 /**< figures that spread more are not to be trusted */

/** What one pass took, in nanoseconds. */
struct pairing_time {
	double elapsed_ns;
	double client_ns; /**< of the calling thread, in which it could do nothing else */
};

/** One side of a comparison. */
struct pairing_side {
	/**
	 * Does the work @p sweeps times over and says what that took.
	 * @return 0 or a negative errno, which ends it all
	 */
	int (*pass)(void *arg, uint64_t sweeps, struct pairing_time *time);
	void *arg;
	struct pairing_time *times; /**< the result: one for each pair, each for one sweep */
};

struct pairing_opts {
	unsigned int nr_pairs; /**< 1 to PAIRING_PAIRS_MAX */
	uint64_t min_ns;       /**< each pass takes at least so long */
	const char *what;      /**< for progress() */
	/** Is told between the rounds how many of them count already. May be NULL. */
	void (*progress)(const char *what, unsigned int done, unsigned int of);
};

/** Measures the sides against each other. @return 0, or what a pass has returned */
int pairing_run(const struct pairing_opts *opts, const struct pairing_side *sides,
                unsigned int nr_sides);

/** Of the values of all rounds. */
struct pairing_figure {
	double median;
	double min;
	double max;
	double spread; /**< from the lower to the upper quartile, over the median */
};

/** @param nr 1 to PAIRING_PAIRS_MAX values, in any order */
void pairing_figure(const double *values, unsigned int nr, struct pairing_figure *out);

/** The quotients of the values of the same round: @p of over @p to. */
void pairing_ratio(const double *of, const double *to, unsigned int nr, double *ratios);

#endif
