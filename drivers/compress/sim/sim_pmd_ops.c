/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Control operations: what the device can do, its life, its queue pairs, its xforms, its
 * statistics.
 *
 * All but the statistics have the device to themselves. compressdev's statistics are the queue
 * pairs' own counters, which are never reset: a reset only notes where to count from, so it races
 * with nobody.
 */

#include "sim_pmd_private.h"

#include <errno.h>
#include <string.h>

#include <rte_malloc.h>

static const struct rte_compressdev_capabilities sim_pmd_capabilities[] = {
        {
                .algo = RTE_COMP_ALGO_LZ4,
                .comp_feature_flags = RTE_COMP_FF_SHAREABLE_PRIV_XFORM | LZ4_BLOCK_FF,
                .window_size = {.min = LZ4_BLOCK_WINDOW, .max = LZ4_BLOCK_WINDOW},
        },
        {.algo = RTE_COMP_ALGO_UNSPECIFIED},
};

static void
sim_pmd_infos_get(struct rte_compressdev *dev, struct rte_compressdev_info *info)
{
	info->feature_flags = dev->feature_flags;
	info->capabilities = sim_pmd_capabilities;
	info->max_nb_queue_pairs = SIM_PMD_QPS_MAX;
}

/* Xforms come from the heap and queue pairs bring their own memory: nothing to prepare. */
static int
sim_pmd_configure(struct rte_compressdev *dev, struct rte_compressdev_config *config)
{
	RTE_SET_USED(dev);
	RTE_SET_USED(config);
	return 0;
}

static int
start_check(const struct rte_compressdev *dev)
{
	const struct sim_pmd_dev *sim = dev->data->dev_private;

	if (dev->data->nb_queue_pairs == 0) {
		SIM_PMD_LOG(ERR, "%s: start: not configured", dev->data->name);
		return -EINVAL;
	}
	for (uint16_t i = 0; i < dev->data->nb_queue_pairs; i++) {
		if (dev->data->queue_pairs[i] == NULL) {
			SIM_PMD_LOG(ERR, "%s: start: queue pair %u is not set up", dev->data->name,
			            i);
			return -EINVAL;
		}
	}
	if (sim->args.fail_start != 0) {
		SIM_PMD_LOG(ERR, "%s: start: fails as fail_start=1 asks", dev->data->name);
		return -EIO;
	}
	if (sim->model.removed) {
		SIM_PMD_LOG(ERR, "%s: start: gone as remove_at=%" PRIu64 " asks", dev->data->name,
		            sim->args.remove_at);
		return -ENODEV;
	}
	return 0;
}

static void
qp_count_anew(struct sim_pmd_qp *qp)
{
	__atomic_store_n(&qp->busy, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&qp->model_failed, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&qp->late_ops, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&qp->late_max, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&qp->late_sum, 0, __ATOMIC_RELAXED);
}

static int
sim_pmd_start(struct rte_compressdev *dev)
{
	struct sim_pmd_dev *sim = dev->data->dev_private;
	int ret = start_check(dev);

	if (ret != 0)
		return ret;
	if (sim->args.codec != SIM_PMD_CODEC_NULL) {
		ret = sim_host_start(dev);
		if (ret != 0) {
			SIM_PMD_LOG(ERR, "%s: start: no host thread: %s", dev->data->name,
			            strerror(-ret));
			return ret;
		}
	}
	sim_model_start(&sim->model);
	for (uint16_t i = 0; i < dev->data->nb_queue_pairs; i++)
		qp_count_anew(dev->data->queue_pairs[i]);
	dev->enqueue_burst = sim_pmd_enqueue;
	return 0;
}

