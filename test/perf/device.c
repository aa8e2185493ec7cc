/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Devices of --driver-name. Main thread only, which is EAL's main lcore. */

#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus_vdev.h>

#include "base/log.h"
#include "eal.h"

int
perf_device_create(struct perf_device *dev, const struct perf_opts *opts,
                   const struct perf_place *place, const char *target)
{
	const char *comma = strchr(opts->driver, ',');
	const char *args = comma != NULL ? comma + 1 : "";
	int len = comma != NULL ? (int)(comma - opts->driver) : (int)strlen(opts->driver);
	char name[sizeof(dev->name)];
	int ret;

	if ((size_t)snprintf(name, sizeof(name), "%.*s_%s", len, opts->driver, target) >=
	    sizeof(name)) {
		zc_err("--driver-name: '%s' is too long a name", opts->driver);
		return -ENAMETOOLONG;
	}
	ret = perf_eal_start(place);
	if (ret != 0)
		return ret;
	ret = rte_vdev_init(name, args);
	if (ret != 0) {
		zc_err("--driver-name: no driver takes '%s' with '%s': %s", name, args,
		       strerror(-ret));
		perf_eal_stop();
		return ret;
	}
	memcpy(dev->name, name, sizeof(name));
	return 0;
}

void
perf_device_destroy(struct perf_device *dev)
{
	if (dev->name[0] == '\0')
		return;
	rte_vdev_uninit(dev->name);
	perf_eal_stop();
	dev->name[0] = '\0';
}
