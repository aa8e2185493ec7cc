/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The data path: reserve, place, copy, commit, free. Entered by any lcore.
 *
 * A store takes the writer lock twice, for a moment each: for its place, and for the commit that
 * frees the old one. In between it writes the object, which nobody else touches. Where the lock is
 * not to be had, what was done so far stays in struct zstore_put and the next call goes on.
 *
 * The limit is kept by the pool, exactly, when a place is taken. Reservations come earlier and only
 * spare compressing what will not fit: they count bytes that are surely out of reach, so that free
 * places in partly used spans are not held against anybody.
 */

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "store/store_private.h"

/* Pages that one discard handles before it lets others have the lock. */
#define DISCARD_BATCH 16u

void
zstore_count(uint64_t *counter, uint64_t n)
{
	zc_store_relaxed(counter, *counter + n);
}

void
zstore_publish(struct zstore *st)
{
	struct zarena_stat *stat = &st->super->stat;
	uint64_t used = (uint64_t)st->pool.used_pages * ZS_PAGE;

	zc_store_relaxed(&st->occupied, zs_pool_occupied(&st->pool));
	if (used != stat->mem_used)
		zc_store_relaxed(&stat->mem_used, used);
	if (used > stat->mem_used_max)
		zc_store_relaxed(&stat->mem_used_max, used);
}

void
zstore_account(struct zstore *st, const struct zslot_place *p, int sign)
{
	struct zarena_stat *stat = &st->super->stat;
	uint64_t one = (uint64_t)(int64_t)sign;

	if (p->kind == ZSLOT_EMPTY || p->kind == ZSLOT_BAD)
		return;
	zstore_count(&stat->pages_stored, one);
	if (p->kind == ZSLOT_FILL || p->kind == ZSLOT_FILL8)
		zstore_count(&stat->same_pages, one);
	else
		zstore_count(&stat->compr_data_size, one * p->len);
	if (p->kind == ZSLOT_RAW)
		zstore_count(&stat->huge_pages, one);
}

void
zstore_write_slot(struct zstore *st, uint64_t page, uint64_t w0)
{
	struct zslot *slot = &st->slots[page];
	uint64_t generation = zslot_generation(zc_load_relaxed(&slot->w1)) + 1;

	zc_store_relaxed(&slot->w1, generation << ZSLOT_GEN_SHIFT);
	/* Pairs with the acquires of w0 in the reader's try_fetch(): what is read of the object,
	 * and the generation, are as old as the place or newer. */
	zc_store_release(&slot->w0, w0);
}

static struct zslot_place
read_slot(const struct zstore *st, uint64_t page)
{
	return zslot_decode(zc_load_relaxed(&st->slots[page].w0));
}

/* Commits and frees what the slot named before. The caller holds the lock. */
static void
replace_slot(struct zstore *st, uint64_t page, const struct zslot_place *old, uint64_t w0)
{
	zstore_write_slot(st, page, w0);
	zstore_account(st, old, -1);
	if (zslot_kind_has_object(old->kind))
		zs_pool_free(&st->pool, old->offset, zobj_place_len(old->len));
}

int
zstore_reserve(struct zstore *st, uint64_t page, struct zstore_put *put)
{
	uint64_t reserved = zc_load_relaxed(&st->reserved);

	assert(page < st->pages);
	__builtin_prefetch(&st->slots[page], 1);
	put->reserved = false;
	if (st->limit == 0 || zslot_kind_has_object(read_slot(st, page).kind))
		return 0;
	do {
		uint64_t need = zc_load_relaxed(&st->occupied) + st->raw_place_len;

		if (need > st->limit) {
			zstore_count_failed_store(st);
			return -ENOSPC;
		}
		if (need + reserved > st->limit)
			return -EAGAIN;
		/* A count that publishes nothing: its acquire has no partner and needs none. */
	} while (!zc_cas_acquire(&st->reserved, &reserved, reserved + st->raw_place_len));
	put->reserved = true;
	return 0;
}

void
zstore_unreserve(struct zstore *st, struct zstore_put *put)
{
	if (put->reserved)
		zc_sub_relaxed(&st->reserved, st->raw_place_len);
	put->reserved = false;
}

void
zstore_put_same(struct zstore_put *put, uint64_t page, uint64_t word)
{
	put->page = page;
	put->kind = (uint32_t)word == word >> 32 ? ZSLOT_FILL : ZSLOT_FILL8;
	put->word = word;
	put->data = NULL;
	put->len = sizeof(put->word);
	put->prio = 0;
	put->placed = false;
}

void
zstore_put_object(struct zstore_put *put, uint64_t page, uint8_t prio, const void *data,
                  uint32_t len)
{
	put->page = page;
	put->kind = ZSLOT_OBJ;
	put->data = data;
	put->len = len;
	put->prio = prio;
	put->placed = false;
}

void
zstore_put_raw(struct zstore *st, struct zstore_put *put, uint64_t page, const void *data)
{
	zstore_put_object(put, page, 0, data, st->page_size);
	put->kind = ZSLOT_RAW;
}

