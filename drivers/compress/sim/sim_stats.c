/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The model's numbers, for programs and for DPDK telemetry. Read by any thread, in the EAL's
 * telemetry thread also while a device comes and goes: hence the list with its lock, which the
 * control operations take too. The counters are relaxed loads of what one thread each writes.
 */

#include "sim_pmd_private.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_telemetry.h>

#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
#define rte_tel_data_add_dict_uint rte_tel_data_add_dict_u64
#endif

/* DPDK gives a telemetry callback no argument. */
static LIST_HEAD(, sim_pmd_dev) devices = LIST_HEAD_INITIALIZER(devices);
static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;

void
sim_stats_add(struct sim_pmd_dev *sim)
{
	pthread_mutex_lock(&devices_lock);
	LIST_INSERT_HEAD(&devices, sim, link);
	pthread_mutex_unlock(&devices_lock);
}

void
sim_stats_del(struct sim_pmd_dev *sim)
{
	pthread_mutex_lock(&devices_lock);
	LIST_REMOVE(sim, link);
	pthread_mutex_unlock(&devices_lock);
}

struct sim_pmd_qp *
sim_stats_set_qp(struct sim_pmd_dev *sim, uint16_t qp_id, struct sim_pmd_qp *qp)
{
	struct sim_pmd_qp *before;

	pthread_mutex_lock(&devices_lock);
	before = sim->qps[qp_id];
	sim->qps[qp_id] = qp;
	pthread_mutex_unlock(&devices_lock);
	return before;
}

static uint64_t
cycles_to_ns(uint64_t cycles)
{
	return (uint64_t)((double)cycles * 1e9 / (double)rte_get_tsc_hz());
}

static void
add_qp(const struct sim_pmd_qp *qp, struct sim_pmd_stats *out)
{
	uint64_t late_max = __atomic_load_n(&qp->late_max, __ATOMIC_RELAXED);

	out->busy += __atomic_load_n(&qp->busy, __ATOMIC_RELAXED);
	out->failed += __atomic_load_n(&qp->model_failed, __ATOMIC_RELAXED);
	out->late_ops += __atomic_load_n(&qp->late_ops, __ATOMIC_RELAXED);
	out->late_ns_max = RTE_MAX(out->late_ns_max, cycles_to_ns(late_max));
	out->late_ns_sum += cycles_to_ns(__atomic_load_n(&qp->late_sum, __ATOMIC_RELAXED));
}

static struct sim_pmd_stats
device_stats(const struct sim_pmd_dev *sim)
{
	const struct sim_model *m = &sim->model;
	struct sim_pmd_stats out = {
	        .ops = __atomic_load_n(&m->ops, __ATOMIC_RELAXED),
	        .hung = __atomic_load_n(&m->hung_ops, __ATOMIC_RELAXED),
	        .engine_ns = cycles_to_ns(__atomic_load_n(&m->engine_cycles, __ATOMIC_RELAXED)),
	};

	for (unsigned int i = 0; i < SIM_PMD_QPS_MAX; i++) {
		if (sim->qps[i] != NULL)
			add_qp(sim->qps[i], &out);
	}
	return out;
}

int
sim_pmd_stats_get(const char *dev_name, struct sim_pmd_stats *out)
{
	const struct sim_pmd_dev *sim;
	int ret = -ENOENT;

	if (dev_name == NULL || out == NULL)
		return -EINVAL;
	pthread_mutex_lock(&devices_lock);
	LIST_FOREACH (sim, &devices, link) {
		if (strcmp(sim->name, dev_name) == 0) {
			*out = device_stats(sim);
			ret = 0;
		}
	}
	pthread_mutex_unlock(&devices_lock);
	return ret;
}

static int
tell_stats(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct sim_pmd_stats stats;
	int ret = sim_pmd_stats_get(params, &stats);

	RTE_SET_USED(cmd);
	if (ret != 0)
		return ret;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_uint(d, "ops", stats.ops);
	rte_tel_data_add_dict_uint(d, "busy", stats.busy);
	rte_tel_data_add_dict_uint(d, "hung", stats.hung);
	rte_tel_data_add_dict_uint(d, "failed", stats.failed);
	rte_tel_data_add_dict_uint(d, "late_ops", stats.late_ops);
	rte_tel_data_add_dict_uint(d, "late_ns_max", stats.late_ns_max);
	rte_tel_data_add_dict_uint(d, "late_ns_sum", stats.late_ns_sum);
	rte_tel_data_add_dict_uint(d, "engine_ns", stats.engine_ns);
	return 0;
}

RTE_INIT(sim_stats_telemetry)
{
	rte_telemetry_register_cmd(
	        "/compress_sim/stats", tell_stats,
	        "Numbers of the accelerator model. Parameter: the device's name");
}
