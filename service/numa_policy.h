/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_NUMA_POLICY_H
#define ZD_NUMA_POLICY_H

#include <stdbool.h>
#include <stddef.h>

/**
 * @file
 * On which NUMA node memory lies. Main lcore only.
 *
 * A page comes from the node of whoever touches it first, unless somebody has said otherwise:
 *
 * - Arenas, and what workers share with the main lcore, are the main lcore's to touch. It asks for
 *   the workers' nodes (zd_numa_stay_near()).
 * - A queue's rings are touched by both sides, and asked for on the client's node
 *   (zd_numa_place()). Its page buffers are filled by the client before the service looks at them.
 * - An lcore's stream buffers are first touched by that lcore; drivers get its node's number.
 *
 * All of that is a wish: a node without memory left does not fail anybody, and a kernel that
 * refuses is worth one line in the log. On a host with one node, where zcompd was started under a
 * policy (numactl), or where it may not even ask for that, as in some containers, nothing is done.
 */

struct zd_numa {
	bool is_on;
	bool has_complained;
};

/** Looks whether there is anything to do. Before any other function here, and before the EAL. */
void zd_numa_init(struct zd_numa *numa);

/** @return the node of a CPU; -1 where nothing is done, or it is not known */
int zd_numa_node_of_cpu(const struct zd_numa *numa, unsigned int cpu);

/**
 * From now on the calling thread, and threads that it starts, take memory from the CPUs' node, or
 * from their nodes by turns.
 */
void zd_numa_stay_near(struct zd_numa *numa, const unsigned int *cpus, unsigned int nr);

/**
 * Has the pages of a shared mapping that nobody has touched yet come from that node, whoever
 * touches them.
 * @param mem  page-aligned
 * @param node from a client, perhaps: any number; one that is not there has no effect
 */
void zd_numa_place(struct zd_numa *numa, void *mem, size_t len, int node);

#endif
