/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A service that dies, or is told to stop, under load; and one that comes after it. Loads go on,
 * what was under way comes back as lost, and nothing that was acknowledged is lost.
 */

#include "e2e.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "stamp.h"

#define PAGES  192u
#define DEPTH  64u
#define ROUNDS 6u
#define STORES (3000u / TEST_SLOW)

/* What may be on a page: the last acknowledged version, and those under way or lost. */
struct page {
	uint64_t stamps[DEPTH + 1];
	unsigned int nr;
};

struct client {
	struct zcl *zc;
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct page pages[PAGES];
	unsigned int under_way, lost, done;
	uint64_t seed, version;
};

/* A reader in a process of its own, which loads until it is told to stop. */
struct reader {
	const char *socket;
	int told;  /* where it hears the end */
	int tells; /* where it says that it is there */
};

static int
run_reader(void *arg)
{
	struct reader *r = (struct reader *)arg;
	struct pollfd end = {r->told, POLLIN, 0};
	uint64_t page[E2E_PAGE / 8], stamp, seen[PAGES] = {0};
	struct zcl_disk *disk;
	struct zcl *zc;

	E2E_CHECK(zcl_connect(r->socket, NULL, &zc) == 0);
	E2E_CHECK(zcl_disk_open(zc, "death", &disk) == 0);
	E2E_CHECK(write(r->tells, "", 1) == 1);
	do {
		for (uint64_t at = 0; at < PAGES; at++) {
			E2E_CHECK(zcl_load(disk, at, page) == 0);
			E2E_CHECK(stamp_read(page, E2E_PAGE, at, &stamp));
			E2E_CHECK(stamp == 0 || stamp_version(stamp) >= seen[at]);
			if (stamp != 0)
				seen[at] = stamp_version(stamp);
		}
	} while (poll(&end, 1, 0) == 0);
	zcl_disk_close(disk);
	zcl_close(zc);
	return 0;
}

static pid_t
start_reader(struct reader *r, struct e2e *e, int *end)
{
	int told[2], tells[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(told), 0);
	assert_int_equal(pipe(tells), 0);
	*r = (struct reader){e->socket, told[0], tells[1]};
	pid = e2e_fork(run_reader, r);
	assert_int_equal(read(tells[0], &byte, 1), 1);
	close(tells[0]);
	close(tells[1]);
	close(told[0]);
	*end = told[1];
	return pid;
}

/* A version is acknowledged: what was before it is no more, what is behind it may come. */
static void
acknowledge(struct page *p, uint64_t stamp)
{
	unsigned int at = 0;

	while (at < p->nr && p->stamps[at] != stamp)
		at++;
	assert_true(at < p->nr);
	p->nr -= at;
	memmove(p->stamps, p->stamps + at, p->nr * sizeof(p->stamps[0]));
}

/* @return what zcl_reap() said last: 0 or -ECONNRESET */
static int
reap(struct client *c)
{
	struct zcl_cqe cqe;
	int ret;

	while ((ret = zcl_reap(c->q, &cqe, 1)) == 1) {
		/* Which page: the stamp does not say, its version does. */
		struct page *p = &c->pages[stamp_version(cqe.user_data) % PAGES];

		assert_true(c->under_way-- > 0);
		if (cqe.res == 0) {
			acknowledge(p, cqe.user_data);
			c->done++;
		} else {
			assert_int_equal(cqe.res, -ECONNRESET);
			c->lost++;
		}
	}
	return ret;
}

/* Stores until there have been so many, or the service is gone. */
static void
store_some(struct client *c, unsigned int nr)
{
	uint64_t page[E2E_PAGE / 8];

	while (nr > 0) {
		uint64_t r = test_random(&c->seed), at = r % PAGES, stamp;
		struct page *p = &c->pages[at];
		int ret;

		/* The version grows, and says which page it is. */
		c->version += PAGES;
		stamp = stamp_make(1, c->version + at, (unsigned int)(r >> 32) % STAMP_KINDS);
		stamp_fill(page, E2E_PAGE, at, stamp);
		ret = p->nr <= DEPTH ? zcl_store(c->q, at, page, stamp) : -EAGAIN;
		if (ret == 0) {
			p->stamps[p->nr++] = stamp;
			c->under_way++;
			nr--;
		} else if (ret == -EAGAIN) {
			ret = zcl_wait(c->q, 1, E2E_WAIT_MS);
			assert_true(ret > 0 || ret == -ECONNRESET);
			reap(c);
		} else {
			assert_int_equal(ret, -ECONNRESET);
			return;
		}
	}
}

