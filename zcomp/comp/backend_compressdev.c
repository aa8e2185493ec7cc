/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The backend over DPDK compressdev.
 *
 * struct zcomp_cdev is an open device, struct cdev_comp what one compressor keeps on it: an xform,
 * or one for each lcore where the driver works in it, and `depth` streams for each lcore. Main
 * lcore: open, close, set-up, release. Lcore N alone: queue pair N, the lists of lcore N, its own
 * xform, and its streams whenever the driver does not have them.
 *
 * A stream is its operation, its two mbufs and two pieces of EAL memory, all made at set-up, so
 * that from get to put nothing is allocated or copied. The mbufs are of no pool: a driver may only
 * read them. A stream is on its lcore's free list, held by the caller, in the driver, or on its
 * queue pair's done list.
 *
 * Whatever the driver takes or refuses for good comes back through poll, the latter by the done
 * list, which belongs to the device: who polls for any of its compressors finds it. What the queue
 * has no room for stays with the caller. A driver's numbers are checked before they become a
 * length.
 */

#include "comp/compressdev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_comp.h>
#include <rte_compressdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_memory.h>
#include <rte_version.h>

#include "base/log.h"

/* LZ4 has a name since 23.03; the libraries before pass the number through. */
#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
#define RTE_COMP_ALGO_LZ4 ((enum rte_comp_algorithm)4)
#endif

/* Compressors that may share a device, with one xform each for each lcore. */
#define CDEV_COMPS_MAX 64u
/* Operations handed to the driver by one call: one doorbell. */
#define CDEV_BURST 256u

struct cdev_strm {
	struct managed_zstrm zstrm;
	struct cdev_strm *next; /* in the free list or the done list */
	struct rte_comp_op op;
	struct rte_mbuf src;
	struct rte_mbuf dst;
};

struct cdev_qp {
	/* Finished without the driver. */
	_Alignas(RTE_CACHE_LINE_SIZE) struct cdev_strm *done;
	int node; /* for memory of the lcore's */
};

struct zcomp_cdev {
	uint8_t id;
	unsigned int nr_qps;
	uint32_t depth;
	bool stopped;
	struct zcomp_watch *watches;
	struct cdev_qp qps[];
};

struct cdev_lcore {
	/* The last one put comes first: its pages are in the cache. */
	_Alignas(RTE_CACHE_LINE_SIZE) struct cdev_strm *free;
	void *xform; /* of the first nr_xforms lcores */
	struct cdev_strm *strms;
	void *bufs;
};

struct cdev_comp {
	struct zcomp_cdev *dev;
	unsigned int nr_lcores;
	unsigned int nr_xforms; /* one for all lcores, or one for each */
	struct cdev_lcore lcores[];
};

/* The device. */

static const struct rte_compressdev_capabilities *
cdev_capability(const struct zcomp_cdev *dev, const struct zcodec *codec)
{
	static const enum rte_comp_algorithm algos[] = {
	        [ZCODEC_LZ4] = RTE_COMP_ALGO_LZ4,
	        [ZCODEC_DEFLATE] = RTE_COMP_ALGO_DEFLATE,
	};

	if (codec->id >= RTE_DIM(algos) || algos[codec->id] == RTE_COMP_ALGO_UNSPECIFIED)
		return NULL;
	return rte_compressdev_capability_get(dev->id, algos[codec->id]);
}

bool
zcomp_cdev_supports(const struct zcomp_cdev *dev, const struct zcodec *codec)
{
	return cdev_capability(dev, codec) != NULL;
}

/* A driver does not tell how deep its queues may be, so it is asked for less until it agrees. */
static int
qp_setup(struct zcomp_cdev *dev, uint16_t qp)
{
	int node = dev->qps[qp].node, ret;

	for (;;) {
		ret = rte_compressdev_queue_pair_setup(dev->id, qp, dev->depth, node);
		if (ret == -ENOMEM && node != SOCKET_ID_ANY)
			node = SOCKET_ID_ANY;
		else if (ret == -EINVAL && dev->depth > 1)
			dev->depth /= 2;
		else
			return ret;
	}
}

