/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Devices by their command lines: instances of one driver, a plug-in, and what is refused. */

#include "load.h"

#include "sim_dir.h"

static void
start(struct e2e *e, const char *first, const char *second)
{
	e2e_start(e, (const char *const[]){"--plugin-dir", sim_dir.path, "--hang-ms", "60000",
	                                   "--device", first, "--device", second, NULL});
}

/* Both ways to write the number; the two share the work. */
static void
test_instances(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl_disk *disk;
	struct load load;
	struct zcl *zc;

	start(e, "compress_sim0,latency_us=100", "compress_sim_1,depth=64");
	zc = e2e_connect(e);
	disk = e2e_disk(zc, "pages", LOAD_CLIENTS * LOAD_PAGES);
	load_init(&load, e, (const char *const[]){"pages", "pages"});
	load_start(&load, 2000 / TEST_SLOW);
	load_end(&load);
	load_check(&load, zc);
	assert_int_equal(load_number_of(zc, "devices", 0, "depth"), 256);
	assert_int_equal(load_number_of(zc, "devices", 1, "depth"), 64);
	assert_true(load_number_of(zc, "devices", 0, "done") > 0);
	assert_true(load_number_of(zc, "devices", 1, "done") > 0);
	assert_int_equal(load_number(zc, "devices", "done"), LOAD_SUM(&load, managed));
	load_fini(&load);
	zcl_disk_close(disk);
	zcl_close(zc);
	e2e_stop(e);
}

/* The service says which arguments, the driver why. */
static void
test_arguments_refused(void **state)
{
	static const struct {
		const char *device;
		const char *why;
	} cases[] = {
	        {"compress_sim,depth=0", "depth=0: not a number from 1 to 4096"},
	        {"compress_sim_7,latency_us=x", "latency_us=x: not N"},
	        {"compress_sim,profile=zip", "profile=zip: not hisi_zip"},
	        {"compress_sim0,nosuch=1", "nosuch: no such argument"},
	        {"compress_lz4,mode=slow", "mode=slow"},
	        {"compress_sim,latency_us=5,codec=null", "codec=null is for measuring"},
	};
	struct e2e *e = (struct e2e *)*state;

	for (size_t i = 0; i < TEST_NR(cases); i++) {
		/* Not only of the first device. */
		const char *args[] = {"--plugin-dir", sim_dir.path,    "--device", "compress_lz4_9",
		                      "--device",     cases[i].device, NULL};

		e2e_start_fails(e, args, 1, strchr(cases[i].device, ',') + 1);
		if (strstr(e->log, cases[i].why) == NULL)
			fail_msg("%s: no \"%s\" in:\n%s", cases[i].device, cases[i].why, e->log);
	}
}

/* A second one of the same name would be the first one again. */
static void
test_named_twice(void **state)
{
	struct e2e *e = (struct e2e *)*state;

	e2e_start_fails(e,
	                (const char *const[]){"--plugin-dir", sim_dir.path, "--device",
	                                      "compress_sim0", "--device",
	                                      "compress_sim0,engines=2", NULL},
	                1, "'compress_sim0' is there twice");
	e2e_start_fails(
	        e,
	        (const char *const[]){"--device", "compress_lz4", "--device", "compress_lz4", NULL},
	        1, "'compress_lz4' is there twice");
}

#define DEVICES_TEST(name) cmocka_unit_test_setup_teardown(name, sim_setup, sim_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        DEVICES_TEST(test_instances),
	        DEVICES_TEST(test_arguments_refused),
	        DEVICES_TEST(test_named_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
