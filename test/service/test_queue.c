/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A queue, poll by poll, over a backend that does as it is told: credit, checks, barrier, what a
 * store can end in, and the end of a queue.
 */

#include "service_env.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_backend.h"
#include "ipc/doorbell.h"

#define DEPTH 8u

static int
setup(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static void
open_managed(struct test_env *env)
{
	env_open(env, &(struct test_env_opts){.backend = &fake_backend, .stream_depth = 32});
}

static void
open_client(struct test_env *env, struct test_client *c, unsigned int disk)
{
	env_client_open(env, disk, DEPTH, c);
	env_client_join(env, c);
}

/* Takes one completion, which is there. */
static struct zwire_cqe
reap_one(struct test_client *c)
{
	struct zwire_cqe cqe;

	assert_int_equal(client_reap(c, &cqe, 1), 1);
	return cqe;
}

static void
reap_ok(struct test_client *c, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(reap_one(c).res, 0);
}

static void
test_stores_of_all_kinds(void **state)
{
	static const uint32_t flags[PAGE_KINDS] = {
	        [PAGE_ZERO] = ZWIRE_CQE_SAME,
	        [PAGE_TEXT] = ZWIRE_CQE_MANAGED | ZWIRE_CQE_HUGE,
	        [PAGE_MIXED] = ZWIRE_CQE_MANAGED | ZWIRE_CQE_HUGE,
	        [PAGE_RANDOM] = ZWIRE_CQE_MANAGED | ZWIRE_CQE_HUGE,
	};
	struct test_env env;
	struct test_client c;

	(void)state;
	open_managed(&env);
	open_client(&env, &c, 0);
	for (unsigned int kind = 0; kind < PAGE_KINDS; kind++)
		assert_true(client_store(&c, kind, (enum page_kind)kind, kind));
	client_submit(&c);
	env_settle(&env);
	for (unsigned int i = 0; i < PAGE_KINDS; i++) {
		struct zwire_cqe cqe = reap_one(&c);

		assert_int_equal(cqe.res, 0);
		assert_int_equal(cqe.flags, flags[cqe.user_data]);
		env_expect(&env, cqe.user_data, (enum page_kind)cqe.user_data, cqe.user_data);
	}
	env_client_end(&env, &c);
	env_close(&env);
}

/* What compresses is an object, what does not is stored as it is; also with the largest pages. */
static void
store_with_software(uint32_t page_size)
{
	struct test_env env;
	struct test_client c;

	env_open(&env, &(struct test_env_opts){.page_size = page_size});
	open_client(&env, &c, 0);
	for (uint64_t page = 0; page < 40; page++) {
		enum page_kind kind = (enum page_kind)(page % PAGE_KINDS);

		assert_true(client_store(&c, page, kind, page));
		client_submit(&c);
		env_settle(&env);
		assert_int_equal(reap_one(&c).res, 0);
		env_expect(&env, page, kind, page);
	}
	assert_int_equal(zstore_super(env.disks[0].store)->stat.huge_pages, 10);
	assert_int_equal(zstore_super(env.disks[0].store)->stat.same_pages, 10);
	assert_int_equal(zstore_super(env.disks[0].store)->stat.pages_stored, 40);
	env_client_end(&env, &c);
	env_close(&env);
}

static void
test_software(void **state)
{
	(void)state;
	store_with_software(4096);
	store_with_software(1024);
	store_with_software(65536);
}

static void
test_store_same(void **state)
{
	static const uint64_t words[] = {0, UINT64_MAX, 0x0123456701234567u, 0x0123456789abcdefu};
	struct test_env env;
	struct test_client c;

	(void)state;
	open_managed(&env);
	open_client(&env, &c, 0);
	for (unsigned int i = 0; i < 4; i++) {
		struct zwire_sqe sqe = {.opcode = ZWIRE_OP_STORE_SAME, .page = i, .arg = words[i]};
		uint64_t page[ENV_PAGE_SIZE / 8];
		struct zwire_cqe cqe;

		assert_true(client_op(&c, sqe, i));
		client_submit(&c);
		env_settle(&env);
		cqe = reap_one(&c);
		assert_int_equal(cqe.res, 0);
		assert_int_equal(cqe.flags, ZWIRE_CQE_SAME);
		assert_int_equal(env_load(&env, 0, i, page), 0);
		for (unsigned int j = 0; j < ENV_PAGE_SIZE / 8; j++)
			assert_int_equal(page[j], words[i]);
	}
	env_client_end(&env, &c);
	env_close(&env);
}

/* A client that does not reap: its queue stops at the depth, and no other. */
static void
test_credit(void **state)
{
	struct test_env env;
	struct test_client c, other;

	(void)state;
	open_managed(&env);
	open_client(&env, &c, 0);
	open_client(&env, &other, 1);
	for (uint64_t i = 0; i < DEPTH; i++)
		assert_true(client_store(&c, i, PAGE_TEXT, i));
	client_submit(&c);
	env_settle(&env);
	assert_int_equal(zring_peek(&c.cq, DEPTH), DEPTH);
	/* All were taken, so the ring has room for as many more; none of them may be taken. */
	for (uint64_t i = 0; i < DEPTH; i++) {
		struct zwire_sqe sqe = {
		        .opcode = ZWIRE_OP_STORE_SAME, .page = i, .user_data = 1000 + i};

		assert_true(client_push(&c, &sqe));
	}
	client_submit(&c);
	for (unsigned int i = 0; i < 100; i++) {
		struct zwire_cqe cqe;

		assert_true(client_store(&other, i % ENV_PAGES, PAGE_MIXED, i));
		client_submit(&other);
		env_poll(&env);
		env_settle(&env);
		assert_int_equal(client_reap(&other, &cqe, 1), 1);
		assert_int_equal(cqe.res, 0);
	}
	assert_int_equal(zc_load_relaxed(&c.head->cq_tail), DEPTH);
	assert_int_equal(zc_load_relaxed(&c.head->sq_head), DEPTH);
	/* For each one reaped, one is taken. */
	for (uint32_t i = 0; i < DEPTH; i++) {
		reap_ok(&c, 1);
		env_settle(&env);
		assert_int_equal(zc_load_relaxed(&c.head->sq_head), DEPTH + i + 1);
		assert_int_equal(zc_load_relaxed(&c.head->cq_tail), DEPTH + i + 1);
	}
	reap_ok(&c, DEPTH);
	env_client_end(&env, &c);
	env_client_end(&env, &other);
	env_close(&env);
}

/* In flight, completed and not yet reaped: together never more than the depth. */
static void
test_credit_with_operations_in_flight(void **state)
{
	struct test_env env;
	struct test_client c;

	(void)state;
	open_managed(&env);
	open_client(&env, &c, 0);
	fake_script.delay = 5;
	for (uint64_t i = 0; i < DEPTH / 2; i++)
		assert_true(client_store(&c, i, PAGE_RANDOM, i));
	for (uint64_t i = 0; i < DEPTH / 2; i++)
		assert_true(client_store(&c, 20 + i, PAGE_ZERO, i));
	client_submit(&c);
	env_poll(&env);
	assert_int_equal(zc_load_relaxed(&c.head->sq_head), DEPTH);
	for (uint64_t i = 0; i < DEPTH; i++) {
		struct zwire_sqe sqe = {
		        .opcode = ZWIRE_OP_STORE_SAME, .page = i, .user_data = 1000 + i};

		assert_true(client_push(&c, &sqe));
	}
	client_submit(&c);
	env_poll(&env);
	assert_int_equal(zc_load_relaxed(&c.head->sq_head), DEPTH);
	reap_ok(&c, 1);
	env_poll(&env);
	assert_int_equal(zc_load_relaxed(&c.head->sq_head), DEPTH + 1);
	env_settle(&env);
	assert_int_equal(zc_load_relaxed(&c.head->cq_tail), DEPTH + 1);
	reap_ok(&c, DEPTH);
	env_settle(&env);
	reap_ok(&c, DEPTH - 1);
	env_client_end(&env, &c);
	env_close(&env);
}

/* Polls until the worker has given the queue up as broken. */
static void
expect_poisoned(struct test_env *env, struct test_client *c)
{
	struct zd_queue *gone = NULL;
	char byte;

	for (unsigned int i = 0; i < 1000 && gone == NULL; i++) {
		env_poll(env);
		gone = env_take_gone(env);
	}
	assert_ptr_equal(gone, c->queue);
	assert_true(gone->poisoned);
	assert_int_equal(zd_queue_in_flight(gone), 0);
	/* The hang-up, behind whatever it was rung for. */
	while (recv(c->sock, &byte, 1, MSG_DONTWAIT) == 1)
		;
	assert_int_equal(recv(c->sock, &byte, 1, MSG_DONTWAIT), 0);
	zd_queue_destroy(gone);
	env_client_close(c);
}

static void
test_impossible_indexes(void **state)
{
	static const struct {
		uint32_t tail, head; /* of SQ, of CQ, beyond where they are */
	} cases[] = {
	        {DEPTH + 1, 0}, {UINT32_MAX, 0},     {1u << 31, 0},
	        {0, 1},         {0, UINT32_MAX - 8}, {0, (uint32_t)-9},
	};
	struct test_env env;
	struct test_client good;

	(void)state;
	open_managed(&env);
	open_client(&env, &good, 1);
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		struct test_client c;

		open_client(&env, &c, 0);
		/* Some that are still under way when it happens. */
		fake_script.delay = 3;
		for (uint64_t page = 0; page < 3; page++)
			assert_true(client_store(&c, page, PAGE_TEXT, i));
		client_submit(&c);
		env_poll(&env);
		zc_store_relaxed(&c.head->sq_tail, c.sq.own + cases[i].tail);
		zc_store_relaxed(&c.head->cq_head, c.cq.own + cases[i].head);
		expect_poisoned(&env, &c);
		/* What was taken took effect; the neighbour has not noticed. */
		for (uint64_t page = 0; page < 3; page++)
			env_expect(&env, page, PAGE_TEXT, i);
		fake_script.delay = 0;
		assert_true(client_store(&good, i, PAGE_TEXT, i));
		client_submit(&good);
		env_settle(&env);
		reap_ok(&good, 1);
	}
	env_client_end(&env, &good);
	env_close(&env);
}

