/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

#ifndef COMPRESSDEV_DRIVER_H
#define COMPRESSDEV_DRIVER_H

/**
 * @file
 * The driver side of compressdev and of the vdev bus.
 *
 * DPDK exports every symbol that a driver needs, but a distribution's libdpdk-dev has no driver
 * headers (they are installed with -Denable_driver_sdk=true only). Where they exist they are used;
 * where not, this file declares what a compress vdev driver needs, in the layout that DPDK 22.11
 * to 26.03 share. A driver built so belongs to the DPDK that it was built with, as any driver does.
 *
 * It also holds what differs between those releases for every driver of ours.
 */

#include <stdint.h>
#include <stdio.h>

#include <rte_common.h>
#include <rte_compat.h>
#include <rte_comp.h>
#include <rte_compressdev.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_lcore.h>
#include <rte_memzone.h>
#include <rte_tailq.h>
#include <rte_thread.h>
#include <rte_version.h>

#if defined(__has_include)
#if __has_include(<rte_compressdev_pmd.h>) && __has_include(<bus_vdev_driver.h>)
#define COMPRESSDEV_DRIVER_SDK 1
#endif
#endif

#ifdef COMPRESSDEV_DRIVER_SDK

#include <bus_vdev_driver.h>
#include <rte_compressdev_pmd.h>

#else /* no driver headers installed */

#if RTE_VERSION < RTE_VERSION_NUM(22, 11, 0, 0)
#error "DPDK 22.11 or later is needed"
#elif RTE_VERSION >= RTE_VERSION_NUM(26, 7, 0, 0)
#error "DPDK 26.07 changed these structures: build against its driver headers (enable_driver_sdk)"
#endif

#include <rte_bus_vdev.h>

struct rte_bus;
struct rte_mempool;

/* The bus side: what EAL knows of a driver and of a device. */

struct rte_driver {
	RTE_TAILQ_ENTRY(rte_driver) next;
	const char *name;
	const char *alias;
};

struct rte_device {
	RTE_TAILQ_ENTRY(rte_device) next;
	const char *name;
	const char *bus_info;
	const struct rte_driver *driver;
	const struct rte_bus *bus;
	int numa_node;
	struct rte_devargs *devargs;
};

struct rte_vdev_device {
	RTE_TAILQ_ENTRY(rte_vdev_device) next;
	struct rte_device device;
};

struct rte_vdev_driver {
	RTE_TAILQ_ENTRY(rte_vdev_driver) next;
	struct rte_driver driver;
	int (*probe)(struct rte_vdev_device *vdev);
	int (*remove)(struct rte_vdev_device *vdev);
	int (*dma_map)(struct rte_vdev_device *vdev, void *addr, uint64_t iova, size_t len);
	int (*dma_unmap)(struct rte_vdev_device *vdev, void *addr, uint64_t iova, size_t len);
	uint32_t drv_flags;
};

__rte_internal void rte_vdev_register(struct rte_vdev_driver *driver);

static inline const char *
rte_vdev_device_name(const struct rte_vdev_device *vdev)
{
	return vdev->device.name;
}

static inline const char *
rte_vdev_device_args(const struct rte_vdev_device *vdev)
{
	return vdev->device.devargs == NULL ? "" : vdev->device.devargs->args;
}

