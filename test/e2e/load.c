/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The clients' processes check by E2E_CHECK(), the test's own by cmocka. */

#include "load.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <jansson.h>

#include "stamp.h"

static uint64_t
page_of(const struct load_client *c, unsigned int own)
{
	return c->id * LOAD_PAGES + own;
}

static void
count(struct load_client *c, const struct zcl_cqe *cqe)
{
	c->done++;
	c->huge += (cqe->flags & ZCL_CQE_HUGE) != 0;
	if ((cqe->flags & ZCL_CQE_MANAGED) != 0)
		c->managed++;
	else if ((cqe->flags & ZCL_CQE_INLINE) != 0)
		c->inlined++;
	else if ((cqe->flags & ZCL_CQE_SAME) == 0)
		c->software++;
}

/* What is refused has left the page as it was. */
static void
complete(struct load_client *c, const struct zcl_cqe *cqe)
{
	struct load_page *p = &c->pages[cqe->user_data % LOAD_PAGES];

	p->completed++;
	E2E_CHECK(cqe->user_data / LOAD_PAGES == p->completed);
	E2E_CHECK(cqe->res == 0 || (cqe->res == -EAGAIN && p->stamps[1] != 0));
	if (cqe->res == -EAGAIN) {
		c->refused++;
		p->stamps[1] = p->stamps[0];
	} else if (p->stamps[1] != 0) {
		count(c, cqe);
	}
	memmove(p->stamps, p->stamps + 1, sizeof(p->stamps) - sizeof(p->stamps[0]));
}

/* Takes completions, waiting for at least @p least. */
static void
reap(struct load_client *c, struct zcl_queue *q, unsigned int least)
{
	struct zcl_cqe cqes[LOAD_DEPTH];
	int nr;

	if (least > 0)
		E2E_CHECK(zcl_wait(q, least, E2E_WAIT_MS) >= (int)least);
	nr = zcl_reap(q, cqes, LOAD_DEPTH);
	E2E_CHECK(nr >= 0);
	for (int i = 0; i < nr; i++)
		complete(c, &cqes[i]);
}

/* @param stamp 0: a discard */
static void
submit(struct load_client *c, struct zcl_queue *q, unsigned int own, uint64_t stamp)
{
	struct load_page *p = &c->pages[own];
	uint64_t page[E2E_PAGE / 8], tag;
	int ret;

	stamp_fill(page, E2E_PAGE, page_of(c, own), stamp);
	while (p->submitted - p->completed == LOAD_UNDER_WAY)
		reap(c, q, 1);
	tag = (p->submitted + 1) * LOAD_PAGES + own;
	do {
		ret = stamp != 0 ? zcl_store(q, page_of(c, own), page, tag)
		                 : zcl_discard(q, page_of(c, own), 1, tag);
		if (ret == -EAGAIN)
			reap(c, q, 1);
	} while (ret == -EAGAIN);
	E2E_CHECK(ret == 0);
	p->submitted++;
	p->stamps[p->submitted - p->completed] = stamp;
}

static void
look(const struct load_client *c, struct zcl_disk *disk, unsigned int own)
{
	const struct load_page *p = &c->pages[own];
	uint64_t page[E2E_PAGE / 8], stamp;
	bool expected = false;

	E2E_CHECK(zcl_load(disk, page_of(c, own), page) == 0);
	E2E_CHECK(stamp_read(page, E2E_PAGE, page_of(c, own), &stamp));
	for (uint64_t i = 0; i <= p->submitted - p->completed; i++)
		expected |= p->stamps[i] == stamp;
	E2E_CHECK(expected);
}

static void
one_op(struct load_client *c, struct zcl_disk *disk, struct zcl_queue *q)
{
	uint64_t r = test_random(&c->seed), what = r % 100;
	/* Few pages are used much, so that operations meet on them. */
	unsigned int own = (unsigned int)((r >> 8) % ((r >> 40) % 4 != 0 ? LOAD_PAGES : 8));

	if (what < 75)
		submit(c, q, own,
		       stamp_make(c->id, c->pages[own].submitted + 1,
		                  (unsigned int)((r >> 24) % STAMP_KINDS)));
	else if (what < 80)
		submit(c, q, own, 0);
	else if (what < 97)
		look(c, disk, own);
	else
		E2E_CHECK(zcl_submit(q) >= 0);
}

static bool
is_under_way(const struct load_client *c)
{
	for (unsigned int own = 0; own < LOAD_PAGES; own++) {
		if (c->pages[own].submitted != c->pages[own].completed)
			return true;
	}
	return false;
}

