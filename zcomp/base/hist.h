/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZC_HIST_H
#define ZC_HIST_H

#include <stdint.h>

/**
 * @file
 * A log-linear histogram of 64-bit values: 32 buckets for each power of two, so a percentile is
 * right to 1/32. Debian has no HDR histogram for C. One writer at a time; no allocation.
 */

#define ZC_HIST_SUB_BITS 5
#define ZC_HIST_SUB      (1u << ZC_HIST_SUB_BITS)
#define ZC_HIST_BUCKETS  ((64 - ZC_HIST_SUB_BITS + 1) * ZC_HIST_SUB)

struct zc_hist {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint64_t buckets[ZC_HIST_BUCKETS];
};

/** Adds one value; the unit is the caller's. */
static inline void
zc_hist_add(struct zc_hist *hist, uint64_t value)
{
	unsigned int bucket = (unsigned int)value;

	if (value >= ZC_HIST_SUB) {
		unsigned int shift = 63 - (unsigned int)__builtin_clzll(value) - ZC_HIST_SUB_BITS;

		bucket = (shift + 1) * ZC_HIST_SUB +
		         (unsigned int)((value >> shift) & (ZC_HIST_SUB - 1));
	}
	hist->buckets[bucket]++;
	hist->count++;
	hist->sum += value;
	if (value > hist->max)
		hist->max = value;
}

/** Adds all that @p from holds to @p to. */
void zc_hist_merge(struct zc_hist *to, const struct zc_hist *from);

/**
 * @param percent 0 to 100
 * @return the value that @p percent of the values do not exceed, to 1/32; 0 without values
 */
uint64_t zc_hist_percentile(const struct zc_hist *hist, double percent);

/** @return the mean, 0 without values */
double zc_hist_mean(const struct zc_hist *hist);

#endif
