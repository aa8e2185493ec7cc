/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The corpus: what becomes of a file, the order of loads, the content of sweeps. */

#include "test_util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "corpus.h"

#define NR      300u
#define PAGE_16 (PERF_PAGE_SIZE / 2u)

static char path[] = "/dev/shm/zcomp-perf-test-XXXXXX";

/* Each page has its number in all places; the last one is not whole. */
static int
make_file(void **state)
{
	static uint16_t page[PAGE_16];
	FILE *file;

	(void)state;
	close(mkstemp(path));
	file = fopen(path, "w");
	assert_non_null(file);
	for (unsigned int i = 0; i < NR; i++) {
		for (unsigned int j = 0; j < PAGE_16; j++)
			page[j] = (uint16_t)i;
		/* Not same-filled, but for each third. */
		page[7] = i % 3 == 0 ? page[7] : 0xffff;
		assert_int_equal(fwrite(page, sizeof(page), 1, file), 1);
	}
	fputs("rest", file);
	return fclose(file);
}

static int
remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static unsigned int
number_of(const uint8_t *page)
{
	return page[0] | (unsigned int)page[1] << 8;
}

static void
test_whole_file(void **state)
{
	struct corpus c;

	(void)state;
	assert_int_equal(corpus_read(&c, path, 0), 0);
	assert_int_equal(c.nr, NR);
	assert_int_equal(c.file_pages, NR);
	assert_int_equal(c.same_filled, NR / 3);
	assert_string_equal(c.name, path + strlen("/dev/shm/"));
	for (uint32_t i = 0; i < NR; i++)
		assert_int_equal(number_of(corpus_content(&c, i, 0)), i);
	corpus_fini(&c);
}

static void
test_cut_and_repeated(void **state)
{
	struct corpus c;
	uint32_t whole;

	(void)state;
	assert_int_equal(corpus_read(&c, path, 0), 0);
	whole = c.crc32c;
	corpus_fini(&c);
	assert_int_equal(corpus_read(&c, path, 1 << 20), 0);
	assert_int_equal(c.nr, 256);
	assert_int_equal(c.file_pages, NR);
	assert_int_not_equal(c.crc32c, whole);
	corpus_fini(&c);
	assert_int_equal(corpus_read(&c, path, 4 << 20), 0);
	assert_int_equal(c.nr, 1024);
	for (uint32_t i = 0; i < c.nr; i++)
		assert_int_equal(number_of(corpus_content(&c, i, 0)), i % NR);
	corpus_fini(&c);
}

static void
test_order_has_each_page_once(void **state)
{
	static unsigned int seen[NR];
	unsigned int at_home = 0;
	struct corpus c;

	(void)state;
	assert_int_equal(corpus_read(&c, path, 0), 0);
	for (uint32_t i = 0; i < c.nr; i++) {
		assert_true(c.order[i] < NR);
		seen[c.order[i]]++;
		at_home += c.order[i] == i;
	}
	for (uint32_t i = 0; i < NR; i++)
		assert_int_equal(seen[i], 1);
	assert_true(at_home < 10);
	corpus_fini(&c);
}

/* A sweep gives each page another content than the one before, and uses each content once. */
static void
test_sweeps(void **state)
{
	struct corpus c;

	(void)state;
	assert_int_equal(corpus_read(&c, path, 0), 0);
	for (uint64_t sweep = 0; sweep < 1000; sweep++) {
		uint32_t shift = corpus_shift(&c, sweep);

		assert_true(shift < NR);
		assert_int_not_equal(shift, corpus_shift(&c, sweep + 1));
		for (uint32_t i = 0; i < NR; i++)
			assert_int_equal(number_of(corpus_content(&c, i, shift)), (i + shift) % NR);
	}
	assert_int_equal(corpus_shift(&c, 0), 0);
	assert_true(corpus_shift(&c, UINT64_MAX) < NR);
	corpus_fini(&c);
}

static void
test_refused(void **state)
{
	struct corpus c;

	(void)state;
	assert_int_equal(corpus_read(&c, "/dev/shm/no/such/file", 0), -ENOENT);
	assert_int_equal(corpus_read(&c, "/dev/shm", 0), -EINVAL);
	assert_int_equal(corpus_read(&c, "/dev/null", 0), -EINVAL);
	assert_int_equal(truncate(path, (1 << 20) - 1), 0);
	assert_int_equal(corpus_read(&c, path, 0), -EINVAL);
	assert_int_equal(truncate(path, 1 << 20), 0);
	assert_int_equal(corpus_read(&c, path, 0), 0);
	corpus_fini(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_whole_file),
	        cmocka_unit_test(test_cut_and_repeated),
	        cmocka_unit_test(test_order_has_each_page_once),
	        cmocka_unit_test(test_sweeps),
	        cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