static void
test_sqes_that_cannot_be(void **state)
{
	static const struct zwire_sqe cases[] = {
	        {.opcode = 0},
	        {.opcode = 7},
	        {.opcode = 255},
	        {.opcode = ZWIRE_OP_STORE, .flags = 1},
	        {.opcode = ZWIRE_OP_STORE, .reserved = 1},
	        {.opcode = ZWIRE_OP_STORE, .buf = DEPTH},
	        {.opcode = ZWIRE_OP_STORE, .buf = UINT32_MAX},
	        {.opcode = ZWIRE_OP_STORE_SAME, .buf = DEPTH},
	        {.opcode = ZWIRE_OP_DISCARD, .arg = 1, .buf = DEPTH},
	};
	struct test_env env;

	(void)state;
	open_managed(&env);
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		struct test_client c;

		open_client(&env, &c, 0);
		/* One before it counts, one behind it does not. */
		assert_true(client_store(&c, 1, PAGE_TEXT, i));
		assert_true(client_push(&c, &cases[i]));
		assert_true(client_store(&c, 2, PAGE_TEXT, i));
		client_submit(&c);
		expect_poisoned(&env, &c);
		env_expect(&env, 1, PAGE_TEXT, i);
		env_expect(&env, 2, PAGE_ZERO, 0);
	}
	env_close(&env);
}

