/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* From our options to the EAL's arguments. Main lcore, once. */

#include "eal.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "base/log.h"

#define EAL_ARGS_MAX 64
/* For the streams: 256 of three pages for each worker, device and compressor are 3 MiB with 4 KiB
 * pages. Only address space until it is used. */
#define EAL_MEMORY_MB           128
#define EAL_MEMORY_MB_PER_QUEUE 64

/* Writes a set of CPUs as "0,2-5" does. */
static void
format_cpus(const cpu_set_t *set, char *out, size_t len)
{
	size_t used = 0;

	out[0] = '\0';
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		int first = cpu;

		if (!CPU_ISSET(cpu, set))
			continue;
		while (cpu + 1 < CPU_SETSIZE && CPU_ISSET(cpu + 1, set))
			cpu++;
		used += (size_t)snprintf(out + used, len - used, first == cpu ? "%s%d" : "%s%d-%d",
		                         used > 0 ? "," : "", first, cpu);
		if (used >= len)
			return;
	}
}

static int
choose_cpus(struct zd_options *opts, const cpu_set_t *allowed)
{
	char text[256];

	if (opts->nr_cpus == 0) {
		int last = 0;

		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (CPU_ISSET(cpu, allowed))
				last = cpu;
		}
		opts->cpus[opts->nr_cpus++] = (unsigned int)last;
	}
	format_cpus(allowed, text, sizeof(text));
	for (unsigned int i = 0; i < opts->nr_cpus; i++) {
		if (opts->cpus[i] < CPU_SETSIZE && CPU_ISSET(opts->cpus[i], allowed))
			continue;
		zc_err("--workers: CPU %u is not among those that this process may use: %s",
		       opts->cpus[i], text);
		return -EINVAL;
	}
	return 0;
}

/* lcore 0 floats over all CPUs, for it sleeps; lcore i + 1 is worker i. */
static int
format_lcores(const struct zd_options *opts, const cpu_set_t *allowed, char *out, size_t len)
{
	char all[512];
	size_t used;

	format_cpus(allowed, all, sizeof(all));
	used = (size_t)snprintf(out, len, "0@(%s)", all);
	for (unsigned int i = 0; i < opts->nr_cpus && used < len; i++)
		used += (size_t)snprintf(out + used, len - used, ",%u@%u", i + 1, opts->cpus[i]);
	return used < len ? 0 : -E2BIG;
}

static char runtime_dir[PATH_MAX];

/* The EAL leaves its directory. This fails where another instance still has something in it. */
static void
remove_runtime_dir(void)
{
	rmdir(runtime_dir);
}

int
zd_eal_init(struct zd_options *opts)
{
	static char lcores[2048], memory[16];
	/* clang-format off */
	char *argv[EAL_ARGS_MAX] = {
		"zcompd", "--no-shconf",
		"-m", memory,
		"--file-prefix", "zcompd",
		"--log-level", "lib.eal:warning",
		"--log-level", "lib.telemetry:error",
		"--lcores", lcores,
	};
	/* clang-format on */
	cpu_set_t allowed;
	int argc = 0, ret;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return -errno;
	ret = choose_cpus(opts, &allowed);
	if (ret != 0)
		return ret;
	ret = format_lcores(opts, &allowed, lcores, sizeof(lcores));
	while (argv[argc] != NULL)
		argc++;
	if (!opts->hugepages)
		argv[argc++] = "--no-huge";
	if (!opts->pci)
		argv[argc++] = "--no-pci";
	if (ret != 0 || argc + opts->eal_argc >= EAL_ARGS_MAX) {
		zc_err("too many workers or EAL arguments");
		return -E2BIG;
	}
	snprintf(memory, sizeof(memory), "%u",
	         EAL_MEMORY_MB + EAL_MEMORY_MB_PER_QUEUE * opts->nr_cpus *
	                                 (opts->nr_devices > 0 ? opts->nr_devices : 1));
	for (int i = 0; i < opts->eal_argc; i++)
		argv[argc++] = opts->eal_argv[i];
	/* Before the EAL registers its own: handlers run backwards, and its socket goes first. */
	atexit(remove_runtime_dir);
	if (rte_eal_init(argc, argv) < 0) {
		zc_err("the EAL does not start: %s", rte_strerror(rte_errno));
		return rte_errno != 0 ? -rte_errno : -EIO;
	}
	snprintf(runtime_dir, sizeof(runtime_dir), "%s", rte_eal_get_runtime_dir());
	return 0;
}
