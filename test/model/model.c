/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */

/*
 * The explorer: breadth first through all states of a scenario, so that the first wrong state is
 * also one of the nearest. One thread, no state between two runs.
 *
 * A thread issues its steps in program order into a window of steps in flight, as far as it can.
 * Issuing shows to nobody. What shows is a step leaving the window: a load that takes its value,
 * a store that reaches the memory all threads share. Any step may leave that no earlier step of
 * the window holds back, and held_back() with kept() is the whole of the memory model.
 *
 * Each state in the table is settled: everything that shows to no other thread has been done.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define STATES_MAX (1U << 19)
#define TABLE_SIZE (STATES_MAX * 2) /* a power of two */
#define TRACE_MAX  128
#define PICKED     0xff

enum settled { SETTLED, GIVEN_UP, BROKEN };

/* How a state was first reached. */
struct origin {
	uint32_t parent; /* itself: a first state */
	uint8_t thread;
	uint8_t entry;  /* of the window, or PICKED */
	uint8_t picked; /* the value picked */
};

struct explorer {
	const struct model_scenario *scenario;
	enum model_memory memory;
	struct model_step steps[MODEL_THREADS][MODEL_STEPS];
	uint8_t len[MODEL_THREADS];
	bool stores[MODEL_THREADS][MODEL_LOCS]; /* what a thread's program may ever store to */

	struct model_state *states; /* in the order found: also the queue of the search */
	struct origin *origins;
	uint32_t nr_states;
	uint32_t max_states; /* allocated */
	uint32_t *table;     /* index + 1 into states, by hash; 0 = free */

	uint32_t nr_ends; /* states in which every thread has ended */
	const char *wrong;
	uint32_t wrong_state;
	bool bound;
	bool tracing; /* print each effect */
};

static void
give_up(const char *scenario, const char *why)
{
	fprintf(stderr, "model: %s: %s\n", scenario, why);
	abort();
}

/* What a step is, for the order of steps. */

static bool
loads(const struct model_step *step)
{
	return step->op == MODEL_LOAD || step->op == MODEL_AWAIT;
}

static bool
stores(const struct model_step *step)
{
	return step->op == MODEL_STORE || step->op == MODEL_AWAIT;
}

static bool
only_tests(const struct model_step *step)
{
	return step->op == MODEL_ASSUME || step->op == MODEL_EXPECT;
}

/* Whether a register is still to come from a load among the first nr entries. */
static bool
pending(const struct explorer *x, const struct model_state *s, unsigned int t, unsigned int nr,
        uint8_t reg)
{
	for (unsigned int i = 0; i < nr; i++) {
		const struct model_step *step = &x->steps[t][s->thread[t].window[i].step];

		if (step->op == MODEL_LOAD && step->dst == reg)
			return true;
	}
	return false;
}

/* Whether a register may not be given a new value yet. */
static bool
in_use(const struct explorer *x, const struct model_state *s, unsigned int t, uint8_t reg)
{
	const struct model_thread *th = &s->thread[t];

	for (unsigned int i = 0; i < th->nr; i++) {
		const struct model_step *step = &x->steps[t][th->window[i].step];

		if (th->window[i].known == 0 &&
		    (step->reg == reg || step->by == reg || (only_tests(step) && step->dst == reg)))
			return true;
	}
	return pending(x, s, t, th->nr, reg);
}

/* Whether an assumption before entry i is not decided: the path may not be one at all. */
static bool
assumed(const struct explorer *x, const struct model_thread *th, unsigned int t, unsigned int i)
{
	while (i-- > 0) {
		if (x->steps[t][th->window[i].step].op == MODEL_ASSUME)
			return true;
	}
	return false;
}

/* Fills in an entry's address and value once the registers that they need are there. */
static void
resolve(const struct explorer *x, struct model_state *s, unsigned int t, unsigned int i)
{
	struct model_thread *th = &s->thread[t];
	struct model_entry *e = &th->window[i];
	const struct model_step *step = &x->steps[t][e->step];

	if (e->known != 0 || pending(x, s, t, i, step->reg) || pending(x, s, t, i, step->by) ||
	    (only_tests(step) && pending(x, s, t, i, step->dst)) ||
	    (step->op == MODEL_EXPECT && assumed(x, th, t, i)))
		return;
	e->known = 1;
	e->loc = (uint8_t)(step->loc + step->stride * th->reg[step->by]);
	e->value = (uint8_t)(th->reg[step->reg] + step->imm);
	if (e->loc >= MODEL_LOCS)
		give_up(x->scenario->name, "an address beyond the memory");
}

