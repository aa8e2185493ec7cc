/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_STRM_UTIL_H
#define TEST_STRM_UTIL_H

#include "pages.h"

#include "comp/zcomp.h"

/**
 * @file
 * What the tests of the front end and of its backends share: pages of 4 KiB that are known by a
 * number.
 */

#define PAGE 4096u

/** Fills the page with content that depends on @p nr, and makes that number the user's. */
static inline void
strm_fill(struct zcomp_strm *strm, uintptr_t nr)
{
	page_fill(strm->src, PAGE, (enum page_kind)(nr % PAGE_KINDS), nr);
	strm->user = (void *)nr;
}

/** The page itself is still there, to compress it again. */
static inline void
strm_check_src(const struct zcomp_strm *strm)
{
	uint8_t want[PAGE];
	uintptr_t nr = (uintptr_t)strm->user;

	page_fill(want, PAGE, (enum page_kind)(nr % PAGE_KINDS), nr);
	assert_memory_equal(strm->src, want, PAGE);
}

/** The result is that page, compressed; and the page itself is still there. */
static inline void
strm_check(const struct zcomp_strm *strm, const struct zcodec *codec)
{
	uint8_t got[PAGE];

	assert_true(strm->result > 0 && (uint32_t)strm->result <= strm->dst_len);
	assert_int_equal(codec->decompress(strm->dst, (uint32_t)strm->result, got, PAGE), 0);
	strm_check_src(strm);
	assert_memory_equal(strm->src, got, PAGE);
}

/** @return a stream of the wanted kind, as a caller may expect it */
static inline struct zcomp_strm *
strm_get(struct zcomp *comp, unsigned int lcore, enum zstrm_pref pref, bool managed)
{
	struct zcomp_strm *strm = zcomp_stream_get(comp, lcore, pref);

	assert_non_null(strm);
	assert_ptr_equal(strm->comp, comp);
	assert_int_equal(strm->lcore, lcore);
	assert_int_equal(strm->managed, managed);
	assert_int_equal((uintptr_t)strm->src % 64, 0);
	assert_int_equal((uintptr_t)strm->dst % 64, 0);
	assert_int_equal(strm->dst_len, 2 * PAGE);
	return strm;
}

static inline struct zcomp_stats
stats_of(const struct zcomp *comp, unsigned int lcore)
{
	struct zcomp_stats stats;

	memset(&stats, 0xff, sizeof(stats));
	zcomp_stats(comp, lcore, &stats);
	return stats;
}

#endif