static void
test_sqes_that_fail(void **state)
{
	static const struct {
		struct zwire_sqe sqe;
		int res;
	} cases[] = {
	        {{.opcode = ZWIRE_OP_STORE, .page = ENV_PAGES}, -ERANGE},
	        {{.opcode = ZWIRE_OP_STORE, .page = UINT64_MAX}, -ERANGE},
	        {{.opcode = ZWIRE_OP_STORE_SAME, .page = ENV_PAGES}, -ERANGE},
	        {{.opcode = ZWIRE_OP_DISCARD, .page = ENV_PAGES, .arg = 1}, -ERANGE},
	        {{.opcode = ZWIRE_OP_DISCARD, .page = 1, .arg = ENV_PAGES}, -ERANGE},
	        {{.opcode = ZWIRE_OP_DISCARD, .page = 1, .arg = UINT64_MAX}, -ERANGE},
	        {{.opcode = ZWIRE_OP_DISCARD, .page = 1, .arg = 0}, -EINVAL},
	        {{.opcode = ZWIRE_OP_STORE_PRECOMP, .page = 1, .arg = 9}, -EOPNOTSUPP},
	        {{.opcode = ZWIRE_OP_STORE_RANGE, .page = 1}, -EOPNOTSUPP},
	        {{.opcode = ZWIRE_OP_LOAD, .page = 1}, -EOPNOTSUPP},
	};
	struct test_env env;
	struct test_client c;

	(void)state;
	open_managed(&env);
	open_client(&env, &c, 0);
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		struct zwire_cqe cqe;

		/* In the company of others, before and behind. */
		fake_script.delay = i % 3;
		assert_true(client_store(&c, 1, PAGE_TEXT, i));
		assert_true(client_op(&c, cases[i].sqe, 1000));
		assert_true(client_store(&c, 2, PAGE_TEXT, i));
		client_submit(&c);
		env_settle(&env);
		for (unsigned int j = 0; j < 3; j++) {
			cqe = reap_one(&c);
			assert_int_equal(cqe.res, cqe.user_data == 1000 ? cases[i].res : 0);
		}
		env_expect(&env, 1, PAGE_TEXT, i);
		env_expect(&env, 2, PAGE_TEXT, i);
	}
	/* Those that were stores. */
	assert_int_equal(zstore_super(env.disks[0].store)->stat.failed_stores, 6);
	env_client_end(&env, &c);
	env_close(&env);
}

