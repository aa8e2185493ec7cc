/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The class table, over all page sizes, classes and places: what recovery relies on is that no
 * other span of the class could have a place at the same offset.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/classes.h"

static const uint32_t page_sizes[] = {1024, 2048, 4096, 8192, 16384, 32768, 65536};

#define FOR_EACH_TABLE(i, c)                                                 \
	for (size_t i = 0; i < sizeof(page_sizes) / sizeof(page_sizes[0]) && \
	                   (zs_classes_init(&(c), page_sizes[i]), true);     \
	     i++)

static struct zs_classes table;

static void
test_every_length_has_a_class(void **state)
{
	(void)state;
	FOR_EACH_TABLE(i, table)
	{
		for (uint32_t len = 1; len <= page_sizes[i]; len++) {
			uint32_t place = zobj_place_len(len), c = zs_class_of(&table, place);

			assert_true(c < table.nr);
			assert_true(table.classes[c].size >= place);
			assert_true(table.classes[c].size >= ZS_PLACE_MIN);
			/* The next smaller class would be too small. */
			assert_true(c + 1 == table.nr || table.classes[c + 1].size < place);
		}
	}
}

static void
test_classes_are_merged(void **state)
{
	(void)state;
	FOR_EACH_TABLE(i, table)
	{
		for (uint32_t c = 0; c < table.nr; c++) {
			const struct zs_class *cls = &table.classes[c], *next = cls + 1;

			assert_int_equal(cls->size % ZOBJ_GRANULE, 0);
			assert_true(cls->objs >= 1 && cls->objs <= ZS_OBJS_MAX);
			assert_true(cls->pages >= 1 && cls->pages <= ZS_SPAN_MAX);
			assert_true((uint32_t)cls->objs * cls->size <=
			            (uint32_t)cls->pages * ZS_PAGE);
			/* A span's bitmap fits into the words of its pages. */
			assert_true((cls->objs + 63) / 64 <= 2 * cls->pages);
			if (c + 1 == table.nr)
				continue;
			assert_true(next->size < cls->size);
			/* Closer to each other, they would be one. */
			assert_true(cls->pages * next->objs * 64 > next->pages * cls->objs * 65);
		}
	}
}

/* Counts, without the code under test, which spans could have a place at the offset. */
static unsigned int
count_spans(const struct zs_class *cls, uint64_t offset)
{
	unsigned int nr = 0;

	for (uint64_t start = 0; start <= offset / ZS_PAGE; start++) {
		uint64_t inside = offset - start * ZS_PAGE;

		if (inside % cls->size == 0 && inside / cls->size < cls->objs)
			nr++;
	}
	return nr;
}

static void
check_span(const struct zs_class *cls, uint32_t first)
{
	for (uint32_t idx = 0; idx < cls->objs; idx++) {
		uint64_t offset = (uint64_t)first * ZS_PAGE + (uint64_t)idx * cls->size;
		uint32_t start = 0, found = 0;

		assert_true(zs_class_span(cls, offset, &start, &found));
		assert_int_equal(start, first);
		assert_int_equal(found, idx);
		assert_int_equal(count_spans(cls, offset), 1);
	}
}

static void
test_span_follows_from_offset_and_length(void **state)
{
	(void)state;
	FOR_EACH_TABLE(i, table)
	{
		for (uint32_t c = 0; c < table.nr; c++) {
			check_span(&table.classes[c], 0);
			check_span(&table.classes[c], 2 * ZS_SPAN_MAX + 1);
		}
	}
}

static void
test_wrong_offsets_have_no_span(void **state)
{
	const struct zs_class *cls;
	uint32_t start, idx;

	(void)state;
	zs_classes_init(&table, 4096);
	cls = &table.classes[zs_class_of(&table, zobj_place_len(4000))];
	assert_int_equal(cls->size, 4096);
	assert_true(zs_class_span(cls, 8192, &start, &idx));
	assert_false(zs_class_span(cls, 8192 + 16, &start, &idx));
	/* The end of a span, behind its last place. */
	cls = &table.classes[zs_class_of(&table, 4112)];
	assert_int_equal(cls->pages, 15);
	assert_false(zs_class_span(cls, (uint64_t)cls->objs * cls->size, &start, &idx));
}

static void
test_known_classes(void **state)
{
	static const struct zs_class known[] = {{4112, 15, 14}, {4096, 1, 1}, {3584, 7, 8},
	                                        {3264, 4, 5},   {2720, 2, 3}, {2048, 1, 2},
	                                        {1440, 6, 17},  {1360, 1, 3}, {1168, 2, 7},
	                                        {512, 1, 8},    {64, 1, 64},  {32, 1, 128}};

	(void)state;
	zs_classes_init(&table, 4096);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct zs_class *cls = &table.classes[zs_class_of(&table, known[i].size)];

		assert_int_equal(cls->size, known[i].size);
		assert_int_equal(cls->pages, known[i].pages);
		assert_int_equal(cls->objs, known[i].objs);
	}
	/* The word of a page with period 8. */
	assert_int_equal(table.classes[zs_class_of(&table, zobj_place_len(8))].size, 32);
}

static void
test_huge_len(void **state)
{
	(void)state;
	FOR_EACH_TABLE(i, table)
	{
		uint32_t page_size = page_sizes[i], huge = zs_classes_huge_len(&table, page_size);
		const struct zs_class *raw =
		        &table.classes[zs_class_of(&table, zobj_place_len(page_size))];

		assert_true(huge > page_size / 2 && huge <= page_size);
		for (uint32_t len = 1; len <= page_size; len++) {
			const struct zs_class *cls =
			        &table.classes[zs_class_of(&table, zobj_place_len(len))];
			bool saves = cls->pages * raw->objs < raw->pages * cls->objs;

			assert_true(saves == (len < huge));
		}
	}
	zs_classes_init(&table, 4096);
	assert_int_equal(zs_classes_huge_len(&table, 4096), 4093);
}

/* For the eye: what spans lose at their ends, and what merging costs, at most and on average. */
static void
test_waste(void **state)
{
	(void)state;
	FOR_EACH_TABLE(i, table)
	{
		double sum = 0, max = 0;
		uint32_t worst = 0;

		for (uint32_t len = 256; len <= page_sizes[i]; len++) {
			const struct zs_class *cls =
			        &table.classes[zs_class_of(&table, zobj_place_len(len))];
			double waste = (double)cls->pages * ZS_PAGE / cls->objs / len - 1;

			sum += waste;
			if (waste > max) {
				max = waste;
				worst = len;
			}
		}
		print_message(
		        "pages of %5u: %3u classes, average waste %.2f %%, most %.1f %% at %u\n",
		        page_sizes[i], table.nr, 100 * sum / (page_sizes[i] - 255), 100 * max,
		        worst);
		assert_true(sum / (page_sizes[i] - 255) < 0.06);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_every_length_has_a_class),
	        cmocka_unit_test(test_classes_are_merged),
	        cmocka_unit_test(test_span_follows_from_offset_and_length),
	        cmocka_unit_test(test_wrong_offsets_have_no_span),
	        cmocka_unit_test(test_known_classes),
	        cmocka_unit_test(test_huge_len),
	        cmocka_unit_test(test_waste),
	};

	return cmocka_run_group_tests_name("classes", tests, NULL, NULL);
}
