/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Disks: what is asked of the service, and what is taken from it. */

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_util.h"

#include "client/client_private.h"
#include "fake.h"

static struct fake fake;
static struct zcl *zc;

static int
setup(void **state)
{
	(void)state;
	fake_create(&fake, ZWIRE_PAGE_SIZE, 16);
	assert_int_equal(zcl_connect(fake.path, NULL, &zc), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	zcl_close(zc);
	fake_destroy(&fake);
	return 0;
}

static void
test_create_request(void **state)
{
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = 12345678901};

	(void)state;
	assert_int_equal(zcl_disk_create(zc, "a.b-c_d", &opts), 0);
	assert_string_equal(fake.admin,
	                    "{\"cmd\":\"create\",\"disk\":\"a.b-c_d\",\"pages\":12345678901}");
	opts.algorithm = "lz4:level=1,zstd:level=6";
	opts.mem_limit = UINT64_MAX;
	opts.mode = 0640;
	opts.flags = 3;
	opts.page_size = 65536;
	assert_int_equal(zcl_disk_create(zc, "x", &opts), 0);
	assert_string_equal(fake.admin,
	                    "{\"cmd\":\"create\",\"disk\":\"x\","
	                    "\"algorithm\":\"lz4:level=1,zstd:level=6\",\"pages\":12345678901,"
	                    "\"mem_limit\":18446744073709551615,\"mode\":416,\"flags\":3,"
	                    "\"page_size\":65536}");
	assert_int_equal(zcl_disk_remove(zc, "x"), 0);
	assert_string_equal(fake.admin, "{\"cmd\":\"remove\",\"disk\":\"x\"}");
}

static void
test_create_refused_here(void **state)
{
	static const char *const algorithms[] = {
	        "",      "lz4\"",
	        "lz4\\", "lz4 ",
	        "lz4\n", "\xc3\xa4",
	        "lz4}",  "0123456789012345678901234567890123456789012345678901234567890123",
	};
	static const char *const names[] = {
	        "",     ".x", "a/b",
	        "a\"b", "..", "0123456789012345678901234567890123456789012345678901234567890123",
	};
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = 1};
	struct zcl_disk *disk;

	(void)state;
	for (size_t i = 0; i < TEST_NR(names); i++) {
		assert_int_equal(zcl_disk_create(zc, names[i], &opts), -EINVAL);
		assert_int_equal(zcl_disk_remove(zc, names[i]), -EINVAL);
		assert_int_equal(zcl_disk_open(zc, names[i], &disk), -EINVAL);
	}
	for (size_t i = 0; i < TEST_NR(algorithms); i++) {
		opts.algorithm = algorithms[i];
		assert_int_equal(zcl_disk_create(zc, "x", &opts), -EINVAL);
	}
	assert_int_equal(zcl_disk_create(zc, "x", NULL), -EINVAL);
	opts.sz--;
	assert_int_equal(zcl_disk_create(zc, "x", &opts), -EINVAL);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_ADMIN), 0);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_DISK_OPEN), 0);
}

static void
test_admin_errors(void **state)
{
	static const int errors[] = {-EEXIST, -EINVAL, -EACCES, -ENOMEM, -EDQUOT, -ENOENT, -EBUSY};
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = 1};

	(void)state;
	for (size_t i = 0; i < TEST_NR(errors); i++) {
		fake_answer(&fake, ZWIRE_ADMIN, (struct fake_answer){.error = errors[i]});
		assert_int_equal(zcl_disk_create(zc, "x", &opts), errors[i]);
		assert_int_equal(zcl_disk_remove(zc, "x"), errors[i]);
	}
}

static void
test_open(void **state)
{
	unsigned int nr_fds = test_open_fds();
	struct zcl_disk *disk;

	(void)state;
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), 0);
	assert_int_equal(zcl_disk_pages(disk), 16);
	assert_int_equal(zcl_disk_page_size(disk), 4096);
	zcl_disk_close(disk);
	zcl_disk_close(NULL);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_DISK_CLOSE), 1);
	assert_int_equal(test_open_fds(), nr_fds);
	assert_int_equal(zcl_disk_open(zc, "other", &disk), -ENOENT);
	fake_answer(&fake, ZWIRE_DISK_OPEN, (struct fake_answer){.error = -EACCES});
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), -EACCES);
	fake_answer(&fake, ZWIRE_DISK_OPEN, (struct fake_answer){.how = FAKE_HANGUP});
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), -ECONNRESET);
	fake_kill(&fake);
	fake_start(&fake);
	assert_int_equal(test_open_fds(), nr_fds - 1); /* the service's end of the connection */
}

