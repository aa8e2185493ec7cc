/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Compaction. Main lcore, in steps; workers and readers go on meanwhile.
 *
 * A round marks the spans that each class can do without, walks through the slot table and moves
 * the objects that are in them, takes the marks off, and adds up what came free. Rounds follow each
 * other until one gains nothing.
 *
 * The walk finds who owns an object without a map from places to pages: such a map would cost each
 * store a cache line, and memory, for what is done now and then. The walk costs 16 bytes read for
 * each page of the disk in each round, some nanoseconds, and what is marked tells a byte that it
 * reads without the lock. 64 MiB of real pages, overwritten at random, take two rounds and 1 ms.
 *
 * A move is a commit as any other (design, section 6; explored in test/model): copy, check, take a
 * place, write, and commit if w0 and generation are still those read. A damaged object stays where
 * it is. The lock is held to take the place and to commit, and while 16 spans are marked; never
 * across the copy. What is killed in the middle leaves a place that no slot names, which is free.
 *
 * A move takes a free place that is there already, and no page. So nobody is kept waiting: workers
 * take victims' places when there are no others, and one that is left without any because of a move
 * calls again, as `placed` says.
 */

#include "store/store_private.h"

#define MOVE_SLOTS  64u /* slots that could have been looked at while an object is moved */
#define CLASS_SLOTS 16u /* the same, for 16 spans' marks */
#define ROUNDS_MAX  16u /* where stores go on, each round may gain something */
#define WASTE_PART  64u
#define WASTE_MIN   16u /* pages */

enum phase { REST, MARK, WALK, UNMARK };

/* What the walk found in a slot. */
struct found {
	uint64_t page;
	uint64_t w0, w1;
	struct zslot_place p;
};

static bool
unchanged(const struct zstore *st, const struct found *f)
{
	const struct zslot *slot = &st->slots[f->page];

	return zc_load_relaxed(&slot->w0) == f->w0 &&
	       zslot_generation(zc_load_relaxed(&slot->w1)) == zslot_generation(f->w1);
}

/* Counts pages that came free since there were @p before. The caller holds the lock. */
static void
gained(struct zstore *st, uint32_t before)
{
	if (st->pool.used_pages < before)
		zstore_count(&st->super->stat.pages_compacted, before - st->pool.used_pages);
	zstore_publish(st);
}

/* Takes a place for what was copied. @return whether there is one, and a reason to */
static bool
take(struct zstore *st, const struct found *f, uint64_t *place)
{
	bool taken;

	zstore_lock(st);
	taken = unchanged(st, f) && zs_pool_is_victim(&st->pool, f->p.offset) &&
	        zs_pool_alloc_elsewhere(&st->pool, zobj_place_len(f->p.len), place) == 0;
	st->placed += taken;
	zc_trylock_drop(&st->lock);
	return taken;
}

static void
commit(struct zstore *st, const struct found *f, uint64_t place)
{
	uint64_t w0 = zslot_object(f->p.kind, f->p.prio, f->p.len, place);
	uint32_t used;
	bool same;

	zstore_lock(st);
	used = st->pool.used_pages;
	same = unchanged(st, f);
	if (same)
		zstore_write_slot(st, f->page, w0);
	zs_pool_free(&st->pool, same ? f->p.offset : place, zobj_place_len(f->p.len));
	st->placed--;
	gained(st, used);
	zc_trylock_drop(&st->lock);
}

static void
move(struct zstore *st, const struct found *f)
{
	struct zobj_id id = {
	        {st->nonce[0], st->nonce[1]}, f->page, f->p.len, (uint8_t)f->p.kind, f->p.prio};
	uint64_t copy[(ZSLOT_LEN_MAX + ZOBJ_GRANULE) / sizeof(uint64_t)], place;

	/* What somebody overwrites meanwhile is told from what is damaged when it no longer
	 * matters: neither is moved. */
	if (!zobj_read(copy, st->objs + f->p.offset / sizeof(uint64_t), &id) ||
	    !take(st, f, &place))
		return;
	/* As in every store; pairs with the reader's acquire fence behind its copy. */
	zc_fence_release();
	zobj_write(st->objs + place / sizeof(uint64_t), copy, &id);
	commit(st, f, place);
}

