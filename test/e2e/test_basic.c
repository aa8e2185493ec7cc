/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Every function of libzcl against a real service, and every error that can be had there. */

#include "e2e.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "pages.h"

#define PAGES 256u

/* A connection, a disk of PAGES pages, a queue. */
struct kit {
	struct zcl *zc;
	struct zcl_disk *disk;
	struct zcl_queue *q;
};

static void
open_kit(struct kit *k, struct e2e *e, const char *name)
{
	k->zc = e2e_connect(e);
	k->disk = e2e_disk(k->zc, name, PAGES);
	k->q = e2e_queue(k->disk, 0);
}

static void
close_kit(struct kit *k)
{
	zcl_queue_destroy(k->q);
	zcl_disk_close(k->disk);
	zcl_close(k->zc);
}

static void
expect(struct zcl_disk *disk, uint64_t page, enum page_kind kind, uint64_t seed)
{
	uint8_t want[E2E_PAGE], got[E2E_PAGE];

	page_fill(want, sizeof(want), kind, seed);
	assert_int_equal(zcl_load(disk, page, got), 0);
	assert_memory_equal(got, want, sizeof(want));
}

static struct zcl_cqe
store_one(struct zcl_queue *q, uint64_t page, const void *src)
{
	struct zcl_cqe cqe;

	assert_int_equal(zcl_store(q, page, src, 77), 0);
	assert_int_equal(zcl_wait(q, 1, E2E_WAIT_MS), 1);
	assert_int_equal(zcl_reap(q, &cqe, 1), 1);
	assert_int_equal(cqe.user_data, 77);
	return cqe;
}

static void
test_kinds_of_pages(void **state)
{
	static const uint32_t flags[PAGE_KINDS] = {
	        [PAGE_ZERO] = ZCL_CQE_SAME,
	        [PAGE_TEXT] = ZCL_CQE_MANAGED,
	        [PAGE_MIXED] = ZCL_CQE_MANAGED,
	        [PAGE_RANDOM] = ZCL_CQE_MANAGED | ZCL_CQE_HUGE,
	};
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	uint8_t page[E2E_PAGE];
	struct kit k;

	open_kit(&k, (struct e2e *)*state, "kinds");
	for (unsigned int i = 0; i < 40; i++) {
		enum page_kind kind = (enum page_kind)(i % PAGE_KINDS);
		struct zcl_cqe cqe;

		page_fill(page, sizeof(page), kind, i);
		cqe = store_one(k.q, i, page);
		assert_int_equal(cqe.res, 0);
		assert_int_equal(cqe.flags, flags[kind]);
	}
	for (unsigned int i = 0; i < 40; i++)
		expect(k.disk, i, (enum page_kind)(i % PAGE_KINDS), i);
	expect(k.disk, 40, PAGE_ZERO, 0);
	assert_int_equal(zcl_disk_stat(k.disk, &st), 0);
	assert_int_equal(st.page_size, E2E_PAGE);
	assert_int_equal(st.pages, PAGES);
	assert_int_equal(st.pages_stored, 40);
	assert_int_equal(st.orig_data_size, 40 * E2E_PAGE);
	assert_int_equal(st.same_pages, 10);
	assert_int_equal(st.huge_pages, 10);
	assert_int_equal(st.huge_pages_since, 10);
	assert_true(st.compr_data_size > 10 * E2E_PAGE && st.compr_data_size < 30 * E2E_PAGE);
	assert_true(st.mem_used >= st.compr_data_size && st.mem_used_max >= st.mem_used);
	assert_string_equal(st.algorithm, "lz4");
	close_kit(&k);
}

