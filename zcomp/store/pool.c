/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Spans and their places. Entered under the writer lock.
 *
 * A class allocates from its fullest partly used span. When it has none, it starts a span, and
 * takes that one's pages only as objects come to need them: so a class costs one partly used page,
 * not half a span. There is at most one such growing span in a class; the others hold all their
 * pages. A span's bitmap shows free places in held pages only.
 *
 * Compaction empties the emptiest spans into the free places of the others; what of these is left
 * then is too little for a span, but may do for pages at the end of one: it becomes the growing
 * span, and holds them no more. So a class at rest is full but for less than a page.
 *
 * The limit counts held pages. A store that replaces an object is to pass at the limit, and takes
 * its new place before the old one is freed. So new objects leave each class a free place, or the
 * pages for one: `owed` sums up the latter, and used_pages + owed + slack <= limit is what a new
 * object keeps true. Replacements go up to the limit itself.
 */

#include "store/pool.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#define SLACK_PAGES     8u
#define SLACK_LIMIT_MIN 64u /* pages; a smaller limit has no slack */
#define WORDS_A_PAGE    2u
#define MARK_BATCH      16u /* spans, for one moment under the lock */

static_assert(ZS_PAGE / ZS_PLACE_MIN == WORDS_A_PAGE * 64, "a page's places have a bit each");
static_assert(sizeof(struct zs_page) == 16, "a page costs what pool.h says");

static size_t
pages_len(const struct zs_pool *pool)
{
	/* One more, so that each page has a neighbour. */
	return ((size_t)pool->max_pages + 1) * sizeof(struct zs_page);
}

static size_t
bits_len(const struct zs_pool *pool)
{
	return (size_t)pool->max_pages * WORDS_A_PAGE * sizeof(uint64_t);
}

