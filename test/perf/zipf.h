/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZIPF_H
#define ZIPF_H

#include <stdint.h>

/**
 * @file
 * Random numbers that are the same in each run: uniform, and by Zipf's law, with which few of them
 * come often. The method is that of Gray et al., "Quickly Generating Billion-Record Synthetic
 * Databases", SIGMOD 1994. A struct by one thread at a time.
 */

/** @return the next of a sequence; @p state starts with any value */
uint64_t zipf_random(uint64_t *state);

/** @return 0 to 1, without 1 */
double zipf_unit(uint64_t *state);

struct zipf {
	uint64_t nr;
	double theta;
	double alpha;
	double zeta; /**< the sum of rank ^ -theta */
	double eta;
	double second; /**< up to where a draw is rank 1 */
};

/**
 * @param nr    ranks, 2 upwards; takes a time that grows with it
 * @param theta 0 to 1, without both; 0.99 is usual
 */
void zipf_init(struct zipf *z, uint64_t nr, double theta);

/** @return a rank, 0 to nr - 1; 0 comes most often */
uint64_t zipf_next(const struct zipf *z, uint64_t *state);

#endif
