/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * What a disk's policy makes of stores for which no managed stream is free, poll by poll, over a
 * device that is as slow as it is told.
 */

#include "service_env.h"

#include <errno.h>

#include "fake_backend.h"

#define DEPTH   16u
#define STREAMS 2u
#define SLOW    50u /* polls in which the device is done with nothing */

struct seen {
	unsigned int managed, inlined, refused;
};

static void
open_policy(struct test_env *env, struct test_client *c, struct zcomp_policy policy)
{
	fake_reset();
	env_open(env, &(struct test_env_opts){
	                      .backend = &fake_backend, .stream_depth = STREAMS, .policy = policy});
	env_client_open(env, 0, DEPTH, c);
	env_client_join(env, c);
	fake_script.delay = SLOW;
}

static void
close_policy(struct test_env *env, struct test_client *c)
{
	fake_script.delay = 0;
	env_client_end(env, c);
	env_close(env);
}

static void
store(struct test_client *c, unsigned int nr, uint64_t seed)
{
	for (uint64_t page = 0; page < nr; page++)
		assert_true(client_store(c, page, PAGE_MIXED, seed + page));
	client_submit(c);
}

/* What has come back; of each page it is remembered in @done. */
static void
reap(struct test_client *c, struct seen *seen, bool done[DEPTH])
{
	struct zwire_cqe cqe;

	while (client_reap(c, &cqe, 1) == 1) {
		assert_true(cqe.res == 0 || cqe.res == -EAGAIN);
		if (cqe.res == -EAGAIN)
			seen->refused++;
		else if ((cqe.flags & ZWIRE_CQE_MANAGED) != 0)
			seen->managed++;
		else if ((cqe.flags & ZWIRE_CQE_INLINE) != 0)
			seen->inlined++;
		if (done != NULL)
			done[cqe.user_data % DEPTH] = cqe.res == 0;
	}
}

/* Ten pages at once, all to their end. */
static struct seen
run(struct zcomp_policy policy, uint64_t *spills)
{
	struct seen seen = {0};
	struct test_client c;
	struct test_env env;

	open_policy(&env, &c, policy);
	store(&c, 10, 0);
	env_settle(&env);
	reap(&c, &seen, NULL);
	for (uint64_t page = 0; page < 10 && seen.refused == 0; page++)
		env_expect(&env, page, PAGE_MIXED, page);
	if (spills != NULL)
		*spills = env.worker->stats.spills;
	close_policy(&env, &c);
	return seen;
}

static void
test_inline(void **state)
{
	struct seen seen;

	(void)state;
	seen = run((struct zcomp_policy){ZCOMP_POLICY_INLINE, 0}, NULL);
	assert_int_equal(seen.managed, STREAMS);
	assert_int_equal(seen.inlined, 10 - STREAMS);
}

static void
test_software(void **state)
{
	struct seen seen;

	(void)state;
	seen = run((struct zcomp_policy){ZCOMP_POLICY_SOFTWARE, 0}, NULL);
	assert_int_equal(seen.managed + seen.inlined + seen.refused, 0);
	assert_int_equal(fake_seen.submits, 0);
}

static void
test_retry(void **state)
{
	struct seen seen;

	(void)state;
	seen = run((struct zcomp_policy){ZCOMP_POLICY_RETRY, ZCOMP_RETRY_US_MAX}, NULL);
	assert_int_equal(seen.managed, 10);
	/* A microsecond is over in the next poll or the one after. */
	seen = run((struct zcomp_policy){ZCOMP_POLICY_RETRY, 1}, NULL);
	assert_true(seen.inlined > 0);
	assert_int_equal(seen.managed + seen.inlined, 10);
}

static void
test_spill(void **state)
{
	struct seen seen;
	uint64_t spills;

	(void)state;
	seen = run((struct zcomp_policy){ZCOMP_POLICY_SPILL, 3}, &spills);
	assert_int_equal(spills, 3);
	assert_int_equal(seen.managed, STREAMS + 3);
	assert_int_equal(seen.inlined, 10 - STREAMS - 3);
	seen = run((struct zcomp_policy){ZCOMP_POLICY_SPILL, 100}, &spills);
	assert_int_equal(spills, 10 - STREAMS);
	assert_int_equal(seen.managed, 10);
}

/* What is spilled keeps nobody waiting: later pages of the queue are done before it. */
static void
test_spilled_pages_wait_alone(void **state)
{
	bool done[DEPTH] = {false};
	struct seen seen = {0};
	struct test_client c;
	struct test_env env;

	(void)state;
	open_policy(&env, &c, (struct zcomp_policy){ZCOMP_POLICY_SPILL, 2});
	store(&c, 10, 0);
	for (unsigned int i = 0; i < SLOW / 2; i++)
		env_poll(&env);
	reap(&c, &seen, done);
	assert_int_equal(seen.managed, 0);
	assert_int_equal(seen.inlined, 10 - STREAMS - 2);
	for (unsigned int page = 0; page < 10; page++)
		assert_int_equal(done[page], page >= STREAMS + 2);
	env_settle(&env);
	reap(&c, &seen, done);
	assert_int_equal(seen.managed, STREAMS + 2);
	close_policy(&env, &c);
}

