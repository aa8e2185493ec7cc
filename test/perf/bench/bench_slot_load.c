/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A load as a client does it: slot, checked copy of the object, codec; beside the codec alone on
 * the same objects. Random pages of the whole disk, and few that stay in the cache.
 */

#include "bench_env.h"

#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

#define RANDOM 0u
#define HOT    1u

struct load {
	const struct bench_objects *objects;
	struct bench_disk *disk;
	uint32_t nr; /* of those that are loaded */
	uint32_t at;
	_Alignas(64) uint64_t scratch[(BENCH_PAGE + ZOBJ_GRANULE) / sizeof(uint64_t)];
	_Alignas(64) char page[BENCH_PAGE];
};

static int
setup(struct bench_env *env, const struct bench *bench, void **state)
{
	struct load *l = (struct load *)aligned_alloc(64, sizeof(*l));
	int ret = l == NULL ? -ENOMEM : 0;

	if (ret == 0) {
		memset(l, 0, sizeof(*l));
		ret = bench_env_objects(env, &l->objects);
	}
	if (ret == 0)
		ret = bench_env_disk(env, BENCH_DISK_LOADS, &l->disk);
	if (ret != 0) {
		free(l);
		return ret;
	}
	l->nr = bench->arg == HOT && l->objects->nr > BENCH_HOT ? BENCH_HOT : l->objects->nr;
	*state = l;
	return 0;
}

static const struct bench_object *
next(struct load *l)
{
	const struct bench_object *object = &l->objects->table[l->at];

	l->at = bench_next(l->at, l->nr);
	return object;
}

static int
run_decode(void *state, uint64_t nr)
{
	struct load *l = (struct load *)state;
	int ret = 0;

	for (uint64_t i = 0; i < nr; i++) {
		const struct bench_object *object = next(l);
		const char *bytes = (const char *)l->objects->places + object->off;

		if (LZ4_decompress_safe(bytes, l->page, (int)object->len, BENCH_PAGE) !=
		    (int)BENCH_PAGE)
			ret = -EBADMSG;
		bench_keep(l->page);
	}
	return ret;
}

static int
run_fetch(void *state, uint64_t nr)
{
	struct load *l = (struct load *)state;
	struct zreader_page found;
	int ret = 0;

	for (uint64_t i = 0; i < nr && ret == 0; i++) {
		ret = zreader_fetch(&l->disk->reader, next(l)->page, l->scratch, &found);
		bench_keep(l->scratch);
	}
	return ret;
}

static int
run_load(void *state, uint64_t nr)
{
	struct load *l = (struct load *)state;
	struct zreader_page found;
	int ret = 0;

	for (uint64_t i = 0; i < nr && ret == 0; i++) {
		ret = zreader_fetch(&l->disk->reader, next(l)->page, l->scratch, &found);
		if (ret == 0 && found.kind != ZSLOT_OBJ)
			ret = -EBADMSG;
		if (ret == 0)
			ret = zcodec_lz4.decompress(l->scratch, found.len, l->page, BENCH_PAGE);
		bench_keep(l->page);
	}
	return ret == 0 ? zreader_check_live(&l->disk->reader) : ret;
}

static void
teardown(void *state)
{
	free(state);
}

#define LOAD(how, set)                                                                \
	.setup = setup, .run = (how), .teardown = teardown, .arg = (set), .items = 1, \
	.bytes = BENCH_PAGE, .nr_cpus = 1

const struct bench bench_slot_load[] = {
        {.name = "slot_load/decode_random", LOAD(run_decode, RANDOM)},
        {.name = "slot_load/decode_hot", LOAD(run_decode, HOT)},
        {.name = "slot_load/fetch_random", LOAD(run_fetch, RANDOM)},
        {.name = "slot_load/fetch_hot", LOAD(run_fetch, HOT)},
        {.name = "slot_load/load_random",
         .against = "slot_load/decode_random",
         LOAD(run_load, RANDOM)},
        {.name = "slot_load/load_hot", .against = "slot_load/decode_hot", LOAD(run_load, HOT)},
        {.name = NULL},
};
