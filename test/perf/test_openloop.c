/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The open loop, over a clock that goes as the test likes. */

#include "test_util.h"

#include <errno.h>
#include <string.h>

#include "openloop.h"

#define NR 100u

/* Operations take a time each and are done one at a time, or by poll(). */
struct script {
	uint64_t now;
	uint64_t takes_ns;
	unsigned int stall_at; /* this one takes stall_ns; counted from 1 */
	uint64_t stall_ns;
	bool later;        /* poll() completes them */
	unsigned int room; /* for those that wait for poll() */
	unsigned int fails_at;
	uint64_t intended[NR];
	unsigned int nr_begun, nr_polled;
};

static uint64_t
now(void *arg)
{
	return ((struct script *)arg)->now += 10;
}

static int
begin(void *arg, struct openloop *o, uint64_t intended_ns)
{
	struct script *s = (struct script *)arg;

	if (s->later && s->nr_begun - s->nr_polled == s->room)
		return -EAGAIN;
	if (s->nr_begun + 1 == s->fails_at)
		return -EIO;
	assert_true(intended_ns <= s->now);
	s->intended[s->nr_begun++] = intended_ns;
	s->now += s->nr_begun == s->stall_at ? s->stall_ns : s->takes_ns;
	if (!s->later)
		openloop_done(o, intended_ns, s->now);
	return 0;
}

static int
poll_script(void *arg, struct openloop *o)
{
	struct script *s = (struct script *)arg;

	for (; s->later && s->nr_polled < s->nr_begun; s->nr_polled++)
		openloop_done(o, s->intended[s->nr_polled], s->now);
	return 0;
}

static int
run(struct script *s, struct openloop *o)
{
	/* One each microsecond. */
	*o = (struct openloop){
	        .rate = 1e6, .nr = NR, .now = now, .begin = begin, .poll = poll_script, .arg = s};
	return openloop_run(o);
}

static void
test_schedule(void **state)
{
	static struct openloop o;
	struct script s = {.now = 5000, .takes_ns = 100};

	(void)state;
	assert_int_equal(run(&s, &o), 0);
	assert_int_equal(o.done, NR);
	assert_int_equal(o.begun, NR);
	for (unsigned int i = 0; i < NR; i++)
		assert_int_equal(s.intended[i], s.intended[0] + i * 1000);
	assert_true(o.hist.max < 200);
	assert_true(o.elapsed_ns > (NR - 1) * 1000 && o.elapsed_ns < (NR + 1) * 1000);
}

/* All that should have come during a stall waits for its rest, and all that waits is counted. */
static void
test_stall_counts_for_all(void **state)
{
	static struct openloop o;
	struct script s = {.takes_ns = 10, .stall_at = 11, .stall_ns = 50000};

	(void)state;
	assert_int_equal(run(&s, &o), 0);
	assert_int_equal(o.hist.count, NR);
	assert_true(zc_hist_percentile(&o.hist, 40) < 1000);
	/* 50 of 100 are delayed, by 25 us in the mean. */
	assert_true(zc_hist_percentile(&o.hist, 60) > 1000);
	assert_true(zc_hist_percentile(&o.hist, 75) > 20000);
	assert_true(o.hist.sum > 50u * 25000u);
}

/* Slower than the rate: the delay grows to the end, and nothing is left out. */
static void
test_too_slow(void **state)
{
	static struct openloop o;
	struct script s = {.takes_ns = 2000};

	(void)state;
	assert_int_equal(run(&s, &o), 0);
	assert_int_equal(o.hist.count, NR);
	assert_true(o.hist.max >= NR * 1000);
	assert_true(o.elapsed_ns >= NR * 2000);
}

static void
test_no_room(void **state)
{
	static struct openloop o;
	struct script s = {.takes_ns = 1500, .later = true, .room = 1};

	(void)state;
	assert_int_equal(run(&s, &o), 0);
	assert_int_equal(o.hist.count, NR);
	for (unsigned int i = 0; i < NR; i++)
		assert_int_equal(s.intended[i], s.intended[0] + i * 1000);
	assert_true(o.hist.max >= NR * 500);
}

static void
test_failure(void **state)
{
	static struct openloop o;
	struct script s = {.takes_ns = 100, .fails_at = 7};

	(void)state;
	assert_int_equal(run(&s, &o), -EIO);
	assert_int_equal(o.begun, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_schedule), cmocka_unit_test(test_stall_counts_for_all),
	        cmocka_unit_test(test_too_slow), cmocka_unit_test(test_no_room),
	        cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
