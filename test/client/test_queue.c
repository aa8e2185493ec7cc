/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* A queue whose service lives: what is staged, what is published, what is reaped. */

#include <errno.h>
#include <unistd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_util.h"

#include "base/same.h"
#include "fake.h"
#include "ipc/doorbell.h"

#define DEPTH 8
#define PAGES 64

static struct fake_client *c;

static int
setup(void **state)
{
	int ret = fake_client_setup(state);

	c = *state;
	return ret;
}

/* The node that this thread runs on; -1: nobody knows. */
static int node = 3;

int __wrap_getcpu(unsigned int *cpu, unsigned int *out);

int
__wrap_getcpu(unsigned int *cpu, unsigned int *out)
{
	assert_null(cpu);
	if (node < 0) {
		errno = ENOSYS;
		return -1;
	}
	*out = (unsigned int)node;
	return 0;
}

/* @return how often it was rung since */
static uint64_t
doorbells(void)
{
	uint64_t nr;

	return read(c->fq->bell, &nr, sizeof(nr)) == sizeof(nr) ? nr : 0;
}

static void
test_depth(void **state)
{
	static const uint32_t cases[][2] = {{0, 256}, {1, 1}, {3, 4}, {64, 64}, {65, 128}};
	struct zcl_queue_opts opts = {.sz = sizeof(opts)};
	struct zcl_queue *q;

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		opts.depth = cases[i][0];
		assert_int_equal(zcl_queue_create(c->disk, &opts, &q), 0);
		assert_int_equal(zcl_queue_depth(q), cases[i][1]);
		assert_int_equal(fake_queue(&c->fake)->depth, cases[i][1]);
		zcl_queue_destroy(q);
	}
	zcl_queue_destroy(NULL);
	opts.depth = 4097;
	assert_int_equal(zcl_queue_create(c->disk, &opts, &q), -EINVAL);
	opts.depth = 1;
	opts.flags = 2;
	assert_int_equal(zcl_queue_create(c->disk, &opts, &q), -EINVAL);
	opts.sz = 1;
	assert_int_equal(zcl_queue_create(c->disk, &opts, &q), -EINVAL);
}

static void
test_create_refused(void **state)
{
	unsigned int nr_fds = test_open_fds();
	struct zcl_queue *q;

	(void)state;
	fake_answer(&c->fake, ZWIRE_QUEUE_CREATE, (struct fake_answer){.error = -EDQUOT});
	assert_int_equal(zcl_queue_create(c->disk, NULL, &q), -EDQUOT);
	assert_int_equal(test_open_fds(), nr_fds);
	fake_answer(&c->fake, ZWIRE_QUEUE_CREATE, (struct fake_answer){.more_fds = -1});
	assert_int_equal(zcl_queue_create(c->disk, NULL, &q), -EPROTO);
	assert_int_equal(zcl_queue_create(c->disk, NULL, &q), -ECONNRESET);
}

/* @return what a new queue is asked for with, while the thread runs on that node */
static uint32_t
flags_on(int on)
{
	struct zcl_queue *q;
	uint32_t flags;

	node = on;
	assert_int_equal(zcl_queue_create(c->disk, NULL, &q), 0);
	flags = fake_queue(&c->fake)->flags;
	zcl_queue_destroy(q);
	node = 3;
	return flags;
}

/* The service hears where the caller runs, unless nobody knows. */
static void
test_node(void **state)
{
	(void)state;
	assert_int_equal(c->fq->flags, ZWIRE_QUEUE_NODE | 3u << ZWIRE_QUEUE_NODE_SHIFT);
	assert_int_equal(flags_on(0), ZWIRE_QUEUE_NODE);
	assert_int_equal(flags_on(65536), 0);
	assert_int_equal(flags_on(-1), 0);
}

