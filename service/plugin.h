/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_PLUGIN_H
#define ZD_PLUGIN_H

/**
 * @file
 * Shared objects that the service loads: checked before any of their code runs. Main lcore.
 */

struct zd_plugin {
	void *handle; /**< for dlsym(3) */
	int fd;       /**< the file */
};

/**
 * Checks a file and loads it, by dlopen(3), with what it depends on.
 *
 * The file is a regular one, and it and its folder belong to root or to our effective user and are
 * writable by the owner alone. A symbolic link is followed; then both folders have to be so. What
 * was checked is what is loaded, whatever happens to the path meanwhile; so folders further up do
 * not matter.
 *
 * @return 0; -ENOENT, the only error without an error line: there is no such file; -EPERM (not safe
 *         to load), -ENOEXEC (not a regular file, or one that dlopen(3) does not load), or what
 *         open(2) or stat(2) says
 */
int zd_plugin_open(const char *path, struct zd_plugin *out);

/** Unloads it. Nothing points to it any more. */
void zd_plugin_close(struct zd_plugin *plugin);

#endif
