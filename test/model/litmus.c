/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */

/*
 * The explorer's own test: the usual litmus programs, whose outcomes are known. An outcome that
 * the memory model allows makes the scenario wrong, one that it forbids leaves it sound.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "model.h"

enum { r0, r1, r2 };
enum { x, y };
enum tag { FIRST = 1, SECOND, FIRST_FENCE, SECOND_FENCE };

#define ALLOWED       MODEL_WRONG
#define FORBIDDEN     MODEL_SOUND

#define PROGRAM(name) static const struct model_step name[MODEL_STEPS]

/* clang-format off */

PROGRAM(write_x_read_y) = {
	STORE(x, IMM(1), RELAXED),
	FENCE(SEQ_CST, .tag = FIRST_FENCE),
	LOAD(r1, y, RELAXED),
};
PROGRAM(write_y_read_x) = {
	STORE(y, IMM(1), RELAXED),
	FENCE(SEQ_CST, .tag = SECOND_FENCE),
	LOAD(r1, x, RELAXED),
};
PROGRAM(write_x_write_y) = {
	STORE(x, IMM(1), RELAXED),
	STORE(y, IMM(1), RELEASE, .tag = FIRST),
};
PROGRAM(write_x_fence_write_y) = {
	STORE(x, IMM(1), RELAXED),
	FENCE(RELEASE, .tag = FIRST_FENCE),
	STORE(y, IMM(1), RELAXED),
};
PROGRAM(write_y_release_write_x) = {
	STORE(y, IMM(1), RELEASE),
	STORE(x, IMM(1), RELAXED),
};
PROGRAM(read_y_read_x) = {
	LOAD(r1, y, ACQUIRE, .tag = SECOND),
	LOAD(r2, x, RELAXED),
};
PROGRAM(read_x_read_y) = {
	LOAD(r1, x, ACQUIRE),
	LOAD(r2, y, RELAXED),
};
PROGRAM(read_y_fence_read_x) = {
	LOAD(r1, y, RELAXED),
	FENCE(ACQUIRE, .tag = SECOND_FENCE),
	LOAD(r2, x, RELAXED),
};
PROGRAM(read_y_test_read_x) = {
	LOAD(r1, y, RELAXED),
	ASSUME_GE(r1, IMM(1)),
	LOAD(r2, x, RELAXED),
};
PROGRAM(read_x_write_y) = {
	LOAD(r1, x, ACQUIRE, .tag = FIRST),
	STORE(y, IMM(1), RELAXED),
};
PROGRAM(read_y_write_x) = {
	LOAD(r1, y, RELAXED),
	STORE(x, IMM(1), RELEASE, .tag = SECOND),
};
PROGRAM(read_y_test_write_x) = {
	LOAD(r1, y, RELAXED),
	ASSUME_GE(r1, IMM(1)),
	STORE(x, IMM(1), RELAXED),
};
PROGRAM(write_x_twice) = {
	STORE(x, IMM(1), RELAXED),
	STORE(x, IMM(2), RELAXED),
};
PROGRAM(read_x_twice) = {
	LOAD(r1, x, RELAXED),
	LOAD(r2, x, RELAXED),
};
PROGRAM(write_x_read_x_read_y) = {
	STORE(x, IMM(1), RELAXED),
	LOAD(r1, x, RELAXED),
	LOAD(r2, y, RELAXED),
};
PROGRAM(write_y_read_y_read_x) = {
	STORE(y, IMM(1), RELAXED),
	LOAD(r1, y, RELAXED),
	LOAD(r2, x, RELAXED),
};
PROGRAM(write_x) = { STORE(x, IMM(1), RELAXED) };
PROGRAM(pass_x_on_to_y) = {
	LOAD(r1, x, RELAXED),
	STORE(y, REG(r1), RELAXED),
};

