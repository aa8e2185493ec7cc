/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The pairing protocol. How often a pass repeats its work is found on the way: a round in which a
 * pass was too short is thrown away and repeated with more. All passes of a round do the same work.
 */

#include "pairing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* @return 0, or what a pass has returned */
static int
run_round(const struct pairing_side *sides, unsigned int nr_sides, unsigned int round,
          uint64_t sweeps, double *shortest_ns)
{
	*shortest_ns = 0;
	for (unsigned int i = 0; i < nr_sides; i++) {
		/* Who goes first changes, so that a drift does not favour one. */
		const struct pairing_side *side = &sides[round % 2 == 0 ? i : nr_sides - 1 - i];
		struct pairing_time time = {0, 0};
		int ret = side->pass(side->arg, sweeps, &time);

		if (ret != 0)
			return ret;
		if (i == 0 || time.elapsed_ns < *shortest_ns)
			*shortest_ns = time.elapsed_ns;
		time.elapsed_ns /= (double)sweeps;
		time.client_ns /= (double)sweeps;
		/* Round 0 is the one that does not count. */
		if (round > 0)
			side->times[round - 1] = time;
	}
	return 0;
}

int
pairing_run(const struct pairing_opts *opts, const struct pairing_side *sides,
            unsigned int nr_sides)
{
	uint64_t sweeps = 1;
	unsigned int round = 0;

	while (round <= opts->nr_pairs) {
		double shortest_ns;
		int ret;

		if (opts->progress != NULL)
			opts->progress(opts->what, round > 0 ? round - 1 : 0, opts->nr_pairs);
		ret = run_round(sides, nr_sides, round, sweeps, &shortest_ns);
		if (ret != 0)
			return ret;
		if (shortest_ns >= (double)opts->min_ns) {
			round++;
			continue;
		}
		/* A little more than enough, so that noise does not bring it back here. */
		if (shortest_ns < 1)
			shortest_ns = 1;
		sweeps += 1 + (uint64_t)((double)sweeps *
		                         (1.15 * (double)opts->min_ns / shortest_ns - 1));
	}
	return 0;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void
pairing_figure(const double *values, unsigned int nr, struct pairing_figure *out)
{
	double sorted[PAIRING_PAIRS_MAX];

	assert(nr >= 1 && nr <= PAIRING_PAIRS_MAX);
	memcpy(sorted, values, nr * sizeof(*values));
	qsort(sorted, nr, sizeof(*sorted), compare);
	out->median = (sorted[(nr - 1) / 2] + sorted[nr / 2]) / 2;
	out->min = sorted[0];
	out->max = sorted[nr - 1];
	out->spread =
	        out->median == 0 ? 0 : (sorted[nr - 1 - nr / 4] - sorted[nr / 4]) / out->median;
}

void
pairing_ratio(const double *of, const double *to, unsigned int nr, double *ratios)
{
	for (unsigned int i = 0; i < nr; i++)
		ratios[i] = to[i] == 0 ? 0 : of[i] / to[i];
}