/* Whether two entries may name one word. Words reached through a register are a class apart. */
static bool
same_word(const struct explorer *x, unsigned int t, const struct model_entry *ea,
          const struct model_entry *eb)
{
	const struct model_step *a = &x->steps[t][ea->step];
	const struct model_step *b = &x->steps[t][eb->step];

	if (!(loads(a) || stores(a)) || !(loads(b) || stores(b)))
		return false;
	if (ea->known != 0 && eb->known != 0)
		return ea->loc == eb->loc;
	return a->loc == b->loc && a->stride == b->stride;
}

/* Whether the memory keeps a before b for what they are, b being later in the program. */
static bool
kept(enum model_memory memory, const struct model_step *a, const struct model_step *b)
{
	if (a->op == MODEL_ASSUME && stores(b))
		return true;
	if (memory == MODEL_TSO)
		return loads(a) || (stores(a) && stores(b));
	return (loads(a) && a->order == ACQUIRE) || (stores(b) && b->order == RELEASE);
}

/* What the fences between two steps keep. */
struct fences {
	bool all;        /* everything before everything */
	bool loads;      /* loads before everything */
	bool for_stores; /* everything before stores */
};

static void
add_fence(struct fences *between, enum model_memory memory, uint8_t order)
{
	if (order == SEQ_CST)
		between->all = true;
	else if (memory == MODEL_WEAK) {
		between->loads |= order != RELEASE;
		between->for_stores |= order != ACQUIRE;
	}
}

static bool
held_back(const struct explorer *x, const struct model_state *s, unsigned int t, unsigned int i)
{
	const struct model_thread *th = &s->thread[t];
	const struct model_step *b = &x->steps[t][th->window[i].step];
	struct fences between = {false, false, false};

	for (unsigned int j = i; j-- > 0;) {
		const struct model_step *a = &x->steps[t][th->window[j].step];

		if (a->op == MODEL_FENCE)
			add_fence(&between, x->memory, a->order);
		if (a->op == MODEL_FENCE || a->op == MODEL_EXPECT)
			continue;
		if (kept(x->memory, a, b) || between.all || (between.loads && loads(a)) ||
		    (between.for_stores && stores(b)))
			return true;
		/* A load after a store to its word does not wait: it takes the value from there. */
		if (same_word(x, t, &th->window[j], &th->window[i]) &&
		    !(a->op == MODEL_STORE && b->op == MODEL_LOAD))
			return true;
	}
	return false;
}

/* The thread's own last store before entry i to the word that entry i loads, or NULL. */
static const struct model_entry *
own_store(const struct explorer *x, const struct model_state *s, unsigned int t, unsigned int i)
{
	const struct model_thread *th = &s->thread[t];

	for (unsigned int j = i; j-- > 0;) {
		if (x->steps[t][th->window[j].step].op == MODEL_STORE &&
		    same_word(x, t, &th->window[j], &th->window[i]))
			return &th->window[j];
	}
	return NULL;
}

/* Whether entry i can take effect now. */
static bool
ready(const struct explorer *x, const struct model_state *s, unsigned int t, unsigned int i)
{
	const struct model_entry *e = &s->thread[t].window[i];
	const struct model_step *step = &x->steps[t][e->step];

	if (!(loads(step) || stores(step)) || e->known == 0 || held_back(x, s, t, i))
		return false;
	if (step->op == MODEL_LOAD) {
		const struct model_entry *own = own_store(x, s, t, i);

		return own == NULL || own->known != 0;
	}
	return step->op == MODEL_STORE || s->memory[e->loc] == e->value;
}

static void
leave_window(struct model_thread *th, unsigned int i)
{
	th->nr--;
	memmove(&th->window[i], &th->window[i + 1], (th->nr - i) * sizeof(th->window[0]));
	memset(&th->window[th->nr], 0, sizeof(th->window[0]));
}

static void
trace(const struct explorer *x, unsigned int t, const struct model_step *step, uint8_t value)
{
	if (x->tracing)
		printf("      %-9s %s: %u\n", x->scenario->programs[t].name, step->text, value);
}

