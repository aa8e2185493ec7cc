/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* A service that goes away, talks nonsense, comes back, or comes back as another. */

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_util.h"

#include "fake.h"

#define DEPTH 8

static struct fake_client *c;

static int
setup(void **state)
{
	int ret = fake_client_setup(state);

	c = *state;
	return ret;
}

/* Reaps until something comes. A reap in vain looks at the socket only now and then. */
static int
reap(struct zcl_cqe *cqes, unsigned int nr)
{
	int n;

	do {
		n = zcl_reap(c->q, cqes, nr);
	} while (n == 0);
	return n;
}

static void
assert_lost(const struct zcl_cqe *cqe, uint64_t user_data)
{
	assert_int_equal(cqe->user_data, user_data);
	assert_int_equal(cqe->res, -ECONNRESET);
	assert_int_equal(cqe->flags, 0);
}

/* Posted, taken, submitted, staged: all are accounted for, in this order. */
static void
test_every_operation_comes_back(void **state)
{
	struct zcl_cqe cqes[DEPTH];
	struct zwire_sqe sqe[2];

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(zcl_store(c->q, i, fake_page(i), 100 + i), 0);
	assert_int_equal(zcl_submit(c->q), 3);
	assert_true(fake_take(c->fq, &sqe[0]));
	assert_true(fake_take(c->fq, &sqe[1]));
	fake_post(c->fq, sqe[0].user_data, 0, ZCL_CQE_MANAGED);
	assert_int_equal(zcl_discard(c->q, 3, 1, 103), 0);
	fake_kill(&c->fake);
	assert_int_equal(reap(cqes, 1), 1);
	assert_int_equal(cqes[0].user_data, 100);
	assert_int_equal(cqes[0].res, 0);
	assert_int_equal(cqes[0].flags, ZCL_CQE_MANAGED);
	assert_int_equal(reap(cqes, DEPTH), 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_lost(&cqes[i], 101 + i);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(zcl_reap(c->q, cqes, DEPTH), -ECONNRESET);
		assert_int_equal(zcl_store(c->q, 0, fake_page(0), 0), -ECONNRESET);
		assert_int_equal(zcl_submit(c->q), -ECONNRESET);
		assert_int_equal(zcl_wait(c->q, 1, -1), -ECONNRESET);
		assert_int_equal(zcl_arm(c->q), -ECONNRESET);
		assert_int_equal(zcl_store_sync(c->q, 0, fake_page(0)), -ECONNRESET);
		assert_int_equal(zcl_discard_sync(c->q, 0, 1), -ECONNRESET);
		assert_null(zcl_buf_get(c->q));
	}
	fake_start(&c->fake);
}

static void
test_hang_up_without_operations(void **state)
{
	struct zcl_cqe cqe;

	(void)state;
	fake_hang_up(c->fq);
	assert_int_equal(reap(&cqe, 1), -ECONNRESET);
}

static void
test_submit_finds_out(void **state)
{
	struct zcl_cqe cqe;

	(void)state;
	c->fq->head->sq_sleeper = 1ull << 32 | 1;
	fake_hang_up(c->fq);
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 77), 0);
	assert_int_equal(zcl_submit(c->q), -ECONNRESET);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
	assert_lost(&cqe, 77);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), -ECONNRESET);
}

/* The first reap after zcl_arm() looks at the socket at once. */
static void
test_armed_reap_finds_out(void **state)
{
	struct zcl_cqe cqe;

	(void)state;
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 77), 0);
	assert_int_equal(zcl_arm(c->q), 0);
	fake_hang_up(c->fq);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
	assert_lost(&cqe, 77);
}

static void
test_wait_finds_out(void **state)
{
	struct zcl_cqe cqes[2];

	(void)state;
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 1), 0);
	assert_int_equal(zcl_store(c->q, 1, fake_page(1), 2), 0);
	fake_hang_up(c->fq);
	assert_int_equal(zcl_wait(c->q, 2, -1), 2);
	assert_int_equal(zcl_wait(c->q, 3, -1), -EINVAL);
	assert_int_equal(zcl_arm(c->q), 1);
	assert_int_equal(zcl_reap(c->q, cqes, 2), 2);
	assert_int_equal(zcl_wait(c->q, 0, -1), -ECONNRESET);
}

