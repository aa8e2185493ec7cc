/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Create and open with each allocation failing in turn: of memory, descriptors, mappings and files.
 * Nothing may be left behind. The calls are wrapped by the linker (see meson.build); the names with
 * 64 are what they are called where files have 64-bit offsets.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store_util.h"

static struct disk disk;
static unsigned int calls, fail_at; /* 0 = none */
static long maps, blocks;

/* @return whether this call is the one to fail */
static bool
fails(int err)
{
	if (fail_at == 0 || ++calls != fail_at)
		return false;
	errno = err;
	return true;
}

void *__real_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);
int __real_munmap(void *addr, size_t len);
int __wrap_munmap(void *addr, size_t len);
void *__real_aligned_alloc(size_t align, size_t len);
void *__wrap_aligned_alloc(size_t align, size_t len);
void __real_free(void *block);
void __wrap_free(void *block);
int __real_openat64(int dirfd, const char *path, int flags, mode_t mode);
int __wrap_openat64(int dirfd, const char *path, int flags, mode_t mode);
int __real_fcntl64(int fd, int cmd, int arg);
int __wrap_fcntl64(int fd, int cmd, int arg);
int __real_fallocate64(int fd, int mode, off_t off, off_t len);
int __wrap_fallocate64(int fd, int mode, off_t off, off_t len);
int __real_linkat(int olddir, const char *old, int newdir, const char *new, int flags);
int __wrap_linkat(int olddir, const char *old, int newdir, const char *new, int flags);

void *
__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	void *map = fails(ENOMEM) ? MAP_FAILED : __real_mmap64(addr, len, prot, flags, fd, off);

	maps += map != MAP_FAILED;
	return map;
}

int
__wrap_munmap(void *addr, size_t len)
{
	maps--;
	return __real_munmap(addr, len);
}

void *
__wrap_aligned_alloc(size_t align, size_t len)
{
	void *block = fails(ENOMEM) ? NULL : __real_aligned_alloc(align, len);

	blocks += block != NULL;
	return block;
}

void
__wrap_free(void *block)
{
	blocks--;
	__real_free(block);
}

int
__wrap_openat64(int dirfd, const char *path, int flags, mode_t mode)
{
	return fails(EMFILE) ? -1 : __real_openat64(dirfd, path, flags, mode);
}

int
__wrap_fcntl64(int fd, int cmd, int arg)
{
	return fails(EMFILE) ? -1 : __real_fcntl64(fd, cmd, arg);
}

int
__wrap_fallocate64(int fd, int mode, off_t off, off_t len)
{
	return fails(ENOSPC) ? -1 : __real_fallocate64(fd, mode, off, len);
}

int
__wrap_linkat(int olddir, const char *old, int newdir, const char *new, int flags)
{
	return fails(ENOSPC) ? -1 : __real_linkat(olddir, old, newdir, new, flags);
}

/* @return entries of a directory, but for `.` and `..` */
static unsigned int
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int nr = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		nr++;
	closedir(dir);
	return nr - 2;
}

static int
setup(void **state)
{
	(void)state;
	if (!disk_dir(&disk))
		return -1;
	disk_opts(&disk, 1000, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	disk_destroy(&disk);
	return 0;
}

static int
create(struct zstore **st)
{
	return zstore_create(disk.dirfd, &disk.opts, st);
}

static int
take_over(struct zstore **st)
{
	return zstore_open(disk.dirfd, "disk", st);
}

/* Makes each call fail once, until there is none left. @return how many there were */
static unsigned int
try_all(int (*make)(struct zstore **st), unsigned int files_after_error)
{
	unsigned int nr, fds = count_entries("/proc/self/fd");
	int ret;

	maps = blocks = 0;
	for (nr = 1;; nr++) {
		struct zstore *st = NULL;

		calls = 0;
		fail_at = nr;
		ret = make(&st);
		fail_at = 0;
		if (ret == 0) {
			zstore_close(st);
			if (calls < nr)
				break;
		} else {
			assert_true(ret == -ENOMEM || ret == -EMFILE);
			assert_null(st);
			assert_int_equal(count_entries(disk.dir), files_after_error);
		}
		assert_int_equal(count_entries("/proc/self/fd"), fds);
		assert_int_equal(maps, 0);
		assert_int_equal(blocks, 0);
	}
	return nr - 1;
}

static void
test_create(void **state)
{
	unsigned int nr = try_all(create, 0);

	(void)state;
	print_message("%u calls failed in turn\n", nr);
	assert_true(nr >= 12);
	assert_int_equal(count_entries(disk.dir), 2);
}

static void
test_open(void **state)
{
	unsigned int nr;

	(void)state;
	disk_create(&disk);
	for (uint64_t page = 0; page < 100; page++)
		assert_int_equal(put_model(disk.st, page, 1), 0);
	zstore_close(disk.st);
	disk.st = NULL;
	nr = try_all(take_over, 2);
	print_message("%u calls failed in turn\n", nr);
	assert_true(nr >= 8);
	assert_int_equal(take_over(&disk.st), 0);
	for (uint64_t page = 0; page < 100; page++)
		assert_true(is_model(&disk.reader, page, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_create, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_open, setup, teardown),
	};

	return cmocka_run_group_tests_name("oom", tests, NULL, NULL);
}
