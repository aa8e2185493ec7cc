/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The scripted service. Its thread answers control requests; queues are moved by who calls. */

#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "test_util.h"

#include "base/atomic.h"
#include "ipc/doorbell.h"
#include "ipc/object.h"
#include "ipc/shm.h"

/* Makes a file and maps it. @return a read-only descriptor of it, as clients get them */
static int
open_file(const struct fake *f, const char *name, uint64_t len, void **map)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	assert_int_equal(zshm_map(fd, len, map), 0);
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void
arena_create(struct fake *f, uint32_t page_size, uint64_t pages)
{
	static uint64_t nonce = 1;
	struct fake_arena *a = &f->arena;
	void *map;

	a->slots_fd = open_file(f, FAKE_DISK ".slots", zarena_slots_len(pages), &map);
	a->super = map;
	a->slots = (struct zslot *)((char *)map + ZARENA_SLOTS_OFF);
	/* Two places for each page, and some to write by hand. */
	a->objs_len = (2 * pages + 64) * (page_size + ZOBJ_GRANULE);
	a->objs_fd = open_file(f, FAKE_DISK ".objs", a->objs_len, &map);
	a->objs = map;
	a->place = 2 * pages * (page_size + ZOBJ_GRANULE);
	*a->super = (struct zarena_super){
	        .magic = ZARENA_MAGIC,
	        .version = ZARENA_VERSION,
	        .state = ZARENA_LIVE,
	        .pages = pages,
	        .nonce = {nonce++, 7},
	        .page_size = page_size,
	        .objs_max = a->objs_len,
	        .name = FAKE_DISK,
	        .algorithm = "null,lz4",
	        .codecs = {{.id = 1}, {.id = 2}, {.id = 77}},
	};
}

static void
arena_destroy(struct fake *f)
{
	struct fake_arena *a = &f->arena;

	munmap(a->super, zarena_slots_len(a->super->pages));
	munmap(a->objs, a->objs_len);
	close(a->slots_fd);
	close(a->objs_fd);
}

void
fake_new_arena(struct fake *f)
{
	uint32_t page_size = f->arena.super->page_size;
	uint64_t pages = f->arena.super->pages;

	arena_destroy(f);
	arena_create(f, page_size, pages);
}

void
fake_commit(struct fake *f, uint64_t page, uint64_t w0)
{
	struct zslot *slot = &f->arena.slots[page];

	/* As the store does it; both pair with the reader's loads. */
	zc_store_relaxed(&slot->w1, zc_load_relaxed(&slot->w1) + (1u << ZSLOT_GEN_SHIFT));
	zc_store_release(&slot->w0, w0);
}

static void
put_at(struct fake *f, uint64_t page, const struct zobj_id *what, uint64_t place, const void *data)
{
	const struct fake_arena *a = &f->arena;
	struct zobj_id id = *what;

	id.nonce[0] = a->super->nonce[0];
	id.nonce[1] = a->super->nonce[1];
	id.page = page;
	/* Pairs with the acquire fence of zreader_fetch(). */
	zc_fence_release();
	zobj_write(a->objs + place / sizeof(uint64_t), data, &id);
	fake_commit(f, page, zslot_object((enum zslot_kind)id.kind, id.prio, id.len, place));
}

void
fake_put(struct fake *f, uint64_t page, enum zslot_kind kind, const void *data, uint32_t len)
{
	/* The priority of the codec by kind and length: 1 is lz4. */
	struct zobj_id id = {.len = len, .kind = (uint8_t)kind, .prio = kind == ZSLOT_OBJ};
	uint64_t place = f->arena.place;

	f->arena.place += zobj_place_len(len);
	assert_true(f->arena.place <= f->arena.objs_len);
	put_at(f, page, &id, place, data);
}

/* Control connection */

void
fake_answer(struct fake *f, enum zwire_type type, struct fake_answer answer)
{
	pthread_mutex_lock(&f->lock);
	f->answers[type] = answer;
	pthread_mutex_unlock(&f->lock);
}

