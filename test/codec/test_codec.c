/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Every codec: round trips, no room, hostile input. Whatever a codec reads ends at an unmapped
 * page, and so does whatever it writes, which begins behind a canary: a step outside is a crash or
 * a failed check.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "pages.h"

#include "codec/codec.h"

#define PAGE   4096u
#define MAX    65536u
#define AREA   (3 * MAX)
#define CTX    (1u << 20)
#define CANARY 64u

static const struct zcodec *const codecs[] = {&zcodec_null, &zcodec_lz4, &zcodec_deflate};

/* Memory up to AREA bytes, with nothing behind. */
struct area {
	uint8_t *map;
};

struct fixture {
	struct area src;
	struct area dst;
	uint8_t *page;
	uint8_t *packed;
	void *ctx;
};

static struct area
area_create(void)
{
	struct area area;

	area.map =
	        mmap(NULL, AREA + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(area.map, MAP_FAILED);
	assert_int_equal(mprotect(area.map + AREA, PAGE, PROT_NONE), 0);
	return area;
}

/* The last @len bytes, with a canary in front. */
static uint8_t *
area_tail(struct area area, size_t len)
{
	uint8_t *tail = area.map + AREA - len;

	memset(tail - CANARY, 0xa5, CANARY);
	return tail;
}

static void
canary_check(const uint8_t *tail)
{
	for (unsigned int i = 1; i <= CANARY; i++)
		assert_int_equal(tail[-(int)i], 0xa5);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->src = area_create();
	f->dst = area_create();
	f->page = malloc(MAX);
	f->packed = malloc(2 * MAX);
	f->ctx = aligned_alloc(64, CTX);
	*state = f;
	return f->page == NULL || f->packed == NULL || f->ctx == NULL;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	munmap(f->src.map, AREA + PAGE);
	munmap(f->dst.map, AREA + PAGE);
	free(f->page);
	free(f->packed);
	free(f->ctx);
	free(f);
	return 0;
}

/* Compresses from the end of one area to the end of another. */
static int
compress(struct fixture *f, const struct zcodec *codec, int32_t level, uint32_t len, uint32_t room)
{
	uint8_t *src = area_tail(f->src, len), *dst = area_tail(f->dst, room);
	int ret;

	memcpy(src, f->page, len);
	ret = codec->compress(f->ctx, level, src, len, dst, room);
	canary_check(dst);
	assert_memory_equal(src, f->page, len);
	if (ret >= 0) {
		assert_in_range(ret, 1, room);
		memcpy(f->packed, dst, (size_t)ret);
	}
	return ret;
}

/* Decompresses @packed from the end of one area to the end of another. */
static int
decompress(struct fixture *f, const struct zcodec *codec, const uint8_t *packed,
           uint32_t packed_len, uint32_t len)
{
	uint8_t *src = area_tail(f->src, packed_len), *dst = area_tail(f->dst, len);
	int ret;

	memcpy(src, packed, packed_len);
	ret = codec->decompress(src, packed_len, dst, len);
	canary_check(dst);
	if (ret != 0)
		assert_int_equal(ret, -EBADMSG);
	return ret;
}

static void
check_page(const struct fixture *f, uint32_t len)
{
	assert_memory_equal(f->dst.map + AREA - len, f->page, len);
}

static void
test_lookup(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < TEST_NR(codecs); i++) {
		const struct zcodec *codec = codecs[i];

		assert_ptr_equal(zcodec_by_name(codec->name), codec);
		assert_ptr_equal(zcodec_by_id(codec->id), codec);
		assert_true(codec->level_min <= codec->level_default);
		assert_true(codec->level_default <= codec->level_max);
	}
	/* Ids are part of the arena's format. */
	assert_ptr_equal(zcodec_by_id(1), &zcodec_null);
	assert_ptr_equal(zcodec_by_id(2), &zcodec_lz4);
	assert_null(zcodec_by_name(""));
	assert_null(zcodec_by_name("lz"));
	assert_null(zcodec_by_name("lz44"));
	assert_null(zcodec_by_id(ZCODEC_NONE));
	assert_ptr_equal(zcodec_by_id(3), &zcodec_deflate);
	assert_null(zcodec_by_id(ZCODEC_IDS));
	assert_null(zcodec_by_id(UINT32_MAX));
}

