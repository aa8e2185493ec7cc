/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Same-filled pages, and pages that are so but for one word, one bit, one half. */

#include "test_util.h"

#include "base/same.h"

#define PAGE_MIN  1024u
#define PAGE_MAX  65536u
#define UNTOUCHED 0x5a5a5a5a5a5a5a5au

static uint64_t page[PAGE_MAX / sizeof(uint64_t)];

static void
test_periods(void **state)
{
	static const uint64_t words[] = {
	        0,
	        UINT64_MAX,
	        0x0101010101010101u, /* period 1 */
	        0xbeefbeefbeefbeefu, /* period 2 */
	        0xdeadbeefdeadbeefu, /* period 4 */
	        0x0123456789abcdefu, /* period 8 */
	        1,
	        1ull << 63,
	};

	(void)state;
	for (size_t len = PAGE_MIN; len <= PAGE_MAX; len *= 2) {
		for (size_t i = 0; i < TEST_NR(words); i++) {
			uint64_t word = UNTOUCHED;

			zc_fill(page, len, words[i]);
			assert_true(zc_same_filled(page, len, &word));
			assert_int_equal(word, words[i]);
		}
	}
}

static void
test_each_single_difference(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (size_t len = PAGE_MIN; len <= PAGE_MAX; len *= 2) {
		size_t nr = len / sizeof(page[0]);
		/* The large pages in steps that are no multiple of the inner loop's 8. */
		size_t step = len <= 8192 ? 1 : 13;

		zc_fill(page, len, test_random(&seed));
		for (size_t i = 0; i < nr; i += step) {
			uint64_t bit = 1ull << test_random(&seed) % 64;
			uint64_t word = UNTOUCHED;

			page[i] ^= bit;
			assert_false(zc_same_filled(page, len, &word));
			assert_int_equal(word, UNTOUCHED);
			page[i] ^= bit;
		}
		page[nr - 1] ^= 1;
		assert_false(zc_same_filled(page, len, &page[0]));
		page[nr - 1] ^= 1;
	}
}

/* Periods longer than a word are not same-filled: only what is repeated every 8 bytes is. */
static void
test_longer_periods(void **state)
{
	uint64_t word;

	(void)state;
	for (size_t period = 2; period <= 64; period *= 2) {
		for (size_t i = 0; i < PAGE_MAX / sizeof(page[0]); i++)
			page[i] = i % period;
		for (size_t len = PAGE_MIN; len <= PAGE_MAX; len *= 2)
			assert_false(zc_same_filled(page, len, &word));
	}
}

/* What lies behind the page has no say. */
static void
test_looks_at_the_page_only(void **state)
{
	uint64_t word = UNTOUCHED;

	(void)state;
	zc_fill(page, sizeof(page), 7);
	page[PAGE_MIN / sizeof(page[0])] = 8;
	assert_true(zc_same_filled(page, PAGE_MIN, &word));
	assert_int_equal(word, 7);
	assert_false(zc_same_filled(page, 2 * PAGE_MIN, &word));
}

static void
test_fill_unaligned(void **state)
{
	const uint64_t word = 0x0123456789abcdefu;
	uint8_t buf[8 + 64 + 8];

	(void)state;
	for (size_t shift = 0; shift < 8; shift++) {
		for (size_t len = 0; len <= 64; len += 8) {
			memset(buf, 0xa5, sizeof(buf));
			zc_fill(buf + shift, len, word);
			for (size_t i = 0; i < sizeof(buf); i++) {
				bool in = i >= shift && i < shift + len;
				const uint8_t *bytes = (const uint8_t *)&word;

				assert_int_equal(buf[i], in ? bytes[(i - shift) % 8] : 0xa5);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_periods),
	        cmocka_unit_test(test_each_single_difference),
	        cmocka_unit_test(test_longer_periods),
	        cmocka_unit_test(test_looks_at_the_page_only),
	        cmocka_unit_test(test_fill_unaligned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
