/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Drivers from shared objects, in a program that has none built in. A driver that is loaded stays:
 * test_loaded() goes last.
 */

#include "comp_env.h"
#include "plugin_dir.h"

#include <errno.h>
#include <sched.h>

#include "compressors.h"
#include "driver.h"
#include "pages.h"

#define PAGE 4096u

static struct plugin_dir dir;

static int
set_up(void **state)
{
	(void)state;
	plugin_dir_init(&dir);
	plugin_copy(&dir, "TEST_PLUGINS", "librte_compress_other.so");
	plugin_copy(&dir, "TEST_DRIVERS", "librte_compress_lz4.so");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	plugin_dir_fini(&dir);
	return 0;
}

/* What names lead to which file: the one that is there is refused. */
static void
test_names(void **state)
{
	static const char *const found[] = {"compress_other", "compress_other0", "compress_other12",
	                                    "compress_other_3", "compress_other_045"};
	static const char *const not_found[] = {"compress_othe",
	                                        "compress_other_",
	                                        "compress_other_1_2",
	                                        "compress_other_1x",
	                                        "xcompress_other",
	                                        "",
	                                        "7",
	                                        "_7",
	                                        "./compress_other",
	                                        "../compress_other",
	                                        "/compress_other"};
	char name[5000];

	(void)state;
	for (size_t i = 0; i < TEST_NR(found); i++)
		assert_int_equal(zd_driver_load(dir.path, found[i]), -ENOTSUP);
	for (size_t i = 0; i < TEST_NR(not_found); i++)
		assert_int_equal(zd_driver_load(dir.path, not_found[i]), -ENOENT);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(zd_driver_load(dir.path, name), -ENOENT);
	assert_int_equal(zd_driver_load("/there/is/none", "compress_other"), -ENOENT);
}

static void
test_refused(void **state)
{
	struct zd_compressors c = {.nr_lcores = 1, .driver_dir = dir.path};
	const unsigned int nr_fds = test_open_fds();

	(void)state;
	assert_int_equal(zd_compressors_add_device(&c, "compress_nosuch", 0), -ENODEV);
	assert_int_equal(zd_compressors_add_device(&c, "compress_other,x=1", 0), -EINVAL);
	plugin_write(&dir, "librte_compress_text.so", "text", 4);
	assert_int_equal(zd_driver_load(dir.path, "compress_text0"), -ENOEXEC);
	assert_int_equal(zd_compressors_add_device(&c, "compress_text0", 0), -EINVAL);
	assert_int_equal(chmod(plugin_path(&dir, "librte_compress_lz4.so"), 0666), 0);
	assert_int_equal(zd_driver_load(dir.path, "compress_lz4"), -EPERM);
	assert_int_equal(zd_compressors_add_device(&c, "compress_lz4", 0), -EINVAL);
	assert_int_equal(chmod(plugin_path(&dir, "librte_compress_lz4.so"), 0755), 0);
	assert_int_equal(c.nr_devices, 0);
	assert_int_equal(test_open_fds(), nr_fds);
	assert_int_equal(rte_compressdev_count(), 0);
}

/* A page through the first device that does lz4. */
static void
compress_page(struct zd_compressors *c)
{
	uint8_t want[PAGE], got[PAGE];
	struct zcomp_strm *strm;
	struct zcomp *comp;

	assert_int_equal(zd_compressors_get(c, &zcodec_lz4, 1, PAGE), 0);
	comp = c->entries[0].comp;
	assert_string_equal(zcomp_name(comp), "compressdev");
	strm = zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT);
	assert_non_null(strm);
	page_fill(want, PAGE, PAGE_TEXT, 7);
	memcpy(strm->src, want, PAGE);
	assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
	while (zcomp_poll(comp, 0, &strm, 1) == 0)
		sched_yield();
	assert_true(strm->result > 0);
	assert_int_equal(zcodec_lz4.decompress(strm->dst, (uint32_t)strm->result, got, PAGE), 0);
	assert_memory_equal(got, want, PAGE);
	zcomp_stream_put(strm);
}

static void
test_loaded(void **state)
{
	struct zd_compressors c = {.nr_lcores = 1, .driver_dir = dir.path};

	(void)state;
	/* Its file is there, and its own refusal is passed on. */
	assert_int_equal(zd_compressors_add_device(&c, "compress_lz4_0,mode=sideways", 0), -EINVAL);
	assert_int_equal(zd_compressors_add_device(&c, "compress_lz4_0,mode=thread", 0), 0);
	/* The EAL knows it now: the file is not needed. */
	assert_int_equal(unlink(plugin_path(&dir, "librte_compress_lz4.so")), 0);
	assert_int_equal(zd_compressors_add_device(&c, "compress_lz4_1", 0), 0);
	assert_int_equal(rte_compressdev_count(), 2);
	compress_page(&c);
	zd_compressors_fini(&c);
	assert_int_equal(rte_compressdev_count(), 0);
}

#define DRIVER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        DRIVER_TEST(test_names),
	        DRIVER_TEST(test_refused),
	        DRIVER_TEST(test_loaded),
	};
	int failed;

	if (test_eal_start(NULL) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_eal_stop();
	return failed;
}