static const struct model_scenario store_buffering = {
	.name = "store buffering",
	.programs = {{"one", write_x_read_y, false}, {"two", write_y_read_x, false}},
	.outcome = {{0, r1, 0}, {1, r1, 0}},
	.nr_outcomes = 2,
};
static const struct model_scenario message = {
	.name = "message passing",
	.programs = {{"one", write_x_write_y, false}, {"two", read_y_read_x, false}},
	.outcome = {{1, r1, 1}, {1, r2, 0}},
	.nr_outcomes = 2,
};
static const struct model_scenario message_by_fences = {
	.name = "message passing with fences",
	.programs = {{"one", write_x_fence_write_y, false}, {"two", read_y_fence_read_x, false}},
	.outcome = {{1, r1, 1}, {1, r2, 0}},
	.nr_outcomes = 2,
};
static const struct model_scenario message_by_test = {
	.name = "message passing, the reader only tests",
	.programs = {{"one", write_x_write_y, false}, {"two", read_y_test_read_x, false}},
	.outcome = {{1, r1, 1}, {1, r2, 0}},
	.nr_outcomes = 2,
};
static const struct model_scenario release_is_one_way = {
	.name = "a store after a release store passes it",
	.programs = {{"one", write_y_release_write_x, false}, {"two", read_x_read_y, false}},
	.outcome = {{1, r1, 1}, {1, r2, 0}},
	.nr_outcomes = 2,
};
static const struct model_scenario load_buffering = {
	.name = "load buffering",
	.programs = {{"one", read_x_write_y, false}, {"two", read_y_write_x, false}},
	.outcome = {{0, r1, 1}, {1, r1, 1}},
	.nr_outcomes = 2,
};
static const struct model_scenario load_buffering_by_test = {
	.name = "load buffering, two only tests",
	.programs = {{"one", read_x_write_y, false}, {"two", read_y_test_write_x, false}},
	.outcome = {{0, r1, 1}, {1, r1, 1}},
	.nr_outcomes = 2,
};
static const struct model_scenario coherence = {
	.name = "one word is read forwards",
	.programs = {{"one", write_x_twice, false}, {"two", read_x_twice, false}},
	.outcome = {{1, r1, 2}, {1, r2, 1}},
	.nr_outcomes = 2,
};
static const struct model_scenario own_store_first = {
	.name = "own stores are seen before others see them",
	.programs = {{"one", write_x_read_x_read_y, false}, {"two", write_y_read_y_read_x, false}},
	.outcome = {{0, r1, 1}, {0, r2, 0}, {1, r1, 1}, {1, r2, 0}},
	.nr_outcomes = 4,
};
static const struct model_scenario own_store_always = {
	.name = "own stores are seen",
	.programs = {{"one", write_x_read_x_read_y, false}, {"two", write_y_read_y_read_x, false}},
	.outcome = {{0, r1, 0}},
	.nr_outcomes = 1,
};
static const struct model_scenario causality = {
	.name = "a store is seen by all others at once",
	.programs = {{"one", write_x, false}, {"two", pass_x_on_to_y, false},
		     {"three", read_y_read_x, false}},
	.outcome = {{2, r1, 1}, {2, r2, 0}},
	.nr_outcomes = 2,
};

static const struct model_case cases[] = {
	{NULL, &store_buffering, FORBIDDEN, FORBIDDEN, {{0}}},
	{"one fence", &store_buffering, ALLOWED, ALLOWED, {{FIRST_FENCE, MODEL_DROP}}},
	{"fences acquire and release only", &store_buffering, ALLOWED, ALLOWED,
	 {{FIRST_FENCE, MODEL_ACQ_REL}, {SECOND_FENCE, MODEL_ACQ_REL}}},
	{NULL, &message, FORBIDDEN, FORBIDDEN, {{0}}},
	{"no release", &message, FORBIDDEN, ALLOWED, {{FIRST, MODEL_RELAX}}},
	{"no acquire", &message, FORBIDDEN, ALLOWED, {{SECOND, MODEL_RELAX}}},
	{NULL, &message_by_fences, FORBIDDEN, FORBIDDEN, {{0}}},
	{"no release", &message_by_fences, FORBIDDEN, ALLOWED, {{FIRST_FENCE, MODEL_DROP}}},
	{"no acquire", &message_by_fences, FORBIDDEN, ALLOWED, {{SECOND_FENCE, MODEL_DROP}}},
	{NULL, &message_by_test, FORBIDDEN, ALLOWED, {{0}}},
	{NULL, &release_is_one_way, FORBIDDEN, ALLOWED, {{0}}},
	{NULL, &load_buffering, FORBIDDEN, FORBIDDEN, {{0}}},
	{"all relaxed", &load_buffering, FORBIDDEN, ALLOWED,
	 {{FIRST, MODEL_RELAX}, {SECOND, MODEL_RELAX}}},
	{NULL, &load_buffering_by_test, FORBIDDEN, FORBIDDEN, {{0}}},
	{NULL, &coherence, FORBIDDEN, FORBIDDEN, {{0}}},
	{NULL, &own_store_first, ALLOWED, ALLOWED, {{0}}},
	{NULL, &own_store_always, FORBIDDEN, FORBIDDEN, {{0}}},
	{NULL, &causality, FORBIDDEN, FORBIDDEN, {{0}}},
};

/* clang-format on */

static void
test_litmus(void **state)
{
	(void)state;
	assert_int_equal(model_run(cases, sizeof(cases) / sizeof(cases[0])), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_litmus)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
