/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

#ifndef SIM_PMD_H
#define SIM_PMD_H

/**
 * @file
 * What a program may know of compress_sim beyond compressdev: how it marks a same-filled page, and
 * the numbers of its model. The function is for programs that link the driver; others ask DPDK
 * telemetry for /compress_sim/stats.
 */

#include <stdint.h>

/**
 * rte_comp_op.debug_status of a page that was one repeated 8-byte word, with same_filled=1: the
 * word is in output_chksum, in the host's byte order, `produced` is 0 and the status is SUCCESS. In
 * all other operations that succeed debug_status is 0.
 */
#define SIM_PMD_SAME 0x53414d45u

/**
 * What the model of one device has counted since the device was last started. Nanoseconds are of
 * the model's clock, the TSC.
 */
struct sim_pmd_stats {
	uint64_t ops;         /**< operations taken */
	uint64_t busy;        /**< offered to a full queue pair, hence not taken */
	uint64_t hung;        /**< taken, and not to complete before a stop or a reset */
	uint64_t failed;      /**< dequeued with a failure that the model made */
	uint64_t late_ops;    /**< dequeued whose work was done after their model time */
	uint64_t late_ns_max; /**< by how much at most */
	uint64_t late_ns_sum; /**< by how much in all */
	uint64_t engine_ns;   /**< service time given to operations, by all engines together */
};

/**
 * Read the numbers of a device.
 *
 * Context: any thread, at any time, also while the device comes and goes. The numbers are each
 * whole, but not of one instant.
 *
 * @param dev_name  The vdev's name, such as "compress_sim" or "compress_sim_0".
 * @param out       Filled on success, untouched otherwise.
 * @return 0; -EINVAL if an argument is NULL; -ENOENT if there is no such compress_sim.
 */
int sim_pmd_stats_get(const char *dev_name, struct sim_pmd_stats *out);

#endif /* SIM_PMD_H */
