/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The watch alone: ages, pages that stay away, devices that hang, refuse or fail, and how they are
 * trusted again. Time is a number, and a device is what the test calls in its name.
 */

#include <errno.h>

#include "test_util.h"

#include "comp/watch.h"
#include "comp/zcomp.h"

#define NR 64u
#define MS UINT64_C(1000000)

static struct zcomp_watch watch;
static struct zcomp_strm strms[NR];
static uint64_t now_ns;

static int
set_up(void **state)
{
	(void)state;
	zcomp_watch_init(&watch, 0);
	memset(strms, 0, sizeof(strms));
	now_ns = 1000 * MS;
	return 0;
}

static struct zcomp_watch_stats
stats(void)
{
	struct zcomp_watch_stats out;

	memset(&out, 0xff, sizeof(out));
	zcomp_watch_stats(&watch, &out);
	return out;
}

/* The device takes @nr streams from number @first on. */
static void
take(unsigned int first, unsigned int nr)
{
	struct zcomp_strm *burst[NR];

	for (unsigned int i = 0; i < nr; i++)
		burst[i] = &strms[first + i];
	zcomp_watch_submitted(&watch, burst, nr, now_ns);
}

static void
refuse(void)
{
	zcomp_watch_submitted(&watch, NULL, 0, now_ns);
}

/* The device returns one, at this very moment: an earlier poll has not found it. */
static bool
give(unsigned int nr, int32_t result)
{
	struct zcomp_strm *out;

	assert_int_equal(zcomp_watch_take(&watch, &out, 0, now_ns), 0);
	strms[nr].result = result;
	return zcomp_watch_done(&watch, &strms[nr], now_ns);
}

/* Nothing is given up. */
static void
expect_none(void)
{
	struct zcomp_strm *out[NR];

	assert_int_equal(zcomp_watch_take(&watch, out, NR, now_ns), 0);
}

/* Those from @first on are given up, in the order of their submission, and no others. */
static void
expect_given_up(unsigned int first, unsigned int nr)
{
	struct zcomp_strm *out[NR];

	assert_int_equal(zcomp_watch_take(&watch, out, NR, now_ns), nr);
	for (unsigned int i = 0; i < nr; i++) {
		assert_ptr_equal(out[i], &strms[first + i]);
		assert_int_equal(out[i]->result, -EIO);
		assert_true(out[i]->lost);
	}
	expect_none();
}

/* One page of that age, alone on the device. */
static void
age_once(uint64_t age_ns)
{
	take(0, 1);
	now_ns += age_ns;
	assert_true(give(0, 1));
}

static void
test_init(void **state)
{
	struct zcomp_watch_stats none = {0}, got = stats();

	(void)state;
	assert_memory_equal(&got, &none, sizeof(none));
	assert_false(zcomp_watch_suspect(&watch));
	assert_true(zcomp_watch_idle(&watch));
	assert_true(zcomp_watch_probe(&watch, 0));
	assert_int_equal(zcomp_watch_expected_ns(&watch), 0);
	assert_int_equal(watch.hang_ns, ZCOMP_HANG_NS);
	expect_none();
	zcomp_watch_init(&watch, 77);
	assert_int_equal(watch.hang_ns, 77);
}

static void
test_counters(void **state)
{
	(void)state;
	take(0, 3);
	assert_int_equal(stats().in_flight, 3);
	assert_false(zcomp_watch_idle(&watch));
	now_ns += 10;
	/* From the middle, the end and the beginning of the list. */
	assert_true(give(1, 100));
	assert_true(give(2, -ENOSPC));
	assert_int_equal(stats().in_flight, 1);
	assert_true(give(0, -EIO));
	assert_int_equal(stats().done, 2);
	assert_int_equal(stats().errors, 1);
	assert_int_equal(stats().in_flight, 0);
	assert_int_equal(stats().hangs + stats().abandoned + stats().late + stats().lost, 0);
	assert_true(zcomp_watch_idle(&watch));
}

/* The class of a page is how many the device has with it, by powers of two. */
static void
test_age_classes(void **state)
{
	static const unsigned int first[] = {0, 1, 3, 7, 15, 31};

	(void)state;
	take(0, 63);
	/* Class c is pages first[c] to 2 * first[c]: each class gets an age of its own. */
	for (unsigned int class = 0; class < TEST_NR(first); class ++) {
		now_ns += 1000;
		for (unsigned int i = first[class]; i <= 2 * first[class]; i++)
			assert_true(give(i, 1));
	}
	for (unsigned int class = 0; class < ZCOMP_AGES; class ++)
		assert_int_equal(stats().age_ns[class],
		                 class < TEST_NR(first) ? 1000 * (class + 1) : 0);
}

