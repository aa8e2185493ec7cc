/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* zcompctl: every command, as a table and as JSON, and everything that can be wrong with it. */

#include "e2e.h"

#include <stdlib.h>

#include <jansson.h>

#include "pages.h"

#define RUN(e, r, ...) e2e_ctl(e, r, (const char *const[]){__VA_ARGS__, NULL})

static struct e2e_result result;

/* The last line of a reply in JSON, which is to be one. */
static json_t *
reply(const struct e2e_result *r)
{
	json_t *root = json_loads(r->out, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(root))
		fail_msg("no JSON: %s", r->out);
	return root;
}

static json_int_t
number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void
test_create_list_stat_remove(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct e2e_result *r = &result;
	json_t *root, *disk;

	RUN(e, r, "list");
	assert_int_equal(r->status, 0);
	assert_non_null(strstr(r->out, "NAME"));
	RUN(e, r, "create", "one", "16M");
	assert_int_equal(r->status, 0);
	assert_string_equal(r->out, "");
	RUN(e, r, "create", "two", "1M", "page_size=16K", "mem_limit=512K", "mode=0640",
	    "algorithm=lz4:level=3", "precompressed=1");
	assert_int_equal(r->status, 0);
	RUN(e, r, "--json", "list");
	assert_int_equal(r->status, 0);
	root = reply(r);
	assert_true(json_is_true(json_object_get(root, "ok")));
	assert_int_equal(json_array_size(json_object_get(root, "disks")), 2);
	/* In the order in which they were made. */
	disk = json_array_get(json_object_get(root, "disks"), 1);
	assert_string_equal(json_string_value(json_object_get(disk, "disk")), "two");
	assert_string_equal(json_string_value(json_object_get(disk, "algorithm")), "lz4:level=3");
	assert_int_equal(number(disk, "page_size"), 16384);
	assert_int_equal(number(disk, "pages"), 64);
	assert_int_equal(number(disk, "mem_limit"), 512 << 10);
	assert_int_equal(number(disk, "precompressed"), 1);
	json_decref(root);
	RUN(e, r, "list");
	assert_non_null(strstr(r->out, "one"));
	assert_non_null(strstr(r->out, "16.0M"));
	RUN(e, r, "stat", "one", "--json");
	root = reply(r);
	assert_int_equal(number(root, "pages"), 4096);
	assert_int_equal(number(root, "open"), 0);
	assert_int_equal(number(root, "precompressed"), 0);
	json_decref(root);
	RUN(e, r, "stat", "two");
	assert_int_equal(r->status, 0);
	assert_non_null(strstr(r->out, "mem_limit"));
	RUN(e, r, "stat");
	assert_non_null(strstr(r->out, "two"));
	RUN(e, r, "remove", "one");
	assert_int_equal(r->status, 0);
	RUN(e, r, "remove", "two");
	assert_int_equal(r->status, 0);
	RUN(e, r, "--json", "list");
	root = reply(r);
	assert_int_equal(json_array_size(json_object_get(root, "disks")), 0);
	json_decref(root);
}

static void
expect_policy(struct e2e *e, const char *policy)
{
	json_t *root;

	RUN(e, &result, "stat", "hybrid", "--json");
	root = reply(&result);
	assert_string_equal(json_string_value(json_object_get(root, "policy")), policy);
	json_decref(root);
}

static void
test_set(void **state)
{
	struct e2e *e = (struct e2e *)*state;

	RUN(e, &result, "create", "hybrid", "1M", "policy=retry=20");
	assert_int_equal(result.status, 0);
	expect_policy(e, "retry=20");
	RUN(e, &result, "set", "hybrid", "policy=adaptive");
	assert_int_equal(result.status, 0);
	expect_policy(e, "adaptive");
	RUN(e, &result, "set", "hybrid", "policy=spill=x");
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.err, "'spill=x'"));
	RUN(e, &result, "set", "hybrid", "mode=0640");
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.err, "'mode'"));
	RUN(e, &result, "set", "nobody", "policy=try");
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.err, "'nobody'"));
	expect_policy(e, "adaptive");
	RUN(e, &result, "remove", "hybrid");
	assert_int_equal(result.status, 0);
}

