/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Operations on one page through one queue take effect in the order of submission, whichever way
 * each goes. Random stores, precompressed or not, same-filled stores, discards, ranges and mistakes
 * on a few pages, over a backend that delays, reverses, refuses and fails as it likes.
 */

#include "service_env.h"

#include <errno.h>

#include "fake_backend.h"

#define DEPTH      32u
#define PAGES      4u
#define OPS        (20000u / TEST_SLOW)
#define RING_PAGES 256u /* operations whose page is remembered: more than can be in flight */

/* What the test expects. Operations are numbered from 1 on; the number is the tag and the seed. */
struct shadow {
	struct {
		enum page_kind kind;
		uint64_t seed;
		uint64_t last_seen; /* the newest operation whose completion came */
	} pages[PAGES];
	struct {
		uint64_t first, nr; /* pages */
		int res;
	} ops[RING_PAGES];
	uint64_t next;
	uint64_t reaped;
};

static void
change_script(uint64_t *seed)
{
	fake_script.delay = (unsigned int)(test_random(seed) % 4);
	fake_script.take_max = (unsigned int)(test_random(seed) % 4);
	fake_script.reverse = test_random(seed) % 2 == 0;
	fake_script.fail_one_in = (unsigned int)(test_random(seed) % 4);
	fake_script.fail_with = -EIO;
}

static void
set_expected(struct shadow *s, uint64_t first, uint64_t nr, enum page_kind kind, uint64_t seed)
{
	for (uint64_t page = first; page < first + nr; page++) {
		s->pages[page].kind = kind;
		s->pages[page].seed = seed;
	}
}

/* @return whether it was taken */
static bool
push_random(struct shadow *s, struct test_client *c, uint64_t *seed)
{
	uint64_t what = test_random(seed) % 100, page = test_random(seed) % PAGES, nr = 1;
	enum page_kind kind = PAGE_ZERO;
	bool taken;
	int res = 0;

	if (what < 60) {
		kind = (enum page_kind)(test_random(seed) % PAGE_KINDS);
		taken = what < 45 ? client_store(c, page, kind, s->next)
		                  : client_store_object(c, page, kind, s->next);
	} else if (what < 75) {
		taken = client_op(c,
		                  (struct zwire_sqe){.opcode = ZWIRE_OP_STORE_SAME, .page = page},
		                  s->next);
	} else if (what < 90) {
		taken = client_discard(c, page, 1, s->next);
	} else if (what < 97) {
		nr = 1 + test_random(seed) % (PAGES - page);
		taken = client_discard(c, page, nr, s->next);
	} else {
		res = -ERANGE;
		taken = client_discard(c, page, ENV_PAGES + 1, s->next);
	}
	if (!taken)
		return false;
	s->ops[s->next % RING_PAGES].first = page;
	s->ops[s->next % RING_PAGES].nr = nr;
	s->ops[s->next % RING_PAGES].res = res;
	if (res == 0)
		set_expected(s, page, nr, kind, s->next);
	s->next++;
	return true;
}

/* Completions of one page come in its order; a range's are behind all before it. */
static void
check_completion(struct shadow *s, const struct zwire_cqe *cqe)
{
	uint64_t op = cqe->user_data;

	assert_true(op >= 1 && op < s->next && s->next - op < RING_PAGES);
	s->reaped++;
	assert_int_equal(cqe->res, s->ops[op % RING_PAGES].res);
	if (cqe->res != 0)
		return;
	for (uint64_t i = 0; i < s->ops[op % RING_PAGES].nr; i++) {
		uint64_t page = s->ops[op % RING_PAGES].first + i;

		assert_true(op > s->pages[page].last_seen);
		s->pages[page].last_seen = op;
	}
}

static void
reap_some(struct shadow *s, struct test_client *c, unsigned int max)
{
	struct zwire_cqe cqe;

	while (max-- > 0 && client_reap(c, &cqe, 1) == 1)
		check_completion(s, &cqe);
}

static void
check_pages(struct test_env *env, const struct shadow *s)
{
	for (uint64_t page = 0; page < PAGES; page++)
		env_expect(env, page, s->pages[page].kind, s->pages[page].seed);
}

static void
run(const struct test_env_opts *opts, uint64_t seed)
{
	struct test_env_opts with_objects = *opts;
	struct shadow s = {.next = 1};
	struct test_client c;
	struct test_env env;

	fake_reset();
	with_objects.flags = ZARENA_PRECOMP;
	env_open(&env, &with_objects);
	env_client_open(&env, 0, DEPTH, &c);
	env_client_join(&env, &c);
	while (s.next <= OPS) {
		for (uint64_t i = test_random(&seed) % 12; i > 0; i--)
			push_random(&s, &c, &seed);
		client_submit(&c);
		for (uint64_t i = test_random(&seed) % 4; i > 0; i--)
			env_poll(&env);
		reap_some(&s, &c, (unsigned int)(test_random(&seed) % 16));
		if (test_random(&seed) % 50 == 0)
			change_script(&seed);
		/* Now and then all that was submitted must be there. */
		if (test_random(&seed) % 20 == 0) {
			do {
				env_settle(&env);
				reap_some(&s, &c, DEPTH);
			} while (s.reaped < s.next - 1);
			check_pages(&env, &s);
		}
	}
	memset(&fake_script, 0, sizeof(fake_script));
	env_settle(&env);
	reap_some(&s, &c, DEPTH);
	env_settle(&env);
	reap_some(&s, &c, DEPTH);
	assert_int_equal(s.reaped, s.next - 1);
	check_pages(&env, &s);
	env_client_end(&env, &c);
	env_close(&env);
}

static void
test_managed_streams(void **state)
{
	(void)state;
	run(&(struct test_env_opts){.backend = &fake_backend, .stream_depth = 32}, 1);
}

static void
test_few_managed_streams(void **state)
{
	(void)state;
	run(&(struct test_env_opts){.backend = &fake_backend, .stream_depth = 3}, 2);
}

static void
test_managed_streams_only(void **state)
{
	(void)state;
	run(&(struct test_env_opts){.backend = &fake_backend,
	                            .stream_depth = 2,
	                            .policy = {ZCOMP_POLICY_RETRY, ZCOMP_RETRY_US_MAX}},
	    3);
}

static void
test_spilled(void **state)
{
	(void)state;
	run(&(struct test_env_opts){.backend = &fake_backend,
	                            .stream_depth = 2,
	                            .policy = {ZCOMP_POLICY_SPILL, 3}},
	    6);
}

static void
test_adaptive(void **state)
{
	(void)state;
	run(&(struct test_env_opts){.backend = &fake_backend,
	                            .stream_depth = 4,
	                            .policy = {ZCOMP_POLICY_ADAPTIVE, 0}},
	    7);
}

static void
test_software(void **state)
{
	(void)state;
	run(&(struct test_env_opts){.policy = {.kind = ZCOMP_POLICY_SOFTWARE}}, 4);
}

/* Near the limit reservations are in each other's way, and have to wait for one another. */
static void
test_near_the_limit(void **state)
{
	(void)state;
	run(&(struct test_env_opts){.backend = &fake_backend,
	                            .stream_depth = 8,
	                            .mem_limit = 256 << 10},
	    5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_managed_streams),
	        cmocka_unit_test(test_few_managed_streams),
	        cmocka_unit_test(test_managed_streams_only),
	        cmocka_unit_test(test_spilled),
	        cmocka_unit_test(test_adaptive),
	        cmocka_unit_test(test_software),
	        cmocka_unit_test(test_near_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
