/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Pairings of unequal sides. It keeps nothing: the caller's struct and times are all there is. */

#include "sides.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "progress.h"

struct pairing_time *
sides_times(const struct perf_opts *opts)
{
	struct pairing_time *times =
	        (struct pairing_time *)calloc((size_t)SIDES_MAX * opts->nr_pairs, sizeof(*times));

	if (times == NULL)
		zc_err("no memory for the times of %u pairs", opts->nr_pairs);
	return times;
}

void
sides_add(struct sides *s, sides_pass pass, void *arg, uint64_t *pages)
{
	struct pairing_time *times = s->times != NULL ? s->times + s->nr * s->opts->nr_pairs : NULL;

	s->sides[s->nr] = (struct pairing_side){pass, arg, times};
	s->pages[s->nr++] = pages;
}

/* The work of a pass, from a short try: a little more than the least time of a pass. */
static int
weigh(struct sides *s)
{
	const double wanted_ns = 1.2 * (double)s->opts->min_ns;

	for (unsigned int i = 0; i < s->nr; i++) {
		struct pairing_time time = {0, 0};

		for (*s->pages[i] = 16; time.elapsed_ns < wanted_ns / 8; *s->pages[i] *= 2) {
			int ret = s->sides[i].pass(s->sides[i].arg, 1, &time);

			if (ret != 0)
				return ret;
		}
		*s->pages[i] =
		        1 + (uint64_t)((double)*s->pages[i] / 2 * wanted_ns / time.elapsed_ns);
	}
	return 0;
}

int
sides_measure(struct sides *s)
{
	struct pairing_opts opts = {
	        .nr_pairs = s->opts->nr_pairs,
	        .min_ns = s->opts->min_ns,
	        .what = "goals",
	        .progress = progress_show,
	};
	int ret = weigh(s);

	if (ret == 0 && perf_place_stopped(s->place))
		ret = -EINTR;
	return ret == 0 ? pairing_run(&opts, s->sides, s->nr) : ret;
}

void
sides_rates(const struct sides *s, unsigned int side, double *out)
{
	for (unsigned int i = 0; i < s->opts->nr_pairs; i++)
		out[i] = 1e9 * (double)*s->pages[side] / s->sides[side].times[i].elapsed_ns;
}

void
sides_client_ns(const struct sides *s, unsigned int side, double *out)
{
	for (unsigned int i = 0; i < s->opts->nr_pairs; i++)
		out[i] = s->sides[side].times[i].client_ns / (double)*s->pages[side];
}
