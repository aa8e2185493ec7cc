/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* A pool's invariants, computed the slow way. */

#include "pool_check.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

struct sums {
	uint64_t live;
	uint64_t free_bytes;
	uint32_t used, span_pages, ready, holes;
	uint32_t spans[ZS_CLASSES], free_nr[ZS_CLASSES], listed[ZS_CLASSES];
};

/* Marks are on all pages of a span or on none, and on no span that is full. */
static void
check_marks(const struct zs_pool *pool, uint32_t head)
{
	const struct zs_page *span = &pool->pages[head];
	const struct zs_class *cls = &pool->classes.classes[span->cls];
	const struct zs_spans *s = &pool->spans[span->cls];

	for (uint32_t i = 0; i < cls->pages; i++)
		assert_int_equal(pool->pages[head + i].victim, span->victim);
	if (head == s->growing)
		assert_int_equal(span->victim, s->keep != ZS_KEEP_ALL);
	else
		assert_true(span->victim == 0 || span->free_nr != 0);
}

static uint32_t
check_span(const struct zs_pool *pool, uint32_t head, struct sums *sums)
{
	const struct zs_page *span = &pool->pages[head];
	const struct zs_class *cls = &pool->classes.classes[span->cls];
	uint32_t places = span->held * ZS_PAGE / cls->size, free_nr = 0;

	if (places > cls->objs)
		places = cls->objs;
	assert_int_equal(span->back, 0);
	for (uint32_t i = 0; i < cls->pages; i++) {
		assert_int_equal(pool->pages[head + i].state, ZS_PAGE_SPAN);
		assert_int_equal(pool->pages[head + i].back, i);
		assert_int_equal(pool->pages[head + i].cls, span->cls);
	}
	for (uint32_t i = 0; i < cls->objs; i++) {
		bool is_free = (pool->bits[2 * (size_t)head + i / 64] >> i % 64 & 1) != 0;

		assert_true(i < places || !is_free);
		free_nr += is_free;
	}
	check_marks(pool, head);
	assert_int_equal(span->free_nr, free_nr);
	assert_true(free_nr < places);
	assert_true(span->held <= cls->pages);
	assert_true(span->held == cls->pages || pool->spans[span->cls].growing == head);
	sums->live += places - free_nr;
	sums->free_bytes += (uint64_t)free_nr * cls->size;
	sums->used += span->held;
	sums->span_pages += cls->pages;
	sums->spans[span->cls]++;
	sums->free_nr[span->cls] += free_nr;
	sums->listed[span->cls] += head != pool->spans[span->cls].growing && free_nr != 0;
	return cls->pages;
}

static void
check_lists(const struct zs_pool *pool, uint32_t c, const struct sums *sums)
{
	const struct zs_class *cls = &pool->classes.classes[c];
	const struct zs_spans *s = &pool->spans[c];
	uint32_t listed = 0;

	assert_int_equal(s->spans, sums->spans[c]);
	assert_int_equal(s->free_nr, sums->free_nr[c]);
	assert_true(s->growing != ZS_NONE || s->keep == ZS_KEEP_ALL);
	for (uint32_t i = 0; i < ZS_LISTS; i++) {
		uint32_t prev = ZS_NONE;

		assert_true((s->partial[i] != ZS_NONE) == ((s->mask >> i & 1) != 0));
		for (uint32_t h = s->partial[i]; h != ZS_NONE; h = pool->pages[h].next) {
			assert_int_equal(pool->pages[h].prev, prev);
			uint32_t taken = cls->objs - pool->pages[h].free_nr;

			assert_int_equal(i == ZS_VICTIMS, pool->pages[h].victim);
			if (i != ZS_VICTIMS)
				assert_int_equal(1 + taken * ZS_FULLNESS / cls->objs, i);
			assert_true(h != s->growing);
			prev = h;
			listed++;
		}
	}
	assert_int_equal(listed, sums->listed[c]);
}

uint64_t
pool_check(const struct zs_pool *pool)
{
	struct sums sums = {0};
	uint32_t owed = 0, len;

	for (uint32_t page = 0; page < pool->high; page += len) {
		const struct zs_page *p = &pool->pages[page];

		switch (p->state) {
		case ZS_PAGE_SPAN:
			len = check_span(pool, page, &sums);
			break;
		case ZS_PAGE_READY:
			len = p->run_len;
			sums.ready += len;
			assert_int_equal(p->victim, 0);
			break;
		case ZS_PAGE_HOLE:
			len = p->run_len;
			sums.holes += len;
			break;
		default:
			fail_msg("page %u is lost", page);
			return 0;
		}
	}
	assert_int_equal(pool->used_pages, sums.used);
	assert_int_equal(pool->span_pages, sums.span_pages);
	assert_int_equal(pool->free_bytes, sums.free_bytes);
	assert_int_equal(pool->ready.free_pages, sums.ready);
	assert_int_equal(pool->holes.free_pages, sums.holes);
	assert_true(pool->used_pages <= pool->limit);
	for (uint32_t c = 0; c < pool->classes.nr; c++) {
		uint32_t size = pool->classes.classes[c].size;

		check_lists(pool, c, &sums);
		if (sums.spans[c] != 0 && sums.free_nr[c] == 0)
			owed += (size + ZS_PAGE - 1) / ZS_PAGE;
	}
	assert_int_equal(pool->owed, owed);
	return sums.live;
}