static void
test_sync_finds_out(void **state)
{
	struct zcl_cqe cqe;

	(void)state;
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 9), 0);
	fake_hang_up(c->fq);
	assert_int_equal(zcl_store_sync(c->q, 1, fake_page(1)), -ECONNRESET);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
	assert_lost(&cqe, 9);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), -ECONNRESET);
}

/* A service that breaks the rules is as good as none. */
static void
broken_by(void (*breaks)(void))
{
	struct zcl_cqe cqes[DEPTH];
	int n;

	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 5), 0);
	assert_int_equal(zcl_store(c->q, 1, fake_page(1), 6), 0);
	assert_int_equal(zcl_submit(c->q), 2);
	breaks();
	n = reap(cqes, DEPTH);
	assert_int_equal(n, 2);
	assert_int_equal(cqes[1].res, -ECONNRESET);
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), -ECONNRESET);
}

static void
completes_unknown(void)
{
	fake_post(c->fq, DEPTH, 0, 0);
}

static void
completes_wild(void)
{
	fake_post(c->fq, UINT64_MAX, 0, 0);
}

static void
completes_twice(void)
{
	fake_post(c->fq, 0, 0, 0);
	fake_post(c->fq, 0, 0, 0);
}

static void
completes_unborn(void)
{
	fake_post(c->fq, DEPTH - 1, 0, 0);
}

static void
moves_cq_too_far(void)
{
	zc_store_release(&c->fq->head->cq_tail,
	                 DEPTH + 1); /* Pairs with the client's zring_peek(). */
}

static void
moves_cq_backwards(void)
{
	zc_store_release(&c->fq->head->cq_tail, UINT32_MAX); /* Pairs with the same. */
}

static void
test_broken_completions(void **state)
{
	static void (*const ways[])(void) = {
	        completes_unknown, completes_wild,   completes_twice,
	        completes_unborn,  moves_cq_too_far, moves_cq_backwards,
	};

	for (size_t i = 0; i < TEST_NR(ways); i++) {
		if (i > 0) {
			fake_client_teardown(state);
			setup(state);
		}
		broken_by(ways[i]);
	}
}

static void
test_broken_sq_index(void **state)
{
	struct zcl_cqe cqe;

	(void)state;
	for (unsigned int i = 0; i < DEPTH; i++)
		assert_int_equal(zcl_store(c->q, i, fake_page(1), i), 0);
	/* Pairs with the client's zring_reserve(). */
	zc_store_release(&c->fq->head->sq_head, DEPTH + 1);
	assert_int_equal(zcl_store(c->q, 0, fake_page(1), 0), -ECONNRESET);
	for (unsigned int i = 0; i < DEPTH; i++) {
		assert_int_equal(zcl_reap(c->q, &cqe, 1), 1);
		assert_lost(&cqe, i);
	}
}