static void
test_store(void **state)
{
	struct zcl_cqe cqe;
	struct zwire_sqe sqe;
	char copy[ZWIRE_PAGE_SIZE];

	(void)state;
	memcpy(copy, fake_page(1), sizeof(copy));
	assert_int_equal(zcl_store(c->q, 5, copy, 0xdeadbeefcafe), 0);
	memset(copy, 0, sizeof(copy));
	assert_false(fake_take(c->fq, &sqe));
	assert_int_equal(zcl_submit(c->q), 1);
	assert_int_equal(zcl_submit(c->q), 0);
	assert_true(fake_take(c->fq, &sqe));
	assert_int_equal(zwire_sqe_check(&sqe, DEPTH, PAGES), 0);
	assert_int_equal(sqe.opcode, ZWIRE_OP_STORE);
	assert_int_equal(sqe.page, 5);
	assert_int_equal(sqe.arg, 0);
	assert_memory_equal(c->fq->bufs + sqe.buf * ZWIRE_PAGE_SIZE, fake_page(1), ZWIRE_PAGE_SIZE);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 0);
	fake_post(c->fq, sqe.user_data, -ENOSPC, ZWIRE_CQE_HUGE);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
	assert_int_equal(cqe.user_data, 0xdeadbeefcafe);
	assert_int_equal(cqe.res, -ENOSPC);
	assert_int_equal(cqe.flags, ZCL_CQE_HUGE);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 0);
}

static void
test_same_filled(void **state)
{
	static _Alignas(8) char page[ZWIRE_PAGE_SIZE + 1];
	const uint64_t word = 0x0102030405060708;
	struct zwire_sqe sqe;
	void *buf;

	(void)state;
	for (unsigned int shift = 0; shift <= 1; shift++) {
		zc_fill(page + shift, ZWIRE_PAGE_SIZE, word);
		assert_int_equal(zcl_store(c->q, 1, page + shift, 0), 0);
		page[shift + 2048] ^= 1;
		assert_int_equal(zcl_store(c->q, 2, page + shift, 0), 0);
		assert_int_equal(zcl_submit(c->q), 2);
		assert_true(fake_take(c->fq, &sqe));
		assert_int_equal(zwire_sqe_check(&sqe, DEPTH, PAGES), 0);
		assert_int_equal(sqe.opcode, ZWIRE_OP_STORE_SAME);
		assert_int_equal(sqe.arg, word);
		assert_true(fake_take(c->fq, &sqe));
		assert_int_equal(sqe.opcode, ZWIRE_OP_STORE);
		assert_memory_equal(c->fq->bufs + sqe.buf * ZWIRE_PAGE_SIZE, page + shift,
		                    ZWIRE_PAGE_SIZE);
	}
	buf = zcl_buf_get(c->q);
	memset(buf, 0, ZWIRE_PAGE_SIZE);
	assert_int_equal(zcl_store_buf(c->q, 3, buf, 0), 0);
	assert_int_equal(zcl_submit(c->q), 1);
	assert_true(fake_take(c->fq, &sqe));
	assert_int_equal(sqe.opcode, ZWIRE_OP_STORE_SAME);
	assert_int_equal(sqe.arg, 0);
}

static void
test_discard(void **state)
{
	struct zwire_sqe sqe;

	(void)state;
	assert_int_equal(zcl_discard(c->q, 0, 0, 0), -EINVAL);
	assert_int_equal(zcl_discard(c->q, PAGES, 1, 0), -ERANGE);
	assert_int_equal(zcl_discard(c->q, 1, PAGES, 0), -ERANGE);
	assert_int_equal(zcl_discard(c->q, 1, UINT64_MAX, 0), -ERANGE);
	assert_int_equal(zcl_discard(c->q, UINT64_MAX, 2, 0), -ERANGE);
	assert_int_equal(zcl_discard(c->q, 0, PAGES, 0), 0);
	assert_int_equal(zcl_discard(c->q, PAGES - 1, 1, 0), 0);
	assert_int_equal(zcl_submit(c->q), 2);
	assert_true(fake_take(c->fq, &sqe));
	assert_int_equal(zwire_sqe_check(&sqe, DEPTH, PAGES), 0);
	assert_int_equal(sqe.opcode, ZWIRE_OP_DISCARD);
	assert_int_equal(sqe.page, 0);
	assert_int_equal(sqe.arg, PAGES);
}