/* Each page is one of what it may be. Nothing is under way: what is there stays. */
static void
check_pages(struct client *c)
{
	uint64_t page[E2E_PAGE / 8], stamp;

	for (uint64_t at = 0; at < PAGES; at++) {
		struct page *p = &c->pages[at];
		bool expected = false;

		assert_int_equal(zcl_load(c->disk, at, page), 0);
		assert_true(stamp_read(page, E2E_PAGE, at, &stamp));
		for (unsigned int i = 0; i < p->nr; i++)
			expected |= p->stamps[i] == stamp;
		assert_true(expected);
		p->stamps[0] = stamp;
		p->nr = 1;
	}
}

static void
open_client(struct client *c, struct e2e *e)
{
	memset(c, 0, sizeof(*c));
	c->seed = 1;
	c->zc = e2e_connect(e);
	c->disk = e2e_disk(c->zc, "death", PAGES);
	c->q = e2e_queue(c->disk, DEPTH);
	for (unsigned int i = 0; i < PAGES; i++)
		c->pages[i].nr = 1;
}

static void
close_client(struct client *c)
{
	zcl_queue_destroy(c->q);
	zcl_disk_close(c->disk);
	zcl_close(c->zc);
}

/* The service is gone: everything comes back, and everything says so. */
static void
expect_gone(struct client *c)
{
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	struct pollfd p = {zcl_fd(c->zc), POLLRDHUP, 0};
	uint8_t page[E2E_PAGE] = {1};
	struct zcl_disk *disk;

	assert_int_equal(poll(&p, 1, E2E_WAIT_MS), 1);
	while (reap(c) == 0)
		;
	assert_int_equal(c->under_way, 0);
	assert_int_equal(reap(c), -ECONNRESET);
	assert_int_equal(zcl_store(c->q, 0, page, 0), -ECONNRESET);
	assert_int_equal(zcl_submit(c->q), -ECONNRESET);
	assert_int_equal(zcl_wait(c->q, 0, 0), -ECONNRESET);
	assert_int_equal(zcl_arm(c->q), -ECONNRESET);
	assert_int_equal(zcl_store_sync(c->q, 0, page), -ECONNRESET);
	assert_int_equal(zcl_disk_open(c->zc, "death", &disk), -ECONNRESET);
	assert_int_equal(zcl_disk_stat(c->disk, &st), 0);
	check_pages(c);
}

static void
test_killed_service(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct reader r;
	struct client *c = (struct client *)calloc(1, sizeof(*c));
	unsigned int lost = 0;
	pid_t reader;
	int end;

	assert_non_null(c);
	e2e_start(e, NULL);
	open_client(c, e);
	reader = start_reader(&r, e, &end);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		store_some(c, STORES + (unsigned int)(test_random(&c->seed) % DEPTH));
		e2e_kill(e);
		expect_gone(c);
		assert_int_equal(zcl_reconnect(c->zc, 0), -ETIME);
		e2e_start(e, NULL);
		/* What the new one found is what was there. */
		check_pages(c);
		assert_int_equal(zcl_reconnect(c->zc, E2E_WAIT_MS), 0);
		check_pages(c);
		lost += c->lost;
	}
	assert_true(lost > 0 && c->done > 0);
	store_some(c, STORES);
	while (c->under_way > 0) {
		assert_true(zcl_wait(c->q, 1, E2E_WAIT_MS) > 0);
		reap(c);
	}
	check_pages(c);
	assert_int_equal(write(end, "", 1), 1);
	assert_int_equal(e2e_wait(reader), 0);
	close(end);
	close_client(c);
	free(c);
	e2e_stop(e);
}

