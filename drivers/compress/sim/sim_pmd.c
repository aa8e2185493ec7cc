/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Probe, remove, registration. Main thread only.
 *
 * All arguments are checked before anything is allocated, so a refused probe leaves nothing behind.
 */

#include "sim_pmd_private.h"

#include <errno.h>

#include <rte_cycles.h>
#include <rte_eal.h>

RTE_LOG_REGISTER(sim_pmd_logtype, pmd.compress.sim, NOTICE);

static int
sim_pmd_create(struct rte_vdev_device *vdev, const struct sim_pmd_args *args)
{
	struct rte_compressdev_pmd_init_params params = {.socket_id = (int)rte_socket_id()};
	const char *name = rte_vdev_device_name(vdev);
	struct rte_compressdev *dev;
	struct sim_pmd_dev *sim;

	dev = rte_compressdev_pmd_create(name, &vdev->device, sizeof(*sim), &params);
	if (dev == NULL)
		return -ENOMEM;
	sim = dev->data->dev_private;
	sim->args = *args;
	sim->batch_cycles = (uint64_t)(args->batch_us * (double)rte_get_tsc_hz() / US_PER_S);
	sim->name = dev->data->name;
	sim_model_init(&sim->model, args);
	dev->dev_ops = &sim_pmd_ops;
	dev->enqueue_burst = sim_pmd_enqueue_stopped;
	dev->dequeue_burst = sim_pmd_dequeue;
	sim_stats_add(sim);
	SIM_PMD_LOG(INFO, "%s: device %u, %" PRIu64 " engines, depth %" PRIu64 ", liblz4 %s", name,
	            dev->data->dev_id, args->engines, args->depth, LZ4_versionString());
	return 0;
}

static int
sim_pmd_probe(struct rte_vdev_device *vdev)
{
	const char *name = rte_vdev_device_name(vdev);
	struct sim_pmd_args args;
	int ret;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		SIM_PMD_LOG(ERR, "%s: works in a primary process only", name);
		return -ENOTSUP;
	}
	ret = sim_pmd_args_parse(rte_vdev_device_args(vdev), &args);
	if (ret != 0)
		return ret;
	if (args.fail_probe != 0) {
		SIM_PMD_LOG(ERR, "%s: fails as fail_probe=1 asks", name);
		return -EIO;
	}
	return sim_pmd_create(vdev, &args);
}

static int
sim_pmd_remove(struct rte_vdev_device *vdev)
{
	struct rte_compressdev *dev = rte_compressdev_pmd_get_named_dev(rte_vdev_device_name(vdev));

	if (dev == NULL)
		return -ENODEV;
	/* EAL also removes what the application left running at its exit. */
	if (dev->data->dev_started)
		rte_compressdev_stop(dev->data->dev_id);
	sim_stats_del(dev->data->dev_private);
	return compressdev_driver_destroy(dev);
}

static struct rte_vdev_driver sim_pmd_driver = {
        .probe = sim_pmd_probe,
        .remove = sim_pmd_remove,
};

RTE_PMD_REGISTER_VDEV(compress_sim, sim_pmd_driver);
RTE_PMD_REGISTER_PARAM_STRING(compress_sim, SIM_PMD_PARAMS);
