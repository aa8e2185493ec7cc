/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A backend to be built outside of zcompd: LZ4 HC, which packs better than lz4 and takes longer, in
 * a thread of its own. Clients decompress the result as any LZ4 block.
 *
 * Each lcore has a lane with as many streams as its ring has places, so that the ring always has
 * room. The lcore puts streams in and counts `submitted`; the thread goes over them in order and
 * counts `finished`; the lcore takes them out and counts `polled`. Free streams are the lcore's. So
 * nobody waits but the thread, on a semaphore whose post never blocks.
 */

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <lz4hc.h>

#include <zcompd/comp/module.h>

#define PLACES ZCOMP_DEPTH_DEFAULT /* a power of two, so that the counters may wrap */

struct hc_strm {
	struct managed_zstrm zstrm;
	struct hc_strm *next; /* free too */
};

struct lane {
	_Alignas(64) struct hc_strm *free;
	unsigned int polled;
	atomic_uint submitted;
	struct zcomp_strm *ring[PLACES];
	struct hc_strm strms[PLACES];
	_Alignas(64) atomic_uint finished;
};

struct hc {
	void *ctx; /* of liblz4, the thread's */
	char *pages;
	int page_size;
	unsigned int nr_lanes;
	pthread_t thread;
	sem_t work;
	atomic_bool stop;
	struct lane lanes[];
};

/* Compresses the next page of a lane, if there is one. */
static bool
compress_next(const struct hc *hc, struct lane *lane)
{
	unsigned int at = atomic_load_explicit(&lane->finished, memory_order_relaxed);
	struct zcomp_strm *strm;
	int n;

	/* Pairs with hc_submit(): the page is there. */
	if (atomic_load_explicit(&lane->submitted, memory_order_acquire) == at)
		return false;
	strm = lane->ring[at % PLACES];
	n = LZ4_compress_HC_extStateHC(hc->ctx, strm->src, strm->dst, hc->page_size,
	                               (int)strm->dst_len, LZ4HC_CLEVEL_DEFAULT);
	strm->result = n > 0 ? n : -ENOSPC;
	/* Pairs with hc_poll(): the result is there. */
	atomic_store_explicit(&lane->finished, at + 1, memory_order_release);
	return true;
}

static void *
hc_main(void *arg)
{
	struct hc *hc = arg;

	while (!atomic_load_explicit(&hc->stop, memory_order_relaxed)) {
		bool idle = true;

		for (unsigned int i = 0; i < hc->nr_lanes; i++) {
			if (compress_next(hc, &hc->lanes[i]))
				idle = false;
		}
		/* A post for pages that are done already costs one more look. */
		if (idle)
			sem_wait(&hc->work);
	}
	return NULL;
}

static void
hc_free(struct hc *hc)
{
	free(hc->pages);
	free(hc->ctx);
	free(hc);
}

static void
hc_release(void *priv)
{
	struct hc *hc = priv;

	atomic_store_explicit(&hc->stop, true, memory_order_relaxed);
	sem_post(&hc->work);
	pthread_join(hc->thread, NULL);
	sem_destroy(&hc->work);
	hc_free(hc);
}

static struct hc *
hc_alloc(const struct zcomp_params *params)
{
	const size_t page_size = params->page_size, nr = (size_t)params->nr_lcores * PLACES;
	const size_t len = sizeof(struct hc) + params->nr_lcores * sizeof(struct lane);
	struct hc *hc = aligned_alloc(_Alignof(struct hc), len);

	if (hc == NULL)
		return NULL;
	memset(hc, 0, len);
	hc->page_size = (int)page_size;
	hc->nr_lanes = params->nr_lcores;
	hc->ctx = malloc((size_t)LZ4_sizeofStateHC());
	hc->pages = aligned_alloc(64, nr * 3 * page_size);
	if (hc->ctx == NULL || hc->pages == NULL) {
		hc_free(hc);
		return NULL;
	}
	for (size_t i = 0; i < nr; i++) {
		struct lane *lane = &hc->lanes[i / PLACES];
		struct hc_strm *s = &lane->strms[i % PLACES];

		s->zstrm.strm.src = hc->pages + i * 3 * page_size;
		s->zstrm.strm.dst = hc->pages + (i * 3 + 1) * page_size;
		s->zstrm.strm.dst_len = 2 * params->page_size;
		s->next = lane->free;
		lane->free = s;
	}
	return hc;
}

static int
hc_setup(struct zcomp_params *params, void **priv)
{
	struct hc *hc = hc_alloc(params);
	int ret;

	if (hc == NULL)
		return -ENOMEM;
	sem_init(&hc->work, 0, 0);
	ret = pthread_create(&hc->thread, NULL, hc_main, hc);
	if (ret != 0) {
		sem_destroy(&hc->work);
		hc_free(hc);
		return -ret; /* -EAGAIN: the lcores compress by themselves */
	}
	params->depth = PLACES;
	params->zstrm_mgmt = true;
	*priv = hc;
	return 0;
}

static struct managed_zstrm *
hc_get(void *priv, unsigned int lcore)
{
	struct lane *lane = &((struct hc *)priv)->lanes[lcore];
	struct hc_strm *s = lane->free;

	if (s == NULL)
		return NULL;
	lane->free = s->next;
	return &s->zstrm;
}

static void
hc_put(void *priv, struct managed_zstrm *zstrm)
{
	struct lane *lane = &((struct hc *)priv)->lanes[zstrm->strm.lcore];
	struct hc_strm *s = (struct hc_strm *)zstrm;

	s->next = lane->free;
	lane->free = s;
}

static unsigned int
hc_submit(void *priv, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct hc *hc = priv;
	struct lane *lane = &hc->lanes[lcore];
	unsigned int at = atomic_load_explicit(&lane->submitted, memory_order_relaxed);

	for (unsigned int i = 0; i < nr; i++)
		lane->ring[(at + i) % PLACES] = strms[i];
	/* Pairs with compress_next(). */
	atomic_store_explicit(&lane->submitted, at + nr, memory_order_release);
	sem_post(&hc->work);
	return nr;
}

static unsigned int
hc_poll(void *priv, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct lane *lane = &((struct hc *)priv)->lanes[lcore];
	/* Pairs with compress_next(). */
	unsigned int end = atomic_load_explicit(&lane->finished, memory_order_acquire);
	unsigned int n = 0;

	while (n < nr && lane->polled != end)
		strms[n++] = lane->ring[lane->polled++ % PLACES];
	return n;
}

static const struct zcomp_ops hc_ops = {
        .name = "lz4hc",
        .setup_params = hc_setup,
        .release_params = hc_release,
        .get_stream = hc_get,
        .put_stream = hc_put,
        .submit = hc_submit,
        .poll = hc_poll,
};

const struct zcomp_backend_module zcomp_backend_module = {
        .abi = ZCOMP_BACKEND_ABI,
        .size = sizeof(zcomp_backend_module),
        .codec = "lz4",
        .ops = &hc_ops,
};