/* Why a place was not to be had, and whether to try again. The caller holds the lock. */
static int
no_place(struct zstore *st, int err)
{
	if (err == -ENOMEM && zc_load_relaxed(&st->exhausted) == 0) {
		zc_store_relaxed(&st->starved, 1);
		zc_store_relaxed(&st->wanted, 1);
		return -EAGAIN;
	}
	/* Another store is about to free a place: its success must not be this one's failure. */
	return st->placed != 0 ? -EAGAIN : err;
}

/* Whether an object of @p len bytes takes no more memory than the old one. */
static bool
no_larger(const struct zstore *st, uint32_t len, const struct zslot_place *old)
{
	const struct zs_classes *c = &st->pool.classes;

	return zslot_kind_has_object(old->kind) &&
	       zs_class_of(c, zobj_place_len(len)) >= zs_class_of(c, zobj_place_len(old->len));
}

/* Takes a place and writes the object into it. */
static int
place(struct zstore *st, struct zstore_put *put)
{
	struct zobj_id id = {
	        {st->nonce[0], st->nonce[1]}, put->page, put->len, (uint8_t)put->kind, put->prio};
	struct zslot_place old;
	enum zs_claim claim;
	int ret;

	/* Memory is on its way; who always tries for the lock keeps the main lcore from it. */
	if (zc_load_relaxed(&st->starved) != 0 && zc_load_relaxed(&st->exhausted) == 0)
		return -EAGAIN;
	if (!zc_trylock_take(&st->lock))
		return -EAGAIN;
	old = read_slot(st, put->page);
	if (zslot_kind_has_object(old.kind))
		zs_pool_prefetch(&st->pool, old.offset);
	claim = no_larger(st, put->len, &old) ? ZS_CLAIM_REPLACE : ZS_CLAIM_NEW;
	ret = zs_pool_alloc(&st->pool, zobj_place_len(put->len), claim, &put->place);
	if (ret == 0) {
		st->placed++;
		zstore_publish(st);
		if (st->pool.ready.free_pages < zstore_low_water(st))
			zc_store_relaxed(&st->wanted, 1);
	} else {
		ret = no_place(st, ret);
	}
	zc_trylock_drop(&st->lock);
	if (ret != 0)
		return ret;

	/* Pairs with the reader's acquire fence behind its copy: who sees a byte written below also
	 * sees that the slot which named the place before names it no more. */
	zc_fence_release();
	zobj_write(st->objs + put->place / sizeof(uint64_t),
	           put->kind == ZSLOT_FILL8 ? &put->word : put->data, &id);
	put->placed = true;
	return 0;
}

static int
commit(struct zstore *st, struct zstore_put *put)
{
	uint64_t w0 = put->placed ? zslot_object(put->kind, put->prio, put->len, put->place)
	                          : zslot_fill((uint32_t)put->word);
	struct zslot_place now = zslot_decode(w0), old;

	if (!zc_trylock_take(&st->lock))
		return -EAGAIN;
	old = read_slot(st, put->page);
	replace_slot(st, put->page, &old, w0);
	zstore_account(st, &now, 1);
	if (now.kind == ZSLOT_RAW)
		zstore_count(&st->super->stat.huge_pages_since, 1);
	st->placed -= put->placed;
	zstore_publish(st);
	zc_trylock_drop(&st->lock);
	put->placed = false;
	return 0;
}

int
zstore_put(struct zstore *st, struct zstore_put *put)
{
	int ret = 0;

	assert(put->page < st->pages && put->len != 0 && put->len <= st->page_size);
	if (zslot_kind_has_object(put->kind) && !put->placed)
		ret = place(st, put);
	if (ret == 0)
		ret = commit(st, put);
	if (ret == -EAGAIN)
		return ret;
	if (ret != 0)
		zstore_count_failed_store(st);
	zstore_unreserve(st, put);
	return ret;
}

/* The caller holds the lock. */
static void
discard_page(struct zstore *st, uint64_t page)
{
	struct zslot_place old = read_slot(st, page);

	if (old.kind != ZSLOT_EMPTY)
		replace_slot(st, page, &old, 0);
}

uint64_t
zstore_discard(struct zstore *st, uint64_t page, uint64_t nr)
{
	uint64_t max = nr < ZSTORE_DISCARD_MAX ? nr : ZSTORE_DISCARD_MAX, done = 0;

	assert(page < st->pages && nr <= st->pages - page);
	while (done < max && zc_trylock_take(&st->lock)) {
		uint64_t end = max - done < DISCARD_BATCH ? max : done + DISCARD_BATCH;

		zstore_count(&st->super->stat.discards, end - done);
		for (; done < end; done++)
			discard_page(st, page + done);
		zstore_publish(st);
		zc_trylock_drop(&st->lock);
	}
	return done;
}

void
zstore_count_failed_store(struct zstore *st)
{
	zc_add_relaxed(&st->super->stat.failed_stores, 1);
}

bool
zstore_wants_populate(const struct zstore *st)
{
	return zc_load_relaxed(&st->wanted) != 0 && zc_load_relaxed(&st->exhausted) == 0;
}