static void
open_limited(struct test_env *env, struct test_client *c, struct zcomp_policy policy)
{
	fake_reset();
	env_open(env, &(struct test_env_opts){.backend = &fake_backend,
	                                      .stream_depth = STREAMS,
	                                      .mem_limit = 64 << 10,
	                                      .policy = policy});
	env_client_open(env, 0, DEPTH, c);
	env_client_join(env, c);
}

/* Ends it all. @return how many pages that do not compress fit */
static unsigned int
fill_and_close(struct test_env *env, struct test_client *c)
{
	struct zwire_cqe cqe = {0};
	unsigned int stored;

	memset(&fake_script, 0, sizeof(fake_script));
	for (uint64_t page = 0; cqe.res == 0; page++) {
		assert_true(page < ENV_PAGES);
		assert_true(client_store(c, page, PAGE_RANDOM, page));
		client_submit(c);
		env_settle(env);
		assert_int_equal(client_reap(c, &cqe, 1), 1);
	}
	assert_int_equal(cqe.res, -ENOSPC);
	stored = (unsigned int)zstore_super(env->disks[0].store)->stat.pages_stored;
	close_policy(env, c);
	return stored;
}

/* How many pages fit, after so many rounds of stores of which most are refused. */
static unsigned int
try_and_fill(unsigned int rounds)
{
	const struct zarena_stat *stat;
	struct seen seen = {0};
	bool done[DEPTH] = {false};
	struct test_client c;
	struct test_env env;

	open_limited(&env, &c, (struct zcomp_policy){ZCOMP_POLICY_TRY, 0});
	stat = &zstore_super(env.disks[0].store)->stat;
	for (uint64_t round = 0; round < rounds; round++) {
		fake_script.delay = SLOW;
		store(&c, 10, round * DEPTH);
		env_poll(&env);
		reap(&c, &seen, done);
		assert_int_equal(seen.refused, (round + 1) * (10 - STREAMS));
		env_settle(&env);
		reap(&c, &seen, done);
	}
	assert_int_equal(seen.managed, rounds * STREAMS);
	assert_int_equal(stat->failed_stores, rounds * (10 - STREAMS));
	assert_int_equal(env.worker->stats.refused, rounds * (10 - STREAMS));
	env_expect(&env, STREAMS, PAGE_ZERO, 0);
	return fill_and_close(&env, &c);
}

/* The same of rounds in which the device fails each page, some of which were spilled. Between them
 * the pages are discarded: a page that is there needs no reservation. */
static unsigned int
fail_and_fill(unsigned int rounds)
{
	struct seen seen = {0};
	struct test_client c;
	struct test_env env;

	open_limited(&env, &c, (struct zcomp_policy){ZCOMP_POLICY_SPILL, 4});
	fake_script.delay = 2;
	fake_script.fail_one_in = 1;
	fake_script.fail_with = -EIO;
	for (uint64_t round = 0; round < rounds; round++) {
		store(&c, 10, round * DEPTH);
		env_settle(&env);
		reap(&c, &seen, NULL);
		assert_true(client_discard(&c, 0, 10, 0));
		client_submit(&c);
		env_settle(&env);
		assert_int_equal(client_reap(&c, (struct zwire_cqe[1]){{0}}, 1), 1);
	}
	assert_int_equal(seen.inlined, rounds * 10);
	assert_int_equal(env.worker->stats.spills > 0, rounds > 0);
	assert_int_equal(env.worker->stats.redone > 0, rounds > 0);
	return fill_and_close(&env, &c);
}

/* The client hears at once, the old content stays, and nothing of the limit is held back. */
static void
test_try(void **state)
{
	unsigned int room;

	(void)state;
	room = try_and_fill(0);
	assert_true(room > STREAMS);
	assert_int_equal(try_and_fill(10), room);
}

/* Nor is anything held back of what a device has failed. */
static void
test_redone_within_the_limit(void **state)
{
	unsigned int room;

	(void)state;
	room = fail_and_fill(0);
	assert_true(room > STREAMS);
	/* A suspect device included. */
	assert_int_equal(fail_and_fill(10), room);
}

