/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The memory limit: never exceeded, old content stays, what shrinks passes, and a deep queue does
 * not by itself make a disk look full.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "pool_check.h"
#include "store_util.h"

#define PAGES 4000u
#define LIMIT (UINT64_C(1) << 20)
#define FILL  UINT64_C(0x0000000500000005) /* a word of period 4 */

static struct disk disk;

static int
setup(void **state)
{
	(void)state;
	if (!disk_dir(&disk))
		return -1;
	disk_opts(&disk, PAGES, LIMIT);
	disk_create(&disk);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	disk_destroy(&disk);
	return 0;
}

static void
check_limit(void)
{
	uint64_t used = STAT(&disk, mem_used);

	assert_true(used <= LIMIT);
	assert_true(STAT(&disk, mem_used_max) <= LIMIT);
	assert_true(used == (uint64_t)disk.st->pool.used_pages * ZS_PAGE);
}

/* @return pages stored before the limit */
static uint64_t
fill_raw(void)
{
	uint64_t page = 0;
	int ret;

	while ((ret = put_raw(disk.st, page, 1)) == 0) {
		check_limit();
		page++;
	}
	assert_int_equal(ret, -ENOSPC);
	return page;
}

static void
test_fresh_stores_stop_at_the_limit(void **state)
{
	uint64_t nr = fill_raw();

	(void)state;
	/* Of 256 pages: the slack, and what the checksums cost. */
	assert_true(nr >= 225);
	assert_true(STAT(&disk, mem_used) > LIMIT * 9 / 10);
	assert_int_equal(STAT(&disk, failed_stores), 1);
	for (uint64_t page = 0; page < nr; page++)
		assert_true(is_object(&disk.reader, page, 1, 4096));
	/* The failed one left nothing. */
	assert_int_equal(pool_check(&disk.st->pool), nr);
	assert_int_equal(STAT(&disk, pages_stored), nr);
	/* What needs no memory goes on. */
	assert_int_equal(put_same(disk.st, nr, FILL), 0);
	assert_int_equal(put_same(disk.st, 0, FILL), 0);
	discard(disk.st, 1, 20);
	assert_int_equal(put_raw(disk.st, nr + 1, 1), 0);
}

static void
test_failed_overwrite_keeps_the_old(void **state)
{
	struct zreader_page p;
	uint64_t nr;

	(void)state;
	assert_int_equal(put_same(disk.st, PAGES - 1, FILL), 0);
	assert_int_equal(put_object(disk.st, PAGES - 2, 1, 100), 0);
	nr = fill_raw();
	assert_true(nr > 0);
	assert_int_equal(put_raw(disk.st, PAGES - 1, 2), -ENOSPC);
	assert_int_equal(fetch(&disk.reader, PAGES - 1, &p), 0);
	assert_true(p.kind == ZSLOT_FILL && p.pattern == 5);
	/* It grows from 100 to 4096 bytes: no better than a fresh store. */
	assert_int_equal(put_raw(disk.st, PAGES - 2, 2), -ENOSPC);
	assert_true(is_object(&disk.reader, PAGES - 2, 1, 100));
}

static void
test_same_size_passes_at_the_limit(void **state)
{
	uint64_t nr = fill_raw();
	unsigned int seed = 1;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		uint64_t page = (uint64_t)rand_r(&seed) % nr;

		assert_int_equal(put_raw(disk.st, page, i + 2), 0);
		assert_true(is_object(&disk.reader, page, i + 2, 4096));
		check_limit();
		assert_int_equal(put_raw(disk.st, PAGES - 1, 1), -ENOSPC);
	}
}

static void
test_shrinking_passes_at_the_limit(void **state)
{
	uint64_t nr = fill_raw();

	(void)state;
	for (uint64_t page = 0; page < nr; page++) {
		assert_int_equal(put_object(disk.st, page, 2, 2000), 0);
		check_limit();
	}
	for (uint64_t page = 0; page < nr; page++) {
		assert_int_equal(put_object(disk.st, page, 3, 1 + (uint32_t)(page * 7 % 2000)), 0);
		check_limit();
	}
	for (uint64_t page = 0; page < nr; page++)
		assert_true(is_object(&disk.reader, page, 3, 1 + (uint32_t)(page * 7 % 2000)));
}

static void
test_freed_places_are_used_again(void **state)
{
	uint64_t nr = 0;

	(void)state;
	while (put_object(disk.st, nr, 1, 1400) == 0)
		nr++;
	/* Every other object goes; hardly a span becomes empty, but the places are free. */
	for (uint64_t page = 0; page < nr; page += 2)
		discard(disk.st, page, 1);
	assert_true(STAT(&disk, mem_used) > LIMIT / 2);
	for (uint64_t page = 0; page < nr; page += 2) {
		struct zstore_put put = {0};

		assert_int_equal(zstore_reserve(disk.st, page, &put), 0);
		zstore_unreserve(disk.st, &put);
		assert_int_equal(put_object(disk.st, page, 2, 1400), 0);
	}
	check_limit();
}

