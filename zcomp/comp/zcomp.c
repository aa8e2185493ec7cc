/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The front end: it owns the per-lcore streams and the counters, and sends each stream back to
 * where it came from.
 *
 * Main lcore: create, destroy. Lcore N alone: everything in lcores[N]; the counters there are plain
 * words that others may read, hence the relaxed accesses.
 *
 * A per-lcore stream is free, held by the caller, or done: compressed by zcomp_submit() and waiting
 * for zcomp_poll(), so that the caller sees one flow for both kinds of stream. There is one for
 * each lcore, as in zram: it is the synchronous path, and bounds what an lcore does by itself.
 *
 * The buffers of an lcore are pages of their own, untouched here: they come from the memory of the
 * node that uses them first.
 */

#include "comp/zcomp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/log.h"

#define CACHE_LINE 64u
#define BUF_ALIGN  4096u

struct percpu_zstrm {
	struct zcomp_strm strm;
	void *ctx;
	bool held;
	bool done;
};

struct lcore {
	_Alignas(CACHE_LINE) struct percpu_zstrm percpu;
	_Alignas(CACHE_LINE) struct zcomp_stats stats;
};

struct zcomp {
	const struct zcomp_ops *ops;
	void *priv;
	struct zcomp_params params;
	bool is_set_up;
	void *bufs;
	struct lcore lcores[];
};

static size_t
align_up(size_t len, size_t align)
{
	return (len + align - 1) & ~(align - 1);
}

static void
count(uint64_t *counter, uint64_t nr)
{
	zc_store_relaxed(counter, zc_load_relaxed(counter) + nr);
}

static int
params_check(const struct zcomp_ops *ops, const struct zcomp_params *params)
{
	const struct zcodec *codec = params->codec;
	uint32_t page_size = params->page_size;

	if (codec == NULL || (ops->codec != NULL && ops->codec != codec))
		return -EINVAL;
	if (params->level < codec->level_min || params->level > codec->level_max)
		return -EINVAL;
	if (page_size < ZCOMP_PAGE_SIZE_MIN || page_size > ZCOMP_PAGE_SIZE_MAX ||
	    (page_size & (page_size - 1)) != 0)
		return -EINVAL;
	if (params->nr_lcores == 0 || params->depth > ZCOMP_DEPTH_MAX)
		return -EINVAL;
	return 0;
}

static void
percpu_init(struct zcomp *comp, unsigned int lcore, char *buf)
{
	const size_t page_size = comp->params.page_size;
	struct percpu_zstrm *percpu = &comp->lcores[lcore].percpu;

	percpu->strm.comp = comp;
	percpu->strm.lcore = lcore;
	percpu->strm.src = buf;
	percpu->strm.dst = buf + page_size;
	percpu->strm.dst_len = 2 * comp->params.page_size;
	percpu->ctx = buf + 3 * page_size;
}

static struct zcomp *
comp_alloc(const struct zcomp_ops *ops, const struct zcomp_params *params)
{
	const size_t buf_len =
	        align_up(3 * (size_t)params->page_size + params->codec->ctx_len(), BUF_ALIGN);
	const size_t len = sizeof(struct zcomp) + params->nr_lcores * sizeof(struct lcore);
	struct zcomp *comp = aligned_alloc(CACHE_LINE, len);

	if (comp == NULL)
		return NULL;
	memset(comp, 0, len);
	comp->bufs = aligned_alloc(BUF_ALIGN, params->nr_lcores * buf_len);
	if (comp->bufs == NULL) {
		free(comp);
		return NULL;
	}
	comp->ops = ops;
	comp->params = *params;
	comp->params.zstrm_mgmt = false;
	if (params->depth == 0)
		comp->params.depth = ZCOMP_DEPTH_DEFAULT;
	for (unsigned int i = 0; i < params->nr_lcores; i++)
		percpu_init(comp, i, (char *)comp->bufs + i * buf_len);
	return comp;
}

static int
backend_set_up(struct zcomp *comp)
{
	int ret;

	if (comp->ops->setup_params == NULL)
		return 0;
	ret = comp->ops->setup_params(&comp->params, &comp->priv);
	comp->is_set_up = ret == 0;
	if (ret == 0 || ret == -ENOMEM || ret == -EINVAL)
		return ret;
	comp->params.zstrm_mgmt = false;
	zc_warn("%s: no managed streams, %s is compressed by the lcores: %s", comp->ops->name,
	        comp->params.codec->name, strerror(-ret));
	return 0;
}

int
zcomp_create(const struct zcomp_ops *ops, const struct zcomp_params *params, struct zcomp **out)
{
	struct zcomp *comp;
	int ret = params_check(ops, params);

	if (ret != 0)
		return ret;
	comp = comp_alloc(ops, params);
	if (comp == NULL)
		return -ENOMEM;
	ret = backend_set_up(comp);
	if (ret != 0) {
		zcomp_destroy(comp);
		return ret;
	}
	*out = comp;
	return 0;
}

void
zcomp_destroy(struct zcomp *comp)
{
	if (comp == NULL)
		return;
	for (unsigned int i = 0; i < comp->params.nr_lcores; i++) {
		assert(!comp->lcores[i].percpu.held);
		assert(comp->lcores[i].stats.in_flight == 0);
	}
	if (comp->is_set_up && comp->ops->release_params != NULL)
		comp->ops->release_params(comp->priv);
	free(comp->bufs);
	free(comp);
}

