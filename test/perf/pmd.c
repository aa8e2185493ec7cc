/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A compressdev is opened: its queue pair, xforms, operations and mbufs. Main thread only. A device
 * is asked only for what its capabilities promise: some do not survive a refusal.
 */

#include "pmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_compressdev.h>
#include <rte_malloc.h>
#include <rte_version.h>

#include "base/log.h"
#include "codec/codec.h"

/* LZ4 has a name since 23.03; the libraries before pass the number through. */
#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
#define RTE_COMP_ALGO_LZ4 ((enum rte_comp_algorithm)4)
#endif

/* Some drivers have room for one operation less than they were asked for. */
#define QUEUE_DEPTH (2 * PERF_DEPTH)

static enum rte_comp_algorithm
algorithm_of(const struct perf_opts *opts)
{
	switch (opts->codec->id) {
	case ZCODEC_LZ4:
		return RTE_COMP_ALGO_LZ4;
	case ZCODEC_DEFLATE:
		return RTE_COMP_ALGO_DEFLATE;
	default:
		return RTE_COMP_ALGO_NULL;
	}
}

static int
refuse(const char *option, const char *why)
{
	zc_err("target pmd: %s: the device %s", option, why);
	return -ENOTSUP;
}

static int
choose_huffman(const struct pmd *p, const struct rte_compressdev_capabilities *cap,
               enum rte_comp_huffman *out)
{
	const uint64_t flags = cap->comp_feature_flags;

	switch (p->opts->huffman) {
	case PERF_HUFFMAN_DEFAULT:
		*out = RTE_COMP_HUFFMAN_DEFAULT;
		return 0;
	case PERF_HUFFMAN_FIXED:
		*out = RTE_COMP_HUFFMAN_FIXED;
		return (flags & RTE_COMP_FF_HUFFMAN_FIXED) != 0
		               ? 0
		               : refuse("--huffman-enc", "has no fixed codes");
	default:
		*out = RTE_COMP_HUFFMAN_DYNAMIC;
		return (flags & RTE_COMP_FF_HUFFMAN_DYNAMIC) != 0
		               ? 0
		               : refuse("--huffman-enc", "has no dynamic codes");
	}
}

static int
choose_window(const struct pmd *p, const struct rte_compressdev_capabilities *cap, uint8_t *out)
{
	char why[64];

	*out = cap->window_size.max;
	if (p->opts->window == 0)
		return 0;
	*out = (uint8_t)p->opts->window;
	if (*out >= cap->window_size.min && *out <= cap->window_size.max)
		return 0;
	snprintf(why, sizeof(why), "has %u to %u", cap->window_size.min, cap->window_size.max);
	return refuse("--window-sz", why);
}

static int
create_xforms(struct pmd *p, const struct rte_compressdev_capabilities *cap, const char *name)
{
	struct rte_comp_xform compress = {
	        .type = RTE_COMP_COMPRESS,
	        .compress = {.algo = cap->algo, .level = p->opts->level},
	};
	struct rte_comp_xform decompress = {
	        .type = RTE_COMP_DECOMPRESS,
	        .decompress = {.algo = cap->algo},
	};
	int ret = choose_window(p, cap, &compress.compress.window_size);

	decompress.decompress.window_size = compress.compress.window_size;
	if (ret == 0 && cap->algo == RTE_COMP_ALGO_DEFLATE)
		ret = choose_huffman(p, cap, &compress.compress.deflate.huffman);
	if (ret != 0)
		return ret;
	ret = rte_compressdev_private_xform_create(p->id, &compress, &p->xforms[PMD_COMPRESS]);
	if (ret != 0) {
		p->xforms[PMD_COMPRESS] = NULL;
		zc_err("target pmd: %s does not compress at level %d: %s", name, p->opts->level,
		       strerror(-ret));
		return ret;
	}
	/* A device may compress only. */
	if (rte_compressdev_private_xform_create(p->id, &decompress, &p->xforms[PMD_DECOMPRESS]) !=
	    0)
		p->xforms[PMD_DECOMPRESS] = NULL;
	return 0;
}

/* A driver does not tell how deep its queues may be, so it is asked for less until it agrees. */
static int
start(struct pmd *p)
{
	struct rte_compressdev_config config = {
	        .socket_id = rte_compressdev_socket_id(p->id),
	        .nb_queue_pairs = 1,
	        .max_nb_priv_xforms = PMD_DIRECTIONS,
	};
	uint32_t depth = QUEUE_DEPTH;
	int ret = rte_compressdev_configure(p->id, &config);

	if (ret != 0)
		return ret;
	while ((ret = rte_compressdev_queue_pair_setup(p->id, 0, depth, config.socket_id)) ==
	               -EINVAL &&
	       depth > 2)
		depth /= 2;
	p->depth = RTE_MIN(PERF_DEPTH, depth - 1);
	if (ret == 0)
		ret = rte_compressdev_start(p->id);
	if (ret != 0)
		rte_compressdev_close(p->id);
	p->started = ret == 0;
	return ret;
}

