/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Control operations: what the device can do, its life, its queue pairs, its xforms, its
 * statistics.
 *
 * All but the statistics have the device to themselves. The statistics are the queue pairs' own
 * counters, which are never reset: a reset only notes where to count from, so it races with nobody.
 */

#include "lz4_pmd_private.h"

#include <errno.h>
#include <string.h>

#include <rte_malloc.h>

static const struct rte_compressdev_capabilities lz4_pmd_capabilities[] = {
        {
                .algo = RTE_COMP_ALGO_LZ4,
                .comp_feature_flags = RTE_COMP_FF_SHAREABLE_PRIV_XFORM |
                                      RTE_COMP_FF_OOP_SGL_IN_SGL_OUT |
                                      RTE_COMP_FF_OOP_SGL_IN_LB_OUT |
                                      RTE_COMP_FF_OOP_LB_IN_SGL_OUT | LZ4_BLOCK_FF,
                .window_size = {.min = LZ4_BLOCK_WINDOW, .max = LZ4_BLOCK_WINDOW},
        },
        {.algo = RTE_COMP_ALGO_UNSPECIFIED},
};

static void
lz4_pmd_infos_get(struct rte_compressdev *dev, struct rte_compressdev_info *info)
{
	info->feature_flags = dev->feature_flags;
	info->capabilities = lz4_pmd_capabilities;
	info->max_nb_queue_pairs = LZ4_PMD_QPS_MAX;
}

/* Xforms come from the heap and queue pairs bring their own memory: nothing to prepare. */
static int
lz4_pmd_configure(struct rte_compressdev *dev, struct rte_compressdev_config *config)
{
	RTE_SET_USED(dev);
	RTE_SET_USED(config);
	return 0;
}

static int
lz4_pmd_start(struct rte_compressdev *dev)
{
	struct lz4_pmd_dev *priv = dev->data->dev_private;
	int ret;

	if (dev->data->nb_queue_pairs == 0) {
		LZ4_PMD_LOG(ERR, "%s: start: not configured", dev->data->name);
		return -EINVAL;
	}
	for (uint16_t i = 0; i < dev->data->nb_queue_pairs; i++) {
		if (dev->data->queue_pairs[i] == NULL) {
			LZ4_PMD_LOG(ERR, "%s: start: queue pair %u is not set up", dev->data->name,
			            i);
			return -EINVAL;
		}
	}
	if (priv->mode == LZ4_PMD_MODE_THREAD) {
		ret = lz4_pmd_engines_start(dev);
		if (ret != 0) {
			LZ4_PMD_LOG(ERR, "%s: start: not %u engine threads: %s", dev->data->name,
			            priv->engines.nr, strerror(-ret));
			return ret;
		}
		dev->enqueue_burst = lz4_pmd_enqueue_thread;
	} else {
		dev->enqueue_burst = lz4_pmd_enqueue_inline;
	}
	return 0;
}

static void
lz4_pmd_stop(struct rte_compressdev *dev)
{
	struct lz4_pmd_dev *priv = dev->data->dev_private;

	dev->enqueue_burst = lz4_pmd_enqueue_stopped;
	if (priv->mode == LZ4_PMD_MODE_THREAD)
		lz4_pmd_engines_stop(&priv->engines);
}

/* The library has released the queue pairs by now; the private data goes with the device. */
static int
lz4_pmd_close(struct rte_compressdev *dev)
{
	RTE_SET_USED(dev);
	return 0;
}

int
lz4_pmd_work_init(struct lz4_pmd_work *work, int socket_id)
{
	const size_t src_at = RTE_CACHE_LINE_ROUNDUP(LZ4_sizeofState());
	const size_t dst_at = RTE_CACHE_LINE_ROUNDUP(src_at + LZ4_PMD_BLOCK_MAX);
	uint8_t *mem = rte_malloc_socket("lz4_pmd_work", dst_at + LZ4_PMD_BLOCK_MAX,
	                                 RTE_CACHE_LINE_SIZE, socket_id);

	work->lz4 = mem;
	if (mem == NULL)
		return -ENOMEM;
	work->src_bounce = mem + src_at;
	work->dst_bounce = mem + dst_at;
	return 0;
}

void
lz4_pmd_work_fini(struct lz4_pmd_work *work)
{
	rte_free(work->lz4);
	work->lz4 = NULL;
}

static void
qp_free(struct lz4_pmd_qp *qp)
{
	if (qp == NULL)
		return;
	lz4_pmd_work_fini(&qp->work);
	rte_free(qp);
}

/* One piece of memory: the queue pair, its array, the marks of what is done. */
static struct lz4_pmd_qp *
qp_alloc(uint32_t depth, int socket_id)
{
	const uint32_t slots = rte_align32pow2(depth);
	const size_t ring_at = sizeof(struct lz4_pmd_qp);
	const size_t done_at =
	        RTE_CACHE_LINE_ROUNDUP(ring_at + slots * sizeof(struct rte_comp_op *));
	uint8_t *mem = rte_zmalloc_socket("lz4_pmd_qp", done_at + slots * sizeof(uint32_t),
	                                  RTE_CACHE_LINE_SIZE, socket_id);
	struct lz4_pmd_qp *qp = (void *)mem;

	if (qp == NULL)
		return NULL;
	qp->ring = (void *)(mem + ring_at);
	qp->done = (void *)(mem + done_at);
	qp->mask = slots - 1;
	qp->depth = depth;
	return qp;
}

