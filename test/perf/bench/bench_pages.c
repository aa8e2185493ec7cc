/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Generated pages, the same in each run and on each machine: tables of records, text, sparse pages
 * and noise, in such shares that liblz4 needs as long for them, and packs them as well, as the
 * pages of real processes (ratio 2.6, 260 sequences a page).
 */

#include "bench_env.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define WORDS       1024u
#define WORD_MAX    11u
#define FIELDS_MAX  12u
#define PAGE_FIELDS (BENCH_PAGE / sizeof(uint64_t))

struct maker {
	uint64_t random;
	char words[WORDS][WORD_MAX + 1];
	uint64_t page[PAGE_FIELDS];
};

enum field {
	FIELD_ZERO,
	FIELD_CONSTANT,
	FIELD_POINTER,
	FIELD_NUMBER,
};

/* splitmix64 */
static uint64_t
next(struct maker *m)
{
	uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t
below(struct maker *m, uint32_t limit)
{
	return (uint32_t)((next(m) >> 32) * limit >> 32);
}

static void
make_words(struct maker *m)
{
	for (uint32_t i = 0; i < WORDS; i++) {
		uint32_t len = 2 + below(m, 9);

		for (uint32_t at = 0; at < len; at++)
			m->words[i][at] = (char)('a' + below(m, 26));
		m->words[i][len] = ' ';
	}
}

static void
make_text(struct maker *m)
{
	char *page = (char *)m->page;
	uint32_t at = 0;

	while (at < BENCH_PAGE) {
		/* Some words are frequent. */
		const char *word = m->words[below(m, 1 + below(m, WORDS))];
		uint32_t len = (uint32_t)strlen(word);

		if (len > BENCH_PAGE - at)
			len = BENCH_PAGE - at;
		memcpy(page + at, word, len);
		at += len;
	}
}

static uint64_t
make_field(struct maker *m, enum field field, uint64_t base)
{
	switch (field) {
	case FIELD_CONSTANT:
		return base;
	case FIELD_POINTER:
		return UINT64_C(0x7f0000000000) + (base & 0xfff000000) + below(m, 1u << 14) * 16;
	case FIELD_NUMBER:
		return below(m, 1 + below(m, 4096));
	default:
		return 0;
	}
}

/* Records of one layout, as an allocator's size class has them. */
static void
make_records(struct maker *m, uint32_t nr_fields)
{
	static const enum field shares[] = {
	        FIELD_ZERO,    FIELD_ZERO,    FIELD_CONSTANT, FIELD_CONSTANT, FIELD_CONSTANT,
	        FIELD_POINTER, FIELD_POINTER, FIELD_NUMBER,   FIELD_NUMBER,   FIELD_NUMBER,
	};
	enum field layout[FIELDS_MAX];
	uint64_t bases[FIELDS_MAX];

	for (uint32_t i = 0; i < nr_fields; i++) {
		layout[i] = shares[below(m, sizeof(shares) / sizeof(shares[0]))];
		bases[i] = next(m);
	}
	for (uint32_t i = 0; i < PAGE_FIELDS; i++)
		m->page[i] = make_field(m, layout[i % nr_fields], bases[i % nr_fields]);
}

static void
make_page(struct maker *m)
{
	uint32_t kind = below(m, 100);

	memset(m->page, 0, sizeof(m->page));
	if (kind < 4) {
		for (uint32_t i = 0; i < PAGE_FIELDS; i++)
			m->page[i] = next(m);
	} else if (kind < 20) {
		make_text(m);
	} else if (kind < 30) {
		for (uint32_t i = below(m, 32); i < PAGE_FIELDS; i += 1 + below(m, 32))
			m->page[i] = make_field(m, FIELD_POINTER, 0);
	} else {
		make_records(m, 2 + below(m, FIELDS_MAX - 1));
	}
}

int
bench_pages_write(int fd, uint64_t len)
{
	struct maker m = {.random = 1};

	make_words(&m);
	for (uint64_t at = 0; at + BENCH_PAGE <= len; at += BENCH_PAGE) {
		make_page(&m);
		if (write(fd, m.page, sizeof(m.page)) != (ssize_t)sizeof(m.page))
			return -EIO;
	}
	return 0;
}
