/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The slot's words: every field through encode and decode, and words that no writer makes. */

#include "test_util.h"

#include "ipc/slot.h"

#define OFFSET_MAX (((1ull << 42) - 1) * ZSLOT_OFFSET_UNIT)

static const enum zslot_kind object_kinds[] = {ZSLOT_FILL8, ZSLOT_OBJ, ZSLOT_RAW};

static void
check_object(enum zslot_kind kind, uint8_t prio, uint32_t len, uint64_t offset)
{
	uint64_t w0 = zslot_object(kind, prio, len, offset);

	for (unsigned int back = 0; back < 2; back++) {
		struct zslot_place p = zslot_decode(back != 0 ? w0 | ZSLOT_BACK : w0);

		assert_int_equal(p.kind, kind);
		assert_int_equal(p.back, back);
		assert_int_equal(p.prio, prio);
		assert_int_equal(p.len, len);
		assert_int_equal(p.offset, offset);
	}
	assert_int_equal(w0 & ZSLOT_BACK, 0);
}

static void
test_object_lengths(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (uint32_t len = 1; len <= ZSLOT_LEN_MAX; len++) {
		uint64_t offset = test_random(&seed) % (OFFSET_MAX + 1) & ~15ull;

		check_object(object_kinds[len % 3], (uint8_t)(test_random(&seed) & 3), len, offset);
	}
}

static void
test_object_offsets(void **state)
{
	static const uint32_t lens[] = {1, 8, 4095, 4096, 65535, 65536};

	(void)state;
	for (size_t k = 0; k < TEST_NR(object_kinds); k++) {
		for (size_t l = 0; l < TEST_NR(lens); l++) {
			for (uint8_t prio = 0; prio < 4; prio++) {
				check_object(object_kinds[k], prio, lens[l], 0);
				check_object(object_kinds[k], prio, lens[l], OFFSET_MAX);
				for (uint64_t bit = 16; bit < OFFSET_MAX; bit <<= 1)
					check_object(object_kinds[k], prio, lens[l], bit);
			}
		}
	}
}

static void
test_fill(void **state)
{
	uint64_t seed = 6;

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		uint32_t pattern = i < 32 ? 1u << i : (uint32_t)test_random(&seed);
		struct zslot_place p = zslot_decode(zslot_fill(i == 32 ? 0 : pattern));

		assert_int_equal(p.kind, ZSLOT_FILL);
		assert_int_equal(p.offset, i == 32 ? 0 : pattern);
		assert_int_equal(p.len, 0);
		assert_int_equal(p.prio, 0);
		assert_false(p.back);
	}
	/* Stored zeros are not an empty slot. */
	assert_int_not_equal(zslot_fill(0), 0);
}

static void
test_empty(void **state)
{
	struct zslot_place p = zslot_decode(0);

	(void)state;
	assert_int_equal(p.kind, ZSLOT_EMPTY);
	assert_int_equal(p.len, 0);
	assert_int_equal(p.offset, 0);
	assert_false(p.back);
}

/* Whatever no writer makes is BAD, so that a reader need not know why. */
static void
test_unknown_is_bad(void **state)
{
	static const unsigned int kinds[] = {5, 6, ZSLOT_BAD};

	(void)state;
	for (unsigned int bit = 3; bit < 64; bit++) {
		for (size_t i = 0; i < TEST_NR(kinds); i++) {
			assert_int_equal(zslot_decode(kinds[i]).kind, ZSLOT_BAD);
			assert_int_equal(zslot_decode(1ull << bit | kinds[i]).kind, ZSLOT_BAD);
			assert_int_equal(zslot_decode(1ull << bit | kinds[i]).len, 0);
		}
		assert_int_equal(zslot_decode(1ull << bit).kind, ZSLOT_BAD);
		assert_int_equal(zslot_decode(zslot_fill(0) | 1ull << bit).kind,
		                 bit < 32 ? ZSLOT_BAD : ZSLOT_FILL);
	}
}

/* Any word is either bad or says exactly what the encoder would have written. */
static void
test_any_word(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned int i = 0; i < 1000000 / TEST_SLOW; i++) {
		uint64_t w0 = test_random(&seed);
		struct zslot_place p = zslot_decode(w0);

		assert_int_equal(zslot_kind_has_object(p.kind), p.len != 0);
		if (p.kind == ZSLOT_FILL) {
			assert_int_equal(w0, zslot_fill((uint32_t)p.offset));
		} else if (zslot_kind_has_object(p.kind)) {
			assert_in_range(p.len, 1, ZSLOT_LEN_MAX);
			assert_true(p.offset <= OFFSET_MAX);
			assert_int_equal(w0 & ~(uint64_t)ZSLOT_BACK,
			                 zslot_object(p.kind, p.prio, p.len, p.offset));
		} else {
			assert_int_equal(p.kind, ZSLOT_BAD);
		}
	}
}

static void
test_kinds_with_object(void **state)
{
	(void)state;
	assert_true(zslot_kind_has_object(ZSLOT_FILL8));
	assert_true(zslot_kind_has_object(ZSLOT_OBJ));
	assert_true(zslot_kind_has_object(ZSLOT_RAW));
	assert_false(zslot_kind_has_object(ZSLOT_EMPTY));
	assert_false(zslot_kind_has_object(ZSLOT_FILL));
	assert_false(zslot_kind_has_object(ZSLOT_BAD));
}

static void
test_generation(void **state)
{
	const uint64_t last = (1ull << 48) - 1;

	(void)state;
	assert_int_equal(zslot_generation(0), 0);
	assert_int_equal(zslot_generation(ZSLOT_OWN_MASK), 0);
	assert_int_equal(zslot_generation(1ull << ZSLOT_GEN_SHIFT), 1);
	assert_int_equal(zslot_generation(last << ZSLOT_GEN_SHIFT | ZSLOT_OWN_MASK), last);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_object_lengths),
	        cmocka_unit_test(test_object_offsets),
	        cmocka_unit_test(test_fill),
	        cmocka_unit_test(test_empty),
	        cmocka_unit_test(test_unknown_is_bad),
	        cmocka_unit_test(test_any_word),
	        cmocka_unit_test(test_kinds_with_object),
	        cmocka_unit_test(test_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
