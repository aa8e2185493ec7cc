/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */
#ifndef MODEL_H
#define MODEL_H

/**
 * @file
 * A small explorer of all interleavings of small programs under a strong (TSO) and a weak
 * memory model. README.md says what the models allow and what they leave out.
 *
 * A program is a table of steps, made with the macros at the end of this file. A scenario is up
 * to three programs that run side by side, the memory they start from, and what must hold. A
 * mutant is a scenario with a fault put in on purpose, to see that the explorer finds it.
 */

#include <stdbool.h>
#include <stdint.h>

#define MODEL_THREADS 3
#define MODEL_STEPS   64 /**< Longest program, END included. */
#define MODEL_WINDOW  20 /**< Steps of one thread in flight at once; more add no state here. */
#define MODEL_REGS    12 /**< Register 0 is always 0. */
#define MODEL_LOCS    14 /**< Memory words, of 8 bits each. */
#define MODEL_GHOSTS  6  /**< Bytes of a scenario's own, seen by no program. */

enum model_memory { MODEL_TSO, MODEL_WEAK };

enum model_verdict {
	MODEL_SOUND, /**< All states seen, nothing wrong. */
	MODEL_WRONG, /**< A way to break what must hold was found. */
	MODEL_BOUND, /**< More states than the table holds: nothing is known. */
};

enum model_order { RELAXED, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST };

enum model_op {
	MODEL_END, /**< 0, so that a table needs no last line. */
	MODEL_NOP, /**< What a dropped step becomes. */
	MODEL_LABEL,
	/* In flight until satisfied or in memory. */
	MODEL_LOAD,  /**< dst = memory */
	MODEL_STORE, /**< memory = value */
	MODEL_AWAIT, /**< Waits for memory == value, then makes it `to`: one atomic acquire. */
	MODEL_FENCE,
	MODEL_ASSUME, /**< The path is given up unless dst >= value; later loads do not wait. */
	MODEL_EXPECT, /**< Wrong unless dst == value; nothing waits for it. */
	/* Done in program order, as soon as their registers are known. */
	MODEL_SET,  /**< dst = value */
	MODEL_PICK, /**< dst = each of 1..to in turn, except what registers reg and by hold. */
	MODEL_JEQ,
	MODEL_JNE,
	MODEL_JOIN, /**< Waits until thread `to` has ended and all it stored is in memory. */
	MODEL_CALL, /**< The scenario's call(), once no load of the thread is in flight. */
};

/** One step. A value is register reg plus imm; an address is loc plus stride times register by. */
struct model_step {
	uint8_t op;
	uint8_t order;
	uint8_t dst;
	uint8_t loc;
	uint8_t by;
	uint8_t stride;
	uint8_t reg;
	uint8_t imm;
	uint8_t to;    /**< A jump's label, later its step; see also MODEL_AWAIT, _PICK, _JOIN. */
	uint8_t tag;   /**< The scenario's name for it: mutants find it by this. 0 = none. */
	uint8_t ghost; /**< For the scenario's hooks. */
	const char *text; /**< The step as written, for the trace. */
};

/** A step in flight. */
struct model_entry {
	uint8_t step;
	uint8_t known; /**< Its registers were there: loc and value are final. */
	uint8_t loc;
	uint8_t value;
};

struct model_thread {
	uint8_t pc;
	uint8_t end; /**< The step it stops before: its END, or where it is killed. */
	uint8_t nr;  /**< Used entries of the window, which are in program order. */
	struct model_entry window[MODEL_WINDOW];
	uint8_t reg[MODEL_REGS];
};

/** All bytes, no padding: states are compared and hashed as memory. */
struct model_state {
	uint8_t memory[MODEL_LOCS];
	uint8_t ghost[MODEL_GHOSTS];
	struct model_thread thread[MODEL_THREADS];
};

struct model_program {
	const char *name;
	const struct model_step *steps; /**< Ended by MODEL_END. */
	bool killed; /**< Also runs cut short before its first and after each of its stores. */
};

struct model_outcome {
	uint8_t thread;
	uint8_t reg;
	uint8_t value;
};

struct model_scenario {
	const char *name;
	struct model_program programs[MODEL_THREADS]; /**< Fewer: the rest is NULL. */
	uint8_t memory[MODEL_LOCS];
	uint8_t ghost[MODEL_GHOSTS];

	/** Registers at the end that are wrong if found all together. */
	struct model_outcome outcome[4];
	unsigned int nr_outcomes;

