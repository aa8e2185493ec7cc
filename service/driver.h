/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_DRIVER_H
#define ZD_DRIVER_H

/**
 * Loads the driver of a device for which the EAL has none: librte_NAME.so in @p dir, where NAME is
 * the device's name, or what is left of that without the number of an instance: compress_sim for
 * compress_sim0 and compress_sim_0. It stays loaded. Main lcore, after the EAL's start.
 * @return 0: the EAL knows it now; -ENOENT, the only error without an error line: there is no such
 *         file; -ENOTSUP (built for another DPDK), or what zd_plugin_open() says
 */
int zd_driver_load(const char *dir, const char *device);

#endif
