/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Loads of every kind of slot, from small and large pages, with nobody there to ask. */

#include <errno.h>
#include <lz4.h>
#include <signal.h>
#include <stdlib.h>

#include "test_util.h"

#include "base/same.h"
#include "fake.h"

#define PAGES 32

static struct fake fake;
static struct zcl *zc;
static struct zcl_disk *disk;

static char page[65536 + 8];

static int
setup(void **state)
{
	uint32_t page_size = *(const uint32_t *)*state;
	struct zcl_open_opts opts = {.sz = sizeof(opts), .page_size = page_size};

	fake_create(&fake, page_size, PAGES);
	assert_int_equal(zcl_connect(fake.path, NULL, &zc), 0);
	assert_int_equal(zcl_disk_open_opts(zc, FAKE_DISK, &opts, &disk), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	zcl_disk_close(disk);
	zcl_close(zc);
	fake_destroy(&fake);
	return 0;
}

static uint32_t
page_size(void)
{
	return zcl_disk_page_size(disk);
}

/* A page that compresses: a quarter of it is random. */
static const char *
soft_page(unsigned int seed)
{
	static char soft[65536];
	uint32_t len = page_size();

	memset(soft, 0, sizeof(soft));
	memcpy(soft, fake_page(seed), len / 4);
	return soft;
}

static void
put_lz4(uint64_t where, const char *data)
{
	static char object[2 * 65536];
	int len = LZ4_compress_default(data, object, (int)page_size(), sizeof(object));

	assert_true(len > 0 && len < (int)page_size());
	fake_put(&fake, where, ZSLOT_OBJ, object, (uint32_t)len);
}

static void
assert_filled(uint64_t word)
{
	uint64_t found;

	assert_true(zc_same_filled(page, page_size(), &found));
	assert_int_equal(found, word);
}

static void
test_every_kind(void **state)
{
	const uint64_t word = 0x0123456789abcdefu;

	(void)state;
	fake_commit(&fake, 1, zslot_fill(0x89abcdefu));
	fake_put(&fake, 2, ZSLOT_FILL8, &word, sizeof(word));
	fake_put(&fake, 3, ZSLOT_RAW, fake_page(3), page_size());
	put_lz4(4, soft_page(4));
	fake_commit(&fake, 5, zslot_fill(0));
	fake_kill(&fake);

	memset(page, 1, sizeof(page));
	assert_int_equal(zcl_load(disk, 0, page), 0);
	assert_filled(0);
	assert_int_equal(page[page_size()], 1);
	assert_int_equal(zcl_load(disk, 1, page), 0);
	assert_filled(0x89abcdef89abcdefu);
	assert_int_equal(zcl_load(disk, 2, page), 0);
	assert_filled(word);
	assert_int_equal(zcl_load(disk, 3, page + 1), 0);
	assert_memory_equal(page + 1, fake_page(3), page_size());
	assert_int_equal(zcl_load(disk, 4, page + 3), 0);
	assert_memory_equal(page + 3, soft_page(4), page_size());
	assert_int_equal(zcl_load(disk, 5, page), 0);
	assert_filled(0);
	fake_start(&fake);
}

static void
test_damaged(void **state)
{
	struct zcl_disk_stat st = {.sz = sizeof(st)};
	uint64_t word = 1;

	(void)state;
	fake_commit(&fake, 1, ZSLOT_BAD);
	fake_commit(&fake, 2, zslot_object(ZSLOT_RAW, 0, page_size(), 1ull << 40));
	fake_put(&fake, 3, ZSLOT_RAW, fake_page(3), page_size());
	fake.arena.objs[fake.arena.place / 8 - 10] ^= 1;
	fake_put(&fake, 4, ZSLOT_RAW, fake_page(4), page_size() - 1); /* raw, but not a page */
	fake_put(&fake, 5, ZSLOT_OBJ, fake_page(5), 100);             /* not of lz4's making */
	fake_put(&fake, 6, ZSLOT_FILL8, &word, 7);
	put_lz4(7, soft_page(7));
	fake.arena.super->codecs[1].id = 99; /* nobody knows */
	for (uint64_t i = 1; i <= 7; i++)
		assert_int_equal(zcl_load(disk, i, page), -EBADMSG);
	assert_int_equal(zcl_load(disk, PAGES, page), -ERANGE);
	assert_int_equal(zcl_load(disk, UINT64_MAX, page), -ERANGE);
	assert_int_equal(zcl_disk_stat(disk, &st), 0);
	assert_int_equal(st.failed_loads, 7);
	fake.arena.super->codecs[1].id = 2;
	assert_int_equal(zcl_load(disk, 7, page), 0);
}

/* Loads what is no page of lz4's into memory that ends where a page does. */
static void
assert_bad(const char *object, uint32_t len)
{
	uint64_t before = fake.arena.place;
	char *dst = (char *)malloc(page_size());

	assert_non_null(dst);
	fake_put(&fake, 1, ZSLOT_OBJ, object, len);
	fake.arena.place = before;
	assert_int_equal(zcl_load(disk, 1, dst), -EBADMSG);
	assert_int_equal(zcl_load_range(disk, 1, 0, 1, dst), -EBADMSG);
	free(dst);
}

/* What a client may have handed over: noise, too little, and what makes too much. */
static void
test_hostile_objects(void **state)
{
	static char object[4 * 65536], content[2 * 65536];
	uint64_t seed = page_size();
	int len;

	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		test_random_fill(&seed, (uint8_t *)object, page_size());
		assert_bad(object, 1 + (uint32_t)(test_random(&seed) % page_size()));
	}
	len = LZ4_compress_default(soft_page(1), object, (int)page_size(), sizeof(object));
	assert_true(len > 0 && (uint32_t)len < page_size());
	for (uint32_t cut = 1; cut < (uint32_t)len; cut += 1 + cut / 32)
		assert_bad(object, cut);
	memset(content, 'x', sizeof(content));
	for (uint32_t more = 1; more <= page_size(); more *= 2) {
		len = LZ4_compress_default(content, object, (int)(page_size() + more),
		                           sizeof(object));
		assert_bad(object, (uint32_t)len);
		len = LZ4_compress_default(content, object, (int)(page_size() - more + 1) - 1,
		                           sizeof(object));
		if (len > 0)
			assert_bad(object, (uint32_t)len);
	}
}