static void
round_trip(struct fixture *f, const struct zcodec *codec, int32_t level, uint32_t len)
{
	for (enum page_kind kind = 0; kind < PAGE_KINDS; kind++) {
		int n;

		page_fill(f->page, len, kind, len + kind);
		n = compress(f, codec, level, len, 2 * MAX);
		assert_true(n > 0);
		assert_int_equal(decompress(f, codec, f->packed, (uint32_t)n, len), 0);
		check_page(f, len);
		assert_int_equal(decompress(f, codec, f->packed, (uint32_t)n, len + 1), -EBADMSG);
		assert_int_equal(decompress(f, codec, f->packed, (uint32_t)n, len - 1), -EBADMSG);
	}
}

static void
test_round_trip(void **state)
{
	static const uint32_t lens[] = {1, 2, 13, 100, 4095, PAGE, 16384, MAX};

	for (unsigned int i = 0; i < TEST_NR(codecs); i++) {
		const struct zcodec *codec = codecs[i];

		for (unsigned int j = 0; j < TEST_NR(lens); j++) {
			round_trip(*state, codec, codec->level_min, lens[j]);
			round_trip(*state, codec, codec->level_default, lens[j]);
			round_trip(*state, codec, codec->level_max, lens[j]);
		}
	}
}

/* A page that expands must fit in two pages at every level. */
static void
test_expansion_fits(void **state)
{
	struct fixture *f = *state;

	page_fill(f->page, PAGE, PAGE_RANDOM, 1);
	for (unsigned int i = 0; i < TEST_NR(codecs); i++) {
		assert_true(compress(f, codecs[i], codecs[i]->level_min, PAGE, 2 * PAGE) >=
		            (int)PAGE);
		assert_true(compress(f, codecs[i], codecs[i]->level_max, PAGE, 2 * PAGE) >=
		            (int)PAGE);
	}
}

static void
no_room(struct fixture *f, const struct zcodec *codec, enum page_kind kind)
{
	int full, n;

	page_fill(f->page, PAGE, kind, 7);
	full = compress(f, codec, codec->level_default, PAGE, 2 * PAGE);
	assert_true(full > 0);
	for (uint32_t room = 0; room <= (uint32_t)full + 64; room++) {
		n = compress(f, codec, codec->level_default, PAGE, room);
		if (n < 0) {
			assert_int_equal(n, -ENOSPC);
			continue;
		}
		assert_true(room > 0);
		assert_int_equal(decompress(f, codec, f->packed, (uint32_t)n, PAGE), 0);
		check_page(f, PAGE);
	}
	assert_int_equal(compress(f, codec, codec->level_default, PAGE, 0), -ENOSPC);
	assert_int_equal(compress(f, codec, codec->level_default, PAGE, (uint32_t)full / 2),
	                 -ENOSPC);
}

static void
test_no_room(void **state)
{
	for (unsigned int i = 0; i < TEST_NR(codecs); i++) {
		for (enum page_kind kind = 0; kind < PAGE_KINDS; kind++)
			no_room(*state, codecs[i], kind);
	}
}

/* What is in the scratch memory, garbage or another page's state, changes no result. */
static void
test_scratch_is_scratch(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < TEST_NR(codecs); i++) {
		const struct zcodec *codec = codecs[i];
		uint8_t *first = f->packed + MAX;
		int n;

		assert_in_range(codec->ctx_len(), 0, CTX);
		memset(f->ctx, 0xff, codec->ctx_len());
		page_fill(f->page, PAGE, PAGE_MIXED, 3);
		n = compress(f, codec, 1, PAGE, 2 * PAGE);
		assert_true(n > 0);
		memcpy(first, f->packed, (size_t)n);

		page_fill(f->page, PAGE, PAGE_TEXT, 4);
		assert_true(compress(f, codec, 1, PAGE, 2 * PAGE) > 0);
		page_fill(f->page, PAGE, PAGE_MIXED, 3);
		assert_int_equal(compress(f, codec, 1, PAGE, 2 * PAGE), n);
		assert_memory_equal(f->packed, first, (size_t)n);
	}
}

