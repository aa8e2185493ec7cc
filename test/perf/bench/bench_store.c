/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A store as a worker does it, without rings, in one thread: a stream, the copy, the same-filled
 * test, the codec, the commit; steady overwriting, each sweep with other content. Beside it the
 * codec alone in a loop, and the parts: the front end with a codec that only copies, and the commit
 * of objects that are there.
 */

#include "bench_env.h"

#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "base/same.h"
#include "comp/zcomp.h"

struct pipe {
	const struct corpus *corpus;
	const struct bench_objects *objects;
	struct bench_disk *disk;
	struct zcomp *comp;
	void *lz4;
	uint64_t sweep;
	uint32_t at;
	char out[LZ4_COMPRESSBOUND(BENCH_PAGE)];
};

/* The codec of the front end. */
#define CODEC_LZ4  0u
#define CODEC_NULL 1u

static void
teardown(void *state)
{
	struct pipe *p = (struct pipe *)state;

	zcomp_destroy(p->comp);
	free(p->lz4);
	free(p);
}

static int
setup(struct bench_env *env, const struct bench *bench, void **state)
{
	const struct zcomp_ops *ops =
	        bench->arg == CODEC_LZ4 ? &zcomp_backend_lz4 : &zcomp_backend_null;
	struct zcomp_params params = {.codec = ops->codec, .page_size = BENCH_PAGE, .nr_lcores = 1};
	struct pipe *p = (struct pipe *)calloc(1, sizeof(*p));
	int ret;

	if (p == NULL)
		return -ENOMEM;
	params.level = ops->codec->level_default;
	p->sweep = 1;
	p->lz4 = bench_lz4_state();
	ret = p->lz4 == NULL ? -ENOMEM : bench_env_corpus(env, &p->corpus);
	if (ret == 0)
		ret = bench_env_objects(env, &p->objects);
	if (ret == 0)
		ret = bench_env_disk(env, BENCH_DISK_STORES, &p->disk);
	if (ret == 0)
		ret = zcomp_create(ops, &params, &p->comp);
	if (ret != 0) {
		teardown(p);
		return ret;
	}
	*state = p;
	return 0;
}

/* The next page of the sweep and its content. */
static const uint8_t *
next(struct pipe *p, uint32_t *page)
{
	*page = p->at;
	p->at = bench_next(p->at, p->corpus->nr);
	if (p->at == 0)
		p->sweep++;
	return corpus_content(p->corpus, *page, corpus_shift(p->corpus, p->sweep));
}

static int
run_codec(void *state, uint64_t nr)
{
	struct pipe *p = (struct pipe *)state;
	uint32_t page;
	int ret = 0;

	for (uint64_t i = 0; i < nr; i++) {
		if (LZ4_compress_fast_extState(p->lz4, (const char *)next(p, &page), p->out,
		                               BENCH_PAGE, (int)sizeof(p->out), BENCH_LEVEL) <= 0)
			ret = -EIO;
		bench_keep(p->out);
	}
	return ret;
}

/* Compresses a page. @return the stream that has the result, or NULL */
static struct zcomp_strm *
compress_page(struct pipe *p, const uint8_t *content)
{
	struct zcomp_strm *strm = zcomp_stream_get(p->comp, 0, ZSTRM_PREFER_MGMT), *done = NULL;

	if (strm == NULL)
		return NULL;
	memcpy(strm->src, content, BENCH_PAGE);
	if (zcomp_submit(p->comp, 0, &strm, 1) != 1 || zcomp_poll(p->comp, 0, &done, 1) != 1 ||
	    done->result <= 0)
		return NULL;
	return done;
}

static int
run_streams(void *state, uint64_t nr)
{
	struct pipe *p = (struct pipe *)state;

	for (uint64_t i = 0; i < nr; i++) {
		uint32_t page;
		struct zcomp_strm *strm = compress_page(p, next(p, &page));

		if (strm == NULL)
			return -EIO;
		zcomp_stream_put(strm);
	}
	return 0;
}

static int
store_page(struct pipe *p, uint32_t page, const uint8_t *content)
{
	struct zcomp_strm *strm = compress_page(p, content);
	struct zstore_put put = {0};
	uint64_t word;
	int ret;

	if (strm == NULL)
		return -EIO;
	if (zc_same_filled(strm->src, BENCH_PAGE, &word))
		zstore_put_same(&put, page, word);
	else if ((uint32_t)strm->result < zstore_huge_len(p->disk->store))
		zstore_put_object(&put, page, 0, strm->dst, (uint32_t)strm->result);
	else
		zstore_put_raw(p->disk->store, &put, page, strm->src);
	ret = bench_disk_put(p->disk, &put);
	zcomp_stream_put(strm);
	return ret;
}

static int
run_store(void *state, uint64_t nr)
{
	struct pipe *p = (struct pipe *)state;
	int ret = 0;

	for (uint64_t i = 0; i < nr && ret == 0; i++) {
		uint32_t page;
		const uint8_t *content = next(p, &page);

		ret = store_page(p, page, content);
	}
	return ret;
}

/* Objects in their table's random order, each for its own page, as it decodes there. */
static int
run_commit(void *state, uint64_t nr)
{
	struct pipe *p = (struct pipe *)state;
	int ret = 0;

	for (uint64_t i = 0; i < nr && ret == 0; i++) {
		const struct bench_object *object = &p->objects->table[p->at];
		struct zstore_put put = {0};

		zstore_put_object(&put, object->page, 0,
		                  (const char *)p->objects->places + object->off, object->len);
		ret = bench_disk_put(p->disk, &put);
		p->at = bench_next(p->at, p->objects->nr);
	}
	return ret;
}

#define STORE(how, codec)                                                               \
	.setup = setup, .run = (how), .teardown = teardown, .arg = (codec), .items = 1, \
	.bytes = BENCH_PAGE, .nr_cpus = 1

const struct bench bench_store[] = {
        {.name = "store/codec", STORE(run_codec, CODEC_LZ4)},
        {.name = "store/zcomp", .against = "store/codec", STORE(run_streams, CODEC_LZ4)},
        {.name = "store/zcomp_commit", .against = "store/codec", STORE(run_store, CODEC_LZ4)},
        {.name = "store/commit", STORE(run_commit, CODEC_LZ4)},
        {.name = "store/zcomp_null", STORE(run_streams, CODEC_NULL)},
        {.name = NULL},
};