/* The numbers are those that libzcl reads in shared memory. */
static void
test_numbers(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	struct zcl *zc = e2e_connect(e);
	struct zcl_disk *disk = e2e_disk(zc, "numbers", 64);
	struct zcl_queue *q = e2e_queue(disk, 64);
	json_t *root, *worker, *streams;
	uint8_t page[E2E_PAGE];

	for (unsigned int i = 0; i < 40; i++) {
		page_fill(page, sizeof(page), (enum page_kind)(i % PAGE_KINDS), i);
		assert_int_equal(zcl_store(q, i, page, i), 0);
	}
	e2e_reap_ok(q, 40);
	assert_int_equal(zcl_discard_sync(q, 30, 20), 0);
	assert_int_equal(zcl_disk_stat(disk, &st), 0);
	RUN(e, &result, "stat", "numbers", "--json");
	root = reply(&result);
	assert_int_equal(number(root, "pages_stored"), 30);
	assert_int_equal(number(root, "orig_data_size"), 30 * E2E_PAGE);
	assert_int_equal(number(root, "compr_data_size"), st.compr_data_size);
	assert_int_equal(number(root, "mem_used"), st.mem_used);
	assert_int_equal(number(root, "mem_used_max"), st.mem_used_max);
	assert_int_equal(number(root, "same_pages"), st.same_pages);
	assert_int_equal(number(root, "huge_pages"), st.huge_pages);
	assert_int_equal(number(root, "huge_pages_since"), 10);
	assert_int_equal(number(root, "discards"), 20);
	assert_int_equal(number(root, "open"), 2);
	json_decref(root);
	RUN(e, &result, "info", "--json");
	root = reply(&result);
	assert_int_equal(number(root, "pid"), e->pid);
	worker = json_array_get(json_object_get(root, "workers"), 0);
	assert_int_equal(number(worker, "ops"), 41);
	assert_true(number(worker, "polls") > 0);
	streams = json_array_get(json_object_get(root, "streams"), 0);
	assert_string_equal(json_string_value(json_object_get(streams, "backend")), "compressdev");
	/* All that were not same-filled. */
	assert_int_equal(number(streams, "managed") + number(streams, "percpu"), 30);
	assert_int_equal(number(streams, "in_flight"), 0);
	assert_int_equal(number(streams, "errors"), 0);
	json_decref(root);
	RUN(e, &result, "info");
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "workers[0]"));
	RUN(e, &result, "remove", "numbers");
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.err, "'numbers'"));
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	e2e_remove(zc, "numbers");
	zcl_close(zc);
}

