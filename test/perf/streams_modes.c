/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The table of modes: the ways to have pages compressed that ptest streams compares. */

#include <stddef.h>

#include "streams.h"

enum {
	SOFTWARE,
	PERCPU,
	RFC_WAIT,
	RFC_NOWAIT,
	TRY,
	RETRY,
	INLINE,
	SPILL,
	ADAPTIVE,
};

const struct streams_mode streams_modes[] = {
        [SOFTWARE] = {.name = "software",
                      .doc = "the caller compresses: per-lcore streams",
                      .policy = {ZCOMP_POLICY_SOFTWARE, 0},
                      .threads = 1},
        [PERCPU] = {.name = "percpu-device",
                    .doc = "per-CPU synchronous streams: one page, waited for",
                    .ask = STREAMS_ASK_ONLY,
                    .burst = 1,
                    .in_flight_max = 1,
                    .threads = 1,
                    .idle = STREAMS_IDLE_SPIN},
        [RFC_WAIT] = {.name = "rfc-wait",
                      .doc = "the RFC: 8 submitters, each waits until its page is done",
                      .ask = STREAMS_ASK_PREFER,
                      .burst = 1,
                      .in_flight_max = 1,
                      .threads = STREAMS_LCORES,
                      .idle = STREAMS_IDLE_YIELD},
        [RFC_NOWAIT] = {.name = "rfc-nowait",
                        .doc = "the RFC, not waiting: one page a doorbell, else per-CPU",
                        .ask = STREAMS_ASK_PREFER,
                        .burst = 1,
                        .threads = 1},
        [TRY] = {.name = "try",
                 .doc = "bursts; refuses what finds no stream; it is offered again",
                 .policy = {ZCOMP_POLICY_TRY, 0},
                 .threads = 1},
        [RETRY] = {.name = "retry=50",
                   .doc = "bursts; waits up to 50 us for a stream, then compresses",
                   .policy = {ZCOMP_POLICY_RETRY, 50},
                   .threads = 1},
        [INLINE] = {.name = "inline",
                    .doc = "bursts; compresses what finds no stream",
                    .policy = {ZCOMP_POLICY_INLINE, 0},
                    .threads = 1},
        [SPILL] = {.name = "spill=256",
                   .doc = "bursts; up to 256 pages wait for streams in a list",
                   .policy = {ZCOMP_POLICY_SPILL, 256},
                   .threads = 1},
        [ADAPTIVE] = {.name = "adaptive",
                      .doc = "bursts; whichever is expected to be done first",
                      .policy = {ZCOMP_POLICY_ADAPTIVE, 0},
                      .threads = 1},
        {0},
};

_Static_assert(sizeof(streams_modes) / sizeof(streams_modes[0]) == STREAMS_MODES_MAX + 1,
               "a result for each mode");

const struct streams_mode streams_mode_device = {
        .name = "device",
        .doc = "bursts; the device alone",
        .policy = {ZCOMP_POLICY_RETRY, ZCOMP_RETRY_US_MAX},
        .threads = 1,
};

const struct streams_mode *const streams_mode_software = &streams_modes[SOFTWARE];
const struct streams_mode *const streams_mode_percpu = &streams_modes[PERCPU];
const struct streams_mode *const streams_mode_inline = &streams_modes[INLINE];
const struct streams_mode *const streams_mode_adaptive = &streams_modes[ADAPTIVE];
