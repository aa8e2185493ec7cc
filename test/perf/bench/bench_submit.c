/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The client's side of stores, in bursts: staging, publishing, reaping, with a service behind it
 * that only takes and completes, in the same thread. That other end's share is measured by
 * discards, which have no page, and is some nanoseconds.
 */

#include "bench_env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/zcl.h"
#include "fake.h"

#define BURST  32u
#define DEPTH  64u
#define PAGES  64u /* of the disk: nothing is stored there */
#define COOKIE 7u

struct submit {
	struct fake fake;
	struct zcl *zc;
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct fake_queue *end;
	const struct corpus *corpus;
	uint32_t at;
	_Alignas(64) uint8_t zeros[BENCH_PAGE];
	_Alignas(64) uint8_t copy[BENCH_PAGE];
};

static void
teardown(void *state)
{
	struct submit *s = (struct submit *)state;

	zcl_queue_destroy(s->q);
	zcl_disk_close(s->disk);
	zcl_close(s->zc);
	fake_destroy(&s->fake);
	free(s);
}

static int
setup(struct bench_env *env, const struct bench *bench, void **state)
{
	struct submit *s = (struct submit *)aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = DEPTH};
	int ret;

	(void)bench;
	if (s == NULL)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	ret = bench_env_corpus(env, &s->corpus);
	if (ret != 0) {
		free(s);
		return ret;
	}
	fake_create(&s->fake, BENCH_PAGE, PAGES);
	ret = zcl_connect(s->fake.path, NULL, &s->zc);
	if (ret == 0)
		ret = zcl_disk_open(s->zc, FAKE_DISK, &s->disk);
	if (ret == 0)
		ret = zcl_queue_create(s->disk, &opts, &s->q);
	if (ret != 0) {
		teardown(s);
		return ret;
	}
	s->end = fake_queue(&s->fake);
	*state = s;
	return 0;
}

/* The service: takes a burst as a worker does, and completes it. */
static int
complete(struct fake_queue *end)
{
	int nr = zring_peek(&end->sq, BURST);

	if (nr != (int)BURST || zring_reserve(&end->cq, BURST) < nr)
		return -EPROTO;
	for (uint32_t i = 0; i < BURST; i++) {
		uint64_t words[ZWIRE_SQE_WORDS];
		struct zwire_sqe sqe;
		struct zwire_cqe cqe;

		zring_read(&end->sq, i, words, ZWIRE_SQE_WORDS);
		memcpy(&sqe, words, sizeof(sqe));
		cqe = (struct zwire_cqe){sqe.user_data, 0, 0};
		memcpy(words, &cqe, sizeof(cqe));
		zring_write(&end->cq, i, words, ZWIRE_CQE_WORDS);
	}
	zring_release(&end->sq, BURST);
	zring_commit(&end->cq, BURST);
	return 0;
}

static int
finish_burst(struct submit *s)
{
	struct zcl_cqe cqes[BURST];
	int ret = zcl_submit(s->q);

	if (ret >= 0)
		ret = complete(s->end);
	if (ret == 0)
		ret = zcl_reap(s->q, cqes, BURST);
	if (ret < 0)
		return ret;
	return ret == (int)BURST && cqes[0].user_data == COOKIE ? 0 : -EPROTO;
}

static const uint8_t *
next_page(struct submit *s)
{
	const uint8_t *page = corpus_content(s->corpus, s->corpus->order[s->at], 0);

	s->at = bench_next(s->at, s->corpus->nr);
	return page;
}

static int
run_store(void *state, uint64_t nr)
{
	struct submit *s = (struct submit *)state;
	int ret = 0;

	for (uint64_t i = 0; i < nr && ret == 0; i++) {
		for (uint32_t j = 0; j < BURST && ret == 0; j++)
			ret = zcl_store(s->q, j, next_page(s), COOKIE);
		if (ret == 0)
			ret = finish_burst(s);
	}
	return ret;
}

static int
run_same(void *state, uint64_t nr)
{
	struct submit *s = (struct submit *)state;
	int ret = 0;

	for (uint64_t i = 0; i < nr && ret == 0; i++) {
		for (uint32_t j = 0; j < BURST && ret == 0; j++)
			ret = zcl_store(s->q, j, s->zeros, COOKIE);
		if (ret == 0)
			ret = finish_burst(s);
	}
	return ret;
}

/* A caller that fills in place: two words stand for what it writes. */
static int
run_store_buf(void *state, uint64_t nr)
{
	struct submit *s = (struct submit *)state;
	int ret = 0;

	for (uint64_t i = 0; i < nr && ret == 0; i++) {
		for (uint32_t j = 0; j < BURST && ret == 0; j++) {
			uint64_t *buf = (uint64_t *)zcl_buf_get(s->q);

			if (buf == NULL)
				return -EAGAIN;
			buf[0] = i;
			buf[BENCH_PAGE / sizeof(*buf) - 1] = i + 1;
			ret = zcl_store_buf(s->q, j, buf, COOKIE);
		}
		if (ret == 0)
			ret = finish_burst(s);
	}
	return ret;
}

static int
run_discard(void *state, uint64_t nr)
{
	struct submit *s = (struct submit *)state;
	int ret = 0;

	for (uint64_t i = 0; i < nr && ret == 0; i++) {
		for (uint32_t j = 0; j < BURST && ret == 0; j++)
			ret = zcl_discard(s->q, j, 1, COOKIE);
		if (ret == 0)
			ret = finish_burst(s);
	}
	return ret;
}

/* What no staged copy can be faster than. */
static int
run_memcpy(void *state, uint64_t nr)
{
	struct submit *s = (struct submit *)state;

	for (uint64_t i = 0; i < nr * BURST; i++) {
		memcpy(s->copy, next_page(s), BENCH_PAGE);
		bench_keep(s->copy);
	}
	return 0;
}

#define SUBMIT(how) .setup = setup, .run = (how), .teardown = teardown, .items = BURST, .nr_cpus = 1

const struct bench bench_submit[] = {
        {.name = "submit/memcpy", SUBMIT(run_memcpy), .bytes = BURST * BENCH_PAGE},
        {.name = "submit/store",
         .against = "submit/memcpy",
         SUBMIT(run_store),
         .bytes = BURST * BENCH_PAGE},
        {.name = "submit/store_buf", SUBMIT(run_store_buf)},
        {.name = "submit/store_same", SUBMIT(run_same)},
        {.name = "submit/discard", SUBMIT(run_discard)},
        {.name = NULL},
};
