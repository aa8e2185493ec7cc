/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Memory ahead of need, given back after it, and what happens when there is none: a full tmpfs
 * (made in a mount namespace, where that is allowed) and a file size limit.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "pool_check.h"
#include "store_util.h"

#define PAGES  12000u
#define SECOND UINT64_C(1000000000)
#define MIB    (UINT64_C(1) << 20)

static struct disk disk;

static int
setup(void **state)
{
	(void)state;
	if (!disk_dir(&disk))
		return -1;
	disk_opts(&disk, PAGES, 0);
	return 0;
}

static int
setup_disk(void **state)
{
	if (setup(state) != 0)
		return -1;
	disk_create(&disk);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	disk_destroy(&disk);
	return 0;
}

static uint64_t
populated_bytes(void)
{
	struct stat st;

	assert_int_equal(fstat(disk.st->objs_fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

/* What the pool takes for populated is: the file has it all. */
static void
check_populated(void)
{
	const struct zs_pool *pool = &disk.st->pool;

	pool_check(pool);
	assert_int_equal(populated_bytes(),
	                 (uint64_t)(pool->high - pool->holes.free_pages) * ZS_PAGE);
}

static void
test_fresh_disk_can_store(void **state)
{
	struct zstore_put put = {0};
	char page[4096];

	(void)state;
	assert_true(populated_bytes() >= MIB);
	check_populated();
	model_fill(page, sizeof(page), 0, 1);
	for (uint64_t i = 0; i < 100; i++) {
		zstore_put_raw(disk.st, &put, i, page);
		assert_int_equal(zstore_put(disk.st, &put), 0);
	}
}

static void
test_wants_more_in_time(void **state)
{
	struct zstore_put put = {0};
	char page[4096] = {0};
	uint64_t nr = 0, waits = 0;

	(void)state;
	assert_false(zstore_wants_populate(disk.st));
	while (nr < PAGES) {
		int ret;

		zstore_put_raw(disk.st, &put, nr, page);
		ret = zstore_put(disk.st, &put);
		nr += ret == 0;
		waits += ret == -EAGAIN;
		assert_true(ret == 0 || ret == -EAGAIN);
		if (zstore_wants_populate(disk.st)) {
			assert_int_equal(zstore_populate(disk.st, 0), 0);
			assert_false(zstore_wants_populate(disk.st));
		}
	}
	/* The warning comes early enough for who heeds it at once. */
	assert_int_equal(waits, 0);
	check_populated();
}

static void
test_late_memory_is_worth_waiting_for(void **state)
{
	struct zstore_put put = {0};
	char page[4096] = {0};
	uint64_t nr = 0;

	(void)state;
	do {
		zstore_put_raw(disk.st, &put, nr++, page);
	} while (zstore_put(disk.st, &put) == 0);
	assert_true(nr > 200 && nr < 300);
	assert_int_equal(zstore_put(disk.st, &put), -EAGAIN);
	assert_true(zstore_wants_populate(disk.st));
	assert_int_equal(STAT(&disk, failed_stores), 0);
	assert_int_equal(zstore_populate(disk.st, 0), 0);
	assert_int_equal(zstore_put(disk.st, &put), 0);
}

static void
fill(uint64_t from, uint64_t to)
{
	for (uint64_t page = from; page < to; page++)
		assert_int_equal(put_raw(disk.st, page, 1), 0);
}

static void
test_free_memory_is_given_back(void **state)
{
	uint64_t now = zc_now_ns(), full, len;

	(void)state;
	fill(0, PAGES / 2);
	full = populated_bytes();
	len = disk.st->pool.high;
	discard(disk.st, 0, PAGES / 2 - 100);
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(zstore_populate(disk.st, now + (uint64_t)i * SECOND / 4), 0);
		assert_true(populated_bytes() == full); /* too early */
	}
	for (int i = 1; i <= 40; i++)
		assert_int_equal(zstore_populate(disk.st, now + (uint64_t)i * SECOND), 0);
	assert_true(populated_bytes() < 8 * MIB);
	check_populated();
	assert_true(disk.st->pool.high == len); /* the file never shrinks */
	for (uint64_t page = PAGES / 2 - 100; page < PAGES / 2; page++)
		assert_true(is_object(&disk.reader, page, 1, 4096));

	/* Holes come first when there is need again. */
	fill(0, PAGES / 2 - 200);
	assert_true(disk.st->pool.high == len);
	check_populated();
	fill(0, PAGES / 2);
	for (uint64_t page = 0; page < PAGES / 2; page++)
		assert_true(is_object(&disk.reader, page, 1, 4096));
}

/* Pages in use for a moment in between count as free from then on. */
static void
test_young_memory_is_kept(void **state)
{
	uint64_t now = zc_now_ns(), used;

	(void)state;
	for (uint64_t i = 1; i < 10; i++) {
		fill(0, PAGES / 2);
		used = STAT(&disk, mem_used);
		discard(disk.st, 0, PAGES / 2);
		assert_int_equal(zstore_populate(disk.st, now + i * SECOND), 0);
		assert_true(populated_bytes() >= used);
	}
	check_populated();
}

/* One run, the end of which has been free for long, and the beginning has not. */
static void
test_part_of_a_run_is_given_back(void **state)
{
	uint64_t now = zc_now_ns(), full;

	(void)state;
	fill(0, 3000);
	discard(disk.st, 2400, 600);
	for (uint64_t i = 1; i <= 4; i++)
		assert_int_equal(zstore_populate(disk.st, now + i * SECOND), 0);
	check_populated();
	full = populated_bytes();
	discard(disk.st, 1200, 1200);
	assert_int_equal(zstore_populate(disk.st, now + 5 * SECOND), 0);
	check_populated();
	assert_true(populated_bytes() < full);
	full = populated_bytes();
	assert_int_equal(zstore_populate(disk.st, now + 6 * SECOND), 0);
	check_populated();
	assert_true(populated_bytes() < full);
	fill(1200, 3000);
	check_populated();
}

/* A client that reads holes gets pages for them, which nobody asked for. */
static void
test_populated_holes_are_punched_again(void **state)
{
	uint64_t now = zc_now_ns(), small, sum = 0;

	(void)state;
	fill(0, PAGES / 2);
	discard(disk.st, 0, PAGES / 2);
	for (uint64_t i = 1; i <= 40; i++)
		assert_int_equal(zstore_populate(disk.st, now + i * SECOND), 0);
	small = populated_bytes();
	for (uint64_t i = 0; i < (uint64_t)disk.st->pool.high * 512; i += 512)
		sum += ((const volatile uint64_t *)disk.reader.objs)[i];
	assert_true(populated_bytes() > 2 * small || sum == 1);
	assert_int_equal(zstore_populate(disk.st, now + 50 * SECOND), 0);
	assert_int_equal(populated_bytes(), small);
	check_populated();
}

static void
test_stock_ends_at_the_limit(void **state)
{
	uint64_t nr = 0, now = zc_now_ns();

	(void)state;
	zstore_remove(disk.st);
	zstore_close(disk.st);
	disk_opts(&disk, PAGES, 16 * MIB);
	disk_create(&disk);
	while (put_raw(disk.st, nr, 1) == 0)
		nr++;
	for (uint64_t i = 1; i <= 40; i++)
		assert_int_equal(zstore_populate(disk.st, now + i * SECOND), 0);
	assert_true(populated_bytes() < 19 * MIB);
	check_populated();
}

/* Runs @p body in a child with a file system over the disk's directory. @return false: skip */
static bool
on_mounted(const char *type, const char *options, void (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("none", disk.dir, type, 0, options) < 0)
			_exit(77);
		close(disk.dirfd);
		disk.dirfd = open(disk.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		return false;
	assert_int_equal(WEXITSTATUS(status), 0);
	return true;
}

/* Assertions of cmocka do not cross fork(). */
#define CHECK(x)                                                                \
	do {                                                                    \
		if (!(x)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
			_exit(1);                                               \
		}                                                               \
	} while (0)

static bool
directory_is_empty(void)
{
	struct stat st;

	return fstat(disk.dirfd, &st) == 0 && st.st_nlink == 2 &&
	       fstatat(disk.dirfd, "disk.slots", &st, 0) < 0 &&
	       fstatat(disk.dirfd, "disk.objs", &st, 0) < 0;
}

static void
no_room_for_the_table(void)
{
	struct statvfs fs;

	disk.opts.pages = 1u << 20;
	CHECK(zstore_create(disk.dirfd, &disk.opts, &disk.st) == -ENOMEM);
	CHECK(directory_is_empty());
	CHECK(fstatvfs(disk.dirfd, &fs) == 0 && fs.f_bfree == fs.f_blocks);
	/* For the table, but not for a single page of objects. */
	disk.opts.pages = 4 * MIB / 16 - 4096 / 16;
	CHECK(zstore_create(disk.dirfd, &disk.opts, &disk.st) == -ENOMEM);
	CHECK(directory_is_empty());
	CHECK(fstatvfs(disk.dirfd, &fs) == 0 && fs.f_bfree == fs.f_blocks);
}

static void
fill_the_tmpfs(void)
{
	struct zreader_page p;
	struct statvfs fs;
	uint64_t nr = 0;
	int ret, fds[2];

	disk.opts.pages = 4096;
	CHECK(zstore_create(disk.dirfd, &disk.opts, &disk.st) == 0);
	CHECK(zstore_open_readonly(disk.st, fds) == 0);
	CHECK(zreader_init(&disk.reader, fds[0], fds[1]) == 0);
	while ((ret = put_raw(disk.st, nr, 1)) == 0)
		nr++;
	CHECK(ret == -ENOMEM);
	CHECK(nr > 600);
	CHECK(disk.st->super->stat.failed_stores == 1);
	CHECK(!zstore_wants_populate(disk.st));
	CHECK(fstatvfs(disk.dirfd, &fs) == 0 && fs.f_bfree >= fs.f_blocks / 64);
	/* The old content stays, and what needs no new page goes on. */
	CHECK(put_raw(disk.st, 0, 2) == -ENOMEM);
	CHECK(is_object(&disk.reader, 0, 1, 4096) && is_object(&disk.reader, 1, 1, 4096));
	CHECK(put_same(disk.st, nr + 2, 0) == 0);
	CHECK(fetch(&disk.reader, nr + 2, &p) == 0 && p.kind == ZSLOT_FILL);
	/* A disk that is opened while the tmpfs is full serves loads. */
	zstore_close(disk.st);
	CHECK(zstore_open(disk.dirfd, "disk", &disk.st) == 0);
	for (uint64_t page = 0; page < nr; page++)
		CHECK(is_object(&disk.reader, page, 1, 4096));
	/* Discards make room. */
	discard(disk.st, 1, 300);
	CHECK(zstore_populate(disk.st, zc_now_ns()) == 0);
	for (uint64_t page = 1; page < 300; page++)
		CHECK(put_raw(disk.st, page, 3) == 0);
}

static void
not_on_huge_pages(void)
{
	CHECK(zstore_create(disk.dirfd, &disk.opts, &disk.st) == -EOPNOTSUPP);
	CHECK(directory_is_empty());
}

static void
test_hugetlbfs_is_refused(void **state)
{
	(void)state;
	if (!on_mounted("hugetlbfs", NULL, not_on_huge_pages))
		skip();
}

static void
test_tmpfs_without_room_for_a_disk(void **state)
{
	(void)state;
	if (!on_mounted("tmpfs", "size=4m", no_room_for_the_table))
		skip();
}

static void
test_full_tmpfs(void **state)
{
	(void)state;
	if (!on_mounted("tmpfs", "size=4m", fill_the_tmpfs))
		skip();
}

static void
test_file_size_limit(void **state)
{
	struct rlimit old, small = {2 * MIB, 0};
	int nr = 0, ret;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	disk.opts.pages = 1u << 20;
	assert_int_equal(zstore_create(disk.dirfd, &disk.opts, &disk.st), -ENOMEM);
	disk.opts.pages = PAGES;
	disk_create(&disk);
	while ((ret = put_raw(disk.st, (uint64_t)nr, 1)) == 0)
		nr++;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(ret, -ENOMEM);
	assert_true(nr > 200);
	/* Room again: found out by the call once a second. */
	assert_int_equal(zstore_populate(disk.st, zc_now_ns()), 0);
	assert_int_equal(put_raw(disk.st, (uint64_t)nr, 1), 0);
	check_populated();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_fresh_disk_can_store, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_wants_more_in_time, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_late_memory_is_worth_waiting_for, setup_disk,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_free_memory_is_given_back, setup_disk,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_young_memory_is_kept, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_part_of_a_run_is_given_back, setup_disk,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_populated_holes_are_punched_again, setup_disk,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_stock_ends_at_the_limit, setup_disk, teardown),
	        cmocka_unit_test_setup_teardown(test_hugetlbfs_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_tmpfs_without_room_for_a_disk, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_full_tmpfs, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_file_size_limit, setup, teardown),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
