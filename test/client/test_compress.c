/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* A queue that compresses in the caller: when it does, what it then sends, what it never does. */

#include <errno.h>
#include <lz4.h>

#include "test_util.h"

#include "base/same.h"
#include "fake.h"

#define DEPTH  256u
#define ENOUGH 64u /* operations that are left untaken before anything is compressed */
#define STAGED 32u /* that publish themselves */

static struct fake_client *c;
static struct zcl_queue *q;
static struct fake_queue *fq;

static int
make_queue(uint32_t depth)
{
	struct zcl_queue_opts opts = {
	        .sz = sizeof(opts), .depth = depth, .flags = ZCL_QUEUE_COMPRESS};

	return zcl_queue_create(c->disk, &opts, &q);
}

static void
allow(uint32_t huge_len)
{
	struct zarena_super *super = c->fake.arena.super;

	super->flags = ZARENA_PRECOMP;
	super->huge_len = huge_len;
	super->codecs[0].id = 2;
	super->codecs[0].level = 1;
}

static int
setup(void **state)
{
	int ret = fake_client_setup(state);

	c = *state;
	allow(4093);
	assert_int_equal(make_queue(DEPTH), 0);
	fq = fake_queue(&c->fake);
	return ret;
}

static int
teardown(void **state)
{
	zcl_queue_destroy(q);
	return fake_client_teardown(state);
}

/* A page that compresses: a quarter of it is random. */
static char *
soft_page(unsigned int seed)
{
	static _Alignas(8) char soft[ZWIRE_PAGE_SIZE];

	memset(soft, 0, sizeof(soft));
	memcpy(soft, fake_page(seed), sizeof(soft) / 4);
	return soft;
}

/* Submits same-filled stores until the service has left so many. */
static void
leave(unsigned int nr)
{
	static const uint64_t zeros[ZWIRE_PAGE_SIZE / 8];

	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(zcl_store(q, 0, zeros, 0), 0);
	assert_true(zcl_submit(q) >= 0);
	assert_int_equal(zring_peek(&fq->sq, DEPTH), nr);
}

static void
take(unsigned int nr)
{
	struct zwire_sqe sqe;

	for (unsigned int i = 0; i < nr; i++)
		assert_true(fake_take(fq, &sqe));
}

/* Takes the last one, which is of page 1, and checks what it brings. Completes all. */
static void
assert_sent(uint8_t opcode, const void *page)
{
	char found[ZWIRE_PAGE_SIZE];
	struct zcl_cqe cqes[DEPTH];
	struct zwire_sqe sqe;
	const char *buf;

	assert_true(zcl_submit(q) >= 0);
	do {
		assert_true(fake_take(fq, &sqe));
		fake_post(fq, sqe.user_data, 0, 0);
	} while (sqe.page != 1);
	assert_int_equal(zring_peek(&fq->sq, 1), 0);
	assert_true(zcl_reap(q, cqes, DEPTH) > 0);
	assert_int_equal(zwire_sqe_check(&sqe, DEPTH, 64), 0);
	assert_int_equal(sqe.opcode, opcode);
	buf = fq->bufs + (size_t)sqe.buf * ZWIRE_PAGE_SIZE;
	if (opcode == ZWIRE_OP_STORE) {
		assert_memory_equal(buf, page, ZWIRE_PAGE_SIZE);
		return;
	}
	assert_int_equal(zwire_precomp_prio(sqe.arg), 0);
	assert_true(zwire_precomp_len(sqe.arg) < 4093);
	assert_int_equal(
	        LZ4_decompress_safe(buf, found, (int)zwire_precomp_len(sqe.arg), ZWIRE_PAGE_SIZE),
	        ZWIRE_PAGE_SIZE);
	assert_memory_equal(found, page, ZWIRE_PAGE_SIZE);
}

static void
test_refused(void **state)
{
	struct zcl_queue *mine = q;
	unsigned int nr_fds = test_open_fds();

	(void)state;
	c->fake.arena.super->flags = 0;
	assert_int_equal(make_queue(DEPTH), -EOPNOTSUPP);
	c->fake.arena.super->flags = ZARENA_PRECOMP;
	c->fake.arena.super->codecs[0].id = 77; /* nobody knows */
	assert_int_equal(make_queue(DEPTH), -EOPNOTSUPP);
	assert_int_equal(test_open_fds(), nr_fds);
	c->fake.arena.super->codecs[0].id = 2;
	fake_answer(&c->fake, ZWIRE_QUEUE_CREATE, (struct fake_answer){.error = -EDQUOT});
	assert_int_equal(make_queue(DEPTH), -EDQUOT);
	assert_int_equal(test_open_fds(), nr_fds);
	q = mine;
}

