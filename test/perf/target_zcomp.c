/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Target zcomp: the compression front end over a compressdev, without the service. Pages go through
 * managed streams only, into a table of objects; loads are the codec's. Main thread only.
 *
 * The client's time is all but that of polls which found nothing.
 */

#include "target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/log.h"
#include "comp/compressdev.h"
#include "device.h"
#include "objects.h"
#include "ticks.h"

#define LOOK_POLLS 1024u /* empty ones between two looks at the signals: each is a system call */

struct zcomp_target {
	struct target base;
	struct perf_device device;
	struct zcomp_cdev *cdev;
	struct zcomp *comp;
	struct objects objects;
};

/* One store pass on its way. */
struct run {
	uint64_t total;
	uint64_t begun;
	uint64_t done;
	uint64_t sweep;
	uint32_t page;
	uint32_t shift;
	unsigned int nr_filled;
	unsigned int empty; /* polls */
	uint64_t idle_ticks;
	struct zcomp_strm *filled[PERF_DEPTH];
};

static void
fill(const struct zcomp_target *t, struct run *run)
{
	const struct corpus *c = t->base.env.corpus;
	struct zcomp_strm *strm;

	while (run->nr_filled < t->base.env.opts->burst && run->begun < run->total) {
		strm = zcomp_stream_get(t->comp, 0, ZSTRM_ONLY_MGMT);
		if (strm == NULL)
			return;
		memcpy(strm->src, corpus_content(c, run->page, run->shift), PERF_PAGE_SIZE);
		strm->user = (void *)(uintptr_t)run->page;
		run->filled[run->nr_filled++] = strm;
		run->begun++;
		if (++run->page == c->nr) {
			run->page = 0;
			run->shift = corpus_shift(c, ++run->sweep);
		}
	}
}

static void
submit(const struct zcomp_target *t, struct run *run)
{
	unsigned int taken;

	if (run->nr_filled == 0)
		return;
	taken = zcomp_submit(t->comp, 0, run->filled, run->nr_filled);
	run->nr_filled -= taken;
	memmove(run->filled, run->filled + taken, run->nr_filled * sizeof(run->filled[0]));
}

static int
finish(struct zcomp_target *t, struct zcomp_strm *strm)
{
	uint32_t page = (uint32_t)(uintptr_t)strm->user;
	int32_t result = strm->result;

	if (result > 0 && (uint32_t)result <= OBJECTS_ROOM) {
		memcpy(objects_at(&t->objects, page), strm->dst, (size_t)result);
		t->objects.lens[page] = (uint32_t)result;
	}
	zcomp_stream_put(strm);
	if (result > 0 && (uint32_t)result <= OBJECTS_ROOM)
		return 0;
	zc_err("target zcomp: page %u: the device's result is %d", page, result);
	return -EIO;
}

static int
poll(struct zcomp_target *t, struct run *run)
{
	struct zcomp_strm *strms[PERF_DEPTH];
	uint64_t start = ticks_now();
	unsigned int n = zcomp_poll(t->comp, 0, strms, t->base.env.opts->burst);
	int ret = 0;

	if (n == 0) {
		zc_pause();
		if (++run->empty % LOOK_POLLS == 0 && perf_place_stopped(t->base.env.place))
			ret = -EINTR;
		run->idle_ticks += ticks_now() - start;
		return ret;
	}
	for (unsigned int i = 0; i < n; i++) {
		if (ret == 0)
			ret = finish(t, strms[i]);
		else
			zcomp_stream_put(strms[i]);
	}
	run->done += n;
	return ret;
}

/* After an error: no stream stays out. A device that hangs gives its pages back, in time. */
static void
drain(struct zcomp_target *t, struct run *run)
{
	struct zcomp_strm *strms[PERF_DEPTH];

	run->begun -= run->nr_filled;
	while (run->nr_filled > 0)
		zcomp_stream_put(run->filled[--run->nr_filled]);
	while (run->done < run->begun) {
		unsigned int n = zcomp_poll(t->comp, 0, strms, PERF_DEPTH);

		for (unsigned int i = 0; i < n; i++)
			zcomp_stream_put(strms[i]);
		run->done += n;
	}
}

/* The sweeps from @p first on. */
static int
store_sweeps(struct zcomp_target *t, uint64_t first, uint64_t sweeps, double *client_ns)
{
	const struct corpus *c = t->base.env.corpus;
	struct ticks_span span = ticks_begin();
	struct run run = {
	        .total = sweeps * c->nr,
	        .sweep = first,
	        .shift = corpus_shift(c, first),
	};
	int ret = 0;

	while (ret == 0 && run.done < run.total) {
		fill(t, &run);
		submit(t, &run);
		ret = poll(t, &run);
	}
	drain(t, &run);
	*client_ns = (double)(zc_now_ns() - span.ns) - (double)run.idle_ticks * ticks_unit(&span);
	t->base.sweep = first + sweeps - 1;
	return ret;
}