/** Register @p drv under the name @p nm when the object is loaded. */
#define RTE_PMD_REGISTER_VDEV(nm, drv)           \
	RTE_INIT(vdev_register_##drv)            \
	{                                        \
		(drv).driver.name = RTE_STR(nm); \
		rte_vdev_register(&(drv));       \
	}                                        \
	static const char this_pmd_name_##nm[] __attribute__((used)) = RTE_STR(nm)

/* It was in the public rte_dev.h until 25.03. */
#ifndef RTE_PMD_REGISTER_PARAM_STRING
#define RTE_PMD_REGISTER_PARAM_STRING(nm, str) \
	static const char __##nm##_param_string_export[] __attribute__((used)) = str
#endif

/* The compressdev side: a device, its data, its control operations. */

#define RTE_COMPRESSDEV_NAME_MAX_LEN 64

struct rte_compressdev_data {
	uint8_t dev_id;
	int socket_id;
	char name[RTE_COMPRESSDEV_NAME_MAX_LEN];
	__extension__ uint8_t dev_started : 1;
	void **queue_pairs;
	uint16_t nb_queue_pairs;
	void *dev_private;
};

struct rte_compressdev {
	uint16_t (*dequeue_burst)(void *qp, struct rte_comp_op **ops, uint16_t nb_ops);
	uint16_t (*enqueue_burst)(void *qp, struct rte_comp_op **ops, uint16_t nb_ops);
	struct rte_compressdev_data *data;
	struct rte_compressdev_ops *dev_ops;
	uint64_t feature_flags;
	struct rte_device *device;
	__extension__ uint8_t attached : 1;
};

struct rte_compressdev_ops {
	int (*dev_configure)(struct rte_compressdev *dev, struct rte_compressdev_config *config);
	int (*dev_start)(struct rte_compressdev *dev);
	void (*dev_stop)(struct rte_compressdev *dev);
	int (*dev_close)(struct rte_compressdev *dev);
	void (*dev_infos_get)(struct rte_compressdev *dev, struct rte_compressdev_info *info);
	void (*stats_get)(struct rte_compressdev *dev, struct rte_compressdev_stats *stats);
	void (*stats_reset)(struct rte_compressdev *dev);
	int (*queue_pair_setup)(struct rte_compressdev *dev, uint16_t qp_id, uint32_t max_inflight,
	                        int socket_id);
	int (*queue_pair_release)(struct rte_compressdev *dev, uint16_t qp_id);
	int (*stream_create)(struct rte_compressdev *dev, const struct rte_comp_xform *xform,
	                     void **stream);
	int (*stream_free)(struct rte_compressdev *dev, void *stream);
	int (*private_xform_create)(struct rte_compressdev *dev, const struct rte_comp_xform *xform,
	                            void **private_xform);
	int (*private_xform_free)(struct rte_compressdev *dev, void *private_xform);
};

struct rte_compressdev_pmd_init_params {
	char name[RTE_COMPRESSDEV_NAME_MAX_LEN];
	int socket_id;
};

struct rte_compressdev *rte_compressdev_pmd_get_named_dev(const char *name);
struct rte_compressdev *rte_compressdev_pmd_create(const char *name, struct rte_device *device,
                                                   size_t private_data_size,
                                                   struct rte_compressdev_pmd_init_params *params);
int rte_compressdev_pmd_destroy(struct rte_compressdev *dev);

#endif /* no driver headers installed */

/* LZ4 has a name since 23.03; the libraries before pass the number through. */
#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
#define RTE_COMP_ALGO_LZ4 ((enum rte_comp_algorithm)4)
#endif

/**
 * Give a device back so that its number can be used again.
 *
 * rte_compressdev_pmd_destroy() leaves the memzone of the device's data behind, and the next probe
 * that gets the same number fails because the name is taken.
 *
 * @param dev  A stopped device of a primary process; gone after success.
 * @return 0; -EBUSY if it is not stopped; another negative errno of the driver's own close.
 */
static inline int
compressdev_driver_destroy(struct rte_compressdev *dev)
{
	char zone[RTE_MEMZONE_NAMESIZE];
	int ret;

	snprintf(zone, sizeof(zone), "rte_compressdev_data_%u", dev->data->dev_id);
	ret = rte_compressdev_pmd_destroy(dev);
	if (ret == 0)
		rte_memzone_free(rte_memzone_lookup(zone));
	return ret;
}

/** Add what has been counted since @p base to @p sum. */
static inline void
compressdev_driver_stats_add(struct rte_compressdev_stats *sum,
                             const struct rte_compressdev_stats *now,
                             const struct rte_compressdev_stats *base)
{
	sum->enqueued_count += now->enqueued_count - base->enqueued_count;
	sum->dequeued_count += now->dequeued_count - base->dequeued_count;
	sum->enqueue_err_count += now->enqueue_err_count - base->enqueue_err_count;
	sum->dequeue_err_count += now->dequeue_err_count - base->dequeue_err_count;
}

/*
 * Control threads: EAL places them on the CPUs that no lcore has, or on the main lcore's. A thread
 * function is declared as `static driver_thread_ret fn(void *arg)` and returns 0.
 */
#if RTE_VERSION < RTE_VERSION_NUM(23, 11, 0, 0)
typedef void *driver_thread_ret;
#else
typedef uint32_t driver_thread_ret;
#endif

/**
 * Start a control thread.
 *
 * @param id    Filled on success; for driver_thread_join().
 * @param name  At most 15 characters.
 * @return 0 or a negative errno.
 */
static inline int
driver_thread_create(rte_thread_t *id, const char *name, driver_thread_ret (*fn)(void *), void *arg)
{
#if RTE_VERSION < RTE_VERSION_NUM(23, 11, 0, 0)
	pthread_t tid;
	int ret = rte_ctrl_thread_create(&tid, name, NULL, fn, arg);

	id->opaque_id = (uintptr_t)tid;
	return ret;
#else
	int ret = rte_thread_create_control(id, name, fn, arg);

	return ret > 0 ? -ret : ret;
#endif
}

/** Wait for the end of a thread that driver_thread_create() started. */
static inline void
driver_thread_join(rte_thread_t id)
{
	rte_thread_join(id, NULL);
}

#endif /* COMPRESSDEV_DRIVER_H */