static void *
map_private(size_t len)
{
	void *map = mmap(NULL, len, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

static void
forget(struct zs_pool *pool)
{
	pool->high = pool->used_pages = pool->span_pages = pool->owed = 0;
	pool->free_bytes = 0;
	zs_runs_init(&pool->ready, pool->pages, ZS_PAGE_READY);
	zs_runs_init(&pool->holes, pool->pages, ZS_PAGE_HOLE);
	memset(pool->spans, 0, sizeof(pool->spans));
	for (uint32_t c = 0; c < pool->classes.nr; c++) {
		pool->spans[c].growing = ZS_NONE;
		pool->spans[c].keep = ZS_KEEP_ALL;
		for (uint32_t i = 0; i < ZS_LISTS; i++)
			pool->spans[c].partial[i] = ZS_NONE;
	}
}

int
zs_pool_init(struct zs_pool *pool, uint32_t page_size, uint32_t max_pages, uint64_t limit)
{
	uint64_t limit_pages = limit / ZS_PAGE;

	memset(pool, 0, sizeof(*pool));
	pool->max_pages = max_pages;
	pool->limit = limit == 0 || limit_pages > UINT32_MAX ? UINT32_MAX : (uint32_t)limit_pages;
	if (limit != 0 && limit_pages >= SLACK_LIMIT_MIN)
		pool->slack = SLACK_PAGES;
	zs_classes_init(&pool->classes, page_size);
	pool->pages = (struct zs_page *)map_private(pages_len(pool));
	pool->bits = (uint64_t *)map_private(bits_len(pool));
	if (pool->pages == NULL || pool->bits == NULL) {
		zs_pool_fini(pool);
		return -ENOMEM;
	}
	forget(pool);
	return 0;
}

void
zs_pool_fini(struct zs_pool *pool)
{
	if (pool->pages != NULL)
		munmap(pool->pages, pages_len(pool));
	if (pool->bits != NULL)
		munmap(pool->bits, bits_len(pool));
	pool->pages = NULL;
	pool->bits = NULL;
}

void
zs_pool_reset(struct zs_pool *pool)
{
	memset(pool->pages, 0, ((size_t)pool->high + 1) * sizeof(struct zs_page));
	forget(pool);
}

static uint64_t *
span_bits(const struct zs_pool *pool, uint32_t head)
{
	return pool->bits + (size_t)head * WORDS_A_PAGE;
}

/* Places that lie wholly in a span's first @p held pages. */
static uint32_t
places_in(const struct zs_class *cls, uint32_t held)
{
	uint32_t nr = held * ZS_PAGE / cls->size;

	return nr < cls->objs ? nr : cls->objs;
}

static uint32_t
pages_for(const struct zs_class *cls, uint32_t places)
{
	return (places * cls->size + ZS_PAGE - 1) / ZS_PAGE;
}

static uint32_t
owed_to(const struct zs_class *cls, uint32_t spans, uint32_t free_nr)
{
	return spans != 0 && free_nr == 0 ? pages_for(cls, 1) : 0;
}

/* The list of a span with so many free places. One without is in none: ZS_LISTS. */
static uint32_t
list_of(const struct zs_class *cls, const struct zs_page *span, uint32_t free_nr)
{
	if (span->victim != 0 && free_nr != 0)
		return ZS_VICTIMS;
	return 1 + (cls->objs - free_nr) * ZS_FULLNESS / cls->objs;
}

static void
set_victim(struct zs_pool *pool, const struct zs_class *cls, uint32_t head, uint8_t victim)
{
	for (uint32_t i = 0; i < cls->pages; i++)
		zc_store_relaxed(&pool->pages[head + i].victim, victim);
}

static void
link_span(struct zs_pool *pool, struct zs_spans *s, uint32_t head, uint32_t list)
{
	struct zs_page *span = &pool->pages[head];
	uint32_t next = s->partial[list];

	span->prev = ZS_NONE;
	span->next = next;
	if (next != ZS_NONE)
		pool->pages[next].prev = head;
	s->partial[list] = head;
	s->mask |= (uint16_t)(1u << list);
}

static void
unlink_span(struct zs_pool *pool, struct zs_spans *s, uint32_t head, uint32_t list)
{
	struct zs_page *span = &pool->pages[head];

	if (span->next != ZS_NONE)
		pool->pages[span->next].prev = span->prev;
	if (span->prev != ZS_NONE)
		pool->pages[span->prev].next = span->next;
	else
		s->partial[list] = span->next;
	if (s->partial[list] == ZS_NONE)
		s->mask &= (uint16_t) ~(1u << list);
}

/* A span that holds all its pages has got @p free_nr free places: the list it belongs to now. Full
 * spans are in none. */
static void
relink_span(struct zs_pool *pool, const struct zs_class *cls, struct zs_spans *s, uint32_t head,
            uint32_t free_nr)
{
	struct zs_page *span = &pool->pages[head];
	uint32_t was = span->free_nr;
	uint32_t from = list_of(cls, span, was), to = list_of(cls, span, free_nr);

	span->free_nr = (uint16_t)free_nr;
	if (from == to)
		return;
	if (was != 0)
		unlink_span(pool, s, head, from);
	if (free_nr != 0)
		link_span(pool, s, head, to);
	else if (span->victim != 0)
		set_victim(pool, cls, head, 0);
}

static void
mark_span(struct zs_pool *pool, uint32_t c, uint32_t head)
{
	const struct zs_class *cls = &pool->classes.classes[c];

	for (uint32_t i = 0; i < cls->pages; i++) {
		struct zs_page *page = &pool->pages[head + i];

		page->state = ZS_PAGE_SPAN;
		page->back = (uint8_t)i;
		page->cls = (uint8_t)c;
		page->held = 0;
	}
	pool->pages[head].free_nr = 0;
	memset(span_bits(pool, head), 0, (cls->objs + 63u) / 64 * sizeof(uint64_t));
}

/* The growing span holds all its pages, or none. */
static void
end_growing(struct zs_pool *pool, const struct zs_class *cls, struct zs_spans *s)
{
	if (s->keep != ZS_KEEP_ALL)
		set_victim(pool, cls, s->growing, 0);
	s->growing = ZS_NONE;
	s->keep = ZS_KEEP_ALL;
}

static int
start_span(struct zs_pool *pool, uint32_t c)
{
	const struct zs_class *cls = &pool->classes.classes[c];
	uint32_t head = zs_runs_take(&pool->ready, cls->pages);

	if (head == ZS_NONE)
		return -ENOMEM;
	end_growing(pool, cls, &pool->spans[c]);
	mark_span(pool, c, head);
	pool->spans[c].growing = head;
	pool->spans[c].spans++;
	pool->span_pages += cls->pages;
	return 0;
}

/* Lets the growing span hold @p more pages, with one more place at least. */
static void
grow_span(struct zs_pool *pool, uint32_t c, uint32_t more)
{
	const struct zs_class *cls = &pool->classes.classes[c];
	struct zs_spans *s = &pool->spans[c];
	uint32_t head = s->growing;
	struct zs_page *span = &pool->pages[head];
	uint32_t from = places_in(cls, span->held);
	uint32_t to = places_in(cls, span->held + more);

	for (uint32_t i = from; i < to; i++)
		span_bits(pool, head)[i / 64] |= UINT64_C(1) << i % 64;
	span->held = (uint8_t)(span->held + more);
	span->free_nr = (uint16_t)(span->free_nr + to - from);
	s->free_nr += to - from;
	pool->free_bytes += (uint64_t)(to - from) * cls->size;
	pool->used_pages += more;
	if (span->held == cls->pages) {
		end_growing(pool, cls, s);
		link_span(pool, s, head, list_of(cls, span, span->free_nr));
	}
}

/* Pages held by the span that can grow, 0 where there is none. Compaction leaves some that hold
 * all. */
static uint32_t
growing_held(const struct zs_pool *pool, const struct zs_class *cls, const struct zs_spans *s)
{
	uint32_t held = s->growing == ZS_NONE ? 0 : pool->pages[s->growing].held;

	return held < cls->pages ? held : 0;
}

/* What a class without a free place has to take to get one. */
static uint32_t
growth_pages(const struct zs_pool *pool, const struct zs_class *cls, const struct zs_spans *s)
{
	uint32_t held = growing_held(pool, cls, s);

	return pages_for(cls, places_in(cls, held) + 1) - held;
}

/* Whether the limit allows one more object in the class, which takes @p more pages for it. */
static bool
within_limit(const struct zs_pool *pool, const struct zs_class *cls, const struct zs_spans *s,
             uint32_t more, enum zs_claim claim)
{
	uint32_t held = growing_held(pool, cls, s);
	uint32_t free_nr = s->free_nr + places_in(cls, held + more) - places_in(cls, held) - 1;
	uint32_t before = owed_to(cls, s->spans, s->free_nr), after = owed_to(cls, 1, free_nr);
	uint64_t used = (uint64_t)pool->used_pages + more;

	if (claim == ZS_CLAIM_REPLACE)
		return more == 0 || used <= pool->limit;
	if (more == 0 && after <= before)
		return true;
	return used + pool->owed - before + after + pool->slack <= pool->limit;
}

/* The first free place of a span that has one. */
static uint32_t
first_free(const struct zs_pool *pool, uint32_t head)
{
	const uint64_t *word = span_bits(pool, head);
	uint32_t idx = 0;

	assert(pool->pages[head].free_nr != 0);
	for (; *word == 0; word++)
		idx += 64;
	return idx + (uint32_t)__builtin_ctzll(*word);
}

/* @return the place's offset */
static uint64_t
take_place(struct zs_pool *pool, const struct zs_class *cls, struct zs_spans *s, uint32_t head)
{
	struct zs_page *span = &pool->pages[head];
	uint32_t idx = first_free(pool, head), free_nr = span->free_nr - 1u;
	uint32_t owed = owed_to(cls, s->spans, s->free_nr);

	span_bits(pool, head)[idx / 64] &= ~(UINT64_C(1) << idx % 64);
	if (head == s->growing)
		span->free_nr = (uint16_t)free_nr;
	else
		relink_span(pool, cls, s, head, free_nr);
	s->free_nr--;
	pool->free_bytes -= cls->size;
	pool->owed += owed_to(cls, s->spans, s->free_nr) - owed;
	return (uint64_t)head * ZS_PAGE + (uint64_t)idx * cls->size;
}

/* The span that gives the next place: the fullest one, and a victim only where there is no other.
 * ZS_NONE: no free place. */
static uint32_t
best_span(const struct zs_pool *pool, const struct zs_spans *s)
{
	uint32_t list = s->mask != 0 ? 31u - (uint32_t)__builtin_clz(s->mask) : ZS_VICTIMS;

	if (list == ZS_VICTIMS && s->growing != ZS_NONE && pool->pages[s->growing].free_nr != 0)
		return s->growing;
	return s->partial[list];
}

int
zs_pool_alloc(struct zs_pool *pool, uint32_t place_len, enum zs_claim claim, uint64_t *offset)
{
	uint32_t c = zs_class_of(&pool->classes, place_len);
	const struct zs_class *cls = &pool->classes.classes[c];
	struct zs_spans *s = &pool->spans[c];
	uint32_t more = s->free_nr != 0 ? 0 : growth_pages(pool, cls, s);
	int ret;

	if (pool->limit != UINT32_MAX && !within_limit(pool, cls, s, more, claim))
		return -ENOSPC;
	if (more != 0) {
		uint32_t owed = owed_to(cls, s->spans, 0);

		ret = growing_held(pool, cls, s) == 0 ? start_span(pool, c) : 0;
		if (ret != 0)
			return ret;
		grow_span(pool, c, more);
		pool->owed -= owed;
	}
	*offset = take_place(pool, cls, s, best_span(pool, s));
	return 0;
}

/* The span's last object is freed; all other places are free. */
static void
end_span(struct zs_pool *pool, const struct zs_class *cls, struct zs_spans *s, uint32_t head)
{
	struct zs_page *span = &pool->pages[head];
	uint32_t was_free = span->free_nr;

	if (head == s->growing)
		end_growing(pool, cls, s);
	else if (was_free != 0)
		unlink_span(pool, s, head, list_of(cls, span, was_free));
	if (span->victim != 0)
		set_victim(pool, cls, head, 0);
	s->spans--;
	s->free_nr -= was_free;
	pool->free_bytes -= (uint64_t)was_free * cls->size;
	pool->used_pages -= span->held;
	pool->span_pages -= cls->pages;
	for (uint32_t i = 0; i < cls->pages; i++)
		pool->pages[head + i].epoch = pool->epoch;
	zs_runs_put(&pool->ready, head, cls->pages);
}

void
zs_pool_free(struct zs_pool *pool, uint64_t offset, uint32_t place_len)
{
	uint32_t page = (uint32_t)(offset / ZS_PAGE), head = page - pool->pages[page].back;
	uint32_t c = pool->pages[page].cls;
	const struct zs_class *cls = &pool->classes.classes[c];
	struct zs_spans *s = &pool->spans[c];
	struct zs_page *span = &pool->pages[head];
	uint32_t idx = (uint32_t)(offset - (uint64_t)head * ZS_PAGE) / cls->size;
	uint32_t places = head == s->growing ? places_in(cls, span->held) : cls->objs;
	uint32_t owed = owed_to(cls, s->spans, s->free_nr), free_nr = span->free_nr + 1u;
	uint64_t *word = span_bits(pool, head) + idx / 64;

	assert(pool->pages[page].state == ZS_PAGE_SPAN);
	assert(c == zs_class_of(&pool->classes, place_len) && (*word >> idx % 64 & 1) == 0);
	(void)place_len;
	if (free_nr == places) {
		end_span(pool, cls, s, head);
	} else {
		*word |= UINT64_C(1) << idx % 64;
		if (head == s->growing)
			span->free_nr = (uint16_t)free_nr;
		else
			relink_span(pool, cls, s, head, free_nr);
		s->free_nr++;
		pool->free_bytes += cls->size;
	}
	pool->owed += owed_to(cls, s->spans, s->free_nr) - owed;
}

/* Free places of a class that objects may be moved to. */
static uint32_t
spare_places(const struct zs_pool *pool, const struct zs_spans *s)
{
	/* At the limit, a class without a free place is owed pages for one: it would gain none. */
	uint32_t keep = pool->limit != UINT32_MAX;

	return s->free_nr > keep ? s->free_nr - keep : 0;
}

/* The emptiest span that is in a list and no victim, or ZS_NONE. */
static uint32_t
emptiest_span(const struct zs_spans *s)
{
	uint32_t lists = s->mask & ~(1u << ZS_VICTIMS);

	return lists != 0 ? s->partial[__builtin_ctz(lists)] : ZS_NONE;
}

/* Marks the end of the growing span, as much as @p spare places are enough for. Where there is no
 * growing span, the emptiest one becomes it. @return pages */
static uint32_t
mark_end(struct zs_pool *pool, const struct zs_class *cls, struct zs_spans *s, uint32_t spare)
{
	uint32_t head = s->growing != ZS_NONE ? s->growing : emptiest_span(s), pages, places;
	const struct zs_page *span;

	if (head == ZS_NONE)
		return 0;
	span = &pool->pages[head];
	places = places_in(cls, span->held);
	for (pages = span->held; pages > 0; pages--) {
		if (places - places_in(cls, pages - 1) > spare)
			break;
	}
	if (pages == span->held)
		return 0;
	if (head != s->growing)
		unlink_span(pool, s, head, list_of(cls, span, span->free_nr));
	s->growing = head;
	s->keep = (uint16_t)places_in(cls, pages);
	set_victim(pool, cls, head, 1);
	return span->held - pages;
}

bool
zs_pool_mark(struct zs_pool *pool, uint32_t c, struct zs_marking *m)
{
	const struct zs_class *cls = &pool->classes.classes[c];
	struct zs_spans *s = &pool->spans[c];

	if (!m->begun)
		m->spare = spare_places(pool, s);
	m->begun = true;
	for (uint32_t nr = 0; nr < MARK_BATCH; nr++) {
		uint32_t head = emptiest_span(s);

		/* Its objects need places, and its own free ones are none for them. */
		if (head == ZS_NONE || cls->objs > m->spare) {
			m->pages += mark_end(pool, cls, s, m->spare);
			m->begun = false;
			return false;
		}
		unlink_span(pool, s, head,
		            list_of(cls, &pool->pages[head], pool->pages[head].free_nr));
		set_victim(pool, cls, head, 1);
		link_span(pool, s, head, ZS_VICTIMS);
		m->spare -= cls->objs;
		m->pages += cls->pages;
	}
	return true;
}

bool
zs_pool_is_victim(const struct zs_pool *pool, uint64_t offset)
{
	uint32_t page = (uint32_t)(offset / ZS_PAGE), head = page - pool->pages[page].back;
	const struct zs_class *cls = &pool->classes.classes[pool->pages[page].cls];
	const struct zs_spans *s = &pool->spans[pool->pages[page].cls];

	if (pool->pages[page].victim == 0)
		return false;
	return head != s->growing ||
	       offset - (uint64_t)head * ZS_PAGE >= (uint64_t)s->keep * cls->size;
}

int
zs_pool_alloc_elsewhere(struct zs_pool *pool, uint32_t place_len, uint64_t *offset)
{
	uint32_t c = zs_class_of(&pool->classes, place_len);
	struct zs_spans *s = &pool->spans[c];
	uint32_t head = best_span(pool, s);

	if (head == ZS_NONE || spare_places(pool, s) == 0)
		return -ENOSPC;
	if (head == s->growing ? first_free(pool, head) >= s->keep : pool->pages[head].victim != 0)
		return -ENOSPC;
	*offset = take_place(pool, &pool->classes.classes[c], s, head);
	return 0;
}

/* Places up to the span's last object. */
static uint32_t
places_needed(const struct zs_pool *pool, uint32_t head)
{
	const struct zs_class *cls = &pool->classes.classes[pool->pages[head].cls];
	uint32_t nr = places_in(cls, pool->pages[head].held);

	while ((span_bits(pool, head)[(nr - 1) / 64] >> (nr - 1) % 64 & 1) != 0)
		nr--;
	return nr;
}

/* Lets go of the pages behind the growing span's last object, but for a last free place of the
 * class where there is a limit. */
static void
trim_growing(struct zs_pool *pool, const struct zs_class *cls, struct zs_spans *s)
{
	struct zs_page *span = &pool->pages[s->growing];
	uint32_t from = places_needed(pool, s->growing), to = places_in(cls, span->held), held;
	uint32_t owed = owed_to(cls, s->spans, s->free_nr);

	if (pool->limit != UINT32_MAX && from < to && s->free_nr == to - from)
		from++;
	held = pages_for(cls, from);
	from = places_in(cls, held);
	for (uint32_t i = from; i < to; i++)
		span_bits(pool, s->growing)[i / 64] &= ~(UINT64_C(1) << i % 64);
	pool->used_pages -= span->held - held;
	pool->free_bytes -= (uint64_t)(to - from) * cls->size;
	s->free_nr -= to - from;
	span->free_nr = (uint16_t)(span->free_nr - (to - from));
	span->held = (uint8_t)held;
	pool->owed += owed_to(cls, s->spans, s->free_nr) - owed;
}

bool
zs_pool_unmark(struct zs_pool *pool, uint32_t c)
{
	const struct zs_class *cls = &pool->classes.classes[c];
	struct zs_spans *s = &pool->spans[c];

	for (uint32_t nr = 0; nr < MARK_BATCH; nr++) {
		uint32_t head = s->partial[ZS_VICTIMS];

		if (head == ZS_NONE)
			break;
		unlink_span(pool, s, head, ZS_VICTIMS);
		set_victim(pool, cls, head, 0);
		link_span(pool, s, head,
		          list_of(cls, &pool->pages[head], pool->pages[head].free_nr));
	}
	if (s->partial[ZS_VICTIMS] != ZS_NONE)
		return true;
	if (s->keep != ZS_KEEP_ALL) {
		trim_growing(pool, cls, s);
		set_victim(pool, cls, s->growing, 0);
		s->keep = ZS_KEEP_ALL;
	}
	return false;
}

uint32_t
zs_pool_compactable(const struct zs_pool *pool)
{
	uint64_t pages = 0;

	for (uint32_t c = 0; c < pool->classes.nr; c++) {
		uint32_t spare = spare_places(pool, &pool->spans[c]);

		/* Of a class at rest, all but one lie in less than a page. */
		if (spare != 0)
			pages += (uint64_t)(spare - 1) * pool->classes.classes[c].size / ZS_PAGE;
	}
	return (uint32_t)pages;
}

/* Recovery: a span with all pages held and all places free. @return 0 or -EEXIST */
static int
found_span(struct zs_pool *pool, uint32_t c, uint32_t head)
{
	const struct zs_class *cls = &pool->classes.classes[c];

	for (uint32_t i = 0; i < cls->pages; i++) {
		if (pool->pages[head + i].state != ZS_PAGE_NONE)
			return -EEXIST;
	}
	mark_span(pool, c, head);
	for (uint32_t i = 0; i < cls->objs; i++)
		span_bits(pool, head)[i / 64] |= UINT64_C(1) << i % 64;
	pool->pages[head].held = (uint8_t)cls->pages;
	pool->pages[head].free_nr = cls->objs;
	return 0;
}

int
zs_pool_claim(struct zs_pool *pool, uint64_t offset, uint32_t place_len)
{
	uint32_t c = zs_class_of(&pool->classes, place_len), head, idx;
	const struct zs_class *cls = &pool->classes.classes[c];
	const struct zs_page *page;
	uint64_t *word;
	int ret;

	if (offset / ZS_PAGE >= pool->high || !zs_class_span(cls, offset, &head, &idx) ||
	    cls->pages > pool->high - head)
		return -EINVAL;
	page = &pool->pages[head];
	if (page->state == ZS_PAGE_NONE) {
		ret = found_span(pool, c, head);
		if (ret != 0)
			return ret;
	}
	word = span_bits(pool, head) + idx / 64;
	if (page->back != 0 || page->cls != c || (*word >> idx % 64 & 1) == 0)
		return -EEXIST;
	*word &= ~(UINT64_C(1) << idx % 64);
	pool->pages[head].free_nr--;
	return 0;
}

static uint32_t
pages_needed(const struct zs_pool *pool, uint32_t head)
{
	return pages_for(&pool->classes.classes[pool->pages[head].cls], places_needed(pool, head));
}

/* One span of each class may not have grown to its full length: the one that needs the least. */
static void
find_growing(struct zs_pool *pool)
{
	for (uint32_t head = 0, len; head < pool->high; head += len) {
		struct zs_spans *s = &pool->spans[pool->pages[head].cls];
		uint32_t need;

		len = 1;
		if (pool->pages[head].state != ZS_PAGE_SPAN)
			continue;
		len = pool->classes.classes[pool->pages[head].cls].pages;
		need = pages_needed(pool, head);
		if (need < len && (s->growing == ZS_NONE || need < pages_needed(pool, s->growing)))
			s->growing = head;
	}
}

static void
trim_found(struct zs_pool *pool, const struct zs_class *cls, uint32_t head)
{
	struct zs_page *span = &pool->pages[head];

	span->held = (uint8_t)pages_needed(pool, head);
	for (uint32_t i = places_in(cls, span->held); i < cls->objs; i++) {
		span_bits(pool, head)[i / 64] &= ~(UINT64_C(1) << i % 64);
		span->free_nr--;
	}
}

/* Enters a recovered span into lists and sums. @return its pages */
static uint32_t
settle_span(struct zs_pool *pool, uint32_t head)
{
	struct zs_page *span = &pool->pages[head];
	const struct zs_class *cls = &pool->classes.classes[span->cls];
	struct zs_spans *s = &pool->spans[span->cls];

	if (head == s->growing)
		trim_found(pool, cls, head);
	else if (span->free_nr != 0)
		link_span(pool, s, head, list_of(cls, span, span->free_nr));
	s->spans++;
	s->free_nr += span->free_nr;
	pool->free_bytes += (uint64_t)span->free_nr * cls->size;
	pool->used_pages += span->held;
	pool->span_pages += cls->pages;
	return cls->pages;
}

void
zs_pool_settle(struct zs_pool *pool)
{
	uint32_t gap = 0, page = 0;

	find_growing(pool);
	while (page < pool->high) {
		if (pool->pages[page].state != ZS_PAGE_SPAN) {
			page++;
			continue;
		}
		if (gap != page)
			zs_runs_put(&pool->holes, gap, page - gap);
		page += settle_span(pool, page);
		gap = page;
	}
	if (gap != page)
		zs_runs_put(&pool->holes, gap, page - gap);
	for (uint32_t c = 0; c < pool->classes.nr; c++)
		pool->owed += owed_to(&pool->classes.classes[c], pool->spans[c].spans,
		                      pool->spans[c].free_nr);
}
