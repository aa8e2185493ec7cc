/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The class table. Constant once made.
 *
 * As zsmalloc does, each size gets the span length that wastes the least of the span's end, ties go
 * to the shorter span, and sizes with the same pages and places are merged into the largest.
 *
 * Why a span follows from offset and size: two spans of one size whose places meet at an offset
 * start a multiple of unit = size / gcd(size, page) pages apart. A span of unit pages wastes
 * nothing, so no class is longer than that, and the spans that could hold an offset start less than
 * a span's length apart.
 */

#include "store/classes.h"

#include <assert.h>
#include <string.h>

/* Short spans for what is smaller than a page: each partly used span costs. A larger object, as a
 * raw page with its checksum, just misses a number of pages and needs more of them to even out. */
static uint32_t
span_pages_max(uint32_t size)
{
	uint32_t pages = (size + ZS_PAGE - 1) / ZS_PAGE;

	if (size <= ZS_PAGE)
		return 8;
	return pages <= 8 ? 16 : 2 * pages;
}

static struct zs_class
best_span(uint32_t size)
{
	struct zs_class best = {size, 0, 0};
	uint32_t best_waste = 0;

	for (uint32_t pages = 1; pages <= span_pages_max(size); pages++) {
		uint32_t objs = pages * ZS_PAGE / size;
		uint32_t waste = pages * ZS_PAGE % size;

		if (objs == 0)
			continue;
		if (best.pages == 0 || waste * best.pages < best_waste * pages) {
			best.pages = (uint16_t)pages;
			best.objs = (uint16_t)objs;
			best_waste = waste;
		}
	}
	return best;
}

void
zs_classes_init(struct zs_classes *c, uint32_t page_size)
{
	memset(c, 0, sizeof(*c));
	for (uint32_t size = zobj_place_len(page_size); size > 0; size -= ZOBJ_GRANULE) {
		struct zs_class cls = best_span(size);
		const struct zs_class *last = &c->classes[c->nr - (c->nr != 0)];

		if (c->nr == 0 || (size >= ZS_PLACE_MIN &&
		                   (cls.pages != last->pages || cls.objs != last->objs))) {
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
