/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */

/*
 * The slot protocol: a reader in `load`, the service in `alloc`, `commit` and the freeing of
 * places. Two pages, A and B, three places of two words each. A page's content is a number that
 * fills both words; no content is used twice, so bytes tell where they come from. w0 is the place
 * alone, w1 the generation alone.
 *
 * What must hold: a load returns a whole page, one that the page held at some moment between the
 * load's first read and its return, and each store to the slot's two words costs it one retry at
 * most. What a page holds is what the last store to its w0 in memory says; the programs name it
 * with that store (.ghost). There is no checksum: the protocol must be right without.
 *
 * Freeing a place needs no step: the programs simply use it again. The stripe lock is shown only
 * where two workers commit.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "model.h"

enum page { A, B };
enum place { EMPTY, P1, P2, P3 };
enum content { SAME, NOTHING, A0, A1, A2, A3, A4, A5, B0, B1, B2, B3 };
enum { REMOVED, LIVE };

/* Memory. The objects come last; a place's words are at objs + 2 * place. */
#define w0(page) (2 * (page))
#define w1(page) (2 * (page) + 1)
enum { state = 4, lock, told, objs = told + 1 - 2 };
#define obj(place, k)    objs + (k), .by = (place), .stride = 2
#define obj_at(place, k) (objs + 2 * (place) + (k))

/* Registers. `got` is what a load returned. */
enum { zero, g, d, b0, b1, d2, g2, st, p, gen, heard, got };

enum tag {
	FIRST_W1 = 1,
	FIRST_W0,
	COPY_FENCE,
	LAST_W0,
	LAST_W1,
	TEST_GENERATION,
	TEST_STATE,
	RETRIED,
	RESULT,
	ALLOC_FENCE,
	COMMIT_W1,
	COMMIT_W0,
	TELL,
	HEAR,
	REMOVE_FENCE,
	CHECK_W0,
	CHECK_W1,
	AGE_LOCK,
	AGE_UNLOCK,
};

/* Ghosts: what each page holds; the page being loaded (+ 1), all it held since, retries due. */
enum { HELD, LOADING = HELD + 2, SEEN, SEEN_HIGH, DUE };

enum label { AGAIN, RETRY, FOUND, GONE, DROP };

#define PROGRAM(name)    static const struct model_step name[MODEL_STEPS]
#define LABELS(n, label) ((n)*8 + (label))

/* clang-format off */

/* load: the n-th of its program. */
#define LOAD_PAGE(page, n)                                                                         \
	LOAD(st, state, RELAXED),                                                                  \
	JNE(st, IMM(LIVE), LABELS(n, GONE)),                                                       \
	LABEL(LABELS(n, AGAIN)),                                                                   \
	LOAD(g, w1(page), ACQUIRE, .tag = FIRST_W1, .ghost = (page)),                              \
	LOAD(d, w0(page), ACQUIRE, .tag = FIRST_W0, .ghost = (page)),                              \
	JEQ(d, IMM(EMPTY), LABELS(n, FOUND)),                                                      \
	LOAD(b0, obj(d, 0), RELAXED),                                                              \
	LOAD(b1, obj(d, 1), RELAXED),                                                              \
	FENCE(ACQUIRE, .tag = COPY_FENCE),                                                         \
	LOAD(d2, w0(page), ACQUIRE, .tag = LAST_W0),                                               \
	LOAD(g2, w1(page), RELAXED, .tag = LAST_W1),                                               \
	JNE(d2, REG(d), LABELS(n, RETRY)),                                                         \
	JNE(g2, REG(g), LABELS(n, RETRY), .tag = TEST_GENERATION),                                 \
	JUMP(LABELS(n, FOUND)),                                                                    \
	LABEL(LABELS(n, RETRY)),                                                                   \
	CALL(RETRIED),                                                                             \
	JUMP(LABELS(n, AGAIN)),                                                                    \
	LABEL(LABELS(n, FOUND)),                                                                   \
	LOAD(st, state, RELAXED),                                                                  \
	JNE(st, IMM(LIVE), LABELS(n, GONE), .tag = TEST_STATE),                                    \
	CALL(RESULT, .ghost = (page)),                                                             \
	LABEL(LABELS(n, GONE))

