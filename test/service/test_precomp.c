/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Objects that clients compressed, poll by poll: what is taken and what is refused, in which order
 * they take effect, and that bytes which are no page of any codec hurt nobody but their page.
 */

#include "service_env.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_backend.h"
#include "store/store_private.h"

#define DEPTH 8u

static struct test_env env;
static struct test_client c;

static void
open_all(const struct test_env_opts *opts)
{
	struct test_env_opts with_objects = *opts;

	fake_reset();
	with_objects.flags = ZARENA_PRECOMP;
	env_open(&env, &with_objects);
	env_client_open(&env, 0, DEPTH, &c);
	env_client_join(&env, &c);
}

static void
close_all(void)
{
	env_client_end(&env, &c);
	env_close(&env);
}

/* Stages bytes as they are. */
static void
push_bytes(uint64_t page, const void *bytes, uint32_t len, uint8_t prio, uint64_t tag)
{
	struct zwire_sqe sqe = {.opcode = ZWIRE_OP_STORE_PRECOMP,
	                        .page = page,
	                        .arg = zwire_precomp_arg(len, prio)};

	assert_true(c.nr_free > 0);
	memcpy(c.bufs + (size_t)c.free[c.nr_free - 1] * c.page_size, bytes,
	       len < c.page_size ? len : c.page_size);
	assert_true(client_op(&c, sqe, tag));
}

static struct zwire_cqe
run_one(void)
{
	struct zwire_cqe cqe;

	client_submit(&c);
	env_settle(&env);
	assert_int_equal(client_reap(&c, &cqe, 1), 1);
	return cqe;
}

static uint64_t
failed_stores(void)
{
	return zstore_super(env.disks[0].store)->stat.failed_stores;
}

static void
store_objects(uint32_t page_size)
{
	struct zcomp_stats stats;

	open_all(&(struct test_env_opts){.page_size = page_size});
	for (uint64_t page = 0; page < ENV_PAGES; page++) {
		enum page_kind kind = page % 2 == 0 ? PAGE_TEXT : PAGE_MIXED;
		struct zwire_cqe cqe;

		assert_true(client_store_object(&c, page, kind, page));
		cqe = run_one();
		assert_int_equal(cqe.res, 0);
		assert_int_equal(cqe.flags, ZWIRE_CQE_CLIENT);
		env_expect(&env, page, kind, page);
	}
	zcomp_stats(env.compressors.entries[0].comp, 0, &stats);
	assert_int_equal(stats.percpu + stats.managed, 0);
	assert_int_equal(zstore_super(env.disks[0].store)->stat.pages_stored, ENV_PAGES);
	assert_int_equal(failed_stores(), 0);
	close_all();
}

static void
test_objects(void **state)
{
	(void)state;
	store_objects(1024);
	store_objects(4096);
	store_objects(65536);
}

static void
test_refused(void **state)
{
	uint8_t bytes[ENV_PAGE_SIZE] = {1};
	uint32_t huge;

	(void)state;
	open_all(&(struct test_env_opts){0});
	huge = zstore_huge_len(env.disks[0].store);
	assert_int_equal(zstore_super(env.disks[0].store)->huge_len, huge);
	push_bytes(1, bytes, huge, 0, 1);
	assert_int_equal(run_one().res, -EINVAL);
	push_bytes(1, bytes, ENV_PAGE_SIZE, 0, 1);
	assert_int_equal(run_one().res, -EINVAL);
	push_bytes(1, bytes, ZWIRE_OBJ_LEN_MAX, 0, 1);
	assert_int_equal(run_one().res, -EINVAL);
	push_bytes(1, bytes, 100, 3, 1); /* there are three codecs */
	assert_int_equal(run_one().res, -EINVAL);
	push_bytes(ENV_PAGES, bytes, 100, 0, 1);
	assert_int_equal(run_one().res, -ERANGE);
	assert_int_equal(failed_stores(), 5);
	env_expect(&env, 1, PAGE_ZERO, 0);
	push_bytes(1, bytes, huge - 1, 0, 1);
	assert_int_equal(run_one().res, 0);
	push_bytes(1, bytes, 1, 1, 1);
	assert_int_equal(run_one().res, 0);
	assert_int_equal(failed_stores(), 5);
	close_all();
}

static void
test_disk_not_made_for_it(void **state)
{
	(void)state;
	env_open(&env, &(struct test_env_opts){0});
	env_client_open(&env, 0, DEPTH, &c);
	env_client_join(&env, &c);
	assert_true(client_store(&c, 1, PAGE_MIXED, 1));
	assert_int_equal(run_one().res, 0);
	assert_true(client_store_object(&c, 1, PAGE_TEXT, 2));
	assert_int_equal(run_one().res, -EOPNOTSUPP);
	assert_int_equal(failed_stores(), 1);
	env_expect(&env, 1, PAGE_MIXED, 1);
	close_all();
}