static void
test_not_before_there_is_enough(void **state)
{
	(void)state;
	leave(ENOUGH);
	assert_int_equal(zcl_store(q, 1, soft_page(1), 0), 0);
	assert_sent(ZWIRE_OP_STORE, soft_page(1));
}

static void
test_compresses(void **state)
{
	char copy[ZWIRE_PAGE_SIZE];

	(void)state;
	leave(ENOUGH + 1);
	memcpy(copy, soft_page(1), sizeof(copy));
	assert_int_equal(zcl_store(q, 1, copy, 0), 0);
	memset(copy, 0, sizeof(copy));
	assert_sent(ZWIRE_OP_STORE_PRECOMP, soft_page(1));
}

/* What is only staged gives the service nothing to do. */
static void
test_staged_does_not_count(void **state)
{
	(void)state;
	leave(ENOUGH - 1);
	for (unsigned int i = 0; i < STAGED - 1; i++)
		assert_int_equal(zcl_store(q, 0, soft_page(i), 0), 0);
	assert_int_equal(zcl_store(q, 1, soft_page(1), 0), 0);
	assert_sent(ZWIRE_OP_STORE, soft_page(1));
}

static void
test_stops_when_the_service_catches_up(void **state)
{
	(void)state;
	leave(2 * ENOUGH);
	take(ENOUGH - 1);
	assert_int_equal(zcl_store(q, 2, soft_page(2), 0), 0);
	take(1);
	assert_int_equal(zcl_store(q, 1, soft_page(1), 0), 0);
	assert_sent(ZWIRE_OP_STORE, soft_page(1));
}

static void
test_shallow_queue(void **state)
{
	(void)state;
	zcl_queue_destroy(q);
	assert_int_equal(make_queue(16), 0);
	fq = fake_queue(&c->fake);
	leave(4);
	assert_int_equal(zcl_store(q, 1, soft_page(1), 0), 0);
	assert_sent(ZWIRE_OP_STORE, soft_page(1));
	leave(5);
	assert_int_equal(zcl_store(q, 1, soft_page(2), 0), 0);
	assert_sent(ZWIRE_OP_STORE_PRECOMP, soft_page(2));
}

static void
test_other_queues_never_do(void **state)
{
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = DEPTH};

	(void)state;
	zcl_queue_destroy(q);
	assert_int_equal(zcl_queue_create(c->disk, &opts, &q), 0);
	fq = fake_queue(&c->fake);
	leave(2 * ENOUGH);
	assert_int_equal(zcl_store(q, 1, soft_page(1), 0), 0);
	assert_sent(ZWIRE_OP_STORE, soft_page(1));
}

static void
test_unaligned(void **state)
{
	char copy[ZWIRE_PAGE_SIZE + 1];

	(void)state;
	leave(ENOUGH + 1);
	memcpy(copy + 1, soft_page(1), ZWIRE_PAGE_SIZE);
	assert_int_equal(zcl_store(q, 1, copy + 1, 0), 0);
	assert_sent(ZWIRE_OP_STORE_PRECOMP, soft_page(1));
	leave(ENOUGH + 1);
	memcpy(copy + 1, fake_page(1), ZWIRE_PAGE_SIZE);
	assert_int_equal(zcl_store(q, 1, copy + 1, 0), 0);
	assert_sent(ZWIRE_OP_STORE, fake_page(1));
}

static void
test_borrowed(void **state)
{
	void *buf;

	(void)state;
	leave(ENOUGH + 1);
	buf = zcl_buf_get(q);
	memcpy(buf, soft_page(1), ZWIRE_PAGE_SIZE);
	/* Refused, it is as it was. */
	assert_int_equal(zcl_store_buf(q, 64, buf, 0), -ERANGE);
	assert_memory_equal(buf, soft_page(1), ZWIRE_PAGE_SIZE);
	assert_int_equal(zcl_store_buf(q, 1, buf, 0), 0);
	assert_sent(ZWIRE_OP_STORE_PRECOMP, soft_page(1));
	leave(ENOUGH + 1);
	buf = zcl_buf_get(q);
	memcpy(buf, fake_page(1), ZWIRE_PAGE_SIZE);
	assert_int_equal(zcl_store_buf(q, 1, buf, 0), 0);
	assert_sent(ZWIRE_OP_STORE, fake_page(1));
}