#define ALLOC(place)                                                                               \
	SET(p, IMM(place)),                                                                        \
	FENCE(RELEASE, .tag = ALLOC_FENCE)
#define WRITE(content)                                                                             \
	STORE(obj(p, 0), IMM(content), RELAXED),                                                   \
	STORE(obj(p, 1), IMM(content), RELAXED)
#define COMMIT(page, content)                                                                      \
	LOAD(gen, w1(page), RELAXED),                                                              \
	STORE(w1(page), INC(gen), RELAXED, .tag = COMMIT_W1),                                      \
	STORE(w0(page), REG(p), RELEASE, .tag = COMMIT_W0, .ghost = (content))

#define STORE_PAGE(page, place, content) ALLOC(place), WRITE(content), COMMIT(page, content)
#define DISCARD(page) SET(p, IMM(EMPTY)), COMMIT(page, NOTHING)

/* Compaction: reads the object where it is, writes the same bytes elsewhere. */
#define COPY(page, place)                                                                          \
	LOAD(g, w1(page), ACQUIRE),                                                                \
	LOAD(d, w0(page), ACQUIRE),                                                                \
	LOAD(b0, obj(d, 0), RELAXED),                                                              \
	LOAD(b1, obj(d, 1), RELAXED),                                                              \
	ALLOC(place),                                                                              \
	STORE(obj(p, 0), REG(b0), RELAXED),                                                        \
	STORE(obj(p, 1), REG(b1), RELAXED)
#define MOVE(page, place) COPY(page, place), COMMIT(page, SAME)

/* A second writer's store: a place is free if no slot names it. */
#define STORE_ANYWHERE(page, content)                                                              \
	LOAD(d, w0(A), RELAXED),                                                                   \
	LOAD(d2, w0(B), RELAXED),                                                                  \
	PICK(p, P3, d, d2),                                                                        \
	FENCE(RELEASE, .tag = ALLOC_FENCE),                                                        \
	WRITE(content),                                                                            \
	COMMIT(page, content)

#define LOCK AWAIT(lock, IMM(0), 1)
#define UNLOCK STORE(lock, IMM(0), RELEASE)

PROGRAM(load_a) = { LOAD_PAGE(A, 0) };
PROGRAM(load_b) = { LOAD_PAGE(B, 0) };
PROGRAM(load_a_twice) = { LOAD_PAGE(A, 0), LOAD_PAGE(A, 1) };

PROGRAM(overwrite) = { STORE_PAGE(A, P2, A1) };
PROGRAM(reuse) = { STORE_PAGE(A, P2, A1), STORE_PAGE(A, P1, A2), STORE_PAGE(A, P2, A3) };
PROGRAM(stranger) = { STORE_PAGE(A, P2, A1), STORE_PAGE(B, P1, B1), STORE_PAGE(B, P3, B2) };
PROGRAM(aba) = { STORE_PAGE(A, P2, A1), STORE_PAGE(B, P1, B1), STORE_PAGE(B, P3, B2),
		 STORE_PAGE(A, P1, A2) };
PROGRAM(discard) = { DISCARD(A), STORE_PAGE(B, P1, B1), STORE_PAGE(B, P2, B2),
		     STORE_PAGE(A, P1, A1), DISCARD(A) };
PROGRAM(move) = { MOVE(A, P2), STORE_PAGE(B, P1, B1) };
PROGRAM(move_back) = { MOVE(A, P2), STORE_PAGE(B, P1, B1), MOVE(B, P3), MOVE(A, P1) };

/* The place is given away while the slot still names it. */
PROGRAM(freed_too_early) = { ALLOC(P2), WRITE(A1), STORE_PAGE(B, P1, B1), SET(p, IMM(P2)),
			     COMMIT(A, A1) };

