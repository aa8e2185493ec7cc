/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_OPTIONS_H
#define ZD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "comp/zcomp.h"
#include "compressors.h"
#include "disk.h"

#define ZD_WORKERS_MAX 64u
#define ZD_DISKS_MAX   64u

/** What the command line and the configuration file say. */
struct zd_options {
	const char *socket;    /**< NULL = the default socket */
	const char *state_dir; /**< NULL = the default directory */
	unsigned int socket_mode;
	unsigned int
	        cpus[ZD_WORKERS_MAX]; /**< of the workers; none = one worker, on the last CPU */
	unsigned int nr_cpus;
	const char *devices[ZD_DEVICES_MAX];
	unsigned int nr_devices;
	const char *backends[ZD_BACKENDS_MAX]; /**< names, or paths with a '/' */
	unsigned int nr_backends;
	const char *driver_dir;  /**< where drivers are looked for */
	const char *backend_dir; /**< and where backends are */
	struct zd_disk_opts disks[ZD_DISKS_MAX];
	unsigned int nr_disks;
	struct zcomp_policy policy; /**< of disks that have none of their own */
	uint64_t hang_ms;           /**< after which a device's page is overdue at least */
	bool anyone_creates;        /**< disks; else only root and our own user */
	bool hugepages;
	bool pci;
	char **eal_argv; /**< what follows `--` */
	int eal_argc;
	struct json_t *configs; /**< the configuration files: options point into them */
};

/**
 * Reads the command line. --help and --version print and exit 0; a wrong command line says what is
 * wrong and exits 2.
 */
void zd_options_parse(struct zd_options *opts, int argc, char **argv);

/** Frees what the configuration files said. */
void zd_options_fini(struct zd_options *opts);

#endif
