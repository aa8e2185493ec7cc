/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Clients that are killed, at any instant, with a queue full of stores. Another client works on the
 * same disk all the time and looks at every byte. In the end the disk needs the memory that its
 * live pages need, and the service has nothing left of the dead.
 */

#include "e2e.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "stamp.h"

#define PAGES   512u /* the victims' half, then the worker's */
#define VICTIMS (PAGES / 2)
#define DEPTH   256u
#define KILLS   200u

struct client {
	const char *socket;
	uint64_t seed;
	unsigned int life; /* which victim it is */
	uint64_t rounds;   /* of the worker at least */
	int told; /* victim: where it tells of each round; worker: where it hears the end */
};

static struct zcl_queue *
open_client(const struct client *c, struct zcl **zc, struct zcl_disk **disk)
{
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = DEPTH};
	struct zcl_queue *q;

	E2E_CHECK(zcl_connect(c->socket, NULL, zc) == 0);
	E2E_CHECK(zcl_disk_open(*zc, "kill", disk) == 0);
	E2E_CHECK(zcl_queue_create(*disk, &opts, &q) == 0);
	return q;
}

/* Stores, with a discard now and then, as deep as the queue is, until it is killed. */
static int
run_victim(void *arg)
{
	struct client *c = (struct client *)arg;
	uint64_t page[E2E_PAGE / 8];
	struct zcl_cqe cqes[DEPTH];
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct zcl *zc;

	E2E_CHECK(write(c->told, "", 1) == 1);
	q = open_client(c, &zc, &disk);
	for (uint64_t version = 0;; version++) {
		uint64_t r = test_random(&c->seed), at = r % VICTIMS;
		int ret;

		if ((r >> 16) % 64 == 0) {
			ret = zcl_discard(q, at, 1 + (r >> 24) % (VICTIMS - at), version);
		} else {
			stamp_fill(page, E2E_PAGE, at,
			           stamp_make(c->life, version, (r >> 32) % STAMP_KINDS));
			ret = zcl_store(q, at, page, version);
		}
		if (ret == -EAGAIN) {
			E2E_CHECK(zcl_wait(q, 1, E2E_WAIT_MS) > 0);
			E2E_CHECK(zcl_reap(q, cqes, DEPTH) > 0);
			E2E_CHECK(write(c->told, "", 1) == 1);
		} else {
			E2E_CHECK(ret == 0);
		}
	}
}

/* One round over all of the worker's pages: stores, waits, looks. */
static void
work_round(struct client *c, struct zcl_disk *disk, struct zcl_queue *q, uint64_t round)
{
	uint64_t page[E2E_PAGE / 8], stamps[DEPTH], stamp;
	struct zcl_cqe cqe;

	for (unsigned int i = 0; i < DEPTH; i++) {
		uint64_t at = VICTIMS + i;

		stamps[i] = stamp_make(200, round, test_random(&c->seed) % STAMP_KINDS);
		stamp_fill(page, E2E_PAGE, at, stamps[i]);
		E2E_CHECK(zcl_store(q, at, page, i) == 0);
	}
	E2E_CHECK(zcl_wait(q, DEPTH, E2E_WAIT_MS) == (int)DEPTH);
	for (unsigned int i = 0; i < DEPTH; i++) {
		E2E_CHECK(zcl_reap(q, &cqe, 1) == 1);
		E2E_CHECK(cqe.res == 0);
	}
	for (unsigned int i = 0; i < DEPTH; i++) {
		E2E_CHECK(zcl_load(disk, VICTIMS + i, page) == 0);
		E2E_CHECK(stamp_read(page, E2E_PAGE, VICTIMS + i, &stamp));
		E2E_CHECK(stamp == stamps[i]);
	}
	/* Whatever the victims leave there is whole, and theirs. */
	for (unsigned int i = 0; i < VICTIMS; i++) {
		E2E_CHECK(zcl_load(disk, i, page) == 0);
		E2E_CHECK(stamp_read(page, E2E_PAGE, i, &stamp));
		E2E_CHECK(stamp == 0 || stamp_owner(stamp) != 200);
	}
}

static int
run_worker(void *arg)
{
	struct client *c = (struct client *)arg;
	struct pollfd end = {c->told, POLLIN, 0};
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct zcl *zc;
	uint64_t round = 0;

	q = open_client(c, &zc, &disk);
	do {
		work_round(c, disk, q, ++round);
	} while (round < c->rounds || poll(&end, 1, 0) == 0);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(zc);
	return 0;
}

/* One life: it is killed after so many rounds as it has told of, wherever it is then. */
static void
kill_one(struct e2e *e, unsigned int life, uint64_t *seed)
{
	struct client c = {.socket = e->socket, .seed = test_random(seed), .life = life % 200};
	uint64_t rounds = 1 + test_random(seed) % 12;
	int told[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(told), 0);
	c.told = told[1];
	pid = e2e_fork(run_victim, &c);
	close(told[1]);
	while (rounds-- > 0)
		assert_int_equal(read(told[0], &byte, 1), 1);
	/* Anywhere between two rounds. */
	for (uint64_t spin = test_random(seed) % 20000; spin > 0; spin--)
		__asm__ volatile("" ::: "memory");
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(e2e_wait(pid), 256 + SIGKILL);
	close(told[0]);
}