	/** A load, store or await of `thread` took effect with this value. May be NULL. */
	void (*performed)(struct model_state *s, const struct model_step *step, uint8_t loc,
	                  uint8_t value);
	/** MODEL_CALL. May be NULL if there is none. @return NULL, or what is wrong. */
	const char *(*call)(struct model_state *s, struct model_thread *thread,
	                    const struct model_step *step);
};

enum model_edit {
	MODEL_KEEP,
	MODEL_DROP,    /**< The step does nothing. */
	MODEL_RELAX,   /**< The step's order becomes RELAXED. */
	MODEL_ACQUIRE, /**< The step's order becomes ACQUIRE. */
	MODEL_ACQ_REL, /**< The step's order becomes ACQ_REL. */
	MODEL_SWAP,    /**< The step changes places with the one after it. */
	MODEL_STALE,   /**< A stored value loses its `+ imm`. */
};

/** A scenario to explore, as it is or with up to two edits to every step with the tag. */
struct model_case {
	const char *name; /**< The fault in words; NULL: none, the scenario as it is. */
	const struct model_scenario *scenario;
	enum model_verdict tso;  /**< What must come out with strong stores. */
	enum model_verdict weak; /**< What must come out with weak ones. */
	struct {
		uint8_t tag;
		uint8_t edit;
	} edits[2];
};

/**
 * Explore every case under both memory models. Prints a line for each with the number of states
 * and the verdict, and the shortest way to each wrong state.
 *
 * @return how many verdicts were not the expected ones.
 */
unsigned int model_run(const struct model_case *cases, unsigned int nr_cases);

/* Values and addresses of steps. */
#define IMM(n) .imm = (n)
#define REG(r) .reg = (r)
#define INC(r) .reg = (r), .imm = 1

/*
 * Steps. Further fields may follow, as in LOAD(d, w0(A), ACQUIRE, .tag = FIRST_W0).
 * STORE(at, INC(g), ...) stores g + 1.
 */
#define LOAD(r, at, ord, ...)                                            \
	{                                                                \
		.op = MODEL_LOAD, .order = (ord), .dst = (r), .loc = at, \
		.text = #r " = load(" #at ", " #ord ")", __VA_ARGS__     \
	}
#define STORE(at, val, ord, ...)                                          \
	{                                                                 \
		.op = MODEL_STORE, .order = (ord), .loc = at, val,        \
		.text = "store(" #at ", " #val ", " #ord ")", __VA_ARGS__ \
	}
#define AWAIT(at, val, then, ...)                                                  \
	{                                                                          \
		.op = MODEL_AWAIT, .order = ACQUIRE, .loc = at, val, .to = (then), \
		.text = "await(" #at " == " #val ", then " #then ")", __VA_ARGS__  \
	}
#define FENCE(ord, ...)                                                                   \
	{                                                                                 \
		.op = MODEL_FENCE, .order = (ord), .text = "fence(" #ord ")", __VA_ARGS__ \
	}
#define ASSUME_GE(r, val, ...)                                   \
	{                                                        \
		.op = MODEL_ASSUME, .dst = (r), val, __VA_ARGS__ \
	}
#define EXPECT(r, val, ...)                                      \
	{                                                        \
		.op = MODEL_EXPECT, .dst = (r), val, __VA_ARGS__ \
	}
#define SET(r, val)                              \
	{                                        \
		.op = MODEL_SET, .dst = (r), val \
	}
#define PICK(r, last, except1, except2)                                                        \
	{                                                                                      \
		.op = MODEL_PICK, .dst = (r), .to = (last), .reg = (except1), .by = (except2), \
		.text = #r " = any but " #except1 ", " #except2                                \
	}
#define LABEL(name)                             \
	{                                       \
		.op = MODEL_LABEL, .to = (name) \
	}
#define JEQ(r, val, label, ...)                                              \
	{                                                                    \
		.op = MODEL_JEQ, .dst = (r), val, .to = (label), __VA_ARGS__ \
	}
#define JNE(r, val, label, ...)                                              \
	{                                                                    \
		.op = MODEL_JNE, .dst = (r), val, .to = (label), __VA_ARGS__ \
	}
#define JUMP(label) JEQ(0, IMM(0), label)
#define JOIN(thread)                             \
	{                                        \
		.op = MODEL_JOIN, .to = (thread) \
	}
#define CALL(name, ...)                                      \
	{                                                    \
		.op = MODEL_CALL, .tag = (name), __VA_ARGS__ \
	}

#endif /* MODEL_H */