/* What the second writer goes on with. */
PROGRAM(recover_same) = { JOIN(0), STORE_ANYWHERE(A, A4), STORE_ANYWHERE(A, A5) };
PROGRAM(recover_both) = { JOIN(0), STORE_ANYWHERE(B, B3), STORE_ANYWHERE(A, A4) };
PROGRAM(recover_from_1) = { JOIN(0), STORE(w1(A), IMM(0), RELAXED), STORE_ANYWHERE(A, A4) };

/* Told that the first store of page B is complete, somebody loads it. */
PROGRAM(store_and_tell) = { STORE_PAGE(B, P2, B1), STORE(told, IMM(1), RELEASE, .tag = TELL) };
PROGRAM(hear_and_load) = {
	LOAD(heard, told, ACQUIRE, .tag = HEAR), ASSUME_GE(heard, IMM(1)),
	LOAD_PAGE(B, 0), EXPECT(got, IMM(B1)),
};

/* One worker's free place is given to another, who stores a stranger there. */
PROGRAM(store_and_hand) = { STORE_PAGE(A, P2, A1), STORE(told, IMM(1), RELEASE, .tag = TELL) };
PROGRAM(hear_and_reuse) = {
	LOAD(heard, told, ACQUIRE), ASSUME_GE(heard, IMM(1)),
	STORE_PAGE(B, P1, B1),
};

/* Both workers commit to page A. */
PROGRAM(store_locked) = {
	ALLOC(P2), WRITE(A1), LOCK, COMMIT(A, A1), UNLOCK,
	ALLOC(P1), WRITE(A2), LOCK, COMMIT(A, A2), UNLOCK,
};
PROGRAM(move_locked) = {
	COPY(A, P3),
	LOCK,
	LOAD(d2, w0(A), RELAXED),
	LOAD(g2, w1(A), RELAXED),
	JNE(d2, REG(d), DROP, .tag = CHECK_W0),
	JNE(g2, REG(g), DROP, .tag = CHECK_W1),
	COMMIT(A, SAME),
	LABEL(DROP),
	UNLOCK,
};
/* Ageing writes w1 with the generation it found. */
PROGRAM(age_locked) = {
	AWAIT(lock, IMM(0), 1, .tag = AGE_LOCK),
	LOAD(gen, w1(A), RELAXED),
	STORE(w1(A), REG(gen), RELAXED),
	STORE(lock, IMM(0), RELEASE, .tag = AGE_UNLOCK),
};

PROGRAM(remove_disk) = { STORE(state, IMM(REMOVED), RELAXED), FENCE(SEQ_CST, .tag = REMOVE_FENCE),
			 SET(p, IMM(P1)), WRITE(0) };
/* The memory of a free place goes back to the system: it reads as zeros. */
PROGRAM(punch) = { STORE_PAGE(A, P2, A1), ALLOC(P1), WRITE(0) };

/* clang-format on */

static void
performed(struct model_state *s, const struct model_step *step, uint8_t loc, uint8_t value)
{
	(void)value;
	if ((step->tag == FIRST_W1 || step->tag == FIRST_W0) && s->ghost[LOADING] == 0) {
		unsigned int seen = 1U << s->ghost[HELD + step->ghost];

		s->ghost[LOADING] = step->ghost + 1;
		s->ghost[SEEN] = (uint8_t)seen;
		s->ghost[SEEN_HIGH] = (uint8_t)(seen >> 8);
	}
	for (uint8_t page = A; page <= B && step->op == MODEL_STORE; page++) {
		bool loading = s->ghost[LOADING] == page + 1;

		if (loading && (loc == w0(page) || loc == w1(page)))
			s->ghost[DUE]++;
		if (loc == w0(page) && step->ghost != SAME) {
			s->ghost[HELD + page] = step->ghost;
			if (loading && step->ghost < 8)
				s->ghost[SEEN] |= (uint8_t)(1U << step->ghost);
			else if (loading)
				s->ghost[SEEN_HIGH] |= (uint8_t)(1U << (step->ghost - 8));
		}
	}
}

