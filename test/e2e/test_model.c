/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Two processes of two threads each store, discard and load on one disk, and every load is held
 * against a model.
 *
 * A thread's own pages are known exactly: what a load may find is the last completed version, or
 * one of those under way. The shared pages belong to all: there a load must find a whole page of
 * that number, and of each thread's versions never an older one than it has found before.
 */

#include "e2e.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "stamp.h"

#define PROCESSES 2u
#define THREADS   2u
#define USERS     (PROCESSES * THREADS)
#define OWN       128u
#define SHARED    64u
#define PAGES     (USERS * OWN + SHARED)
#define OPS       (30000u / TEST_SLOW)
#define DEPTH     64u
#define UNDER_WAY 8u /* operations on one page at a time */

/* One of a thread's own pages. Versions count its operations, discards too. */
struct own_page {
	uint64_t submitted, completed;
	uint64_t stamps[UNDER_WAY + 1]; /* of the versions from `completed` on; 0 = zeros */
};

struct user {
	const char *socket;
	unsigned int id; /* 0 to USERS - 1 */
	struct zcl_disk *disk;
	struct zcl_queue *q;
	pthread_t thread;
	uint64_t seed;
	uint64_t shared_version;
	struct own_page own[OWN];
	uint64_t seen[SHARED][USERS]; /* newest version of each that was found there */
};

/* What a completion belongs to: its page, or SHARED_OP; a range has its length above. */
#define TAG_SHARED UINT32_MAX

static uint64_t
page_of(const struct user *u, unsigned int own)
{
	return u->id * OWN + own;
}

static void
complete_own(struct own_page *p)
{
	p->completed++;
	memmove(p->stamps, p->stamps + 1, sizeof(p->stamps) - sizeof(p->stamps[0]));
}

static void
begin_own(struct own_page *p, uint64_t stamp)
{
	p->submitted++;
	p->stamps[p->submitted - p->completed] = stamp;
}

/* Takes completions, waiting for at least @p least. */
static void
reap(struct user *u, unsigned int least)
{
	struct zcl_cqe cqes[DEPTH];
	int nr;

	if (least > 0)
		E2E_CHECK(zcl_wait(u->q, least, E2E_WAIT_MS) >= (int)least);
	nr = zcl_reap(u->q, cqes, DEPTH);
	E2E_CHECK(nr >= 0);
	for (int i = 0; i < nr; i++) {
		uint32_t first = (uint32_t)cqes[i].user_data;
		uint32_t len = (uint32_t)(cqes[i].user_data >> 32);

		E2E_CHECK(cqes[i].res == 0);
		for (uint32_t j = 0; first != TAG_SHARED && j < len; j++)
			complete_own(&u->own[first + j]);
	}
}

/* Reaps until one more operation on the pages can be submitted. */
static void
make_room(struct user *u, unsigned int own, unsigned int nr)
{
	for (unsigned int i = own; i < own + nr; i++) {
		while (u->own[i].submitted - u->own[i].completed == UNDER_WAY)
			reap(u, 1);
	}
}

/* Stages something; the queue may be full. */
#define STAGE(u, call)                               \
	do {                                         \
		int staged;                          \
		while ((staged = (call)) == -EAGAIN) \
			reap((u), 1);                \
		E2E_CHECK(staged == 0);              \
	} while (0)

static void
store_own(struct user *u, unsigned int own)
{
	unsigned int kind = (unsigned int)(test_random(&u->seed) % STAMP_KINDS);
	struct own_page *p = &u->own[own];
	uint64_t stamp, page[E2E_PAGE / 8];

	make_room(u, own, 1);
	stamp = stamp_make(u->id, p->submitted + 1, kind);
	stamp_fill(page, E2E_PAGE, page_of(u, own), stamp);
	STAGE(u, zcl_store(u->q, page_of(u, own), page, 1ull << 32 | own));
	begin_own(p, stamp);
}

static void
discard_own(struct user *u, unsigned int own, unsigned int nr)
{
	make_room(u, own, nr);
	STAGE(u, zcl_discard(u->q, page_of(u, own), nr, (uint64_t)nr << 32 | own));
	for (unsigned int i = own; i < own + nr; i++)
		begin_own(&u->own[i], 0);
}