/* A range waits for all before it, and all behind it wait for the range. */
static void
test_range_is_a_barrier(void **state)
{
	struct test_env env;
	struct test_client c;
	struct zwire_cqe cqes[DEPTH];

	(void)state;
	open_managed(&env);
	open_client(&env, &c, 0);
	fake_script.delay = 4;
	assert_true(client_store(&c, 1, PAGE_TEXT, 1));
	assert_true(client_store(&c, 2, PAGE_TEXT, 2));
	assert_true(client_discard(&c, 0, ENV_PAGES, 3));
	assert_true(client_store(&c, 2, PAGE_MIXED, 4));
	assert_true(client_store(&c, 3, PAGE_ZERO, 5));
	assert_true(client_discard(&c, 3, 2, 6));
	assert_true(client_store(&c, 4, PAGE_MIXED, 7));
	client_submit(&c);
	env_poll(&env);
	assert_int_equal(zc_load_relaxed(&c.head->sq_head), 2);
	env_settle(&env);
	assert_int_equal(client_reap(&c, cqes, DEPTH), 7);
	for (uint64_t i = 0; i < 7; i++)
		assert_int_equal(cqes[i].res, 0);
	assert_int_equal(cqes[0].user_data + cqes[1].user_data, 3);
	assert_int_equal(cqes[2].user_data, 3);
	assert_int_equal(cqes[3].user_data + cqes[4].user_data, 9);
	assert_int_equal(cqes[5].user_data, 6);
	assert_int_equal(cqes[6].user_data, 7);
	env_expect(&env, 1, PAGE_ZERO, 0);
	env_expect(&env, 2, PAGE_MIXED, 4);
	env_expect(&env, 3, PAGE_ZERO, 0);
	env_expect(&env, 4, PAGE_MIXED, 7);
	env_client_end(&env, &c);
	env_close(&env);
}

/* A long range takes several polls, and what is behind it waits for all of them. */
static void
test_long_range(void **state)
{
	uint64_t pages = 4 * ZSTORE_DISCARD_MAX;
	struct test_env env;
	struct test_client c;

	(void)state;
	env_open(&env, &(struct test_env_opts){.pages = pages});
	open_client(&env, &c, 0);
	for (unsigned int round = 0; round < 5; round++) {
		assert_true(client_store(&c, 0, PAGE_TEXT, 1));
		assert_true(client_store(&c, pages - 1, PAGE_TEXT, 2));
		assert_true(client_discard(&c, 0, pages, 3));
		assert_true(client_store(&c, pages - 1, PAGE_MIXED, 4));
		assert_true(client_discard(&c, pages - 2, 2, 5));
		assert_true(client_store(&c, pages - 2, PAGE_ZERO, 6));
		client_submit(&c);
		env_poll(&env);
		env_poll(&env);
		env_poll(&env);
		assert_true(zring_peek(&c.cq, DEPTH) < 3);
		env_settle(&env);
		reap_ok(&c, 6);
		env_expect(&env, 0, PAGE_ZERO, 0);
		env_expect(&env, pages - 1, PAGE_ZERO, 0);
		/* Once more without the second range, so that the store behind the first stays. */
		assert_true(client_discard(&c, 0, pages, 3));
		assert_true(client_store(&c, pages - 1, PAGE_MIXED, round));
		client_submit(&c);
		env_settle(&env);
		reap_ok(&c, 2);
		env_expect(&env, pages - 1, PAGE_MIXED, round);
	}
	env_client_end(&env, &c);
	env_close(&env);
}