static void
keep_external(void *addr, void *arg)
{
	(void)addr;
	(void)arg;
}

static void
attach(struct pmd *p, struct rte_mbuf *m, uint16_t len)
{
	rte_pktmbuf_attach_extbuf(m, (char *)p->zone->addr + p->zone_used,
	                          p->zone->iova + p->zone_used, len, &p->shared);
	p->zone_used += len;
}

static struct rte_mbuf *
make_chain(struct pmd *p, uint16_t seg_len)
{
	struct rte_mbuf *first = NULL, **link = &first;

	for (unsigned int i = 0; i < p->nr_segs; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);

		if (m == NULL)
			return NULL;
		if (p->zone != NULL)
			attach(p, m, seg_len);
		m->data_len = seg_len;
		*link = m;
		link = &m->next;
	}
	first->nb_segs = (uint16_t)p->nr_segs;
	first->pkt_len = p->nr_segs * seg_len;
	return first;
}

static int
make_slots(struct pmd *p)
{
	const uint16_t seg_len = (uint16_t)p->opts->seg_sz;

	p->slots = (struct pmd_slot *)rte_zmalloc("perf_pmd", p->depth * sizeof(*p->slots),
	                                          RTE_CACHE_LINE_SIZE);
	if (p->slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->depth; i++) {
		struct pmd_slot *s = &p->slots[i];

		s->page = make_chain(p, seg_len);
		s->object = make_chain(p, (uint16_t)(2 * seg_len));
		if (s->page == NULL || s->object == NULL)
			return -ENOMEM;
		s->op.op_type = RTE_COMP_OP_STATELESS;
		s->op.iova_addr = rte_mem_virt2iova(&s->op);
		s->op.flush_flag = RTE_COMP_FLUSH_FINAL;
		s->next = p->free;
		p->free = s;
	}
	return 0;
}

static int
make_memory(struct pmd *p)
{
	const int socket = rte_compressdev_socket_id(p->id);
	const uint32_t nr = 2 * p->depth * p->nr_segs;
	const bool external = p->opts->external_mbufs;

	p->pool = rte_pktmbuf_pool_create(
	        "perf_pmd", nr, 0, 0,
	        (uint16_t)(RTE_PKTMBUF_HEADROOM + (external ? 0 : 2 * p->opts->seg_sz)), socket);
	if (external) {
		p->shared.free_cb = keep_external;
		rte_mbuf_ext_refcnt_set(&p->shared, (uint16_t)1);
		p->zone = rte_memzone_reserve_aligned("perf_pmd",
		                                      (size_t)p->depth * 3 * PERF_PAGE_SIZE, socket,
		                                      RTE_MEMZONE_IOVA_CONTIG, RTE_CACHE_LINE_SIZE);
	}
	if (p->pool != NULL && (p->zone != NULL || !external) && make_slots(p) == 0)
		return 0;
	zc_err("target pmd: EAL has no memory for %u mbufs", nr);
	return -ENOMEM;
}

int
pmd_open(struct pmd *p, const struct perf_opts *opts, const char *name)
{
	const struct rte_compressdev_capabilities *cap;
	int id = rte_compressdev_get_dev_id(name), ret;

	p->opts = opts;
	p->nr_segs = PERF_PAGE_SIZE / opts->seg_sz;
	if (id < 0) {
		zc_err("target pmd: %s is no compression device", name);
		return -ENODEV;
	}
	p->id = (uint8_t)id;
	cap = rte_compressdev_capability_get(p->id, algorithm_of(opts));
	if (cap == NULL) {
		zc_err("target pmd: %s does not do %s", name, opts->codec->name);
		return -ENOTSUP;
	}
	if (p->nr_segs > 1 && (cap->comp_feature_flags & RTE_COMP_FF_OOP_SGL_IN_SGL_OUT) == 0)
		return refuse("--seg-sz", "does not take chains of segments");
	ret = start(p);
	if (ret != 0) {
		zc_err("target pmd: %s does not start: %s", name, strerror(-ret));
		return ret;
	}
	ret = create_xforms(p, cap, name);
	return ret == 0 ? make_memory(p) : ret;
}

void
pmd_close(struct pmd *p)
{
	if (!p->started)
		return;
	rte_compressdev_stop(p->id);
	for (unsigned int i = 0; i < PMD_DIRECTIONS; i++) {
		if (p->xforms[i] != NULL)
			rte_compressdev_private_xform_free(p->id, p->xforms[i]);
	}
	rte_compressdev_close(p->id);
	rte_free(p->slots);
	rte_memzone_free(p->zone);
	rte_mempool_free(p->pool);
}
