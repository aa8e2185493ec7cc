/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef LZ4_LOOP_H
#define LZ4_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "corpus.h"
#include "pairing.h"
#include "perf.h"

/** A side of the pairing: liblz4 alone, in a loop over the corpus, with one output buffer. */
struct lz4_loop {
	const struct corpus *corpus;
	int level;
	uint64_t pages; /**< of a sweep */
	/** Runs on its worker's CPU, and goes to its client's then; NULL: stays where it is */
	const struct perf_place *place;
	bool copies; /**< each page is copied first, as into a stream */
	void *state; /**< the compressor's and both buffers, by lz4_loop_init() */
};

/** @return 0, -ENOMEM; the members before state are the caller's to set */
int lz4_loop_init(struct lz4_loop *loop);
void lz4_loop_fini(struct lz4_loop *loop);

/** @param arg struct lz4_loop @return 0, -errno */
int lz4_loop_pass(void *arg, uint64_t sweeps, struct pairing_time *time);

#endif