/* A device's error is not the client's: software does the page, and says so in the flags. */
static void
test_device_errors(void **state)
{
	struct test_env env;
	struct test_client c;
	struct zcomp_stats stats;

	(void)state;
	open_managed(&env);
	open_client(&env, &c, 0);
	fake_script.fail_one_in = 1;
	fake_script.fail_with = -EIO;
	for (uint64_t i = 0; i < DEPTH; i++)
		assert_true(client_store(&c, i, PAGE_MIXED, i));
	client_submit(&c);
	env_settle(&env);
	for (uint64_t i = 0; i < DEPTH; i++) {
		struct zwire_cqe cqe = reap_one(&c);

		assert_int_equal(cqe.res, 0);
		assert_int_equal(cqe.flags, ZWIRE_CQE_INLINE | ZWIRE_CQE_HUGE);
		env_expect(&env, cqe.user_data, PAGE_MIXED, cqe.user_data);
	}
	zcomp_stats(env.compressors.entries[0].comp, 0, &stats);
	assert_int_equal(stats.errors, DEPTH);
	assert_int_equal(stats.percpu, DEPTH);
	env_client_end(&env, &c);
	env_close(&env);
}

/* "Does not compress" is no error: the page is stored as it is. */
static void
test_incompressible_for_the_device(void **state)
{
	struct test_env env;
	struct test_client c;

	(void)state;
	open_managed(&env);
	open_client(&env, &c, 0);
	fake_script.fail_one_in = 1;
	fake_script.fail_with = -ENOSPC;
	assert_true(client_store(&c, 3, PAGE_RANDOM, 9));
	client_submit(&c);
	env_settle(&env);
	assert_int_equal(reap_one(&c).flags, ZWIRE_CQE_MANAGED | ZWIRE_CQE_HUGE);
	env_expect(&env, 3, PAGE_RANDOM, 9);
	env_client_end(&env, &c);
	env_close(&env);
}

/* Fewer streams than operations, and a device that takes them one by one. */
static void
test_streams_run_out(void **state)
{
	struct test_env env;
	struct test_client c;
	unsigned int inlined = 0;

	(void)state;
	env_open(&env, &(struct test_env_opts){.backend = &fake_backend, .stream_depth = 2});
	open_client(&env, &c, 0);
	fake_script.take_max = 1;
	fake_script.delay = 3;
	for (uint64_t i = 0; i < 10 * DEPTH; i++) {
		while (!client_store(&c, i % ENV_PAGES, PAGE_MIXED, i)) {
			struct zwire_cqe cqe;

			client_submit(&c);
			env_poll(&env);
			while (client_reap(&c, &cqe, 1) == 1) {
				assert_int_equal(cqe.res, 0);
				inlined += (cqe.flags & ZWIRE_CQE_INLINE) != 0;
			}
		}
	}
	client_submit(&c);
	env_settle(&env);
	for (uint64_t i = 10 * DEPTH - ENV_PAGES; i < 10 * DEPTH; i++)
		env_expect(&env, i % ENV_PAGES, PAGE_MIXED, i);
	assert_true(inlined > 0);
	assert_true(env.worker->stats.retries > 0);
	env_client_end(&env, &c);
	env_close(&env);
}

static void
test_policy_software(void **state)
{
	struct test_env env;
	struct test_client c;

	(void)state;
	env_open(&env, &(struct test_env_opts){.backend = &fake_backend,
	                                       .policy = {.kind = ZCOMP_POLICY_SOFTWARE}});
	open_client(&env, &c, 0);
	for (uint64_t i = 0; i < DEPTH; i++)
		assert_true(client_store(&c, i, PAGE_TEXT, i));
	client_submit(&c);
	env_settle(&env);
	for (uint64_t i = 0; i < DEPTH; i++)
		assert_int_equal(reap_one(&c).flags, ZWIRE_CQE_HUGE);
	assert_int_equal(fake_seen.submits, 0);
	env_client_end(&env, &c);
	env_close(&env);
}

