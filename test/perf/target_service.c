/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Target service: zcompd, through libzcl. One client, which is the calling thread, with one queue
 * that is kept full; one worker on a CPU of its own, or whatever a running service has. The disk is
 * ours and removed at the end.
 *
 * The client's time is that inside zcl_*() calls which made progress. In the others it could have
 * done something else; a spinning client would count them all.
 */

#include "target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/log.h"
#include "client/zcl.h"
#include "codec/codec.h"
#include "service_proc.h"
#include "ticks.h"

#define STALL_NS 20000000000u

struct service_target {
	struct target base;
	struct service_proc proc;
	struct zcl *zc;
	struct zcl_disk *disk;
	struct zcl_queue *queue;
	char name[32];     /* of the disk */
	uint64_t overhead; /* ticks of looking at the clock */
	uint64_t stores;
	uint64_t managed;
};

/* One store pass on its way. */
struct run {
	uint64_t total;
	uint64_t sent;
	uint64_t reaped;
	uint64_t staged;     /* since the last zcl_submit() */
	const uint8_t *same; /* all pages get this; NULL: the corpus */
	uint64_t sweep;
	uint32_t page;
	uint32_t shift;
	uint64_t ticks;      /* inside calls that made progress */
	uint64_t stalled_ns; /* when nothing was reaped first; 0 = something was */
};

static int
complain(const char *what, int err)
{
	zc_err("target service: %s: %s (%d)", what, zcl_strerror(err), err);
	return err;
}

static int
store_next(struct service_target *t, struct run *run)
{
	const struct corpus *c = t->base.env.corpus;
	const uint8_t *content =
	        run->same != NULL ? run->same : corpus_content(c, run->page, run->shift);
	uint64_t start = ticks_now();
	int ret = zcl_store(t->queue, run->page, content, run->page);
	uint64_t took = ticks_since(start, t->overhead);

	if (ret != 0)
		return ret == -EAGAIN ? ret : complain("zcl_store", ret);
	run->ticks += took;
	run->sent++;
	run->staged++;
	if (++run->page == c->nr) {
		run->page = 0;
		run->shift = corpus_shift(c, ++run->sweep);
	}
	return 0;
}

static int
submit(struct service_target *t, struct run *run)
{
	uint64_t start = ticks_now();
	int ret = zcl_submit(t->queue);

	if (ret < 0)
		return complain("zcl_submit", ret);
	if (ret > 0)
		run->ticks += ticks_since(start, t->overhead);
	run->staged = 0;
	return 0;
}

/* Fills the queue. A burst is submitted when it is whole, when it is the last, and when else the
 * service would have nothing to do. */
static int
fill(struct service_target *t, struct run *run)
{
	unsigned int burst = t->base.env.opts->burst;
	int ret = 0;

	while (ret == 0 && run->sent < run->total && run->sent - run->reaped < PERF_DEPTH) {
		ret = store_next(t, run);
		if (ret == 0 && run->staged >= burst)
			ret = submit(t, run);
	}
	if (ret == -EAGAIN)
		ret = 0;
	if (ret == 0 && run->staged > 0 &&
	    (run->sent == run->total || run->staged == run->sent - run->reaped))
		ret = submit(t, run);
	return ret;
}

/* Nothing was there to reap. */
static int
idle(struct service_target *t, struct run *run)
{
	uint64_t now = zc_now_ns();

	zc_pause();
	if (run->stalled_ns == 0)
		run->stalled_ns = now;
	if (now - run->stalled_ns < STALL_NS)
		return 0;
	return perf_place_stopped(t->base.env.place) ? -EINTR : complain("zcl_reap", -ETIME);
}

static int
reap(struct service_target *t, struct run *run)
{
	struct zcl_cqe cqes[PERF_DEPTH];
	uint64_t start = ticks_now();
	int nr = zcl_reap(t->queue, cqes, t->base.env.opts->burst);
	uint64_t took = ticks_since(start, t->overhead);

	if (nr < 0)
		return complain("zcl_reap", nr);
	if (nr == 0)
		return idle(t, run);
	run->ticks += took;
	run->reaped += (unsigned int)nr;
	run->stalled_ns = 0;
	for (int i = 0; i < nr; i++) {
		if (cqes[i].res != 0)
			return complain("a store failed", cqes[i].res);
		if ((cqes[i].flags & ZCL_CQE_MANAGED) != 0)
			t->managed++;
	}
	t->stores += (unsigned int)nr;
	return 0;
}

static int
store_all(struct service_target *t, struct run *run, double *client_ns)
{
	struct ticks_span span = ticks_begin();
	int ret = 0;

	while (ret == 0 && run->reaped < run->total) {
		ret = fill(t, run);
		if (ret == 0)
			ret = reap(t, run);
	}
	*client_ns = (double)run->ticks * ticks_unit(&span);
	return ret;
}

/* The sweeps from @p first on. */
static int
store_sweeps(struct service_target *t, uint64_t first, uint64_t sweeps, double *client_ns)
{
	const struct corpus *c = t->base.env.corpus;
	struct run run = {
	        .total = sweeps * c->nr,
	        .sweep = first,
	        .shift = corpus_shift(c, first),
	};

	t->base.sweep = first + sweeps - 1;
	return store_all(t, &run, client_ns);
}

static int
service_store(struct target *base, uint64_t sweeps, double *client_ns)
{
	struct service_target *t = (struct service_target *)base;

	return store_sweeps(t, base->sweep + 1, sweeps, client_ns);
}

static int
service_store_same(struct target *base, uint64_t sweeps, double *client_ns)
{
	static const _Alignas(64) uint8_t zeros[PERF_PAGE_SIZE];
	struct run run = {.total = sweeps * base->env.corpus->nr, .same = zeros};

	return store_all((struct service_target *)base, &run, client_ns);
}

