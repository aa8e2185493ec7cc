/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * EAL in this process, shared by all who have a device. Main thread only, which is EAL's main
 * lcore; what EAL starts besides runs on the other CPUs.
 */

#include "eal.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "base/log.h"

static unsigned int nr_users;

int
perf_eal_start(const struct perf_place *place)
{
	char prefix[32], lcores[32];
	/* EAL may reorder the array, but it does not write to the strings. */
	/* clang-format off */
	char *argv[] = {
		(char *)(uintptr_t) "zcomp-perf",
		(char *)(uintptr_t) "--no-huge",
		(char *)(uintptr_t) "--no-pci",
		(char *)(uintptr_t) "--no-shconf",
		(char *)(uintptr_t) "--no-telemetry",
		(char *)(uintptr_t) "--log-level", (char *)(uintptr_t) "lib.eal:warning",
		(char *)(uintptr_t) "-m", (char *)(uintptr_t) "128",
		(char *)(uintptr_t) "--file-prefix", prefix,
		(char *)(uintptr_t) "--lcores", lcores,
		NULL,
	};
	/* clang-format on */

	if (nr_users > 0) {
		nr_users++;
		return 0;
	}
	snprintf(prefix, sizeof(prefix), "zcomp-perf-%d", (int)getpid());
	snprintf(lcores, sizeof(lcores), "0@%d", place->client_cpu);
	/* What is pinned to one CPU when EAL starts has no other for the drivers' threads. */
	if (sched_setaffinity(0, sizeof(place->cpus), &place->cpus) < 0)
		return -errno;
	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0) {
		zc_err("the EAL does not start: %s", rte_strerror(rte_errno));
		return rte_errno != 0 ? -rte_errno : -EIO;
	}
	nr_users = 1;
	return 0;
}

void
perf_eal_stop(void)
{
	char dir[4096];

	if (--nr_users > 0)
		return;
	snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	rmdir(dir);
}
