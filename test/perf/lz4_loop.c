/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The loop that nothing built upon liblz4 can beat. It owns its memory; one thread at a time. */

#include "lz4_loop.h"

#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define BOUND LZ4_COMPRESSBOUND(PERF_PAGE_SIZE)

struct memory {
	_Alignas(4096) char page[PERF_PAGE_SIZE];
	_Alignas(64) char out[BOUND];
	_Alignas(64) LZ4_stream_t state;
};

int
lz4_loop_init(struct lz4_loop *loop)
{
	loop->state = aligned_alloc(_Alignof(struct memory), sizeof(struct memory));
	if (loop->state != NULL)
		return 0;
	zc_err("no memory for a compressor");
	return -ENOMEM;
}

void
lz4_loop_fini(struct lz4_loop *loop)
{
	free(loop->state);
}

static int
run_loop(const struct lz4_loop *loop, uint64_t pages)
{
	struct memory *m = (struct memory *)loop->state;
	uint32_t page = 0;
	int ret = 0;

	for (uint64_t i = 0; i < pages; i++) {
		const char *src = (const char *)corpus_content(loop->corpus, page, 0);

		if (loop->copies)
			src = (const char *)memcpy(m->page, src, PERF_PAGE_SIZE);
		if (LZ4_compress_fast_extState(&m->state, src, m->out, PERF_PAGE_SIZE, BOUND,
		                               loop->level) <= 0)
			ret = -EIO;
		page = page + 1 == loop->corpus->nr ? 0 : page + 1;
	}
	return ret;
}

int
lz4_loop_pass(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	const struct lz4_loop *loop = (const struct lz4_loop *)arg;
	uint64_t start_ns;
	int ret;

	if (loop->place != NULL)
		perf_place_move(loop->place->worker_cpu);
	start_ns = zc_now_ns();
	ret = run_loop(loop, sweeps * loop->pages);
	time->elapsed_ns = time->client_ns = (double)(zc_now_ns() - start_ns);
	if (loop->place != NULL)
		perf_place_move(loop->place->client_cpu);
	return ret;
}