static int
run_client(void *arg)
{
	struct load_client *c = (struct load_client *)arg;
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = LOAD_DEPTH};
	struct pollfd end = {c->told, POLLIN, 0};
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct zcl *zc;

	E2E_CHECK(zcl_connect(c->socket, NULL, &zc) == 0);
	E2E_CHECK(zcl_disk_open(zc, c->disk, &disk) == 0);
	E2E_CHECK(zcl_queue_create(disk, &opts, &q) == 0);
	for (uint64_t i = 0; i < c->ops || poll(&end, 1, 0) == 0; i++)
		one_op(c, disk, q);
	while (is_under_way(c))
		reap(c, q, 1);
	for (unsigned int own = 0; own < LOAD_PAGES; own++)
		look(c, disk, own);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(zc);
	return 0;
}

void
load_init(struct load *l, struct e2e *e, const char *const disks[LOAD_CLIENTS])
{
	memset(l, 0, sizeof(*l));
	l->clients = (struct load_client *)mmap(NULL, LOAD_CLIENTS * sizeof(*l->clients),
	                                        PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	                                        -1, 0);
	assert_true(l->clients != MAP_FAILED);
	for (unsigned int i = 0; i < LOAD_CLIENTS; i++) {
		struct load_client *c = &l->clients[i];

		snprintf(c->socket, sizeof(c->socket), "%s", e->socket);
		snprintf(c->disk, sizeof(c->disk), "%s", disks[i]);
		c->id = i;
		c->seed = i;
	}
}

void
load_start(struct load *l, uint64_t ops)
{
	int told[2];

	assert_int_equal(pipe(told), 0);
	for (unsigned int i = 0; i < LOAD_CLIENTS; i++) {
		l->clients[i].told = told[0];
		l->clients[i].ops = ops;
		l->pids[i] = e2e_fork(run_client, &l->clients[i]);
	}
	close(told[0]);
	l->told = told[1];
}

void
load_end(struct load *l)
{
	/* Seen by both: nobody reads it. */
	assert_int_equal(write(l->told, "", 1), 1);
	for (unsigned int i = 0; i < LOAD_CLIENTS; i++) {
		assert_int_equal(e2e_wait(l->pids[i]), 0);
		l->pids[i] = 0;
	}
	close(l->told);
}

void
load_assert_running(const struct load *l)
{
	siginfo_t info = {0};

	for (unsigned int i = 0; i < LOAD_CLIENTS && l->pids[i] != 0; i++) {
		assert_int_equal(
		        waitid(P_PID, (id_t)l->pids[i], &info, WEXITED | WNOHANG | WNOWAIT), 0);
		/* Unless it was told, it ends only where it has found something. */
		if (info.si_pid != 0 && info.si_status != 0)
			fail_msg("client %u has failed", i);
	}
}

void
load_check(struct load *l, struct zcl *zc)
{
	for (unsigned int i = 0; i < LOAD_CLIENTS; i++) {
		const struct load_client *c = &l->clients[i];
		uint64_t page[E2E_PAGE / 8], stamp;
		struct zcl_disk *disk;

		assert_int_equal(zcl_disk_open(zc, c->disk, &disk), 0);
		for (unsigned int own = 0; own < LOAD_PAGES; own++) {
			assert_int_equal(zcl_load(disk, page_of(c, own), page), 0);
			assert_true(stamp_read(page, E2E_PAGE, page_of(c, own), &stamp));
			assert_int_equal(stamp, c->pages[own].stamps[0]);
		}
		zcl_disk_close(disk);
	}
}

void
load_fini(struct load *l)
{
	munmap(l->clients, LOAD_CLIENTS * sizeof(*l->clients));
}

/* @param at of the list, or -1: all of it */
static uint64_t
number(struct zcl *zc, const char *list, long at, const char *key)
{
	static char reply[65536];
	const json_t *all, *one, *value;
	json_t *root;
	uint64_t sum = 0;

	assert_int_equal(zcl_admin(zc, "{\"cmd\":\"info\"}", reply, sizeof(reply)), 0);
	root = json_loads(reply, 0, NULL);
	all = json_object_get(root, list);
	assert_true(at < (long)json_array_size(all));
	for (size_t i = at < 0 ? 0 : (size_t)at; i < json_array_size(all); i++) {
		one = json_array_get(all, i);
		value = json_object_get(one, key);
		if (!json_is_integer(value))
			fail_msg("no number %s in %s of: %s", key, list, reply);
		sum += (uint64_t)json_integer_value(value);
		if (at >= 0)
			break;
	}
	json_decref(root);
	return sum;
}

uint64_t
load_number(struct zcl *zc, const char *list, const char *key)
{
	return number(zc, list, -1, key);
}

uint64_t
load_number_of(struct zcl *zc, const char *list, size_t at, const char *key)
{
	return number(zc, list, (long)at, key);
}
