/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The object pool: a place freed and one of another size taken, in a pool that is in steady use,
 * as overwriting does; and the same place again and again.
 */

#include "bench_env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/pool.h"

#define PAGES   8192u
#define OBJECTS 12288u /* of half a page: three quarters of the pool */
#define TURNS   4u     /* of all objects before it counts as steady */

struct place {
	uint64_t offset;
	uint32_t len;
};

struct pool {
	struct zs_pool pool;
	uint64_t random;
	struct place places[OBJECTS];
};

static uint32_t
next_random(struct pool *p)
{
	p->random = p->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(p->random >> 32);
}

static int
take(struct pool *p, struct place *place, uint32_t len)
{
	place->len = zobj_place_len(len);
	return zs_pool_alloc(&p->pool, place->len, ZS_CLAIM_NEW, &place->offset);
}

/* An overwrite takes the new place before it frees the old one. */
static int
run_steady(void *state, uint64_t nr)
{
	struct pool *p = (struct pool *)state;

	for (uint64_t i = 0; i < nr; i++) {
		uint32_t random = next_random(p);
		struct place *place = &p->places[random % OBJECTS], old = *place;
		int ret = take(p, place, 64 + (random >> 16) % (BENCH_PAGE - 512));

		if (ret != 0) {
			*place = old;
			return ret;
		}
		zs_pool_free(&p->pool, old.offset, old.len);
	}
	return 0;
}

static int
run_same(void *state, uint64_t nr)
{
	struct pool *p = (struct pool *)state;

	for (uint64_t i = 0; i < nr; i++) {
		struct place place;
		int ret = take(p, &place, 1600);

		if (ret != 0)
			return ret;
		zs_pool_free(&p->pool, place.offset, place.len);
	}
	return 0;
}

static void
teardown(void *state)
{
	struct pool *p = (struct pool *)state;

	zs_pool_fini(&p->pool);
	free(p);
}

static int
setup(struct bench_env *env, const struct bench *bench, void **state)
{
	struct pool *p = (struct pool *)calloc(1, sizeof(*p));
	int ret = p == NULL ? -ENOMEM : zs_pool_init(&p->pool, BENCH_PAGE, PAGES, 0);

	(void)env;
	(void)bench;
	if (ret != 0) {
		free(p);
		return ret;
	}
	p->pool.high = PAGES;
	zs_runs_put(&p->pool.ready, 0, PAGES);
	for (uint32_t i = 0; i < OBJECTS && ret == 0; i++)
		ret = take(p, &p->places[i], 64 + next_random(p) % (BENCH_PAGE - 512));
	if (ret == 0)
		ret = run_steady(p, TURNS * OBJECTS);
	if (ret != 0) {
		teardown(p);
		return ret;
	}
	*state = p;
	return 0;
}

#define POOL(how) .setup = setup, .run = (how), .teardown = teardown, .items = 1, .nr_cpus = 1

const struct bench bench_pool[] = {
        {.name = "pool/overwrite_steady", POOL(run_steady)},
        {.name = "pool/alloc_free_same", POOL(run_same)},
        {.name = NULL},
};
