/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>

/** The machine, as far as it tells what figures to expect. It has no name. */
struct host {
	char cpu[96];
	int nr_cpus; /**< that this process may use */
	char kernel[96];
	char arch[32];
	char compiler[64];
};

/** @param nr_cpus as the caller knows it */
void host_describe(struct host *h, int nr_cpus);

/** @return why this build is not to be measured, or NULL */
const char *host_build_flaw(void);

#endif