static void
test_truncated(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < TEST_NR(codecs); i++) {
		for (enum page_kind kind = 0; kind < PAGE_KINDS; kind++) {
			int n;

			page_fill(f->page, PAGE, kind, 11);
			n = compress(f, codecs[i], codecs[i]->level_default, PAGE, 2 * PAGE);
			assert_true(n > 0);
			for (uint32_t len = 0; len < (uint32_t)n; len++)
				assert_int_equal(decompress(f, codecs[i], f->packed, len, PAGE),
				                 -EBADMSG);
		}
	}
}

static void
test_bit_flips(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < TEST_NR(codecs); i++) {
		int n;

		page_fill(f->page, PAGE, PAGE_MIXED, 13);
		n = compress(f, codecs[i], codecs[i]->level_default, PAGE, 2 * PAGE);
		assert_true(n > 0);
		for (uint32_t bit = 0; bit < 8 * (uint32_t)n; bit++) {
			f->packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
			decompress(f, codecs[i], f->packed, (uint32_t)n, PAGE);
			f->packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static void
test_noise(void **state)
{
	struct fixture *f = *state;
	uint64_t random = 17;

	for (unsigned int i = 0; i < TEST_NR(codecs); i++) {
		for (unsigned int j = 0; j < 20000; j++) {
			uint32_t len = (uint32_t)(test_random(&random) % (2 * PAGE));
			uint32_t out = (uint32_t)(test_random(&random) % (2 * PAGE));

			if ((j & 1) != 0)
				len %= 64;
			test_random_fill(&random, f->packed, len);
			decompress(f, codecs[i], f->packed, len, out);
		}
	}
}

#define STACK (1u << 20)
/* What a thread needs before it comes to its function: its descriptor and thread-local storage. */
#define STACK_THREAD 8192u

struct decoder {
	const struct fixture *f;
	const struct zcodec *codec;
	uint32_t packed_len;
	int ret;
};

static void *
decoder_run(void *arg)
{
	struct decoder *d = arg;

	d->ret = d->codec->decompress(d->f->packed, d->packed_len, d->f->page, PAGE);
	return NULL;
}

/* Runs a decoder on a stack that was filled before. @return bytes of it that are others now */
static size_t
stack_used(struct decoder *d, uint8_t *stack)
{
	pthread_attr_t attr;
	pthread_t thread;
	size_t untouched = 0;

	memset(stack, 0xa5, STACK);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstack(&attr, stack, STACK), 0);
	assert_int_equal(pthread_create(&thread, &attr, decoder_run, d), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&attr);
	while (untouched < STACK && stack[untouched] == 0xa5)
		untouched++;
	return STACK - untouched;
}

/* Loads promise their callers how much stack they use. */
static void
test_stack(void **state)
{
	struct fixture *f = *state;
	uint8_t *stack;

	/* A sanitizer puts its own things there. */
	if (TEST_SLOW > 1)
		skip();
	stack = aligned_alloc(PAGE, STACK);
	assert_non_null(stack);
	for (unsigned int i = 0; i < TEST_NR(codecs); i++) {
		size_t limit = codecs[i] == &zcodec_deflate ? 112 * 1024 : 16 * 1024;
		struct decoder d = {f, codecs[i], 0, 0};
		int n;

		page_fill(f->page, PAGE, PAGE_MIXED, 19);
		n = compress(f, codecs[i], codecs[i]->level_default, PAGE, 2 * PAGE);
		assert_true(n > 0);
		d.packed_len = (uint32_t)n;
		assert_in_range(stack_used(&d, stack), 1, limit + STACK_THREAD);
		assert_int_equal(d.ret, 0);
	}
	free(stack);
}

#define THREADS 4u

struct thread_work {
	const struct zcodec *codec;
	unsigned int seed;
	unsigned int wrong;
};

static void *
thread_run(void *arg)
{
	struct thread_work *w = arg;
	uint8_t page[PAGE], packed[2 * PAGE], back[PAGE];
	void *ctx = aligned_alloc(64, CTX);

	for (unsigned int i = 0; ctx != NULL && i < 1000 / TEST_SLOW; i++) {
		int n;

		page_fill(page, PAGE, i % PAGE_KINDS, w->seed + i);
		n = w->codec->compress(ctx, w->codec->level_default, page, PAGE, packed,
		                       sizeof(packed));
		w->wrong += n <= 0 || w->codec->decompress(packed, (uint32_t)n, back, PAGE) != 0 ||
		            memcmp(back, page, PAGE) != 0;
	}
	w->wrong += ctx == NULL;
	free(ctx);
	return NULL;
}

/* Threads have nothing in common, the tables of the libraries neither. */
static void
test_threads(void **state)
{
	struct thread_work work[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(codecs); i++) {
		for (unsigned int j = 0; j < THREADS; j++) {
			work[j] = (struct thread_work){codecs[i], 10000 * j, 0};
			assert_int_equal(pthread_create(&threads[j], NULL, thread_run, &work[j]),
			                 0);
		}
		for (unsigned int j = 0; j < THREADS; j++) {
			assert_int_equal(pthread_join(threads[j], NULL), 0);
			assert_int_equal(work[j].wrong, 0);
		}
	}
}

/* Streams of other makers and with other blocks, and what is no whole stream. */
static void
test_deflate_streams(void **state)
{
	static const struct {
		const char *bytes;
		uint8_t len;
		const char *page; /* NULL: refused */
	} cases[] = {
	        /* Stored, its length and the complement. */
	        {"\x01\x03\x00\xfc\xff"
	         "abc",
	         8, "abc"},
	        /* Two stored blocks, and an empty last one of fixed codes. */
	        {"\x00\x01\x00\xfe\xff"
	         "a"
	         "\x00\x02\x00\xfd\xff"
	         "bc"
	         "\x03\x00",
	         15, "abc"},
	        /* Fixed codes: "abc"; "aaaaaaa" as one byte and a match. */
	        {"\x4b\x4c\x4a\x06\x00", 5, "abc"},
	        {"\x4b\x84\x00\x00", 4, "aaaaaaa"},
	        /* One byte behind the end; one missing; no last block. */
	        {"\x4b\x4c\x4a\x06\x00\x00", 6, NULL},
	        {"\x4b\x4c\x4a\x06", 4, NULL},
	        {"\x00\x03\x00\xfc\xff"
	         "abc",
	         8, NULL},
	        /* The complement is wrong; block type 3; a match before the page. */
	        {"\x01\x03\x00\xfc\xfe"
	         "abc",
	         8, NULL},
	        {"\x07\x00\x00\x00", 4, NULL},
	        {"\x03\x02\x00", 3, NULL},
	        /* With headers: zlib's and gzip's. */
	        {"\x78\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27", 11, NULL},
	        {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c\x4a\x06\x00", 15, NULL},
	};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < TEST_NR(cases); i++) {
		const char *page = cases[i].page != NULL ? cases[i].page : "abc";
		uint32_t len = (uint32_t)strlen(page);
		int ret = decompress(f, &zcodec_deflate, (const uint8_t *)cases[i].bytes,
		                     cases[i].len, len);

		if (ret != (cases[i].page != NULL ? 0 : -EBADMSG))
			fail_msg("stream %u: %d", i, ret);
		if (ret == 0)
			assert_memory_equal(f->dst.map + AREA - len, page, len);
	}
}

/* ISA-L's highest level is 3. */
static void
test_deflate_levels(void **state)
{
	struct fixture *f = *state;
	int len[10];

	page_fill(f->page, PAGE, PAGE_MIXED, 23);
	for (int32_t level = 1; level <= 9; level++) {
		len[level] = compress(f, &zcodec_deflate, level, PAGE, 2 * PAGE);
		assert_true(len[level] > 0 && len[level] < (int)PAGE);
		assert_int_equal(len[level], len[level > 3 ? 3 : level]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_lookup),
	        cmocka_unit_test(test_round_trip),
	        cmocka_unit_test(test_expansion_fits),
	        cmocka_unit_test(test_no_room),
	        cmocka_unit_test(test_scratch_is_scratch),
	        cmocka_unit_test(test_truncated),
	        cmocka_unit_test(test_bit_flips),
	        cmocka_unit_test(test_noise),
	        cmocka_unit_test(test_stack),
	        cmocka_unit_test(test_threads),
	        cmocka_unit_test(test_deflate_streams),
	        cmocka_unit_test(test_deflate_levels),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
