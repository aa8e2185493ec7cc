/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The table of ptests. */

#include "ptest.h"

#include <stddef.h>

/* clang-format off */
const struct ptest *const ptest_table[] = {
	&ptest_throughput,
	&ptest_verify,
	&ptest_cyclecount,
	&ptest_streams,
	&ptest_latency,
	&ptest_mixed,
	&ptest_scale,
	&ptest_idle,
	&ptest_goals,
	NULL,
};
/* clang-format on */
