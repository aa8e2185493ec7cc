/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Algorithms as people write them, right and wrong. */

#include "test_util.h"

#include <errno.h>

#include "algorithm.h"
#include "codec/codec.h"

struct good {
	const char *text;
	struct zarena_codec codecs[ZARENA_CODECS];
};

static void
test_right_ones(void **state)
{
	static const struct good cases[] = {
	        {"lz4", {{.id = ZCODEC_LZ4, .level = 1}}},
	        {"null", {{.id = ZCODEC_NULL}}},
	        {"lz4:level=7", {{.id = ZCODEC_LZ4, .level = 7}}},
	        {"lz4:level=1", {{.id = ZCODEC_LZ4, .level = 1}}},
	        {"lz4:level=65536", {{.id = ZCODEC_LZ4, .level = 65536}}},
	        {"lz4:level=3:level=9", {{.id = ZCODEC_LZ4, .level = 9}}},
	        {"deflate", {{.id = ZCODEC_DEFLATE, .level = 1}}},
	        {"deflate:level=9", {{.id = ZCODEC_DEFLATE, .level = 9}}},
	        {"lz4,null", {{.id = ZCODEC_LZ4, .level = 1}, {.id = ZCODEC_NULL}}},
	        {"null,lz4:level=2,lz4:level=3,lz4",
	         {{.id = ZCODEC_NULL},
	          {.id = ZCODEC_LZ4, .level = 2},
	          {.id = ZCODEC_LZ4, .level = 3},
	          {.id = ZCODEC_LZ4, .level = 1}}},
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		struct zarena_codec codecs[ZARENA_CODECS];
		char why[256] = "";

		memset(codecs, 0xff, sizeof(codecs));
		assert_int_equal(zd_algorithm_parse(cases[i].text, codecs, why, sizeof(why)), 0);
		for (unsigned int j = 0; j < ZARENA_CODECS; j++) {
			assert_int_equal(codecs[j].id, cases[i].codecs[j].id);
			assert_int_equal(codecs[j].level, cases[i].codecs[j].level);
			assert_int_equal(codecs[j].dict_off, 0);
			assert_int_equal(codecs[j].dict_len, 0);
		}
	}
}

static void
test_wrong_ones(void **state)
{
	/* Each message names what is wrong with it. */
	static const struct {
		const char *text;
		const char *names;
	} cases[] = {
	        {"", "''"},
	        {"zstd", "'zstd'; there are: null lz4 deflate"},
	        {"LZ4", "'LZ4'"},
	        {" lz4", "' lz4'"},
	        {"lz4,", "''"},
	        {",lz4", "''"},
	        {"lz4,,null", "''"},
	        {"lz4,foo", "'foo'"},
	        {"lz4:level", "''"},
	        {"lz4:level=", "''"},
	        {"lz4:level=0", "'0'"},
	        {"lz4:level=-1", "'-1'"},
	        {"lz4:level=65537", "'65537'"},
	        {"lz4:level=1x", "'1x'"},
	        {"lz4:level=99999999999999999999", "'99999999999999999999'"},
	        {"lz4:speed=1", "'speed'"},
	        {"lz4:=1", "''"},
	        {"null:level=1", "'1'"},
	        {"deflate:level=0", "level '0' of deflate is not a number from 1 to 9"},
	        {"deflate:level=10", "level '10' of deflate is not a number from 1 to 9"},
	        {"lz4,lz4,lz4,lz4,lz4", "'lz4,lz4,lz4,lz4,lz4'"},
	        {"lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4lz4l", "63"},
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		struct zarena_codec codecs[ZARENA_CODECS];
		char why[256] = "";

		assert_int_equal(zd_algorithm_parse(cases[i].text, codecs, why, sizeof(why)),
		                 -EINVAL);
		if (strstr(why, cases[i].names) == NULL)
			fail_msg("'%s': the message is: %s", cases[i].text, why);
	}
}

/* A message that does not fit is cut, and nothing behind it is touched. */
static void
test_short_message(void **state)
{
	struct zarena_codec codecs[ZARENA_CODECS];
	char why[16];

	(void)state;
	memset(why, 'x', sizeof(why));
	assert_int_equal(zd_algorithm_parse("nonsense", codecs, why, 8), -EINVAL);
	assert_int_equal(why[7], '\0');
	assert_int_equal(why[8], 'x');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_right_ones),
	        cmocka_unit_test(test_wrong_ones),
	        cmocka_unit_test(test_short_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
