/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The check of a loaded backend, on modules that were not loaded. */

#include "test_util.h"

#include <errno.h>

#include "comp/module.h"

static int
setup(struct zcomp_params *params, void **priv)
{
	(void)params;
	(void)priv;
	return 0;
}

static struct managed_zstrm *
get(void *priv, unsigned int lcore)
{
	(void)priv;
	(void)lcore;
	return NULL;
}

static void
put(void *priv, struct managed_zstrm *zstrm)
{
	(void)priv;
	(void)zstrm;
}

static struct zcomp_watch *
watches(void *priv)
{
	(void)priv;
	return NULL;
}

static unsigned int
burst(void *priv, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	(void)priv;
	(void)lcore;
	(void)strms;
	(void)nr;
	return 0;
}

static const struct zcomp_ops good_ops = {
        .name = "good",
        .setup_params = setup,
        .get_stream = get,
        .put_stream = put,
        .submit = burst,
        .poll = burst,
};

static const struct zcomp_backend_module good = {
        .abi = ZCOMP_BACKEND_ABI,
        .size = sizeof(good),
        .codec = "lz4",
        .ops = &good_ops,
};

/* Refused, in words that name what is wrong. */
static void
refused(const struct zcomp_backend_module *module, int ret, const char *says)
{
	char why[256] = "";

	assert_int_equal(zcomp_module_check(module, why, sizeof(why)), ret);
	if (strstr(why, says) == NULL)
		fail_msg("no \"%s\" in: %s", says, why);
}

static void
test_good(void **state)
{
	struct zcomp_backend_module larger = good;
	char why[256] = "untouched";

	(void)state;
	assert_int_equal(zcomp_module_check(&good, why, sizeof(why)), 0);
	larger.size += 8;
	assert_int_equal(zcomp_module_check(&larger, why, sizeof(why)), 0);
	larger.codec = "null";
	assert_int_equal(zcomp_module_check(&larger, why, sizeof(why)), 0);
	assert_string_equal(why, "untouched");
}

static void
test_other_versions(void **state)
{
	/* All else is of another layout, and not looked at. */
	const struct zcomp_backend_module older = {.abi = 0};
	struct zcomp_backend_module module = good;

	(void)state;
	refused(&older, -ENOTSUP, "ABI 0");
	module.abi++;
	refused(&module, -ENOTSUP, "ABI 2");
	refused(&module, -ENOTSUP, "this is ABI 1");
	module = good;
	module.size--;
	refused(&module, -ENOTSUP, "23 bytes, 24");
	module.size = 0;
	refused(&module, -ENOTSUP, "0 bytes");
}

static void
test_codecs(void **state)
{
	struct zcomp_backend_module module = good;
	struct zcomp_ops ops = good_ops;

	(void)state;
	module.codec = "nosuch";
	refused(&module, -EINVAL, "'nosuch'");
	module.codec = "";
	refused(&module, -EINVAL, "''");
	module.codec = NULL;
	refused(&module, -EINVAL, "codec");
	/* The service's codec, which a module cannot know. */
	module = good;
	ops.codec = &zcodec_lz4;
	module.ops = &ops;
	refused(&module, -EINVAL, "ops->codec");
}

static void
test_watches(void **state)
{
	struct zcomp_backend_module module = good;
	struct zcomp_ops ops = good_ops;

	(void)state;
	ops.watches = watches;
	module.ops = &ops;
	refused(&module, -EINVAL, "ops->watches");
}

static void
test_incomplete(void **state)
{
	struct zcomp_backend_module module = good;
	struct zcomp_ops ops;

	(void)state;
	module.ops = NULL;
	refused(&module, -EINVAL, "no ops");
	module.ops = &ops;
	ops = good_ops;
	ops.name = NULL;
	refused(&module, -EINVAL, "ops->name");
	ops = good_ops;
	ops.setup_params = NULL;
	refused(&module, -EINVAL, "ops->setup_params");
	ops = good_ops;
	ops.get_stream = NULL;
	refused(&module, -EINVAL, "ops->get_stream");
	ops = good_ops;
	ops.put_stream = NULL;
	refused(&module, -EINVAL, "ops->put_stream");
	ops = good_ops;
	ops.submit = NULL;
	refused(&module, -EINVAL, "ops->submit");
	ops = good_ops;
	ops.poll = NULL;
	refused(&module, -EINVAL, "ops->poll");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_good),    cmocka_unit_test(test_other_versions),
	        cmocka_unit_test(test_codecs),  cmocka_unit_test(test_incomplete),
	        cmocka_unit_test(test_watches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
