/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* A disk's options from text: every key, and for every error a message that names the value. */

#include "test_util.h"

#include <errno.h>
#include <stdio.h>

#include "disk.h"

static void
test_defaults(void **state)
{
	struct zd_disk_opts opts;

	(void)state;
	memset(&opts, 0xff, sizeof(opts));
	zd_disk_opts_init(&opts);
	assert_string_equal(opts.name, "");
	assert_string_equal(opts.algorithm, "lz4");
	assert_int_equal(opts.page_size, 4096);
	assert_int_equal(opts.mode, 0600);
	assert_int_equal(opts.size, 0);
	assert_int_equal(opts.pages, 0);
	assert_int_equal(opts.mem_limit, 0);
	assert_int_equal(opts.flags, 0);
}

static void
test_every_key(void **state)
{
	struct zd_disk_opts opts;
	char why[ZD_WHY_LEN] = "";

	(void)state;
	assert_int_equal(zd_disk_opts_parse(&opts,
	                                    "swap0=3G,page_size=16K,algorithm=lz4:level=4,"
	                                    "mem_limit=512M,mode=0640,flags=0,"
	                                    "precompressed=1",
	                                    why),
	                 0);
	assert_string_equal(opts.name, "swap0");
	assert_int_equal(opts.size, 3ull << 30);
	assert_int_equal(opts.page_size, 16384);
	assert_string_equal(opts.algorithm, "lz4:level=4");
	assert_int_equal(opts.mem_limit, 512ull << 20);
	assert_int_equal(opts.mode, 0640);
	assert_int_equal(opts.flags, ZARENA_PRECOMP);
	assert_int_equal(opts.pages, 0);
	assert_string_equal(why, "");
	assert_int_equal(zd_disk_opts_set(&opts, "precompressed", "0", why), 0);
	assert_int_equal(opts.flags, 0);
	assert_int_equal(zd_disk_opts_set(&opts, "flags", "1", why), 0);
	assert_int_equal(opts.flags, ZARENA_PRECOMP);
	assert_int_equal(zd_disk_opts_parse(&opts, "x=1,pages=100", why), 0);
	assert_int_equal(opts.pages, 100);
	assert_int_equal(zd_disk_opts_set(&opts, "pages", "7K", why), 0);
	assert_int_equal(opts.pages, 7168);
	assert_int_equal(zd_disk_opts_set(&opts, "size", "1T", why), 0);
	assert_int_equal(opts.size, 1ull << 40);
	assert_int_equal(zd_disk_opts_set(&opts, "mode", "0777", why), 0);
	assert_int_equal(opts.mode, 0777);
	/* As JSON numbers come. */
	assert_int_equal(zd_disk_opts_set(&opts, "mode", "640", why), 0);
	assert_int_equal(opts.mode, 0640);
}

static void
test_page_sizes(void **state)
{
	static const char *const good[] = {"1K", "2048", "4k", "8192", "16K", "32K", "64K"};
	static const char *const bad[] = {"0", "1", "512", "4095", "3K", "128K", "1M", "", "-1"};
	struct zd_disk_opts opts;
	char why[ZD_WHY_LEN], value[32];

	(void)state;
	zd_disk_opts_init(&opts);
	for (size_t i = 0; i < TEST_NR(good); i++) {
		assert_int_equal(zd_disk_opts_set(&opts, "page_size", good[i], why), 0);
		assert_int_equal(opts.page_size, 1024u << i);
	}
	for (size_t i = 0; i < TEST_NR(bad); i++) {
		assert_int_equal(zd_disk_opts_set(&opts, "page_size", bad[i], why), -EINVAL);
		snprintf(value, sizeof(value), "'%s'", bad[i]);
		assert_non_null(strstr(why, value));
		assert_non_null(strstr(why, "page_size"));
		assert_int_equal(opts.page_size, 65536);
	}
}

static void
test_policy(void **state)
{
	struct zd_disk_opts opts;
	char why[ZD_WHY_LEN];

	(void)state;
	assert_int_equal(zd_disk_opts_parse(&opts, "x=1M", why), 0);
	assert_false(opts.has_policy);
	/* Its own '=' does not end the value. */
	assert_int_equal(zd_disk_opts_parse(&opts, "x=1M,policy=spill=7,mode=0640", why), 0);
	assert_true(opts.has_policy);
	assert_int_equal(opts.policy.kind, ZCOMP_POLICY_SPILL);
	assert_int_equal(opts.policy.arg, 7);
	assert_int_equal(opts.mode, 0640);
}

