/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The histogram's reading side. Bucket b of 32 or more holds the values whose top six bits are
 * 32 + b % 32, shifted by b / 32 - 1; the first 32 buckets hold one value each.
 */

#include "base/hist.h"

void
zc_hist_merge(struct zc_hist *to, const struct zc_hist *from)
{
	for (unsigned int i = 0; i < ZC_HIST_BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
	to->count += from->count;
	to->sum += from->sum;
	if (from->max > to->max)
		to->max = from->max;
}

/* The largest value that falls into the bucket. */
static uint64_t
bucket_last(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < ZC_HIST_SUB)
		return bucket;
	shift = bucket / ZC_HIST_SUB - 1;
	return (((uint64_t)(ZC_HIST_SUB + bucket % ZC_HIST_SUB) + 1) << shift) - 1;
}

uint64_t
zc_hist_percentile(const struct zc_hist *hist, double percent)
{
	double exact = percent * (double)hist->count / 100.0;
	uint64_t rank = (uint64_t)exact;
	uint64_t seen = 0;

	/* Rounded up, else fewer values than asked for lie at or below the answer. */
	if ((double)rank < exact || rank == 0)
		rank++;
	for (unsigned int i = 0; i < ZC_HIST_BUCKETS; i++) {
		seen += hist->buckets[i];
		if (seen >= rank) {
			uint64_t last = bucket_last(i);

			return last < hist->max ? last : hist->max;
		}
	}
	return hist->max;
}

double
zc_hist_mean(const struct zc_hist *hist)
{
	return hist->count == 0 ? 0.0 : (double)hist->sum / (double)hist->count;
}
