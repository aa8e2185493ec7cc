/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The reader over arenas made by hand: every kind, then every way in which a slot, an object or the
 * superblock can be wrong. That none of them is a signal is tested by coming to the end.
 */

#include <errno.h>
#include <sys/resource.h>

#include "arena_util.h"
#include "test_util.h"

#include "ipc/reader.h"

#define PAGE_SIZE 4096u

static uint8_t source[ZSLOT_LEN_MAX];
static struct arena arena;
static struct zreader reader;
static uint64_t *buf;

static int
setup(void **state)
{
	uint64_t seed = 20;

	(void)state;
	test_random_fill(&seed, source, sizeof(source));
	arena_open(&arena, PAGE_SIZE);
	assert_int_equal(zreader_init(&reader, arena.slots_ro, arena.objs_ro), 0);
	/* Of exactly that length, for the address sanitizer to watch. */
	buf = (uint64_t *)malloc(zreader_buf_len(PAGE_SIZE));
	assert_non_null(buf);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	zreader_fini(&reader);
	arena.objs_ro = -1;
	arena_close(&arena);
	free(buf);
	return 0;
}

/* Asks for the page first, which must not matter, whatever its slot says. */
static int
fetch(uint64_t page)
{
	struct zreader_page out;

	zreader_prefetch_slot(&reader, page);
	zreader_prefetch_object(&reader, page);
	return zreader_fetch(&reader, page, buf, &out);
}

static void
check_object(uint64_t page, enum zslot_kind kind, uint8_t prio, uint32_t len, uint64_t offset)
{
	struct zreader_page out;

	arena_put(&arena, page, kind, prio, source + page, len, offset);
	zreader_prefetch_object(&reader, page);
	assert_int_equal(zreader_fetch(&reader, page, buf, &out), 0);
	assert_int_equal(out.kind, kind);
	assert_int_equal(out.prio, prio);
	assert_int_equal(out.len, len);
	assert_memory_equal(buf, source + page, len);
}

static void
test_init(void **state)
{
	(void)state;
	assert_int_equal(reader.pages, ARENA_PAGES);
	assert_int_equal(reader.page_size, PAGE_SIZE);
	assert_int_equal(reader.objs_fd, arena.objs_ro);
	assert_memory_equal(reader.nonce, arena.super->nonce, sizeof(reader.nonce));
	assert_int_equal(zreader_check_live(&reader), 0);
}

static void
test_empty_and_fill(void **state)
{
	struct zreader_page out;

	(void)state;
	for (uint64_t page = 0; page < ARENA_PAGES; page++) {
		assert_int_equal(zreader_fetch(&reader, page, buf, &out), 0);
		assert_int_equal(out.kind, ZSLOT_EMPTY);
		assert_int_equal(out.len, 0);
	}
	arena.slots[3].w0 = zslot_fill(0xdeadbeef);
	arena.slots[4].w0 = zslot_fill(0);
	assert_int_equal(zreader_fetch(&reader, 3, buf, &out), 0);
	assert_int_equal(out.kind, ZSLOT_FILL);
	assert_int_equal(out.pattern, 0xdeadbeef);
	assert_int_equal(out.len, 0);
	assert_int_equal(zreader_fetch(&reader, 4, buf, &out), 0);
	assert_int_equal(out.kind, ZSLOT_FILL);
	assert_int_equal(out.pattern, 0);
}

static void
test_objects(void **state)
{
	(void)state;
	check_object(0, ZSLOT_FILL8, 0, 8, 0);
	check_object(1, ZSLOT_RAW, 0, PAGE_SIZE, 4096);
	for (uint32_t len = 1; len <= PAGE_SIZE; len++)
		check_object(2 + len % 62, ZSLOT_OBJ, (uint8_t)(len % 4), len,
		             len * 16 % (ARENA_OBJS_LEN - 8192));
	/* The last place of the file, to its last byte. */
	check_object(5, ZSLOT_OBJ, 1, 28, ARENA_OBJS_LEN - 32);
}

