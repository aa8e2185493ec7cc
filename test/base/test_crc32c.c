/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* CRC32C: the vectors of RFC 3720, appendix B.4, and the instruction against the table. */

#include <endian.h>

#include "test_util.h"

#include "base/crc32c.h"

struct vector {
	uint32_t sum;
	uint32_t len;
	uint8_t bytes[48];
};

static const struct vector vectors[] = {
        {0x8a9136aa, 32, {0}},
        {0x62a8ab43, 32, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
        {0x46dd794e, 32, {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                          16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}},
        {0x113fdb5c, 32, {31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16,
                          15, 14, 13, 12, 11, 10, 9,  8,  7,  6,  5,  4,  3,  2,  1,  0}},
        /* An iSCSI Read (10) command. */
        {0xd9963a56, 48, {0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0,    0, 0, 0, 0,
                          0x14, 0,    0, 0, 0, 0, 4, 0, 0,    0, 0, 0x14, 0, 0, 0, 0x18,
                          0x28, 0,    0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0,    0, 0, 0, 0}},
};

static uint32_t
sum_of(uint32_t (*crc_word)(uint32_t, uint64_t), const struct vector *v)
{
	uint32_t crc = UINT32_MAX;

	for (uint32_t off = 0; off < v->len; off += 8) {
		uint64_t word;

		memcpy(&word, v->bytes + off, sizeof(word));
		crc = crc_word(crc, le64toh(word));
	}
	return ~crc;
}

static void
test_vectors_sw(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEST_NR(vectors); i++)
		assert_int_equal(sum_of(zc_crc32c_word_sw, &vectors[i]), vectors[i].sum);
}

static void
test_vectors_hw(void **state)
{
	(void)state;
	if (!zc_crc32c_hw())
		skip();
	for (size_t i = 0; i < TEST_NR(vectors); i++)
		assert_int_equal(sum_of(zc_crc32c_word_hw, &vectors[i]), vectors[i].sum);
}

static void
test_hw_is_sw(void **state)
{
	uint64_t seed = 4;
	uint32_t crc = 0;

	(void)state;
	if (!zc_crc32c_hw())
		skip();
	for (unsigned int i = 0; i < 1000000 / TEST_SLOW; i++) {
		uint64_t word = test_random(&seed);

		assert_int_equal(zc_crc32c_word_hw(crc, word), zc_crc32c_word_sw(crc, word));
		crc = zc_crc32c_word_sw(crc, word);
	}
	for (unsigned int bit = 0; bit < 64; bit++)
		assert_int_equal(zc_crc32c_word_hw(0, 1ull << bit),
		                 zc_crc32c_word_sw(0, 1ull << bit));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_vectors_sw),
	        cmocka_unit_test(test_vectors_hw),
	        cmocka_unit_test(test_hw_is_sw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