static void
test_same_filled(void **state)
{
	static _Alignas(8) char page[ZWIRE_PAGE_SIZE];
	struct zwire_sqe sqe;

	(void)state;
	leave(ENOUGH + 1);
	zc_fill(page, sizeof(page), 0x0102030405060708);
	assert_int_equal(zcl_store(q, 1, page, 0), 0);
	assert_int_equal(zcl_submit(q), 1);
	take(ENOUGH + 1);
	assert_true(fake_take(fq, &sqe));
	assert_int_equal(sqe.opcode, ZWIRE_OP_STORE_SAME);
	assert_int_equal(sqe.arg, 0x0102030405060708);
}

/* The service says from which length on an object is of no use to it; each one says so anew. */
static void
test_huge_len(void **state)
{
	static const uint32_t lens[] = {0, 1, 1000, 1 << 20};

	(void)state;
	for (size_t i = 0; i < TEST_NR(lens); i++) {
		bool fits = lens[i] > ZWIRE_PAGE_SIZE;

		allow(lens[i]);
		leave(ENOUGH + 1);
		assert_int_equal(zcl_store(q, 1, soft_page(1), 0), 0);
		assert_sent(fits ? ZWIRE_OP_STORE_PRECOMP : ZWIRE_OP_STORE, soft_page(1));
		/* Noise becomes longer than a page, whatever the service says. */
		leave(ENOUGH + 1);
		assert_int_equal(zcl_store(q, 1, fake_page(1), 0), 0);
		assert_sent(ZWIRE_OP_STORE, fake_page(1));
	}
}

static void
reap_all(unsigned int nr, unsigned int *nr_client)
{
	struct zcl_cqe cqe;

	while (nr-- > 0) {
		assert_true(zcl_wait(q, 1, -1) >= 1);
		assert_int_equal(zcl_reap(q, &cqe, 1), 1);
		assert_int_equal(cqe.res, 0);
		*nr_client += (cqe.flags & ZCL_CQE_CLIENT) != 0;
	}
}

/* A service that is late, then takes all: pages of both ways, each in its order. */
static void
store_and_load(void)
{
	char page[ZWIRE_PAGE_SIZE];
	struct fake_worker w;
	unsigned int nr_client = 0;

	for (unsigned int i = 0; i < DEPTH; i++)
		assert_int_equal(zcl_store(q, i % 50, i % 7 == 0 ? fake_page(i) : soft_page(i), i),
		                 0);
	assert_int_equal(zcl_store(q, 0, soft_page(0), 0), -EAGAIN);
	fake_worker_start(&w, &c->fake, fq);
	reap_all(DEPTH, &nr_client);
	assert_true(nr_client > DEPTH / 3 && nr_client < DEPTH - ENOUGH);
	for (unsigned int i = DEPTH - 50; i < DEPTH; i++) {
		assert_int_equal(zcl_load(c->disk, i % 50, page), 0);
		assert_memory_equal(page, i % 7 == 0 ? fake_page(i) : soft_page(i), sizeof(page));
	}
	fake_worker_stop(&w);
}

static void
test_both_ways(void **state)
{
	(void)state;
	store_and_load();
}

static void
test_after_a_reconnect(void **state)
{
	struct zcl_cqe cqe;

	(void)state;
	fake_kill(&c->fake);
	fake_start(&c->fake);
	assert_int_equal(zcl_reconnect(c->zc, -1), 0);
	assert_int_equal(zcl_reap(q, &cqe, 1), 0);
	fq = fake_queue(&c->fake);
	store_and_load();
}

static void
test_sync(void **state)
{
	char page[ZWIRE_PAGE_SIZE];
	struct fake_worker w;
	unsigned int nr_client = 0;

	(void)state;
	leave(ENOUGH + 1);
	fake_worker_start(&w, &c->fake, fq);
	assert_int_equal(zcl_store_sync(q, 1, soft_page(1)), 0);
	reap_all(ENOUGH + 1, &nr_client);
	assert_int_equal(nr_client, 0);
	assert_int_equal(zcl_load(c->disk, 1, page), 0);
	assert_memory_equal(page, soft_page(1), sizeof(page));
	fake_worker_stop(&w);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_refused),
	        TEST(test_not_before_there_is_enough),
	        TEST(test_compresses),
	        TEST(test_staged_does_not_count),
	        TEST(test_stops_when_the_service_catches_up),
	        TEST(test_shallow_queue),
	        TEST(test_other_queues_never_do),
	        TEST(test_unaligned),
	        TEST(test_borrowed),
	        TEST(test_same_filled),
	        TEST(test_huge_len),
	        TEST(test_both_ways),
	        TEST(test_after_a_reconnect),
	        TEST(test_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
