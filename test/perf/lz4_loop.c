/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The loop that nothing built upon liblz4 can beat. It owns its memory; one thread at a time. */

#include "lz4_loop.h"

#include <errno.h>
#include <lz4.h>
#include <pthread.h>
#include <sched.h>
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

struct run {
	struct lz4_loop *loop;
	uint64_t pages;
	double elapsed_ns;
	int ret;
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

static void *
run_loop(void *arg)
{
	struct run *run = (struct run *)arg;
	const struct lz4_loop *loop = run->loop;
	struct memory *m = (struct memory *)loop->state;
	uint64_t start_ns = zc_now_ns();
	uint32_t page = 0;

	for (uint64_t i = 0; i < run->pages; i++) {
		const char *src = (const char *)corpus_content(loop->corpus, page, 0);

		if (loop->copies)
			src = (const char *)memcpy(m->page, src, PERF_PAGE_SIZE);
		if (LZ4_compress_fast_extState(&m->state, src, m->out, PERF_PAGE_SIZE, BOUND,
		                               loop->level) <= 0)
			run->ret = -EIO;
		page = page + 1 == loop->corpus->nr ? 0 : page + 1;
	}
	run->elapsed_ns = (double)(zc_now_ns() - start_ns);
	return NULL;
}

static int
run_there(struct run *run)
{
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t cpus;
	int ret;

	CPU_ZERO(&cpus);
	CPU_SET(run->loop->cpu, &cpus);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	ret = pthread_create(&thread, &attr, run_loop, run);
	pthread_attr_destroy(&attr);
	if (ret == 0)
		pthread_join(thread, NULL);
	else
		zc_err("cannot start a thread on CPU %d: %s", run->loop->cpu, strerror(ret));
	return -ret;
}

int
lz4_loop_pass(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	struct lz4_loop *loop = (struct lz4_loop *)arg;
	struct run run = {.loop = loop, .pages = sweeps * loop->pages};
	int ret = 0;

	if (loop->cpu < 0)
		run_loop(&run);
	else
		ret = run_there(&run);
	time->elapsed_ns = time->client_ns = run.elapsed_ns;
	return ret != 0 ? ret : run.ret;
}
