/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* zram devices by their sysfs folder. Main thread only. */

#include "zram_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/log.h"
#include "codec/codec.h"

/* A line of a file in the device's folder. */
static int
read_line(const struct zram_dev *dev, const char *name, char *out, size_t len)
{
	int fd = openat(dev->sysfs, name, O_RDONLY | O_CLOEXEC), ret;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, out, len - 1);
	ret = n < 0 ? -errno : 0;
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return ret;
}

static int
open_sysfs(struct zram_dev *dev, const char *path)
{
	char link[64], folder[PATH_MAX];
	struct stat st;

	if (stat(path, &st) < 0) {
		zc_err("target zram: %s: %s", path, strerror(errno));
		return -errno;
	}
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	if (!S_ISBLK(st.st_mode) || realpath(link, folder) == NULL ||
	    strncmp(strrchr(folder, '/'), "/zram", 5) != 0) {
		zc_err("target zram: %s is no zram device", path);
		return -ENOTBLK;
	}
	dev->sysfs = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dev->sysfs < 0 ? -errno : 0;
}

/* "lzo-rle [lz4] zstd": the one in brackets. */
static int
check_algorithm(const struct zram_dev *dev, const struct perf_opts *opts)
{
	char line[256], *name = NULL, *rest;
	int ret = read_line(dev, "comp_algorithm", line, sizeof(line));

	if (ret == 0 && (name = strchr(line, '[')) != NULL) {
		name++;
		strtok_r(name, "]", &rest);
	}
	if (name != NULL && strcmp(name, opts->codec->name) == 0)
		return 0;
	zc_err("target zram: %s compresses with %s, the others with %s (--algo)", opts->zram,
	       name != NULL ? name : "what nobody knows", opts->codec->name);
	return -EINVAL;
}

static int
check_set_up(const struct zram_dev *dev, const struct perf_opts *opts, uint64_t len)
{
	const char *name = strrchr(opts->zram, '/') + 1;
	char line[16];

	if (read_line(dev, "initstate", line, sizeof(line)) == 0 && strcmp(line, "1") == 0)
		return 0;
	zc_err("target zram: %s is not set up: echo %s >/sys/block/%s/comp_algorithm; "
	       "echo %" PRIu64 " >/sys/block/%s/disksize",
	       opts->zram, opts->codec->name, name, len, name);
	return -ENXIO;
}

static int
check_data(const struct zram_dev *dev, const struct perf_opts *opts)
{
	struct zram_dev_stat stat;
	int ret = zram_dev_stat(dev, &stat);

	if (ret != 0 || stat.orig_bytes == 0)
		return ret;
	zc_err("target zram: %s holds %" PRIu64 " bytes, which would be lost; if nobody needs "
	       "them: blkdiscard %s, or echo 1 >/sys/block/%s/reset",
	       opts->zram, stat.orig_bytes, opts->zram, strrchr(opts->zram, '/') + 1);
	return -ENOTEMPTY;
}

static int
open_disk(struct zram_dev *dev, const struct perf_opts *opts, uint64_t len)
{
	dev->fd = open(opts->zram, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC);
	if (dev->fd < 0) {
		int err = errno;

		if (err == EBUSY)
			zc_err("target zram: %s is in use: mounted, swap, or held by another "
			       "device or program",
			       opts->zram);
		else
			zc_err("target zram: %s: %s", opts->zram, strerror(err));
		return -err;
	}
	if (ioctl(dev->fd, BLKGETSIZE64, &dev->size) < 0)
		return -errno;
	if (dev->size >= len)
		return 0;
	zc_err("target zram: %s has %" PRIu64 " bytes, the corpus %" PRIu64
	       "; --extended-input-sz cuts it",
	       opts->zram, dev->size, len);
	return -ENOSPC;
}

int
zram_dev_open(struct zram_dev *dev, const struct perf_opts *opts, uint64_t len)
{
	int ret;

	*dev = (struct zram_dev){.fd = -1, .sysfs = -1};
	ret = open_sysfs(dev, opts->zram);
	if (ret == 0)
		ret = check_set_up(dev, opts, len);
	if (ret == 0)
		ret = check_algorithm(dev, opts);
	if (ret == 0)
		ret = open_disk(dev, opts, len);
	if (ret == 0)
		ret = check_data(dev, opts);
	if (ret != 0)
		zram_dev_close(dev, 0);
	return ret;
}

void
zram_dev_close(struct zram_dev *dev, uint64_t len)
{
	uint64_t range[2] = {0, len};

	if (dev->fd >= 0 && len > 0 && ioctl(dev->fd, BLKDISCARD, range) < 0)
		zc_warn("target zram: what was written stays there: %s", strerror(errno));
	if (dev->fd >= 0)
		close(dev->fd);
	if (dev->sysfs >= 0)
		close(dev->sysfs);
	dev->fd = dev->sysfs = -1;
}

int
zram_dev_stat(const struct zram_dev *dev, struct zram_dev_stat *stat)
{
	char line[256];
	int ret = read_line(dev, "mm_stat", line, sizeof(line));

	if (ret == 0 &&
	    sscanf(line, "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64, &stat->orig_bytes,
	           &stat->compr_bytes, &stat->mem_used, &stat->mem_limit, &stat->mem_used_max) != 5)
		ret = -EPROTO;
	if (ret != 0)
		zc_err("target zram: mm_stat: %s", strerror(-ret));
	return ret;
}
