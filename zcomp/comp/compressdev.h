/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZCOMP_COMPRESSDEV_H
#define ZCOMP_COMPRESSDEV_H

#include "comp/zcomp.h"

/**
 * @file
 * The backend over DPDK compressdev: a managed stream is one slot of a queue pair. The only DPDK
 * user below the service, and the only part of zcomp/ that needs it. The caller has started EAL.
 *
 * A device is opened once, with a queue pair for each lcore, and shared by all compressors (say, of
 * different levels) that use it. The level of an xform is the codec's level; for LZ4, of which
 * compressdev knows no levels, that is the acceleration. Deflate has the largest window of the
 * device, and Huffman codes of the page's own where the device makes them.
 *
 * A device that cannot serve a compressor leaves it without managed streams: one that does not
 * compress the codec's format, that refuses the level, or pages of more than 16 KiB, whose two
 * pages of room a descriptor cannot name.
 *
 * Memory is EAL's, with IO addresses, so that hardware can use it: three pages and half a KiB for
 * each stream, hence 3.2 MiB for each lcore and compressor of 4 KiB pages and the default depth.
 * It is not touched before it is used. A compressor has no more streams for an lcore than the
 * device's queue pair takes, but for one spare.
 */

extern const struct zcomp_ops zcomp_backend_compressdev;

/**
 * Opens a compressdev that EAL knows by @p name: configures, sets up a queue pair for each of
 * @p nr_lcores, and starts it. A driver that refuses so deep queue pairs is asked for half as deep
 * ones, and so on. Main lcore.
 * EAL before 25.11 crashes at a look-up by name when a device was removed before the last one:
 * remove them in reverse order.
 * @param depth operations in flight for each queue pair, 1 to ZCOMP_DEPTH_MAX; 0 =
 *        ZCOMP_DEPTH_DEFAULT. Rounded up to a power of two from 2 on, which some drivers need;
 *        some then take one less.
 * @param nodes the NUMA node of each lcore, on which its queue pair and its streams are to lie;
 *        negative = the device's, NULL = the device's for all. Where a node has no memory, another
 *        one's will do
 * @param out the device, the caller's to close
 * @return 0, -ENODEV (no such device), -ENOTSUP (too few queue pairs), -EINVAL (depth, no lcore),
 *         -EBUSY (it is started already), -ENOMEM, -EIO (the driver refused; it has said why)
 */
int zcomp_cdev_open(const char *name, unsigned int nr_lcores, uint32_t depth, const int *nodes,
                    struct zcomp_cdev **out);

/** Stops the device: it no longer touches the streams that it has. Main lcore; no lcore polls. */
void zcomp_cdev_stop(struct zcomp_cdev *dev);

/**
 * Stops and closes the device, which EAL then still knows; its compressors are destroyed by now.
 * Main lcore. Accepts NULL.
 */
void zcomp_cdev_close(struct zcomp_cdev *dev);

/** @return operations in flight that each of its queue pairs takes. Any thread. */
uint32_t zcomp_cdev_depth(const struct zcomp_cdev *dev);

/** @return the watch of an lcore, for its counters. Any thread. */
const struct zcomp_watch *zcomp_cdev_watch(const struct zcomp_cdev *dev, unsigned int lcore);

/** @return whether the device compresses into the format of @p codec. Any thread. */
bool zcomp_cdev_supports(const struct zcomp_cdev *dev, const struct zcodec *codec);

#endif