static int
cdev_start(struct zcomp_cdev *dev)
{
	struct rte_compressdev_config config = {
	        .socket_id = rte_compressdev_socket_id(dev->id),
	        .nb_queue_pairs = (uint16_t)dev->nr_qps,
	        .max_nb_priv_xforms = (uint16_t)RTE_MIN(CDEV_COMPS_MAX * dev->nr_qps, UINT16_MAX),
	};
	int ret = rte_compressdev_configure(dev->id, &config);

	for (unsigned int i = 0; i < dev->nr_qps && ret == 0; i++)
		ret = qp_setup(dev, (uint16_t)i);
	return ret == 0 ? rte_compressdev_start(dev->id) : ret;
}

static int
cdev_open(struct zcomp_cdev *dev)
{
	struct rte_compressdev_info info;
	int ret;

	rte_compressdev_info_get(dev->id, &info);
	if (info.max_nb_queue_pairs != 0 && info.max_nb_queue_pairs < dev->nr_qps)
		return -ENOTSUP;
	ret = cdev_start(dev);
	if (ret == 0 || ret == -EBUSY)
		return ret;
	rte_compressdev_close(dev->id);
	return ret == -ENOMEM ? -ENOMEM : -EIO;
}

static void
cdev_free(struct zcomp_cdev *dev)
{
	free(dev->watches);
	free(dev);
}

static struct zcomp_cdev *
cdev_alloc(uint8_t id, unsigned int nr_lcores, uint32_t depth, const int *nodes)
{
	const size_t len = sizeof(struct zcomp_cdev) + nr_lcores * sizeof(struct cdev_qp);
	struct zcomp_cdev *dev = aligned_alloc(RTE_CACHE_LINE_SIZE, len);

	if (dev == NULL)
		return NULL;
	memset(dev, 0, len);
	dev->id = id;
	dev->nr_qps = nr_lcores;
	/* Some drivers need a power of two, and have room for one less, which is not to be 0. */
	dev->depth = rte_align32pow2(depth == 0 ? ZCOMP_DEPTH_DEFAULT : RTE_MAX(depth, 2u));
	dev->watches =
	        aligned_alloc(_Alignof(struct zcomp_watch), nr_lcores * sizeof(struct zcomp_watch));
	if (dev->watches == NULL) {
		cdev_free(dev);
		return NULL;
	}
	for (unsigned int i = 0; i < nr_lcores; i++) {
		dev->qps[i].node =
		        nodes != NULL && nodes[i] >= 0 ? nodes[i] : rte_compressdev_socket_id(id);
		zcomp_watch_init(&dev->watches[i], 0);
	}
	return dev;
}

int
zcomp_cdev_open(const char *name, unsigned int nr_lcores, uint32_t depth, const int *nodes,
                struct zcomp_cdev **out)
{
	int id = rte_compressdev_get_dev_id(name), ret;
	struct zcomp_cdev *dev;

