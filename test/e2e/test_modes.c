/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The ways that a service can be set up: workers, devices, policies; and pages of other sizes. What
 * went which way shows in the completions and in the service's own numbers.
 */

#include "e2e.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "stamp.h"

#define PAGES  96u
#define QUEUES 3u
#define DEPTH  32u
#define STORES (640u / TEST_SLOW)

/* On a busy machine the thread of a device may not run for long, which is no hang. */
#define NO_HANG "--hang-ms", "60000"

/* What is expected of the pages that are not same-filled. */
struct way {
	uint32_t flags;       /* each of them has all of these */
	uint32_t other_flags; /* and some of them these */
};

struct work {
	struct zcl *zc;
	struct zcl_disk *disk;
	struct zcl_queue *queues[QUEUES];
	uint64_t stamps[PAGES];
	uint32_t page_size;
	struct way way;
};

static void
open_work(struct work *w, uint32_t page_size)
{
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = PAGES, .page_size = page_size};
	struct zcl_open_opts open = {.sz = sizeof(open), .page_size = page_size};

	assert_int_equal(zcl_disk_create(w->zc, "modes", &opts), 0);
	if (page_size != E2E_PAGE)
		assert_int_equal(zcl_disk_open(w->zc, "modes", &w->disk), -EINVAL);
	assert_int_equal(zcl_disk_open_opts(w->zc, "modes", &open, &w->disk), 0);
	assert_int_equal(zcl_disk_page_size(w->disk), page_size);
	for (unsigned int i = 0; i < QUEUES; i++)
		w->queues[i] = e2e_queue(w->disk, DEPTH);
	memset(w->stamps, 0, sizeof(w->stamps));
	w->page_size = page_size;
}

static void
reap(struct work *w, struct zcl_queue *q, unsigned int nr)
{
	struct zcl_cqe cqe;

	assert_true(zcl_wait(q, nr, E2E_WAIT_MS) >= (int)nr);
	while (nr-- > 0) {
		assert_int_equal(zcl_reap(q, &cqe, 1), 1);
		assert_int_equal(cqe.res, 0);
		if ((cqe.flags & ZCL_CQE_SAME) != 0) {
			assert_int_equal(cqe.flags, ZCL_CQE_SAME);
			continue;
		}
		cqe.flags &= ~(ZCL_CQE_HUGE | w->way.other_flags);
		assert_int_equal(cqe.flags, w->way.flags);
	}
}

/* Each queue has a third of the pages, so that all of them are known. */
static void
store_pages(struct work *w, uint64_t *seed)
{
	uint64_t page[STAMP_MAX / 8];

	for (unsigned int i = 0; i < STORES; i += DEPTH) {
		for (unsigned int j = 0; j < QUEUES * DEPTH; j++) {
			uint64_t r = test_random(seed);
			uint64_t at = (r >> 8) % (PAGES / QUEUES) * QUEUES + j % QUEUES;

			w->stamps[at] =
			        stamp_make(j % QUEUES, i + j, (unsigned int)(r % STAMP_KINDS));
			stamp_fill(page, w->page_size, at, w->stamps[at]);
			assert_int_equal(zcl_store(w->queues[j % QUEUES], at, page, at), 0);
		}
		for (unsigned int j = 0; j < QUEUES; j++)
			reap(w, w->queues[j], DEPTH);
	}
}

static void
check_pages(struct work *w)
{
	uint64_t page[STAMP_MAX / 8], stamp;
	uint8_t part[100];

	for (uint64_t at = 0; at < PAGES; at++) {
		assert_int_equal(zcl_load(w->disk, at, page), 0);
		assert_true(stamp_read(page, w->page_size, at, &stamp));
		assert_int_equal(stamp, w->stamps[at]);
		assert_int_equal(zcl_load_range(w->disk, at, w->page_size - 101, 100, part), 0);
		assert_memory_equal(part, (uint8_t *)page + w->page_size - 101, 100);
	}
}

static void
close_work(struct work *w)
{
	for (unsigned int i = 0; i < QUEUES; i++)
		zcl_queue_destroy(w->queues[i]);
	zcl_disk_close(w->disk);
	e2e_remove(w->zc, "modes");
}

/* Pages of all sizes through a service with these arguments. */
static void
run(struct e2e *e, const char *const *args, const struct way *way, const struct way *large)
{
	static const uint32_t sizes[] = {1024, 4096, 16384, 65536};
	uint64_t seed = 1;
	struct work w;

	e2e_start(e, args);
	w.zc = e2e_connect(e);
	for (unsigned int i = 0; i < TEST_NR(sizes); i++) {
		/* A device cannot name the two pages of room that the largest ones need. */
		w.way = sizes[i] > 16384 ? *large : *way;
		open_work(&w, sizes[i]);
		store_pages(&w, &seed);
		check_pages(&w);
		close_work(&w);
	}
	zcl_close(w.zc);
	e2e_stop(e);
}