/* The same live pages in a fresh disk: what is stored there is what is stored here. */
static void
compare_with_fresh_disk(struct zcl *zc, struct zcl_disk *disk)
{
	struct zcl_disk_stat st = {.sz = sizeof(st)}, fresh_st = {.sz = sizeof(fresh_st)};
	struct zcl_disk *fresh = e2e_disk(zc, "fresh", PAGES);
	struct zcl_queue *q = e2e_queue(fresh, DEPTH);
	uint64_t page[E2E_PAGE / 8], stamp;

	for (uint64_t i = 0; i < PAGES; i++) {
		assert_int_equal(zcl_load(disk, i, page), 0);
		assert_true(stamp_read(page, E2E_PAGE, i, &stamp));
		if (stamp != 0)
			assert_int_equal(zcl_store_sync(q, i, page), 0);
	}
	assert_int_equal(zcl_disk_stat(disk, &st), 0);
	assert_int_equal(zcl_disk_stat(fresh, &fresh_st), 0);
	assert_int_equal(st.pages_stored, fresh_st.pages_stored);
	assert_int_equal(st.same_pages, fresh_st.same_pages);
	assert_int_equal(st.huge_pages, fresh_st.huge_pages);
	assert_int_equal(st.compr_data_size, fresh_st.compr_data_size);
	assert_int_equal(st.failed_stores, 0);
	/* Places are freed one by one, so some spans are partly used; but there is no leak, which
	 * would have grown with each of the dead. */
	assert_true(st.mem_used <= 2 * fresh_st.mem_used);
	zcl_queue_destroy(q);
	zcl_disk_close(fresh);
	e2e_remove(zc, "fresh");
}

/* Waits until the service has as many descriptors open as before, and nobody has the disk. */
static void
wait_for_quiet(struct e2e *e, struct zcl *zc, unsigned int fds, unsigned int open)
{
	static const char request[] = "{\"cmd\":\"stat\",\"disk\":\"kill\"}";

	for (unsigned int i = 0; i < E2E_WAIT_MS; i++) {
		if (e2e_service_fds(e) == fds && e2e_ask(zc, request, "open") == open)
			return;
		poll(NULL, 0, 1);
	}
	assert_int_equal(e2e_service_fds(e), fds);
	assert_int_equal(e2e_ask(zc, request, "open"), open);
}

static void
test_killed_clients(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl *zc = e2e_connect(e);
	struct zcl_disk *disk = e2e_disk(zc, "kill", PAGES);
	struct client worker = {.socket = e->socket, .seed = 1};
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	uint64_t seed = 2;
	struct zcl_queue *q;
	unsigned int fds;
	int end[2];
	pid_t pid;

	/* Behind this answer the service has closed what it passed before. */
	e2e_ask(zc, "{\"cmd\":\"info\"}", "pid");
	fds = e2e_service_fds(e);
	assert_int_equal(pipe(end), 0);
	worker.told = end[0];
	pid = e2e_fork(run_worker, &worker);
	for (unsigned int life = 0; life < KILLS; life++)
		kill_one(e, life, &seed);
	assert_int_equal(write(end[1], "", 1), 1);
	assert_int_equal(e2e_wait(pid), 0);
	close(end[0]);
	close(end[1]);
	wait_for_quiet(e, zc, fds, 1);
	compare_with_fresh_disk(zc, disk);
	/* And with all of it discarded, nothing. */
	q = e2e_queue(disk, 8);
	assert_int_equal(zcl_discard_sync(q, 0, PAGES), 0);
	assert_int_equal(zcl_disk_stat(disk, &st), 0);
	assert_int_equal(st.pages_stored, 0);
	assert_int_equal(st.same_pages, 0);
	assert_int_equal(st.huge_pages, 0);
	assert_int_equal(st.compr_data_size, 0);
	assert_int_equal(st.mem_used, 0);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(zc);
}

/* A client that is stopped, with its completions unread, holds up nobody. */
static void
test_stopped_client(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct client c = {.socket = e->socket, .seed = 3, .life = 1};
	struct client worker = {.socket = e->socket, .seed = 4, .rounds = 10};
	int told[2], end[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(told), 0);
	assert_int_equal(pipe(end), 0);
	c.told = told[1];
	worker.told = end[0];
	pid = e2e_fork(run_victim, &c);
	close(told[1]);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(read(told[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(write(end[1], "", 1), 1);
	assert_int_equal(e2e_wait(e2e_fork(run_worker, &worker)), 0);
	/* It goes on where it was. */
	assert_int_equal(kill(pid, SIGCONT), 0);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(read(told[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(e2e_wait(pid), 256 + SIGKILL);
	close(told[0]);
	close(end[0]);
	close(end[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_killed_clients),
	        cmocka_unit_test(test_stopped_client),
	};

	return cmocka_run_group_tests(tests, e2e_setup_started, e2e_teardown);
}
