/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Disks with deflate, on the device that the argument names, or on none: what one compresses every
 * client loads, and the next service takes over, whatever it has itself.
 */

#include "e2e.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "stamp.h"

#define PAGES 128u
#define DEPTH 64u

static const char *device;

/* What a completion says of a page of at most 16 KiB that is not same-filled. */
static uint32_t
way_of(const char *name)
{
	return strcmp(name, "none") == 0 ? 0 : ZCL_CQE_MANAGED;
}

static void
start(struct e2e *e, const char *name)
{
	e2e_start(e, (const char *const[]){"--device", name, NULL});
}

static struct zcl_disk *
disk_open(struct zcl *zc, const char *name, uint32_t page_size)
{
	struct zcl_open_opts opts = {.sz = sizeof(opts), .page_size = page_size};
	struct zcl_disk *disk = NULL;

	assert_int_equal(zcl_disk_open_opts(zc, name, &opts, &disk), 0);
	return disk;
}

static struct zcl_disk *
disk_create(struct zcl *zc, const char *name, const char *algorithm, uint32_t page_size)
{
	struct zcl_disk_opts opts = {
	        .sz = sizeof(opts), .pages = PAGES, .algorithm = algorithm, .page_size = page_size};

	assert_int_equal(zcl_disk_create(zc, name, &opts), 0);
	return disk_open(zc, name, page_size);
}

static uint64_t
stamp_of(uint64_t page, unsigned int version)
{
	return stamp_make(1, version * PAGES + page, page % STAMP_KINDS);
}

/* Stores pages of all kinds, which is every page from @first on. */
static void
store(struct zcl_disk *disk, uint64_t first, unsigned int version, uint32_t way)
{
	const uint32_t page_size = zcl_disk_page_size(disk);
	struct zcl_queue *q = e2e_queue(disk, DEPTH);
	static uint64_t page[STAMP_MAX / 8];
	struct zcl_cqe cqe;

	for (uint64_t at = first, end; at < PAGES; at = end) {
		end = at + DEPTH < PAGES ? at + DEPTH : PAGES;
		for (uint64_t i = at; i < end; i++) {
			stamp_fill(page, page_size, i, stamp_of(i, version));
			assert_int_equal(zcl_store(q, i, page, i), 0);
		}
		assert_true(zcl_wait(q, (unsigned int)(end - at), E2E_WAIT_MS) >= (int)(end - at));
		for (uint64_t i = at; i < end; i++) {
			assert_int_equal(zcl_reap(q, &cqe, 1), 1);
			assert_int_equal(cqe.res, 0);
			if ((cqe.flags & ZCL_CQE_SAME) == 0)
				assert_int_equal(cqe.flags & ~ZCL_CQE_HUGE, way);
		}
	}
	zcl_queue_destroy(q);
}

/* Byte by byte, whole and in part. */
static void
check(struct zcl_disk *disk, uint64_t first, unsigned int version)
{
	const uint32_t page_size = zcl_disk_page_size(disk);
	static uint64_t want[STAMP_MAX / 8], page[STAMP_MAX / 8];

	for (uint64_t i = first; i < PAGES; i++) {
		stamp_fill(want, page_size, i, stamp_of(i, version));
		assert_int_equal(zcl_load(disk, i, page), 0);
		assert_memory_equal(page, want, page_size);
		assert_int_equal(zcl_load_range(disk, i, 100, 300, page), 0);
		assert_memory_equal(page, (uint8_t *)want + 100, 300);
	}
}

static void
test_levels_and_page_sizes(void **state)
{
	static const char *const algorithms[] = {"deflate", "deflate:level=1", "deflate:level=9"};
	static const uint32_t sizes[] = {1024, 4096, 16384, 65536};
	struct e2e *e = (struct e2e *)*state;
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	struct zcl *zc;

	start(e, device);
	zc = e2e_connect(e);
	for (unsigned int i = 0; i < TEST_NR(algorithms) * TEST_NR(sizes); i++) {
		uint32_t size = sizes[i % TEST_NR(sizes)];
		const char *algorithm = algorithms[i / TEST_NR(sizes)];
		struct zcl_disk *disk = disk_create(zc, "disk", algorithm, size);

		/* A device cannot name the two pages of room that the largest ones need. */
		store(disk, 0, i, size > 16384 ? 0 : way_of(device));
		check(disk, 0, i);
		assert_int_equal(zcl_disk_stat(disk, &st), 0);
		assert_string_equal(st.algorithm, algorithm);
		assert_int_equal(st.failed_loads, 0);
		zcl_disk_close(disk);
		e2e_remove(zc, "disk");
	}
	zcl_close(zc);
	/* Pages that do not compress are nothing to be told about. */
	assert_null(strstr(e2e_log(e), "PMD"));
	e2e_stop(e);
}

