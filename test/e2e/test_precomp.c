/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Clients that compress for themselves while the service is saturated, beside one that never does.
 * The service is stopped until all have filled their queues, so that there is no doubt that it is;
 * then all go on as fast as they can, and look at every byte.
 */

#include "e2e.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "stamp.h"

#define CLIENTS 3u /* the last one's queue is a plain one */
#define OWN     64u
#define PAGES   (CLIENTS * OWN + 1) /* the last one is everybody's */
#define DEPTH   256u
#define BYTES   ((8u << 20) / TEST_SLOW) /* that each client stores beyond its first queue full */

struct client {
	const char *socket;
	unsigned int id;
	uint32_t page_size;
	uint64_t seed;
	int tell, hear; /* pipes to and from the test */
	uint64_t stamps[OWN];
	unsigned int nr_reaped, nr_client, nr_service; /* completions: all, and of either way */
};

static const char *algorithm; /* of the disks; NULL = the default */

static int
create_disk(struct zcl *zc, uint32_t page_size, uint32_t flags)
{
	struct zcl_disk_opts opts = {.sz = sizeof(opts),
	                             .pages = PAGES,
	                             .algorithm = algorithm,
	                             .page_size = page_size,
	                             .flags = flags};

	return zcl_disk_create(zc, "shared", &opts);
}

static int
create_queue(struct zcl_disk *disk, uint32_t flags, struct zcl_queue **q)
{
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = DEPTH, .flags = flags};

	return zcl_queue_create(disk, &opts, q);
}

static void
count(struct client *c, const struct zcl_cqe *cqe)
{
	E2E_CHECK(cqe->res == 0);
	c->nr_reaped++;
	if ((cqe->flags & ZCL_CQE_CLIENT) != 0) {
		E2E_CHECK(cqe->flags == ZCL_CQE_CLIENT);
		c->nr_client++;
	} else if ((cqe->flags & ZCL_CQE_SAME) == 0) {
		c->nr_service++;
	}
}

static void
reap(struct client *c, struct zcl_queue *q)
{
	struct zcl_cqe cqes[DEPTH];
	int nr;

	E2E_CHECK(zcl_wait(q, 1, E2E_WAIT_MS) >= 1);
	nr = zcl_reap(q, cqes, DEPTH);
	E2E_CHECK(nr >= 1);
	for (int i = 0; i < nr; i++)
		count(c, &cqes[i]);
}

/* Stores a page of the client's own, or everybody's, filled in place now and then.
 * @return 0, or -EAGAIN: nothing was stored */
static int
store_one(struct client *c, struct zcl_queue *q, uint64_t version)
{
	uint64_t r = test_random(&c->seed), own = (r >> 8) % OWN, page[STAMP_MAX / 8];
	uint64_t at = r % 8 == 0 ? PAGES - 1 : c->id * OWN + own;
	uint64_t stamp = stamp_make(c->id, version, (unsigned int)((r >> 16) % STAMP_KINDS));
	void *buf = r % 4 == 1 ? zcl_buf_get(q) : NULL;
	int ret;

	stamp_fill(page, c->page_size, at, stamp);
	if (buf != NULL) {
		memcpy(buf, page, c->page_size);
		ret = zcl_store_buf(q, at, buf, 0);
	} else {
		ret = zcl_store(q, at, page, 0);
	}
	E2E_CHECK(ret == 0 || ret == -EAGAIN);
	if (ret != 0 && buf != NULL)
		zcl_buf_put(q, buf);
	if (ret == 0 && at != PAGES - 1)
		c->stamps[own] = stamp;
	return ret;
}

static void
check_own(struct client *c, struct zcl_disk *disk)
{
	uint64_t page[STAMP_MAX / 8], stamp;

	for (uint64_t own = 0; own < OWN; own++) {
		E2E_CHECK(zcl_load(disk, c->id * OWN + own, page) == 0);
		E2E_CHECK(stamp_read(page, c->page_size, c->id * OWN + own, &stamp));
		E2E_CHECK(stamp == c->stamps[own]);
	}
}

static void
check_shared(struct client *c, struct zcl_disk *disk)
{
	uint64_t page[STAMP_MAX / 8], stamp;

	E2E_CHECK(zcl_load(disk, PAGES - 1, page) == 0);
	E2E_CHECK(stamp_read(page, c->page_size, PAGES - 1, &stamp));
}

static int
run_client(void *arg)
{
	struct client *c = (struct client *)arg;
	struct zcl_open_opts open = {.sz = sizeof(open), .page_size = c->page_size};
	uint32_t flags = c->id < CLIENTS - 1 ? ZCL_QUEUE_COMPRESS : 0;
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct zcl *zc;
	uint64_t version = 0, stores = DEPTH + BYTES / (c->page_size < 4096 ? 4096 : c->page_size);
	char byte;

	E2E_CHECK(zcl_connect(c->socket, NULL, &zc) == 0);
	E2E_CHECK(zcl_disk_open_opts(zc, "shared", &open, &disk) == 0);
	E2E_CHECK(create_queue(disk, flags, &q) == 0);
	E2E_CHECK(write(c->tell, "", 1) == 1);
	E2E_CHECK(read(c->hear, &byte, 1) == 1);
	while (store_one(c, q, version + 1) == 0)
		version++;
	E2E_CHECK(version == DEPTH);
	E2E_CHECK(write(c->tell, "", 1) == 1);
	while (version < stores) {
		if (store_one(c, q, version + 1) == 0)
			version++;
		else
			reap(c, q);
		if (version % 64 == 0)
			check_shared(c, disk);
	}
	while (c->nr_reaped < stores)
		reap(c, q);
	check_own(c, disk);
	E2E_CHECK((c->nr_client > 0) == (flags != 0));
	E2E_CHECK(c->nr_service > 0);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(zc);
	return 0;
}

