/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Takes over an arena that another process left. Main lcore, before any worker knows the disk;
 * readers may be at work.
 *
 * The commit protocol leaves nothing to roll back. What is found wrong here was damaged by somebody
 * else, and turns to BAD: empty would read as zeros. Only slots that are wrong are written.
 *
 * Offsets and lengths are enough to tell that an arena is whole. Two slots that claim the same
 * place, or pages that cannot belong to both their spans, are not; then the pool is built once
 * more, only from objects whose checksums are right.
 */

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "store/store_private.h"

static bool
right_length(const struct zstore *st, const struct zslot_place *p)
{
	if (p->kind == ZSLOT_FILL8)
		return p->len == sizeof(uint64_t);
	if (p->kind == ZSLOT_RAW)
		return p->len == st->page_size;
	return p->len <= st->page_size;
}

/* Whether a slot without an object says nothing but what it may. */
static bool
right_word(uint64_t w0, const struct zslot_place *p)
{
	switch (p->kind) {
	case ZSLOT_EMPTY:
		return true;
	case ZSLOT_FILL:
		return w0 == zslot_fill((uint32_t)p->offset);
	default:
		return w0 == ZSLOT_BAD;
	}
}

static bool
right_checksum(const struct zstore *st, uint64_t page, const struct zslot_place *p)
{
	struct zobj_id id = {{st->nonce[0], st->nonce[1]}, page, p->len, (uint8_t)p->kind, p->prio};
	uint64_t place[(ZSLOT_LEN_MAX + ZOBJ_GRANULE) / sizeof(uint64_t)];
	uint64_t copy[(ZSLOT_LEN_MAX + ZOBJ_GRANULE) / sizeof(uint64_t)];
	uint32_t place_len = zobj_place_len(p->len);

	/* By the file, not by the mapping: a damaged slot may name a hole, and on a full tmpfs the
	 * read of one through a mapping is SIGBUS. */
	return pread(st->objs_fd, place, place_len, (off_t)p->offset) == (ssize_t)place_len &&
	       zobj_read(copy, place, &id);
}

/* @return 0, -EINVAL (the slot is wrong), -EEXIST (at odds with a slot before it) */
static int
check_slot(struct zstore *st, uint64_t page, const struct zslot_place *p, bool checksums)
{
	uint64_t w0 = zc_load_relaxed(&st->slots[page].w0);
	uint32_t place_len = zobj_place_len(p->len);

	if (!zslot_kind_has_object(p->kind))
		return right_word(w0, p) ? 0 : -EINVAL;
	if (p->back || !right_length(st, p) ||
	    p->offset + place_len > (uint64_t)st->pool.high * ZS_PAGE)
		return -EINVAL;
	if (checksums && !right_checksum(st, page, p))
		return -EINVAL;
	return zs_pool_claim(&st->pool, p->offset, place_len);
}

static void
forget_counters(struct zarena_stat *stat)
{
	uint64_t *const counters[] = {&stat->pages_stored, &stat->compr_data_size,
	                              &stat->same_pages,   &stat->huge_pages,
	                              &stat->bd_count,     &stat->mem_used};

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		zc_store_relaxed(counters[i], 0);
}

/* Walks all slots. @return 0, or -EEXIST when @p checksums must decide */
static int
claim_all(struct zstore *st, uint32_t high, bool checksums)
{
	zs_pool_reset(&st->pool);
	st->pool.high = high;
	forget_counters(&st->super->stat);
	for (uint64_t page = 0; page < st->pages; page++) {
		struct zslot_place p = zslot_decode(zc_load_relaxed(&st->slots[page].w0));
		int ret = check_slot(st, page, &p, checksums);

		if (ret == -EEXIST && !checksums)
			return ret;
		if (ret == 0)
			zstore_account(st, &p, 1);
		else
			zstore_write_slot(st, page, ZSLOT_BAD);
	}
	return 0;
}

/* Workers store only into pages that fallocate() gave; where a slot that was accepted names a hole,
 * it gives them now. On a sound arena it has nothing to do. */
static void
populate_spans(struct zstore *st)
{
	const struct zs_page *pages = st->pool.pages;
	uint32_t end;

	for (uint32_t page = 0; page < st->pool.high; page = end) {
		end = page + 1;
		if (pages[page].state != ZS_PAGE_SPAN)
			continue;
		while (end < st->pool.high && pages[end].state == ZS_PAGE_SPAN)
			end++;
		(void)zstore_fallocate(st->objs_fd, 0, (uint64_t)page * ZS_PAGE,
		                       (uint64_t)(end - page) * ZS_PAGE);
	}
}

void
zstore_recover(struct zstore *st, uint64_t objs_len)
{
	uint32_t high = (uint32_t)(objs_len / ZS_PAGE);

	if (claim_all(st, high, false) != 0)
		claim_all(st, high, true);
	zs_pool_settle(&st->pool);
	populate_spans(st);
	zstore_publish(st);
}
