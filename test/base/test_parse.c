/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* What people type: sizes, numbers, names and lists, each with what must be refused. */

#include <errno.h>

#include "test_util.h"

#include "base/parse.h"

#define UNTOUCHED 0x5a5a5a5a5a5a5a5au

static void
test_size_accepted(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
	} cases[] = {
	        {"0", 0},
	        {"1", 1},
	        {"007", 7},
	        {"4096", 4096},
	        {"1k", 1024},
	        {"1K", 1024},
	        {"3m", 3u << 20},
	        {"3M", 3u << 20},
	        {"2g", 2ull << 30},
	        {"2G", 2ull << 30},
	        {"5t", 5ull << 40},
	        {"5T", 5ull << 40},
	        {"0T", 0},
	        {"18446744073709551615", UINT64_MAX},
	        {"18014398509481983K", 18014398509481983u << 10},
	        {"17592186044415M", 17592186044415u << 20},
	        {"17179869183G", 17179869183u << 30},
	        {"16777215T", 16777215ull << 40},
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		uint64_t size = UNTOUCHED;

		assert_int_equal(zc_parse_size(cases[i].text, &size), 0);
		assert_int_equal(size, cases[i].size);
	}
}

static void
test_size_refused(void **state)
{
	static const struct {
		const char *text;
		int ret;
	} cases[] = {
	        {"", -EINVAL},
	        {"K", -EINVAL},
	        {" 1", -EINVAL},
	        {"1 ", -EINVAL},
	        {"\t1", -EINVAL},
	        {"+1", -EINVAL},
	        {"-1", -EINVAL},
	        {"1KB", -EINVAL},
	        {"1 K", -EINVAL},
	        {"1KK", -EINVAL},
	        {"1P", -EINVAL},
	        {"1.5G", -EINVAL},
	        {"1e3", -EINVAL},
	        {"0x10", -EINVAL},
	        {"1\xff", -EINVAL},
	        {"\xb2", -EINVAL},
	        {"18446744073709551616", -ERANGE},
	        {"99999999999999999999999K", -ERANGE},
	        {"18014398509481984K", -ERANGE},
	        {"17592186044416M", -ERANGE},
	        {"17179869184G", -ERANGE},
	        {"16777216T", -ERANGE},
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		uint64_t size = UNTOUCHED;

		assert_int_equal(zc_parse_size(cases[i].text, &size), cases[i].ret);
		assert_int_equal(size, UNTOUCHED);
	}
}

static void
test_u64(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		int ret;
		uint64_t value;
	} cases[] = {
	        {"0", 0, 0, 0},
	        {"1", 0, -ERANGE, 0},
	        {"4096", 4096, 0, 4096},
	        {"4097", 4096, -ERANGE, 0},
	        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
	        {"18446744073709551616", UINT64_MAX, -ERANGE, 0},
	        {"18446744073709551615", UINT64_MAX - 1, -ERANGE, 0},
	        {"", 9, -EINVAL, 0},
	        {"-1", UINT64_MAX, -EINVAL, 0},
	        {"+1", 9, -EINVAL, 0},
	        {" 1", 9, -EINVAL, 0},
	        {"1 ", 9, -EINVAL, 0},
	        {"1K", 9999, -EINVAL, 0},
	        {"0x1", 9, -EINVAL, 0},
	        {"one", 9, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		uint64_t value = UNTOUCHED;

		assert_int_equal(zc_parse_u64(cases[i].text, cases[i].max, &value), cases[i].ret);
		if (cases[i].ret == 0)
			assert_int_equal(value, cases[i].value);
	}
}

static bool
in_name(unsigned int c, bool first)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return true;
	return !first && (c == '.' || c == '_' || c == '-');
}

static void
test_name_chars(void **state)
{
	(void)state;
	for (unsigned int c = 1; c < 256; c++) {
		char first[] = {(char)c, 'x', '\0'};
		char later[] = {'x', (char)c, '\0'};

		assert_int_equal(zc_name_valid(first), in_name(c, true));
		assert_int_equal(zc_name_valid(later), in_name(c, false));
	}
}

static void
test_name_length(void **state)
{
	char name[66];

	(void)state;
	assert_false(zc_name_valid(""));
	assert_false(zc_name_valid("."));
	assert_false(zc_name_valid(".."));
	assert_false(zc_name_valid("a/b"));
	assert_true(zc_name_valid("swap-0.A_b"));
	for (size_t len = 1; len < sizeof(name); len++) {
		memset(name, 'n', len);
		name[len] = '\0';
		assert_int_equal(zc_name_valid(name), len <= 63);
	}
}

static void
test_pairs(void **state)
{
	char text[] = "size=4K,flag,algorithm=lz4:level=1,empty=,=x";
	static const struct {
		const char *key;
		const char *value;
	} expected[] = {{"size", "4K"},
	                {"flag", NULL},
	                {"algorithm", "lz4:level=1"},
	                {"empty", ""},
	                {"", "x"}};
	char *list = text;
	char *value = NULL;

	(void)state;
	for (size_t i = 0; i < TEST_NR(expected); i++) {
		char *key = zc_next_pair(&list, ',', &value);

		assert_non_null(key);
		assert_string_equal(key, expected[i].key);
		if (expected[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, expected[i].value);
	}
	assert_null(list);
	assert_null(zc_next_pair(&list, ',', &value));
	assert_null(zc_next_pair(&list, ',', &value));
}

static void
test_pairs_of_nothing(void **state)
{
	char empty[] = "";
	char commas[] = "a,,b,";
	static const char *const keys[] = {"a", "", "b"};
	char *list = NULL;
	char *value;

	(void)state;
	assert_null(zc_next_pair(&list, ',', &value));
	list = empty;
	assert_null(zc_next_pair(&list, ',', &value));
	list = commas;
	for (size_t i = 0; i < TEST_NR(keys); i++) {
		char *key = zc_next_pair(&list, ',', &value);

		assert_non_null(key);
		assert_string_equal(key, keys[i]);
		assert_null(value);
	}
	assert_null(zc_next_pair(&list, ',', &value));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_size_accepted),
	        cmocka_unit_test(test_size_refused),
	        cmocka_unit_test(test_u64),
	        cmocka_unit_test(test_name_chars),
	        cmocka_unit_test(test_name_length),
	        cmocka_unit_test(test_pairs),
	        cmocka_unit_test(test_pairs_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