/* More pages than there are classes for are of the last one. */
static void
test_age_class_last(void **state)
{
	(void)state;
	watch.stats.in_flight = UINT64_C(1) << 20;
	take(0, 1);
	now_ns += 5000;
	assert_true(give(0, 1));
	assert_int_equal(stats().age_ns[ZCOMP_AGES - 1], 5000);
	assert_int_equal(zcomp_watch_expected_ns(&watch), 5000);
	watch.stats.in_flight = 0;
}

/* Equal ages are their own mean, whatever they are; a change is followed, from above and below. */
static void
test_age_mean(void **state)
{
	static const uint64_t ages[] = {1, 7, 8, 1000, 1001, 123456};

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(ages); i++) {
		zcomp_watch_init(&watch, 0);
		for (unsigned int j = 0; j < 1000; j++)
			age_once(ages[i]);
		assert_int_equal(stats().age_ns[0], ages[i]);
	}
	age_once(123456 * 9);
	assert_int_equal(stats().age_ns[0], 123456 * 2);
	for (unsigned int i = 0; i < 200; i++)
		age_once(1000);
	assert_in_range(stats().age_ns[0], 1000, 1007);
	for (unsigned int i = 0; i < 200; i++)
		age_once(80000);
	assert_in_range(stats().age_ns[0], 80000 - 7, 80000);
}

/* A page that took no time is known to have been there. */
static void
test_age_zero(void **state)
{
	(void)state;
	age_once(0);
	assert_int_equal(stats().age_ns[0], 1);
}

/* Between two polls nobody knows when it was done: in the middle is a good guess. */
static void
test_age_between_polls(void **state)
{
	(void)state;
	take(0, 2);
	now_ns += 400;
	assert_true(zcomp_watch_done(&watch, &strms[0], now_ns));
	expect_none();
	assert_int_equal(stats().age_ns[0], 200);
	now_ns += 100;
	assert_true(zcomp_watch_done(&watch, &strms[1], now_ns));
	expect_none();
	assert_int_equal(stats().age_ns[1], 450);
}

/* Errors have no age: they say nothing of how long a page takes. */
/* The lcore was away for longer than a page may be: the device may have been done long before. */
static void
test_age_away(void **state)
{
	(void)state;
	take(0, 1);
	now_ns += ZCOMP_HANG_NS + 1;
	strms[0].result = 1;
	assert_true(zcomp_watch_done(&watch, &strms[0], now_ns));
	assert_int_equal(stats().done, 1);
	assert_int_equal(stats().age_ns[0], 0);
}

static void
test_age_errors(void **state)
{
	(void)state;
	take(0, 1);
	now_ns += 10;
	assert_true(give(0, -EIO));
	assert_int_equal(stats().age_ns[0], 0);
}

/* What is expected is by what the device has already. */
static void
test_expected(void **state)
{
	(void)state;
	take(0, 3);
	now_ns += 100;
	assert_true(give(0, 1));
	now_ns += 200;
	assert_true(give(1, 1));
	assert_int_equal(zcomp_watch_expected_ns(&watch), 300); /* page 2 is there */
	assert_true(give(2, 1));
	assert_int_equal(zcomp_watch_expected_ns(&watch), 100);
	/* Of four nothing is known, but that it is not sooner. */
	take(0, 3);
	assert_int_equal(zcomp_watch_expected_ns(&watch), watch.stats.age_ns[1]);
	assert_int_equal(zcomp_watch_backlog_ns(&watch), watch.stats.age_ns[1]);
	assert_true(give(0, 1) && give(1, 1));
	assert_int_equal(zcomp_watch_backlog_ns(&watch), watch.stats.age_ns[0]);
	assert_true(give(2, 1));
	assert_int_equal(zcomp_watch_backlog_ns(&watch), 0);
}

/* A page that is away for longer than the limit is given up, and no earlier. */
static void
test_overdue(void **state)
{
	(void)state;
	take(0, 1);
	now_ns += ZCOMP_HANG_NS;
	expect_none();
	now_ns++;
	expect_given_up(0, 1);
	assert_int_equal(stats().abandoned, 1);
	assert_int_equal(stats().lost, 1);
	assert_int_equal(stats().in_flight, 0);
	/* There is still something to poll for. */
	assert_false(zcomp_watch_idle(&watch));
}

