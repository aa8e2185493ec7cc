/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Two writers that contend for the lock, two readers, and the main lcore that populates, punches
 * and compacts. What a reader gets says which page and version it is, and is checked to the last
 * byte.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "pool_check.h"
#include "store_util.h"

#define PAGES     512u
#define WRITERS   2u
#define READERS   2u
#define OPS       40000u /* of each writer */
#define ALL_SIZES 3000u
#define FEW_SIZES 6u
#define MS        UINT64_C(1000000)

struct writer {
	pthread_t thread;
	uint32_t id;
	uint64_t stored, again, full;
};

struct reader {
	pthread_t thread;
	uint32_t id;
	uint64_t loads, wrong;
};

static struct disk disk;
static uint32_t writers_done;
static uint32_t sizes; /* of objects; few of them leave spans that compaction can empty */

static int
setup(void **state)
{
	(void)state;
	return disk_dir(&disk) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	disk_destroy(&disk);
	return 0;
}

/* An object's first word is its version, the rest follows from page and version. */
static void
fill_object(char *buf, uint32_t len, uint64_t page, uint64_t version)
{
	model_fill(buf, len, page, version);
	memcpy(buf, &version, sizeof(version));
}

static void
prepare(struct zstore_put *put, char *buf, uint64_t page, uint64_t version, unsigned int *seed)
{
	uint32_t len = 16 + (uint32_t)rand_r(seed) % sizes * (3000 / sizes);
	uint32_t pattern = (uint32_t)(version << 16 | page);

	switch (rand_r(seed) % 10) {
	case 0:
		zstore_put_same(put, page, pattern * UINT64_C(0x100000001));
		return;
	case 1:
		zstore_put_same(put, page, pattern | (uint64_t)~pattern << 32);
		return;
	case 2:
		fill_object(buf, 4096, page, version);
		zstore_put_raw(disk.st, put, page, buf);
		return;
	default:
		fill_object(buf, len, page, version);
		zstore_put_object(put, page, 0, buf, len);
	}
}

static void
store_one(struct writer *w, uint64_t page, uint64_t version, unsigned int *seed)
{
	struct zstore_put put = {0};
	char buf[4096];
	int ret;

	while ((ret = zstore_reserve(disk.st, page, &put)) == -EAGAIN)
		sched_yield();
	if (ret == 0) {
		prepare(&put, buf, page, version, seed);
		while ((ret = zstore_put(disk.st, &put)) == -EAGAIN) {
			w->again++;
			sched_yield();
		}
	}
	w->stored += ret == 0;
	w->full += ret == -ENOSPC;
}

static void *
write_pages(void *arg)
{
	struct writer *w = (struct writer *)arg;
	unsigned int seed = w->id + 1;

	for (uint64_t i = 1; i <= OPS; i++) {
		uint64_t page = (uint64_t)rand_r(&seed) % PAGES;

		if (rand_r(&seed) % 16 == 0)
			zstore_discard(disk.st, page, 1 + (uint64_t)rand_r(&seed) % (PAGES - page));
		else
			store_one(w, page, i * WRITERS + w->id, &seed);
	}
	zc_add_relaxed(&writers_done, 1);
	return NULL;
}

static bool
is_right(uint64_t page, const struct zreader_page *p, const uint64_t *buf)
{
	char want[4096];

	switch (p->kind) {
	case ZSLOT_EMPTY:
		return true;
	case ZSLOT_FILL:
		return (p->pattern & 0xffff) == page;
	case ZSLOT_FILL8:
		return (buf[0] & 0xffff) == page;
	default:
		fill_object(want, p->len, page, buf[0]);
		return memcmp(want, buf, p->len) == 0;
	}
}

static void *
read_pages(void *arg)
{
	struct reader *r = (struct reader *)arg;
	uint64_t buf[(4096 + ZOBJ_GRANULE) / sizeof(uint64_t)];
	unsigned int seed = r->id + 100;

	while (zc_load_relaxed(&writers_done) < WRITERS) {
		uint64_t page = (uint64_t)rand_r(&seed) % PAGES;
		struct zreader_page p;
		int ret = zreader_fetch(&disk.reader, page, buf, &p);

		r->loads++;
		r->wrong += ret != 0 || !is_right(page, &p, buf);
	}
	return NULL;
}

/* Time of its own, so that rounds of punching come often. */
static void
populate_until_done(void)
{
	uint64_t now = 0;

	while (zc_load_relaxed(&writers_done) < WRITERS) {
		if (zstore_wants_populate(disk.st) || now % (10 * MS) == 0)
			assert_int_equal(zstore_populate(disk.st, now * 100), 0);
		now += MS;
		(void)zstore_compact(disk.st, 4096);
		sched_yield();
	}
}

static void
check_against_recovery(void)
{
	struct zarena_stat before = zstore_super(disk.st)->stat, after;

	pool_check(&disk.st->pool);
	assert_int_equal(disk.st->placed, 0);
	assert_int_equal(disk.st->reserved, 0);
	disk_reopen(&disk);
	after = zstore_super(disk.st)->stat;
	assert_int_equal(after.pages_stored, before.pages_stored);
	assert_int_equal(after.same_pages, before.same_pages);
	assert_int_equal(after.huge_pages, before.huge_pages);
	assert_int_equal(after.compr_data_size, before.compr_data_size);
}

static void
stress(uint64_t mem_limit, uint32_t nr_sizes)
{
	struct writer writers[WRITERS] = {0};
	struct reader readers[READERS] = {0};
	uint64_t loads = 0;

	disk_opts(&disk, PAGES, mem_limit);
	disk_create(&disk);
	sizes = nr_sizes;
	zc_store_relaxed(&writers_done, 0);
	for (uint32_t i = 0; i < READERS; i++) {
		readers[i].id = i;
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_pages, &readers[i]),
		                 0);
	}
	for (uint32_t i = 0; i < WRITERS; i++) {
		writers[i].id = i;
		assert_int_equal(pthread_create(&writers[i].thread, NULL, write_pages, &writers[i]),
		                 0);
	}
	populate_until_done();
	for (uint32_t i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
		print_message("writer %u: %lu stored, %lu full, %lu times again\n", i,
		              (unsigned long)writers[i].stored, (unsigned long)writers[i].full,
		              (unsigned long)writers[i].again);
		assert_true(writers[i].stored > OPS / 10);
		assert_true(mem_limit != 0 || writers[i].full == 0);
	}
	for (uint32_t i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
		assert_int_equal(readers[i].wrong, 0);
		loads += readers[i].loads;
	}
	print_message("%lu loads, %lu pages compacted\n", (unsigned long)loads,
	              (unsigned long)STAT(&disk, pages_compacted));
	assert_true(sizes == ALL_SIZES || STAT(&disk, pages_compacted) > 0);
	assert_true(mem_limit == 0 || STAT(&disk, mem_used_max) <= mem_limit);
	check_against_recovery();
}

static void
test_stress(void **state)
{
	(void)state;
	stress(0, ALL_SIZES);
	disk_destroy(&disk);
	assert_true(disk_dir(&disk));
	stress(0, FEW_SIZES);
}

static void
test_stress_at_the_limit(void **state)
{
	(void)state;
	stress(512 * 1024, ALL_SIZES);
	disk_destroy(&disk);
	assert_true(disk_dir(&disk));
	stress(512 * 1024, FEW_SIZES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_stress, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_stress_at_the_limit, setup, teardown),
	};

	return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
