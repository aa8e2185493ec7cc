/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The reader while somebody writes. The writer is the smallest one that keeps to the protocol, with
 * few places that are used again at once, so that copies are torn as often as can be. test/model
 * explores what a run on one machine cannot show.
 */

#include <errno.h>
#include <pthread.h>

#include "arena_util.h"
#include "test_util.h"

#include "base/atomic.h"
#include "ipc/reader.h"

#define PAGE_SIZE  4096u
#define PLACES_MAX 6u
#define PLACE_LEN  4096u
#define PAGES_MAX  4u
#define COMMITS    (400000u / TEST_SLOW)

struct race {
	struct arena arena;
	/* On the writer's own mapping: the thread sanitizer knows memory by its address. */
	struct zreader reader;
	uint32_t pages;
	uint32_t places;
	uint32_t done;
	uint64_t wrong;
};

static void
race_open(struct race *race, uint32_t pages, uint32_t places)
{
	memset(race, 0, sizeof(*race));
	race->pages = pages;
	race->places = places;
	arena_open(&race->arena, PAGE_SIZE);
	race->reader = (struct zreader){
	        .super = race->arena.super,
	        .slots = race->arena.slots,
	        .objs = race->arena.objs,
	        .pages = ARENA_PAGES,
	        .objs_map_len = ARENA_OBJS_MAX,
	        .objs_len = ARENA_OBJS_LEN,
	        .nonce = {race->arena.super->nonce[0], race->arena.super->nonce[1]},
	        .page_size = PAGE_SIZE,
	        .objs_fd = race->arena.objs_ro,
	};
}

/* The object of a page's version. Few lengths, so that w0 often comes back to what it was. */
static uint32_t
make_object(uint64_t *words, uint64_t page, uint64_t version)
{
	uint32_t len = version % 16 == 0 ? 100 : PLACE_LEN - 4;

	for (uint32_t i = 0; i <= len / 8; i++)
		words[i] = version;
	words[1] = page;
	return len;
}

/* Design, section 6: alloc, copy, commit. */
static void
store(struct race *race, uint64_t page, uint64_t place, uint64_t version)
{
	struct zslot *slot = &race->arena.slots[page];
	struct zobj_id id = {{race->reader.nonce[0], race->reader.nonce[1]}, page, 0, ZSLOT_OBJ, 0};
	uint64_t words[PLACE_LEN / 8];

	id.len = make_object(words, page, version);
	/* Pairs with the reader's acquire fence after its copy. */
	zc_fence_release();
	zobj_write(race->arena.objs + place * PLACE_LEN / 8, words, &id);
	zc_store_relaxed(&slot->w1, version << ZSLOT_GEN_SHIFT);
	/* Pairs with the reader's loads of w0. */
	zc_store_release(&slot->w0, zslot_object(ZSLOT_OBJ, 0, id.len, place * PLACE_LEN));
}

static void *
write_pages(void *arg)
{
	struct race *race = (struct race *)arg;
	uint64_t used[PAGES_MAX], freed[PLACES_MAX];
	unsigned int nr_freed = 0;
	uint64_t seed = 21;

	for (uint64_t page = 0; page < race->pages; page++)
		used[page] = page;
	for (uint64_t place = race->pages; place < race->places; place++)
		freed[nr_freed++] = place;
	for (uint64_t version = 2; version < COMMITS; version++) {
		uint64_t page = test_random(&seed) % race->pages;
		/* The place freed last, so that it is the one a reader may still copy from. */
		uint64_t place = freed[--nr_freed];

		store(race, page, place, version);
		freed[nr_freed++] = used[page];
		used[page] = place;
	}
	/* Pairs with the load in read_pages(). */
	zc_store_release(&race->done, 1);
	return NULL;
}