/* Entry i takes effect. */
static void
perform(const struct explorer *x, struct model_state *s, unsigned int t, unsigned int i)
{
	struct model_thread *th = &s->thread[t];
	const struct model_entry e = th->window[i];
	const struct model_step *step = &x->steps[t][e.step];
	uint8_t value = e.value;

	if (step->op == MODEL_LOAD) {
		const struct model_entry *own = own_store(x, s, t, i);

		value = own != NULL ? own->value : s->memory[e.loc];
		th->reg[step->dst] = value;
	} else {
		if (step->op == MODEL_AWAIT)
			value = step->to;
		s->memory[e.loc] = value;
	}
	leave_window(th, i);
	trace(x, t, step, value);
	if (x->scenario->performed != NULL)
		x->scenario->performed(s, step, e.loc, value);
}

static bool
ended(const struct model_state *s, unsigned int t)
{
	return s->thread[t].pc == s->thread[t].end && s->thread[t].nr == 0;
}

/* Whether no other thread can change the word any more: then it is all one when it is loaded. */
static bool
unchanging(const struct explorer *x, const struct model_state *s, unsigned int t, uint8_t loc)
{
	for (unsigned int u = 0; u < MODEL_THREADS; u++) {
		if (u != t && x->stores[u][loc] && !ended(s, u))
			return false;
	}
	return true;
}

/* Does what the window holds and nobody else can see. */
static enum settled
settle_window(struct explorer *x, struct model_state *s, unsigned int t, bool *moved)
{
	struct model_thread *th = &s->thread[t];

	for (unsigned int i = 0; i < th->nr; i++) {
		struct model_entry *e = &th->window[i];
		const struct model_step *step = &x->steps[t][e->step];

		resolve(x, s, t, i);
		if (step->op == MODEL_LOAD && e->known != 0 && unchanging(x, s, t, e->loc) &&
		    ready(x, s, t, i)) {
			perform(x, s, t, i);
		} else if (only_tests(step) && e->known != 0) {
			if (step->op == MODEL_ASSUME && th->reg[step->dst] < e->value)
				return GIVEN_UP;
			if (step->op == MODEL_EXPECT && th->reg[step->dst] != e->value) {
				x->wrong = "a value is not the expected one";
				return BROKEN;
			}
			leave_window(th, i);
		} else if (step->op == MODEL_FENCE && i == 0) {
			leave_window(th, i);
		} else {
			continue;
		}
		*moved = true;
		break;
	}
	return SETTLED;
}

static bool
enter_window(const struct explorer *x, struct model_state *s, unsigned int t)
{
	struct model_thread *th = &s->thread[t];
	const struct model_step *step = &x->steps[t][th->pc];

	if (th->nr == MODEL_WINDOW || (step->op == MODEL_LOAD && in_use(x, s, t, step->dst)))
		return false;
	th->window[th->nr++].step = th->pc++;
	return true;
}

static bool
decide(const struct explorer *x, struct model_state *s, unsigned int t)
{
	struct model_thread *th = &s->thread[t];
	const struct model_step *step = &x->steps[t][th->pc];
	bool equal;

	if (pending(x, s, t, th->nr, step->dst) || pending(x, s, t, th->nr, step->reg))
		return false;
	equal = th->reg[step->dst] == (uint8_t)(th->reg[step->reg] + step->imm);
	th->pc = equal == (step->op == MODEL_JEQ) ? step->to : th->pc + 1;
	return true;
}

static bool
set(const struct explorer *x, struct model_state *s, unsigned int t)
{
	struct model_thread *th = &s->thread[t];
	const struct model_step *step = &x->steps[t][th->pc];

	if (in_use(x, s, t, step->dst) || pending(x, s, t, th->nr, step->reg))
		return false;
	th->reg[step->dst] = (uint8_t)(th->reg[step->reg] + step->imm);
	th->pc++;
	return true;
}

static enum settled
call(struct explorer *x, struct model_state *s, unsigned int t, bool *moved)
{
	struct model_thread *th = &s->thread[t];
	const struct model_step *step = &x->steps[t][th->pc];

	for (unsigned int i = 0; i < th->nr; i++) {
		if (loads(&x->steps[t][th->window[i].step]))
			return SETTLED;
	}
	th->pc++;
	*moved = true;
	x->wrong = x->scenario->call(s, th, step);
	return x->wrong == NULL ? SETTLED : BROKEN;
}