static const char *
result(struct model_state *s, struct model_thread *th)
{
	unsigned int seen = s->ghost[SEEN] | (unsigned int)s->ghost[SEEN_HIGH] << 8;
	uint8_t content = th->reg[d] == EMPTY ? NOTHING : th->reg[b0];
	bool torn = th->reg[d] != EMPTY && th->reg[b0] != th->reg[b1];

	for (unsigned int reg = g; reg <= st; reg++)
		th->reg[reg] = 0;
	th->reg[got] = content;
	s->ghost[LOADING] = 0;
	s->ghost[SEEN] = 0;
	s->ghost[SEEN_HIGH] = 0;
	s->ghost[DUE] = 0;
	if (torn)
		return "a torn page";
	return (seen >> content & 1) != 0 ? NULL : "not what the page held during the load";
}

static const char *
call(struct model_state *s, struct model_thread *th, const struct model_step *step)
{
	if (step->tag == RESULT)
		return result(s, th);
	for (unsigned int reg = g; reg <= st; reg++)
		th->reg[reg] = 0;
	return s->ghost[DUE]-- != 0 ? NULL : "more retries than stores to the slot";
}

/* clang-format off */

/* Page A is in P1; page B in P3, or nowhere. */
#define ONLY_A                                                                                     \
	[state] = LIVE, [w0(A)] = P1, [w1(A)] = 1, [obj_at(P1, 0)] = A0, [obj_at(P1, 1)] = A0
#define BOTH                                                                                       \
	ONLY_A, [w0(B)] = P3, [w1(B)] = 1, [obj_at(P3, 0)] = B0, [obj_at(P3, 1)] = B0

#define SLOTS(id, words, b_holds, words_of_memory, ...)                                            \
	static const struct model_scenario id = {                                                  \
		.name = "slot: " words,                                                            \
		.programs = {__VA_ARGS__},                                                         \
		.memory = {words_of_memory},                                                       \
		.ghost = {[HELD + A] = A0, [HELD + B] = b_holds},                                  \
		.performed = performed,                                                            \
		.call = call,                                                                      \
	}
#define SCENARIO(id, words, ...) SLOTS(id, words, B0, BOTH, __VA_ARGS__)
#define SCENARIO_ONLY_A(id, words, ...) SLOTS(id, words, NOTHING, ONLY_A, __VA_ARGS__)

#define READER(program) {"reader", program, false}
#define WRITER(program) {"writer", program, false}
#define KILLED(program) {"writer", program, true}
#define SECOND(program) {"second", program, false}
#define WORKER(program) {"worker", program, false}

SCENARIO_ONLY_A(s_overwrite, "overwrite", WRITER(overwrite), READER(load_a));
SCENARIO_ONLY_A(s_reuse, "place reused by its page", WRITER(reuse), READER(load_a));
SCENARIO(s_stranger, "place reused by a stranger", WRITER(stranger), READER(load_a));
SCENARIO(s_stranger_b, "the stranger is loaded", WRITER(stranger), READER(load_b));
SCENARIO(s_aba, "same place, same w0 comes back", WRITER(aba), READER(load_a));
SCENARIO(s_aba_twice, "same w0 comes back, two loads", WRITER(aba), READER(load_a_twice));
SCENARIO_ONLY_A(s_discard, "discard", WRITER(discard), READER(load_a));
SCENARIO_ONLY_A(s_discard_b, "first store", WRITER(discard), READER(load_b));
SCENARIO(s_move, "move", WRITER(move), READER(load_a));
SCENARIO(s_move_back, "two moves, back to the place", WRITER(move_back), READER(load_a));
SCENARIO_ONLY_A(s_punch, "free place punched", WRITER(punch), READER(load_a));
SCENARIO_ONLY_A(s_remove, "disk removed", WRITER(remove_disk), READER(load_a));
SCENARIO(s_early, "place given away", WRITER(freed_too_early), READER(load_a));
SCENARIO_ONLY_A(s_told, "load after the completion", WRITER(store_and_tell),
		READER(hear_and_load));

