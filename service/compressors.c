/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The service's devices and compressors. Main lcore, but for zd_compressors_nr(). */

#include "compressors.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_compressdev.h>
#include <rte_log.h>

#include "base/log.h"
#include "comp/compressdev.h"
#include "driver.h"

/* rte_vdev_init() says so when no driver goes by the name. */
#define NO_DRIVER (-1)

/* Makes a vdev, unless the EAL has a device of that name already. */
static int
probe(const struct zd_compressors *c, const char *name, const char *args)
{
	int ret;

	if (rte_compressdev_get_dev_id(name) >= 0)
		return 0;
	/* No driver can tell that it is for a disk. */
	if (strstr(args, "codec=null") != NULL) {
		zc_err("device '%s', '%s': codec=null is for measuring, its results are no pages",
		       name, args);
		return -EINVAL;
	}
	ret = rte_vdev_init(name, args);
	if (ret == NO_DRIVER) {
		int loaded = zd_driver_load(c->driver_dir, name);

		if (loaded != 0 && loaded != -ENOENT) {
			zc_err("device '%s': its driver is refused", name);
			return -EINVAL;
		}
		if (loaded == 0)
			ret = rte_vdev_init(name, args);
	}
	if (ret == 0)
		return 0;
	if (ret == -EINVAL)
		zc_err("device '%s': its driver refuses the arguments '%s'", name, args);
	else if (ret < NO_DRIVER)
		zc_err("device '%s': its driver has failed: %s", name, strerror(-ret));
	else
		zc_err("device '%s': no driver of that name in this DPDK or in %s; built in: "
		       "compress_lz4",
		       name, c->driver_dir);
	return ret < NO_DRIVER ? ret : -ENODEV;
}

static int
open_device(struct zd_compressors *c, const char *name, uint32_t depth)
{
	int ret = zcomp_cdev_open(name, c->nr_lcores, depth, c->nodes, &c->devices[c->nr_devices]);

	if (ret == 0)
		return 0;
	zc_err("device '%s' cannot be opened with %u queue pairs of %u: %s", name, c->nr_lcores,
	       depth, strerror(-ret));
	rte_vdev_uninit(name);
	/* That is no argument of the command line. */
	return ret == -EINVAL ? -EIO : ret;
}

static bool
has_device(const struct zd_compressors *c, const char *name)
{
	for (unsigned int i = 0; i < c->nr_devices; i++) {
		if (strcmp(c->device_names[i], name) == 0)
			return true;
	}
	return false;
}

int
zd_compressors_add_device(struct zd_compressors *c, const char *spec, uint32_t depth)
{
	char *name = strdup(spec);
	char *args;
	int ret;

	if (name == NULL)
		return -ENOMEM;
	if (c->nr_devices == ZD_DEVICES_MAX) {
		zc_err("device '%s': more than %u devices", spec, ZD_DEVICES_MAX);
		free(name);
		return -E2BIG;
	}
	args = strchr(name, ',');
	if (args != NULL)
		*args++ = '\0';
	if (has_device(c, name)) {
		zc_err("device '%s' is there twice; instances of a driver differ by a number, as "
		       "in compress_lz4_1",
		       name);
		free(name);
		return -EINVAL;
	}
	/* Who is refused hears why from the driver. Later it is silent: it may log each page that
	 * does not compress, which nobody wants in a service. */
	rte_log_set_level_pattern("pmd.compress.*", RTE_LOG_ERR);
	ret = probe(c, name, args != NULL ? args : "");
	if (ret == 0)
		ret = open_device(c, name, depth);
	rte_log_set_level_pattern("pmd.compress.*", RTE_LOG_CRIT);
	if (ret != 0) {
		free(name);
		return ret;
	}
	c->device_names[c->nr_devices++] = name;
	return 0;
}

/* All devices that have the codec serve the compressor, by turns. */
static int
add_devices(const struct zd_compressors *c, struct zcomp *comp, const struct zcodec *codec)
{
	int ret = 0;

	for (unsigned int i = 0; i < c->nr_devices && ret == 0; i++) {
		if (!zcomp_cdev_supports(c->devices[i], codec))
			continue;
		ret = zcomp_add(comp, &zcomp_backend_compressdev, c->devices[i]);
		if (ret == -ENOMEM) {
			zc_warn("device '%s': no memory for more streams of %s: software "
			        "compresses what they would have",
			        c->device_names[i], codec->name);
			ret = 0;
		}
	}
	return ret;
}

/* The backends that were loaded for the codec, by turns; only where there are none, devices. */
static int
add_managers(const struct zd_compressors *c, struct zcomp *comp, const struct zcodec *codec)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < c->nr_backends; i++) {
		int ret;

		if (c->backends[i].codec != codec)
			continue;
		ret = zcomp_add(comp, c->backends[i].ops, NULL);
		if (ret != 0)
			return ret;
		nr++;
	}
	return nr > 0 ? 0 : add_devices(c, comp, codec);
}

void
zd_compressors_add_backend(struct zd_compressors *c, const struct zcomp_ops *ops,
                           const struct zcodec *codec)
{
	assert(c->nr_backends < ZD_BACKENDS_MAX);
	c->backends[c->nr_backends++] = (struct zd_compressors_backend){ops, codec};
}

int
zd_compressors_get(struct zd_compressors *c, const struct zcodec *codec, int32_t level,
                   uint32_t page_size)
{
	struct zcomp_params params = {
	        .codec = codec,
	        .level = level,
	        .page_size = page_size,
	        .nr_lcores = c->nr_lcores,
	        .hang_ns = c->hang_ns,
	};
	struct zd_compressor *e;
	int ret;

	for (unsigned int i = 0; i < c->nr; i++) {
		e = &c->entries[i];
		if (e->codec == codec && e->level == level && e->page_size == page_size)
			return (int)i;
	}
	if (c->nr == ZD_COMPRESSORS_MAX)
		return -ENOSPC;
	e = &c->entries[c->nr];
	ret = zcomp_create(zcomp_backend_by_name(codec->name), &params, &e->comp);
	if (ret != 0)
		return ret;
	ret = add_managers(c, e->comp, codec);
	if (ret != 0) {
		zcomp_destroy(e->comp);
		return ret;
	}
	e->codec = codec;
	e->level = level;
	e->page_size = page_size;
	/* Pairs with zd_compressors_nr(). */
	zc_store_release(&c->nr, c->nr + 1);
	return (int)c->nr - 1;
}

void
zd_compressors_fini(struct zd_compressors *c)
{
	/* One that hangs may still have pages in its hands. */
	for (unsigned int i = 0; i < c->nr_devices; i++)
		zcomp_cdev_stop(c->devices[i]);
	for (unsigned int i = 0; i < c->nr; i++)
		zcomp_destroy(c->entries[i].comp);
	c->nr = 0;
	for (unsigned int i = c->nr_devices; i-- > 0;) {
		zcomp_cdev_close(c->devices[i]);
		/* In reverse order: an older DPDK crashes when a lower device goes first. */
		rte_vdev_uninit(c->device_names[i]);
		free((void *)(uintptr_t)c->device_names[i]);
	}
	c->nr_devices = 0;
}