/* An object in another page's slot does not pass for that page's. */
static void
test_foreign_object(void **state)
{
	(void)state;
	fake_put(&fake, 1, ZSLOT_RAW, fake_page(1), page_size());
	fake_commit(&fake, 2, fake.arena.slots[1].w0);
	assert_int_equal(zcl_load(disk, 1, page), 0);
	assert_int_equal(zcl_load(disk, 2, page), -EBADMSG);
}

static void
test_written_back(void **state)
{
	(void)state;
	fake_put(&fake, 1, ZSLOT_RAW, fake_page(1), page_size());
	fake_commit(&fake, 1, fake.arena.slots[1].w0 | ZSLOT_BACK);
	assert_int_equal(zcl_load(disk, 1, page), -EIO);
}

static void
test_removed(void **state)
{
	(void)state;
	fake_put(&fake, 1, ZSLOT_RAW, fake_page(1), page_size());
	assert_int_equal(zcl_load(disk, 1, page), 0);
	fake.arena.super->state = ZARENA_REMOVED;
	assert_int_equal(zcl_load(disk, 1, page), -ENODEV);
	assert_int_equal(zcl_load(disk, 2, page), -ENODEV);
	assert_int_equal(zcl_load_range(disk, 1, 0, 1, page), -ENODEV);
}

static void
test_many(void **state)
{
	static char to[4][65536];
	const uint64_t pages[] = {3, PAGES, 1, 2};
	void *const dst[] = {to[0], to[1], to[2], to[3]};
	int res[4] = {1, 1, 1, 1};

	(void)state;
	fake_put(&fake, 1, ZSLOT_RAW, fake_page(1), page_size());
	fake_commit(&fake, 2, ZSLOT_BAD);
	put_lz4(3, soft_page(3));
	assert_int_equal(zcl_load_many(disk, pages, dst, res, 4), 2);
	assert_int_equal(res[0], 0);
	assert_memory_equal(to[0], soft_page(3), page_size());
	assert_int_equal(res[1], -ERANGE);
	assert_int_equal(res[2], 0);
	assert_memory_equal(to[2], fake_page(1), page_size());
	assert_int_equal(res[3], -EBADMSG);
	assert_int_equal(zcl_load_many(disk, pages, dst, res, 0), 0);
}

static void
test_range(void **state)
{
	uint32_t len = page_size();

	(void)state;
	put_lz4(1, soft_page(1));
	memset(page, 0x55, sizeof(page));
	assert_int_equal(zcl_load_range(disk, 1, 5, 100, page + 1), 0);
	assert_memory_equal(page + 1, soft_page(1) + 5, 100);
	assert_int_equal(page[0], 0x55);
	assert_int_equal(page[101], 0x55);
	assert_int_equal(zcl_load_range(disk, 1, len - 1, 1, page), 0);
	assert_int_equal(zcl_load_range(disk, 1, 0, len, page), 0);
	assert_memory_equal(page, soft_page(1), len);
	assert_int_equal(zcl_load_range(disk, 1, 0, 0, page), -EINVAL);
	assert_int_equal(zcl_load_range(disk, 1, len, 1, page), -EINVAL);
	assert_int_equal(zcl_load_range(disk, 1, 1, len, page), -EINVAL);
	assert_int_equal(zcl_load_range(disk, 1, UINT32_MAX, 2, page), -EINVAL);
	assert_int_equal(zcl_load_range(disk, 1, 2, UINT32_MAX, page), -EINVAL);
	assert_int_equal(zcl_load_range(disk, PAGES, 0, 1, page), -ERANGE);
}

static volatile sig_atomic_t handler_ret;
static char handler_page[65536];

static void
handler(int sig)
{
	(void)sig;
	handler_ret = zcl_load(disk, 3, handler_page);
}

static void
test_in_a_signal_handler(void **state)
{
	struct sigaction action = {.sa_handler = handler}, before;

	(void)state;
	put_lz4(3, soft_page(3));
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	handler_ret = 1;
	raise(SIGUSR1);
	sigaction(SIGUSR1, &before, NULL);
	assert_int_equal(handler_ret, 0);
	assert_memory_equal(handler_page, soft_page(3), page_size());
}

#define WITH(test, size) cmocka_unit_test_prestate_setup_teardown(test, setup, teardown, size)

int
main(void)
{
	static uint32_t small = 4096, large = 65536, least = 1024;
	const struct CMUnitTest tests[] = {
	        WITH(test_every_kind, &small),
	        WITH(test_every_kind, &large),
	        WITH(test_every_kind, &least),
	        WITH(test_damaged, &small),
	        WITH(test_damaged, &large),
	        WITH(test_hostile_objects, &small),
	        WITH(test_hostile_objects, &large),
	        WITH(test_hostile_objects, &least),
	        WITH(test_foreign_object, &small),
	        WITH(test_written_back, &small),
	        WITH(test_removed, &small),
	        WITH(test_many, &small),
	        WITH(test_range, &small),
	        WITH(test_range, &large),
	        WITH(test_in_a_signal_handler, &small),
	        WITH(test_in_a_signal_handler, &large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