static void
test_same_filled(void **state)
{
	static const uint64_t words[] = {0, UINT64_MAX, 0x2020202020202020u, 0x0123456789abcdefu};
	uint64_t page[E2E_PAGE / 8], got[E2E_PAGE / 8];
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	struct kit k;

	open_kit(&k, (struct e2e *)*state, "same");
	for (unsigned int i = 0; i < TEST_NR(words); i++) {
		struct zcl_cqe cqe;

		for (unsigned int j = 0; j < E2E_PAGE / 8; j++)
			page[j] = words[i];
		cqe = store_one(k.q, i, page);
		assert_int_equal(cqe.res, 0);
		assert_int_equal(cqe.flags, ZCL_CQE_SAME);
		assert_int_equal(zcl_load(k.disk, i, got), 0);
		assert_memory_equal(got, page, sizeof(page));
	}
	assert_int_equal(zcl_disk_stat(k.disk, &st), 0);
	assert_int_equal(st.same_pages, TEST_NR(words));
	assert_int_equal(st.compr_data_size, 0);
	close_kit(&k);
}

static void
test_buffers(void **state)
{
	uint8_t *bufs[256], stranger[E2E_PAGE];
	struct kit k;

	open_kit(&k, (struct e2e *)*state, "bufs");
	assert_int_equal(zcl_queue_depth(k.q), 256);
	for (unsigned int i = 0; i < 256; i++) {
		bufs[i] = (uint8_t *)zcl_buf_get(k.q);
		assert_non_null(bufs[i]);
		assert_int_equal((uintptr_t)bufs[i] % E2E_PAGE, 0);
		page_fill(bufs[i], E2E_PAGE, (enum page_kind)(i % PAGE_KINDS), i);
	}
	/* They count against the depth. */
	assert_null(zcl_buf_get(k.q));
	assert_int_equal(zcl_store(k.q, 0, bufs[0], 0), -EAGAIN);
	assert_int_equal(zcl_store_buf(k.q, 0, stranger, 0), -EINVAL);
	assert_int_equal(zcl_store_buf(k.q, PAGES, bufs[0], 0), -ERANGE);
	for (unsigned int i = 0; i < 255; i++)
		assert_int_equal(zcl_store_buf(k.q, i, bufs[i], i), 0);
	assert_int_equal(zcl_store_buf(k.q, 0, bufs[0], 0), -EINVAL);
	zcl_buf_put(k.q, bufs[255]);
	assert_int_equal(zcl_store_buf(k.q, 0, bufs[255], 0), -EINVAL);
	e2e_reap_ok(k.q, 255);
	for (unsigned int i = 0; i < 255; i++)
		expect(k.disk, i, (enum page_kind)(i % PAGE_KINDS), i);
	expect(k.disk, 255, PAGE_ZERO, 0);
	close_kit(&k);
}

/* Everything else that takes an operation; staged ones are published by whoever waits. */
static void
test_operations(void **state)
{
	uint8_t page[E2E_PAGE];
	struct kit k;

	open_kit(&k, (struct e2e *)*state, "ops");
	page_fill(page, sizeof(page), PAGE_TEXT, 1);
	assert_int_equal(zcl_store_sync(k.q, 1, page), 0);
	assert_int_equal(zcl_store_range(k.q, 2, 0, E2E_PAGE, page, 2), 0);
	assert_int_equal(zcl_store_range(k.q, 2, 0, 16, page, 2), -EOPNOTSUPP);
	assert_int_equal(zcl_store_range(k.q, 2, 1, E2E_PAGE, page, 2), -EINVAL);
	assert_int_equal(zcl_store_range(k.q, 2, 0, 0, page, 2), -EINVAL);
	assert_int_equal(zcl_store(k.q, 3, page, 3), 0);
	assert_int_equal(zcl_submit(k.q), 2);
	assert_int_equal(zcl_submit(k.q), 0);
	e2e_reap_ok(k.q, 2);
	for (uint64_t i = 1; i <= 3; i++)
		expect(k.disk, i, PAGE_TEXT, 1);
	assert_int_equal(zcl_discard(k.q, 2, 1, 4), 0);
	e2e_reap_ok(k.q, 1);
	expect(k.disk, 2, PAGE_ZERO, 0);
	expect(k.disk, 3, PAGE_TEXT, 1);
	assert_int_equal(zcl_discard_sync(k.q, 0, PAGES), 0);
	for (uint64_t i = 1; i <= 3; i++)
		expect(k.disk, i, PAGE_ZERO, 0);
	/* A completion of another stays for the next reap. */
	assert_int_equal(zcl_store(k.q, 5, page, 5), 0);
	assert_int_equal(zcl_store_sync(k.q, 6, page), 0);
	e2e_reap_ok(k.q, 1);
	expect(k.disk, 5, PAGE_TEXT, 1);
	expect(k.disk, 6, PAGE_TEXT, 1);
	close_kit(&k);
}