/* @return slots' worth of work */
static uint32_t
look(struct zstore *st, uint64_t page)
{
	const struct zslot *slot = &st->slots[page];
	/* Both pair with the release of w0 in zstore_write_slot(): the copy is no older. */
	struct found f = {.page = page, .w1 = zc_load_acquire(&slot->w1)};

	f.w0 = zc_load_acquire(&slot->w0);
	f.p = zslot_decode(f.w0);
	if (!zslot_kind_has_object(f.p.kind) || f.p.back ||
	    f.p.offset + zobj_place_len(f.p.len) > (uint64_t)st->pool.high * ZS_PAGE ||
	    !zs_pool_maybe_victim(&st->pool, f.p.offset))
		return 1;
	move(st, &f);
	return MOVE_SLOTS;
}

static void
begin_round(struct zstore *st, struct zstore_compaction *c)
{
	c->phase = MARK;
	c->cls = 0;
	c->page = 0;
	c->marking = (struct zs_marking){0};
	c->gained = st->super->stat.pages_compacted;
	zstore_lock(st);
	c->rest = zs_pool_compactable(&st->pool);
	zc_trylock_drop(&st->lock);
}

static void
end_round(struct zstore *st, struct zstore_compaction *c)
{
	bool gained_some = st->super->stat.pages_compacted != c->gained;

	if (gained_some && ++c->rounds < ROUNDS_MAX) {
		begin_round(st, c);
		return;
	}
	c->phase = REST;
	/* What a round found and could not change is left over; not what stores did meanwhile. */
	if (gained_some)
		c->rest = 0;
}

/* The next class. @return slots' worth of work */
static uint32_t
mark(struct zstore *st, struct zstore_compaction *c)
{
	bool more;

	zstore_lock(st);
	more = zs_pool_mark(&st->pool, c->cls, &c->marking);
	zc_trylock_drop(&st->lock);
	if (!more && ++c->cls == st->pool.classes.nr) {
		c->phase = WALK;
		c->cls = 0;
		if (c->marking.pages == 0)
			end_round(st, c);
	}
	return CLASS_SLOTS;
}

static uint32_t
unmark(struct zstore *st, struct zstore_compaction *c)
{
	uint32_t used;
	bool more;

	zstore_lock(st);
	used = st->pool.used_pages;
	more = zs_pool_unmark(&st->pool, c->cls);
	gained(st, used);
	zc_trylock_drop(&st->lock);
	if (!more && ++c->cls == st->pool.classes.nr)
		end_round(st, c);
	return CLASS_SLOTS;
}

bool
zstore_compact(struct zstore *st, uint32_t budget)
{
	struct zstore_compaction *c = &st->compaction;
	uint32_t done = 0;

	if (c->phase == REST) {
		c->rounds = 0;
		begin_round(st, c);
	}
	while (done < budget && c->phase != REST) {
		if (c->phase == MARK)
			done += mark(st, c);
		else if (c->phase == UNMARK)
			done += unmark(st, c);
		else if (c->page < st->pages)
			done += look(st, c->page++);
		else
			c->phase = UNMARK;
	}
	return c->phase != REST;
}

bool
zstore_wants_compact(struct zstore *st)
{
	uint32_t pages, used;

	zstore_lock(st);
	pages = zs_pool_compactable(&st->pool);
	used = st->pool.used_pages;
	zc_trylock_drop(&st->lock);
	/* What a round left as it was, damaged objects keep. It may have become less. */
	if (pages < st->compaction.rest)
		st->compaction.rest = pages;
	pages -= st->compaction.rest;
	return pages >= WASTE_MIN && pages >= used / WASTE_PART;
}
