/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Devices in this process. Main thread only, which is EAL's main lcore; what a driver starts
 * besides runs on the other CPUs.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus_vdev.h>

#include "base/log.h"
#include "comp/compressdev.h"
#include "sim_pmd.h"
#include "streams.h"

/* The model does not hang, but where CPUs are scarce its host thread may not run for some time. */
#define HANG_NS 60000000000ull

static bool
is_sim(const struct streams_device_opts *opts)
{
	return strcmp(opts->driver, "compress_sim") == 0;
}

static int
open_compressor(struct streams_device *dev, int level)
{
	struct zcomp_params params = {
	        .codec = &zcodec_lz4,
	        .level = level,
	        .page_size = PERF_PAGE_SIZE,
	        .nr_lcores = STREAMS_LCORES,
	        .depth = dev->opts.depth,
	        .hang_ns = HANG_NS,
	};
	int ret = zcomp_cdev_open(dev->opts.driver, STREAMS_LCORES, dev->opts.depth, NULL,
	                          &dev->cdev);

	if (ret != 0)
		return ret;
	params.dev = dev->cdev;
	ret = zcomp_create(&zcomp_backend_compressdev, &params, &dev->comp);
	if (ret == 0 && !zcomp_managed(dev->comp)) {
		zcomp_destroy(dev->comp);
		ret = -ENOTSUP;
	}
	if (ret != 0)
		zcomp_cdev_close(dev->cdev);
	return ret;
}

int
streams_device_create(struct streams_device *dev, const struct streams_device_opts *opts, int level)
{
	char args[128];
	int ret;

	dev->opts = *opts;
	/* Queues of a device hold two or more; there is still one stream. */
	if (is_sim(opts))
		snprintf(args, sizeof(args), "latency_us=%.3f,depth=%u,engines=%u,codec=%s",
		         opts->latency_us, opts->depth > 1 ? opts->depth : 2, opts->engines,
		         opts->null ? "null" : "lz4");
	else
		snprintf(args, sizeof(args), "mode=inline");
	ret = rte_vdev_init(opts->driver, args);
	if (ret == 0) {
		ret = open_compressor(dev, level);
		if (ret != 0)
			rte_vdev_uninit(opts->driver);
	}
	if (ret != 0)
		zc_err("%s with %s: %s", opts->driver, args, strerror(-ret));
	return ret;
}

void
streams_device_destroy(struct streams_device *dev)
{
	zcomp_cdev_stop(dev->cdev);
	zcomp_destroy(dev->comp);
	zcomp_cdev_close(dev->cdev);
	rte_vdev_uninit(dev->opts.driver);
}

double
streams_device_late(const struct streams_device *dev)
{
	struct sim_pmd_stats stats;

	if (!is_sim(&dev->opts) || sim_pmd_stats_get(dev->opts.driver, &stats) != 0 ||
	    stats.ops == 0)
		return 0;
	return (double)stats.late_ops / (double)stats.ops;
}

double
streams_device_full_us(const struct streams_device *dev)
{
	double rounds = (double)dev->opts.depth / (double)dev->opts.engines;

	return dev->opts.latency_us * (rounds > 1 ? rounds : 1);
}