static void
load_own(struct user *u, unsigned int own)
{
	struct own_page *p = &u->own[own];
	uint64_t page[E2E_PAGE / 8], stamp;
	bool expected = false;

	E2E_CHECK(zcl_load(u->disk, page_of(u, own), page) == 0);
	E2E_CHECK(stamp_read(page, E2E_PAGE, page_of(u, own), &stamp));
	for (uint64_t i = 0; i <= p->submitted - p->completed; i++)
		expected |= p->stamps[i] == stamp;
	E2E_CHECK(expected);
}

static void
store_shared(struct user *u, unsigned int shared)
{
	unsigned int kind = (unsigned int)(test_random(&u->seed) % STAMP_KINDS);
	uint64_t stamp = stamp_make(u->id, ++u->shared_version, kind);
	uint64_t page[E2E_PAGE / 8];

	stamp_fill(page, E2E_PAGE, USERS * OWN + shared, stamp);
	STAGE(u, zcl_store(u->q, USERS * OWN + shared, page, TAG_SHARED));
}

static void
load_shared(struct user *u, unsigned int shared)
{
	uint64_t page[E2E_PAGE / 8], stamp, *seen;

	E2E_CHECK(zcl_load(u->disk, USERS * OWN + shared, page) == 0);
	E2E_CHECK(stamp_read(page, E2E_PAGE, USERS * OWN + shared, &stamp));
	if (stamp == 0)
		return;
	E2E_CHECK(stamp_owner(stamp) < USERS);
	seen = &u->seen[shared][stamp_owner(stamp)];
	E2E_CHECK(stamp_version(stamp) >= *seen);
	*seen = stamp_version(stamp);
}

static void
one_op(struct user *u)
{
	uint64_t r = test_random(&u->seed), what = r % 100;
	/* Few pages are used much, so that operations meet on them. */
	unsigned int own = (unsigned int)((r >> 8) % ((r >> 40) % 4 == 0 ? OWN : 8));
	unsigned int shared = (unsigned int)((r >> 16) % SHARED);
	unsigned int nr = 2 + (unsigned int)((r >> 24) % 7);

	if (what < 35)
		store_own(u, own);
	else if (what < 42)
		discard_own(u, own, 1);
	else if (what < 44)
		discard_own(u, own + nr > OWN ? OWN - nr : own, nr);
	else if (what < 60)
		store_shared(u, shared);
	else if (what < 63)
		STAGE(u, zcl_discard(u->q, USERS * OWN + shared, 1, TAG_SHARED));
	else if (what < 80)
		load_own(u, own);
	else if (what < 95)
		load_shared(u, shared);
	else if (what < 97)
		E2E_CHECK(zcl_submit(u->q) >= 0);
	else
		reap(u, 0);
}

static void *
run_user(void *arg)
{
	struct user *u = (struct user *)arg;
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = DEPTH};
	unsigned int left = 0;

	/* Every other one compresses for itself when the service is slow. */
	if (u->id % 2 == 1)
		opts.flags = ZCL_QUEUE_COMPRESS;
	E2E_CHECK(zcl_queue_create(u->disk, &opts, &u->q) == 0);
	for (unsigned int i = 0; i < OPS; i++)
		one_op(u);
	/* A page's own operation behind all others ends behind them. */
	for (unsigned int own = 0; own < OWN; own++)
		left += (unsigned int)(u->own[own].submitted - u->own[own].completed);
	while (left > 0) {
		reap(u, 1);
		left = 0;
		for (unsigned int own = 0; own < OWN; own++)
			left += (unsigned int)(u->own[own].submitted - u->own[own].completed);
	}
	for (unsigned int own = 0; own < OWN; own++)
		load_own(u, own);
	zcl_queue_destroy(u->q);
	return NULL;
}