/* Behind a store that its device has not done yet, and before another one. */
static void
test_order_on_one_page(void **state)
{
	struct zwire_cqe cqes[DEPTH];

	(void)state;
	open_all(&(struct test_env_opts){.backend = &fake_backend, .stream_depth = 32});
	fake_script.delay = 3;
	assert_true(client_store(&c, 5, PAGE_TEXT, 1));
	assert_true(client_store_object(&c, 5, PAGE_TEXT, 2));
	assert_true(client_store(&c, 5, PAGE_MIXED, 3));
	assert_true(client_discard(&c, 5, 1, 4));
	assert_true(client_store_object(&c, 5, PAGE_MIXED, 5));
	assert_true(client_store_object(&c, 6, PAGE_MIXED, 6));
	client_submit(&c);
	env_settle(&env);
	assert_int_equal(client_reap(&c, cqes, DEPTH), 6);
	/* The other page waits for nobody. */
	assert_int_equal(cqes[0].user_data, 6);
	for (uint64_t i = 1; i < 6; i++) {
		assert_int_equal(cqes[i].res, 0);
		assert_int_equal(cqes[i].user_data, i);
		assert_true(((cqes[i].flags & ZWIRE_CQE_CLIENT) != 0) == (i == 2 || i == 5));
	}
	env_expect(&env, 5, PAGE_MIXED, 5);
	env_expect(&env, 6, PAGE_MIXED, 6);
	close_all();
}

/* Another client's object passes through the worker. */
static void
pass_another(struct test_client *other)
{
	struct zwire_cqe cqe;

	assert_true(client_store_object(other, 4, PAGE_TEXT, 4));
	client_submit(other);
	env_poll(&env);
	assert_int_equal(client_reap(other, &cqe, 1), 1);
	assert_int_equal(cqe.res, 0);
}

/* While it waits for the store's lock its client changes the bytes, and another one's object goes
 * the same way: what is stored is one copy of its own. */
static void
test_scribbled_while_it_waits(void **state)
{
	_Alignas(8) uint8_t got[ENV_PAGE_SIZE + ZOBJ_GRANULE];
	uint8_t bytes[1000];
	struct test_client other;
	struct zreader_page found;
	struct zwire_cqe cqe;
	uint32_t buf;

	(void)state;
	open_all(&(struct test_env_opts){0});
	env_client_open(&env, 1, DEPTH, &other);
	env_client_join(&env, &other);
	memset(bytes, 1, sizeof(bytes));
	push_bytes(3, bytes, sizeof(bytes), 0, 1);
	buf = c.free[c.nr_free];
	zstore_lock(env.disks[0].store);
	client_submit(&c);
	for (unsigned int i = 0; i < 5; i++)
		assert_true(env_poll(&env));
	assert_int_equal(client_reap(&c, &cqe, 1), 0);
	memset(c.bufs + (size_t)buf * c.page_size, 2, c.page_size);
	pass_another(&other);
	zc_trylock_drop(&env.disks[0].store->lock);
	env_settle(&env);
	memset(c.bufs + (size_t)buf * c.page_size, 3, c.page_size);
	assert_int_equal(zreader_fetch(&env.readers[0], 3, got, &found), 0);
	assert_int_equal(found.kind, ZSLOT_OBJ);
	assert_int_equal(found.prio, 0);
	assert_int_equal(found.len, sizeof(bytes));
	assert_in_range(got[0], 1, 2);
	for (uint32_t i = 1; i < found.len; i++)
		assert_int_equal(got[i], got[0]);
	assert_int_equal(client_reap(&c, &cqe, 1), 1);
	assert_int_equal(cqe.res, 0);
	env_client_end(&env, &other);
	close_all();
}

static void
test_memory_limit(void **state)
{
	uint8_t bytes[3000] = {1};
	uint64_t page = 0;
	int res;

	(void)state;
	open_all(&(struct test_env_opts){.mem_limit = 64 << 10});
	do {
		push_bytes(page, bytes, sizeof(bytes), 0, page);
		res = run_one().res;
	} while (res == 0 && ++page < ENV_PAGES);
	assert_int_equal(res, -ENOSPC);
	assert_true(page > 0 && page < ENV_PAGES);
	assert_int_equal(failed_stores(), 1);
	assert_true(zstore_super(env.disks[0].store)->stat.mem_used <= 64 << 10);
	/* One like it takes its place. */
	push_bytes(0, bytes, sizeof(bytes), 0, 0);
	assert_int_equal(run_one().res, 0);
	close_all();
}

