/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef LINE_H
#define LINE_H

#include "perf.h"

/**
 * How far apart the client's and the worker's CPU are. A hypervisor may change that at any time,
 * and with it what handing a page over costs.
 * @return nanoseconds that a cache line takes there and back, the median; 0 = cannot be measured
 */
double line_round_trip_ns(const struct perf_place *place);

#endif
