/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdint.h>

#include "gen.h"
#include "pairing.h"
#include "streams.h"

/**
 * @file
 * One mode over one device, measured in one of four ways. The submitters are the calling thread,
 * or threads on its CPU where the mode has several.
 */

struct runner;

/** @return 0, -ENOMEM */
int runner_create(const struct corpus *corpus, unsigned int burst, struct runner **out);

/** Accepts NULL. */
void runner_destroy(struct runner *r);

/** @return pages that devices gave back with an error, so far */
uint64_t runner_failed(const struct runner *r);

/** What a closed loop came to. */
struct runner_rate {
	double pages_per_s;
	double managed; /**< share of pages */
	double refused; /**< for each page */
};

/**
 * As fast as it goes, in steady state: what is done in @p warm_ns and after @p window_ns, while the
 * queue fills and drains, is not counted.
 * @return 0, -errno
 */
int runner_closed(struct runner *r, const struct streams_device *dev,
                  const struct streams_mode *mode, uint64_t warm_ns, uint64_t window_ns,
                  struct runner_rate *out);

/**
 * Pages come at a fixed rate, in bursts, for @p duration_ns, whether or not those before are done.
 * A page's time counts from when it should have come; that of one which is not done when the loop
 * ends, a tenth of @p duration_ns later, up to that end.
 * @param out gets what streams_result has of an open loop
 * @return 0, -errno
 */
int runner_open(struct runner *r, const struct streams_device *dev, const struct streams_mode *mode,
                uint64_t duration_ns, struct streams_result *out);

/**
 * Has @p nr pages compressed, and compares what decodes from the results.
 * @param first of the corpus
 * @return 0, -EBADMSG, -errno
 */
int runner_verify(struct runner *r, const struct streams_device *dev,
                  const struct streams_mode *mode, uint32_t first, uint32_t nr);

/** Pages that stay in the cache of any CPU. */
#define RUNNER_CACHED 64u

/** A side of the pairing: a mode of one submitter, as runner_closed() does it. */
struct runner_side {
	struct runner *runner;
	const struct streams_device *dev;
	const struct streams_mode *mode;
	uint64_t pages;  /**< of a sweep */
	bool cached;     /**< the same RUNNER_CACHED pages again and again */
	bool calls_only; /**< neither the copy-in counts, nor polls that find nothing */
};

/** @param arg struct runner_side */
int runner_pass(void *arg, uint64_t sweeps, struct pairing_time *time);

#endif