static void
test_deep_queue_is_not_a_full_disk(void **state)
{
	static struct zstore_put puts[PAGES];
	uint64_t held = 0;
	char data[100] = {0};
	int ret;

	(void)state;
	while ((ret = zstore_reserve(disk.st, held, &puts[held])) == 0) {
		assert_true(puts[held].reserved);
		held++;
	}
	assert_int_equal(ret, -EAGAIN);
	assert_false(puts[held].reserved);
	assert_int_equal(held, LIMIT / 4112);
	/* They turn out small, or are given up: there is room again. */
	for (uint64_t i = 0; i < held; i++) {
		zstore_put_object(&puts[i], i, 0, data, sizeof(data));
		if (i % 2 == 0)
			assert_int_equal(put_retry(disk.st, &puts[i]), 0);
		else
			zstore_unreserve(disk.st, &puts[i]);
		assert_false(puts[i].reserved);
	}
	assert_int_equal(disk.st->reserved, 0);
	assert_int_equal(zstore_reserve(disk.st, held, &puts[0]), 0);
	zstore_unreserve(disk.st, &puts[0]);
	assert_int_equal(STAT(&disk, failed_stores), 0);
}

static void
test_reservations(void **state)
{
	struct zstore_put put = {0};
	uint64_t nr;

	(void)state;
	/* Every outcome gives it back. */
	assert_int_equal(zstore_reserve(disk.st, 1, &put), 0);
	zstore_put_same(&put, 1, 0);
	assert_int_equal(put_retry(disk.st, &put), 0);
	assert_int_equal(disk.st->reserved, 0);

	nr = fill_raw();
	/* An object is overwritten without one; a same-filled page is not an object. */
	assert_int_equal(zstore_reserve(disk.st, 0, &put), 0);
	assert_int_equal(put_same(disk.st, 0, FILL), 0);
	assert_int_equal(put_raw(disk.st, nr, 1), 0);
	while (put_object(disk.st, ++nr, 1, 30) == 0)
		continue;
	while (put_raw(disk.st, ++nr, 1) == 0)
		continue;
	assert_false(put.reserved);
	check_limit();
}

static void
test_hopeless_reservation(void **state)
{
	struct zstore_put put = {0};
	uint64_t nr = 0, failed;

	(void)state;
	zstore_remove(disk.st);
	zstore_close(disk.st);
	disk_opts(&disk, PAGES, 32 * ZS_PAGE);
	disk_create(&disk);
	/* A page each, up to the one that overwrites need: less than a raw page needs. */
	while (put_object(disk.st, nr, 1, 4000) == 0)
		nr++;
	assert_int_equal(nr, 31);
	failed = STAT(&disk, failed_stores);
	assert_int_equal(zstore_reserve(disk.st, PAGES - 1, &put), -ENOSPC);
	assert_int_equal(STAT(&disk, failed_stores), failed + 1);
	assert_false(put.reserved);
	/* Overwrites do not ask. */
	assert_int_equal(zstore_reserve(disk.st, 0, &put), 0);
	assert_false(put.reserved);
}

/* A store that holds a place, and will free the old one, makes others wait instead of fail. */
static void
test_wait_for_who_frees(void **state)
{
	struct zstore_put first = {0}, second = {0};
	uint64_t nr = fill_raw();
	char data[4096];

	(void)state;
	/* As if the lock had been lost between the two halves of a store. */
	disk.st->placed = 1;
	model_fill(data, sizeof(data), nr, 1);
	zstore_put_raw(disk.st, &second, nr, data);
	assert_int_equal(zstore_put(disk.st, &second), -EAGAIN);
	disk.st->placed = 0;
	zstore_put_raw(disk.st, &first, 0, data);
	assert_int_equal(put_retry(disk.st, &first), 0);
	assert_int_equal(zstore_put(disk.st, &second), -ENOSPC);
}

static void
test_tiny_limits(void **state)
{
	(void)state;
	for (uint64_t limit = 1; limit <= 40 * 4096; limit += 4095) {
		uint64_t nr = 0;

		zstore_remove(disk.st);
		zstore_close(disk.st);
		disk_opts(&disk, PAGES, limit);
		disk_create(&disk);
		while (put_model(disk.st, nr, nr + 1) == 0 && nr < PAGES)
			nr++;
		for (uint64_t page = 0; page < nr; page++)
			assert_true(is_model(&disk.reader, page, page + 1));
		assert_true(STAT(&disk, mem_used_max) <= limit);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_fresh_stores_stop_at_the_limit, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_failed_overwrite_keeps_the_old, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_same_size_passes_at_the_limit, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_shrinking_passes_at_the_limit, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_freed_places_are_used_again, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_deep_queue_is_not_a_full_disk, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_reservations, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_hopeless_reservation, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_wait_for_who_frees, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_tiny_limits, setup, teardown),
	};

	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