/* Loads do not notice; after zcl_reconnect() the same handles go on. */
static void
test_reconnect(void **state)
{
	char page[ZWIRE_PAGE_SIZE];
	struct zcl_cqe cqes[DEPTH];
	unsigned int nr_fds = test_open_fds();
	int fd = zcl_fd(c->zc), queue_fd = zcl_queue_fd(c->q);

	(void)state;
	fake_put(&c->fake, 1, ZSLOT_RAW, fake_page(1), ZWIRE_PAGE_SIZE);
	assert_int_equal(zcl_store(c->q, 2, fake_page(2), 2), 0);
	fake_kill(&c->fake);
	assert_int_equal(zcl_load(c->disk, 1, page), 0);
	assert_int_equal(zcl_reconnect(c->zc, 0), -ETIME);
	assert_int_equal(zcl_reconnect(c->zc, 20), -ETIME);
	assert_int_equal(zcl_reconnect(c->zc, -2), -EINVAL);
	fake_start(&c->fake);
	assert_int_equal(zcl_reconnect(c->zc, -1), 0);
	/* What was lost is told first. */
	assert_int_equal(zcl_store(c->q, 3, fake_page(3), 3), -ECONNRESET);
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), 1);
	assert_lost(&cqes[0], 2);
	assert_int_equal(fake_nr_requests(&c->fake, ZWIRE_QUEUE_CREATE), 1);
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), 0);
	assert_int_equal(fake_nr_requests(&c->fake, ZWIRE_QUEUE_CREATE), 2);
	assert_int_equal(zcl_store(c->q, 3, fake_page(3), 3), 0);
	assert_int_equal(zcl_submit(c->q), 1);
	c->fq = fake_queue(&c->fake);
	assert_int_equal(fake_complete_all(c->fq, 0), 1);
	assert_int_equal(zcl_reap(c->q, cqes, DEPTH), 1);
	assert_int_equal(cqes[0].user_data, 3);
	assert_int_equal(zcl_load(c->disk, 1, page), 0);
	assert_int_equal(zcl_fd(c->zc), fd);
	assert_int_equal(zcl_queue_fd(c->q), queue_fd);
	assert_int_equal(test_open_fds(), nr_fds);
	fake_kill(&c->fake);
	fake_start(&c->fake);
	assert_int_equal(test_open_fds(), nr_fds - 3); /* the service's ends */
}

/* A buffer that was borrowed before the service died is still the caller's, with what is in it. */
static void
test_reconnect_keeps_borrowed(void **state)
{
	char *buf = zcl_buf_get(c->q), *spare = zcl_buf_get(c->q);
	unsigned char resident;
	struct zwire_sqe sqe;
	int status;
	pid_t pid;

	(void)state;
	memcpy(buf, fake_page(8), ZWIRE_PAGE_SIZE);
	fake_kill(&c->fake);
	fake_start(&c->fake);
	assert_int_equal(zcl_reconnect(c->zc, -1), 0);
	assert_int_equal(zcl_store_buf(c->q, 3, buf, 3), 0);
	assert_int_equal(zcl_submit(c->q), 1);
	c->fq = fake_queue(&c->fake);
	assert_true(fake_take(c->fq, &sqe));
	assert_memory_equal(c->fq->bufs + sqe.buf * ZWIRE_PAGE_SIZE, fake_page(8), ZWIRE_PAGE_SIZE);
	/* The new memory is no more a forked child's than the old one was. */
	pid = fork();
	if (pid == 0)
		_exit(mincore(buf, ZWIRE_PAGE_SIZE, &resident) < 0 && errno == ENOMEM ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	zcl_buf_put(c->q, spare);
	for (unsigned int i = 1; i < DEPTH; i++)
		assert_non_null(zcl_buf_get(c->q));
	assert_null(zcl_buf_get(c->q));
}

/* The connection lives, only a queue was closed: nothing else is torn down. */
static void
test_reconnect_renews_one_queue(void **state)
{
	struct fake_queue *other_fq;
	struct zcl_queue *other;
	struct zcl_cqe cqe;

	(void)state;
	assert_int_equal(zcl_queue_create(c->disk, NULL, &other), 0);
	other_fq = fake_queue(&c->fake);
	assert_int_equal(zcl_store(other, 1, fake_page(1), 11), 0);
	fake_hang_up(c->fq);
	assert_int_equal(reap(&cqe, 1), -ECONNRESET);
	assert_int_equal(zcl_reconnect(c->zc, 0), 0);
	assert_int_equal(fake_nr_requests(&c->fake, ZWIRE_HELLO), 1);
	assert_int_equal(zcl_store(c->q, 1, fake_page(1), 1), 0);
	assert_int_equal(zcl_submit(other), 1);
	assert_int_equal(fake_complete_all(other_fq, 0), 1);
	assert_int_equal(zcl_reap(other, &cqe, 1), 1);
	assert_int_equal(cqe.user_data, 11);
	assert_int_equal(cqe.res, 0);
	zcl_queue_destroy(other);
}

/* A queue that cannot be made anew says why, and goes on trying. */
static void
test_renewal_refused(void **state)
{
	struct zcl_cqe cqe;

	(void)state;
	fake_kill(&c->fake);
	fake_start(&c->fake);
	assert_int_equal(zcl_reconnect(c->zc, -1), 0);
	fake_answer(&c->fake, ZWIRE_QUEUE_CREATE, (struct fake_answer){.error = -EDQUOT});
	assert_int_equal(zcl_store(c->q, 1, fake_page(1), 1), -EDQUOT);
	assert_int_equal(zcl_reap(c->q, &cqe, 1), -EDQUOT);
	assert_int_equal(zcl_wait(c->q, 0, 0), -EDQUOT);
	fake_answer(&c->fake, ZWIRE_QUEUE_CREATE, (struct fake_answer){.how = FAKE_PROPER});
	assert_int_equal(zcl_store(c->q, 1, fake_page(1), 1), 0);
}

static void
test_other_arena(void **state)
{
	char page[ZWIRE_PAGE_SIZE];
	struct zcl_queue *q;
	struct zcl_disk *disk;

	(void)state;
	fake_put(&c->fake, 1, ZSLOT_RAW, fake_page(1), ZWIRE_PAGE_SIZE);
	fake_kill(&c->fake);
	fake_new_arena(&c->fake);
	fake_start(&c->fake);
	assert_int_equal(zcl_reconnect(c->zc, -1), -ESTALE);
	assert_int_equal(zcl_reconnect(c->zc, -1), -ESTALE);
	assert_int_equal(zcl_store(c->q, 1, fake_page(1), 1), -ESTALE);
	assert_int_equal(zcl_queue_create(c->disk, NULL, &q), -ESTALE);
	assert_int_equal(zcl_load(c->disk, 1, page), 0);
	assert_memory_equal(page, fake_page(1), ZWIRE_PAGE_SIZE);
	/* The connection is good for a new handle. */
	assert_int_equal(zcl_disk_open(c->zc, FAKE_DISK, &disk), 0);
	assert_int_equal(zcl_load(disk, 1, page), 0);
	assert_int_equal(page[17], 0);
	zcl_disk_close(disk);
	fake_answer(&c->fake, ZWIRE_DISK_OPEN, (struct fake_answer){.error = -ENOENT});
	assert_int_equal(zcl_reconnect(c->zc, -1), -ESTALE);
	fake_answer(&c->fake, ZWIRE_DISK_OPEN, (struct fake_answer){.error = -EACCES});
	assert_int_equal(zcl_reconnect(c->zc, -1), -EACCES);
}

static void *
reconnects(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)zcl_reconnect(c->zc, -1);
}

