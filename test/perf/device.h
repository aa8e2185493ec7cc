/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "perf.h"

/**
 * @file
 * The device that --driver-name asks for, which each target has for itself, in this process. Main
 * thread only.
 */

struct perf_device {
	char name[64]; /**< as EAL knows it; empty: there is none */
};

/**
 * Starts EAL, and the device.
 * @param target whose it is: a part of the device's name
 * @return 0, -errno; nothing is left then
 */
int perf_device_create(struct perf_device *dev, const struct perf_opts *opts,
                       const struct perf_place *place, const char *target);

/** Accepts one that is not there. */
void perf_device_destroy(struct perf_device *dev);

#endif
