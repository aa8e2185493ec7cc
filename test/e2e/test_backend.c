/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The example of a backend, as install.sh has built and installed it: BACKEND_DIR says where. Pages
 * from two queues at once go through its streams and come back.
 */

#include "e2e.h"

#include <stdlib.h>

#include "pages.h"

#define PAGES  2000u
#define QUEUES 2u
/* So that the backend, with its 256 streams for the one worker, has one for each page. */
#define DEPTH 64u

/* Every page is another one, and none is of one value. */
static void
fill(uint8_t *page, unsigned int nr)
{
	page_fill(page, E2E_PAGE, (enum page_kind)(PAGE_TEXT + nr % 3), nr);
}

/* @return how many came */
static unsigned int
reap(struct zcl_queue *q)
{
	struct zcl_cqe cqes[DEPTH];
	int nr;

	assert_true(zcl_wait(q, 1, E2E_WAIT_MS) >= 1);
	nr = zcl_reap(q, cqes, DEPTH);
	assert_true(nr >= 1);
	for (int i = 0; i < nr; i++) {
		assert_int_equal(cqes[i].res, 0);
		assert_int_equal(cqes[i].flags & ~ZCL_CQE_HUGE, ZCL_CQE_MANAGED);
	}
	return (unsigned int)nr;
}

static void
store_all(struct zcl_disk *disk)
{
	struct zcl_queue *queues[QUEUES];
	unsigned int left[QUEUES] = {0};
	uint8_t page[E2E_PAGE];

	for (unsigned int i = 0; i < QUEUES; i++)
		queues[i] = e2e_queue(disk, DEPTH);
	for (unsigned int nr = 0; nr < PAGES; nr++) {
		unsigned int i = nr % QUEUES;

		fill(page, nr);
		if (left[i] == DEPTH)
			left[i] -= reap(queues[i]);
		assert_int_equal(zcl_store(queues[i], nr, page, nr), 0);
		left[i]++;
	}
	for (unsigned int i = 0; i < QUEUES; i++) {
		while (left[i] > 0)
			left[i] -= reap(queues[i]);
		zcl_queue_destroy(queues[i]);
	}
}

static void
load_all(struct zcl_disk *disk)
{
	uint8_t want[E2E_PAGE], got[E2E_PAGE];

	for (unsigned int nr = 0; nr < PAGES; nr++) {
		fill(want, nr);
		assert_int_equal(zcl_load(disk, nr, got), 0);
		assert_memory_equal(got, want, sizeof(want));
	}
}

static uint64_t
compressed_size(struct zcl_disk *disk)
{
	struct zcl_disk_stat st = {.sz = sizeof(st)};

	assert_int_equal(zcl_disk_stat(disk, &st), 0);
	assert_int_equal(st.pages_stored, PAGES);
	return st.compr_data_size;
}

/* Without a device, so that nothing else has managed streams; and with the patience that a backend
 * of one thread needs beside other tests, so that no page is given up. */
static void
test_example(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	uint64_t with, without;
	struct zcl_disk *disk;
	struct zcl *zc;

	assert_non_null(getenv("BACKEND_DIR"));
	e2e_start(e, (const char *const[]){"--device", "none", "--hang-ms", "60000", "--plugin-dir",
	                                   getenv("BACKEND_DIR"), "--backend", "lz4hc", NULL});
	zc = e2e_connect(e);
	disk = e2e_disk(zc, "hc", PAGES);
	store_all(disk);
	load_all(disk);
	with = compressed_size(disk);
	zcl_disk_close(disk);
	zcl_close(zc);
	e2e_stop(e);

	/* The next service goes without it, and packs less. */
	e2e_start(e, NULL);
	zc = e2e_connect(e);
	assert_int_equal(zcl_disk_open(zc, "hc", &disk), 0);
	load_all(disk);
	store_all(disk);
	load_all(disk);
	without = compressed_size(disk);
	assert_true(with < without);
	zcl_disk_close(disk);
	e2e_remove(zc, "hc");
	zcl_close(zc);
	e2e_stop(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_example)};

	return cmocka_run_group_tests(tests, e2e_setup, e2e_teardown);
}