static void
test_loads(void **state)
{
	uint8_t page[E2E_PAGE], bufs[4][E2E_PAGE];
	uint64_t pages[4] = {7, PAGES, 8, 9};
	void *dst[4] = {bufs[0], bufs[1], bufs[2], bufs[3]};
	struct kit k;
	int res[4];

	open_kit(&k, (struct e2e *)*state, "loads");
	page_fill(page, sizeof(page), PAGE_MIXED, 7);
	assert_int_equal(zcl_store_sync(k.q, 7, page), 0);
	page_fill(page, sizeof(page), PAGE_RANDOM, 8);
	assert_int_equal(zcl_store_sync(k.q, 8, page), 0);
	assert_int_equal(zcl_load_many(k.disk, pages, dst, res, 4), 3);
	assert_int_equal(res[0], 0);
	assert_int_equal(res[1], -ERANGE);
	assert_int_equal(res[2], 0);
	assert_int_equal(res[3], 0);
	assert_memory_equal(bufs[2], page, sizeof(page));
	assert_int_equal(zcl_load_range(k.disk, 8, 100, 1000, bufs[0]), 0);
	assert_memory_equal(bufs[0], page + 100, 1000);
	assert_int_equal(zcl_load_range(k.disk, 8, 4000, 97, bufs[0]), -EINVAL);
	assert_int_equal(zcl_load_range(k.disk, 8, 0, 0, bufs[0]), -EINVAL);
	assert_int_equal(zcl_load_range(k.disk, PAGES, 0, 8, bufs[0]), -ERANGE);
	assert_int_equal(zcl_load(k.disk, PAGES, bufs[0]), -ERANGE);
	assert_int_equal(zcl_load(k.disk, UINT64_MAX, bufs[0]), -ERANGE);
	close_kit(&k);
}

/* Waiting by one's own poll. */
static void
test_descriptors(void **state)
{
	uint8_t page[E2E_PAGE];
	struct zcl_cqe cqe;
	struct pollfd p;
	struct kit k;

	open_kit(&k, (struct e2e *)*state, "fds");
	p = (struct pollfd){zcl_fd(k.zc), POLLIN | POLLRDHUP, 0};
	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	p.fd = zcl_queue_fd(k.q);
	page_fill(page, sizeof(page), PAGE_TEXT, 1);
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(zcl_store(k.q, i, page, i), 0);
		if (zcl_arm(k.q) == 0)
			assert_int_equal(poll(&p, 1, E2E_WAIT_MS), 1);
		assert_int_equal(zcl_reap(k.q, &cqe, 1), 1);
		assert_int_equal(cqe.user_data, i);
		assert_int_equal(zcl_reap(k.q, &cqe, 1), 0);
	}
	assert_int_equal(zcl_wait(k.q, 0, 0), 0);
	assert_int_equal(zcl_wait(k.q, 1, 0), -EINVAL);
	assert_int_equal(zcl_wait(k.q, 0, -2), -EINVAL);
	close_kit(&k);
}