/* Several threads find out at once; one new session is enough for all. */
static void
test_reconnect_from_many_threads(void **state)
{
	pthread_t threads[4];
	char page[ZWIRE_PAGE_SIZE];
	void *ret;

	(void)state;
	fake_kill(&c->fake);
	for (size_t i = 0; i < TEST_NR(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reconnects, NULL), 0);
	assert_int_equal(zcl_load(c->disk, 0, page), 0);
	fake_start(&c->fake);
	for (size_t i = 0; i < TEST_NR(threads); i++) {
		pthread_join(threads[i], &ret);
		assert_null(ret);
	}
	assert_int_equal(fake_nr_requests(&c->fake, ZWIRE_HELLO), 2);
	assert_int_equal(zcl_store(c->q, 1, fake_page(1), 1), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, fake_client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_every_operation_comes_back),
	        TEST(test_hang_up_without_operations),
	        TEST(test_submit_finds_out),
	        TEST(test_armed_reap_finds_out),
	        TEST(test_wait_finds_out),
	        TEST(test_sync_finds_out),
	        TEST(test_broken_completions),
	        TEST(test_broken_sq_index),
	        TEST(test_reconnect),
	        TEST(test_reconnect_keeps_borrowed),
	        TEST(test_reconnect_renews_one_queue),
	        TEST(test_renewal_refused),
	        TEST(test_other_arena),
	        TEST(test_reconnect_from_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