static void
sim_pmd_stop(struct rte_compressdev *dev)
{
	struct sim_pmd_dev *sim = dev->data->dev_private;

	dev->enqueue_burst = sim_pmd_enqueue_stopped;
	if (sim->args.codec != SIM_PMD_CODEC_NULL)
		sim_host_stop(&sim->host);
	for (uint16_t i = 0; i < dev->data->nb_queue_pairs; i++)
		sim_pmd_qp_flush(dev->data->queue_pairs[i]);
}

/* The library has released the queue pairs by now; the private data goes with the device. */
static int
sim_pmd_close(struct rte_compressdev *dev)
{
	RTE_SET_USED(dev);
	return 0;
}

/* Operations that were not dequeued are the application's again. */
static int
sim_pmd_qp_release(struct rte_compressdev *dev, uint16_t qp_id)
{
	rte_free(sim_stats_set_qp(dev->data->dev_private, qp_id, NULL));
	dev->data->queue_pairs[qp_id] = NULL;
	return 0;
}

/* The next part of one piece of memory. */
static void *
carve(uint8_t *mem, size_t *at, size_t len)
{
	void *part = mem == NULL ? NULL : mem + *at;

	*at = RTE_CACHE_LINE_ROUNDUP(*at + len);
	return part;
}

/* Lay a queue pair out in @p mem, or with NULL only find how much it takes. */
static size_t
qp_layout(struct sim_pmd_qp *qp, uint8_t *mem, uint32_t depth)
{
	const uint32_t slots = rte_align32pow2(depth);
	size_t at = 0;

	carve(mem, &at, sizeof(*qp));
	qp->order = carve(mem, &at, slots * sizeof(*qp->order));
	qp->ready = carve(mem, &at, slots * sizeof(*qp->ready));
	qp->slots = carve(mem, &at, depth * sizeof(*qp->slots));
	qp->done_at = carve(mem, &at, depth * sizeof(*qp->done_at));
	qp->heap = carve(mem, &at, depth * sizeof(*qp->heap));
	return at;
}

static struct sim_pmd_qp *
qp_alloc(struct sim_pmd_dev *sim, uint16_t qp_id, uint32_t depth, int socket_id)
{
	struct sim_pmd_qp sizes;
	struct sim_pmd_qp *qp = rte_zmalloc_socket("sim_pmd_qp", qp_layout(&sizes, NULL, depth),
	                                           RTE_CACHE_LINE_SIZE, socket_id);

	if (qp == NULL)
		return NULL;
	qp_layout(qp, (uint8_t *)qp, depth);
	qp->sim = sim;
	qp->depth = depth;
	qp->mask = rte_align32pow2(depth) - 1;
	for (uint32_t i = 0; i < depth; i++)
		qp->order[i] = (uint16_t)i;
	/* What failed before is not this queue pair's, and its numbers are all higher. */
	qp->failed_upto = sim->model.failed_upto;
	qp->rng = sim->args.seed + qp_id + 1;
	return qp;
}

static int
sim_pmd_qp_setup(struct rte_compressdev *dev, uint16_t qp_id, uint32_t max_inflight, int socket_id)
{
	struct sim_pmd_dev *sim = dev->data->dev_private;
	struct sim_pmd_qp *qp;

	if (max_inflight == 0 || max_inflight > sim->args.depth) {
		SIM_PMD_LOG(ERR,
		            "%s: queue pair %u: depth %u is not from 1 to %" PRIu64
		            "; the argument depth= says how much there is",
		            dev->data->name, qp_id, max_inflight, sim->args.depth);
		return -EINVAL;
	}
	qp = qp_alloc(sim, qp_id, max_inflight, socket_id);
	if (qp == NULL) {
		SIM_PMD_LOG(ERR, "%s: queue pair %u: no memory", dev->data->name, qp_id);
		return -ENOMEM;
	}
	/* Only now: a set-up that fails leaves the queue pair as it was. */
	rte_free(sim_stats_set_qp(sim, qp_id, qp));
	dev->data->queue_pairs[qp_id] = qp;
	return 0;
}