/* While others come back an overdue page is given up alone, and the device is not blamed. */
static void
test_overdue_alone(void **state)
{
	(void)state;
	take(0, 3);
	now_ns += MS;
	assert_true(give(0, 1));
	assert_true(give(2, 1));
	now_ns += 98 * MS;
	take(3, 3);
	now_ns += MS + 1;
	assert_true(give(3, 1));
	expect_given_up(1, 1);
	assert_int_equal(stats().hangs, 0);
	assert_false(zcomp_watch_suspect(&watch));
	assert_int_equal(stats().in_flight, 2);
	assert_true(give(4, 1));
	assert_true(give(5, 1));
	/* It comes back after all, and nobody waits for it. */
	assert_false(give(1, 1));
	assert_false(strms[1].lost);
	assert_int_equal(stats().late, 1);
	assert_int_equal(stats().lost, 0);
	assert_int_equal(stats().done, 5);
	assert_true(zcomp_watch_idle(&watch));
}

/* A limit of its own, and limits from ages: 16 times the mean of the slowest class. */
static void
test_limits(void **state)
{
	(void)state;
	zcomp_watch_init(&watch, 1000);
	age_once(50);
	take(0, 1);
	now_ns += 1000;
	expect_none();
	now_ns++;
	expect_given_up(0, 1);
	assert_false(give(0, 1));
	assert_false(zcomp_watch_suspect(&watch));

	zcomp_watch_init(&watch, 1000);
	take(0, 2);
	now_ns += 100;
	assert_true(give(0, 1));
	now_ns += 100;
	assert_true(give(1, 1));
	/* Alone it took 100, but two took 200. */
	take(0, 1);
	now_ns += ZCOMP_HANG_AGES * 200;
	expect_none();
	now_ns++;
	expect_given_up(0, 1);
}

static void
hang(unsigned int nr)
{
	take(0, nr);
	now_ns += ZCOMP_HANG_NS + 1;
	expect_given_up(0, nr);
}

/* All that a hanging device has is given up, once each, also what it was given late. */
static void
test_hang(void **state)
{
	(void)state;
	take(0, 5);
	now_ns += 90 * MS;
	take(5, 3);
	now_ns += 10 * MS;
	expect_none();
	now_ns++;
	expect_given_up(0, 8);
	assert_int_equal(stats().hangs, 1);
	assert_int_equal(stats().suspect, 1);
	assert_true(zcomp_watch_suspect(&watch));
	assert_int_equal(stats().abandoned, 8);
	assert_int_equal(stats().lost, 8);
	assert_int_equal(stats().in_flight, 0);
	now_ns += 1000 * MS;
	expect_none();
	assert_int_equal(stats().hangs, 1);
}

/* A device is not blamed for the time in which it had nothing to do. */
static void
test_idle_is_no_hang(void **state)
{
	(void)state;
	age_once(10);
	now_ns += 1000 * MS;
	take(0, 1);
	now_ns += 99 * MS;
	expect_none();
	assert_false(zcomp_watch_suspect(&watch));
}

/* With little room all are given up nevertheless. */
static void
test_hang_by_one(void **state)
{
	struct zcomp_strm *out;

	(void)state;
	take(0, 4);
	now_ns += ZCOMP_HANG_NS + 1;
	assert_int_equal(zcomp_watch_take(&watch, &out, 0, now_ns), 0);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(zcomp_watch_take(&watch, &out, 1, now_ns), 1);
		assert_ptr_equal(out, &strms[i]);
	}
	expect_none();
	assert_int_equal(stats().hangs, 1);
}

/* A device that wakes up while its pages are being given up keeps the others. */
static void
test_hang_ends_halfway(void **state)
{
	struct zcomp_strm *out[2];

	(void)state;
	take(0, 4);
	now_ns += ZCOMP_HANG_NS + 1;
	assert_int_equal(zcomp_watch_take(&watch, out, 2, now_ns), 2);
	assert_true(give(2, 1));
	assert_false(zcomp_watch_suspect(&watch));
	/* By the age of that one the next is not overdue; and what is new is not anyway. */
	take(4, 2);
	expect_none();
	assert_int_equal(stats().in_flight, 3);
	assert_int_equal(stats().lost, 2);
}