/* Whether a load returned one whole version, no older than the one before. */
static bool
is_right(struct race *race, uint64_t page, uint64_t *newest)
{
	uint64_t got[(PAGE_SIZE + 16) / 8], expected[PLACE_LEN / 8];
	struct zreader_page out;
	uint32_t len;

	if (zreader_fetch(&race->reader, page, got, &out) != 0 || out.kind != ZSLOT_OBJ)
		return false;
	len = make_object(expected, page, got[0]);
	if (got[0] < *newest || out.len != len || memcmp(got, expected, len) != 0)
		return false;
	*newest = got[0];
	return true;
}

static void *
read_pages(void *arg)
{
	struct race *race = (struct race *)arg;
	uint64_t newest[PAGES_MAX] = {0};
	uint64_t wrong = 0;

	/* Pairs with the store in write_pages(). */
	while (zc_load_acquire(&race->done) == 0) {
		for (uint64_t page = 0; page < race->pages; page++)
			wrong += is_right(race, page, &newest[page]) ? 0 : 1;
	}
	zc_add_relaxed(&race->wrong, wrong);
	return NULL;
}

static void
run_race(uint32_t pages, uint32_t places)
{
	static struct race race;
	pthread_t writer, readers[2];

	race_open(&race, pages, places);
	for (uint64_t page = 0; page < pages; page++)
		store(&race, page, page, 1);
	for (size_t i = 0; i < TEST_NR(readers); i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_pages, &race), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_pages, &race), 0);
	pthread_join(writer, NULL);
	for (size_t i = 0; i < TEST_NR(readers); i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(race.wrong, 0);
	arena_close(&race.arena);
}

static void
test_never_torn_never_foreign(void **state)
{
	(void)state;
	run_race(PAGES_MAX, PLACES_MAX);
}

/* Every other commit has the same w0: the generation alone tells a new object from the old. */
static void
test_same_place_again(void **state)
{
	(void)state;
	run_race(1, 2);
}

#define REMOVALS (4000u / TEST_SLOW)

struct removal {
	struct race race;
	pthread_barrier_t barrier;
};

/* As a removal does it: the state first, then the bytes. */
static void *
remove_disk(void *arg)
{
	struct removal *r = (struct removal *)arg;
	uint64_t seed = 22;

	for (unsigned int i = 0; i < REMOVALS; i++) {
		pthread_barrier_wait(&r->barrier);
		for (uint64_t n = test_random(&seed) % 100; n > 0; n--)
			zc_pause();
		/* Pairs with the loads in zreader_check_live(). */
		zc_store_release(&r->race.arena.super->state, ZARENA_REMOVED);
		/* Pairs with the reader's acquire fence after its copy. */
		zc_fence_release();
		for (uint32_t w = 0; w < PLACE_LEN / 8; w++)
			zc_store_relaxed(&r->race.arena.objs[w], 0);
		pthread_barrier_wait(&r->barrier);
	}
	return NULL;
}

/* A load that loses the race says that the disk is gone, not that it is damaged. */
static void
test_removed_is_not_damaged(void **state)
{
	static struct removal r;
	uint64_t got[(PAGE_SIZE + 16) / 8];
	struct zreader_page out;
	unsigned int other = 0;
	pthread_t remover;

	(void)state;
	race_open(&r.race, 1, 1);
	pthread_barrier_init(&r.barrier, NULL, 2);
	assert_int_equal(pthread_create(&remover, NULL, remove_disk, &r), 0);
	for (unsigned int i = 0; i < REMOVALS; i++) {
		int ret;

		store(&r.race, 0, 0, i + 1);
		zc_store_relaxed(&r.race.arena.super->state, ZARENA_LIVE);
		pthread_barrier_wait(&r.barrier);
		do
			ret = zreader_fetch(&r.race.reader, 0, got, &out);
		while (ret == 0);
		other += ret != -ENODEV ? 1 : 0;
		pthread_barrier_wait(&r.barrier);
	}
	pthread_join(remover, NULL);
	pthread_barrier_destroy(&r.barrier);
	arena_close(&r.race.arena);
	assert_int_equal(other, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_never_torn_never_foreign),
	        cmocka_unit_test(test_same_place_again),
	        cmocka_unit_test(test_removed_is_not_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