static int
xform_parse(const struct sim_pmd_args *args, const struct rte_comp_xform *xform,
            struct sim_pmd_xform *parsed)
{
	parsed->type = xform->type;
	switch (xform->type) {
	case RTE_COMP_COMPRESS:
		parsed->accel =
		        xform->compress.level > 1 ? xform->compress.level : (int)args->accel;
		return lz4_block_compress_supported(&xform->compress) ? 0 : -ENOTSUP;
	case RTE_COMP_DECOMPRESS:
		return args->compress_only == 0 &&
		                       lz4_block_decompress_supported(&xform->decompress)
		               ? 0
		               : -ENOTSUP;
	default:
		return -EINVAL;
	}
}

static int
sim_pmd_xform_create(struct rte_compressdev *dev, const struct rte_comp_xform *xform,
                     void **private_xform)
{
	const struct sim_pmd_dev *sim = dev->data->dev_private;
	struct sim_pmd_xform parsed = {0}, *handle;
	int ret = xform_parse(&sim->args, xform, &parsed);

	if (ret != 0) {
		SIM_PMD_LOG(ERR,
		            "%s: xform not supported: %sLZ4, level -1 or from 1, window %d, "
		            "no checksum, no hash, no frame flags",
		            dev->data->name,
		            sim->args.compress_only != 0 ? "only compression, " : "",
		            LZ4_BLOCK_WINDOW);
		return ret;
	}
	handle = rte_malloc_socket("sim_pmd_xform", sizeof(*handle), 0, dev->data->socket_id);
	if (handle == NULL)
		return -ENOMEM;
	*handle = parsed;
	*private_xform = handle;
	return 0;
}

static int
sim_pmd_xform_free(struct rte_compressdev *dev, void *private_xform)
{
	RTE_SET_USED(dev);
	rte_free(private_xform);
	return 0;
}

/* What a queue pair has counted since it was set up. */
static struct rte_compressdev_stats
qp_count(const struct sim_pmd_qp *qp)
{
	return (struct rte_compressdev_stats){
	        .enqueued_count = __atomic_load_n(&qp->submitted, __ATOMIC_RELAXED),
	        .dequeued_count = __atomic_load_n(&qp->returned, __ATOMIC_RELAXED),
	        .enqueue_err_count = __atomic_load_n(&qp->refused, __ATOMIC_RELAXED),
	        .dequeue_err_count = __atomic_load_n(&qp->errors, __ATOMIC_RELAXED),
	};
}

static void
sim_pmd_stats_read(struct rte_compressdev *dev, struct rte_compressdev_stats *stats)
{
	for (uint16_t i = 0; i < dev->data->nb_queue_pairs; i++) {
		const struct sim_pmd_qp *qp = dev->data->queue_pairs[i];
		struct rte_compressdev_stats now;

		if (qp == NULL)
			continue;
		now = qp_count(qp);
		compressdev_driver_stats_add(stats, &now, &qp->base);
	}
}

static void
sim_pmd_stats_reset(struct rte_compressdev *dev)
{
	for (uint16_t i = 0; i < dev->data->nb_queue_pairs; i++) {
		struct sim_pmd_qp *qp = dev->data->queue_pairs[i];

		if (qp != NULL)
			qp->base = qp_count(qp);
	}
}

struct rte_compressdev_ops sim_pmd_ops = {
        .dev_configure = sim_pmd_configure,
        .dev_start = sim_pmd_start,
        .dev_stop = sim_pmd_stop,
        .dev_close = sim_pmd_close,
        .dev_infos_get = sim_pmd_infos_get,
        .stats_get = sim_pmd_stats_read,
        .stats_reset = sim_pmd_stats_reset,
        .queue_pair_setup = sim_pmd_qp_setup,
        .queue_pair_release = sim_pmd_qp_release,
        .private_xform_create = sim_pmd_xform_create,
        .private_xform_free = sim_pmd_xform_free,
};