static void
test_other_page_sizes(void **state)
{
	(void)state;
	for (uint32_t size = 1024; size <= 65536; size *= 2) {
		uint64_t *room = (uint64_t *)malloc(zreader_buf_len(size));
		struct zreader_page out;
		struct zreader r;
		struct arena a;

		arena_open(&a, size);
		assert_int_equal(zreader_init(&r, a.slots_ro, a.objs_ro), 0);
		arena_put(&a, 9, ZSLOT_RAW, 0, source, size, 64);
		assert_int_equal(zreader_fetch(&r, 9, room, &out), 0);
		assert_int_equal(out.len, size);
		assert_memory_equal(room, source, size);
		zreader_fini(&r);
		a.objs_ro = -1;
		arena_close(&a);
		free(room);
	}
}

static void
test_no_such_page(void **state)
{
	(void)state;
	assert_int_equal(fetch(ARENA_PAGES - 1), 0);
	assert_int_equal(fetch(ARENA_PAGES), -ERANGE);
	assert_int_equal(fetch(1ull << 60), -ERANGE);
	assert_int_equal(fetch(UINT64_MAX), -ERANGE);
}

static void
test_bad_slots(void **state)
{
	static const uint64_t words[] = {
	        ZSLOT_BAD,
	        ZSLOT_BAD | ZSLOT_BACK,
	        5,
	        6 | ZSLOT_BACK,
	        ZSLOT_BACK,
	        1ull << 63,
	        /* A pattern and something that is none. */
	        ZSLOT_FILL | 1ull << 22,
	        ZSLOT_FILL | ZSLOT_BACK,
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(words); i++) {
		arena.slots[1].w0 = words[i];
		assert_int_equal(fetch(1), -EBADMSG);
	}
	arena.slots[1].w0 = 0;
	assert_int_equal(fetch(1), 0);
}

static void
test_written_back(void **state)
{
	static const enum zslot_kind kinds[] = {ZSLOT_FILL8, ZSLOT_OBJ, ZSLOT_RAW};
	struct zreader_page out;

	(void)state;
	for (size_t i = 0; i < TEST_NR(kinds); i++) {
		/* Far beyond objs: the offset is one of the backing store. */
		arena.slots[1].w0 = zslot_object(kinds[i], 2, 100, 1ull << 40) | ZSLOT_BACK;
		assert_int_equal(zreader_fetch(&reader, 1, buf, &out), -EREMOTE);
	}
}

static void
test_offset_beyond_the_file(void **state)
{
	static const uint64_t offsets[] = {
	        ARENA_OBJS_LEN - 16, ARENA_OBJS_LEN, ARENA_OBJS_LEN + 65536,  ARENA_OBJS_MAX - 32,
	        ARENA_OBJS_MAX,      1ull << 40,     ((1ull << 42) - 1) * 16,
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(offsets); i++) {
		arena.slots[1].w0 = zslot_object(ZSLOT_OBJ, 0, 28, offsets[i]);
		assert_int_equal(fetch(1), -EBADMSG);
	}
}

/* A file that is longer than the superblock said when it was mapped. */
static void
test_offset_beyond_the_mapping(void **state)
{
	(void)state;
	assert_int_equal(ftruncate(arena.objs_rw, 1ll << 42), 0);
	for (int i = 0; i < 2; i++) {
		arena.slots[1].w0 = zslot_object(ZSLOT_OBJ, 0, 28, ARENA_OBJS_MAX);
		assert_int_equal(fetch(1), -EBADMSG);
		arena.slots[1].w0 = zslot_object(ZSLOT_OBJ, 0, 28, ARENA_OBJS_MAX - 16);
		assert_int_equal(fetch(1), -EBADMSG);
		arena.slots[1].w0 = zslot_object(ZSLOT_OBJ, 0, 28, 1ull << 41);
		assert_int_equal(fetch(1), -EBADMSG);
		/* Makes the reader learn the file's length, for the second time round. */
		check_object(2, ZSLOT_OBJ, 0, 28, ARENA_OBJS_MAX - 32);
	}
	zreader_fini(&reader);
	arena.objs_ro = dup(arena.objs_rw);
	assert_int_equal(zreader_init(&reader, arena.slots_ro, arena.objs_ro), 0);
	arena.slots[1].w0 = zslot_object(ZSLOT_OBJ, 0, 28, 1ull << 41);
	assert_int_equal(fetch(1), -EBADMSG);
}