static void
test_open_opts(void **state)
{
	struct zcl_open_opts opts = {.sz = sizeof(opts), .page_size = 8192};
	struct zcl_queue *q;
	struct zcl_disk *disk;

	(void)state;
	assert_int_equal(zcl_disk_open_opts(zc, FAKE_DISK, &opts, &disk), -EINVAL);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_DISK_OPEN), 1);
	opts.page_size = 512;
	assert_int_equal(zcl_disk_open_opts(zc, FAKE_DISK, &opts, &disk), -EINVAL);
	opts.page_size = 131072;
	assert_int_equal(zcl_disk_open_opts(zc, FAKE_DISK, &opts, &disk), -EINVAL);
	opts.page_size = 5000;
	assert_int_equal(zcl_disk_open_opts(zc, FAKE_DISK, &opts, &disk), -EINVAL);
	opts.page_size = 4096;
	opts.flags = 2;
	assert_int_equal(zcl_disk_open_opts(zc, FAKE_DISK, &opts, &disk), -EINVAL);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_DISK_OPEN), 1);
	opts.flags = ZCL_OPEN_RDONLY;
	assert_int_equal(zcl_disk_open_opts(zc, FAKE_DISK, &opts, &disk), 0);
	assert_int_equal(zcl_queue_create(disk, NULL, &q), -EACCES);
	zcl_disk_close(disk);
	assert_int_equal(zcl_disk_open_opts(zc, FAKE_DISK, NULL, &disk), 0);
	zcl_disk_close(disk);
}

static void
test_wrong_descriptors(void **state)
{
	static const int more_fds[] = {-2, -1, 1, 2};
	unsigned int nr_fds = test_open_fds();
	struct zcl_disk *disk;

	(void)state;
	for (size_t i = 0; i < TEST_NR(more_fds); i++) {
		fake_answer(&fake, ZWIRE_DISK_OPEN, (struct fake_answer){.more_fds = more_fds[i]});
		assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), -EPROTO);
		assert_int_equal(zcl_reconnect(zc, -1), 0);
	}
	fake_answer(&fake, ZWIRE_DISK_OPEN, (struct fake_answer){.how = FAKE_CUT});
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), -EPROTO);
	fake_kill(&fake);
	fake_start(&fake);
	assert_int_equal(test_open_fds(), nr_fds - 1);
}

static void
test_no_descriptors_left(void **state)
{
	const struct fake_answer late = {.how = FAKE_LATE};
	const struct fake_answer proper = {.how = FAKE_PROPER};
	struct rlimit none, before;
	struct zcl_disk *disk;
	char reply[64];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	/* All these are taken, and poll(2) of the service wants as many. */
	none = (struct rlimit){2 + FAKE_CONNS, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), -EMFILE);
	/* Nor does it matter for a reply that comes too late. */
	fake_answer(&fake, ZWIRE_DISK_OPEN, late);
	zc->timeout_ms = 20;
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), -ETIME);
	zc->timeout_ms = CLIENT_TIMEOUT_MS;
	fake_answer(&fake, ZWIRE_DISK_OPEN, proper);
	assert_int_equal(zcl_admin(zc, "{}", reply, sizeof(reply)), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), 0);
	zcl_disk_close(disk);
}

static void
test_not_an_arena(void **state)
{
	struct zarena_super *super = fake.arena.super;
	unsigned int nr_fds = test_open_fds();
	struct zcl_disk *disk;

	(void)state;
	super->magic++;
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), -EPROTO);
	super->magic--;
	super->pages = 1 << 20;
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), -EPROTO);
	super->pages = 16;
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_DISK_CLOSE), 2);
	assert_int_equal(test_open_fds(), nr_fds);
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), 0);
	zcl_disk_close(disk);
}

