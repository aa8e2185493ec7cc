/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The front end: it owns the per-lcore streams, the list of managers (a backend's instance each: a
 * device) and the counters, and sends each stream back to where it came from.
 *
 * Main lcore: create, add, destroy. Lcore N alone: everything in lcores[N], and watch N of each
 * manager; the counters there are plain words that others may read, hence the relaxed accesses.
 *
 * Managers are used by turns: the turn goes on with each submission, so that a burst is one
 * doorbell. What a manager's watch says of its device decides whether it gets pages at all.
 *
 * A per-lcore stream is free, held by the caller, or done: compressed by zcomp_submit() and waiting
 * for zcomp_poll(), so that the caller sees one flow for both kinds of stream. There is one for
 * each lcore, as in zram: it is the synchronous path, and bounds what an lcore does by itself.
 *
 * Of each manager an lcore keeps one stream back, the spare: it goes out when the device has all
 * others and nobody waits for them any more, or there would be none to find out that it is well
 * again. Backends are asked for one more than the depth.
 *
 * The buffers of an lcore are pages of their own, untouched here: they come from the memory of the
 * node that uses them first.
 */

#include "comp/zcomp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/log.h"

#define CACHE_LINE 64u
#define BUF_ALIGN  4096u
/* The clock is read for one software page of so many, and the mean follows the last 8 of those. */
#define SOFT_SAMPLE 16u
#define SOFT_SHIFT  3
/* Managed pages after which the mean is forgotten, if no page has confirmed it: a first one that
 * took long by accident would keep all others away. */
#define SOFT_FORGET 4096u
#define FADE_SHIFT  5

struct percpu_zstrm {
	struct zcomp_strm strm;
	void *ctx;
	bool held;
	bool done;
};

struct lcore {
	_Alignas(CACHE_LINE) struct percpu_zstrm percpu;
	uint64_t soft_ns;                  /* a page on the per-lcore stream, mean; 0 = not known */
	unsigned int soft_left;            /* managed pages until it is forgotten */
	uint64_t faded_ns;                 /* taken off what is expected of devices */
	unsigned int turn;                 /* whose it is: less than there are managers */
	uint32_t lost[ZCOMP_MANAGERS_MAX]; /* streams of each that its device has lost */
	struct managed_zstrm *spares[ZCOMP_MANAGERS_MAX]; /* one of each, or NULL */
	bool spare_is_out[ZCOMP_MANAGERS_MAX];            /* the next one put takes its place */
	_Alignas(CACHE_LINE) struct zcomp_stats stats;
};

/* A backend's instance. */
struct zcomp_manager {
	const struct zcomp_ops *ops;
	void *priv;
	struct zcomp_params params; /* depth: without the spare */
	struct zcomp_watch *watches;
	struct zcomp_watch *own_watches; /* the same, when they are not the backend's */
};

struct zcomp {
	const char *name;
	struct zcomp_params params;
	struct zcomp_manager managers[ZCOMP_MANAGERS_MAX];
	unsigned int nr_managers;
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

/* What malloc() has used before lies where it was used. Only where pages are ours as a whole. */
static void
forget_pages(void *mem, size_t len)
{
	if (sysconf(_SC_PAGESIZE) == (long)BUF_ALIGN)
		(void)madvise(mem, len, MADV_DONTNEED);
}

static struct zcomp *
comp_alloc(const struct zcomp_params *params)
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
	forget_pages(comp->bufs, params->nr_lcores * buf_len);
	comp->params = *params;
	comp->params.zstrm_mgmt = false;
	if (params->depth == 0)
		comp->params.depth = ZCOMP_DEPTH_DEFAULT;
	if (params->now_ns == NULL)
		comp->params.now_ns = zc_now_ns;
	for (unsigned int i = 0; i < params->nr_lcores; i++)
		percpu_init(comp, i, (char *)comp->bufs + i * buf_len);
	return comp;
}

static int
watches_get(struct zcomp_manager *m)
{
	const unsigned int nr = m->params.nr_lcores;

	if (m->ops->watches != NULL)
		m->watches = m->ops->watches(m->priv);
	if (m->watches != NULL) {
		for (unsigned int i = 0; i < nr && m->params.hang_ns != 0; i++)
			zc_store_relaxed(&m->watches[i].hang_ns, m->params.hang_ns);
		return 0;
	}
	m->own_watches = aligned_alloc(CACHE_LINE, nr * sizeof(*m->own_watches));
	if (m->own_watches == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < nr; i++)
		zcomp_watch_init(&m->own_watches[i], m->params.hang_ns);
	m->watches = m->own_watches;
	return 0;
}

