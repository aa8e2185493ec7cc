/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * DPDK telemetry. The callbacks run in the EAL's telemetry thread, and DPDK gives them no argument:
 * hence the one global. They see disks under the registry's lock, and counters by relaxed loads.
 */

#include "telemetry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_telemetry.h>
#include <rte_version.h>

#include "stats.h"

#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
#define rte_tel_data_add_dict_uint rte_tel_data_add_dict_u64
#endif

static struct zd *telemetry_zd;
static pthread_mutex_t telemetry_lock = PTHREAD_MUTEX_INITIALIZER;

static void
add_number(void *ctx, const char *name, uint64_t value)
{
	rte_tel_data_add_dict_uint((struct rte_tel_data *)ctx, name, value);
}

/* A dictionary below @p d. */
static struct rte_tel_data *
add_dict(struct rte_tel_data *d, const char *name)
{
	struct rte_tel_data *sub = rte_tel_data_alloc();

	if (sub == NULL)
		return NULL;
	rte_tel_data_start_dict(sub);
	if (rte_tel_data_add_dict_container(d, name, sub, 0) == 0)
		return sub;
	rte_tel_data_free(sub);
	return NULL;
}

static int
tell_info(struct zd *zd, const char *params, struct rte_tel_data *d)
{
	(void)params;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "version", ZCOMPD_VERSION);
	rte_tel_data_add_dict_string(d, "socket", zd->socket_path);
	add_number(d, "pid", (uint64_t)getpid());
	add_number(d, "workers", zd->nr_workers);
	add_number(d, "devices", zd->compressors.nr_devices);
	return 0;
}

static int
tell_disks(struct zd *zd, const char *params, struct rte_tel_data *d)
{
	struct zd_disk *disk;

	(void)params;
	rte_tel_data_start_array(d, RTE_TEL_STRING_VAL);
	pthread_mutex_lock(&zd->disks.lock);
	LIST_FOREACH (disk, &zd->disks.all, link)
		rte_tel_data_add_array_string(d, zstore_super(disk->store)->name);
	pthread_mutex_unlock(&zd->disks.lock);
	return 0;
}

static int
tell_disk(struct zd *zd, const char *params, struct rte_tel_data *d)
{
	char policy[ZCOMP_POLICY_LEN];
	struct zd_disk *disk;

	if (params == NULL || params[0] == '\0')
		return -EINVAL;
	pthread_mutex_lock(&zd->disks.lock);
	disk = zd_disk_find(&zd->disks, params);
	if (disk != NULL) {
		rte_tel_data_start_dict(d);
		rte_tel_data_add_dict_string(d, "algorithm", zstore_super(disk->store)->algorithm);
		zd_disk_policy_text(disk, policy);
		rte_tel_data_add_dict_string(d, "policy", policy);
		zd_stats_disk(disk, add_number, d);
	}
	pthread_mutex_unlock(&zd->disks.lock);
	return disk != NULL ? 0 : -ENOENT;
}

static int
tell_streams(struct zd *zd, const char *params, struct rte_tel_data *d)
{
	const struct zd_compressors *c = &zd->compressors;

	(void)params;
	rte_tel_data_start_dict(d);
	for (unsigned int i = 0; i < zd_compressors_nr(c); i++) {
		const struct zd_compressor *e = &c->entries[i];
		struct rte_tel_data *sub;
		char name[64];

		snprintf(name, sizeof(name), "%s_%s_%d_%u", zcomp_name(e->comp), e->codec->name,
		         (int)e->level, e->page_size);
		sub = add_dict(d, name);
		if (sub != NULL)
			zd_stats_streams(c, i, add_number, sub);
	}
	return 0;
}

static int
tell_devices(struct zd *zd, const char *params, struct rte_tel_data *d)
{
	const struct zd_compressors *c = &zd->compressors;

	(void)params;
	rte_tel_data_start_dict(d);
	for (unsigned int i = 0; i < c->nr_devices; i++) {
		struct rte_tel_data *sub = add_dict(d, c->device_names[i]);

		if (sub != NULL)
			zd_stats_device(c, i, add_number, sub);
	}
	return 0;
}

static int
tell_workers(struct zd *zd, const char *params, struct rte_tel_data *d)
{
	(void)params;
	rte_tel_data_start_dict(d);
	for (unsigned int i = 0; i < zd->nr_workers; i++) {
		struct rte_tel_data *sub;
		char name[32];

		snprintf(name, sizeof(name), "worker_%u", i);
		sub = add_dict(d, name);
		if (sub != NULL)
			zd_stats_worker(zd->workers[i], add_number, sub);
	}
	return 0;
}

static const struct {
	const char *cmd;
	const char *help;
	int (*fn)(struct zd *zd, const char *params, struct rte_tel_data *d);
} commands[] = {
        {"/zcompd/info", "The service: version, socket, workers. No parameters", tell_info},
        {"/zcompd/disks", "Names of the disks. No parameters", tell_disks},
        {"/zcompd/disk", "Numbers of a disk. Parameter: its name", tell_disk},
        {"/zcompd/streams", "Managed and per-lcore streams by compressor. No parameters",
         tell_streams},
        {"/zcompd/devices",
         "Numbers of the devices: pages, faults, mean ages by pages in flight. No parameters",
         tell_devices},
        {"/zcompd/workers", "Numbers of the workers. No parameters", tell_workers},
};

static int
on_command(const char *cmd, const char *params, struct rte_tel_data *d)
{
	int ret = -ENOENT;

	pthread_mutex_lock(&telemetry_lock);
	for (size_t i = 0; telemetry_zd != NULL && i < sizeof(commands) / sizeof(commands[0]);
	     i++) {
		if (strcmp(cmd, commands[i].cmd) == 0)
			ret = commands[i].fn(telemetry_zd, params, d);
	}
	pthread_mutex_unlock(&telemetry_lock);
	return ret;
}

int
zd_telemetry_start(struct zd *zd)
{
	int ret = 0;

	pthread_mutex_lock(&telemetry_lock);
	telemetry_zd = zd;
	pthread_mutex_unlock(&telemetry_lock);
	for (size_t i = 0; ret == 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
		ret = rte_telemetry_register_cmd(commands[i].cmd, on_command, commands[i].help);
	return ret;
}

void
zd_telemetry_stop(void)
{
	pthread_mutex_lock(&telemetry_lock);
	telemetry_zd = NULL;
	pthread_mutex_unlock(&telemetry_lock);
}