/* A device that takes nothing for so long is suspect, and what it has is given up. */
static void
test_refusing(void **state)
{
	(void)state;
	refuse();
	take(0, 2);
	for (unsigned int i = 0; i < 2; i++) {
		/* One that comes back makes a full device of it. */
		refuse();
		now_ns += 51 * MS;
		refuse();
		assert_true(give(i, -EIO));
	}
	refuse();
	take(2, 2);
	refuse();
	now_ns += ZCOMP_HANG_NS;
	refuse();
	assert_false(zcomp_watch_suspect(&watch));
	now_ns++;
	refuse();
	assert_true(zcomp_watch_suspect(&watch));
	assert_int_equal(stats().hangs, 1);
	expect_given_up(2, 2);
	/* It goes on refusing: no news. */
	now_ns += 1000 * MS;
	refuse();
	now_ns += 1000 * MS;
	refuse();
	assert_int_equal(stats().hangs, 1);
}

/* The same with nothing in flight; and taking some ends it. */
static void
test_refusing_idle(void **state)
{
	(void)state;
	refuse();
	now_ns += 99 * MS;
	take(0, 1);
	assert_true(give(0, 1));
	refuse();
	now_ns += 99 * MS;
	refuse();
	assert_false(zcomp_watch_suspect(&watch));
	now_ns += 2 * MS;
	refuse();
	assert_true(zcomp_watch_suspect(&watch));
	expect_none();
	/* Nothing of that sticks to what it gets when it is trusted again. */
	now_ns += ZCOMP_PROBE_NS_MIN;
	assert_true(zcomp_watch_probe(&watch, now_ns));
	take(0, 1);
	expect_none();
	assert_true(give(0, 1));
	assert_false(zcomp_watch_suspect(&watch));
}

/* So many failures in a row; one page that does not compress is none, and begins anew. */
static void
test_streak(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ZCOMP_WATCH_STREAK - 1; i++) {
		take(0, 1);
		assert_true(give(0, -EIO));
	}
	take(0, 1);
	assert_true(give(0, -ENOSPC));
	take(0, ZCOMP_WATCH_STREAK + 2);
	for (unsigned int i = 0; i < ZCOMP_WATCH_STREAK - 1; i++)
		assert_true(give(i, -EIO));
	assert_false(zcomp_watch_suspect(&watch));
	assert_true(give(ZCOMP_WATCH_STREAK - 1, -EIO));
	assert_true(zcomp_watch_suspect(&watch));
	/* What it has comes back by itself. */
	expect_none();
	assert_true(give(ZCOMP_WATCH_STREAK, -EIO));
	assert_true(zcomp_watch_suspect(&watch));
	assert_true(give(ZCOMP_WATCH_STREAK + 1, 1));
	assert_false(zcomp_watch_suspect(&watch));
	assert_int_equal(stats().errors, 2 * ZCOMP_WATCH_STREAK);
	assert_int_equal(stats().hangs, 0);
}

/* One probe at a time: after 100 ms, then twice that, and so on, up to the most. */
static void
test_probes(void **state)
{
	uint64_t wait_ns = ZCOMP_PROBE_NS_MIN;

	(void)state;
	hang(1);
	for (unsigned int i = 0; i < 12; i++) {
		now_ns += wait_ns - 1;
		assert_false(zcomp_watch_probe(&watch, now_ns));
		now_ns++;
		assert_true(zcomp_watch_probe(&watch, now_ns));
		assert_false(zcomp_watch_probe(&watch, now_ns));
		take(1, 1);
		assert_true(give(1, -EIO));
		wait_ns = 2 * wait_ns < ZCOMP_PROBE_NS_MAX ? 2 * wait_ns : ZCOMP_PROBE_NS_MAX;
	}
	assert_int_equal(wait_ns, ZCOMP_PROBE_NS_MAX);
	/* Trusted again, it begins with the least. */
	now_ns += wait_ns;
	assert_true(zcomp_watch_probe(&watch, now_ns));
	take(1, 1);
	assert_true(give(1, 1));
	assert_false(zcomp_watch_suspect(&watch));
	assert_true(zcomp_watch_probe(&watch, now_ns));
	take(2, 1);
	now_ns += ZCOMP_HANG_NS + 1;
	expect_given_up(2, 1);
	assert_false(zcomp_watch_probe(&watch, now_ns + ZCOMP_PROBE_NS_MIN - 1));
	assert_true(zcomp_watch_probe(&watch, now_ns + ZCOMP_PROBE_NS_MIN));
}