static void
manager_fini(struct zcomp_manager *m)
{
	if (m->ops->release_params != NULL)
		m->ops->release_params(m->priv);
	free(m->own_watches);
}

/* A backend with a single stream has none to spare. */
static void
spares_take(struct zcomp *comp, unsigned int at)
{
	struct zcomp_manager *m = &comp->managers[at];

	if (m->params.depth < 2)
		return;
	m->params.depth--;
	for (unsigned int i = 0; i < m->params.nr_lcores; i++) {
		struct managed_zstrm *spare = m->ops->get_stream(m->priv, i);

		if (spare != NULL)
			spare->strm.lcore = i;
		comp->lcores[i].spares[at] = spare;
	}
}

static void
spares_return(struct zcomp *comp, unsigned int at)
{
	const struct zcomp_manager *m = &comp->managers[at];

	for (unsigned int i = 0; i < m->params.nr_lcores; i++) {
		if (comp->lcores[i].spares[at] != NULL)
			m->ops->put_stream(m->priv, comp->lcores[i].spares[at]);
	}
}

/* Sets up one more backend. One that manages no streams leaves no trace but its log line. */
int
zcomp_add(struct zcomp *comp, const struct zcomp_ops *ops, struct zcomp_cdev *dev)
{
	struct zcomp_manager *m = &comp->managers[comp->nr_managers];
	int ret;

	if (ops->codec != NULL && ops->codec != comp->params.codec)
		return -EINVAL;
	if (comp->nr_managers == ZCOMP_MANAGERS_MAX)
		return -ENOSPC;
	if (ops->setup_params == NULL)
		return 0;
	*m = (struct zcomp_manager){.ops = ops, .params = comp->params};
	m->params.dev = dev;
	m->params.depth++;
	ret = ops->setup_params(&m->params, &m->priv);
	if (ret == -ENOMEM || ret == -EINVAL)
		return ret;
	if (ret != 0) {
		zc_warn("%s: no managed streams, %s is compressed by the lcores: %s", ops->name,
		        comp->params.codec->name, strerror(-ret));
		return 0;
	}
	ret = m->params.zstrm_mgmt ? watches_get(m) : 0;
	if (ret != 0 || !m->params.zstrm_mgmt) {
		manager_fini(m);
		return ret;
	}
	spares_take(comp, comp->nr_managers);
	if (comp->nr_managers++ == 0)
		comp->name = ops->name;
	return 0;
}

int
zcomp_create(const struct zcomp_ops *ops, const struct zcomp_params *params, struct zcomp **out)
{
	struct zcomp *comp;
	int ret = params_check(ops, params);

	if (ret != 0)
		return ret;
	comp = comp_alloc(params);
	if (comp == NULL)
		return -ENOMEM;
	comp->name = ops->name;
	ret = zcomp_add(comp, ops, params->dev);
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
	for (unsigned int i = comp->nr_managers; i-- > 0;) {
		spares_return(comp, i);
		manager_fini(&comp->managers[i]);
	}
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

static struct managed_zstrm *
strm_take(struct zcomp *comp, const struct zcomp_manager *m, unsigned int lcore)
{
	const unsigned int at = (unsigned int)(m - comp->managers);
	struct managed_zstrm *zstrm = m->ops->get_stream(m->priv, lcore);
	struct lcore *lc = &comp->lcores[lcore];

	if (zstrm != NULL || lc->lost[at] < m->params.depth)
		return zstrm;
	zstrm = lc->spares[at];
	lc->spares[at] = NULL;
	lc->spare_is_out[at] = zstrm != NULL || lc->spare_is_out[at];
	return zstrm;
}

/* Whichever comes back first is the spare again. */
static void
strm_return(struct zcomp *comp, const struct zcomp_manager *m, struct managed_zstrm *zstrm)
{
	const unsigned int at = (unsigned int)(m - comp->managers);
	struct lcore *lc = &comp->lcores[zstrm->strm.lcore];

	if (!lc->spare_is_out[at]) {
		m->ops->put_stream(m->priv, zstrm);
		return;
	}
	lc->spares[at] = zstrm;
	lc->spare_is_out[at] = false;
}

static struct zcomp_strm *
manager_get(struct zcomp *comp, struct zcomp_manager *m, unsigned int lcore)
{
	struct managed_zstrm *zstrm = strm_take(comp, m, lcore);
	struct zcomp_watch *w = &m->watches[lcore];

	if (zstrm == NULL)
		return NULL;
	zstrm->strm.comp = comp;
	zstrm->strm.lcore = lcore;
	zstrm->strm.managed = true;
	zstrm->strm.manager = m;
	zstrm->strm.probe = zcomp_watch_suspect(w);
	/* A probe is due once, so only who has a stream for it may ask. */
	if (zstrm->strm.probe && !zcomp_watch_probe(w, m->params.now_ns())) {
		strm_return(comp, m, zstrm);
		return NULL;
	}
	return &zstrm->strm;
}

/* The managers by turns, beginning with whose turn it is. @i is less than there are. */
static unsigned int
manager_idx(const struct zcomp *comp, unsigned int lcore, unsigned int i)
{
	unsigned int at = comp->lcores[lcore].turn + i;

	return at < comp->nr_managers ? at : at - comp->nr_managers;
}

static struct zcomp_manager *
manager_at(struct zcomp *comp, unsigned int lcore, unsigned int i)
{
	return &comp->managers[manager_idx(comp, lcore, i)];
}

static struct zcomp_strm *
managed_get(struct zcomp *comp, unsigned int lcore)
{
	struct zcomp_strm *strm;

	for (unsigned int i = 0; i < comp->nr_managers; i++) {
		strm = manager_get(comp, manager_at(comp, lcore, i), lcore);
		if (strm != NULL)
			return strm;
	}
	if (comp->nr_managers > 0)
		count(&comp->lcores[lcore].stats.refused, 1);
	return NULL;
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
		if (strm->probe)
			zcomp_watch_unprobe(&strm->manager->watches[strm->lcore]);
		/* One that its device still has goes back when the device returns it. */
		if (strm->lost)
			strm->put = true;
		else
			strm_return(comp, strm->manager, zstrm_to_managed(strm));
		return;
	}
	percpu = &comp->lcores[strm->lcore].percpu;
	assert(percpu->held && !percpu->done);
	percpu->held = false;
}

