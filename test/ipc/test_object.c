/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Objects in their places: every length, nothing written beyond, every damage noticed. object.c is
 * in this program twice: as it is, and (portable_*) made to believe that the CPU has no CRC32C.
 */

#include <pthread.h>
#include <stdlib.h>

#include "test_util.h"

#include "base/atomic.h"
#include "base/crc32c.h"
#include "ipc/object.h"

#define LEN_MAX 65536u
#define CANARY  0xa5

/* The second copy of object.c, named so by its build, and the question it asks. */
bool portable_crc32c_hw(void);
void portable_write(uint64_t *place, const void *src, const struct zobj_id *id);
bool portable_read(void *dst, const uint64_t *place, const struct zobj_id *id);

bool
portable_crc32c_hw(void)
{
	return false;
}

static uint8_t source[LEN_MAX + 8];

static int
fill_source(void **state)
{
	uint64_t seed = 8;

	(void)state;
	test_random_fill(&seed, source, sizeof(source));
	return 0;
}

static struct zobj_id
id_of(uint32_t len)
{
	return (struct zobj_id){{0x0123456789abcdefu, 0xfedcba9876543210u}, 4711, len, 3, 1};
}

/* Memory of which a word more or less is noticed: by the canary, and by the address sanitizer. */
static uint64_t *
make_place(uint32_t len)
{
	uint64_t *place = (uint64_t *)malloc(len);

	assert_non_null(place);
	memset(place, CANARY, len);
	return place;
}

static void
check_length(uint32_t len)
{
	struct zobj_id id = id_of(len);
	uint32_t place_len = zobj_place_len(len);
	/* In steps, so that the source meets every alignment. */
	const uint8_t *src = source + len % 8;
	uint64_t *place = make_place(place_len);
	uint64_t *twin = make_place(place_len);
	uint64_t *copy = make_place(place_len);

	assert_in_range(place_len, len + ZOBJ_SUM_LEN, len + ZOBJ_SUM_LEN + ZOBJ_GRANULE - 1);
	assert_int_equal(place_len % ZOBJ_GRANULE, 0);
	zobj_write(place, src, &id);
	portable_write(twin, src, &id);
	assert_memory_equal(place, src, len);
	assert_memory_equal(place, twin, place_len);
	assert_true(zobj_read(copy, place, &id));
	assert_memory_equal(copy, src, len);
	memset(copy, CANARY, place_len);
	assert_true(portable_read(copy, place, &id));
	assert_memory_equal(copy, src, len);
	free(place);
	free(twin);
	free(copy);
}

static void
test_all_lengths(void **state)
{
	uint64_t seed = 9;

	(void)state;
	for (uint32_t len = 1; len <= 4096; len++)
		check_length(len);
	for (uint32_t i = 0; i < 300; i++)
		check_length(4097 + (uint32_t)(test_random(&seed) % (LEN_MAX - 4096)));
	for (uint32_t len = 8192; len <= LEN_MAX; len *= 2) {
		for (uint32_t less = 0; less < 33; less++)
			check_length(len - less);
	}
}

/* The neighbours of a place belong to others. */
static void
test_nothing_beyond_the_place(void **state)
{
	uint64_t memory[2 + (256 + 16) / 8 + 2];

	(void)state;
	for (uint32_t len = 1; len <= 256; len++) {
		struct zobj_id id = id_of(len);
		size_t behind = 2 + zobj_place_len(len) / 8;

		memset(memory, CANARY, sizeof(memory));
		zobj_write(memory + 2, source, &id);
		for (size_t i = 0; i < TEST_NR(memory); i++) {
			if (i < 2 || i >= behind)
				assert_int_equal(memory[i], 0xa5a5a5a5a5a5a5a5u);
		}
	}
}

/* As the header says: three lanes of CRC32C, folded with the object's identity. A reader of another
 * build computes just this. */
static void
test_format(void **state)
{
	struct zobj_id id = id_of(7 * 8 + 5);
	uint32_t lanes[3] = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
	/* Two full rounds, then the rest to the first lane. */
	static const unsigned int lane_of[] = {0, 1, 2, 0, 1, 2, 0, 0};
	uint64_t words[8] = {0};
	uint64_t place[10];
	uint64_t folded[6];
	uint32_t sum = UINT32_MAX, stored;

	(void)state;
	memcpy(words, source, id.len);
	for (unsigned int i = 0; i < 8; i++)
		lanes[lane_of[i]] = zc_crc32c_word_sw(lanes[lane_of[i]], words[i]);
	folded[0] = id.nonce[0];
	folded[1] = id.nonce[1];
	folded[2] = id.page;
	folded[3] = id.len | (uint64_t)id.kind << 32 | (uint64_t)id.prio << 40;
	folded[4] = (uint32_t)(lanes[0] * 0x9e3779b1u) |
	            (uint64_t)(uint32_t)(lanes[1] * 0x85ebca77u) << 32;
	folded[5] = lanes[2];
	for (unsigned int i = 0; i < 6; i++)
		sum = zc_crc32c_word_sw(sum, folded[i]);
	zobj_write(place, source, &id);
	memcpy(&stored, (const char *)place + id.len, sizeof(stored));
	assert_int_equal(stored, sum);
}