static void
test_refused(void **state)
{
	const void *page = fake_page(1);

	(void)state;
	assert_int_equal(zcl_store(c->q, PAGES, page, 0), -ERANGE);
	assert_int_equal(zcl_store(c->q, UINT64_MAX, page, 0), -ERANGE);
	assert_int_equal(zcl_store_range(c->q, 0, 0, 0, page, 0), -EINVAL);
	assert_int_equal(zcl_store_range(c->q, 0, 1, ZWIRE_PAGE_SIZE, page, 0), -EINVAL);
	assert_int_equal(zcl_store_range(c->q, 0, UINT32_MAX, 2, page, 0), -EINVAL);
	assert_int_equal(zcl_store_range(c->q, 0, 0, ZWIRE_PAGE_SIZE - 1, page, 0), -EOPNOTSUPP);
	assert_int_equal(zcl_store_range(c->q, PAGES, 0, ZWIRE_PAGE_SIZE, page, 0), -ERANGE);
	assert_int_equal(zcl_submit(c->q), 0);
	assert_int_equal(zcl_store_range(c->q, 0, 0, ZWIRE_PAGE_SIZE, page, 0), 0);
	assert_int_equal(zcl_submit(c->q), 1);
}

static void
test_full(void **state)
{
	struct zcl_cqe cqes[DEPTH];
	struct zwire_sqe sqe;

	(void)state;
	for (unsigned int round = 0; round < 5; round++) {
		for (uint64_t i = 0; i < DEPTH; i++)
			assert_int_equal(zcl_store(c->q, i, fake_page(1), i), 0);
		/* The staging area was full, and has published itself. */
		assert_int_equal(zcl_submit(c->q), 0);
		assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), -EAGAIN);
		assert_int_equal(zcl_discard(c->q, 0, 1, 0), -EAGAIN);
		assert_int_equal(zcl_store_sync(c->q, 0, fake_page(1)), -EAGAIN);
		assert_null(zcl_buf_get(c->q));
		assert_true(fake_take(c->fq, &sqe));
		fake_post(c->fq, sqe.user_data, 0, 0);
		/* Completed, but not reaped. */
		assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), -EAGAIN);
		assert_int_equal(zcl_reap(c->q, cqes, DEPTH), 1);
		assert_int_equal(zcl_store(c->q, 0, fake_page(1), DEPTH), 0);
		assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), -EAGAIN);
		/* With nothing left to stage, what is staged has gone. */
		assert_int_equal(zcl_submit(c->q), 0);
		assert_int_equal(fake_complete_all(c->fq, 0), DEPTH);
		assert_int_equal(zcl_reap(c->q, cqes, 3), 3);
		assert_int_equal(cqes[0].user_data, 1);
		assert_int_equal(zcl_reap(c->q, cqes, DEPTH), DEPTH - 3);
		assert_int_equal(cqes[DEPTH - 4].user_data, DEPTH);
	}
}

static void
test_publishes_itself(void **state)
{
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = 64};
	struct zcl_queue *q;
	struct fake_queue *fq;

	(void)state;
	assert_int_equal(zcl_queue_create(c->disk, &opts, &q), 0);
	fq = fake_queue(&c->fake);
	for (unsigned int i = 0; i < 31; i++)
		assert_int_equal(zcl_store(q, i, fake_page(1), i), 0);
	assert_int_equal(fake_complete_all(fq, 0), 0);
	assert_int_equal(zcl_store(q, 31, fake_page(1), 31), 0);
	assert_int_equal(fake_complete_all(fq, 0), 32);
	assert_int_equal(zcl_store(q, 32, fake_page(1), 32), 0);
	assert_int_equal(zcl_submit(q), 1);
	zcl_queue_destroy(q);
}