static void
percpu_compress(const struct zcomp *comp, struct percpu_zstrm *percpu)
{
	const struct zcomp_params *params = &comp->params;
	struct zcomp_strm *strm = &percpu->strm;

	assert(percpu->held && !percpu->done);
	strm->result = params->codec->compress(percpu->ctx, params->level, strm->src,
	                                       params->page_size, strm->dst, strm->dst_len);
	percpu->done = true;
}

static void
soft_add(struct lcore *lc, uint64_t ns)
{
	ns = ns != 0 ? ns : 1;
	if (lc->soft_ns == 0)
		lc->soft_ns = ns;
	else
		lc->soft_ns += (ns >> SOFT_SHIFT) - (lc->soft_ns >> SOFT_SHIFT);
	lc->soft_left = SOFT_FORGET;
}

static void
soft_forget(struct lcore *lc, unsigned int managed)
{
	if (lc->soft_left > managed)
		lc->soft_left -= managed;
	else
		lc->soft_ns = 0;
}

/* Only where there are devices is it of interest how long software takes. */
static void
percpu_submit(const struct zcomp *comp, struct lcore *lc)
{
	uint64_t start_ns;

	if (comp->nr_managers == 0 || (lc->soft_ns != 0 && lc->stats.percpu % SOFT_SAMPLE != 0)) {
		percpu_compress(comp, &lc->percpu);
		return;
	}
	start_ns = comp->params.now_ns();
	percpu_compress(comp, &lc->percpu);
	soft_add(lc, comp->params.now_ns() - start_ns);
}

/* How many streams of one manager @strms begins with, a probe by itself; at least one. */
static unsigned int
managed_run(struct zcomp_strm *const *strms, unsigned int nr)
{
	unsigned int run = 1;

	while (run < nr && strms[run]->managed && strms[run]->manager == strms[0]->manager &&
	       !strms[run]->probe && !strms[0]->probe)
		run++;
	return run;
}

/* @return how many of the run were taken, by the device or, when that is suspect, by its watch */
static unsigned int
managed_submit(struct zcomp_strm **strms, unsigned int run, unsigned int lcore)
{
	struct zcomp_manager *m = strms[0]->manager;
	struct zcomp_watch *w = &m->watches[lcore];
	unsigned int taken = 0;

	if (!zcomp_watch_suspect(w) || strms[0]->probe) {
		strms[0]->probe = false;
		taken = m->ops->submit(m->priv, lcore, strms, run);
		zcomp_watch_submitted(w, strms, taken, m->params.now_ns());
	}
	if (taken > 0 || !zcomp_watch_suspect(w))
		return taken;
	/* Nobody is to wait until such a device takes something. */
	for (; taken < run; taken++)
		zcomp_watch_fail(w, strms[taken]);
	return taken;
}