static struct zcomp_strm *
percpu_get(struct percpu_zstrm *percpu)
{
	if (percpu->held)
		return NULL;
	percpu->held = true;
	return &percpu->strm;
}

static struct zcomp_strm *
managed_get(struct zcomp *comp, unsigned int lcore)
{
	struct managed_zstrm *zstrm;

	if (!comp->params.zstrm_mgmt)
		return NULL;
	zstrm = comp->ops->get_stream(comp->priv, lcore);
	if (zstrm == NULL) {
		count(&comp->lcores[lcore].stats.refused, 1);
		return NULL;
	}
	zstrm->strm.comp = comp;
	zstrm->strm.lcore = lcore;
	zstrm->strm.managed = true;
	return &zstrm->strm;
}

struct zcomp_strm *
zcomp_stream_get(struct zcomp *comp, unsigned int lcore, enum zstrm_pref pref)
{
	struct zcomp_strm *strm;

	assert(lcore < comp->params.nr_lcores);
	if (pref != ZSTRM_DEFAULT) {
		strm = managed_get(comp, lcore);
		if (strm != NULL || pref == ZSTRM_ONLY_MGMT)
			return strm;
	}
	return percpu_get(&comp->lcores[lcore].percpu);
}

void
zcomp_stream_put(struct zcomp_strm *strm)
{
	struct zcomp *comp = strm->comp;
	struct percpu_zstrm *percpu;

	if (strm->managed) {
		comp->ops->put_stream(comp->priv, zstrm_to_managed(strm));
		return;
	}
	percpu = &comp->lcores[strm->lcore].percpu;
	assert(percpu->held && !percpu->done);
	percpu->held = false;
}

static void
percpu_submit(const struct zcomp *comp, struct percpu_zstrm *percpu)
{
	const struct zcomp_params *params = &comp->params;
	struct zcomp_strm *strm = &percpu->strm;

	assert(percpu->held && !percpu->done);
	strm->result = params->codec->compress(percpu->ctx, params->level, strm->src,
	                                       params->page_size, strm->dst, strm->dst_len);
	percpu->done = true;
}

/* How many managed streams @strms begins with; at least one. */
static unsigned int
managed_run(struct zcomp_strm *const *strms, unsigned int nr)
{
	unsigned int run = 1;

	while (run < nr && strms[run]->managed)
		run++;
	return run;
}

unsigned int
zcomp_submit(struct zcomp *comp, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct lcore *lc = &comp->lcores[lcore];
	unsigned int done = 0;

	while (done < nr) {
		unsigned int run, taken;

		assert(strms[done]->comp == comp && strms[done]->lcore == lcore);
		if (!strms[done]->managed) {
			percpu_submit(comp, &lc->percpu);
			done++;
			continue;
		}
		run = managed_run(&strms[done], nr - done);
		taken = comp->ops->submit(comp->priv, lcore, &strms[done], run);
		count(&lc->stats.in_flight, taken);
		done += taken;
		if (taken < run)
			break;
	}
	return done;
}

/* Counts at the stream's own compressor, which may be another than the one that was polled. */
static void
managed_count(const struct zcomp_strm *strm)
{
	struct zcomp_stats *stats = &strm->comp->lcores[strm->lcore].stats;

	count(&stats->managed, 1);
	count(&stats->in_flight, -(uint64_t)1);
	if (strm->result < 0 && strm->result != -ENOSPC)
		count(&stats->errors, 1);
}

static struct zcomp_strm *
percpu_poll(struct lcore *lc)
{
	struct zcomp_strm *strm = &lc->percpu.strm;

	lc->percpu.done = false;
	count(&lc->stats.percpu, 1);
	if (strm->result < 0 && strm->result != -ENOSPC)
		count(&lc->stats.errors, 1);
	return strm;
}

unsigned int
zcomp_poll(struct zcomp *comp, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct lcore *lc = &comp->lcores[lcore];
	unsigned int n = 0, end;

	if (lc->percpu.done && nr > 0)
		strms[n++] = percpu_poll(lc);
	if (!comp->params.zstrm_mgmt || n == nr)
		return n;
	end = n + comp->ops->poll(comp->priv, lcore, &strms[n], nr - n);
	for (; n < end; n++)
		managed_count(strms[n]);
	return n;
}

void
zcomp_stats(const struct zcomp *comp, unsigned int lcore, struct zcomp_stats *out)
{
	const struct zcomp_stats *stats = &comp->lcores[lcore].stats;

	out->managed = zc_load_relaxed(&stats->managed);
	out->percpu = zc_load_relaxed(&stats->percpu);
	out->refused = zc_load_relaxed(&stats->refused);
	out->errors = zc_load_relaxed(&stats->errors);
	out->in_flight = zc_load_relaxed(&stats->in_flight);
}

bool
zcomp_managed(const struct zcomp *comp)
{
	return comp->params.zstrm_mgmt;
}

const char *
zcomp_name(const struct zcomp *comp)
{
	return comp->ops->name;
}
