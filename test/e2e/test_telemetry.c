/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The stock dpdk-telemetry.py asks the service, and the numbers are right. */

#include "e2e.h"

#include <stdlib.h>

#include <jansson.h>

#include "pages.h"

#define TOOL    "/usr/bin/dpdk-telemetry.py"
#define PAGES   64u
#define STORES  40u
#define SKIPPED 77

/* Asks one question. @return the answer, which may be null; the caller's */
static json_t *
ask(struct e2e *e, const char *question)
{
	static struct e2e_result r;
	char script[256], command[64];
	json_t *root, *answer;

	/* The tool finds a service as EAL places it. */
	setenv("RUNTIME_DIRECTORY", e->dir, 1);
	snprintf(script, sizeof(script), "printf '%%s\\nquit\\n' '%s' | " TOOL " -f %s", question,
	         e->prefix);
	e2e_run(&r, (const char *const[]){"/bin/sh", "-c", script, NULL});
	root = json_loads(r.out, 0, NULL);
	snprintf(command, sizeof(command), "%.*s", (int)strcspn(question, ","), question);
	answer = json_object_get(root, command);
	if (answer == NULL)
		fail_msg("%s: %s%s", question, r.out, r.err);
	json_incref(answer);
	json_decref(root);
	return answer;
}

static json_int_t
number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("no number %s", key);
	return json_integer_value(value);
}

/* A disk with pages of all kinds. */
static void
fill_disk(struct zcl *zc, struct zcl_disk **disk, struct zcl_queue **q)
{
	uint8_t page[E2E_PAGE];

	*disk = e2e_disk(zc, "told", PAGES);
	*q = e2e_queue(*disk, 64);
	for (unsigned int i = 0; i < STORES; i++) {
		page_fill(page, sizeof(page), (enum page_kind)(i % PAGE_KINDS), i);
		assert_int_equal(zcl_store(*q, i, page, i), 0);
	}
	e2e_reap_ok(*q, STORES);
	assert_int_equal(zcl_discard_sync(*q, 36, 10), 0);
}

static void
check_disk(struct e2e *e, struct zcl_disk *disk)
{
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	json_t *answer = ask(e, "/zcompd/disk,told");

	assert_int_equal(zcl_disk_stat(disk, &st), 0);
	assert_string_equal(json_string_value(json_object_get(answer, "algorithm")), "lz4");
	assert_int_equal(number(answer, "page_size"), E2E_PAGE);
	assert_int_equal(number(answer, "pages"), PAGES);
	assert_int_equal(number(answer, "pages_stored"), 36);
	assert_int_equal(number(answer, "orig_data_size"), 36 * E2E_PAGE);
	assert_int_equal(number(answer, "same_pages"), 9);
	assert_int_equal(number(answer, "huge_pages"), 9);
	assert_int_equal(number(answer, "huge_pages_since"), 10);
	assert_int_equal(number(answer, "compr_data_size"), st.compr_data_size);
	assert_int_equal(number(answer, "mem_used"), st.mem_used);
	assert_int_equal(number(answer, "mem_used_max"), st.mem_used_max);
	assert_int_equal(number(answer, "mem_limit"), 0);
	assert_int_equal(number(answer, "discards"), 10);
	assert_int_equal(number(answer, "failed_stores"), 0);
	json_decref(answer);
}

static void
check_workers_and_streams(struct e2e *e)
{
	json_t *answer = ask(e, "/zcompd/workers"), *one;

	assert_int_equal(json_object_size(answer), 1);
	one = json_object_get(answer, "worker_0");
	assert_int_equal(number(one, "ops"), STORES + 1);
	assert_true(number(one, "polls") > 0 && number(one, "sleeps") > 0);
	assert_true(number(one, "busy_cycles") <= number(one, "total_cycles"));
	json_decref(answer);
	answer = ask(e, "/zcompd/streams");
	one = json_object_get(answer, "compressdev_lz4_1_4096");
	assert_int_equal(number(one, "managed") + number(one, "percpu"), STORES * 3 / 4);
	assert_int_equal(number(one, "errors"), 0);
	assert_int_equal(number(one, "in_flight"), 0);
	assert_true(json_is_integer(json_object_get(one, "refused")));
	json_decref(answer);
}

static void
check_info(struct e2e *e)
{
	json_t *answer = ask(e, "/zcompd/info");

	assert_true(json_is_string(json_object_get(answer, "version")));
	assert_string_equal(json_string_value(json_object_get(answer, "socket")), e->socket);
	assert_int_equal(number(answer, "pid"), e->pid);
	assert_int_equal(number(answer, "workers"), 1);
	assert_int_equal(number(answer, "devices"), 1);
	json_decref(answer);
}

static void
check_null(struct e2e *e, const char *question)
{
	json_t *answer = ask(e, question);

	assert_true(json_is_null(answer));
	json_decref(answer);
}

static void
test_telemetry(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl *zc = e2e_connect(e);
	struct zcl_disk *disk;
	struct zcl_queue *q;
	json_t *answer;

	answer = ask(e, "/zcompd/disks");
	assert_int_equal(json_array_size(answer), 0);
	json_decref(answer);
	fill_disk(zc, &disk, &q);
	answer = ask(e, "/zcompd/disks");
	assert_int_equal(json_array_size(answer), 1);
	assert_string_equal(json_string_value(json_array_get(answer, 0)), "told");
	json_decref(answer);
	check_info(e);
	check_disk(e, disk);
	check_workers_and_streams(e);
	check_null(e, "/zcompd/disk");
	check_null(e, "/zcompd/disk,nowhere");
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	e2e_remove(zc, "told");
	check_null(e, "/zcompd/disk,told");
	zcl_close(zc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_telemetry),
	};

	if (access(TOOL, X_OK) != 0) {
		printf("skipped: " TOOL " (package dpdk) is not there\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, e2e_setup_started, e2e_teardown);
}
