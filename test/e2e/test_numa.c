/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A service on a host with two nodes, which numa_mock.c makes up: what it asks the kernel for, and
 * that it serves when the kernel refuses. Even CPUs are node 0's, odd ones node 1's.
 */

#include "e2e.h"

#include <errno.h>
#include <numaif.h>
#include <sched.h>
#include <stdlib.h>

#include "ipc/wire.h"
#include "pages.h"

#define DEPTH  256u
#define STORES 100u

/* How often the service has said so. */
static unsigned int
said(struct e2e *e, const char *what)
{
	const char *at = e2e_log(e);
	unsigned int nr = 0;

	while ((at = strstr(at, what)) != NULL) {
		at += strlen(what);
		nr++;
	}
	return nr;
}

static void
expect_policy(struct e2e *e, int mode, unsigned int nodes)
{
	char line[64];

	snprintf(line, sizeof(line), "mock: set_mempolicy mode=%d nodes=%x", mode, nodes);
	assert_int_equal(said(e, line), 1);
	assert_int_equal(said(e, "set_mempolicy"), 1);
}

/* Makes a queue, whose rings, and not its page buffers, are asked for on our node. */
static struct zcl_queue *
queue_near(struct e2e *e, struct zcl_disk *disk)
{
	unsigned int cpu, node, before;
	struct zcl_queue *q;
	cpu_set_t all, one;
	char line[64];

	assert_int_equal(getcpu(&cpu, &node), 0);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	snprintf(line, sizeof(line), "mock: mbind mode=%d nodes=%x len=%llu\n", MPOL_PREFERRED,
	         1u << node, (unsigned long long)zwire_queue_layout(DEPTH, E2E_PAGE).bufs_off);
	before = said(e, line);
	q = e2e_queue(disk, DEPTH);
	assert_int_equal(said(e, line), before + (node < 2));
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	return q;
}

/* Stores and loads. */
static void
use(struct e2e *e)
{
	struct zcl *zc = e2e_connect(e);
	struct zcl_disk *disk = e2e_disk(zc, "near", STORES);
	struct zcl_queue *q = queue_near(e, disk);
	uint8_t page[E2E_PAGE], got[E2E_PAGE];

	for (unsigned int i = 0; i < STORES; i++) {
		page_fill(page, sizeof(page), (enum page_kind)(i % PAGE_KINDS), i);
		assert_int_equal(zcl_store(q, i, page, i), 0);
	}
	e2e_reap_ok(q, STORES);
	for (unsigned int i = 0; i < STORES; i++) {
		page_fill(page, sizeof(page), (enum page_kind)(i % PAGE_KINDS), i);
		assert_int_equal(zcl_load(disk, i, got), 0);
		assert_memory_equal(got, page, sizeof(page));
	}
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	e2e_remove(zc, "near");
	zcl_close(zc);
}

static void
expect_worker(struct e2e *e, unsigned int node)
{
	struct zcl *zc = e2e_connect(e);

	assert_int_equal(e2e_ask(zc, "{\"cmd\":\"info\"}", "node"), node);
	zcl_close(zc);
}

static void
start(struct e2e *e, const char *workers, int err)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", err);
	setenv("TEST_NUMA", text, 1);
	e2e_start(e, (const char *const[]){"--workers", workers, "--device", "compress_lz4", NULL});
}

static void
test_one_worker(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	cpu_set_t set;
	char cpu[16];

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int i = 0, nr = 0; i < CPU_SETSIZE && nr < 2; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		nr++;
		snprintf(cpu, sizeof(cpu), "%d", i);
		start(e, cpu, 0);
		expect_policy(e, MPOL_PREFERRED, 1u << i % 2);
		use(e);
		expect_worker(e, i % 2);
		assert_int_equal(said(e, "distant"), 0);
		e2e_stop(e);
	}
}

static void
test_workers_on_both(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	if (!CPU_ISSET(0, &set) || !CPU_ISSET(1, &set))
		skip();
	start(e, "0,1", 0);
	expect_policy(e, MPOL_INTERLEAVE, 3);
	use(e);
}

/* One line in the log, and everything goes on. */
static void
test_refused(void **state)
{
	static const int errs[] = {EPERM, ENOMEM, ENOSYS};
	struct e2e *e = (struct e2e *)*state;
	cpu_set_t set;
	char cpu[16];
	int i = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET(i, &set))
		i++;
	snprintf(cpu, sizeof(cpu), "%d", i);
	for (unsigned int at = 0; at < TEST_NR(errs); at++) {
		start(e, cpu, errs[at]);
		use(e);
		use(e);
		assert_int_equal(said(e, "may be a distant node"), 1);
		assert_int_equal(said(e, strerror(errs[at])), 1);
		e2e_stop(e);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, e2e_setup, e2e_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_one_worker),
	        TEST(test_workers_on_both),
	        TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
