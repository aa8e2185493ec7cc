/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Disks, a worker and the client's ends of queues. The test's thread, but for client_*().
 *
 * The stores and the service's code are the real ones; what is missing is the main lcore: the test
 * is it. Idle queues are not armed, because a worker that is polled does not hear their doorbells;
 * a test that wants them to be sets spin_cycles.
 */

#include "service_env.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "base/clock.h"
#include "base/same.h"
#include "ipc/doorbell.h"

static void
open_compressor(struct test_env *env, const struct test_env_opts *opts)
{
	struct zd_compressor *e = &env->compressors.entries[0];
	struct zcomp_params params = {
	        .codec = opts->backend == NULL ? &zcodec_lz4 : &zcodec_null,
	        .level = 1,
	        .page_size = env->page_size,
	        .nr_lcores = env->nr_workers,
	        .depth = opts->stream_depth,
	        .hang_ns = opts->hang_ns,
	};

	if (opts->backend != NULL)
		params.level = 0;
	assert_int_equal(zcomp_create(opts->backend == NULL ? &zcomp_backend_lz4 : opts->backend,
	                              &params, &e->comp),
	                 0);
	e->codec = params.codec;
	e->level = params.level;
	e->page_size = params.page_size;
	env->compressors.nr = 1;
	env->compressors.nr_lcores = params.nr_lcores;
}

static void
open_disk(struct test_env *env, unsigned int idx, const struct test_env_opts *env_opts)
{
	const struct zd_compressor *e = &env->compressors.entries[0];
	char name[] = {(char)('a' + idx), '\0'};
	struct zstore_opts opts = {
	        .name = name,
	        .pages = env_opts->pages == 0 ? ENV_PAGES : env_opts->pages,
	        .page_size = env->page_size,
	        .mem_limit = idx == 0 ? env_opts->mem_limit : 0,
	        .algorithm = e->codec->name,
	        .codecs = {{.id = (uint8_t)e->codec->id, .level = e->level},
	                   {.id = ZCODEC_LZ4, .level = 1},
	                   {.id = ZCODEC_DEFLATE, .level = 1}},
	        .mode = 0600,
	        .flags = env_opts->flags,
	};
	struct zd_disk *disk = &env->disks[idx];
	int fds[2];

	disk->policy = zcomp_policy_pack(&env_opts->policy);
	assert_int_equal(zstore_create(env->dirfd, &opts, &disk->store), 0);
	assert_int_equal(zstore_open_readonly(disk->store, fds), 0);
	assert_int_equal(zreader_init(&env->readers[idx], fds[0], fds[1]), 0);
	close(fds[0]);
}

static void
open_workers(struct test_env *env)
{
	for (unsigned int i = 0; i < env->nr_workers; i++) {
		struct zd_worker_opts opts = {
		        .idx = i,
		        .compressors = &env->compressors,
		        .gone = &env->gone,
		};

		assert_int_equal(zd_worker_create(&opts, &env->workers[i]), 0);
		env->workers[i]->spin_cycles = UINT64_MAX;
	}
	env->worker = env->workers[0];
}