	if (id < 0)
		return -ENODEV;
	if (nr_lcores == 0 || nr_lcores > UINT16_MAX || depth > ZCOMP_DEPTH_MAX)
		return -EINVAL;
	dev = cdev_alloc((uint8_t)id, nr_lcores, depth, nodes);
	if (dev == NULL)
		return -ENOMEM;
	ret = cdev_open(dev);
	if (ret != 0) {
		cdev_free(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

void
zcomp_cdev_stop(struct zcomp_cdev *dev)
{
	/* EAL finds fault with a second time. */
	if (!dev->stopped)
		rte_compressdev_stop(dev->id);
	dev->stopped = true;
}

void
zcomp_cdev_close(struct zcomp_cdev *dev)
{
	if (dev == NULL)
		return;
	zcomp_cdev_stop(dev);
	rte_compressdev_close(dev->id);
	cdev_free(dev);
}

uint32_t
zcomp_cdev_depth(const struct zcomp_cdev *dev)
{
	return dev->depth;
}

const struct zcomp_watch *
zcomp_cdev_watch(const struct zcomp_cdev *dev, unsigned int lcore)
{
	return &dev->watches[lcore];
}

/* One compressor on it. */

static void
mbuf_init(struct rte_mbuf *m, void *buf, uint16_t len)
{
	m->buf_addr = buf;
	rte_mbuf_iova_set(m, rte_mem_virt2iova(buf));
	m->buf_len = len;
	m->data_len = len;
	m->pkt_len = len;
	m->nb_segs = 1;
	m->refcnt = 1;
}

static void
strm_init(struct cdev_strm *s, void *xform, char *buf, uint16_t page_size)
{
	s->zstrm.strm.src = buf;
	s->zstrm.strm.dst = buf + page_size;
	s->zstrm.strm.dst_len = 2u * page_size;
	mbuf_init(&s->src, s->zstrm.strm.src, page_size);
	mbuf_init(&s->dst, s->zstrm.strm.dst, (uint16_t)(2 * page_size));
	s->op.op_type = RTE_COMP_OP_STATELESS;
	s->op.private_xform = xform;
	s->op.iova_addr = rte_mem_virt2iova(&s->op);
	s->op.m_src = &s->src;
	s->op.m_dst = &s->dst;
	s->op.src.length = page_size;
	s->op.flush_flag = RTE_COMP_FLUSH_FINAL;
}

static void
strms_init(struct cdev_lcore *lc, void *xform, const struct zcomp_params *params)
{
	const size_t buf_len = 3 * (size_t)params->page_size;

	for (uint32_t i = 0; i < params->depth; i++) {
		struct cdev_strm *s = &lc->strms[i];

		strm_init(s, xform, (char *)lc->bufs + i * buf_len, (uint16_t)params->page_size);
		s->next = lc->free;
		lc->free = s;
	}
}

/* Memory of that node, or of any: far away is better than not at all. */
static void *
alloc_near(const char *type, size_t len, unsigned int align, int node)
{
	void *mem = rte_malloc_socket(type, len, align, node);

	return mem != NULL || node == SOCKET_ID_ANY
	               ? mem
	               : rte_malloc_socket(type, len, align, SOCKET_ID_ANY);
}

static int
strms_alloc(struct cdev_comp *cc, const struct zcomp_params *params)
{
	for (unsigned int i = 0; i < params->nr_lcores; i++) {
		struct cdev_lcore *lc = &cc->lcores[i];
		const size_t len = params->depth * sizeof(*lc->strms);
		const int node = cc->dev->qps[i].node;

		lc->strms = alloc_near("zcomp_strms", len, RTE_CACHE_LINE_SIZE, node);
		lc->bufs = alloc_near("zcomp_bufs", 3 * (size_t)params->depth * params->page_size,
		                      params->page_size, node);
		if (lc->strms == NULL || lc->bufs == NULL)
			return -ENOMEM;
		memset(lc->strms, 0, len);
		strms_init(lc, cc->lcores[i % cc->nr_xforms].xform, params);
	}
	return 0;
}

/* Codes of the page's own pack better; some devices have only the fixed ones. */
static enum rte_comp_huffman
huffman_of(const struct rte_compressdev_capabilities *cap)
{
	if ((cap->comp_feature_flags & RTE_COMP_FF_HUFFMAN_DYNAMIC) != 0)
		return RTE_COMP_HUFFMAN_DYNAMIC;
	if ((cap->comp_feature_flags & RTE_COMP_FF_HUFFMAN_FIXED) != 0)
		return RTE_COMP_HUFFMAN_FIXED;
	return RTE_COMP_HUFFMAN_DEFAULT;
}

/* Asks the driver only for what its capabilities promise: some do not survive a refusal. */
static int
xforms_create(struct cdev_comp *cc, const struct zcomp_params *params)
{
	const struct rte_compressdev_capabilities *cap = cdev_capability(cc->dev, params->codec);
	struct rte_comp_xform xform;
	unsigned int nr;
	int ret = 0;

	if (cap == NULL || 2 * params->page_size > UINT16_MAX)
		return -ENOTSUP;
	memset(&xform, 0, sizeof(xform));
	xform.type = RTE_COMP_COMPRESS;
	xform.compress.algo = cap->algo;
	xform.compress.level = params->level;
	xform.compress.window_size = cap->window_size.max;
	xform.compress.chksum = RTE_COMP_CHECKSUM_NONE;
	xform.compress.hash_algo = RTE_COMP_HASH_ALGO_NONE;
	if (cap->algo == RTE_COMP_ALGO_DEFLATE)
		xform.compress.deflate.huffman = huffman_of(cap);
	/* Without that flag the driver's working memory is in the xform. */
	nr = (cap->comp_feature_flags & RTE_COMP_FF_SHAREABLE_PRIV_XFORM) != 0 ? 1
	                                                                       : params->nr_lcores;
	while (ret == 0 && cc->nr_xforms < nr) {
		ret = rte_compressdev_private_xform_create(cc->dev->id, &xform,
		                                           &cc->lcores[cc->nr_xforms].xform);
		/* Not one that failed, whatever the driver has written there. */
		cc->nr_xforms += ret == 0;
	}
	return ret == 0 || ret == -ENOMEM ? ret : -ENOTSUP;
}

static void
unsupported_warn(const struct zcomp_params *params)
{
	zc_warn("%s does not compress %s at level %d in pages of %u",
	        rte_compressdev_name_get(params->dev->id), params->codec->name, params->level,
	        params->page_size);
}

static void
cdev_release_params(void *priv)
{
	struct cdev_comp *cc = priv;

	while (cc->nr_xforms > 0)
		rte_compressdev_private_xform_free(cc->dev->id, cc->lcores[--cc->nr_xforms].xform);
	for (unsigned int i = 0; i < cc->nr_lcores; i++) {
		rte_free(cc->lcores[i].bufs);
		rte_free(cc->lcores[i].strms);
	}
	free(cc);
}

static int
cdev_setup_params(struct zcomp_params *params, void **priv)
{
	struct cdev_comp *cc;
	size_t len;
	int ret;

	if (params->dev == NULL || params->nr_lcores > params->dev->nr_qps)
		return -EINVAL;
	len = sizeof(*cc) + params->nr_lcores * sizeof(cc->lcores[0]);
	cc = aligned_alloc(RTE_CACHE_LINE_SIZE, len);
	if (cc == NULL)
		return -ENOMEM;
	memset(cc, 0, len);
	cc->dev = params->dev;
	cc->nr_lcores = params->nr_lcores;
	/* One more than the queue pair takes: the spare, for when that keeps all others. */
	params->depth = RTE_MIN(params->depth, cc->dev->depth + 1);
	ret = xforms_create(cc, params);
	if (ret == -ENOTSUP)
		unsupported_warn(params);
	if (ret == 0)
		ret = strms_alloc(cc, params);
	if (ret != 0) {
		cdev_release_params(cc);
		return ret;
	}
	params->zstrm_mgmt = true;
	*priv = cc;
	return 0;
}

/* The data path. */

static struct zcomp_watch *
cdev_watches(void *priv)
{
	return ((struct cdev_comp *)priv)->dev->watches;
}

static struct cdev_strm *
strm_of(struct zcomp_strm *strm)
{
	return container_of(zstrm_to_managed(strm), struct cdev_strm, zstrm);
}

static struct managed_zstrm *
cdev_get_stream(void *priv, unsigned int lcore)
{
	struct cdev_lcore *lc = &((struct cdev_comp *)priv)->lcores[lcore];
	struct cdev_strm *s = lc->free;

	if (s == NULL)
		return NULL;
	lc->free = s->next;
	return &s->zstrm;
}

static void
cdev_put_stream(void *priv, struct managed_zstrm *zstrm)
{
	struct cdev_lcore *lc = &((struct cdev_comp *)priv)->lcores[zstrm->strm.lcore];
	struct cdev_strm *s = container_of(zstrm, struct cdev_strm, zstrm);

	s->next = lc->free;
	lc->free = s;
}

static struct rte_comp_op *
op_prepare(struct zcomp_strm *strm)
{
	struct rte_comp_op *op = &strm_of(strm)->op;

	/* Some drivers add to the lengths, and a refused operation keeps its status. */
	op->consumed = 0;
	op->produced = 0;
	op->status = RTE_COMP_OP_STATUS_NOT_PROCESSED;
	return op;
}

static int32_t
op_result(const struct rte_comp_op *op, uint32_t dst_len)
{
	switch (op->status) {
	case RTE_COMP_OP_STATUS_SUCCESS:
		if (op->consumed != op->src.length || op->produced == 0 || op->produced > dst_len)
			return -EIO;
		return (int32_t)op->produced;
	case RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

static struct zcomp_strm *
op_finish(struct rte_comp_op *op)
{
	struct zcomp_strm *strm = &container_of(op, struct cdev_strm, op)->zstrm.strm;

	strm->result = op_result(op, strm->dst_len);
	return strm;
}

static void
done_push(struct cdev_qp *qp, struct rte_comp_op *op)
{
	struct cdev_strm *s = container_of(op, struct cdev_strm, op);

	s->next = qp->done;
	qp->done = s;
}

/*
 * The driver stops at an operation, and the operation's status tells why: untouched, there is no
 * room. Else it was refused for good; or it was done, with all behind it, and only then there was
 * no room for the result, as the zlib driver does. Neither is to be offered again.
 */
static unsigned int
ops_push(struct zcomp_cdev *dev, unsigned int lcore, struct rte_comp_op **ops, unsigned int nr)
{
	unsigned int n = 0;

	while (n < nr) {
		n += rte_compressdev_enqueue_burst(dev->id, (uint16_t)lcore, &ops[n],
		                                   (uint16_t)(nr - n));
		if (n == nr || ops[n]->status == RTE_COMP_OP_STATUS_NOT_PROCESSED)
			break;
		do {
			done_push(&dev->qps[lcore], ops[n++]);
		} while (n < nr && ops[n]->status != RTE_COMP_OP_STATUS_NOT_PROCESSED);
	}
	return n;
}

static unsigned int
cdev_submit(void *priv, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct zcomp_cdev *dev = ((struct cdev_comp *)priv)->dev;
	struct rte_comp_op *ops[CDEV_BURST];
	unsigned int done = 0, burst, taken;

	do {
		burst = RTE_MIN(nr - done, CDEV_BURST);
		for (unsigned int i = 0; i < burst; i++)
			ops[i] = op_prepare(strms[done + i]);
		taken = ops_push(dev, lcore, ops, burst);
		done += taken;
	} while (taken == burst && done < nr);
	return done;
}

static unsigned int
cdev_poll(void *priv, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct zcomp_cdev *dev = ((struct cdev_comp *)priv)->dev;
	struct cdev_qp *qp = &dev->qps[lcore];
	struct rte_comp_op *ops[CDEV_BURST];
	unsigned int n = 0, burst;

	for (; qp->done != NULL && n < nr; qp->done = qp->done->next)
		strms[n++] = op_finish(&qp->done->op);
	burst = RTE_MIN(nr - n, CDEV_BURST);
	burst = rte_compressdev_dequeue_burst(dev->id, (uint16_t)lcore, ops, (uint16_t)burst);
	for (unsigned int i = 0; i < burst; i++)
		strms[n++] = op_finish(ops[i]);
	return n;
}

const struct zcomp_ops zcomp_backend_compressdev = {
        .name = "compressdev",
        .setup_params = cdev_setup_params,
        .release_params = cdev_release_params,
        .watches = cdev_watches,
        .get_stream = cdev_get_stream,
        .put_stream = cdev_put_stream,
        .submit = cdev_submit,
        .poll = cdev_poll,
};