static void
test_errors_of_disks(void **state)
{
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = PAGES};
	struct zcl_open_opts ro = {.sz = sizeof(ro), .flags = ZCL_OPEN_RDONLY};
	struct zcl_open_opts k16 = {.sz = sizeof(k16), .page_size = 16384};
	struct zcl_disk *other = NULL;
	struct zcl_queue *q = NULL;
	struct kit k;

	open_kit(&k, (struct e2e *)*state, "errors");
	assert_int_equal(zcl_disk_create(k.zc, "errors", &opts), -EEXIST);
	assert_int_equal(zcl_disk_create(k.zc, "no/name", &opts), -EINVAL);
	assert_int_equal(zcl_disk_create(k.zc, "", &opts), -EINVAL);
	opts.algorithm = "zstd";
	assert_int_equal(zcl_disk_create(k.zc, "other", &opts), -EINVAL);
	opts.algorithm = NULL;
	opts.page_size = 5000;
	assert_int_equal(zcl_disk_create(k.zc, "other", &opts), -EINVAL);
	opts.page_size = 0;
	opts.mode = 01000;
	assert_int_equal(zcl_disk_create(k.zc, "other", &opts), -EINVAL);
	opts.mode = 0;
	opts.flags = 2;
	assert_int_equal(zcl_disk_create(k.zc, "other", &opts), -EINVAL);
	opts.flags = 0;
	opts.pages = 0;
	assert_int_equal(zcl_disk_create(k.zc, "other", &opts), -EINVAL);
	opts.pages = 1ull << 36;
	assert_int_equal(zcl_disk_create(k.zc, "other", &opts), -EINVAL);
	opts.pages = UINT64_MAX;
	assert_int_equal(zcl_disk_create(k.zc, "other", &opts), -EINVAL);
	assert_int_equal(zcl_disk_open(k.zc, "other", &other), -ENOENT);
	assert_int_equal(zcl_disk_open(k.zc, "no/name", &other), -EINVAL);
	assert_int_equal(zcl_disk_open_opts(k.zc, "errors", &k16, &other), -EINVAL);
	assert_int_equal(zcl_disk_remove(k.zc, "other"), -ENOENT);
	assert_int_equal(zcl_disk_remove(k.zc, "errors"), -EBUSY);
	assert_int_equal(zcl_disk_open_opts(k.zc, "errors", &ro, &other), 0);
	assert_int_equal(zcl_queue_create(other, NULL, &q), -EACCES);
	zcl_disk_close(other);
	close_kit(&k);
}

/* A table that the tmpfs has no room for. */
static void
test_no_memory(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl_disk_opts opts = {.sz = sizeof(opts)};
	struct zcl *zc = e2e_connect(e);
	struct statvfs fs;

	assert_int_equal(statvfs(e->dir, &fs), 0);
	opts.pages = fs.f_blocks * fs.f_frsize / 16 + 1;
	if (fs.f_blocks == 0 || opts.pages > 2000000000u) {
		print_message("a tmpfs so large that every table fits\n");
		zcl_close(zc);
		skip();
	}
	assert_int_equal(zcl_disk_create(zc, "large", &opts), -ENOMEM);
	zcl_close(zc);
}

static void
test_errors_of_queues(void **state)
{
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = 4097};
	struct zcl_queue *queues[64];
	unsigned int nr = 0;
	uint8_t page[E2E_PAGE] = {1};
	struct kit k;
	int ret;

	open_kit(&k, (struct e2e *)*state, "queues");
	assert_int_equal(zcl_queue_create(k.disk, &opts, &queues[0]), -EINVAL);
	opts.depth = 5;
	assert_int_equal(zcl_queue_create(k.disk, &opts, &queues[0]), 0);
	assert_int_equal(zcl_queue_depth(queues[0]), 8);
	zcl_queue_destroy(queues[0]);
	assert_int_equal(zcl_store(k.q, PAGES, page, 0), -ERANGE);
	assert_int_equal(zcl_store(k.q, UINT64_MAX, page, 0), -ERANGE);
	assert_int_equal(zcl_discard(k.q, PAGES, 1, 0), -ERANGE);
	assert_int_equal(zcl_discard(k.q, 1, PAGES, 0), -ERANGE);
	assert_int_equal(zcl_discard(k.q, 1, 0, 0), -EINVAL);
	for (unsigned int i = 0; i < 256; i++)
		assert_int_equal(zcl_store(k.q, i % PAGES, page, i), 0);
	assert_int_equal(zcl_store(k.q, 0, page, 0), -EAGAIN);
	e2e_reap_ok(k.q, 256);
	/* Queue memory is charged in full: 16 MiB for each of these, of 256. */
	opts.depth = 4096;
	for (ret = 0; ret == 0 && nr < TEST_NR(queues); nr += ret == 0)
		ret = zcl_queue_create(k.disk, &opts, &queues[nr]);
	assert_int_equal(ret, -EDQUOT);
	assert_int_equal(nr, 15);
	while (nr > 0)
		zcl_queue_destroy(queues[--nr]);
	/* It comes back; not at once, for a queue's end reaches the service by another way. */
	for (unsigned int i = 0; i < E2E_WAIT_MS; i++) {
		ret = zcl_queue_create(k.disk, &opts, &queues[0]);
		if (ret != -EDQUOT)
			break;
		poll(NULL, 0, 1);
	}
	assert_int_equal(ret, 0);
	zcl_queue_destroy(queues[0]);
	close_kit(&k);
}