/* A probe that hangs is given up as any page, and the next one waits from then on. */
static void
test_probe_hangs(void **state)
{
	(void)state;
	hang(1);
	now_ns += ZCOMP_PROBE_NS_MIN;
	assert_true(zcomp_watch_probe(&watch, now_ns));
	take(1, 1);
	now_ns += ZCOMP_HANG_NS;
	expect_none();
	now_ns++;
	expect_given_up(1, 1);
	assert_int_equal(stats().hangs, 2);
	assert_false(zcomp_watch_probe(&watch, now_ns + 2 * ZCOMP_PROBE_NS_MIN - 1));
	assert_true(zcomp_watch_probe(&watch, now_ns + 2 * ZCOMP_PROBE_NS_MIN));
}

/* All that was lost comes back: it was late, not dead. */
static void
test_lost_ones_return(void **state)
{
	(void)state;
	hang(3);
	assert_false(give(2, 1));
	assert_false(give(0, 1));
	assert_true(zcomp_watch_suspect(&watch));
	assert_int_equal(stats().lost, 1);
	assert_false(give(1, 1));
	assert_false(zcomp_watch_suspect(&watch));
	assert_int_equal(stats().lost, 0);
	assert_int_equal(stats().late, 3);
	assert_int_equal(stats().done + stats().errors, 0);
	/* Who still holds one was told -EIO, once and for all; and it has no age. */
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(strms[i].result, -EIO);
	assert_int_equal(stats().age_ns[0] + stats().age_ns[1], 0);
}

/* Failures clear nothing: not of a device that flushes them, nor of one that failed many. */
static void
test_lost_ones_fail(void **state)
{
	(void)state;
	hang(2);
	assert_false(give(0, -EIO));
	assert_false(give(1, -EIO));
	assert_int_equal(stats().lost, 0);
	assert_true(zcomp_watch_suspect(&watch));
	/* The probe does. */
	now_ns += ZCOMP_PROBE_NS_MIN;
	assert_true(zcomp_watch_probe(&watch, now_ns));
	take(0, 1);
	assert_true(give(0, 1));
	assert_false(zcomp_watch_suspect(&watch));
}

/* Streams that never reached the device come back once, and the device has nothing of them. */
static void
test_fail(void **state)
{
	struct zcomp_strm *out[NR];

	(void)state;
	hang(1);
	zcomp_watch_fail(&watch, &strms[1]);
	zcomp_watch_fail(&watch, &strms[2]);
	zcomp_watch_fail(&watch, &strms[3]);
	assert_int_equal(stats().in_flight, 0);
	assert_int_equal(zcomp_watch_take(&watch, out, 2, now_ns), 2);
	assert_int_equal(zcomp_watch_take(&watch, &out[2], NR - 2, now_ns), 1);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(out[i]->result, -EIO);
		assert_false(out[i]->lost);
		out[i]->result = 0;
	}
	/* Each of the three. */
	assert_int_equal(strms[1].result + strms[2].result + strms[3].result, 0);
	expect_none();
	assert_int_equal(stats().abandoned, 4);
	assert_int_equal(stats().lost, 1);
	assert_false(give(0, 1));
	assert_true(zcomp_watch_idle(&watch));
	/* Without lost ones a failed one is enough to poll for. */
	zcomp_watch_fail(&watch, &strms[1]);
	assert_false(zcomp_watch_idle(&watch));
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_init),
	        TEST(test_counters),
	        TEST(test_age_classes),
	        TEST(test_age_class_last),
	        TEST(test_age_mean),
	        TEST(test_age_zero),
	        TEST(test_age_between_polls),
	        TEST(test_age_away),
	        TEST(test_age_errors),
	        TEST(test_expected),
	        TEST(test_overdue),
	        TEST(test_overdue_alone),
	        TEST(test_limits),
	        TEST(test_hang),
	        TEST(test_idle_is_no_hang),
	        TEST(test_hang_by_one),
	        TEST(test_hang_ends_halfway),
	        TEST(test_refusing),
	        TEST(test_refusing_idle),
	        TEST(test_streak),
	        TEST(test_probes),
	        TEST(test_probe_hangs),
	        TEST(test_lost_ones_return),
	        TEST(test_lost_ones_fail),
	        TEST(test_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