/* A queue that dies: an object that was taken is stored, or nobody ever hears of it. */
static void
test_end_with_objects_in_flight(void **state)
{
	struct zd_queue *gone = NULL;
	struct zwire_cqe cqes[DEPTH];

	(void)state;
	open_all(&(struct test_env_opts){.backend = &fake_backend, .stream_depth = 32});
	fake_script.delay = 4;
	assert_true(client_store(&c, 1, PAGE_TEXT, 1));
	assert_true(client_store_object(&c, 1, PAGE_MIXED, 2));
	client_submit(&c);
	env_poll(&env);
	c.queue->state = ZD_QUEUE_DRAINING;
	assert_true(client_store_object(&c, 2, PAGE_MIXED, 3));
	client_submit(&c);
	while (gone == NULL) {
		env_poll(&env);
		gone = env_take_gone(&env);
	}
	assert_int_equal(client_reap(&c, cqes, DEPTH), 2);
	assert_int_equal(cqes[1].res, 0);
	env_expect(&env, 1, PAGE_MIXED, 2);
	env_expect(&env, 2, PAGE_ZERO, 0);
	zd_queue_destroy(gone);
	env_client_close(&c);
	env_close(&env);
}

/* Stores bytes that are no page and expects the load to say so, into memory of just a page. */
static void
expect_bad(const void *bytes, uint32_t len, uint8_t prio)
{
	uint8_t *page = (uint8_t *)malloc(c.page_size);

	assert_non_null(page);
	push_bytes(9, bytes, len, prio, 9);
	assert_int_equal(run_one().res, 0);
	assert_int_equal(env_load(&env, 0, 9, page), -EBADMSG);
	free(page);
}

static void
hostile_objects(uint32_t page_size)
{
	static uint8_t content[2 * 65536], object[4 * 65536], ctx[1 << 15];
	uint64_t seed = page_size;
	int len;

	assert_true(zcodec_lz4.ctx_len() <= sizeof(ctx));
	open_all(&(struct test_env_opts){.page_size = page_size});
	for (unsigned int i = 0; i < 200; i++) {
		test_random_fill(&seed, object, page_size);
		expect_bad(object, 1 + (uint32_t)(test_random(&seed) % (page_size / 2)), i % 3);
	}
	/* All cuts of a good one, and what would make more than a page, or less. */
	memset(content, 'a', sizeof(content));
	page_fill(content, page_size / 4, PAGE_RANDOM, 1);
	len = zcodec_lz4.compress(ctx, 1, content, page_size, object, sizeof(object));
	assert_true(len > 0 && (uint32_t)len < page_size / 2);
	for (uint32_t cut = 1; cut < (uint32_t)len; cut += 1 + cut / 16)
		expect_bad(object, cut, 0);
	len = zcodec_lz4.compress(ctx, 1, content, page_size + 8, object, sizeof(object));
	expect_bad(object, (uint32_t)len, 0);
	len = zcodec_lz4.compress(ctx, 1, content, 2 * page_size, object, sizeof(object));
	expect_bad(object, (uint32_t)len, 0);
	len = zcodec_lz4.compress(ctx, 1, content, page_size - 1, object, sizeof(object));
	expect_bad(object, (uint32_t)len, 0);
	/* The page is as good as any other for who stores it anew. */
	assert_true(client_store(&c, 9, PAGE_TEXT, 10));
	assert_int_equal(run_one().res, 0);
	env_expect(&env, 9, PAGE_TEXT, 10);
	close_all();
}

static void
test_hostile_objects(void **state)
{
	(void)state;
	hostile_objects(1024);
	hostile_objects(4096);
	hostile_objects(65536);
}

/* A good object under the name of another codec. */
static void
test_wrong_codec(void **state)
{
	uint8_t content[ENV_PAGE_SIZE], object[2 * ENV_PAGE_SIZE];
	static uint8_t ctx[1 << 15];
	int len;

	(void)state;
	open_all(&(struct test_env_opts){.backend = &fake_backend, .stream_depth = 32});
	page_fill(content, sizeof(content), PAGE_TEXT, 1);
	len = zcodec_lz4.compress(ctx, 1, content, sizeof(content), object, sizeof(object));
	expect_bad(object, (uint32_t)len, 0); /* null, which copies */
	push_bytes(9, object, (uint32_t)len, 1, 1);
	assert_int_equal(run_one().res, 0);
	env_expect(&env, 9, PAGE_TEXT, 1);
	close_all();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_objects),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_disk_not_made_for_it),
	        cmocka_unit_test(test_order_on_one_page),
	        cmocka_unit_test(test_scribbled_while_it_waits),
	        cmocka_unit_test(test_memory_limit),
	        cmocka_unit_test(test_end_with_objects_in_flight),
	        cmocka_unit_test(test_hostile_objects),
	        cmocka_unit_test(test_wrong_codec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
