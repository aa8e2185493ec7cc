/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The pairing protocol with sides whose time is made up. */

#include "test_util.h"

#include <errno.h>

#include "pairing.h"

#define NR_PAIRS 11u
#define MIN_NS   1000u
#define LOG_MAX  256u

struct side {
	double sweep_ns;       /* what a sweep takes */
	double first_ns;       /* more, in the first pass of all */
	unsigned int fails_at; /* pass; 0 = none */
	unsigned int passes;
	struct script *script;
	struct pairing_time times[NR_PAIRS];
};

/* Who ran, and how often it did its work. */
struct script {
	struct side sides[2];
	unsigned int nr;
	const struct side *who[LOG_MAX];
	uint64_t sweeps[LOG_MAX];
};

static int
pass(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	struct side *side = (struct side *)arg;
	struct script *s = side->script;

	assert_true(s->nr < LOG_MAX);
	assert_true(sweeps > 0);
	s->who[s->nr] = side;
	s->sweeps[s->nr++] = sweeps;
	time->elapsed_ns = side->sweep_ns * (double)sweeps;
	time->client_ns = time->elapsed_ns / 4;
	if (side->passes++ == 0)
		time->elapsed_ns += side->first_ns;
	return side->passes == side->fails_at ? -EIO : 0;
}

static int
run(struct script *s, unsigned int nr_sides)
{
	struct pairing_opts opts = {.nr_pairs = NR_PAIRS, .min_ns = MIN_NS};
	struct pairing_side sides[2];

	for (unsigned int i = 0; i < nr_sides; i++) {
		s->sides[i].script = s;
		sides[i] = (struct pairing_side){pass, &s->sides[i], s->sides[i].times};
	}
	return pairing_run(&opts, sides, nr_sides);
}

static void
test_long_passes(void **state)
{
	struct script s = {.sides = {{.sweep_ns = MIN_NS}, {.sweep_ns = 2 * MIN_NS}}};

	(void)state;
	assert_int_equal(run(&s, 2), 0);
	/* The round that does not count, and the others; nothing is repeated. */
	assert_int_equal(s.nr, 2 * (NR_PAIRS + 1));
	for (unsigned int i = 0; i < NR_PAIRS; i++) {
		assert_true(s.sides[0].times[i].elapsed_ns == MIN_NS);
		assert_true(s.sides[1].times[i].elapsed_ns == 2 * MIN_NS);
		assert_true(s.sides[1].times[i].client_ns == MIN_NS / 2.0);
	}
}

static void
test_first_round_does_not_count(void **state)
{
	struct script s = {.sides = {{.sweep_ns = MIN_NS, .first_ns = 5 * MIN_NS}}};

	(void)state;
	assert_int_equal(run(&s, 1), 0);
	assert_int_equal(s.nr, NR_PAIRS + 1);
	for (unsigned int i = 0; i < NR_PAIRS; i++)
		assert_true(s.sides[0].times[i].elapsed_ns == MIN_NS);
}

static void
test_order_alternates(void **state)
{
	struct script s = {.sides = {{.sweep_ns = MIN_NS}, {.sweep_ns = MIN_NS}}};

	(void)state;
	assert_int_equal(run(&s, 2), 0);
	for (unsigned int i = 0; i < s.nr; i++)
		assert_ptr_equal(s.who[i], &s.sides[(i + i / 2) % 2]);
}

/* However short a sweep is, each pass that counts is long enough, and both sides do the same. */
static void
test_short_passes(void **state)
{
	static const double lengths[] = {0.001, 1, 7, 999};

	(void)state;
	for (size_t l = 0; l < TEST_NR(lengths); l++) {
		struct script s = {
		        .sides = {{.sweep_ns = 3 * lengths[l]}, {.sweep_ns = lengths[l]}},
		};

		assert_int_equal(run(&s, 2), 0);
		for (unsigned int i = s.nr - 2 * (NR_PAIRS + 1); i < s.nr; i++)
			assert_true((double)s.sweeps[i] * lengths[l] >= MIN_NS);
		for (unsigned int i = 0; i < s.nr; i += 2)
			assert_int_equal(s.sweeps[i], s.sweeps[i + 1]);
		/* Not much longer, either. */
		assert_true((double)s.sweeps[s.nr - 1] * lengths[l] < 2 * MIN_NS);
		for (unsigned int i = 0; i < NR_PAIRS; i++)
			assert_true(s.sides[1].times[i].elapsed_ns > 0.99 * lengths[l] &&
			            s.sides[1].times[i].elapsed_ns < 1.01 * lengths[l]);
	}
}