static void
test_wrong_values(void **state)
{
	static const struct {
		const char *key, *value;
	} cases[] = {
	        {"size", ""},
	        {"size", "many"},
	        {"size", "1Q"},
	        {"size", "1KB"},
	        {"size", "-1"},
	        {"size", " 1"},
	        {"size", "1.5G"},
	        {"size", "99999999999999999999"},
	        {"size", "18446744073709551615K"},
	        {"pages", "0x10"},
	        {"mem_limit", "all"},
	        {"mode", "rw"},
	        {"mode", ""},
	        {"mode", "0888"},
	        {"mode", "01000"},
	        {"mode", "-1"},
	        {"mode", "99999999999999999999"},
	        {"flags", "2"},
	        {"flags", "none"},
	        {"precompressed", ""},
	        {"precompressed", "2"},
	        {"precompressed", "yes"},
	        {"policy", ""},
	        {"policy", "Inline"},
	        {"policy", "retry"},
	        {"policy", "spill=0"},
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		struct zd_disk_opts opts, before;
		char why[ZD_WHY_LEN] = "", value[64];

		zd_disk_opts_init(&opts);
		before = opts;
		assert_int_equal(zd_disk_opts_set(&opts, cases[i].key, cases[i].value, why),
		                 -EINVAL);
		snprintf(value, sizeof(value), "%s '%s'", cases[i].key, cases[i].value);
		if (strstr(why, value) == NULL)
			fail_msg("%s: the message is: %s", value, why);
		assert_memory_equal(&opts, &before, sizeof(opts));
	}
}

static void
test_wrong_texts(void **state)
{
	static const struct {
		const char *text, *names;
	} cases[] = {
	        {"", "''"},
	        {"x", "'x'"},
	        {"=1M", "'=1M'"},
	        {",x=1M", "',x=1M'"},
	        {".x=1M", "'.x=1M'"},
	        {"a/b=1M", "'a/b=1M'"},
	        {"../x=1M", "'../x=1M'"},
	        {"x y=1M", "'x y=1M'"},
	        {"x=", "size ''"},
	        {"x=lots", "size 'lots'"},
	        {"x=1M,colour=red", "'colour'"},
	        {"x=1M,mode", "mode ''"},
	        {"x=1M,,mode=0600", "''"},
	        {"x=1M,Mode=0600", "'Mode'"},
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		struct zd_disk_opts opts;
		char why[ZD_WHY_LEN] = "";

		assert_int_equal(zd_disk_opts_parse(&opts, cases[i].text, why), -EINVAL);
		if (strstr(why, cases[i].names) == NULL)
			fail_msg("'%s': the message is: %s", cases[i].text, why);
	}
}

/* Whatever is too long is refused with the start of it, and nothing is written beyond. */
static void
test_long_texts(void **state)
{
	struct zd_disk_opts opts;
	char why[ZD_WHY_LEN], text[2000];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(zd_disk_opts_parse(&opts, text, why), -EINVAL);
	assert_non_null(strstr(why, "aaaa"));
	zd_disk_opts_init(&opts);
	for (size_t i = 0; i < 6; i++) {
		static const char *const keys[] = {"size",      "mode",  "page_size",
		                                   "algorithm", "flags", "colour"};

		assert_int_equal(zd_disk_opts_set(&opts, keys[i], text, why), -EINVAL);
		assert_non_null(strstr(why, i < 5 ? "aaaa" : "'colour'"));
		assert_true(strlen(why) < ZD_WHY_LEN);
	}
	assert_int_equal(zd_disk_opts_set(&opts, text, "1", why), -EINVAL);
	assert_non_null(strstr(why, "aaaa"));
	/* A name of 63 is one, a name of 64 is none. */
	strcpy(text + 63, "=1M");
	assert_int_equal(zd_disk_opts_parse(&opts, text, why), 0);
	assert_int_equal(strlen(opts.name), 63);
	memset(text, 'a', 64);
	strcpy(text + 64, "=1M");
	assert_int_equal(zd_disk_opts_parse(&opts, text, why), -EINVAL);
	/* An algorithm of 63 is kept for its own parser to judge. */
	memset(text, 'z', 63);
	text[63] = '\0';
	assert_int_equal(zd_disk_opts_set(&opts, "algorithm", text, why), 0);
	assert_string_equal(opts.algorithm, text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_defaults),     cmocka_unit_test(test_every_key),
	        cmocka_unit_test(test_page_sizes),   cmocka_unit_test(test_policy),
	        cmocka_unit_test(test_wrong_values), cmocka_unit_test(test_wrong_texts),
	        cmocka_unit_test(test_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