/* Told to stop, it completes what it has taken, and the rest comes back as lost. */
static void
test_stopped_service(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct client *c = (struct client *)calloc(1, sizeof(*c));
	struct zcl *zc;

	assert_non_null(c);
	e2e_start(e, NULL);
	zc = e2e_connect(e);
	e2e_remove(zc, "death");
	zcl_close(zc);
	open_client(c, e);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		store_some(c, (unsigned int)(test_random(&c->seed) % (2 * DEPTH)));
		e2e_terminate(e);
		store_some(c, UINT32_MAX);
		expect_gone(c);
		e2e_stop_wait(e);
		e2e_start(e, NULL);
		check_pages(c);
		assert_int_equal(zcl_reconnect(c->zc, E2E_WAIT_MS), 0);
		check_pages(c);
	}
	close_client(c);
	free(c);
	e2e_stop(e);
}

/* Buffers that are borrowed survive, and a service that comes late is waited for. */
static void
test_borrowed_buffers(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl_queue *q;
	struct zcl_disk *disk;
	struct zcl *zc;
	uint64_t *buf, got[E2E_PAGE / 8], stamp = stamp_make(3, 3, 5);

	e2e_start(e, NULL);
	zc = e2e_connect(e);
	disk = e2e_disk(zc, "borrowed", 8);
	q = e2e_queue(disk, 4);
	buf = (uint64_t *)zcl_buf_get(q);
	assert_non_null(buf);
	stamp_fill(buf, E2E_PAGE, 2, stamp);
	e2e_kill(e);
	e2e_start(e, NULL);
	assert_int_equal(zcl_reconnect(zc, E2E_WAIT_MS), 0);
	assert_int_equal(zcl_store_buf(q, 2, buf, 0), 0);
	e2e_reap_ok(q, 1);
	assert_int_equal(zcl_load(disk, 2, got), 0);
	assert_true(stamp_read(got, E2E_PAGE, 2, &stamp));
	assert_int_equal(stamp, stamp_make(3, 3, 5));
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(zc);
	e2e_stop(e);
}

static void
wipe_state(struct e2e *e)
{
	struct e2e_result r;

	e2e_run(&r, (const char *const[]){"/bin/rm", "-rf", e->state, NULL});
	assert_int_equal(r.status, 0);
}

/* Another service with other disks is no continuation: the old pages can be read, not written. */
static void
test_stale_disks(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	uint64_t page[E2E_PAGE / 8], stamp;
	struct zcl_disk *disk, *other;
	struct zcl_queue *q, *q2;
	struct zcl *zc;

	e2e_start(e, NULL);
	zc = e2e_connect(e);
	disk = e2e_disk(zc, "stale", 8);
	q = e2e_queue(disk, 4);
	stamp_fill(page, E2E_PAGE, 1, stamp_make(4, 1, 4));
	assert_int_equal(zcl_store_sync(q, 1, page), 0);
	e2e_stop(e);
	wipe_state(e);
	e2e_start(e, (const char *const[]){"--disk", "stale=32K", NULL});
	assert_int_equal(zcl_reconnect(zc, E2E_WAIT_MS), -ESTALE);
	assert_int_equal(zcl_load(disk, 1, page), 0);
	assert_true(stamp_read(page, E2E_PAGE, 1, &stamp));
	assert_int_equal(stamp, stamp_make(4, 1, 4));
	assert_int_equal(zcl_store_sync(q, 1, page), -ESTALE);
	assert_int_equal(zcl_queue_create(disk, NULL, &q2), -ESTALE);
	/* The new one of that name can be opened beside it. */
	assert_int_equal(zcl_disk_open(zc, "stale", &other), 0);
	assert_int_equal(zcl_load(other, 1, page), 0);
	assert_int_equal(page[1], 0);
	zcl_disk_close(other);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(zc);
	e2e_stop(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_killed_service),
	        cmocka_unit_test(test_stopped_service),
	        cmocka_unit_test(test_borrowed_buffers),
	        cmocka_unit_test(test_stale_disks),
	};

	return cmocka_run_group_tests(tests, e2e_setup, e2e_teardown);
}