static int
zcomp_store(struct target *base, uint64_t sweeps, double *client_ns)
{
	return store_sweeps((struct zcomp_target *)base, base->sweep + 1, sweeps, client_ns);
}

static int
zcomp_read(struct target *base, uint32_t page, void *dst)
{
	const struct zcomp_target *t = (const struct zcomp_target *)base;

	if (base->env.opts->codec->decompress(objects_at(&t->objects, page), t->objects.lens[page],
	                                      dst, PERF_PAGE_SIZE) == 0)
		return 0;
	zc_err("target zcomp: page %u does not decompress", page);
	return -EBADMSG;
}

static int
zcomp_load(struct target *base, uint64_t sweeps, struct zc_hist *hist)
{
	const struct corpus *c = base->env.corpus;
	uint64_t overhead = ticks_overhead();
	uint8_t dst[PERF_PAGE_SIZE];
	int ret = 0;

	for (uint64_t s = 0; s < sweeps && ret == 0; s++) {
		for (uint32_t i = 0; i < c->nr && ret == 0; i++) {
			uint64_t start = hist != NULL ? ticks_now() : 0;

			ret = zcomp_read(base, c->order[i], dst);
			if (hist != NULL)
				zc_hist_add(hist, ticks_since(start, overhead));
		}
	}
	return ret;
}

static int
zcomp_stat(struct target *base, struct target_stat *stat)
{
	const struct zcomp_target *t = (const struct zcomp_target *)base;

	*stat = (struct target_stat){
	        .orig_bytes = (uint64_t)base->env.corpus->nr * PERF_PAGE_SIZE,
	        .object_bytes = objects_bytes(&t->objects),
	};
	return 0;
}

static void
zcomp_destroy_target(struct target *base)
{
	struct zcomp_target *t = (struct zcomp_target *)base;

	if (t == NULL)
		return;
	/* After an error it may still have streams. */
	if (t->cdev != NULL)
		zcomp_cdev_stop(t->cdev);
	zcomp_destroy(t->comp);
	zcomp_cdev_close(t->cdev);
	perf_device_destroy(&t->device);
	objects_fini(&t->objects);
	free(t);
}

static int
open_device(struct zcomp_target *t)
{
	const struct perf_opts *opts = t->base.env.opts;
	struct zcomp_params params = {
	        .codec = opts->codec,
	        .level = opts->level,
	        .page_size = PERF_PAGE_SIZE,
	        .nr_lcores = 1,
	        .depth = PERF_DEPTH,
	};
	int ret = perf_device_create(&t->device, opts, t->base.env.place, "zcomp");

	if (ret != 0)
		return ret;
	ret = zcomp_cdev_open(t->device.name, 1, PERF_DEPTH, NULL, &t->cdev);
	if (ret == 0) {
		params.dev = t->cdev;
		ret = zcomp_create(&zcomp_backend_compressdev, &params, &t->comp);
	}
	if (ret == 0 && !zcomp_managed(t->comp))
		ret = -ENOTSUP;
	if (ret != 0)
		zc_err("target zcomp: %s with %s of level %d: %s", t->device.name,
		       opts->codec->name, opts->level, strerror(-ret));
	return ret;
}

static int
zcomp_create_target(const struct target_env *env, struct target **out)
{
	struct zcomp_target *t = (struct zcomp_target *)calloc(1, sizeof(*t));
	double client_ns;
	int ret;

	if (t == NULL) {
		zc_err("target zcomp: no memory");
		return -ENOMEM;
	}
	t->base.ops = &target_zcomp;
	t->base.env = *env;
	ret = objects_init(&t->objects, env->corpus->nr);
	if (ret == 0)
		ret = open_device(t);
	if (ret == 0)
		ret = store_sweeps(t, 0, 1, &client_ns);
	if (ret != 0) {
		zcomp_destroy_target(&t->base);
		return ret;
	}
	*out = &t->base;
	return 0;
}

const struct target_ops target_zcomp = {
        .name = "zcomp",
        .doc = "managed streams over one, without the service",
        .nr_cpus = 1,
        .options = PERF_OPTION_ALGO | PERF_OPTION_COMPRESS_LEVEL | PERF_OPTION_BURST_SZ |
                   PERF_OPTION_DRIVER_NAME,
        .create = zcomp_create_target,
        .destroy = zcomp_destroy_target,
        .store = zcomp_store,
        .load = zcomp_load,
        .read = zcomp_read,
        .stat = zcomp_stat,
};