unsigned int
fake_nr_requests(struct fake *f, enum zwire_type type)
{
	unsigned int nr;

	pthread_mutex_lock(&f->lock);
	nr = f->nr_requests[type];
	pthread_mutex_unlock(&f->lock);
	return nr;
}

/* A reply under way: bytes and descriptors. */
struct reply {
	union {
		struct zwire_hdr hdr;
		struct zwire_hello_reply hello;
		struct zwire_disk_open_reply disk_open;
		char bytes[ZWIRE_MSG_MAX + 64];
	} msg;
	size_t len;
	int fds[ZSHM_FDS_MAX];
	unsigned int nr_fds;
	unsigned int nr_lent; /* the first ones are the arena's own */
};

/* Forgets the last descriptor. */
static void
drop_fd(struct reply *r)
{
	if (--r->nr_fds >= r->nr_lent)
		close(r->fds[r->nr_fds]);
}

static void
do_disk_open(struct fake *f, const struct zwire_disk_open *req, struct reply *r)
{
	if (strcmp(req->name, FAKE_DISK) != 0) {
		r->msg.hdr.error = -ENOENT;
		return;
	}
	if (req->page_size != f->arena.super->page_size) {
		r->msg.hdr.error = -EINVAL;
		return;
	}
	r->len = sizeof(r->msg.disk_open);
	r->msg.disk_open.disk_id = 42;
	r->fds[r->nr_fds++] = f->arena.slots_fd;
	r->fds[r->nr_fds++] = f->arena.objs_fd;
	r->nr_lent = r->nr_fds;
}