static void
test_buffers(void **state)
{
	char *bufs[DEPTH];
	struct zwire_sqe sqe;
	struct zcl_cqe cqe;
	char other[8];

	(void)state;
	for (unsigned int i = 0; i < DEPTH; i++) {
		bufs[i] = zcl_buf_get(c->q);
		assert_non_null(bufs[i]);
		assert_int_equal((uintptr_t)bufs[i] % ZWIRE_PAGE_SIZE, 0);
		memcpy(bufs[i], fake_page(i), ZWIRE_PAGE_SIZE);
	}
	assert_null(zcl_buf_get(c->q));
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), -EAGAIN);
	assert_int_equal(zcl_store_buf(c->q, 0, other, 0), -EINVAL);
	assert_int_equal(zcl_store_buf(c->q, 0, NULL, 0), -EINVAL);
	assert_int_equal(zcl_store_buf(c->q, 0, bufs[0] + 1, 0), -EINVAL);
	assert_int_equal(zcl_store_buf(c->q, PAGES, bufs[3], 0), -ERANGE);
	assert_int_equal(zcl_store_buf(c->q, 9, bufs[3], 33), 0);
	assert_int_equal(zcl_store_buf(c->q, 9, bufs[3], 33), -EINVAL); /* no longer the caller's */
	zcl_buf_put(c->q, bufs[3]);
	zcl_buf_put(c->q, NULL);
	zcl_buf_put(c->q, other);
	assert_null(zcl_buf_get(c->q));
	assert_int_equal(zcl_submit(c->q), 0);
	assert_true(fake_take(c->fq, &sqe));
	assert_int_equal(sqe.page, 9);
	assert_memory_equal(c->fq->bufs + sqe.buf * ZWIRE_PAGE_SIZE, fake_page(3), ZWIRE_PAGE_SIZE);
	fake_post(c->fq, sqe.user_data, 0, 0);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
	assert_int_equal(cqe.user_data, 33);
	assert_ptr_equal(zcl_buf_get(c->q), bufs[3]);
	assert_int_equal(zcl_store_buf(c->q, 9, bufs[2], 0), 0);
	for (unsigned int i = 0; i < DEPTH; i++)
		zcl_buf_put(c->q, bufs[i]);
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), 0);
}

static void
test_rings_a_sleeper(void **state)
{
	(void)state;
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), 0);
	assert_int_equal(zcl_submit(c->q), 1);
	assert_int_equal(doorbells(), 0);
	zbell_arm(&c->fq->head->sq_sleeper, 2);
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), 0);
	assert_int_equal(doorbells(), 0);
	assert_int_equal(zcl_submit(c->q), 1);
	assert_int_equal(doorbells(), 1);
	/* Once for each sleep. */
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), 0);
	assert_int_equal(zcl_submit(c->q), 1);
	assert_int_equal(doorbells(), 0);
	zbell_disarm(&c->fq->head->sq_sleeper);
	zbell_arm(&c->fq->head->sq_sleeper, 4);
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), 0);
	assert_int_equal(zcl_submit(c->q), 1);
	assert_int_equal(doorbells(), 1);
}

/* The service never reads the bell, and no count of it stops a client. */
static void
test_doorbell_is_full(void **state)
{
	const uint64_t full = UINT64_MAX - 1;
	struct zcl_cqe cqe;

	(void)state;
	for (unsigned int i = 0; i < 10; i++) {
		zbell_arm(&c->fq->head->sq_sleeper, c->fq->sq.own + 1);
		assert_int_equal(zcl_store(c->q, 0, fake_page(1), i), 0);
		assert_int_equal(zcl_submit(c->q), 1);
		assert_int_equal(fake_complete_all(c->fq, 0), 1);
		if (i == 4) {
			assert_int_equal(doorbells(), 5);
			assert_int_equal(write(c->fq->bell, &full, sizeof(full)), sizeof(full));
		}
		assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
		assert_int_equal(cqe.user_data, i);
	}
	/* It tries again for the same sleep. */
	assert_int_equal(doorbells(), full);
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), 0);
	assert_int_equal(zcl_submit(c->q), 1);
	assert_int_equal(doorbells(), 1);
}

