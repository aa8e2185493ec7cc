/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The class table. Constant once made.
 *
 * As zsmalloc does, sizes of which spans hold equally many are merged into the largest. But a span
 * is no longer than it must be to come close to the least waste at its end, and classes are no
 * closer to each other than pays: each costs a partly used span, and pages that this is yet to grow
 * into. 64 MiB of real pages (16,000 objects of LZ4) so need, packed, 1.028 of their bytes, in 118
 * classes, and 1.033 in 120 by zsmalloc's rule of 8 pages.
 *
 * Why a span follows from offset and size: two spans of one size whose places meet at an offset
 * start a multiple of unit = size / gcd(size, page) pages apart. A span of unit pages wastes
 * nothing, so no class is longer than that, and the spans that could hold an offset start less than
 * a span's length apart.
 */

#include "store/classes.h"

#include <assert.h>
#include <string.h>

#define CLOSE_WASTE 128u /* one part of the span in so many, beyond the least */
#define CLOSE_COST  64u  /* one part of the smaller object's cost in so many */

/* An object that just misses a number of pages, as a raw page with its checksum does, needs more of
 * them to even out. */
static uint32_t
span_pages_max(uint32_t size)
{
	uint32_t pages = (size + ZS_PAGE - 1) / ZS_PAGE;

	return pages <= 8 ? 16 : 2 * pages;
}

static struct zs_class
span_of(uint32_t size, uint32_t pages)
{
	return (struct zs_class){size, (uint16_t)pages, (uint16_t)(pages * ZS_PAGE / size)};
}

/* Bytes lost at the span's end. */
static uint32_t
span_waste(const struct zs_class *cls)
{
	return cls->pages * ZS_PAGE - cls->objs * cls->size;
}

static struct zs_class
least_waste(uint32_t size)
{
	struct zs_class best = span_of(size, (size + ZS_PAGE - 1) / ZS_PAGE);

	for (uint32_t pages = best.pages + 1u; pages <= span_pages_max(size); pages++) {
		struct zs_class cls = span_of(size, pages);

		if (span_waste(&cls) * best.pages < span_waste(&best) * pages)
			best = cls;
	}
	return best;
}

/* The shortest span that comes close to the least waste. */
static struct zs_class
best_span(uint32_t size)
{
	struct zs_class best = least_waste(size), cls;
	uint32_t pages = (size + ZS_PAGE - 1) / ZS_PAGE;
	uint32_t close = span_waste(&best) * CLOSE_WASTE + ZS_PAGE * best.pages;

	do {
		cls = span_of(size, pages++);
	} while (span_waste(&cls) * best.pages * CLOSE_WASTE > close * cls.pages);
	return cls;
}

/* Whether objects of @p cls cost little more in the places of the larger @p last. */
static bool
close_to(const struct zs_class *cls, const struct zs_class *last)
{
	return last->pages * cls->objs * CLOSE_COST <= cls->pages * last->objs * (CLOSE_COST + 1);
}

void
zs_classes_init(struct zs_classes *c, uint32_t page_size)
{
	memset(c, 0, sizeof(*c));
	for (uint32_t size = zobj_place_len(page_size); size > 0; size -= ZOBJ_GRANULE) {
		struct zs_class cls = best_span(size);
		const struct zs_class *last = &c->classes[c->nr - (c->nr != 0)];

		if (c->nr == 0 || (size >= ZS_PLACE_MIN && !close_to(&cls, last))) {
			assert(c->nr < ZS_CLASSES && cls.pages <= ZS_SPAN_MAX &&
			       cls.objs <= ZS_OBJS_MAX);
			c->classes[c->nr++] = cls;
		}
		c->of_len[size / ZOBJ_GRANULE] = (uint8_t)(c->nr - 1);
	}
}

bool
zs_class_span(const struct zs_class *cls, uint64_t offset, uint32_t *start, uint32_t *idx)
{
	uint64_t page = offset / ZS_PAGE;

	for (uint32_t back = 0; back < cls->pages && back <= page; back++) {
		uint32_t inside = (uint32_t)(offset % ZS_PAGE) + back * ZS_PAGE;

		if (inside % cls->size != 0 || inside / cls->size >= cls->objs)
			continue;
		*start = (uint32_t)(page - back);
		*idx = inside / cls->size;
		return true;
	}
	return false;
}

uint32_t
zs_classes_huge_len(const struct zs_classes *c, uint32_t page_size)
{
	const struct zs_class *raw = &c->classes[zs_class_of(c, zobj_place_len(page_size))];
	uint32_t len = page_size;

	while (len > 1) {
		const struct zs_class *cls = &c->classes[zs_class_of(c, zobj_place_len(len - 1))];

		if ((uint32_t)cls->pages * raw->objs < (uint32_t)raw->pages * cls->objs)
			break;
		len--;
	}
	return len;
}
