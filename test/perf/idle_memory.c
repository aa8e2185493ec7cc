/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Resident memory of the service, mapping by mapping, as the kernel counts it. */

#include "idle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What depends on how much is stored, and by how many. An arena is made without a name. */
static bool
is_data(const struct service_disk *on, const char *mapping)
{
	return strstr(mapping, "/memfd:zcompd-queue") != NULL ||
	       (on->proc.dir[0] != '\0' && strstr(mapping, on->proc.dir) != NULL) ||
	       strstr(mapping, ".slots") != NULL || strstr(mapping, ".objs") != NULL;
}

static int
read_smaps(const struct service_disk *on, pid_t pid, double *mib, double *data_mib)
{
	char path[64], line[512];
	bool data = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return -errno;
	*mib = *data_mib = 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		unsigned long long from, to, kib;

		if (sscanf(line, "%llx-%llx ", &from, &to) == 2)
			data = is_data(on, line);
		else if (sscanf(line, "Rss: %llu kB", &kib) == 1)
			*(data ? data_mib : mib) += (double)kib / 1024;
	}
	fclose(file);
	return 0;
}

int
idle_memory(const struct service_disk *on, struct goal_list *goals, json_t *rows)
{
	static const struct goal_def def = {"idle_memory",
	                                    "resident memory of zcompd without arenas and queues",
	                                    "MiB", 32, true};
	pid_t pid = service_disk_pid(on);
	double mib, data_mib;
	int ret = pid > 0 ? read_smaps(on, pid, &mib, &data_mib) : (int)pid;

	if (ret != 0) {
		goal_skip(goals, &def, "the service's mappings: %s", strerror(-ret));
		return 0;
	}
	goal_add(goals, &def, mib, "arenas and queues: %.1f MiB", data_mib);
	idle_row(rows, "resident memory of zcompd", mib, "MiB");
	idle_row(rows, "resident memory of arenas and queues", data_mib, "MiB");
	return 0;
}