/* Issues the next step, if that can be. */
static enum settled
issue(struct explorer *x, struct model_state *s, unsigned int t, bool *moved)
{
	struct model_thread *th = &s->thread[t];
	const struct model_step *step = &x->steps[t][th->pc];

	if (th->pc == th->end)
		return SETTLED;
	switch (step->op) {
	case MODEL_NOP:
	case MODEL_LABEL:
		th->pc++;
		*moved = true;
		break;
	case MODEL_SET:
		*moved |= set(x, s, t);
		break;
	case MODEL_JEQ:
	case MODEL_JNE:
		*moved |= decide(x, s, t);
		break;
	case MODEL_JOIN:
		if (ended(s, step->to)) {
			th->pc++;
			*moved = true;
		}
		break;
	case MODEL_CALL:
		return call(x, s, t, moved);
	case MODEL_PICK:
		break; /* a choice, so not settled here: see pick() */
	default:
		*moved |= enter_window(x, s, t);
	}
	return SETTLED;
}

static enum settled
settle(struct explorer *x, struct model_state *s)
{
	bool moved;

	do {
		moved = false;
		for (unsigned int t = 0; t < MODEL_THREADS; t++) {
			enum settled ret = settle_window(x, s, t, &moved);

			if (ret == SETTLED)
				ret = issue(x, s, t, &moved);
			if (ret != SETTLED)
				return ret;
			/* How a killed thread came to its end is nobody's concern. */
			if (x->scenario->programs[t].killed && ended(s, t))
				memset(&s->thread[t], 0, sizeof(s->thread[t]));
		}
	} while (moved);
	return SETTLED;
}