static void
test_stat(void **state)
{
	struct {
		struct zcl_disk_stat st;
		uint64_t later;
	} big = {{.sz = sizeof(big)}, 9};
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	char page[ZWIRE_PAGE_SIZE];
	struct zcl_disk *disk;

	(void)state;
	fake.arena.super->stat = (struct zarena_stat){.pages_stored = 3,
	                                              .compr_data_size = 100,
	                                              .mem_used = 4096,
	                                              .mem_limit = 8192,
	                                              .failed_loads = 5,
	                                              .discards = 7};
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), 0);
	fake_commit(&fake, 1, ZSLOT_BAD);
	assert_int_equal(zcl_load(disk, 1, page), -EBADMSG);
	fake_kill(&fake);
	assert_int_equal(zcl_disk_stat(disk, &st), 0);
	assert_int_equal(st.sz, sizeof(st));
	assert_int_equal(st.page_size, 4096);
	assert_int_equal(st.pages, 16);
	assert_int_equal(st.pages_stored, 3);
	assert_int_equal(st.orig_data_size, 3 * 4096);
	assert_int_equal(st.compr_data_size, 100);
	assert_int_equal(st.mem_used, 4096);
	assert_int_equal(st.mem_limit, 8192);
	assert_int_equal(st.failed_loads, 6);
	assert_int_equal(st.discards, 7);
	assert_string_equal(st.algorithm, "null,lz4");
	assert_int_equal(zcl_disk_stat(disk, &big.st), 0);
	assert_int_equal(big.later, 0);
	st.sz = 8;
	assert_int_equal(zcl_disk_stat(disk, &st), -EINVAL);
	st.sz = sizeof(st);
	fake.arena.super->state = ZARENA_REMOVED;
	assert_int_equal(zcl_disk_stat(disk, &st), -ENODEV);
	zcl_disk_close(disk);
	fake_start(&fake);
}

/* What was made from a connection outlives it, in whatever order handles are closed. */
static void
test_closed_in_any_order(void **state)
{
	unsigned int nr_fds = test_open_fds();
	char page[ZWIRE_PAGE_SIZE];
	struct zcl_queue *q, *q2;
	struct zcl_disk *disk;
	struct zcl *other;

	(void)state;
	assert_int_equal(zcl_connect(fake.path, NULL, &other), 0);
	assert_int_equal(zcl_disk_open(other, FAKE_DISK, &disk), 0);
	assert_int_equal(zcl_queue_create(disk, NULL, &q), 0);
	zcl_close(other);
	assert_int_equal(zcl_load(disk, 1, page), 0);
	assert_int_equal(zcl_queue_create(disk, NULL, &q2), -ECONNRESET);
	zcl_disk_close(disk);
	assert_int_equal(zcl_store(q, 1, fake_page(1), 0), 0);
	zcl_queue_destroy(q);
	fake_kill(&fake);
	fake_start(&fake);
	assert_int_equal(test_open_fds(), nr_fds - 1);
}

static void
test_two_disks(void **state)
{
	struct zcl_disk *first, *second;
	char page[ZWIRE_PAGE_SIZE];

	(void)state;
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &first), 0);
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &second), 0);
	zcl_disk_close(first);
	assert_int_equal(zcl_load(second, 1, page), 0);
	fake_kill(&fake);
	fake_start(&fake);
	assert_int_equal(zcl_reconnect(zc, -1), 0);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_DISK_OPEN), 3);
	zcl_disk_close(second);
	assert_int_equal(zcl_reconnect(zc, -1), 0);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_DISK_OPEN), 3);
}

static void
test_forked_child(void **state)
{
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	char page[ZWIRE_PAGE_SIZE];
	struct zcl_disk *disk;
	struct zcl_queue *q;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), 0);
	fake_put(&fake, 2, ZSLOT_RAW, fake_page(2), ZWIRE_PAGE_SIZE);
	pid = fork();
	if (pid == 0) {
		bool ok = zcl_load(disk, 2, page) == 0 &&
		          memcmp(page, fake_page(2), sizeof(page)) == 0 &&
		          zcl_disk_stat(disk, &st) == -EPERM &&
		          zcl_queue_create(disk, NULL, &q) == -EPERM && zcl_disk_pages(disk) == 16;

		zcl_disk_close(disk);
		zcl_close(zc);
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_DISK_CLOSE), 0);
	assert_int_equal(zcl_load(disk, 2, page), 0);
	zcl_disk_close(disk);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_DISK_CLOSE), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_create_request, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_create_refused_here, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_admin_errors, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_open, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_open_opts, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_wrong_descriptors, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_not_an_arena, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_no_descriptors_left, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_stat, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_closed_in_any_order, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_two_disks, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_forked_child, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
