/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef CORPUS_H
#define CORPUS_H

#include <stdint.h>

#include "perf.h"

#define CORPUS_LEN_MIN (1ull << 20)
#define CORPUS_LEN_MAX (1ull << 40)

/** The pages that all targets are measured with. Made once, then only read. */
struct corpus {
	uint8_t *pages;
	uint32_t nr;
	uint32_t *order; /**< all page numbers, shuffled: in which they are loaded */
	char name[64];   /**< of the file, without its folder */
	uint32_t file_pages;
	uint32_t same_filled;
	uint32_t crc32c; /**< of all pages: whether two runs had the same ones */
};

/**
 * Reads a file; what does not fill a last page is left out.
 * @param extended_len bytes that the corpus is to have: the file is cut, or repeated; 0 = its own
 * @return 0, -EINVAL (no regular file, too small, too large), -EIO (it has shrunk), -ENOMEM, -errno
 */
int corpus_read(struct corpus *c, const char *path, uint64_t extended_len);

void corpus_fini(struct corpus *c);

/**
 * Page contents for steady overwriting: each sweep over the pages gives a page other content than
 * the sweep before.
 * @return where the content of page 0 lies in sweep @p sweep, for corpus_content()
 */
static inline uint32_t
corpus_shift(const struct corpus *c, uint64_t sweep)
{
	/* A prime, so that it takes long to come back. */
	return (uint32_t)(sweep % c->nr * 61u % c->nr);
}

/** @return what page @p page holds when the corpus is shifted so */
static inline const uint8_t *
corpus_content(const struct corpus *c, uint32_t page, uint32_t shift)
{
	uint64_t from = (uint64_t)page + shift;

	return c->pages + (from < c->nr ? from : from - c->nr) * PERF_PAGE_SIZE;
}

#endif
