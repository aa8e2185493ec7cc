/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Drivers from shared objects. The EAL's own -d refuses each one that lies below a folder which
 * everybody may write to, such as a user's build below /tmp, and lets a --vdev fail in silence.
 * Main lcore.
 */

#include "driver.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "plugin.h"

/* An object that was linked with another DPDK has brought it along. Ours is the first one behind
 * the program, whose own idea of the address may be that of a stub. */
static bool
is_of_our_dpdk(const struct zd_plugin *plugin)
{
	const void *theirs = dlsym(plugin->handle, "rte_eal_init");

	return theirs != NULL && theirs == dlsym(RTLD_NEXT, "rte_eal_init");
}

static int
load(const char *dir, const char *name, int name_len)
{
	struct zd_plugin plugin;
	char path[PATH_MAX];
	int ret;

	if (snprintf(path, sizeof(path), "%s/librte_%.*s.so", dir, name_len, name) >=
	    (int)sizeof(path))
		return -ENOENT;
	ret = zd_plugin_open(path, &plugin);
	if (ret != 0)
		return ret;
	if (!is_of_our_dpdk(&plugin)) {
		zc_err("%s is not used: it is built for another DPDK than this zcompd", path);
		zd_plugin_close(&plugin);
		return -ENOTSUP;
	}
	/* For ever: its constructor has given the bus a pointer to the driver, and what the EAL
	 * still does at its end goes through it. The descriptor keeps its name from others. */
	zc_info("driver %.*s: from %s", name_len, name, path);
	return 0;
}

int
zd_driver_load(const char *dir, const char *device)
{
	size_t len = strlen(device), base = len;
	int ret;

	/* A name, not a way out of the folder. */
	if (strchr(device, '/') != NULL)
		return -ENOENT;
	/* As it is first: the number may be part of it, as in compress_lz4. */
	ret = load(dir, device, (int)len);
	while (base > 0 && device[base - 1] >= '0' && device[base - 1] <= '9')
		base--;
	if (ret != -ENOENT || base == len)
		return ret;
	if (base > 0 && device[base - 1] == '_')
		base--;
	return load(dir, device, (int)base);
}