/* A first pass that was long only because it was the first does not fix how much is done. */
static void
test_short_after_first(void **state)
{
	struct script s = {.sides = {{.sweep_ns = 10, .first_ns = 5 * MIN_NS}}};

	(void)state;
	assert_int_equal(run(&s, 1), 0);
	for (unsigned int i = s.nr - NR_PAIRS; i < s.nr; i++)
		assert_true(s.sweeps[i] * 10 >= MIN_NS);
}

static void
test_failure_ends_it(void **state)
{
	(void)state;
	for (unsigned int at = 1; at <= NR_PAIRS + 1; at++) {
		struct script s = {
		        .sides = {{.sweep_ns = MIN_NS}, {.sweep_ns = MIN_NS, .fails_at = at}},
		};

		assert_int_equal(run(&s, 2), -EIO);
		assert_ptr_equal(s.who[s.nr - 1], &s.sides[1]);
		assert_int_equal(s.sides[1].passes, at);
	}
}

static void
test_figure(void **state)
{
	static const double odd[] = {5, 1, 4, 2, 3}, even[] = {4, 1, 3, 2}, one[] = {7};
	static const double zeros[] = {0, 0, 0};
	struct pairing_figure f;

	(void)state;
	pairing_figure(odd, 5, &f);
	assert_true(f.median == 3 && f.min == 1 && f.max == 5);
	assert_true(f.spread == (4.0 - 2.0) / 3.0);
	pairing_figure(even, 4, &f);
	assert_true(f.median == 2.5 && f.min == 1 && f.max == 4);
	assert_true(f.spread == (3.0 - 2.0) / 2.5);
	pairing_figure(one, 1, &f);
	assert_true(f.median == 7 && f.min == 7 && f.max == 7 && f.spread == 0);
	pairing_figure(zeros, 3, &f);
	assert_true(f.median == 0 && f.spread == 0);
}

/* Two of eleven pairs that went wrong change neither the median much nor the spread. */
static void
test_outliers(void **state)
{
	double values[NR_PAIRS];
	struct pairing_figure f;

	(void)state;
	for (unsigned int i = 0; i < NR_PAIRS; i++)
		values[i] = 1 + i / 1000.0;
	values[3] = 40;
	values[8] = 0.01;
	pairing_figure(values, NR_PAIRS, &f);
	assert_true(f.median > 1 && f.median < 1.01);
	assert_true(f.spread < 0.01);
	assert_true(f.max == 40 && f.min == 0.01);
}

static void
test_most_pairs(void **state)
{
	static double values[PAIRING_PAIRS_MAX];
	struct pairing_figure f;

	(void)state;
	for (unsigned int i = 0; i < PAIRING_PAIRS_MAX; i++)
		values[i] = (double)((i * 7u) % PAIRING_PAIRS_MAX);
	pairing_figure(values, PAIRING_PAIRS_MAX, &f);
	assert_true(f.median == (PAIRING_PAIRS_MAX - 1) / 2);
	assert_true(f.min == 0 && f.max == PAIRING_PAIRS_MAX - 1);
}

static void
test_ratio(void **state)
{
	static const double of[] = {1, 6, 3, 1}, to[] = {2, 2, 3, 0};
	double ratios[4];

	(void)state;
	pairing_ratio(of, to, 4, ratios);
	assert_true(ratios[0] == 0.5 && ratios[1] == 3 && ratios[2] == 1 && ratios[3] == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_long_passes),
	        cmocka_unit_test(test_first_round_does_not_count),
	        cmocka_unit_test(test_order_alternates),
	        cmocka_unit_test(test_short_passes),
	        cmocka_unit_test(test_short_after_first),
	        cmocka_unit_test(test_failure_ends_it),
	        cmocka_unit_test(test_figure),
	        cmocka_unit_test(test_outliers),
	        cmocka_unit_test(test_most_pairs),
	        cmocka_unit_test(test_ratio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
