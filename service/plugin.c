/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Opening shared objects. Main lcore.
 *
 * A plug-in stays open as long as it is loaded: it is loaded by the name that its descriptor has in
 * /proc, so that nobody can put another file between check and load, and the dynamic linker takes
 * two objects of the same name for one.
 */

#include "plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define FD_PATH_LEN 32

/* Who can write to what we load can do whatever we can. @what names the file or its folder. */
static int
check_writers(const char *path, const char *what, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		zc_err("%s is not loaded: %s belongs to user %u, it must be root's or user %u's, "
		       "who runs this",
		       path, what, st->st_uid, geteuid());
		return -EPERM;
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		zc_err("%s is not loaded: %s has mode %04o, it must be writable by its owner alone",
		       path, what, st->st_mode & 07777u);
		return -EPERM;
	}
	return 0;
}

/* @file is cut off behind the folder. */
static int
check_folder_of(const char *path, char *file)
{
	char *slash = strrchr(file, '/');
	const char *folder = file;
	struct stat st;
	int ret;

	if (slash == NULL)
		folder = ".";
	else if (slash == file)
		folder = "/";
	else
		*slash = '\0';
	if (stat(folder, &st) < 0) {
		ret = -errno;
		zc_err("%s is not loaded: %s: %s", path, folder, strerror(-ret));
		return ret;
	}
	return check_writers(path, folder, &st);
}

/* The folder that the path names, and the one in which a symbolic link has led. */
static int
check_folders(const char *path, const char *fd_path)
{
	char file[PATH_MAX];
	ssize_t n;
	int ret;

	/* open() has taken it, so it fits. */
	snprintf(file, sizeof(file), "%s", path);
	ret = check_folder_of(path, file);
	if (ret != 0)
		return ret;
	n = readlink(fd_path, file, sizeof(file) - 1);
	if (n < 0) {
		ret = -errno;
		zc_err("%s is not loaded: %s: %s", path, fd_path, strerror(-ret));
		return ret;
	}
	file[n] = '\0';
	return check_folder_of(path, file);
}

static int
check(const char *path, int fd, const char *fd_path)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st) < 0) {
		ret = -errno;
		zc_err("%s is not loaded: %s", path, strerror(-ret));
		return ret;
	}
	if (!S_ISREG(st.st_mode)) {
		zc_err("%s is not loaded: it must be a regular file, a shared object", path);
		return -ENOEXEC;
	}
	ret = check_writers(path, "it", &st);
	return ret == 0 ? check_folders(path, fd_path) : ret;
}

static int
load(const char *path, const char *fd_path, void **handle)
{
	const char *why;
	size_t len = strlen(fd_path);

	*handle = dlopen(fd_path, RTLD_NOW | RTLD_LOCAL);
	if (*handle != NULL)
		return 0;
	/* It begins with a name that says nothing to anybody, if the file itself is meant. */
	why = dlerror();
	if (strncmp(why, fd_path, len) == 0 && strncmp(why + len, ": ", 2) == 0)
		why += len + 2;
	zc_err("%s is not loaded: %s", path, why);
	return -ENOEXEC;
}

int
zd_plugin_open(const char *path, struct zd_plugin *out)
{
	/* A FIFO is not waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;
	char fd_path[FD_PATH_LEN];

	if (fd < 0) {
		ret = -errno;
		if (ret != -ENOENT)
			zc_err("%s is not loaded: %s", path, strerror(-ret));
		return ret;
	}
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
	ret = check(path, fd, fd_path);
	if (ret == 0)
		ret = load(path, fd_path, &out->handle);
	if (ret != 0) {
		close(fd);
		return ret;
	}
	out->fd = fd;
	return 0;
}

void
zd_plugin_close(struct zd_plugin *plugin)
{
	dlclose(plugin->handle);
	close(plugin->fd);
}
