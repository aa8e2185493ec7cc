/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * zcompd with backends and drivers from shared objects: one that works, and what it says of those
 * that do not. TEST_PLUGINS says where they were built.
 */

#include "e2e.h"

#include <errno.h>
#include <sys/stat.h>

#include "pages.h"
#include "plugin_dir.h"

#define PAGES 64u

static struct plugin_dir dir;

static int
set_up(void **state)
{
	static const char *const names[] = {"one", "abi",  "codec",    "hidden",
	                                    "ops", "size", "undefined"};
	char file[64];

	plugin_dir_init(&dir);
	for (size_t i = 0; i < TEST_NR(names); i++) {
		snprintf(file, sizeof(file), "libzcomp_backend_%s.so", names[i]);
		plugin_copy(&dir, "TEST_PLUGINS", file);
	}
	plugin_copy(&dir, "TEST_PLUGINS", "librte_compress_other.so");
	plugin_write(&dir, "libzcomp_backend_text.so", "text", 4);
	plugin_write(&dir, "librte_compress_text.so", "text", 4);
	return e2e_setup(state);
}

static int
tear_down(void **state)
{
	plugin_dir_fini(&dir);
	return e2e_teardown(state);
}

/* Status 1, and a message with the plug-in and each of these words. */
static void
refused(struct e2e *e, const char *option, const char *arg, const char *const words[3])
{
	const char *args[] = {"--plugin-dir", dir.path, option, arg, NULL};

	e2e_start_fails(e, args, 1, words[0]);
	for (unsigned int i = 1; i < 3 && words[i] != NULL; i++) {
		if (strstr(e->log, words[i]) == NULL)
			fail_msg("%s %s: no \"%s\" in:\n%s", option, arg, words[i], e->log);
	}
}

static void
test_backends_refused(void **state)
{
	static const struct {
		const char *spec;
		const char *words[3];
	} cases[] = {
	        {"nosuch", {"'nosuch'", "/libzcomp_backend_nosuch.so"}},
	        {"/no/such/backend", {"there is no /no/such/backend"}},
	        {"/dev/null", {"/dev/null", "regular file"}},
	        {"text", {"/libzcomp_backend_text.so is not loaded: ", "too short"}},
	        {"undefined", {"/libzcomp_backend_undefined.so", "nobody_has_this"}},
	        {"hidden", {"/libzcomp_backend_hidden.so", "zcomp_backend_module"}},
	        {"abi", {"/libzcomp_backend_abi.so", "ABI 7", "ABI 1"}},
	        {"size", {"/libzcomp_backend_size.so", "8 bytes", "24"}},
	        {"codec", {"/libzcomp_backend_codec.so", "'nosuch'"}},
	        {"ops", {"/libzcomp_backend_ops.so", "ops->poll"}},
	};
	struct e2e *e = (struct e2e *)*state;

	for (size_t i = 0; i < TEST_NR(cases); i++)
		refused(e, "--backend", cases[i].spec, cases[i].words);
	assert_int_equal(access(e->socket, F_OK), -1);
}

static void
test_drivers_refused(void **state)
{
	static const struct {
		const char *spec;
		const char *words[3];
	} cases[] = {
	        {"compress_other_1,a=b",
	         {"'compress_other_1'", "/librte_compress_other.so", "another DPDK"}},
	        {"compress_text", {"'compress_text'", "/librte_compress_text.so is not loaded: "}},
	};
	struct e2e *e = (struct e2e *)*state;

	for (size_t i = 0; i < TEST_NR(cases); i++)
		refused(e, "--device", cases[i].spec, cases[i].words);
}