static void
test_wrong_length(void **state)
{
	(void)state;
	/* With good checksums: it is the length alone that no page can have. */
	arena_put(&arena, 1, ZSLOT_OBJ, 0, source, PAGE_SIZE + 1, 0);
	assert_int_equal(fetch(1), -EBADMSG);
	arena_put(&arena, 1, ZSLOT_RAW, 0, source, 65536, 0);
	assert_int_equal(fetch(1), -EBADMSG);
	arena_put(&arena, 1, ZSLOT_RAW, 0, source, PAGE_SIZE - 1, 0);
	assert_int_equal(fetch(1), -EBADMSG);
	arena_put(&arena, 1, ZSLOT_FILL8, 0, source, 7, 0);
	assert_int_equal(fetch(1), -EBADMSG);
	arena_put(&arena, 1, ZSLOT_FILL8, 0, source, 9, 0);
	assert_int_equal(fetch(1), -EBADMSG);
}

static void
test_wrong_bytes(void **state)
{
	(void)state;
	check_object(1, ZSLOT_OBJ, 0, 100, 1024);
	/* Another page's object, another codec, another length, another disk, another byte. */
	arena.slots[2].w0 = arena.slots[1].w0;
	assert_int_equal(fetch(2), -EBADMSG);
	arena.slots[1].w0 = zslot_object(ZSLOT_OBJ, 1, 100, 1024);
	assert_int_equal(fetch(1), -EBADMSG);
	arena.slots[1].w0 = zslot_object(ZSLOT_OBJ, 0, 99, 1024);
	assert_int_equal(fetch(1), -EBADMSG);
	arena.slots[1].w0 = zslot_object(ZSLOT_OBJ, 0, 100, 1024);
	assert_int_equal(fetch(1), 0);
	reader.nonce[1] ^= 1;
	assert_int_equal(fetch(1), -EBADMSG);
	reader.nonce[1] ^= 1;
	((uint8_t *)arena.objs)[1024 + 50] ^= 4;
	assert_int_equal(fetch(1), -EBADMSG);
	((uint8_t *)arena.objs)[1024 + 50] ^= 4;
	assert_int_equal(fetch(1), 0);
}

static void
test_growth_is_noticed(void **state)
{
	const uint64_t offset = ARENA_OBJS_LEN + 4096;

	(void)state;
	arena.slots[1].w0 = zslot_object(ZSLOT_OBJ, 0, 100, offset);
	assert_int_equal(fetch(1), -EBADMSG);
	assert_int_equal(ftruncate(arena.objs_rw, ARENA_OBJS_LEN + 8192), 0);
	check_object(1, ZSLOT_OBJ, 0, 100, offset);
	assert_int_equal(reader.objs_len, ARENA_OBJS_LEN + 8192);
	assert_int_equal(ftruncate(arena.objs_rw, ARENA_OBJS_MAX), 0);
	check_object(2, ZSLOT_RAW, 0, PAGE_SIZE, ARENA_OBJS_MAX - 8192);
}

static void
test_removed(void **state)
{
	static const uint32_t states[] = {ZARENA_NEW, ZARENA_REMOVED, 3, UINT32_MAX};

	(void)state;
	check_object(1, ZSLOT_OBJ, 0, 100, 0);
	for (size_t i = 0; i < TEST_NR(states); i++) {
		arena.super->state = states[i];
		assert_int_equal(zreader_check_live(&reader), -ENODEV);
		assert_int_equal(fetch(0), -ENODEV);
		assert_int_equal(fetch(1), -ENODEV);
		arena.super->state = ZARENA_LIVE;
		assert_int_equal(fetch(1), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_init, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_empty_and_fill, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_objects, setup, teardown),
	        cmocka_unit_test(test_other_page_sizes),
	        cmocka_unit_test_setup_teardown(test_no_such_page, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_bad_slots, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_written_back, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_offset_beyond_the_file, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_offset_beyond_the_mapping, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_wrong_length, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_wrong_bytes, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_growth_is_noticed, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