static void
test_wrong_command_lines(void **state)
{
	static const struct {
		const char *args[6];
		const char *says;
	} cases[] = {
	        {{NULL}, "command"},
	        {{"--frobnicate", "list"}, "frobnicate"},
	        {{"reboot"}, "'reboot'"},
	        {{"create"}, "create NAME SIZE"},
	        {{"create", "x"}, "create NAME SIZE"},
	        {{"create", "x", "1M", "mode"}, "key=value"},
	        {{"create", "x", "1M", "mode=0600", "mode=0644"}, "once"},
	        {{"create", "x", "1M", "disk=y"}, "once"},
	        {{"create", "x", "1M", "algorithm=\xff"}, "UTF-8"},
	        {{"create", "\xff", "1M"}, "UTF-8"},
	        {{"set", "x"}, "set NAME"},
	        {{"set", "x", "policy"}, "key=value"},
	        {{"remove"}, "remove NAME"},
	        {{"remove", "x", "y"}, "remove NAME"},
	        {{"remove", "\xff"}, "UTF-8"},
	        {{"compact"}, "compact NAME"},
	        {{"compact", "x", "y"}, "compact NAME"},
	        {{"compact", "\xff"}, "UTF-8"},
	        {{"stat", "x", "y"}, "stat [NAME]"},
	        {{"stat", "\xff"}, "UTF-8"},
	        {{"list", "x"}, "list"},
	        {{"info", "x"}, "info"},
	};
	struct e2e *e = (struct e2e *)*state;

	for (size_t i = 0; i < TEST_NR(cases); i++) {
		e2e_ctl(e, &result, cases[i].args);
		if (result.status != 2 || strstr(result.err, cases[i].says) == NULL)
			fail_msg("case %zu: status %d, \"%s\" wanted: %s", i, result.status,
			         cases[i].says, result.err);
	}
	RUN(e, &result, "--json", "list");
	assert_non_null(strstr(result.out, "[]"));
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *args[6];
		const char *says;
	} cases[] = {
	        {{"create", "there", "1M"}, "'there'"},
	        {{"create", "no/name", "1M"}, "'no/name'"},
	        {{"create", "", "1M"}, "''"},
	        {{"create", "x", "lots"}, "'lots'"},
	        {{"create", "x", "0"}, "'x'"},
	        {{"create", "x", "1M", "page_size=5K"}, "'5K'"},
	        {{"create", "x", "1M", "precompressed=yes"}, "'yes'"},
	        {{"create", "x", "1M", "colour=red"}, "'colour'"},
	        {{"create", "x", "1M", "algorithm=zstd"}, "'zstd'"},
	        {{"create", "x", "1M", "mode=rw"}, "'rw'"},
	        {{"create", "x", "999999999G"}, "'x'"},
	        {{"remove", "nowhere"}, "'nowhere'"},
	        {{"compact", "nowhere"}, "'nowhere'"},
	        {{"stat", "nowhere"}, "'nowhere'"},
	};
	struct e2e *e = (struct e2e *)*state;

	RUN(e, &result, "create", "there", "1M");
	assert_int_equal(result.status, 0);
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		e2e_ctl(e, &result, cases[i].args);
		if (result.status != 1 || strstr(result.err, cases[i].says) == NULL ||
		    result.out[0] != '\0')
			fail_msg("case %zu: status %d, \"%s\" wanted: %s", i, result.status,
			         cases[i].says, result.err);
	}
	/* In JSON the refusal is the reply. */
	RUN(e, &result, "--json", "stat", "nowhere");
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.out, "\"ok\":false"));
	assert_non_null(strstr(result.out, "'nowhere'"));
	RUN(e, &result, "remove", "there");
	assert_int_equal(result.status, 0);
}

static void
test_no_service(void **state)
{
	static struct e2e nowhere;
	struct e2e *e = (struct e2e *)*state;

	snprintf(nowhere.socket, sizeof(nowhere.socket), "%s/nowhere", e->dir);
	RUN(&nowhere, &result, "list");
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.err, nowhere.socket));
	/* By the environment, as any client. */
	setenv("ZCOMPD_SOCKET", e->socket, 1);
	e2e_run(&result, (const char *const[]){getenv("ZCOMPCTL"), "list", NULL});
	assert_int_equal(result.status, 0);
	setenv("ZCOMPD_SOCKET", nowhere.socket, 1);
	e2e_run(&result, (const char *const[]){getenv("ZCOMPCTL"), "list", NULL});
	assert_int_equal(result.status, 1);
	unsetenv("ZCOMPD_SOCKET");
}

static void
test_help(void **state)
{
	struct e2e *e = (struct e2e *)*state;

	RUN(e, &result, "--help");
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "create NAME SIZE"));
	RUN(e, &result, "--version");
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "zcompctl "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_create_list_stat_remove),
	        cmocka_unit_test(test_set),
	        cmocka_unit_test(test_numbers),
	        cmocka_unit_test(test_wrong_command_lines),
	        cmocka_unit_test(test_refusals),
	        cmocka_unit_test(test_no_service),
	        cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, e2e_setup_started, e2e_teardown);
}