static void
hear_all(int fd)
{
	char byte;

	for (unsigned int i = 0; i < CLIENTS; i++)
		assert_int_equal(read(fd, &byte, 1), 1);
}

static void
run(struct e2e *e, uint32_t page_size)
{
	struct client *clients = (struct client *)calloc(CLIENTS, sizeof(*clients));
	struct zcl *zc = e2e_connect(e);
	int from[2], to[2], status;
	pid_t pids[CLIENTS];

	assert_non_null(clients);
	assert_int_equal(create_disk(zc, page_size, ZCL_DISK_PRECOMP), 0);
	assert_int_equal(pipe(from), 0);
	assert_int_equal(pipe(to), 0);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		clients[i] =
		        (struct client){e->socket, i, page_size, i, from[1], to[0], {0}, 0, 0, 0};
		pids[i] = e2e_fork(run_client, &clients[i]);
	}
	close(from[1]);
	hear_all(from[0]);
	assert_int_equal(kill(e->pid, SIGSTOP), 0);
	assert_int_equal(waitpid(e->pid, &status, WUNTRACED), e->pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(write(to[1], "abc", CLIENTS), CLIENTS);
	hear_all(from[0]);
	assert_int_equal(kill(e->pid, SIGCONT), 0);
	for (unsigned int i = 0; i < CLIENTS; i++)
		assert_int_equal(e2e_wait(pids[i]), 0);
	close(from[0]);
	close(to[0]);
	close(to[1]);
	e2e_remove(zc, "shared");
	zcl_close(zc);
	free(clients);
}

/* A stop is no hang of a device, and a thread that gets no CPU is none either. */
#define NO_HANG "--hang-ms", "60000"

static void
run_with(struct e2e *e, const char *const *args)
{
	static const uint32_t sizes[] = {1024, 4096, 65536};

	e2e_start(e, args);
	for (unsigned int i = 0; i < TEST_NR(sizes); i++)
		run(e, sizes[i]);
	e2e_stop(e);
}

static void
test_both_ways(void **state)
{
	run_with((struct e2e *)*state, (const char *const[]){NO_HANG, NULL});
}

static void
test_without_device(void **state)
{
	run_with((struct e2e *)*state, (const char *const[]){"--device", "none", NULL});
}

static void
test_other_algorithm(void **state)
{
	algorithm = "deflate:level=2,lz4";
	run_with((struct e2e *)*state, (const char *const[]){NO_HANG, NULL});
	algorithm = NULL;
}

/* Pages wait for a slow device, and objects pass them by. */
static void
test_slow_device(void **state)
{
	run_with((struct e2e *)*state,
	         (const char *const[]){"--device", "compress_lz4,mode=thread", "--policy",
	                               "spill=1024", NO_HANG, NULL});
}

static void
test_refused(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	uint64_t page[E2E_PAGE / 8];
	struct zcl_queue *q;
	struct zcl_disk *disk;
	struct zcl *zc;

	e2e_start(e, NULL);
	zc = e2e_connect(e);
	assert_int_equal(create_disk(zc, 0, ZCL_DISK_PRECOMP << 1), -EINVAL);
	assert_int_equal(create_disk(zc, 0, 0), 0);
	assert_int_equal(zcl_disk_open(zc, "shared", &disk), 0);
	assert_int_equal(create_queue(disk, ZCL_QUEUE_COMPRESS, &q), -EOPNOTSUPP);
	assert_int_equal(create_queue(disk, 0, &q), 0);
	stamp_fill(page, E2E_PAGE, 1, stamp_make(1, 1, 3));
	assert_int_equal(zcl_store_sync(q, 1, page), 0);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	e2e_remove(zc, "shared");
	zcl_close(zc);
	e2e_stop(e);
}

/* What a disk was made for stays so when another service takes it over. */
static void
test_after_a_restart(void **state)
{
	static const char stat[] = "{\"cmd\":\"stat\",\"disk\":\"shared\"}";
	struct e2e *e = (struct e2e *)*state;
	struct zcl *zc;

	e2e_start(e, NULL);
	zc = e2e_connect(e);
	assert_int_equal(create_disk(zc, E2E_PAGE, ZCL_DISK_PRECOMP), 0);
	zcl_close(zc);
	e2e_stop(e);
	e2e_start(e, (const char *const[]){"--disk", "other=1M,precompressed=1", NULL});
	zc = e2e_connect(e);
	assert_int_equal(e2e_ask(zc, stat, "precompressed"), 1);
	assert_int_equal(e2e_ask(zc, "{\"cmd\":\"stat\",\"disk\":\"other\"}", "precompressed"), 1);
	e2e_remove(zc, "shared");
	zcl_close(zc);
	run(e, E2E_PAGE);
	e2e_stop(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_both_ways),       cmocka_unit_test(test_without_device),
	        cmocka_unit_test(test_other_algorithm), cmocka_unit_test(test_slow_device),
	        cmocka_unit_test(test_refused),         cmocka_unit_test(test_after_a_restart),
	};

	return cmocka_run_group_tests(tests, e2e_setup, e2e_teardown);
}