static uint32_t
hash(const struct model_state *s)
{
	const uint8_t *bytes = (const uint8_t *)s;
	uint64_t h = 0;
	uint64_t word;
	size_t at;

	for (at = 0; at + sizeof(word) <= sizeof(*s); at += sizeof(word)) {
		memcpy(&word, bytes + at, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, bytes + at, sizeof(*s) - at);
	h = (h ^ word) * 0x9e3779b97f4a7c15;
	return (uint32_t)(h >> 32);
}

static void
grow(struct explorer *x)
{
	x->max_states = x->max_states == 0 ? 4096 : x->max_states * 2;
	x->states = realloc(x->states, x->max_states * sizeof(x->states[0]));
	x->origins = realloc(x->origins, x->max_states * sizeof(x->origins[0]));
	if (x->states == NULL || x->origins == NULL)
		give_up(x->scenario->name, "no memory for the states");
}

/* Settles a state and keeps it, if it is new. */
static void
add(struct explorer *x, struct model_state *s, struct origin from)
{
	enum settled ret = settle(x, s);
	uint32_t at = hash(s) % TABLE_SIZE;

	if (ret == GIVEN_UP)
		return;
	for (; x->table[at] != 0; at = (at + 1) % TABLE_SIZE) {
		if (ret != BROKEN && memcmp(&x->states[x->table[at] - 1], s, sizeof(*s)) == 0)
			return;
	}
	if (x->nr_states == STATES_MAX) {
		x->bound = true;
		return;
	}
	if (x->nr_states == x->max_states)
		grow(x);
	if (ret == BROKEN)
		x->wrong_state = x->nr_states;
	x->states[x->nr_states] = *s;
	x->origins[x->nr_states] = from;
	x->table[at] = ++x->nr_states;
}

/* Whether a thread stands before a choice and all is there to make it. */
static bool
can_pick(const struct explorer *x, const struct model_state *s, unsigned int t)
{
	const struct model_thread *th = &s->thread[t];
	const struct model_step *step = &x->steps[t][th->pc];

	return th->pc != th->end && step->op == MODEL_PICK && !in_use(x, s, t, step->dst) &&
	       !pending(x, s, t, th->nr, step->reg) && !pending(x, s, t, th->nr, step->by);
}

static void
pick(const struct explorer *x, struct model_state *s, unsigned int t, uint8_t value)
{
	struct model_thread *th = &s->thread[t];
	const struct model_step *step = &x->steps[t][th->pc];

	th->reg[step->dst] = value;
	th->pc++;
	trace(x, t, step, value);
}

/* Everything thread t can do next. Returns the number of ways. */
static unsigned int
advance(struct explorer *x, uint32_t from, unsigned int t)
{
	const struct model_thread th = x->states[from].thread[t];
	const struct model_step *step = &x->steps[t][th.pc];
	struct origin origin = {.parent = from, .thread = (uint8_t)t};
	struct model_state next;
	unsigned int nr = 0;

	for (uint8_t i = 0; i < th.nr && x->wrong == NULL; i++) {
		if (!ready(x, &x->states[from], t, i))
			continue;
		next = x->states[from];
		perform(x, &next, t, i);
		origin.entry = i;
		add(x, &next, origin);
		nr++;
	}
	if (!can_pick(x, &x->states[from], t))
		return nr;
	for (uint8_t value = 1; value <= step->to && x->wrong == NULL; value++) {
		if (value == th.reg[step->reg] || value == th.reg[step->by])
			continue;
		next = x->states[from];
		pick(x, &next, t, value);
		origin.entry = PICKED;
		origin.picked = value;
		add(x, &next, origin);
		nr++;
	}
	return nr;
}

static const char *
look_at_end(struct explorer *x, const struct model_state *s)
{
	const struct model_scenario *sc = x->scenario;
	unsigned int nr = 0;

	for (unsigned int t = 0; t < MODEL_THREADS; t++) {
		if (!ended(s, t))
			return "nothing can go on, and not every thread has ended";
	}
	x->nr_ends++;
	for (; nr < sc->nr_outcomes; nr++) {
		const struct model_outcome *o = &sc->outcome[nr];

		if (s->thread[o->thread].reg[o->reg] != o->value)
			return NULL;
	}
	return nr == 0 ? NULL : "the outcome was reached";
}

static void
search(struct explorer *x)
{
	for (uint32_t i = 0; i < x->nr_states && x->wrong == NULL && !x->bound; i++) {
		unsigned int nr = 0;

		for (unsigned int t = 0; t < MODEL_THREADS && x->wrong == NULL; t++)
			nr += advance(x, i, t);
		if (nr == 0 && x->wrong == NULL) {
			x->wrong = look_at_end(x, &x->states[i]);
			x->wrong_state = i;
		}
	}
}

/* Adds the first states: one, or with a program that is killed, one for each way to cut it. */
static void
add_first(struct explorer *x, struct model_state *s, unsigned int t)
{
	if (t == MODEL_THREADS) {
		struct model_state first = *s;

		if (x->wrong == NULL)
			add(x, &first, (struct origin){.parent = x->nr_states});
		return;
	}
	s->thread[t].end = x->len[t];
	add_first(x, s, t + 1);
	if (!x->scenario->programs[t].killed)
		return;
	for (uint8_t end = 0; end < x->len[t]; end++) {
		if (end == 0 || x->steps[t][end - 1].op == MODEL_STORE) {
			s->thread[t].end = end;
			add_first(x, s, t + 1);
		}
	}
}

static void
edit_step(struct model_step *step, uint8_t edit)
{
	struct model_step other = step[1];

	switch (edit) {
	case MODEL_DROP:
		step->op = MODEL_NOP;
		break;
	case MODEL_RELAX:
		step->order = RELAXED;
		break;
	case MODEL_ACQUIRE:
		step->order = ACQUIRE;
		break;
	case MODEL_ACQ_REL:
		step->order = ACQ_REL;
		break;
	case MODEL_SWAP:
		step[1] = step[0];
		step[0] = other;
		break;
	case MODEL_STALE:
		step->imm = 0;
		break;
	}
}

/* Makes the edits of a case to all programs. */
static void
edit_programs(struct explorer *x, const struct model_case *c)
{
	for (unsigned int e = 0; e < 2; e++) {
		unsigned int nr = 0;

		if (c->edits[e].edit == MODEL_KEEP)
			continue;
		for (unsigned int i = 0; i < MODEL_THREADS * MODEL_STEPS; i++) {
			struct model_step *step = &x->steps[i / MODEL_STEPS][i % MODEL_STEPS];

			if (step->tag != c->edits[e].tag || step->op == MODEL_END)
				continue;
			edit_step(step, c->edits[e].edit);
			if (c->edits[e].edit == MODEL_SWAP)
				i++;
			nr++;
		}
		if (nr == 0)
			give_up(c->name, "no step has the tag");
	}
}

/* Turns the label of each jump into the number of its step. */
static void
resolve_jumps(struct explorer *x, unsigned int t)
{
	for (unsigned int i = 0; i < x->len[t]; i++) {
		struct model_step *step = &x->steps[t][i];
		uint8_t to = 0;

		if (step->op != MODEL_JEQ && step->op != MODEL_JNE)
			continue;
		while (to < x->len[t] &&
		       (x->steps[t][to].op != MODEL_LABEL || x->steps[t][to].to != step->to))
			to++;
		if (to == x->len[t])
			give_up(x->scenario->name, "a jump to no label");
		step->to = to;
	}
}

/* Notes where the program may store; an address that is not fixed stands for all it can be. */
static void
note_stores(struct explorer *x, unsigned int t)
{
	for (unsigned int i = 0; i < x->len[t]; i++) {
		const struct model_step *step = &x->steps[t][i];

		if (!stores(step))
			continue;
		for (unsigned int loc = step->loc; loc < MODEL_LOCS; loc += step->stride) {
			x->stores[t][loc] = true;
			if (step->stride == 0)
				break;
		}
	}
}

static void
load_programs(struct explorer *x, const struct model_case *c)
{
	for (unsigned int t = 0; t < MODEL_THREADS; t++) {
		const struct model_step *steps = c->scenario->programs[t].steps;

		if (steps == NULL)
			continue;
		while (steps[x->len[t]].op != MODEL_END) {
			if (x->len[t] == MODEL_STEPS - 1)
				give_up(c->scenario->name, "a program has no end");
			x->steps[t][x->len[t]] = steps[x->len[t]];
			x->len[t]++;
		}
	}
	edit_programs(x, c);
	for (unsigned int t = 0; t < MODEL_THREADS; t++) {
		resolve_jumps(x, t);
		note_stores(x, t);
	}
}

static void
print_kills(const struct explorer *x, const struct model_state *s)
{
	for (unsigned int t = 0; t < MODEL_THREADS; t++) {
		const char *name = x->scenario->programs[t].name;
		uint8_t end = s->thread[t].end;

		if (x->scenario->programs[t].killed && end == 0)
			printf("      %-9s (killed at once)\n", name);
		else if (end < x->len[t])
			printf("      %-9s (killed after %s)\n", name, x->steps[t][end - 1].text);
	}
}

/* Goes the way to the wrong state once more, and prints it. */
static void
print_trace(struct explorer *x)
{
	uint32_t way[TRACE_MAX];
	struct model_state s;
	unsigned int nr = 0;
	uint32_t at;

	for (at = x->wrong_state; x->origins[at].parent != at; at = x->origins[at].parent) {
		if (nr == TRACE_MAX)
			give_up(x->scenario->name, "the way is too long to print");
		way[nr++] = at;
	}
	s = x->states[at];
	print_kills(x, &s);
	x->tracing = true;
	while (nr-- > 0) {
		const struct origin *from = &x->origins[way[nr]];

		if (from->entry == PICKED)
			pick(x, &s, from->thread, from->picked);
		else
			perform(x, &s, from->thread, from->entry);
		settle(x, &s);
	}
}

/* Explores one case under one memory model. Returns whether the verdict is the expected one. */
static bool
run(const struct model_case *c, enum model_memory memory)
{
	static const char *const verdicts[] = {"sound", "wrong", "out of bounds"};
	enum model_verdict expected = memory == MODEL_TSO ? c->tso : c->weak;
	struct explorer x = {.scenario = c->scenario, .memory = memory};
	enum model_verdict verdict;
	struct model_state s = {0};

	x.table = calloc(TABLE_SIZE, sizeof(x.table[0]));
	if (x.table == NULL)
		give_up(c->scenario->name, "no memory for the table");
	load_programs(&x, c);
	memcpy(s.memory, c->scenario->memory, sizeof(s.memory));
	memcpy(s.ghost, c->scenario->ghost, sizeof(s.ghost));
	add_first(&x, &s, 0);
	search(&x);

	verdict = x.wrong != NULL ? MODEL_WRONG : x.bound ? MODEL_BOUND : MODEL_SOUND;
	/* Nothing was seen of a scenario that cannot end. */
	if (verdict == MODEL_SOUND && x.nr_ends == 0)
		give_up(c->scenario->name, "every path is given up");
	printf("%-4s %8u states  %-8s%s %s%s%s%s%s\n", memory == MODEL_TSO ? "tso" : "weak",
	       x.nr_states, verdicts[verdict], verdict == expected ? " " : " NOT EXPECTED",
	       c->scenario->name, c->name != NULL ? " | " : "", c->name != NULL ? c->name : "",
	       x.wrong != NULL ? ": " : "", x.wrong != NULL ? x.wrong : "");
	if (verdict == MODEL_WRONG)
		print_trace(&x);
	fflush(stdout);
	free(x.table);
	free(x.states);
	free(x.origins);
	return verdict == expected;
}

unsigned int
model_run(const struct model_case *cases, unsigned int nr_cases)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < nr_cases; i++) {
		nr += !run(&cases[i], MODEL_TSO);
		nr += !run(&cases[i], MODEL_WEAK);
	}
	printf("%u cases, %u verdicts other than expected\n", nr_cases, nr);
	return nr;
}