static int
run_process(void *arg)
{
	struct user *users = (struct user *)arg;
	struct zcl *zc;

	E2E_CHECK(zcl_connect(users[0].socket, NULL, &zc) == 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		E2E_CHECK(zcl_disk_open(zc, "model", &users[i].disk) == 0);
		E2E_CHECK(pthread_create(&users[i].thread, NULL, run_user, &users[i]) == 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		E2E_CHECK(pthread_join(users[i].thread, NULL) == 0);
		zcl_disk_close(users[i].disk);
	}
	zcl_close(zc);
	return 0;
}

static void
run_model(struct e2e *e)
{
	struct user *users = (struct user *)calloc(USERS, sizeof(*users));
	struct zcl *zc = e2e_connect(e);
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = PAGES, .flags = ZCL_DISK_PRECOMP};
	struct zcl_disk *disk = NULL;
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	uint64_t page[E2E_PAGE / 8], stamp, stored = 0;
	pid_t pids[PROCESSES];

	assert_non_null(users);
	assert_int_equal(zcl_disk_create(zc, "model", &opts), 0);
	assert_int_equal(zcl_disk_open(zc, "model", &disk), 0);
	for (unsigned int i = 0; i < USERS; i++) {
		users[i].socket = e->socket;
		users[i].id = i;
		users[i].seed = i;
	}
	for (unsigned int i = 0; i < PROCESSES; i++)
		pids[i] = e2e_fork(run_process, &users[i * THREADS]);
	for (unsigned int i = 0; i < PROCESSES; i++)
		assert_int_equal(e2e_wait(pids[i]), 0);
	/* A third process agrees that all is whole, and the counters with it. */
	for (uint64_t i = 0; i < PAGES; i++) {
		assert_int_equal(zcl_load(disk, i, page), 0);
		assert_true(stamp_read(page, E2E_PAGE, i, &stamp));
		assert_true(i >= USERS * OWN || stamp == 0 || stamp_owner(stamp) == i / OWN);
		stored += stamp != 0;
	}
	assert_int_equal(zcl_disk_stat(disk, &st), 0);
	assert_int_equal(st.pages_stored, stored);
	assert_int_equal(st.failed_stores, 0);
	zcl_disk_close(disk);
	e2e_remove(zc, "model");
	zcl_close(zc);
	free(users);
}

static void
test_one_worker(void **state)
{
	struct e2e *e = (struct e2e *)*state;

	e2e_start(e, NULL);
	run_model(e);
	e2e_stop(e);
}

static void
test_software_only(void **state)
{
	static const char *const args[] = {"--device", "none", NULL};
	struct e2e *e = (struct e2e *)*state;

	e2e_start(e, args);
	run_model(e);
	e2e_stop(e);
}

/* All ways that an operation can go, on one page, without a wait: the last one counts. */
static void
test_last_one_counts(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	uint64_t page[E2E_PAGE / 8], got[E2E_PAGE / 8], seed = 9;
	unsigned int rounds = 3000 / TEST_SLOW;
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct zcl *zc;

	e2e_start(e, NULL);
	zc = e2e_connect(e);
	disk = e2e_disk(zc, "last", 8);
	q = e2e_queue(disk, DEPTH);
	for (unsigned int i = 0; i < rounds; i++) {
		unsigned int nr = 1 + (unsigned int)(test_random(&seed) % DEPTH);

		for (unsigned int j = 0; j < nr; j++) {
			unsigned int what = (unsigned int)(test_random(&seed) % (STAMP_KINDS + 2));

			memset(page, 0, sizeof(page));
			if (what < STAMP_KINDS) {
				stamp_fill(page, E2E_PAGE, 3, stamp_make(1, i * DEPTH + j, what));
				assert_int_equal(zcl_store(q, 3, page, j), 0);
			} else if (what == STAMP_KINDS) {
				assert_int_equal(zcl_discard(q, 3, 1, j), 0);
			} else {
				assert_int_equal(zcl_discard(q, 0, 8, j), 0);
			}
		}
		e2e_reap_ok(q, nr);
		assert_int_equal(zcl_load(disk, 3, got), 0);
		assert_memory_equal(got, page, sizeof(page));
	}
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(zc);
	e2e_stop(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_one_worker),
	        cmocka_unit_test(test_software_only),
	        cmocka_unit_test(test_last_one_counts),
	};

	return cmocka_run_group_tests(tests, e2e_setup, e2e_teardown);
}
