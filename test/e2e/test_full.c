/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A tmpfs that is full: stores that need memory fail, and nothing else does; and with some pages
 * discarded they pass again. The tmpfs is a small one of the test's own, for which it is root.
 */

#include "e2e.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "stamp.h"

#define SIZE    "size=16m"
#define PAGES   8192u /* twice what the tmpfs can hold */
#define DEPTH   64u
#define SKIPPED 77

struct work {
	struct zcl_disk *disk;
	struct zcl_queue *q;
	uint64_t stamps[PAGES]; /* what is there */
	uint64_t failed;
};

/* Stores pages of one kind, and learns what came of it. */
static void
store_all(struct work *w, uint64_t version, unsigned int kind)
{
	uint64_t page[E2E_PAGE / 8];
	struct zcl_cqe cqe;

	w->failed = 0;
	for (uint64_t at = 0; at < PAGES + DEPTH; at++) {
		if (at >= DEPTH) {
			assert_true(zcl_wait(w->q, 1, E2E_WAIT_MS) >= 1);
			assert_int_equal(zcl_reap(w->q, &cqe, 1), 1);
			assert_true(cqe.res == 0 || cqe.res == -ENOMEM);
			if (cqe.res == 0)
				w->stamps[cqe.user_data] = stamp_make(1, version, kind);
			w->failed += cqe.res != 0;
		}
		if (at < PAGES) {
			stamp_fill(page, E2E_PAGE, at, stamp_make(1, version, kind));
			assert_int_equal(zcl_store(w->q, at, page, at), 0);
		}
	}
}

static void
check_all(struct work *w)
{
	uint64_t page[E2E_PAGE / 8], stamp;

	for (uint64_t at = 0; at < PAGES; at++) {
		assert_int_equal(zcl_load(w->disk, at, page), 0);
		assert_true(stamp_read(page, E2E_PAGE, at, &stamp));
		assert_int_equal(stamp, w->stamps[at]);
	}
}

static void
test_full_tmpfs(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl_disk_opts large = {.sz = sizeof(large), .pages = 1 << 20};
	struct zcl *zc = e2e_connect(e);
	struct work *w = (struct work *)calloc(1, sizeof(*w));
	uint64_t page[E2E_PAGE / 8];
	uint64_t failed;
	int ret = -ENOMEM;

	assert_non_null(w);
	w->disk = e2e_disk(zc, "full", PAGES);
	w->q = e2e_queue(w->disk, DEPTH);
	/* Pages that do not compress: some of them fit. */
	store_all(w, 1, 7);
	failed = w->failed;
	assert_true(failed > PAGES / 4 && failed < PAGES);
	check_all(w);
	assert_non_null(strstr(e2e_log(e), "'full'"));
	/* Nor is there room for another disk's table. */
	assert_int_equal(zcl_disk_create(zc, "other", &large), -ENOMEM);
	/* What takes no memory passes, and gives some back. */
	assert_int_equal(zcl_discard_sync(w->q, 0, PAGES / 8), 0);
	for (unsigned int i = 0; i < PAGES / 8; i++)
		w->stamps[i] = 0;
	check_all(w);
	stamp_fill(page, E2E_PAGE, 0, stamp_make(1, 2, 7));
	for (unsigned int i = 0; ret == -ENOMEM && i < E2E_WAIT_MS; i++)
		ret = zcl_store_sync(w->q, 0, page);
	assert_int_equal(ret, 0);
	w->stamps[0] = stamp_make(1, 2, 7);
	/* And those that compress fit all, or nearly, for they take the others' places. */
	store_all(w, 3, 3);
	assert_true(w->failed < failed);
	check_all(w);
	store_all(w, 4, 0);
	assert_int_equal(w->failed, 0);
	check_all(w);
	zcl_queue_destroy(w->q);
	zcl_disk_close(w->disk);
	zcl_close(zc);
	free(w);
}

/* The directory becomes a tmpfs that nobody else sees. */
static int
setup(void **state)
{
	struct e2e *e;

	e2e_setup(state);
	e = (struct e2e *)*state;
	assert_int_equal(mount("tmpfs", e->dir, "tmpfs", 0, SIZE), 0);
	e2e_start(e, NULL);
	return 0;
}

static int
teardown(void **state)
{
	struct e2e *e = (struct e2e *)*state;

	e2e_stop(e);
	assert_int_equal(umount2(e->dir, MNT_DETACH), 0);
	return e2e_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_full_tmpfs),
	};

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		printf("skipped: no mounts of its own: %s\n", strerror(errno));
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