/* From one with the device to one without, and back: clients and services read both. */
static void
test_taken_over(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	const char *const services[] = {device, "none", device};
	struct zcl_disk *disk;
	struct zcl *zc;

	for (unsigned int i = 0; i < TEST_NR(services); i++) {
		start(e, services[i]);
		zc = e2e_connect(e);
		if (i == 0) {
			disk = disk_create(zc, "taken", "deflate", E2E_PAGE);
			store(disk, 0, 0, way_of(device));
		} else {
			disk = disk_open(zc, "taken", E2E_PAGE);
		}
		check(disk, PAGES / 2, i == 0 ? 0 : i - 1);
		store(disk, PAGES / 2, i, way_of(services[i]));
		check(disk, PAGES / 2, i);
		e2e_stop(e);
		/* With no service, too; the first half is the first one's. */
		check(disk, PAGES / 2, i);
		for (uint64_t at = 0; at < PAGES / 2; at++) {
			uint64_t page[E2E_PAGE / 8], stamp;

			assert_int_equal(zcl_load(disk, at, page), 0);
			assert_true(stamp_read(page, E2E_PAGE, at, &stamp));
			assert_int_equal(stamp, stamp_of(at, 0));
		}
		zcl_disk_close(disk);
		zcl_close(zc);
	}
}

/* Each disk goes to the device that has its format; deflate needs less memory. */
static void
test_beside_lz4(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl_disk_stat st[2] = {{.sz = sizeof(st[0])}, {.sz = sizeof(st[0])}};
	struct zcl_disk *disks[2];
	struct zcl *zc;

	if (way_of(device) == 0)
		e2e_start(e, NULL);
	else
		e2e_start(e, (const char *const[]){"--device", device, "--device", "compress_lz4",
		                                   NULL});
	zc = e2e_connect(e);
	disks[0] = disk_create(zc, "deflate", "deflate", E2E_PAGE);
	disks[1] = disk_create(zc, "lz4", "lz4", E2E_PAGE);
	store(disks[0], 0, 1, way_of(device));
	store(disks[1], 0, 2, ZCL_CQE_MANAGED);
	check(disks[0], 0, 1);
	check(disks[1], 0, 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(zcl_disk_stat(disks[i], &st[i]), 0);
		zcl_disk_close(disks[i]);
	}
	assert_true(st[0].compr_data_size < st[1].compr_data_size);
	zcl_close(zc);
	e2e_stop(e);
}

static void
test_tools(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	static struct e2e_result r;

	start(e, device);
	e2e_ctl(e, &r, (const char *const[]){"create", "d", "1M", "algorithm=deflate", NULL});
	assert_int_equal(r.status, 0);
	e2e_ctl(e, &r, (const char *const[]){"stat", "d", NULL});
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "deflate"));
	e2e_ctl(e, &r,
	        (const char *const[]){"create", "x", "1M", "algorithm=deflate:level=0", NULL});
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.err, "level '0' of deflate is not a number from 1 to 9"));
	e2e_ctl(e, &r,
	        (const char *const[]){"create", "x", "1M", "algorithm=deflate:level=10", NULL});
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.err, "level '10' of deflate is not a number from 1 to 9"));
	e2e_ctl(e, &r, (const char *const[]){"create", "x", "1M", "algorithm=gzip", NULL});
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.err, "no algorithm 'gzip'"));
	e2e_stop(e);
}

/* What zcl.h says that a load needs, and what the kernel and a sanitizer put there. */
#define STACK (128u * 1024 * TEST_SLOW + 32768)

static struct zcl_disk *volatile signal_disk;
static uint64_t signal_page[E2E_PAGE / 8];
static volatile sig_atomic_t signal_ret = 1;

static void
on_signal(int nr)
{
	(void)nr;
	signal_ret = zcl_load(signal_disk, 4, signal_page);
}

static void
test_load_in_a_signal_handler(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK}, old;
	stack_t stack = {.ss_sp = malloc(STACK), .ss_size = STACK}, none = {.ss_flags = SS_DISABLE};
	uint64_t want[E2E_PAGE / 8];
	struct zcl *zc;

	assert_non_null(stack.ss_sp);
	start(e, device);
	zc = e2e_connect(e);
	signal_disk = disk_create(zc, "signal", "deflate", E2E_PAGE);
	store(signal_disk, 0, 0, way_of(device));
	assert_int_equal(sigaltstack(&stack, NULL), 0);
	assert_int_equal(sigaction(SIGUSR1, &act, &old), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
	assert_int_equal(sigaltstack(&none, NULL), 0);
	free(stack.ss_sp);
	assert_int_equal(signal_ret, 0);
	stamp_fill(want, E2E_PAGE, 4, stamp_of(4, 0));
	assert_memory_equal(signal_page, want, E2E_PAGE);
	zcl_disk_close(signal_disk);
	zcl_close(zc);
	e2e_stop(e);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_levels_and_page_sizes),
	        cmocka_unit_test(test_taken_over),
	        cmocka_unit_test(test_beside_lz4),
	        cmocka_unit_test(test_tools),
	        cmocka_unit_test(test_load_in_a_signal_handler),
	};

	device = argc == 2 ? argv[1] : "none";
	if (!e2e_has_device(device)) {
		printf("skipped: this DPDK has no driver %s\n", device);
		return 77;
	}
	return cmocka_run_group_tests(tests, e2e_setup, e2e_teardown);
}