static void
test_memory_limit(void **state)
{
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = PAGES, .mem_limit = 256 << 10};
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	struct zcl *zc = e2e_connect((struct e2e *)*state);
	uint8_t page[E2E_PAGE];
	struct zcl_disk *disk;
	struct zcl_queue *q;
	uint64_t full = 0;
	int ret = 0;

	assert_int_equal(zcl_disk_create(zc, "limit", &opts), 0);
	assert_int_equal(zcl_disk_open(zc, "limit", &disk), 0);
	q = e2e_queue(disk, 16);
	for (; ret == 0 && full < PAGES; full += ret == 0) {
		page_fill(page, sizeof(page), PAGE_RANDOM, full);
		ret = zcl_store_sync(q, full, page);
	}
	assert_int_equal(ret, -ENOSPC);
	assert_true(full > 32 && full < 64);
	for (uint64_t i = 0; i < full; i++)
		expect(disk, i, PAGE_RANDOM, i);
	expect(disk, full, PAGE_ZERO, 0);
	assert_int_equal(zcl_disk_stat(disk, &st), 0);
	assert_true(st.mem_used <= opts.mem_limit);
	assert_int_equal(st.mem_limit, opts.mem_limit);
	assert_int_equal(st.failed_stores, 1);
	/* An overwrite that shrinks passes, and a discard makes room. */
	page_fill(page, sizeof(page), PAGE_TEXT, 5);
	assert_int_equal(zcl_store_sync(q, 5, page), 0);
	expect(disk, 5, PAGE_TEXT, 5);
	assert_int_equal(zcl_discard_sync(q, 0, 5), 0);
	page_fill(page, sizeof(page), PAGE_RANDOM, full);
	assert_int_equal(zcl_store_sync(q, full, page), 0);
	expect(disk, full, PAGE_RANDOM, full);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(zc);
}

/* A disk that is removed while somebody else still has it mapped, and one of the same name. */
static void
test_remove(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	struct zcl *zc = e2e_connect(e), *gone = e2e_connect(e);
	uint8_t page[E2E_PAGE];
	struct zcl_disk *disk, *old;
	struct zcl_queue *q;

	disk = e2e_disk(zc, "remove", PAGES);
	q = e2e_queue(disk, 0);
	page_fill(page, sizeof(page), PAGE_RANDOM, 1);
	assert_int_equal(zcl_store_sync(q, 1, page), 0);
	assert_int_equal(zcl_disk_open(gone, "remove", &old), 0);
	zcl_close(gone);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	expect(old, 1, PAGE_RANDOM, 1);
	e2e_remove(zc, "remove");
	assert_int_equal(zcl_load(old, 1, page), -ENODEV);
	assert_int_equal(zcl_load(old, 2, page), -ENODEV);
	assert_int_equal(zcl_disk_stat(old, &st), -ENODEV);
	assert_int_equal(zcl_disk_open(zc, "remove", &disk), -ENOENT);
	disk = e2e_disk(zc, "remove", PAGES);
	expect(disk, 1, PAGE_ZERO, 0);
	assert_int_equal(zcl_load(old, 1, page), -ENODEV);
	zcl_disk_close(old);
	zcl_disk_close(disk);
	zcl_close(zc);
}

