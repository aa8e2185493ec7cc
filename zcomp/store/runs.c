/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Free runs of pages: one list for each length up to 63 and one for the rest, with boundary tags in
 * the page array. Entered under the writer lock.
 *
 * Only the ends of listed runs have these runs' state: it is set when a run enters its list, and
 * cleared when it leaves. So a neighbour that has it is the end of a run, whatever pages were
 * before.
 */

#include "store/runs.h"

#include <assert.h>

static uint32_t
bin_of(uint32_t len)
{
	return len < ZS_BINS ? len - 1 : ZS_BINS - 1;
}

static void
link_run(struct zs_runs *r, uint32_t start, uint32_t len)
{
	uint32_t bin = bin_of(len), head = r->bin[bin];
	struct zs_page *first = &r->pages[start], *last = &r->pages[start + len - 1];

	first->state = r->state;
	last->state = r->state;
	last->run_len = len;
	first->run_len = len;
	first->prev = ZS_NONE;
	first->next = head;
	if (head != ZS_NONE)
		r->pages[head].prev = start;
	r->bin[bin] = start;
	r->mask |= UINT64_C(1) << bin;
	r->free_pages += len;
}

/* The pages are nobody's after it. */
static void
unlink_run(struct zs_runs *r, uint32_t start)
{
	struct zs_page *first = &r->pages[start];
	uint32_t len = first->run_len, bin = bin_of(len);

	assert(first->state == r->state);
	if (first->next != ZS_NONE)
		r->pages[first->next].prev = first->prev;
	if (first->prev != ZS_NONE)
		r->pages[first->prev].next = first->next;
	else
		r->bin[bin] = first->next;
	if (r->bin[bin] == ZS_NONE)
		r->mask &= ~(UINT64_C(1) << bin);
	r->free_pages -= len;
	first->state = ZS_PAGE_NONE;
	r->pages[start + len - 1].state = ZS_PAGE_NONE;
}

void
zs_runs_init(struct zs_runs *r, struct zs_page *pages, enum zs_page_state state)
{
	r->pages = pages;
	r->mask = 0;
	r->free_pages = 0;
	r->state = (uint8_t)state;
	for (uint32_t i = 0; i < ZS_BINS; i++)
		r->bin[i] = ZS_NONE;
}

void
zs_runs_put(struct zs_runs *r, uint32_t start, uint32_t len)
{
	uint32_t end = start + len;

	assert(len != 0);
	if (start != 0 && r->pages[start - 1].state == r->state) {
		start -= r->pages[start - 1].run_len;
		unlink_run(r, start);
	}
	if (r->pages[end].state == r->state) {
		uint32_t more = r->pages[end].run_len;

		unlink_run(r, end);
		end += more;
	}
	link_run(r, start, end - start);
}

uint32_t
zs_runs_take(struct zs_runs *r, uint32_t len)
{
	uint64_t bins = r->mask >> bin_of(len);
	uint32_t start, whole;

	assert(len != 0 && len <= ZS_BINS);
	if (bins == 0)
		return ZS_NONE;
	start = r->bin[bin_of(len) + (uint32_t)__builtin_ctzll(bins)];
	whole = r->pages[start].run_len;
	unlink_run(r, start);
	if (whole > len)
		link_run(r, start + len, whole - len);
	return start;
}

uint32_t
zs_runs_take_longest(struct zs_runs *r, uint32_t max, uint32_t *len)
{
	uint32_t start, whole;

	if (r->mask == 0 || max == 0)
		return ZS_NONE;
	start = r->bin[63 - (uint32_t)__builtin_clzll(r->mask)];
	whole = r->pages[start].run_len;
	unlink_run(r, start);
	*len = whole < max ? whole : max;
	if (whole > *len)
		link_run(r, start, whole - *len);
	return start + whole - *len;
}
