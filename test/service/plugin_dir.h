/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_PLUGIN_DIR_H
#define TEST_PLUGIN_DIR_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_util.h"

/**
 * @file
 * A folder for plug-ins that is the test's own, whatever the mode of the build folder is, and of
 * which a test may change what it likes. Where they were built says the environment: TEST_PLUGINS
 * for those of the tests, TEST_DRIVERS for the real drivers.
 */

struct plugin_dir {
	char path[128];
};

static inline int
plugin_dir_remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/** Not on /dev/shm, from which some hosts execute nothing. */
static inline void
plugin_dir_init(struct plugin_dir *dir)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir->path, sizeof(dir->path), "%s/zcompd-plugins-XXXXXX",
	         tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir->path));
}

static inline void
plugin_dir_fini(struct plugin_dir *dir)
{
	assert_int_equal(nftw(dir->path, plugin_dir_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/** @return PATH/@p file, until the next call */
static inline const char *
plugin_path(const struct plugin_dir *dir, const char *file)
{
	static char path[256];

	assert_true(snprintf(path, sizeof(path), "%s/%s", dir->path, file) < (int)sizeof(path));
	return path;
}

/** Writes a file that only its owner can write to. */
static inline void
plugin_write(const struct plugin_dir *dir, const char *file, const void *bytes, size_t len)
{
	int fd = open(plugin_path(dir, file), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
}

/** Copies a plug-in from where it was built. @param built the variable that says where */
static inline void
plugin_copy(const struct plugin_dir *dir, const char *built, const char *file)
{
	char from[1024];
	struct stat st;
	void *bytes;
	int fd;

	assert_non_null(getenv(built));
	snprintf(from, sizeof(from), "%s/%s", getenv(built), file);
	fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s is not there", from);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	plugin_write(dir, file, bytes, (size_t)st.st_size);
	free(bytes);
}

#endif