unsigned int
zcomp_submit(struct zcomp *comp, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct lcore *lc = &comp->lcores[lcore];
	unsigned int done = 0, managed = 0, run, taken;

	while (done < nr) {
		assert(strms[done]->comp == comp && strms[done]->lcore == lcore);
		if (!strms[done]->managed) {
			percpu_submit(comp, lc);
			done++;
			continue;
		}
		run = managed_run(&strms[done], nr - done);
		taken = managed_submit(&strms[done], run, lcore);
		managed += taken;
		done += taken;
		if (taken < run)
			break;
	}
	if (managed > 0) {
		count(&lc->stats.in_flight, managed);
		soft_forget(lc, managed);
		lc->turn = lc->turn + 1 < comp->nr_managers ? lc->turn + 1 : 0;
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

/* The count that a lost stream is in, that of its own compressor. */
static uint32_t *
lost_of(const struct zcomp_strm *strm)
{
	struct zcomp *comp = strm->comp;

	return &comp->lcores[strm->lcore].lost[strm->manager - comp->managers];
}

/* Keeps those that somebody waits for. */
static unsigned int
keep_awaited(struct zcomp_watch *w, struct zcomp_strm **strms, unsigned int nr, uint64_t now_ns)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < nr; i++) {
		struct zcomp_strm *strm = strms[i];

		assert(&strm->manager->watches[strm->lcore] == w);
		if (zcomp_watch_done(w, strm, now_ns)) {
			strms[n++] = strm;
			continue;
		}
		(*lost_of(strm))--;
		if (strm->put) {
			strm->put = false;
			zcomp_stream_put(strm);
		}
	}
	return n;
}

static unsigned int
manager_poll(struct zcomp_manager *m, unsigned int lcore, struct zcomp_strm **strms,
             unsigned int nr)
{
	struct zcomp_watch *w = &m->watches[lcore];
	unsigned int n, kept;
	uint64_t now_ns;

	if (zcomp_watch_idle(w))
		return 0;
	n = m->ops->poll(m->priv, lcore, strms, nr);
	now_ns = m->params.now_ns();
	kept = keep_awaited(w, strms, n, now_ns);
	n = kept + zcomp_watch_take(w, &strms[kept], nr - kept, now_ns);
	for (; kept < n; kept++) {
		if (strms[kept]->lost)
			(*lost_of(strms[kept]))++;
	}
	return n;
}

unsigned int
zcomp_poll(struct zcomp *comp, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct lcore *lc = &comp->lcores[lcore];
	unsigned int n = 0, counted;

	if (lc->percpu.done && nr > 0)
		strms[n++] = percpu_poll(lc);
	counted = n;
	for (unsigned int i = 0; i < comp->nr_managers && n < nr; i++)
		n += manager_poll(manager_at(comp, lcore, i), lcore, &strms[n], nr - n);
	for (; counted < n; counted++)
		managed_count(strms[counted]);
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
	return comp->nr_managers > 0;
}

bool
zcomp_healthy(const struct zcomp *comp, unsigned int lcore)
{
	for (unsigned int i = 0; i < comp->nr_managers; i++) {
		const struct zcomp_manager *m = &comp->managers[i];

		if (!zcomp_watch_suspect(&m->watches[lcore]) &&
		    comp->lcores[lcore].lost[i] < m->params.depth)
			return true;
	}
	return false;
}

/* The watch of the manager that zcomp_stream_get() would ask first, or NULL. */
static const struct zcomp_watch *
next_watch(const struct zcomp *comp, unsigned int lcore)
{
	for (unsigned int i = 0; i < comp->nr_managers; i++) {
		unsigned int at = manager_idx(comp, lcore, i);
		const struct zcomp_watch *w = &comp->managers[at].watches[lcore];

		if (!zcomp_watch_suspect(w))
			return w;
	}
	return NULL;
}

struct zcomp_expected
zcomp_expected(const struct zcomp *comp, unsigned int lcore)
{
	const struct zcomp_watch *w = next_watch(comp, lcore);

	return (struct zcomp_expected){
	        .managed_ns = w != NULL ? zcomp_watch_expected_ns(w) : 0,
	        .backlog_ns = w != NULL ? zcomp_watch_backlog_ns(w) : 0,
	        .software_ns = comp->lcores[lcore].soft_ns,
	        .faded_ns = comp->lcores[lcore].faded_ns,
	        .idle = w != NULL && zcomp_watch_idle(w) && w->refused_ns == 0,
	};
}

void
zcomp_expected_fade(struct zcomp *comp, unsigned int lcore, bool tried)
{
	struct lcore *lc = &comp->lcores[lcore];

	lc->faded_ns = tried ? 0 : lc->faded_ns + (lc->soft_ns >> FADE_SHIFT) + 1;
}

uint64_t
zcomp_now_ns(const struct zcomp *comp)
{
	return comp->params.now_ns();
}

const char *
zcomp_name(const struct zcomp *comp)
{
	return comp->name;
}
