/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Copying objects out of their places and into them, with the checksum and without, beside
 * variants that were not taken: one lane, and a second pass for the checksum.
 */

#include "bench_env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/crc32c.h"

struct copy {
	const struct bench_objects *objects;
	uint32_t nr; /* of those that are copied */
	uint32_t at;
	uint64_t *places; /* to write to; NULL = the object's own */
	_Alignas(64) uint64_t buf[(BENCH_PAGE + 2 * ZOBJ_GRANULE) / sizeof(uint64_t)];
};

#define RANDOM 0u
#define HOT    1u

static int
setup(struct bench_env *env, const struct bench *bench, void **state)
{
	struct copy *c = (struct copy *)aligned_alloc(64, sizeof(*c));
	int ret = c == NULL ? -ENOMEM : 0;

	if (ret == 0) {
		memset(c, 0, sizeof(*c));
		ret = bench_env_objects(env, &c->objects);
	}
	if (ret != 0) {
		free(c);
		return ret;
	}
	c->nr = bench->arg == HOT && c->objects->nr > BENCH_HOT ? BENCH_HOT : c->objects->nr;
	*state = c;
	return 0;
}

static int
setup_crc(struct bench_env *env, const struct bench *bench, void **state)
{
	return zc_crc32c_hw() ? setup(env, bench, state) : -EOPNOTSUPP;
}

static const struct bench_object *
next(struct copy *c)
{
	const struct bench_object *object = &c->objects->table[c->at];

	c->at = bench_next(c->at, c->nr);
	return object;
}

static const uint64_t *
place_of(const struct copy *c, const struct bench_object *object)
{
	return c->objects->places + object->off / sizeof(uint64_t);
}

static int
run_memcpy(void *state, uint64_t nr)
{
	struct copy *c = (struct copy *)state;

	for (uint64_t i = 0; i < nr; i++) {
		const struct bench_object *object = next(c);

		memcpy(c->buf, place_of(c, object), zobj_place_len(object->len));
		bench_keep(c->buf);
	}
	return 0;
}

static int
run_read(void *state, uint64_t nr)
{
	struct copy *c = (struct copy *)state;
	bool good = true;

	for (uint64_t i = 0; i < nr; i++) {
		const struct bench_object *object = next(c);
		struct zobj_id id = bench_object_id(object);

		good &= zobj_read(c->buf, place_of(c, object), &id);
		bench_keep(c->buf);
	}
	return good ? 0 : -EBADMSG;
}

/* Fused with the copy, each word's checksum waiting for that of the word before. */
ZC_CRC32C_TARGET static int
run_one_lane(void *state, uint64_t nr)
{
	struct copy *c = (struct copy *)state;

	for (uint64_t i = 0; i < nr; i++) {
		const struct bench_object *object = next(c);
		const uint64_t *place = place_of(c, object);
		uint32_t words = zobj_place_len(object->len) / 8, crc = UINT32_MAX;

		for (uint32_t w = 0; w < words; w++) {
			c->buf[w] = zc_load_relaxed(&place[w]);
			crc = zc_crc32c_word_hw(crc, c->buf[w]);
		}
		bench_keep(c->buf);
		bench_keep(&crc);
	}
	return 0;
}

/* The same checksum over the copy. */
ZC_CRC32C_TARGET static int
run_two_passes(void *state, uint64_t nr)
{
	struct copy *c = (struct copy *)state;

	for (uint64_t i = 0; i < nr; i++) {
		const struct bench_object *object = next(c);
		uint32_t words = zobj_place_len(object->len) / 8, crc = UINT32_MAX;

		memcpy(c->buf, place_of(c, object), (size_t)words * 8);
		bench_keep(c->buf);
		for (uint32_t w = 0; w < words; w++)
			crc = zc_crc32c_word_hw(crc, c->buf[w]);
		bench_keep(&crc);
	}
	return 0;
}

/* As the store does: from a buffer in the cache to a place that is in none, or is. */
static int
setup_write(struct bench_env *env, const struct bench *bench, void **state)
{
	uint32_t nr_pages;
	int ret = setup(env, bench, state);
	struct copy *c;

	if (ret != 0)
		return ret;
	c = (struct copy *)*state;
	c->places = (uint64_t *)(void *)bench_env_zeros(env, &nr_pages);
	memcpy(c->buf, c->objects->places, sizeof(c->buf));
	if (c->places != NULL)
		return 0;
	free(c);
	return -ENOMEM;
}

static int
run_write(void *state, uint64_t nr)
{
	struct copy *c = (struct copy *)state;

	for (uint64_t i = 0; i < nr; i++) {
		const struct bench_object *object = next(c);
		struct zobj_id id = bench_object_id(object);

		zobj_write(c->places + object->off / sizeof(uint64_t), c->buf, &id);
	}
	return 0;
}

static void
teardown(void *state)
{
	free(state);
}

static void
teardown_write(void *state)
{
	struct copy *c = (struct copy *)state;

	for (uint32_t i = 0; i < c->nr; i++)
		memset(c->places + c->objects->table[i].off / sizeof(uint64_t), 0,
		       zobj_place_len(c->objects->table[i].len));
	free(c);
}

#define READ(how, set) \
	.setup = setup, .run = (how), .teardown = teardown, .arg = (set), .items = 1, .nr_cpus = 1
#define CRC(how, set)                                                                     \
	.setup = setup_crc, .run = (how), .teardown = teardown, .arg = (set), .items = 1, \
	.nr_cpus = 1
#define WRITE(set)                                                                        \
	.setup = setup_write, .run = run_write, .teardown = teardown_write, .arg = (set), \
	.items = 1, .nr_cpus = 1

const struct bench bench_object[] = {
        {.name = "object/memcpy_random", READ(run_memcpy, RANDOM)},
        {.name = "object/memcpy_hot", READ(run_memcpy, HOT)},
        {.name = "object/read_random", .against = "object/memcpy_random", READ(run_read, RANDOM)},
        {.name = "object/read_hot", .against = "object/memcpy_hot", READ(run_read, HOT)},
        {.name = "object/one_lane_random",
         .against = "object/memcpy_random",
         CRC(run_one_lane, RANDOM)},
        {.name = "object/one_lane_hot", .against = "object/memcpy_hot", CRC(run_one_lane, HOT)},
        {.name = "object/two_passes_random",
         .against = "object/memcpy_random",
         CRC(run_two_passes, RANDOM)},
        {.name = "object/two_passes_hot", .against = "object/memcpy_hot", CRC(run_two_passes, HOT)},
        {.name = "object/write_random", WRITE(RANDOM)},
        {.name = "object/write_hot", WRITE(HOT)},
        {.name = NULL},
};
