/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_COMPRESSORS_H
#define ZD_COMPRESSORS_H

#include <stdint.h>

#include "base/atomic.h"
#include "comp/zcomp.h"

/**
 * @file
 * The service's compressors: one for each codec, level and page size that a disk asked for,
 * shared by all disks that ask the same. Made by the main lcore, never removed before the end;
 * workers read them.
 */

#define ZD_COMPRESSORS_MAX 16u
#define ZD_DEVICES_MAX     8u
#define ZD_BACKENDS_MAX    8u

struct zd_compressor {
	struct zcomp *comp;
	const struct zcodec *codec;
	int32_t level;
	uint32_t page_size;
};

/** A backend from a shared object, and the codec that it is for. */
struct zd_compressors_backend {
	const struct zcomp_ops *ops;
	const struct zcodec *codec;
};

struct zd_compressors {
	struct zd_compressor entries[ZD_COMPRESSORS_MAX];
	unsigned int nr; /**< entries that workers may use */
	unsigned int nr_lcores;
	const int *
	        nodes; /**< NUMA nodes of the lcores, as zcomp_cdev_open() has them; the caller's */
	struct zcomp_cdev *devices[ZD_DEVICES_MAX];
	const char *device_names[ZD_DEVICES_MAX];
	unsigned int nr_devices;
	uint64_t hang_ns;       /**< of devices and backends that are added; 0 = ZCOMP_HANG_NS */
	const char *driver_dir; /**< where drivers are that the EAL does not know; the caller's */
	struct zd_compressors_backend backends[ZD_BACKENDS_MAX];
	unsigned int nr_backends;
};

/** @return how many entries there are. Any thread. */
static inline unsigned int
zd_compressors_nr(const struct zd_compressors *c)
{
	/* Pairs with zd_compressors_get(): the entries are filled. */
	return zc_load_acquire(&c->nr);
}

/**
 * Makes the device and opens it for all lcores.
 * @param spec NAME[,args] as `--device` takes it: a vdev of that name is made with the arguments,
 *             its driver loaded from driver_dir if the EAL has none; a device that the EAL has
 *             found itself is taken as it is
 * @return 0, or a negative errno after an error line that says why; -EINVAL only where the
 *         arguments are refused, by the driver or because they are for measuring, where
 *         zd_driver_load() refuses the driver, or where a device of that name was added before
 */
int zd_compressors_add_device(struct zd_compressors *c, const char *spec, uint32_t depth);

/**
 * The backend manages streams of that codec's compressors, by turns with others that were added for
 * it; devices do not then. Main lcore, before the first compressor; at most ZD_BACKENDS_MAX times.
 * @param ops stays the caller's, until zd_compressors_fini()
 */
void zd_compressors_add_backend(struct zd_compressors *c, const struct zcomp_ops *ops,
                                const struct zcodec *codec);

/**
 * Finds or makes the compressor of a codec and level. Main lcore.
 * @return its index, -ENOSPC (ZD_COMPRESSORS_MAX are there), -ENOMEM, -EINVAL
 */
int zd_compressors_get(struct zd_compressors *c, const struct zcodec *codec, int32_t level,
                       uint32_t page_size);

/** Destroys compressors and devices. The workers have returned. */
void zd_compressors_fini(struct zd_compressors *c);

#endif
