/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Target codec: the library alone, in a loop, which nothing built upon it can beat. struct zcodec
 * adds a call and a test to it. Stores compress into one output buffer; loads decompress objects
 * that lie one behind the other, as in an arena, and that are those of sweep 0 always.
 */

#include "target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "codec/codec.h"
#include "ticks.h"

#define BOUND   (2 * PERF_PAGE_SIZE) /* no format adds more */
#define GRANULE 16u                  /* as in an arena */

struct object {
	uint64_t off;
	uint32_t len;
};

struct codec_target {
	struct target base;
	void *state; /* of the compressor */
	char *objects;
	uint64_t objects_len;
	struct object *table; /* one for each page */
	uint64_t object_bytes;
	char out[BOUND]; /* of the compressor */
};

static void
codec_destroy(struct target *base)
{
	struct codec_target *t = (struct codec_target *)base;

	if (t == NULL)
		return;
	if (t->objects != NULL)
		munmap(t->objects, t->objects_len);
	free(t->table);
	free(t->state);
	free(t);
}

/* The objects' memory is reserved for the worst case; only what is written is there. */
static int
allocate(struct codec_target *t, uint32_t nr)
{
	void *mem;

	t->objects_len = (uint64_t)nr * (BOUND + GRANULE);
	mem = mmap(NULL, t->objects_len, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	t->objects = mem == MAP_FAILED ? NULL : (char *)mem;
	t->table = (struct object *)calloc(nr, sizeof(*t->table));
	t->state = aligned_alloc(64, (t->base.env.opts->codec->ctx_len() / 64 + 1) * 64);
	return t->objects == NULL || t->table == NULL || t->state == NULL ? -ENOMEM : 0;
}

static int
compress_one(const struct codec_target *t, const uint8_t *page, char *out)
{
	const struct perf_opts *opts = t->base.env.opts;

	return opts->codec->compress(t->state, opts->level, page, PERF_PAGE_SIZE, out, BOUND);
}

static void
compress_all(struct codec_target *t)
{
	const struct corpus *c = t->base.env.corpus;
	uint64_t off = 0;

	for (uint32_t i = 0; i < c->nr; i++) {
		uint32_t len = (uint32_t)compress_one(t, corpus_content(c, i, 0), t->objects + off);

		t->table[i] = (struct object){off, len};
		t->object_bytes += len;
		off += (len + GRANULE - 1) / GRANULE * GRANULE;
	}
}

static int
codec_create(const struct target_env *env, struct target **out)
{
	struct codec_target *t = (struct codec_target *)calloc(1, sizeof(*t));
	int ret = t == NULL ? -ENOMEM : 0;

	if (ret == 0) {
		t->base.ops = &target_codec;
		t->base.env = *env;
		ret = allocate(t, env->corpus->nr);
	}
	if (ret != 0) {
		zc_err("target codec: no memory for %u objects", env->corpus->nr);
		codec_destroy(t == NULL ? NULL : &t->base);
		return ret;
	}
	compress_all(t);
	*out = &t->base;
	return 0;
}

static int
codec_store(struct target *base, uint64_t sweeps, double *client_ns)
{
	struct codec_target *t = (struct codec_target *)base;
	const struct corpus *c = base->env.corpus;
	uint64_t start = zc_now_ns();

	for (uint64_t s = 1; s <= sweeps; s++) {
		uint32_t shift = corpus_shift(c, s);

		for (uint32_t page = 0; page < c->nr; page++) {
			if (compress_one(t, corpus_content(c, page, shift), t->out) <= 0)
				return -EIO;
		}
	}
	*client_ns = (double)(zc_now_ns() - start);
	return 0;
}

static int
codec_read(struct target *base, uint32_t page, void *dst)
{
	const struct codec_target *t = (const struct codec_target *)base;
	const struct object *object = &t->table[page];

	if (base->env.opts->codec->decompress(t->objects + object->off, object->len, dst,
	                                      PERF_PAGE_SIZE) == 0)
		return 0;
	zc_err("target codec: page %u does not decompress", page);
	return -EBADMSG;
}

static int
codec_load(struct target *base, uint64_t sweeps, struct zc_hist *hist)
{
	const struct corpus *c = base->env.corpus;
	uint64_t overhead = ticks_overhead();
	char dst[PERF_PAGE_SIZE];
	int ret = 0;

	for (uint64_t s = 0; s < sweeps && ret == 0; s++) {
		for (uint32_t i = 0; i < c->nr && ret == 0; i++) {
			uint64_t start = hist != NULL ? ticks_now() : 0;

			ret = codec_read(base, c->order[i], dst);
			if (hist != NULL)
				zc_hist_add(hist, ticks_since(start, overhead));
		}
	}
	return ret;
}

static int
codec_stat(struct target *base, struct target_stat *stat)
{
	const struct codec_target *t = (const struct codec_target *)base;

	*stat = (struct target_stat){
	        .orig_bytes = (uint64_t)base->env.corpus->nr * PERF_PAGE_SIZE,
	        .object_bytes = t->object_bytes,
	};
	return 0;
}

const struct target_ops target_codec = {
        .name = "codec",
        .doc = "the compression library alone, in a loop",
        .nr_cpus = 1,
        .options = PERF_OPTION_ALGO | PERF_OPTION_COMPRESS_LEVEL,
        .create = codec_create,
        .destroy = codec_destroy,
        .store = codec_store,
        .load = codec_load,
        .read = codec_read,
        .stat = codec_stat,
};