static const struct way managed = {0, ZCL_CQE_MANAGED | ZCL_CQE_INLINE};
static const struct way software = {0, 0};

static void
test_defaults(void **state)
{
	run((struct e2e *)*state, NULL, &(struct way){ZCL_CQE_MANAGED, 0}, &software);
}

static void
test_device_with_a_thread(void **state)
{
	run((struct e2e *)*state,
	    (const char *const[]){"--device", "compress_lz4,mode=thread", NO_HANG, NULL},
	    &(struct way){ZCL_CQE_MANAGED, 0}, &software);
}

static void
test_two_devices(void **state)
{
	run((struct e2e *)*state,
	    (const char *const[]){"--device", "compress_lz4_a", "--device",
	                          "compress_lz4_b,mode=thread", NO_HANG, NULL},
	    &(struct way){ZCL_CQE_MANAGED, 0}, &software);
}

static void
test_no_device(void **state)
{
	run((struct e2e *)*state, (const char *const[]){"--device", "none", NULL}, &software,
	    &software);
}

/* A device that is not there is no reason not to start. */
static void
test_missing_device(void **state)
{
	struct e2e *e = (struct e2e *)*state;

	run(e, (const char *const[]){"--device", "compress_nosuch", NULL}, &software, &software);
	assert_non_null(strstr(e2e_log(e), "'compress_nosuch'"));
	run(e,
	    (const char *const[]){"--device", "compress_nosuch", "--device", "compress_lz4", NULL},
	    &(struct way){ZCL_CQE_MANAGED, 0}, &software);
}

static void
test_policies(void **state)
{
	static const char *const policies[] = {"inline", "adaptive", "retry=100", "spill=8"};
	static const char *const devices[] = {"compress_lz4", "compress_lz4,mode=thread"};
	struct e2e *e = (struct e2e *)*state;

	for (unsigned int i = 0; i < TEST_NR(policies); i++) {
		for (unsigned int j = 0; j < TEST_NR(devices); j++)
			run(e,
			    (const char *const[]){"--policy", policies[i], "--device", devices[j],
			                          NULL},
			    &managed, &software);
	}
	run(e, (const char *const[]){"--policy", "software", NULL}, &software, &software);
}

static void
test_two_workers(void **state)
{
	struct e2e *e = (struct e2e *)*state;

	run(e, (const char *const[]){"--workers", e2e_two_cpus(), NULL}, &managed, &software);
	run(e,
	    (const char *const[]){"--workers", e2e_two_cpus(), "--device",
	                          "compress_lz4,mode=thread", NULL},
	    &managed, &software);
	run(e, (const char *const[]){"--workers", e2e_two_cpus(), "--device", "none", NULL},
	    &software, &software);
}

/* Queues go to the workers in turn, and each does its own. */
static void
test_workers_share(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	static char reply[65536];
	uint64_t page[E2E_PAGE / 8];
	struct zcl_queue *queues[4];
	struct zcl_disk *disk;
	struct zcl *zc;
	const char *at;

	e2e_start(e, (const char *const[]){"--workers", e2e_two_cpus(), NULL});
	zc = e2e_connect(e);
	disk = e2e_disk(zc, "share", 16);
	for (unsigned int i = 0; i < 4; i++)
		queues[i] = e2e_queue(disk, 8);
	for (unsigned int i = 0; i < 40; i++) {
		stamp_fill(page, E2E_PAGE, i % 16, stamp_make(1, i, i % STAMP_KINDS));
		assert_int_equal(zcl_store_sync(queues[i % 4], i % 16, page), 0);
	}
	assert_int_equal(zcl_admin(zc, "{\"cmd\":\"info\"}", reply, sizeof(reply)), 0);
	at = strstr(reply, "\"ops\":");
	assert_non_null(at);
	assert_int_equal(e2e_number(at, "ops"), 20);
	assert_int_equal(e2e_number(at + 1, "ops"), 20);
	for (unsigned int i = 0; i < 4; i++)
		zcl_queue_destroy(queues[i]);
	zcl_disk_close(disk);
	zcl_close(zc);
	e2e_stop(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_device_with_a_thread),
	        cmocka_unit_test(test_two_devices),    cmocka_unit_test(test_no_device),
	        cmocka_unit_test(test_missing_device), cmocka_unit_test(test_policies),
	        cmocka_unit_test(test_two_workers),    cmocka_unit_test(test_workers_share),
	};

	return cmocka_run_group_tests(tests, e2e_setup, e2e_teardown);
}