static int
service_read(struct target *base, uint32_t page, void *dst)
{
	struct service_target *t = (struct service_target *)base;
	int ret = zcl_load(t->disk, page, dst);

	return ret == 0 ? 0 : complain("zcl_load", ret);
}

static int
service_load(struct target *base, uint64_t sweeps, struct zc_hist *hist)
{
	struct service_target *t = (struct service_target *)base;
	const struct corpus *c = base->env.corpus;
	char dst[PERF_PAGE_SIZE];
	int ret = 0;

	for (uint64_t s = 0; s < sweeps && ret == 0; s++) {
		for (uint32_t i = 0; i < c->nr && ret == 0; i++) {
			uint64_t start = hist != NULL ? ticks_now() : 0;

			ret = zcl_load(t->disk, c->order[i], dst);
			if (hist != NULL)
				zc_hist_add(hist, ticks_since(start, t->overhead));
		}
	}
	return ret == 0 ? 0 : complain("zcl_load", ret);
}

static int
service_stat(struct target *base, struct target_stat *stat)
{
	struct service_target *t = (struct service_target *)base;
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	int ret = zcl_disk_stat(t->disk, &st);

	if (ret != 0)
		return complain("zcl_disk_stat", ret);
	*stat = (struct target_stat){
	        .orig_bytes = st.orig_data_size,
	        .object_bytes = st.compr_data_size,
	        .mem_used = st.mem_used,
	        .mem_used_max = st.mem_used_max,
	        .stores = t->stores,
	        .managed = t->managed,
	};
	return 0;
}

static int
service_compact(struct target *base)
{
	struct service_target *t = (struct service_target *)base;
	char request[64], reply[512];
	int ret;

	snprintf(request, sizeof(request), "{\"cmd\":\"compact\",\"disk\":\"%s\"}", t->name);
	ret = zcl_admin(t->zc, request, reply, sizeof(reply));
	if (ret == 0 && strstr(reply, "\"ok\":true") == NULL) {
		zc_err("target service: %s", reply);
		return -EIO;
	}
	return ret == 0 ? 0 : complain("zcl_admin", ret);
}

/* A service of our own goes with all it has. */
static void
remove_disk(struct service_target *t)
{
	int ret;

	if (t->name[0] == '\0' || t->proc.pid > 0)
		return;
	ret = zcl_disk_remove(t->zc, t->name);
	if (ret != 0)
		zc_warn("target service: disk %s stays behind: %s", t->name, zcl_strerror(ret));
}

static void
service_destroy(struct target *base)
{
	struct service_target *t = (struct service_target *)base;

	if (t == NULL)
		return;
	zcl_queue_destroy(t->queue);
	zcl_disk_close(t->disk);
	remove_disk(t);
	zcl_close(t->zc);
	service_proc_stop(&t->proc);
	free(t);
}

/* Makes a disk for the corpus, and a queue. */
static int
make_disk(struct service_target *t)
{
	char algorithm[32], name[sizeof(t->name)];
	struct zcl_disk_opts disk = {
	        .sz = sizeof(disk),
	        .pages = t->base.env.corpus->nr,
	        .algorithm = algorithm,
	        .page_size = PERF_PAGE_SIZE,
	};
	struct zcl_queue_opts queue = {.sz = sizeof(queue), .depth = PERF_DEPTH};
	int ret;

	snprintf(algorithm, sizeof(algorithm), "%s:level=%d", t->base.env.opts->codec->name,
	         t->base.env.opts->level);
	snprintf(name, sizeof(name), "zcomp-perf-%d", (int)getpid());
	ret = zcl_disk_create(t->zc, name, &disk);
	if (ret != 0)
		return complain("zcl_disk_create", ret);
	memcpy(t->name, name, sizeof(name));
	ret = zcl_disk_open(t->zc, name, &t->disk);
	if (ret != 0)
		return complain("zcl_disk_open", ret);
	ret = zcl_queue_create(t->disk, &queue, &t->queue);
	return ret == 0 ? 0 : complain("zcl_queue_create", ret);
}

static int
service_create(const struct target_env *env, struct target **out)
{
	struct service_target *t = (struct service_target *)calloc(1, sizeof(*t));
	const char *socket = env->opts->socket;
	double client_ns;
	int ret = 0;

	if (t == NULL)
		return complain("no memory", -ENOMEM);
	t->base.ops = &target_service;
	t->base.env = *env;
	t->proc.said = -1;
	t->overhead = ticks_overhead();
	if (socket == NULL) {
		ret = service_proc_start(&t->proc, env->place, env->opts->zcompd);
		socket = t->proc.socket;
	}
	if (ret == 0) {
		ret = zcl_connect(socket, NULL, &t->zc);
		if (ret != 0)
			complain(socket, ret);
	}
	if (ret == 0)
		ret = make_disk(t);
	if (ret == 0)
		ret = store_sweeps(t, 0, 1, &client_ns);
	if (ret != 0) {
		service_destroy(&t->base);
		return ret;
	}
	*out = &t->base;
	return 0;
}

const struct target_ops target_service = {
        .name = "service",
        .doc = "zcompd with one worker, and one client with one queue",
        .nr_cpus = 2,
        .options = PERF_OPTION_ALGO | PERF_OPTION_COMPRESS_LEVEL | PERF_OPTION_BURST_SZ |
                   PERF_OPTION_SOCKET | PERF_OPTION_ZCOMPD,
        .create = service_create,
        .destroy = service_destroy,
        .store = service_store,
        .store_same = service_store_same,
        .load = service_load,
        .read = service_read,
        .stat = service_stat,
        .compact = service_compact,
};
