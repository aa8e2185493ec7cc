/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */

/*
 * The single-producer, single-consumer index ring, with two entries and free-running indexes. The
 * producer writes an entry and publishes it with its tail, the consumer reads it and gives it back
 * with its head; the producer writes an entry again only when the head says that it may.
 *
 * What must hold: the consumer reads each entry's value, in order, none twice, none overwritten.
 * Waiting for an index is an ASSUME: later loads may be satisfied before it is decided, as by a
 * processor that guesses; a path that would have to look again is given up, since it is the same
 * as one that looks later.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "model.h"

enum { zero, head, tail, e0, e1 };
enum { ring_head, ring_tail, ring_entry };
enum tag { ENTRY = 1, STORE_TAIL, LOAD_TAIL, STORE_HEAD, FREE };

#define PROGRAM(name) static const struct model_step name[MODEL_STEPS]
#define RING_SIZE     2
#define ENTRY_OF(i)   (ring_entry + (i) % RING_SIZE)
#define VALUE_OF(i)   (10 + (i))

/* clang-format off */

/* There is room for the nr entries from i on. */
#define RESERVE(i, nr)                                                                             \
	LOAD(head, ring_head, ACQUIRE),                                          \
	ASSUME_GE(head, IMM((i) + (nr) > RING_SIZE ? (i) + (nr) - RING_SIZE : 0), .tag = FREE)
#define WRITE(i) STORE(ENTRY_OF(i), IMM(VALUE_OF(i)), RELAXED, .tag = ENTRY)
#define COMMIT(end) STORE(ring_tail, IMM(end), RELEASE, .tag = STORE_TAIL)

/* The entries before `end` are there. */
#define PEEK(end)                                                                                  \
	LOAD(tail, ring_tail, ACQUIRE, .tag = LOAD_TAIL),                                          \
	ASSUME_GE(tail, IMM(end))
#define READ(i, r)                                                                                 \
	LOAD(r, ENTRY_OF(i), RELAXED),                                                             \
	EXPECT(r, IMM(VALUE_OF(i)))
#define RELEASE_TO(end) STORE(ring_head, IMM(end), RELEASE, .tag = STORE_HEAD)

PROGRAM(produce_singly) = {
	RESERVE(0, 1), WRITE(0), COMMIT(1),
	RESERVE(1, 1), WRITE(1), COMMIT(2),
	RESERVE(2, 1), WRITE(2), COMMIT(3),
	RESERVE(3, 1), WRITE(3), COMMIT(4),
};
PROGRAM(consume_singly) = {
	PEEK(1), READ(0, e0), RELEASE_TO(1),
	PEEK(2), READ(1, e1), RELEASE_TO(2),
	PEEK(3), READ(2, e0), RELEASE_TO(3),
	PEEK(4), READ(3, e1), RELEASE_TO(4),
};
PROGRAM(produce_bursts) = {
	RESERVE(0, 2), WRITE(0), WRITE(1), COMMIT(2),
	RESERVE(2, 2), WRITE(2), WRITE(3), COMMIT(4),
};
PROGRAM(consume_bursts) = {
	PEEK(2), READ(0, e0), READ(1, e1), RELEASE_TO(2),
	PEEK(4), READ(2, e0), READ(3, e1), RELEASE_TO(4),
};

static const struct model_scenario singly = {
	.name = "ring: one at a time",
	.programs = {{"producer", produce_singly, false}, {"consumer", consume_singly, false}},
};
static const struct model_scenario bursts = {
	.name = "ring: bursts",
	.programs = {{"producer", produce_bursts, false}, {"consumer", consume_bursts, false}},
};
static const struct model_scenario burst_in = {
	.name = "ring: bursts in, one at a time out",
	.programs = {{"producer", produce_bursts, false}, {"consumer", consume_singly, false}},
};

static const struct model_case cases[] = {
	{NULL, &singly, MODEL_SOUND, MODEL_SOUND, {{0}}},
	{NULL, &bursts, MODEL_SOUND, MODEL_SOUND, {{0}}},
	{NULL, &burst_in, MODEL_SOUND, MODEL_SOUND, {{0}}},

	{"tail stored relaxed", &singly, MODEL_SOUND, MODEL_WRONG, {{STORE_TAIL, MODEL_RELAX}}},
	{"tail loaded relaxed", &singly, MODEL_SOUND, MODEL_WRONG, {{LOAD_TAIL, MODEL_RELAX}}},
	{"head stored relaxed", &singly, MODEL_SOUND, MODEL_WRONG, {{STORE_HEAD, MODEL_RELAX}}},
	{"tail stored before the entry", &singly, MODEL_WRONG, MODEL_WRONG, {{ENTRY, MODEL_SWAP}}},
	{"the head is not looked at", &singly, MODEL_WRONG, MODEL_WRONG, {{FREE, MODEL_DROP}}},
	{"tail stored relaxed", &bursts, MODEL_SOUND, MODEL_WRONG, {{STORE_TAIL, MODEL_RELAX}}},
	{"head stored relaxed", &bursts, MODEL_SOUND, MODEL_WRONG, {{STORE_HEAD, MODEL_RELAX}}},
};

/* clang-format on */

static void
test_ring(void **state)
{
	(void)state;
	assert_int_equal(model_run(cases, sizeof(cases) / sizeof(cases[0])), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_ring)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
