/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZRAM_DEV_H
#define ZRAM_DEV_H

#include <stdint.h>

#include "perf.h"

/**
 * @file
 * A zram device of the kernel's, opened for measuring. Nothing is set up: who does not find it as
 * it must be says which commands would make it so. Main thread only.
 */

struct zram_dev {
	int fd;        /**< O_DIRECT; -1 = it is not open */
	int sysfs;     /**< its folder; -1 = as above */
	uint64_t size; /**< bytes */
};

/** What mm_stat tells first. */
struct zram_dev_stat {
	uint64_t orig_bytes;
	uint64_t compr_bytes;
	uint64_t mem_used;
	uint64_t mem_limit;
	uint64_t mem_used_max;
};

/**
 * Opens the device exclusively. Refused are what is no zram, one that is not set up, one that
 * is mounted, swap or held otherwise, one with another algorithm than --algo or less than @p len
 * bytes, and one that holds data.
 * @return 0, -ENOTBLK, -ENXIO, -EBUSY, -EINVAL, -ENOSPC, -ENOTEMPTY, -errno; closed then
 */
int zram_dev_open(struct zram_dev *dev, const struct perf_opts *opts, uint64_t len);

/** Discards @p len bytes from the beginning, and closes it. Accepts one that is not open. */
void zram_dev_close(struct zram_dev *dev, uint64_t len);

/** @return 0, -errno */
int zram_dev_stat(const struct zram_dev *dev, struct zram_dev_stat *stat);

#endif