SCENARIO_ONLY_A(k_reuse_same, "killed in reuse, A again", KILLED(reuse), SECOND(recover_same),
		READER(load_a));
SCENARIO_ONLY_A(k_reuse_both, "killed in reuse, B and A", KILLED(reuse), SECOND(recover_both),
		READER(load_a));
SCENARIO(k_aba_same, "killed in ABA, A again", KILLED(aba), SECOND(recover_same),
	 READER(load_a));
SCENARIO(k_aba_both, "killed in ABA, B and A", KILLED(aba), SECOND(recover_both),
	 READER(load_a));
SCENARIO(k_aba_b, "killed in ABA, B loaded", KILLED(aba), SECOND(recover_both), READER(load_b));
SCENARIO_ONLY_A(k_discard, "killed in discard", KILLED(discard), SECOND(recover_both),
		READER(load_a));
SCENARIO(k_move_same, "killed in move back, A again", KILLED(move_back), SECOND(recover_same),
	 READER(load_a));
SCENARIO(k_move_both, "killed in move back, B and A", KILLED(move_back), SECOND(recover_both),
	 READER(load_a));
SCENARIO_ONLY_A(k_from_1, "killed, generations from 1", KILLED(overwrite),
		SECOND(recover_from_1), READER(load_a));

SCENARIO_ONLY_A(w_handed, "place freed to another worker", WORKER(store_and_hand),
		SECOND(hear_and_reuse), READER(load_a));
SCENARIO_ONLY_A(w_move, "move races with stores", WORKER(store_locked), SECOND(move_locked),
		READER(load_a));
SCENARIO_ONLY_A(w_age, "ageing races with stores", WORKER(store_locked), SECOND(age_locked),
		READER(load_a));

#define SOUND MODEL_SOUND
#define WRONG MODEL_WRONG

static const struct model_case sound[] = {
	{NULL, &s_overwrite, SOUND, SOUND, {{0}}},
	{NULL, &s_reuse, SOUND, SOUND, {{0}}},
	{NULL, &s_stranger, SOUND, SOUND, {{0}}},
	{NULL, &s_stranger_b, SOUND, SOUND, {{0}}},
	{NULL, &s_aba, SOUND, SOUND, {{0}}},
	{NULL, &s_aba_twice, SOUND, SOUND, {{0}}},
	{NULL, &s_discard, SOUND, SOUND, {{0}}},
	{NULL, &s_discard_b, SOUND, SOUND, {{0}}},
	{NULL, &s_move, SOUND, SOUND, {{0}}},
	{NULL, &s_move_back, SOUND, SOUND, {{0}}},
	{NULL, &s_punch, SOUND, SOUND, {{0}}},
	{NULL, &s_remove, SOUND, SOUND, {{0}}},
	{NULL, &s_told, SOUND, SOUND, {{0}}},
	{NULL, &w_handed, SOUND, SOUND, {{0}}},
	{NULL, &w_move, SOUND, SOUND, {{0}}},
	{NULL, &w_age, SOUND, SOUND, {{0}}},
};

static const struct model_case killed[] = {
	{NULL, &k_reuse_same, SOUND, SOUND, {{0}}},
	{NULL, &k_reuse_both, SOUND, SOUND, {{0}}},
	{NULL, &k_aba_same, SOUND, SOUND, {{0}}},
	{NULL, &k_aba_both, SOUND, SOUND, {{0}}},
	{NULL, &k_aba_b, SOUND, SOUND, {{0}}},
	{NULL, &k_discard, SOUND, SOUND, {{0}}},
	{NULL, &k_move_same, SOUND, SOUND, {{0}}},
	{NULL, &k_move_both, SOUND, SOUND, {{0}}},
};

