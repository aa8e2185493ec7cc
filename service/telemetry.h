/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_TELEMETRY_H
#define ZD_TELEMETRY_H

#include "zd.h"

/**
 * Registers /zcompd/info, /zcompd/disks, /zcompd/disk,NAME, /zcompd/streams and /zcompd/workers
 * with DPDK's telemetry, for dpdk-telemetry.py. Main lcore, once; answers come from the telemetry
 * thread until zd_telemetry_stop().
 * @return 0 or -errno
 */
int zd_telemetry_start(struct zd *zd);

/** From now on the commands answer with an error; no answer is under way after this. */
void zd_telemetry_stop(void);

#endif