/* At the limit a store fails, and the old content stays; what shrinks, or takes nothing, passes. */
static void
test_memory_limit(void **state)
{
	const struct zarena_stat *stat;
	struct test_env env;
	struct test_client c;
	uint64_t full = 0;

	(void)state;
	env_open(&env, &(struct test_env_opts){.mem_limit = 64 << 10});
	stat = &zstore_super(env.disks[0].store)->stat;
	open_client(&env, &c, 0);
	for (; full < ENV_PAGES; full++) {
		assert_true(client_store(&c, full, PAGE_RANDOM, full));
		client_submit(&c);
		env_settle(&env);
		if (reap_one(&c).res != 0)
			break;
	}
	assert_true(full > 0 && full < ENV_PAGES);
	assert_true(stat->mem_used <= 64 << 10);
	assert_int_equal(stat->failed_stores, 1);
	env_expect(&env, full, PAGE_ZERO, 0);
	assert_true(client_store(&c, full, PAGE_RANDOM, 1));
	assert_true(client_discard(&c, full, 1, 2));
	assert_true(client_store(&c, 0, PAGE_TEXT, 3));
	client_submit(&c);
	env_settle(&env);
	for (unsigned int i = 0; i < 3; i++) {
		struct zwire_cqe cqe = reap_one(&c);

		assert_int_equal(cqe.res, cqe.user_data == 1 ? -ENOSPC : 0);
	}
	env_expect(&env, 0, PAGE_TEXT, 3);
	for (uint64_t page = 1; page < full; page++)
		env_expect(&env, page, PAGE_RANDOM, page);
	env_client_end(&env, &c);
	env_close(&env);
}

/* A client that sleeps is rung once for each time that it arms, and not before it has enough. */
static void
test_wakes_the_client(void **state)
{
	struct test_env env;
	struct test_client c;
	char byte;

	(void)state;
	open_managed(&env);
	open_client(&env, &c, 0);
	for (uint32_t round = 0; round < 5; round++) {
		zbell_arm(&c.head->cq_sleeper, c.cq.own + 2);
		for (unsigned int i = 0; i < 3; i++) {
			assert_true(client_store(&c, i, PAGE_TEXT, round));
			client_submit(&c);
			env_settle(&env);
			assert_int_equal(recv(c.sock, &byte, 1, MSG_DONTWAIT), i == 1 ? 1 : -1);
		}
		zbell_disarm(&c.head->cq_sleeper);
		reap_ok(&c, 3);
	}
	env_client_end(&env, &c);
	env_close(&env);
}

/* An idle queue announces that it sleeps, unless something has come meanwhile. */
static void
test_arms_when_idle(void **state)
{
	struct test_env env;
	struct test_client c;
	uint32_t rung = 0;

	(void)state;
	open_managed(&env);
	env.worker->spin_cycles = 0;
	open_client(&env, &c, 0);
	for (unsigned int i = 0; i < 1000 && c.queue->state == ZD_QUEUE_POLLED; i++)
		env_poll(&env);
	assert_int_equal(c.queue->state, ZD_QUEUE_ARMED);
	assert_true(TAILQ_EMPTY(&env.worker->polled));
	assert_false(zbell_due(&c.head->sq_sleeper, c.sq.own, &rung));
	assert_true(zbell_due(&c.head->sq_sleeper, c.sq.own + 1, &rung));
	env_client_end(&env, &c);
	/* With a full CQ and more to do it stays awake. */
	env.worker->spin_cycles = UINT64_MAX;
	open_client(&env, &c, 0);
	for (uint64_t i = 0; i < DEPTH; i++)
		assert_true(client_store(&c, i, PAGE_TEXT, i));
	client_submit(&c);
	env_settle(&env);
	assert_true(client_push(&c, &(struct zwire_sqe){.opcode = ZWIRE_OP_STORE_SAME}));
	client_submit(&c);
	env.worker->spin_cycles = 0;
	for (unsigned int i = 0; i < 1000; i++)
		env_poll(&env);
	assert_int_equal(c.queue->state, ZD_QUEUE_POLLED);
	env_client_end(&env, &c);
	env_close(&env);
}