/* Operations that were not dequeued are the application's again. */
static int
lz4_pmd_qp_release(struct rte_compressdev *dev, uint16_t qp_id)
{
	qp_free(dev->data->queue_pairs[qp_id]);
	dev->data->queue_pairs[qp_id] = NULL;
	return 0;
}

static int
lz4_pmd_qp_setup(struct rte_compressdev *dev, uint16_t qp_id, uint32_t max_inflight, int socket_id)
{
	struct lz4_pmd_dev *priv = dev->data->dev_private;
	struct lz4_pmd_qp *qp;

	if (max_inflight == 0 || max_inflight > priv->depth_max) {
		LZ4_PMD_LOG(ERR, "%s: queue pair %u: depth %u is not from 1 to %u", dev->data->name,
		            qp_id, max_inflight, priv->depth_max);
		return -EINVAL;
	}
	qp = qp_alloc(max_inflight, socket_id);
	if (qp == NULL ||
	    (priv->mode == LZ4_PMD_MODE_INLINE && lz4_pmd_work_init(&qp->work, socket_id) != 0)) {
		LZ4_PMD_LOG(ERR, "%s: queue pair %u: no memory", dev->data->name, qp_id);
		qp_free(qp);
		return -ENOMEM;
	}
	qp->engines = &priv->engines;
	/* Only now: a set-up that fails leaves the queue pair as it was. */
	lz4_pmd_qp_release(dev, qp_id);
	dev->data->queue_pairs[qp_id] = qp;
	return 0;
}

static int
xform_parse(const struct lz4_pmd_dev *priv, const struct rte_comp_xform *xform,
            struct lz4_pmd_xform *parsed)
{
	parsed->type = xform->type;
	switch (xform->type) {
	case RTE_COMP_COMPRESS:
		parsed->accel = xform->compress.level > 1 ? xform->compress.level : priv->accel;
		return lz4_block_compress_supported(&xform->compress) ? 0 : -ENOTSUP;
	case RTE_COMP_DECOMPRESS:
		return lz4_block_decompress_supported(&xform->decompress) ? 0 : -ENOTSUP;
	default:
		return -EINVAL;
	}
}

static int
lz4_pmd_xform_create(struct rte_compressdev *dev, const struct rte_comp_xform *xform,
                     void **private_xform)
{
	struct lz4_pmd_xform parsed = {0}, *handle;
	int ret = xform_parse(dev->data->dev_private, xform, &parsed);

	if (ret != 0) {
		LZ4_PMD_LOG(ERR,
		            "%s: xform not supported: LZ4, level -1 or from 1, window %d, "
		            "no checksum, no hash, no frame flags",
		            dev->data->name, LZ4_BLOCK_WINDOW);
		return ret;
	}
	handle = rte_malloc_socket("lz4_pmd_xform", sizeof(*handle), 0, dev->data->socket_id);
	if (handle == NULL)
		return -ENOMEM;
	*handle = parsed;
	*private_xform = handle;
	return 0;
}

static int
lz4_pmd_xform_free(struct rte_compressdev *dev, void *private_xform)
{
	RTE_SET_USED(dev);
	rte_free(private_xform);
	return 0;
}

/* What a queue pair has counted since it was set up. */
static struct rte_compressdev_stats
qp_count(const struct lz4_pmd_qp *qp)
{
	return (struct rte_compressdev_stats){
	        .enqueued_count = __atomic_load_n(&qp->submitted, __ATOMIC_RELAXED),
	        .dequeued_count = __atomic_load_n(&qp->returned, __ATOMIC_RELAXED),
	        .enqueue_err_count = __atomic_load_n(&qp->refused, __ATOMIC_RELAXED),
	        .dequeue_err_count = __atomic_load_n(&qp->failed, __ATOMIC_RELAXED),
	};
}

static void
lz4_pmd_stats_get(struct rte_compressdev *dev, struct rte_compressdev_stats *stats)
{
	for (uint16_t i = 0; i < dev->data->nb_queue_pairs; i++) {
		const struct lz4_pmd_qp *qp = dev->data->queue_pairs[i];
		struct rte_compressdev_stats now;

		if (qp == NULL)
			continue;
		now = qp_count(qp);
		compressdev_driver_stats_add(stats, &now, &qp->base);
	}
}

static void
lz4_pmd_stats_reset(struct rte_compressdev *dev)
{
	for (uint16_t i = 0; i < dev->data->nb_queue_pairs; i++) {
		struct lz4_pmd_qp *qp = dev->data->queue_pairs[i];

		if (qp != NULL)
			qp->base = qp_count(qp);
	}
}

struct rte_compressdev_ops lz4_pmd_ops = {
        .dev_configure = lz4_pmd_configure,
        .dev_start = lz4_pmd_start,
        .dev_stop = lz4_pmd_stop,
        .dev_close = lz4_pmd_close,
        .dev_infos_get = lz4_pmd_infos_get,
        .stats_get = lz4_pmd_stats_get,
        .stats_reset = lz4_pmd_stats_reset,
        .queue_pair_setup = lz4_pmd_qp_setup,
        .queue_pair_release = lz4_pmd_qp_release,
        .private_xform_create = lz4_pmd_xform_create,
        .private_xform_free = lz4_pmd_xform_free,
};