void
env_open(struct test_env *env, const struct test_env_opts *opts)
{
	memset(env, 0, sizeof(*env));
	env->nr_workers = opts->nr_workers == 0 ? 1 : opts->nr_workers;
	env->page_size = opts->page_size == 0 ? ENV_PAGE_SIZE : opts->page_size;
	strcpy(env->dir, "/dev/shm/zcompd-test-XXXXXX");
	assert_non_null(mkdtemp(env->dir));
	env->dirfd = open(env->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(env->dirfd >= 0);
	open_compressor(env, opts);
	for (unsigned int i = 0; i < ENV_DISKS; i++)
		open_disk(env, i, opts);
	assert_int_equal(zd_mailbox_init(&env->gone), 0);
	open_workers(env);
}

void
env_close(struct test_env *env)
{
	assert_null(env_take_gone(env));
	for (unsigned int i = 0; i < env->nr_workers; i++)
		zd_worker_destroy(env->workers[i]);
	zd_mailbox_fini(&env->gone);
	for (unsigned int i = 0; i < ENV_DISKS; i++) {
		zreader_fini(&env->readers[i]);
		assert_int_equal(env->disks[i].refs, 0);
		zstore_remove(env->disks[i].store);
		zstore_close(env->disks[i].store);
	}
	zcomp_destroy(env->compressors.entries[0].comp);
	close(env->dirfd);
	/* Nothing but the arenas was in it. */
	assert_int_equal(rmdir(env->dir), 0);
}

void
env_client_open(struct test_env *env, unsigned int disk, uint32_t depth, struct test_client *c)
{
	struct zwire_queue_layout l = zwire_queue_layout(depth, env->page_size);
	int fds[3];
	void *mem;
	char *at;

	memset(c, 0, sizeof(*c));
	assert_int_equal(zd_queue_create(&env->disks[disk], depth, &c->queue, fds), 0);
	mem = mmap(NULL, l.len, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	close(fds[0]);
	at = (char *)mem;
	c->head = (struct zwire_queue_head *)mem;
	c->bufs = (uint8_t *)at + l.bufs_off;
	zring_init(&c->sq, &c->head->sq_tail, &c->head->sq_head, at + l.sqes_off, depth);
	zring_init(&c->cq, &c->head->cq_head, &c->head->cq_tail, at + l.cqes_off, depth);
	c->mem_len = l.len;
	c->depth = depth;
	for (uint32_t i = 0; i < depth; i++)
		c->free[c->nr_free++] = i;
	c->page_size = env->page_size;
	c->sock = fds[1];
	c->bell = fcntl(fds[2], F_DUPFD_CLOEXEC, 0);
	assert_true(c->bell >= 0);
}

void
env_client_join(struct test_env *env, struct test_client *c)
{
	struct zd_queue *q = c->queue;

	q->worker = env->worker;
	q->state = ZD_QUEUE_POLLED;
	q->last_work = rte_rdtsc();
	LIST_INSERT_HEAD(&env->worker->queues, q, own);
	TAILQ_INSERT_TAIL(&env->worker->polled, q, link);
}

void
env_client_close(struct test_client *c)
{
	close(c->sock);
	close(c->bell);
	munmap(c->head, c->mem_len);
}

void
env_client_end(struct test_env *env, struct test_client *c)
{
	struct zd_queue *gone = NULL;

	if (c->queue->state == ZD_QUEUE_ARMED)
		TAILQ_INSERT_TAIL(&env->worker->polled, c->queue, link);
	c->queue->state = ZD_QUEUE_DRAINING;
	for (unsigned int i = 0; i < 100000 && gone == NULL; i++) {
		env_poll(env);
		gone = env_take_gone(env);
	}
	assert_ptr_equal(gone, c->queue);
	zd_queue_destroy(gone);
	env_client_close(c);
}

static void
populate(struct test_env *env)
{
	for (unsigned int i = 0; i < ENV_DISKS; i++) {
		zc_store_relaxed(&env->disks[i].populate_asked, 0);
		if (zstore_wants_populate(env->disks[i].store))
			zstore_populate(env->disks[i].store, zc_now_ns());
	}
}

bool
env_poll(struct test_env *env)
{
	bool busy = zd_worker_poll(env->worker, rte_rdtsc());

	populate(env);
	return busy;
}

void
env_settle(struct test_env *env)
{
	unsigned int polls = 0;

	while (env_poll(env))
		assert_true(polls++ < 1000000);
}

struct zd_queue *
env_take_gone(struct test_env *env)
{
	struct zd_queue *q = zd_mailbox_take(&env->gone);

	if (q != NULL)
		assert_null(q->mail_next);
	return q;
}

static void *
run_worker(void *worker)
{
	zd_worker_main(worker);
	return NULL;
}

void
env_start(struct test_env *env, uint64_t spin_cycles)
{
	for (unsigned int i = 0; i < env->nr_workers; i++) {
		env->workers[i]->spin_cycles = spin_cycles;
		assert_int_equal(
		        pthread_create(&env->threads[i], NULL, run_worker, env->workers[i]), 0);
	}
}

void
env_stop(struct test_env *env)
{
	for (unsigned int i = 0; i < env->nr_workers; i++)
		zd_worker_stop(env->workers[i]);
	for (unsigned int i = 0; i < env->nr_workers; i++)
		assert_int_equal(pthread_join(env->threads[i], NULL), 0);
}

struct zd_queue *
env_main_lcore(struct test_env *env, int ms)
{
	struct pollfd p = {env->gone.fd, POLLIN, 0};
	struct zd_queue *gone;

	poll(&p, 1, ms);
	gone = zd_mailbox_take(&env->gone);
	populate(env);
	return gone;
}

void
env_bury(struct test_env *env, unsigned int nr)
{
	while (nr > 0) {
		struct zd_queue *gone = env_main_lcore(env, 60000), *next;

		for (; gone != NULL; gone = next) {
			next = gone->mail_next;
			assert_int_equal(zd_queue_in_flight(gone), 0);
			assert_true(nr-- > 0);
			zd_queue_destroy(gone);
		}
	}
}

int
env_load(struct test_env *env, unsigned int disk, uint64_t page, void *dst)
{
	const struct zarena_super *super = zstore_super(env->disks[disk].store);
	_Alignas(8) uint8_t buf[65536 + ZOBJ_GRANULE];
	struct zreader_page got;
	uint64_t word;
	int ret;

	ret = zreader_fetch(&env->readers[disk], page, buf, &got);
	if (ret != 0)
		return ret;
	switch (got.kind) {
	case ZSLOT_FILL:
		zc_fill(dst, env->page_size, (uint64_t)got.pattern << 32 | got.pattern);
		return 0;
	case ZSLOT_FILL8:
		memcpy(&word, buf, sizeof(word));
		zc_fill(dst, env->page_size, word);
		return 0;
	case ZSLOT_RAW:
		memcpy(dst, buf, env->page_size);
		return 0;
	case ZSLOT_OBJ:
		return zcodec_by_id(super->codecs[got.prio].id)
		        ->decompress(buf, got.len, dst, env->page_size);
	default:
		memset(dst, 0, env->page_size);
		return 0;
	}
}

void
env_expect(struct test_env *env, uint64_t page, enum page_kind kind, uint64_t seed)
{
	uint8_t want[65536], got[65536];

	page_fill(want, env->page_size, kind, seed);
	assert_int_equal(env_load(env, 0, page, got), 0);
	assert_memory_equal(got, want, env->page_size);
}

bool
client_push(struct test_client *c, const struct zwire_sqe *sqe)
{
	uint64_t words[ZWIRE_SQE_WORDS];
	int room = zring_reserve(&c->sq, c->staged + 1);

	if (room <= (int)c->staged)
		return false;
	memcpy(words, sqe, sizeof(words));
	zring_write(&c->sq, c->staged++, words, ZWIRE_SQE_WORDS);
	return true;
}

bool
client_op(struct test_client *c, struct zwire_sqe sqe, uint64_t tag)
{
	if (c->nr_free == 0)
		return false;
	sqe.buf = c->free[c->nr_free - 1];
	sqe.user_data = sqe.buf;
	if (!client_push(c, &sqe))
		return false;
	c->tags[sqe.buf] = tag;
	c->nr_free--;
	return true;
}

bool
client_store(struct test_client *c, uint64_t page, enum page_kind kind, uint64_t seed)
{
	struct zwire_sqe sqe = {.opcode = ZWIRE_OP_STORE, .page = page};

	if (c->nr_free == 0)
		return false;
	page_fill(c->bufs + (size_t)c->free[c->nr_free - 1] * c->page_size, c->page_size, kind,
	          seed);
	return client_op(c, sqe, seed);
}

bool
client_store_object(struct test_client *c, uint64_t page, enum page_kind kind, uint64_t seed)
{
	struct zwire_sqe sqe = {.opcode = ZWIRE_OP_STORE_PRECOMP, .page = page};
	uint8_t content[65536], object[2 * 65536];
	uint64_t ctx[4096]; /* lz4 wants half of it */
	int len;

	page_fill(content, c->page_size, kind, seed);
	if (zcodec_lz4.ctx_len() > sizeof(ctx))
		return false;
	len = zcodec_lz4.compress(ctx, 1, content, c->page_size, object, sizeof(object));
	if (len >= (int)zstore_huge_len(c->queue->disk->store))
		return client_store(c, page, kind, seed);
	if (c->nr_free == 0)
		return false;
	memcpy(c->bufs + (size_t)c->free[c->nr_free - 1] * c->page_size, object, (size_t)len);
	sqe.arg = zwire_precomp_arg((uint32_t)len, 1);
	return client_op(c, sqe, seed);
}

bool
client_discard(struct test_client *c, uint64_t page, uint64_t nr, uint64_t tag)
{
	struct zwire_sqe sqe = {.opcode = ZWIRE_OP_DISCARD, .page = page, .arg = nr};

	return client_op(c, sqe, tag);
}

void
client_ring(struct test_client *c, uint64_t count)
{
	/* Only a full one refuses, and only its client can have filled it. */
	if (write(c->bell, &count, sizeof(count)) < 0)
		return;
}

void
client_submit(struct test_client *c)
{
	uint32_t nr = c->staged;

	if (nr == 0)
		return;
	c->staged = 0;
	zring_commit(&c->sq, nr);
	if (zbell_due(&c->head->sq_sleeper, c->sq.own, &c->rung))
		client_ring(c, 1);
}

int
client_reap(struct test_client *c, struct zwire_cqe *cqes, unsigned int nr)
{
	int there = zring_peek(&c->cq, nr);

	if (there < 0)
		return there;
	if ((unsigned int)there < nr)
		nr = (unsigned int)there;
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t words[ZWIRE_CQE_WORDS];

		zring_read(&c->cq, i, words, ZWIRE_CQE_WORDS);
		memcpy(&cqes[i], words, sizeof(cqes[i]));
		if (cqes[i].user_data < c->depth) {
			uint32_t op = (uint32_t)cqes[i].user_data;

			c->free[c->nr_free++] = op;
			cqes[i].user_data = c->tags[op];
		}
	}
	zring_release(&c->cq, nr);
	return (int)nr;
}

bool
client_wait(struct test_client *c, int ms)
{
	struct pollfd p = {c->sock, POLLIN | POLLRDHUP, 0};

	return poll(&p, 1, ms) > 0;
}