static const struct model_case mutants[] = {
	/* The reader. */
	{"no generation", &s_aba, WRONG, WRONG, {{TEST_GENERATION, MODEL_DROP}}},
	{"no generation", &s_move_back, WRONG, WRONG, {{TEST_GENERATION, MODEL_DROP}}},
	{"w1 read before w0 at the end", &s_aba, WRONG, WRONG,
	 {{LAST_W0, MODEL_SWAP}, {LAST_W1, MODEL_ACQUIRE}}},
	{"w1 and w0 read in any order at the end", &s_aba, SOUND, WRONG,
	 {{LAST_W0, MODEL_RELAX}}},
	{"w1 read in any order at the start", &s_aba, SOUND, WRONG, {{FIRST_W1, MODEL_RELAX}}},
	{"w0 read before w1 at the start", &s_aba, SOUND, WRONG, {{FIRST_W1, MODEL_SWAP}}},
	{"no fence(acquire) after the copy", &s_reuse, SOUND, WRONG, {{COPY_FENCE, MODEL_DROP}}},
	{"no last look at the state", &s_remove, WRONG, WRONG, {{TEST_STATE, MODEL_DROP}}},
	{"completion heard without acquire", &s_told, SOUND, WRONG, {{HEAR, MODEL_RELAX}}},

	/* The writer. */
	{"no fence(release) after alloc", &s_reuse, SOUND, WRONG, {{ALLOC_FENCE, MODEL_DROP}}},
	{"no fence(release) after alloc", &s_stranger, SOUND, WRONG, {{ALLOC_FENCE, MODEL_DROP}}},
	{"w0 stored before w1", &k_reuse_same, WRONG, WRONG, {{COMMIT_W1, MODEL_SWAP}}},
	{"w0 stored before w1", &s_reuse, SOUND, WRONG, {{COMMIT_W1, MODEL_SWAP}}},
	{"w0 stored relaxed", &s_overwrite, SOUND, WRONG, {{COMMIT_W0, MODEL_RELAX}}},
	{"generation not raised", &s_aba, WRONG, WRONG, {{COMMIT_W1, MODEL_STALE}}},
	{"generation not raised", &s_move_back, WRONG, WRONG, {{COMMIT_W1, MODEL_STALE}}},
	{"before the commit", &s_early, WRONG, WRONG, {{0}}},
	{"no fence before the punch", &s_remove, SOUND, WRONG, {{REMOVE_FENCE, MODEL_DROP}}},
	{"completion told without release", &s_told, SOUND, WRONG, {{TELL, MODEL_RELAX}}},

	/* Recovery, and two workers. */
	{"at recovery", &k_from_1, WRONG, WRONG, {{0}}},
	{"told without release", &w_handed, SOUND, WRONG, {{TELL, MODEL_RELAX}}},
	{"the mover does not check the generation", &w_move, WRONG, WRONG,
	 {{CHECK_W1, MODEL_DROP}}},
	{"the mover checks nothing", &w_move, WRONG, WRONG,
	 {{CHECK_W0, MODEL_DROP}, {CHECK_W1, MODEL_DROP}}},
	{"ageing without the lock", &w_age, WRONG, WRONG,
	 {{AGE_LOCK, MODEL_DROP}, {AGE_UNLOCK, MODEL_DROP}}},
};

/* clang-format on */

static void
test_sound(void **unused)
{
	(void)unused;
	assert_int_equal(model_run(sound, sizeof(sound) / sizeof(sound[0])), 0);
}

static void
test_killed(void **unused)
{
	(void)unused;
	assert_int_equal(model_run(killed, sizeof(killed) / sizeof(killed[0])), 0);
}

static void
test_mutants(void **unused)
{
	(void)unused;
	assert_int_equal(model_run(mutants, sizeof(mutants) / sizeof(mutants[0])), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_sound),
	        cmocka_unit_test(test_killed),
	        cmocka_unit_test(test_mutants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
