/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */

/*
 * Need-wakeup: the producer of a ring publishes its index and rings the doorbell if the consumer's
 * flag says that it sleeps; the consumer sets its flag, looks at the index once more and sleeps
 * until the doorbell rings. Both directions of a queue work so.
 *
 * What must hold: nobody sleeps for ever. A lost wake-up is a state in which nothing can go on
 * while the sleeper still waits for the doorbell; the explorer finds any such state by itself.
 * The doorbell, a socket or the edges of an eventfd: a ring stays until it is heard, and further
 * ones add nothing.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "model.h"

enum { zero, idx, seen, flag };
enum { sq_index, sq_flag, sq_bell, cq_index, cq_flag, cq_bell };
enum tag { PRODUCER_FENCE = 1, SLEEPER_FENCE, SECOND_LOOK };
enum label { POLL, SLEEP_NOT, NEW, NEXT };

#define PROGRAM(name)    static const struct model_step name[MODEL_STEPS]
#define LABELS(n, label) ((n)*8 + (label))

/* clang-format off */

/* Makes index n known to the consumer. */
#define PUBLISH(q, n)                                                                              \
	STORE(q##_index, IMM(n), RELEASE),                                                         \
	FENCE(SEQ_CST, .tag = PRODUCER_FENCE),                                                     \
	LOAD(flag, q##_flag, RELAXED),                                                             \
	JEQ(flag, IMM(0), LABELS(n, NEXT)),                                                        \
	STORE(q##_bell, IMM(1), RELEASE),                                                          \
	LABEL(LABELS(n, NEXT))

/* Consumes whatever is new, and sleeps in between, until index n has been consumed. */
#define CONSUME(q, n)                                                                              \
	LABEL(LABELS(n, POLL)),                                                                    \
	LOAD(idx, q##_index, ACQUIRE),                                                             \
	JNE(idx, REG(seen), LABELS(n, NEW)),                                                       \
	STORE(q##_flag, IMM(1), RELAXED),                                              \
	FENCE(SEQ_CST, .tag = SLEEPER_FENCE),                                                      \
	LOAD(idx, q##_index, RELAXED),                                                             \
	JNE(idx, REG(seen), LABELS(n, SLEEP_NOT), .tag = SECOND_LOOK),                             \
	AWAIT(q##_bell, IMM(1), 0),                                                                \
	LABEL(LABELS(n, SLEEP_NOT)),                                                               \
	STORE(q##_flag, IMM(0), RELAXED),                                           \
	JUMP(LABELS(n, POLL)),                                                                     \
	LABEL(LABELS(n, NEW)),                                                                     \
	SET(seen, REG(idx)),                                                                       \
	JNE(seen, IMM(n), LABELS(n, POLL))

PROGRAM(produce_1) = { PUBLISH(sq, 1) };
PROGRAM(produce_3) = { PUBLISH(sq, 1), PUBLISH(sq, 2), PUBLISH(sq, 3) };
PROGRAM(consume_1) = { CONSUME(sq, 1) };
PROGRAM(consume_3) = { CONSUME(sq, 3) };

/* Two operations one after the other: each side sleeps until the other has answered. */
PROGRAM(client) = {
	PUBLISH(sq, 1), CONSUME(cq, 2), SET(seen, IMM(2)),
	PUBLISH(sq, 3), CONSUME(cq, 4),
};
PROGRAM(worker) = {
	CONSUME(sq, 1), PUBLISH(cq, 2), SET(seen, IMM(1)),
	CONSUME(sq, 3), PUBLISH(cq, 4),
};

static const struct model_scenario one = {
	.name = "wakeup: one entry",
	.programs = {{"producer", produce_1, false}, {"sleeper", consume_1, false}},
};
static const struct model_scenario three = {
	.name = "wakeup: three entries",
	.programs = {{"producer", produce_3, false}, {"sleeper", consume_3, false}},
};
static const struct model_scenario both_ways = {
	.name = "wakeup: both directions in turn",
	.programs = {{"client", client, false}, {"worker", worker, false}},
};

static const struct model_case cases[] = {
	{NULL, &one, MODEL_SOUND, MODEL_SOUND, {{0}}},
	{NULL, &three, MODEL_SOUND, MODEL_SOUND, {{0}}},
	{NULL, &both_ways, MODEL_SOUND, MODEL_SOUND, {{0}}},

	{"no fence on either side", &one, MODEL_WRONG, MODEL_WRONG,
	 {{PRODUCER_FENCE, MODEL_DROP}, {SLEEPER_FENCE, MODEL_DROP}}},
	{"no fence in the producer", &one, MODEL_WRONG, MODEL_WRONG,
	 {{PRODUCER_FENCE, MODEL_DROP}}},
	{"no fence in the sleeper", &one, MODEL_WRONG, MODEL_WRONG, {{SLEEPER_FENCE, MODEL_DROP}}},
	{"fences acquire and release only", &one, MODEL_WRONG, MODEL_WRONG,
	 {{PRODUCER_FENCE, MODEL_ACQ_REL}, {SLEEPER_FENCE, MODEL_ACQ_REL}}},
	{"no second look at the index", &one, MODEL_WRONG, MODEL_WRONG,
	 {{SECOND_LOOK, MODEL_DROP}}},
	{"no fence on either side", &both_ways, MODEL_WRONG, MODEL_WRONG,
	 {{PRODUCER_FENCE, MODEL_DROP}, {SLEEPER_FENCE, MODEL_DROP}}},
};

/* clang-format on */

static void
test_wakeup(void **state)
{
	(void)state;
	assert_int_equal(model_run(cases, sizeof(cases) / sizeof(cases[0])), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_wakeup)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