/* A service that takes SQEs, but gives their entries back late. */
static void
test_ring_given_back_late(void **state)
{
	struct zcl_cqe cqes[DEPTH];

	(void)state;
	for (unsigned int i = 0; i < DEPTH; i++)
		assert_int_equal(zcl_store(c->q, i, fake_page(1), i), 0);
	for (unsigned int i = 0; i < DEPTH; i++)
		fake_post(c->fq, i, 0, 0);
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), DEPTH);
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), -EAGAIN);
	assert_int_equal(zring_peek(&c->fq->sq, DEPTH), DEPTH);
	zring_release(&c->fq->sq, DEPTH);
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), 0);
}

static void
test_forked_child(void **state)
{
	void *buf = zcl_buf_get(c->q);
	struct zcl_cqe cqe;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(zcl_store(c->q, 1, fake_page(1), 0), 0);
	pid = fork();
	if (pid == 0) {
		bool ok = zcl_store(c->q, 1, fake_page(1), 0) == -EPERM &&
		          zcl_discard(c->q, 1, 1, 0) == -EPERM && zcl_submit(c->q) == -EPERM &&
		          zcl_reap(c->q, &cqe, 1) == -EPERM && zcl_wait(c->q, 1, -1) == -EPERM &&
		          zcl_arm(c->q) == -EPERM && zcl_queue_fd(c->q) == -EPERM &&
		          zcl_store_sync(c->q, 1, fake_page(1)) == -EPERM &&
		          zcl_discard_sync(c->q, 1, 1) == -EPERM && zcl_buf_get(c->q) == NULL &&
		          zcl_store_buf(c->q, 1, buf, 0) == -EPERM &&
		          zcl_queue_depth(c->q) == DEPTH;

		zcl_buf_put(c->q, buf);
		zcl_queue_destroy(c->q);
		zcl_disk_close(c->disk);
		zcl_close(c->zc);
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(zcl_submit(c->q), 1);
	assert_int_equal(fake_complete_all(c->fq, 0), 1);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
	assert_int_equal(cqe.res, 0);
}

/* Everything together, through a worker of another thread. */
static void
test_stores_are_loaded(void **state)
{
	static char page[ZWIRE_PAGE_SIZE];
	unsigned int newest[PAGES] = {0}, nr_reaped = 0;
	const unsigned int nr = 20000 / TEST_SLOW;
	struct zcl_cqe cqes[DEPTH];
	struct fake_worker w;
	int n;

	(void)state;
	fake_worker_start(&w, &c->fake, c->fq);
	for (unsigned int i = 1; i <= nr;) {
		int ret = zcl_store(c->q, i % PAGES, fake_page(i), i);

		if (ret == 0) {
			newest[i % PAGES] = i;
			i++;
			continue;
		}
		assert_int_equal(ret, -EAGAIN);
		assert_true(zcl_wait(c->q, 1 + i % DEPTH, -1) >= 1);
		n = zcl_reap(c->q, cqes, DEPTH);
		assert_true(n >= 1);
		nr_reaped += (unsigned int)n;
	}
	while (nr_reaped < nr) {
		assert_true(zcl_wait(c->q, 1, -1) >= 1);
		n = zcl_reap(c->q, cqes, DEPTH);
		assert_true(n >= 1);
		for (int i = 0; i < n; i++)
			assert_int_equal(cqes[i].res, 0);
		nr_reaped += (unsigned int)n;
	}
	for (unsigned int i = 0; i < PAGES; i++) {
		assert_int_equal(zcl_load(c->disk, i, page), 0);
		assert_memory_equal(page, fake_page(newest[i]), sizeof(page));
	}
	fake_worker_stop(&w);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, fake_client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_depth),
	        TEST(test_create_refused),
	        TEST(test_node),
	        TEST(test_store),
	        TEST(test_same_filled),
	        TEST(test_discard),
	        TEST(test_refused),
	        TEST(test_full),
	        TEST(test_publishes_itself),
	        TEST(test_buffers),
	        TEST(test_rings_a_sleeper),
	        TEST(test_doorbell_is_full),
	        TEST(test_ring_given_back_late),
	        TEST(test_forked_child),
	        TEST(test_stores_are_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