/* A queue that dies: what is under way is posted, then it hangs up; and nothing new is taken. */
static void
test_end_with_operations_in_flight(void **state)
{
	struct zwire_cqe cqes[DEPTH];
	struct test_env env;
	struct test_client c;
	char byte;

	(void)state;
	open_managed(&env);
	for (unsigned int delay = 0; delay < 6; delay++) {
		struct zd_queue *gone = NULL;

		open_client(&env, &c, 0);
		fake_script.delay = delay;
		for (uint64_t i = 0; i < 4; i++)
			assert_true(client_store(&c, i, PAGE_TEXT, delay));
		client_submit(&c);
		env_poll(&env);
		c.queue->state = ZD_QUEUE_DRAINING;
		assert_true(client_store(&c, 5, PAGE_TEXT, 99));
		client_submit(&c);
		while (gone == NULL) {
			assert_int_equal(recv(c.sock, &byte, 1, MSG_DONTWAIT), -1);
			env_poll(&env);
			gone = env_take_gone(&env);
		}
		assert_int_equal(recv(c.sock, &byte, 1, MSG_DONTWAIT), 0);
		assert_int_equal(client_reap(&c, cqes, DEPTH), 4);
		for (uint64_t i = 0; i < 4; i++)
			env_expect(&env, i, PAGE_TEXT, delay);
		env_expect(&env, 5, PAGE_ZERO, 0);
		zd_queue_destroy(gone);
		env_client_close(&c);
	}
	fake_script.delay = 0;
	env_close(&env);
}

/* However few descriptors are left: a proper error, and nothing is left behind. */
static void
test_out_of_descriptors(void **state)
{
	int before, ret = -EMFILE;
	struct rlimit old, low;
	struct test_env env;
	struct zd_queue *q;
	int fds[3];

	(void)state;
	open_managed(&env);
	before = test_open_fds();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	fds[0] = dup(STDIN_FILENO);
	assert_true(fds[0] >= 0);
	low = (struct rlimit){(rlim_t)fds[0], old.rlim_max};
	close(fds[0]);
	for (unsigned int spare = 0; ret != 0; spare++) {
		assert_int_equal(test_open_fds(), before);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
		ret = zd_queue_create(&env.disks[0], DEPTH, &q, fds);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_true(ret == -EMFILE || (ret == 0 && spare == 4));
		low.rlim_cur++;
	}
	close(fds[0]);
	close(fds[1]);
	zd_queue_destroy(q);
	assert_int_equal(test_open_fds(), before);
	env_close(&env);
}

/* The memory cannot be truncated, and says so to whoever holds it. */
static void
test_memory_is_sealed(void **state)
{
	struct test_env env;
	struct zd_queue *q;
	int fds[3];

	(void)state;
	open_managed(&env);
	assert_int_equal(zd_queue_create(&env.disks[0], DEPTH, &q, fds), 0);
	assert_int_equal(q->mem_len, zd_queue_mem_len(&env.disks[0], DEPTH));
	assert_int_equal(ftruncate(fds[0], 0), -1);
	assert_int_equal(ftruncate(fds[0], (off_t)q->mem_len * 2), -1);
	assert_int_equal(fcntl(fds[0], F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW);
	close(fds[0]);
	close(fds[1]);
	zd_queue_destroy(q);
	zd_queue_destroy(NULL);
	env_close(&env);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_stores_of_all_kinds, setup),
	        cmocka_unit_test_setup(test_software, setup),
	        cmocka_unit_test_setup(test_store_same, setup),
	        cmocka_unit_test_setup(test_credit, setup),
	        cmocka_unit_test_setup(test_credit_with_operations_in_flight, setup),
	        cmocka_unit_test_setup(test_impossible_indexes, setup),
	        cmocka_unit_test_setup(test_sqes_that_cannot_be, setup),
	        cmocka_unit_test_setup(test_sqes_that_fail, setup),
	        cmocka_unit_test_setup(test_range_is_a_barrier, setup),
	        cmocka_unit_test_setup(test_long_range, setup),
	        cmocka_unit_test_setup(test_device_errors, setup),
	        cmocka_unit_test_setup(test_incompressible_for_the_device, setup),
	        cmocka_unit_test_setup(test_streams_run_out, setup),
	        cmocka_unit_test_setup(test_policy_software, setup),
	        cmocka_unit_test_setup(test_memory_limit, setup),
	        cmocka_unit_test_setup(test_wakes_the_client, setup),
	        cmocka_unit_test_setup(test_arms_when_idle, setup),
	        cmocka_unit_test_setup(test_end_with_operations_in_flight, setup),
	        cmocka_unit_test_setup(test_out_of_descriptors, setup),
	        cmocka_unit_test_setup(test_memory_is_sealed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
