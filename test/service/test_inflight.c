/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The table of pages in flight against a shadow: a list of each page's operations, in order. */

#include "test_util.h"

#include "inflight.h"

#define DEPTH  64u
#define PAGES  12u
#define ROUNDS (200000u / TEST_SLOW)

struct shadow {
	struct zd_inflight table;
	struct zd_op ops[DEPTH];
	uint64_t pages[PAGES];
	unsigned int lists[PAGES][DEPTH]; /* of operations; the first one runs */
	unsigned int nr[PAGES];
	unsigned int free[DEPTH];
	unsigned int nr_free;
};

static void
open_shadow(struct shadow *s, uint64_t stride)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(zd_inflight_init(&s->table, DEPTH), 0);
	for (unsigned int i = 0; i < DEPTH; i++)
		s->free[s->nr_free++] = i;
	for (unsigned int i = 0; i < PAGES; i++)
		s->pages[i] = i * stride;
}

static void
add(struct shadow *s, unsigned int page)
{
	unsigned int op = s->free[--s->nr_free];

	/* What an earlier use left must not matter. */
	memset(&s->ops[op], 0xa5, sizeof(s->ops[op]));
	s->ops[op].sqe.page = s->pages[page];
	assert_int_equal(zd_inflight_add(&s->table, &s->ops[op]), s->nr[page] == 0);
	s->lists[page][s->nr[page]++] = op;
}

/* Completes the operation that runs on a page. */
static void
complete(struct shadow *s, unsigned int page)
{
	unsigned int op = s->lists[page][0];
	struct zd_op *next = zd_inflight_del(&s->table, &s->ops[op]);

	s->nr[page]--;
	memmove(s->lists[page], s->lists[page] + 1, s->nr[page] * sizeof(s->lists[page][0]));
	if (s->nr[page] > 0)
		assert_ptr_equal(next, &s->ops[s->lists[page][0]]);
	else
		assert_null(next);
	s->free[s->nr_free++] = op;
}

static void
assert_empty(const struct shadow *s)
{
	for (uint32_t i = 0; i <= s->table.mask; i++)
		assert_null(s->table.buckets[i]);
}

static void
run(uint64_t stride, uint64_t seed)
{
	static struct shadow s;

	open_shadow(&s, stride);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int page = (unsigned int)(test_random(&seed) % PAGES);

		/* Now and then it fills up, and now and then it runs empty. */
		if (s.nr_free > 0 && test_random(&seed) % 100 < (i & 0x400 ? 55 : 45))
			add(&s, page);
		else if (s.nr[page] > 0)
			complete(&s, page);
	}
	for (unsigned int page = 0; page < PAGES; page++) {
		while (s.nr[page] > 0)
			complete(&s, page);
	}
	assert_empty(&s);
	zd_inflight_fini(&s.table);
}

static void
test_neighbouring_pages(void **state)
{
	(void)state;
	run(1, 1);
}

static void
test_pages_far_apart(void **state)
{
	(void)state;
	run(1ull << 40, 2);
}

/* The hash takes bits 32 to 38 of the product: these pages differ only below. */
static void
test_pages_of_one_bucket(void **state)
{
	(void)state;
	/* The inverse of the hash's factor: page i becomes i, and its upper half is 0. */
	run(0xf1de83e19937733dull, 3);
}

static void
test_one_page_all_the_depth(void **state)
{
	static struct shadow s;

	(void)state;
	open_shadow(&s, 1);
	while (s.nr_free > 0)
		add(&s, 5);
	while (s.nr[5] > 0)
		complete(&s, 5);
	assert_empty(&s);
	zd_inflight_fini(&s.table);
}

/* An operation that failed its check was never entered. */
static void
test_del_of_what_is_not_in_it(void **state)
{
	static struct shadow s;
	struct zd_op stranger = {.sqe.page = 7};

	(void)state;
	open_shadow(&s, 1);
	add(&s, 7);
	assert_null(zd_inflight_del(&s.table, &stranger));
	add(&s, 7);
	complete(&s, 7);
	complete(&s, 7);
	assert_empty(&s);
	zd_inflight_fini(&s.table);
	zd_inflight_fini(&s.table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_neighbouring_pages),
	        cmocka_unit_test(test_pages_far_apart),
	        cmocka_unit_test(test_pages_of_one_bucket),
	        cmocka_unit_test(test_one_page_all_the_depth),
	        cmocka_unit_test(test_del_of_what_is_not_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
