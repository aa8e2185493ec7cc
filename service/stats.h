/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_STATS_H
#define ZD_STATS_H

#include <stdint.h>

#include "zd.h"

/**
 * @file
 * The numbers that the service tells, by name, for the admin protocol and for telemetry alike.
 */

/** Called for each number, in order. */
typedef void (*zd_stat_fn)(void *ctx, const char *name, uint64_t value);

/** A disk's numbers: the fields of struct zcl_disk_stat. Main lcore, or with the disks' lock. */
void zd_stats_disk(const struct zd_disk *disk, zd_stat_fn fn, void *ctx);

/** One worker's numbers. Any thread. */
void zd_stats_worker(const struct zd_worker *w, zd_stat_fn fn, void *ctx);

/** One compressor's stream numbers, over all workers. Any thread. */
void zd_stats_streams(const struct zd_compressors *c, unsigned int compressor, zd_stat_fn fn,
                      void *ctx);

/** One device's numbers, over all workers. Any thread. */
void zd_stats_device(const struct zd_compressors *c, unsigned int device, zd_stat_fn fn, void *ctx);

#endif