/* It may change between two stores, and what waits is then decided anew. */
static void
test_change(void **state)
{
	struct zcomp_policy software = {ZCOMP_POLICY_SOFTWARE, 0};
	struct seen seen = {0};
	struct test_client c;
	struct test_env env;

	(void)state;
	open_policy(&env, &c, (struct zcomp_policy){ZCOMP_POLICY_RETRY, ZCOMP_RETRY_US_MAX});
	store(&c, 10, 0);
	for (unsigned int i = 0; i < SLOW / 2; i++)
		env_poll(&env);
	reap(&c, &seen, NULL);
	assert_int_equal(seen.managed, 0);
	zc_store_relaxed(&env.disks[0].policy, zcomp_policy_pack(&software));
	for (unsigned int i = 0; i < SLOW / 4; i++)
		env_poll(&env);
	/* All but what the device has. */
	assert_int_equal(client_reap(&c, (struct zwire_cqe[DEPTH]){{0}}, DEPTH), 10 - STREAMS);
	env_settle(&env);
	reap(&c, &seen, NULL);
	assert_int_equal(seen.managed, STREAMS);
	close_policy(&env, &c);
}

/* A queue whose client is gone ends all the same, with pages in the spill list. */
static void
test_death_with_spilled_pages(void **state)
{
	struct test_client c;
	struct test_env env;

	(void)state;
	open_policy(&env, &c, (struct zcomp_policy){ZCOMP_POLICY_SPILL, 100});
	store(&c, 10, 0);
	env_poll(&env);
	assert_int_equal(env.worker->batches[0].nr_spilled, 10 - STREAMS);
	env_client_end(&env, &c);
	assert_int_equal(env.worker->batches[0].nr_spilled, 0);
	env_close(&env);
}

/* A device that fails each page costs the client none. */
static void
test_redone(void **state)
{
	struct seen seen = {0};
	struct test_client c;
	struct test_env env;

	(void)state;
	open_policy(&env, &c, (struct zcomp_policy){ZCOMP_POLICY_SPILL, 100});
	fake_script.delay = 0;
	fake_script.fail_one_in = 1;
	fake_script.fail_with = -EIO;
	store(&c, 10, 0);
	env_settle(&env);
	reap(&c, &seen, NULL);
	assert_int_equal(seen.inlined, 10);
	assert_int_equal(env.worker->stats.redone, 10);
	for (uint64_t page = 0; page < 10; page++)
		env_expect(&env, page, PAGE_MIXED, page);
	close_policy(&env, &c);
}

/* A device that never answers costs time, and no page. */
static void
test_given_up(void **state)
{
	struct seen seen = {0};
	struct test_client c;
	struct test_env env;

	(void)state;
	fake_reset();
	env_open(&env, &(struct test_env_opts){
	                       .backend = &fake_backend, .stream_depth = STREAMS, .hang_ns = 1});
	env_client_open(&env, 0, DEPTH, &c);
	env_client_join(&env, &c);
	fake_devs[0].hang = true;
	store(&c, 10, 0);
	env_settle(&env);
	reap(&c, &seen, NULL);
	assert_int_equal(seen.inlined, 10);
	assert_int_equal(env.worker->stats.redone, STREAMS);
	for (uint64_t page = 0; page < 10; page++)
		env_expect(&env, page, PAGE_MIXED, page);
	env_client_end(&env, &c);
	/* What comes out in the end is nobody's. */
	assert_int_equal(fake_flying(&fake_devs[0], 0), STREAMS);
	fake_devs[0].hang = false;
	env_poll(&env);
	assert_int_equal(fake_devs[0].watches[0].stats.late, STREAMS);
	env_close(&env);
}

/* One of two devices takes nothing: what waits for the other goes on. */
static void
test_full_device(void **state)
{
	struct seen seen = {0};
	struct test_client c;
	struct test_env env;

	(void)state;
	open_policy(&env, &c, (struct zcomp_policy){ZCOMP_POLICY_TRY, 0});
	assert_int_equal(zcomp_add(env.compressors.entries[0].comp, &fake_backend, &fake_devs[1]),
	                 0);
	fake_script.delay = 0;
	fake_devs[0].refuse = true;
	store(&c, 2 * STREAMS, 0);
	for (unsigned int i = 0; i < 4 * STREAMS; i++)
		env_poll(&env);
	reap(&c, &seen, NULL);
	assert_int_equal(seen.managed, STREAMS);
	assert_int_equal(fake_devs[1].taken, STREAMS);
	fake_devs[0].refuse = false;
	env_settle(&env);
	reap(&c, &seen, NULL);
	assert_int_equal(seen.managed, 2 * STREAMS);
	close_policy(&env, &c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_inline),
	        cmocka_unit_test(test_software),
	        cmocka_unit_test(test_retry),
	        cmocka_unit_test(test_spill),
	        cmocka_unit_test(test_spilled_pages_wait_alone),
	        cmocka_unit_test(test_try),
	        cmocka_unit_test(test_redone_within_the_limit),
	        cmocka_unit_test(test_change),
	        cmocka_unit_test(test_death_with_spilled_pages),
	        cmocka_unit_test(test_redone),
	        cmocka_unit_test(test_given_up),
	        cmocka_unit_test(test_full_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