static void
test_every_flipped_bit(void **state)
{
	uint64_t place[20], copy[20];

	(void)state;
	for (uint32_t len = 1; len <= 128; len++) {
		struct zobj_id id = id_of(len);

		zobj_write(place, source, &id);
		for (uint32_t bit = 0; bit < (len + ZOBJ_SUM_LEN) * 8; bit++) {
			uint8_t *byte = (uint8_t *)place + bit / 8;

			*byte ^= (uint8_t)(1u << bit % 8);
			assert_false(zobj_read(copy, place, &id));
			assert_false(portable_read(copy, place, &id));
			*byte ^= (uint8_t)(1u << bit % 8);
		}
		assert_true(zobj_read(copy, place, &id));
	}
}

/* The same error in two words must not cancel out, in whichever lanes they are. */
static void
test_every_two_flipped_bits(void **state)
{
	uint64_t place[14], copy[14];
	struct zobj_id id = id_of(12 * 8);

	(void)state;
	zobj_write(place, source, &id);
	for (uint32_t a = 0; a < id.len * 8; a++) {
		place[a / 64] ^= 1ull << a % 64;
		for (uint32_t b = 0; b < a; b++) {
			place[b / 64] ^= 1ull << b % 64;
			assert_false(zobj_read(copy, place, &id));
			place[b / 64] ^= 1ull << b % 64;
		}
		place[a / 64] ^= 1ull << a % 64;
	}
	assert_true(zobj_read(copy, place, &id));
}

/* Two words that changed places: the lanes and the order within them. */
static void
test_every_swapped_pair(void **state)
{
	uint64_t place[18], copy[18];
	struct zobj_id id = id_of(16 * 8);

	(void)state;
	zobj_write(place, source, &id);
	for (size_t a = 0; a < 16; a++) {
		for (size_t b = a + 1; b < 16; b++) {
			uint64_t kept = place[a];

			place[a] = place[b];
			place[b] = kept;
			assert_false(zobj_read(copy, place, &id));
			place[b] = place[a];
			place[a] = kept;
		}
	}
	assert_true(zobj_read(copy, place, &id));
}

static void
test_wrong_identity(void **state)
{
	static const uint32_t lens[] = {1, 7, 8, 9, 24, 100, 1000, 4096};

	(void)state;
	for (size_t i = 0; i < TEST_NR(lens); i++) {
		struct zobj_id id = id_of(lens[i]);
		uint64_t *place = make_place(zobj_place_len(lens[i]) + 16);
		uint64_t *copy = make_place(zobj_place_len(lens[i]) + 16);
		struct zobj_id wrong[7] = {id, id, id, id, id, id, id};

		zobj_write(place, source, &id);
		wrong[0].nonce[0] ^= 1;
		wrong[1].nonce[1] ^= 1ull << 63;
		wrong[2].page++;
		wrong[3].kind = 4;
		wrong[4].prio = 2;
		wrong[5].len++;
		wrong[6].len--;
		for (size_t j = 0; j < TEST_NR(wrong); j++) {
			if (wrong[j].len != 0)
				assert_false(zobj_read(copy, place, &wrong[j]));
		}
		assert_true(zobj_read(copy, place, &id));
		free(place);
		free(copy);
	}
}

/* Memory that was never written, or punched, is no object. */
static void
test_zeros_are_no_object(void **state)
{
	static const uint64_t place[514];
	uint64_t copy[514];

	(void)state;
	for (uint32_t len = 1; len <= 4096; len++) {
		struct zobj_id id = id_of(len);

		assert_false(zobj_read(copy, place, &id));
	}
}

#define ROUNDS (100000u / TEST_SLOW)

struct meeting {
	uint64_t place[64];
	uint32_t done;
};

static void *
write_two_in_turn(void *arg)
{
	struct meeting *m = (struct meeting *)arg;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct zobj_id id = id_of(500);

		id.page = i % 2;
		zobj_write(m->place, source + i % 2 * 512, &id);
	}
	/* Pairs with the load in test_reader_meets_writer(). */
	zc_store_release(&m->done, 1);
	return NULL;
}

/* A copy taken while the place is written is whole or refused; and no data race, says TSan. */
static void
test_reader_meets_writer(void **state)
{
	static struct meeting m;
	struct zobj_id id = id_of(500);
	uint64_t copy[64];
	pthread_t writer;
	uint32_t done;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_two_in_turn, &m), 0);
	do {
		/* Pairs with the store in write_two_in_turn(). */
		done = zc_load_acquire(&m.done);
		for (id.page = 0; id.page < 2; id.page++) {
			if (zobj_read(copy, m.place, &id))
				assert_memory_equal(copy, source + id.page * 512, 500);
		}
	} while (done == 0);
	pthread_join(writer, NULL);
	id.page = (ROUNDS - 1) % 2;
	assert_true(zobj_read(copy, m.place, &id));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_all_lengths),
	        cmocka_unit_test(test_nothing_beyond_the_place),
	        cmocka_unit_test(test_format),
	        cmocka_unit_test(test_every_flipped_bit),
	        cmocka_unit_test(test_every_two_flipped_bits),
	        cmocka_unit_test(test_every_swapped_pair),
	        cmocka_unit_test(test_wrong_identity),
	        cmocka_unit_test(test_zeros_are_no_object),
	        cmocka_unit_test(test_reader_meets_writer),
	};

	return cmocka_run_group_tests(tests, fill_source, NULL);
}