/* Disks outlive their clients and their service. */
static void
test_restart(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	uint8_t page[E2E_PAGE];
	struct kit k;

	open_kit(&k, e, "restart");
	for (unsigned int i = 0; i < 64; i++) {
		page_fill(page, sizeof(page), (enum page_kind)(i % PAGE_KINDS), i);
		assert_int_equal(zcl_store(k.q, i, page, i), 0);
	}
	e2e_reap_ok(k.q, 64);
	close_kit(&k);
	e2e_stop(e);
	e2e_start(e, NULL);
	k.zc = e2e_connect(e);
	assert_int_equal(zcl_disk_open(k.zc, "restart", &k.disk), 0);
	for (unsigned int i = 0; i < 64; i++)
		expect(k.disk, i, (enum page_kind)(i % PAGE_KINDS), i);
	expect(k.disk, 64, PAGE_ZERO, 0);
	assert_int_equal(zcl_disk_stat(k.disk, &st), 0);
	assert_int_equal(st.pages_stored, 64);
	assert_int_equal(st.same_pages, 16);
	assert_int_equal(st.huge_pages, 16);
	zcl_disk_close(k.disk);
	zcl_close(k.zc);
}

static void
test_the_rest(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl_opts opts = {.sz = sizeof(opts), .timeout_ms = 5000};
	char reply[4096];
	struct zcl *zc;

	assert_int_equal(zcl_version(), ZCL_VERSION);
	assert_string_not_equal(zcl_strerror(-ENOSPC), zcl_strerror(-EIO));
	assert_int_equal(setenv("ZCOMPD_SOCKET", e->socket, 1), 0);
	assert_int_equal(zcl_connect(NULL, &opts, &zc), 0);
	unsetenv("ZCOMPD_SOCKET");
	assert_int_equal(zcl_reconnect(zc, 0), 0);
	assert_int_equal(zcl_admin(zc, "{\"cmd\":\"info\"}", reply, sizeof(reply)), 0);
	assert_non_null(strstr(reply, "\"ok\":true"));
	assert_int_equal(e2e_number(reply, "pid"), e->pid);
	assert_int_equal(zcl_admin(zc, "{\"cmd\":\"info\"}", reply, 8), -E2BIG);
	assert_int_equal(zcl_admin(zc, "nonsense", reply, sizeof(reply)), 0);
	assert_non_null(strstr(reply, "\"ok\":false"));
	assert_int_equal(zcl_admin(zc, "{\"cmd\":\"reboot\"}", reply, sizeof(reply)), 0);
	assert_non_null(strstr(reply, "reboot"));
	zcl_close(zc);
	assert_int_equal(zcl_connect("/dev/shm/there/is/no/such/socket", NULL, &zc), -ENOENT);
}

/* A disk that is closed is closed: its queues are not still dying when it is removed. */
static void
test_remove_after_close(void **state)
{
	struct zcl *zc = e2e_connect((struct e2e *)*state);
	char page[4096];

	memset(page, 1, sizeof(page));
	page[0] = 2;
	for (unsigned int i = 0; i < 50; i++) {
		struct zcl_disk *disk = e2e_disk(zc, "brief", 8);
		struct zcl_queue *q = e2e_queue(disk, 8);

		assert_int_equal(zcl_store(q, 0, page, 0), 0);
		assert_int_equal(zcl_submit(q), 1);
		zcl_queue_destroy(q);
		zcl_disk_close(disk);
		assert_int_equal(zcl_disk_remove(zc, "brief"), 0);
	}
	zcl_close(zc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_kinds_of_pages),
	        cmocka_unit_test(test_same_filled),
	        cmocka_unit_test(test_buffers),
	        cmocka_unit_test(test_operations),
	        cmocka_unit_test(test_loads),
	        cmocka_unit_test(test_descriptors),
	        cmocka_unit_test(test_errors_of_disks),
	        cmocka_unit_test(test_no_memory),
	        cmocka_unit_test(test_errors_of_queues),
	        cmocka_unit_test(test_memory_limit),
	        cmocka_unit_test(test_remove),
	        cmocka_unit_test(test_remove_after_close),
	        cmocka_unit_test(test_restart),
	        cmocka_unit_test(test_the_rest),
	};

	return cmocka_run_group_tests(tests, e2e_setup_started, e2e_teardown);
}
