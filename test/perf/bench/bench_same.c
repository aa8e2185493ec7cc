/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The same-filled test on pages in the cache and in none. */

#include "bench_env.h"

#include <errno.h>
#include <stdlib.h>

#include "base/same.h"

/* Which pages, and whether few of them. */
#define ZERO   0u
#define ALMOST 1u /* zeros but for the word before the last: all has to be looked at */
#define PAGES  2u /* the corpus: most differ in the last word */
#define HOT    4u

struct same {
	const uint8_t *pages;
	const uint32_t *order;
	uint8_t *almost; /* to be made zeros again */
	uint32_t nr_pages;
	uint32_t nr; /* of those that are looked at */
	uint32_t at;
	uint32_t expected; /* whether they are same-filled; 2 = as it comes */
};

static void
set_last_but_one(uint8_t *pages, uint32_t nr, uint64_t word)
{
	for (uint32_t i = 0; i < nr; i++)
		((uint64_t *)(void *)(pages + (uint64_t)i * BENCH_PAGE))[BENCH_PAGE / 8 - 2] = word;
}

static int
setup(struct bench_env *env, const struct bench *bench, void **state)
{
	struct same *s = (struct same *)calloc(1, sizeof(*s));
	const struct corpus *c;
	uint64_t kind = bench->arg & ~(uint64_t)HOT;
	uint8_t *zeros;
	int ret = s == NULL ? -ENOMEM : bench_env_corpus(env, &c);

	if (ret != 0) {
		free(s);
		return ret;
	}
	zeros = kind == PAGES ? NULL : bench_env_zeros(env, &s->nr_pages);
	if (kind == PAGES)
		s->nr_pages = c->nr;
	s->pages = kind == PAGES ? c->pages : zeros;
	if (s->pages == NULL) {
		free(s);
		return -ENOMEM;
	}
	s->order = c->order;
	s->nr = (bench->arg & HOT) != 0 ? 1 : s->nr_pages;
	s->expected = kind == ZERO ? 1 : kind == ALMOST ? 0 : 2;
	if (kind == ALMOST) {
		s->almost = zeros;
		set_last_but_one(zeros, s->nr_pages, 1);
	}
	*state = s;
	return 0;
}

static int
run(void *state, uint64_t nr)
{
	struct same *s = (struct same *)state;
	uint64_t word = 0;
	uint32_t wrong = 0;

	for (uint64_t i = 0; i < nr; i++) {
		const uint8_t *page = s->pages + (uint64_t)s->order[s->at] * BENCH_PAGE;

		wrong += zc_same_filled(page, BENCH_PAGE, &word) == (s->expected == 0);
		bench_keep(&word);
		s->at = bench_next(s->at, s->nr);
	}
	return s->expected != 2 && wrong != 0 ? -EBADMSG : 0;
}

static void
teardown(void *state)
{
	struct same *s = (struct same *)state;

	if (s->almost != NULL)
		set_last_but_one(s->almost, s->nr_pages, 0);
	free(s);
}

#define SAME(which) \
	.setup = setup, .run = run, .teardown = teardown, .arg = (which), .items = 1, .nr_cpus = 1

const struct bench bench_same[] = {
        {.name = "same/zero_hot", SAME(ZERO | HOT)},
        {.name = "same/zero_cold", SAME(ZERO)},
        {.name = "same/almost_hot", SAME(ALMOST | HOT)},
        {.name = "same/almost_cold", SAME(ALMOST)},
        {.name = "same/pages_hot", SAME(PAGES | HOT)},
        {.name = "same/pages_cold", SAME(PAGES)},
        {.name = NULL},
};