static void
do_queue_create(struct fake *f, const struct zwire_queue_create *req, struct reply *r)
{
	struct zwire_queue_layout l = zwire_queue_layout(req->depth, f->arena.super->page_size);
	struct fake_queue *q = &f->queues[f->nr_queues++];
	int pair[2], fd;
	void *map;

	assert_true(f->nr_queues <= FAKE_QUEUES);
	assert_int_equal(req->disk_id, 42);
	fd = zshm_memfd("fake", l.len);
	assert_true(fd >= 0);
	assert_int_equal(zshm_map(fd, l.len, &map), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	*q = (struct fake_queue){.sock = pair[0], .head = map, .len = l.len, .depth = req->depth};
	q->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(q->bell >= 0);
	q->flags = req->flags;
	q->bufs = (char *)map + l.bufs_off;
	zring_init(&q->sq, &q->head->sq_head, &q->head->sq_tail, (char *)map + l.sqes_off,
	           q->depth);
	zring_init(&q->cq, &q->head->cq_tail, &q->head->cq_head, (char *)map + l.cqes_off,
	           q->depth);
	r->fds[r->nr_fds++] = fd;
	r->fds[r->nr_fds++] = pair[1];
	r->fds[r->nr_fds++] = fcntl(q->bell, F_DUPFD_CLOEXEC, 0);
}

static void
do_admin(struct fake *f, const char *msg, size_t len, struct reply *r)
{
	size_t text_len = len - sizeof(struct zwire_hdr);

	memcpy(f->admin, msg + sizeof(struct zwire_hdr), text_len);
	f->admin[text_len] = '\0';
	memcpy(r->msg.bytes + r->len, f->admin_reply, strlen(f->admin_reply));
	r->len += strlen(f->admin_reply);
}

static void
do_request(struct fake *f, const char *msg, size_t len, struct reply *r)
{
	const struct zwire_hdr *hdr = (const struct zwire_hdr *)(const void *)msg;

	r->msg.hdr.type = (uint16_t)(hdr->type | ZWIRE_REPLY);
	r->len = sizeof(*hdr);
	r->msg.hdr.error = f->answers[hdr->type].error;
	if (hdr->type == ZWIRE_ADMIN)
		do_admin(f, msg, len, r);
	else if (r->msg.hdr.error != 0)
		return;
	else if (hdr->type == ZWIRE_HELLO) {
		struct zwire_hdr keep = r->msg.hdr;

		r->msg.hello = f->hello;
		r->msg.hdr = keep;
		r->len = sizeof(r->msg.hello);
	} else if (hdr->type == ZWIRE_DISK_OPEN)
		do_disk_open(f, (const struct zwire_disk_open *)hdr, r);
	else if (hdr->type == ZWIRE_QUEUE_CREATE)
		do_queue_create(f, (const struct zwire_queue_create *)hdr, r);
}

static void
spoil(struct reply *r, struct fake_answer answer)
{
	r->msg.hdr.len = (uint32_t)r->len;
	if (answer.how == FAKE_SHORT)
		r->len = sizeof(r->msg.hdr) - 1;
	else if (answer.how == FAKE_CUT)
		r->msg.hdr.len = r->len = sizeof(r->msg.hdr);
	else if (answer.how == FAKE_LONG)
		r->msg.hdr.len = (r->len += 8);
	else if (answer.how == FAKE_WRONG_LEN)
		r->msg.hdr.len++;
	else if (answer.how == FAKE_WRONG_TYPE)
		r->msg.hdr.type ^= 2;
	else if (answer.how == FAKE_TOO_LARGE)
		r->len = ZWIRE_MSG_MAX + 1;
	for (; answer.more_fds < 0; answer.more_fds++)
		drop_fd(r);
	for (; answer.more_fds > 0; answer.more_fds--)
		r->fds[r->nr_fds++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
send_reply(int conn, struct reply *r)
{
	zshm_send(conn, &r->msg, r->len, r->fds, r->nr_fds);
	while (r->nr_fds > 0)
		drop_fd(r);
}

/* @return whether the connection goes on */
static bool
serve(struct fake *f, int conn)
{
	static char msg[ZWIRE_MSG_MAX];
	struct fake_answer answer;
	struct reply *r;
	ssize_t n;

	n = zshm_recv(conn, msg, sizeof(msg), NULL, NULL, MSG_DONTWAIT);
	if (n <= 0)
		return n == -EAGAIN;
	assert_int_equal(zwire_request_check(msg, (size_t)n), 0);
	answer = f->answers[((struct zwire_hdr *)(void *)msg)->type];
	f->nr_requests[((struct zwire_hdr *)(void *)msg)->type]++;
	if (answer.how == FAKE_HANGUP)
		return false;
	r = calloc(1, sizeof(*r));
	assert_non_null(r);
	do_request(f, msg, (size_t)n, r);
	spoil(r, answer);
	if (answer.how == FAKE_LATE) {
		assert_null(f->late);
		f->late = (char *)r;
		return true;
	}
	if (f->late != NULL) {
		send_reply(conn, (struct reply *)(void *)f->late);
		free(f->late);
		f->late = NULL;
	}
	send_reply(conn, r);
	free(r);
	return true;
}

static void
accept_one(struct fake *f)
{
	int conn = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	unsigned int i;

	assert_true(conn >= 0);
	for (i = 0; i < FAKE_CONNS && f->conns[i] >= 0; i++)
		;
	assert_true(i < FAKE_CONNS);
	f->conns[i] = conn;
}

static void *
run(void *arg)
{
	struct fake *f = arg;

	for (;;) {
		struct pollfd p[2 + FAKE_CONNS] = {{f->stop[0], POLLIN, 0},
		                                   {f->listener, POLLIN, 0}};

		for (unsigned int i = 0; i < FAKE_CONNS; i++)
			p[2 + i] = (struct pollfd){f->conns[i], POLLIN, 0};
		poll(p, 2 + FAKE_CONNS, -1);
		if (p[0].revents != 0)
			return NULL;
		pthread_mutex_lock(&f->lock);
		for (unsigned int i = 0; i < FAKE_CONNS; i++) {
			if (p[2 + i].revents != 0 && !serve(f, f->conns[i])) {
				close(f->conns[i]);
				f->conns[i] = -1;
			}
		}
		if (p[1].revents != 0)
			accept_one(f);
		pthread_mutex_unlock(&f->lock);
	}
}

void
fake_start(struct fake *f)
{
	struct sockaddr_un addr;

	f->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_true(f->listener >= 0);
	assert_int_equal(zshm_sockaddr(f->path, &addr), 0);
	unlink(f->path);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	/* Who calls listen(2) is who the client sees. For this thread alone: not setuid(3). */
	if (f->user != 0)
		assert_int_equal(syscall(SYS_setresuid, -1, f->user, -1), 0);
	assert_int_equal(listen(f->listener, 8), 0);
	if (f->user != 0)
		assert_int_equal(syscall(SYS_setresuid, -1, 0, -1), 0);
	for (unsigned int i = 0; i < FAKE_CONNS; i++)
		f->conns[i] = -1;
	assert_int_equal(pipe2(f->stop, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
}

void
fake_kill(struct fake *f)
{
	close(f->stop[1]);
	pthread_join(f->thread, NULL);
	close(f->stop[0]);
	close(f->listener);
	unlink(f->path);
	for (unsigned int i = 0; i < FAKE_CONNS; i++) {
		if (f->conns[i] >= 0)
			close(f->conns[i]);
	}
	for (unsigned int i = 0; i < f->nr_queues; i++) {
		fake_hang_up(&f->queues[i]);
		close(f->queues[i].bell);
		munmap(f->queues[i].head, f->queues[i].len);
	}
	f->nr_queues = 0;
	free(f->late);
	f->late = NULL;
}

void
fake_create(struct fake *f, uint32_t page_size, uint64_t pages)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->dir, "/dev/shm/zcl-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->dir);
	pthread_mutex_init(&f->lock, NULL);
	f->hello.magic = ZWIRE_MAGIC;
	f->hello.version = ZWIRE_VERSION_MAX;
	f->admin_reply = "{\"ok\":true}";
	arena_create(f, page_size, pages);
	fake_start(f);
}

void
fake_destroy(struct fake *f)
{
	char path[128];

	fake_kill(f);
	arena_destroy(f);
	snprintf(path, sizeof(path), "%s/%s", f->dir, FAKE_DISK ".slots");
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s", f->dir, FAKE_DISK ".objs");
	unlink(path);
	assert_int_equal(rmdir(f->dir), 0);
	pthread_mutex_destroy(&f->lock);
}

/* Queues */

struct fake_queue *
fake_queue(struct fake *f)
{
	struct fake_queue *q;

	pthread_mutex_lock(&f->lock);
	assert_true(f->nr_queues > 0);
	q = &f->queues[f->nr_queues - 1];
	pthread_mutex_unlock(&f->lock);
	return q;
}

bool
fake_take(struct fake_queue *q, struct zwire_sqe *sqe)
{
	uint64_t words[ZWIRE_SQE_WORDS];
	int nr = zring_peek(&q->sq, 1);

	assert_true(nr >= 0);
	if (nr == 0)
		return false;
	zring_read(&q->sq, 0, words, ZWIRE_SQE_WORDS);
	zring_release(&q->sq, 1);
	memcpy(sqe, words, sizeof(*sqe));
	return true;
}

void
fake_post(struct fake_queue *q, uint64_t user_data, int32_t res, uint32_t flags)
{
	struct zwire_cqe cqe = {user_data, res, flags};
	uint64_t words[ZWIRE_CQE_WORDS];

	assert_true(zring_reserve(&q->cq, 1) > 0);
	memcpy(words, &cqe, sizeof(words));
	zring_write(&q->cq, 0, words, ZWIRE_CQE_WORDS);
	zring_commit(&q->cq, 1);
	if (zbell_due(&q->head->cq_sleeper, q->cq.own, &q->cq_rung)) {
		q->nr_bells++;
		send(q->sock, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

unsigned int
fake_complete_all(struct fake_queue *q, int32_t res)
{
	struct zwire_sqe sqe;
	unsigned int nr;

	for (nr = 0; fake_take(q, &sqe); nr++)
		fake_post(q, sqe.user_data, res, 0);
	return nr;
}

void
fake_hang_up(struct fake_queue *q)
{
	if (q->sock >= 0)
		close(q->sock);
	q->sock = -1;
}

void
fake_await_sleeper(struct fake_queue *q)
{
	while ((zc_load_relaxed(&q->head->cq_sleeper) >> 32 & 1) == 0)
		sched_yield();
}

/* What a worker does with one SQE: commit, then complete. */
static void
execute(struct fake *f, struct fake_queue *q, const struct zwire_sqe *sqe)
{
	uint32_t page_size = f->arena.super->page_size;
	uint64_t odd = zslot_generation(zc_load_relaxed(&f->arena.slots[sqe->page].w1)) & 1;
	uint64_t place = (2 * sqe->page + odd) * (page_size + ZOBJ_GRANULE);
	struct zobj_id raw = {.len = page_size, .kind = ZSLOT_RAW};
	struct zobj_id fill = {.len = sizeof(sqe->arg), .kind = ZSLOT_FILL8};

	struct zobj_id object = {.len = zwire_precomp_len(sqe->arg),
	                         .kind = ZSLOT_OBJ,
	                         .prio = zwire_precomp_prio(sqe->arg)};
	uint32_t flags = ZWIRE_CQE_MANAGED;

	assert_int_equal(zwire_sqe_check(sqe, q->depth, f->arena.super->pages), 0);
	if (sqe->opcode == ZWIRE_OP_STORE) {
		put_at(f, sqe->page, &raw, place, q->bufs + (size_t)sqe->buf * page_size);
	} else if (sqe->opcode == ZWIRE_OP_STORE_PRECOMP) {
		assert_true(object.len < f->arena.super->huge_len);
		put_at(f, sqe->page, &object, place, q->bufs + (size_t)sqe->buf * page_size);
		flags = ZWIRE_CQE_CLIENT;
	} else if (sqe->opcode == ZWIRE_OP_STORE_SAME) {
		put_at(f, sqe->page, &fill, place, &sqe->arg);
	} else {
		for (uint64_t i = 0; i < sqe->arg; i++)
			fake_commit(f, sqe->page + i, 0);
	}
	fake_post(q, sqe->user_data, 0, flags);
}

static void *
run_worker(void *arg)
{
	struct fake_worker *w = arg;
	struct fake_queue *q = w->queue;
	struct pollfd p[3] = {
	        {w->stop[0], POLLIN, 0}, {q->bell, POLLIN, 0}, {q->sock, POLLRDHUP, 0}};
	struct zwire_sqe sqe;
	uint64_t count;

	for (;;) {
		while (fake_take(q, &sqe))
			execute(w->fake, q, &sqe);
		zbell_arm(&q->head->sq_sleeper, q->sq.own + 1);
		if (zring_peek(&q->sq, 1) == 0)
			poll(p, 3, -1);
		zbell_disarm(&q->head->sq_sleeper);
		if (p[0].revents != 0)
			return NULL;
		if (p[2].revents != 0)
			p[2].fd = -1;
		if (p[1].revents != 0 && read(q->bell, &count, sizeof(count)) < 0)
			return NULL;
	}
}

void
fake_worker_start(struct fake_worker *w, struct fake *f, struct fake_queue *q)
{
	w->fake = f;
	w->queue = q;
	assert_int_equal(pipe2(w->stop, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&w->thread, NULL, run_worker, w), 0);
}

void
fake_worker_stop(struct fake_worker *w)
{
	close(w->stop[1]);
	pthread_join(w->thread, NULL);
	close(w->stop[0]);
}

/* Fixtures */

int
fake_client_setup(void **state)
{
	static struct fake_client c;
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = 8};

	fake_create(&c.fake, ZWIRE_PAGE_SIZE, 64);
	assert_int_equal(zcl_connect(c.fake.path, NULL, &c.zc), 0);
	assert_int_equal(zcl_disk_open(c.zc, FAKE_DISK, &c.disk), 0);
	assert_int_equal(zcl_queue_create(c.disk, &opts, &c.q), 0);
	c.fq = fake_queue(&c.fake);
	*state = &c;
	return 0;
}

int
fake_client_teardown(void **state)
{
	struct fake_client *c = *state;

	zcl_queue_destroy(c->q);
	zcl_disk_close(c->disk);
	zcl_close(c->zc);
	fake_destroy(&c->fake);
	return 0;
}

const void *
fake_page(unsigned int seed)
{
	static _Alignas(64) _Thread_local uint64_t page[65536 / sizeof(uint64_t)];
	uint64_t random = seed;

	for (size_t i = 0; i < TEST_NR(page); i++)
		page[i] = test_random(&random);
	return page;
}
