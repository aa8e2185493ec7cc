/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_EAL_H
#define ZD_EAL_H

#include "options.h"

/**
 * Starts the EAL with our defaults: no hugepages, no PCI, no files but the telemetry socket; the
 * main lcore on all CPUs that we may use, lcores 1 upwards pinned to the workers' CPUs.
 * @param opts its `cpus` are checked against the affinity mask, and filled in when there are none
 * @return 0, or a negative errno after an error line
 */
int zd_eal_init(struct zd_options *opts);

#endif
