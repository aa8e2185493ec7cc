/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Whatever the system refuses, the first time, the second, and so on: a proper error, nothing left
 * behind, and what was there before still works. The linker puts this file between the library and
 * libc.
 */

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "test_util.h"

#include "fake.h"

/* Calls that may still succeed, of this thread alone; negative: no limit. */
static _Thread_local int left = -1;

static bool
refused(int error)
{
	if (left < 0 || left-- > 0)
		return false;
	left = 0;
	errno = error;
	return true;
}

void *__real_aligned_alloc(size_t align, size_t len);
void *__wrap_aligned_alloc(size_t align, size_t len);
void *__real_calloc(size_t nr, size_t len);
void *__wrap_calloc(size_t nr, size_t len);
void *__real_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);
int __real_madvise(void *addr, size_t len, int advice);
int __wrap_madvise(void *addr, size_t len, int advice);
int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
int __real_dup3(int from, int to, int flags);
int __wrap_dup3(int from, int to, int flags);

void *
__wrap_aligned_alloc(size_t align, size_t len)
{
	return refused(ENOMEM) ? NULL : __real_aligned_alloc(align, len);
}

void *
__wrap_calloc(size_t nr, size_t len)
{
	return refused(ENOMEM) ? NULL : __real_calloc(nr, len);
}

void *
__wrap_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return refused(ENOMEM) ? MAP_FAILED : __real_mmap64(addr, len, prot, flags, fd, off);
}

int
__wrap_madvise(void *addr, size_t len, int advice)
{
	return refused(ENOMEM) ? -1 : __real_madvise(addr, len, advice);
}

int
__wrap_socket(int domain, int type, int protocol)
{
	return refused(EMFILE) ? -1 : __real_socket(domain, type, protocol);
}

int
__wrap_fstat64(int fd, struct stat *st)
{
	return refused(ENOMEM) ? -1 : __real_fstat64(fd, st);
}

int
__wrap_dup3(int from, int to, int flags)
{
	return refused(EMFILE) ? -1 : __real_dup3(from, to, flags);
}

static struct fake fake;

static int
setup(void **state)
{
	(void)state;
	fake_create(&fake, ZWIRE_PAGE_SIZE, 16);
	fake.arena.super->flags = ZARENA_PRECOMP;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_destroy(&fake);
	return 0;
}

/* Repeats what fails until it does not. @return failures on the way */
static unsigned int
until_it_works(int (*what)(void))
{
	unsigned int nr;
	int ret;

	for (nr = 0;; nr++) {
		left = (int)nr;
		ret = what();
		left = -1;
		if (ret == 0)
			return nr;
		assert_true(ret == -ENOMEM || ret == -EMFILE);
		assert_true(nr < 100);
	}
}

static struct zcl *zc;
static struct zcl_disk *disk;
static struct zcl_queue *q;

static int
do_connect(void)
{
	return zcl_connect(fake.path, NULL, &zc);
}

static int
do_open(void)
{
	return zcl_disk_open(zc, FAKE_DISK, &disk);
}

static int
do_queue(void)
{
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .flags = ZCL_QUEUE_COMPRESS};

	return zcl_queue_create(disk, &opts, &q);
}

static int
do_reconnect(void)
{
	return zcl_reconnect(zc, 0);
}

static int
do_renew(void)
{
	return zcl_store(q, 1, fake_page(1), 1);
}

/* Of a service that is quiet, so that its descriptors do not count. */
static unsigned int
quiet_fds(void)
{
	fake_kill(&fake);
	fake_start(&fake);
	return test_open_fds();
}

static void
test_everything_refused(void **state)
{
	unsigned int nr_fds = quiet_fds();
	struct zcl_cqe cqe;

	(void)state;
	assert_true(until_it_works(do_connect) >= 4);
	assert_int_equal(quiet_fds(), nr_fds + 1);
	assert_true(until_it_works(do_reconnect) >= 2);
	assert_true(until_it_works(do_open) >= 4);
	assert_int_equal(quiet_fds(), nr_fds + 2);
	assert_true(until_it_works(do_reconnect) >= 2);
	assert_true(until_it_works(do_queue) >= 5);
	assert_int_equal(zcl_store(q, 1, fake_page(1), 1), 0);
	assert_int_equal(quiet_fds(), nr_fds + 4);
	assert_true(until_it_works(do_reconnect) >= 2);
	assert_int_equal(zcl_store(q, 1, fake_page(1), 1), -ECONNRESET);
	assert_int_equal(zcl_reap(q, &cqe, 1), 1);
	assert_true(until_it_works(do_renew) >= 4);
	assert_int_equal(zcl_submit(q), 1);
	assert_int_equal(fake_complete_all(fake_queue(&fake), 0), 1);
	assert_int_equal(zcl_reap(q, &cqe, 1), 1);
	assert_int_equal(quiet_fds(), nr_fds + 4);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(zc);
	assert_int_equal(quiet_fds(), nr_fds);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_everything_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