/* Whoever else may write to it, or to where it lies. */
static void
test_unsafe(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	char path[256];

	snprintf(path, sizeof(path), "%s", plugin_path(&dir, "libzcomp_backend_one.so"));
	assert_int_equal(chmod(path, 0775), 0);
	refused(e, "--backend", path, (const char *const[]){path, "0775", "owner"});
	refused(e, "--backend", "one", (const char *const[]){path, "0775", "owner"});
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(chmod(plugin_path(&dir, "librte_compress_text.so"), 0666), 0);
	refused(e, "--device", "compress_text",
	        (const char *const[]){"librte_compress_text.so", "0666", "owner"});
	assert_int_equal(chmod(dir.path, 0777), 0);
	refused(e, "--backend", "one", (const char *const[]){path, "0777", "owner"});
	assert_int_equal(chmod(dir.path, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		refused(e, "--backend", "one", (const char *const[]){path, "user 65534", "root"});
	}
}

static void
test_command_lines(void **state)
{
	const char *args[19];
	struct e2e *e = (struct e2e *)*state;
	unsigned int nr = 0;

	e2e_start_fails(e, (const char *const[]){"--backend", "", NULL}, 2, "--backend: ''");
	e2e_start_fails(e, (const char *const[]){"--backend", NULL}, 2, "backend");
	e2e_start_fails(e, (const char *const[]){"--plugin-dir", NULL}, 2, "plugin-dir");
	while (nr < 18) {
		args[nr++] = "--backend";
		args[nr++] = "one";
	}
	args[nr] = NULL;
	e2e_start_fails(e, args, 2, "more than 8");
	/* Where there are no plug-ins. */
	e2e_start_fails(e, (const char *const[]){"--backend", "nosuch", NULL}, 1,
	                "/zcompd/backends/libzcomp_backend_nosuch.so");
	e2e_start(e, (const char *const[]){"--device", "compress_nosuch", NULL});
	assert_non_null(strstr(e2e_log(e), "no driver of that name"));
	assert_non_null(strstr(e2e_log(e), "/zcompd/drivers"));
	e2e_stop(e);
}

/* Pages of a codec that no device has, through a backend that has one stream. */
static void
store_and_load(struct e2e *e)
{
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = PAGES, .algorithm = "null"};
	uint8_t want[E2E_PAGE], got[E2E_PAGE];
	struct zcl *zc = e2e_connect(e);
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct zcl_cqe cqe;

	assert_int_equal(zcl_disk_create(zc, "one", &opts), 0);
	assert_int_equal(zcl_disk_open(zc, "one", &disk), 0);
	q = e2e_queue(disk, 0);
	for (unsigned int i = 0; i < PAGES; i++) {
		page_fill(want, sizeof(want), PAGE_MIXED, i);
		assert_int_equal(zcl_store(q, i, want, i), 0);
		assert_int_equal(zcl_wait(q, 1, E2E_WAIT_MS), 1);
		assert_int_equal(zcl_reap(q, &cqe, 1), 1);
		assert_int_equal(cqe.res, 0);
		assert_true((cqe.flags & ZCL_CQE_MANAGED) != 0);
	}
	for (unsigned int i = 0; i < PAGES; i++) {
		page_fill(want, sizeof(want), PAGE_MIXED, i);
		assert_int_equal(zcl_load(disk, i, got), 0);
		assert_memory_equal(got, want, sizeof(want));
	}
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	e2e_remove(zc, "one");
	zcl_close(zc);
}

static void
test_works(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	char path[256];

	snprintf(path, sizeof(path), "%s", plugin_path(&dir, "libzcomp_backend_one.so"));
	e2e_start(e, (const char *const[]){"--backend", path, NULL});
	assert_non_null(strstr(e2e_log(e), path));
	store_and_load(e);
	e2e_stop(e);
	e2e_start(e, (const char *const[]){"--plugin-dir", dir.path, "--backend", "one", NULL});
	store_and_load(e);
	e2e_stop(e);
}

#define PLUGINS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        PLUGINS_TEST(test_backends_refused),
	        PLUGINS_TEST(test_drivers_refused),
	        PLUGINS_TEST(test_unsafe),
	        PLUGINS_TEST(test_command_lines),
	        PLUGINS_TEST(test_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
