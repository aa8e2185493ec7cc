/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The compressdev backend over a deflate driver of DPDK's own, which the argument names: levels,
 * lcores at the same time, pages that do not compress, full queues, and transforms that lcores
 * cannot share. Whatever comes back is decoded by the codec, which wants exact lengths.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cdev_env.h"
#include "comp_env.h"

#include <rte_bus_vdev.h>

#include "base/log.h"

#define LCORES CDEV_LCORES
#define NR     600u

static const char *driver;
/* Of one compressor: one for all lcores, or one for each. */
static unsigned int xforms_each;

static struct {
	unsigned int created, freed;
	unsigned int fail_at; /* the creation that fails, from 1 on; 0: none */
	int fail_with;
} xforms;

int __real_rte_compressdev_private_xform_create(uint8_t dev, const struct rte_comp_xform *xform,
                                                void **handle);
int __wrap_rte_compressdev_private_xform_create(uint8_t dev, const struct rte_comp_xform *xform,
                                                void **handle);
int __real_rte_compressdev_private_xform_free(uint8_t dev, void *handle);
int __wrap_rte_compressdev_private_xform_free(uint8_t dev, void *handle);

int
__wrap_rte_compressdev_private_xform_create(uint8_t dev, const struct rte_comp_xform *xform,
                                            void **handle)
{
	int ret;

	assert_int_equal(xform->compress.deflate.huffman, RTE_COMP_HUFFMAN_DYNAMIC);
	assert_int_equal(xform->compress.window_size, 15);
	if (xforms.fail_at == xforms.created + 1) {
		/* Some leave this behind, which is none of theirs to free. */
		*handle = handle;
		return xforms.fail_with;
	}
	ret = __real_rte_compressdev_private_xform_create(dev, xform, handle);
	xforms.created += ret == 0;
	return ret;
}

int
__wrap_rte_compressdev_private_xform_free(uint8_t dev, void *handle)
{
	xforms.freed++;
	return __real_rte_compressdev_private_xform_free(dev, handle);
}

static void
reopen(uint32_t depth)
{
	zcomp_cdev_close(cdev_env.dev);
	cdev_env.dev = NULL;
	assert_int_equal(zcomp_cdev_open(driver, LCORES, depth, NULL, &cdev_env.dev), 0);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&xforms, 0, sizeof(xforms));
	reopen(CDEV_DEPTH);
	return 0;
}

/* Not the heap: these drivers leave memory behind. */
static int
tear_down(void **state)
{
	(void)state;
	assert_int_equal(xforms.freed, xforms.created);
	zcomp_cdev_close(cdev_env.dev);
	cdev_env.dev = NULL;
	return 0;
}

static struct zcomp_params
params_of(int32_t level, uint32_t depth)
{
	struct zcomp_params params = cdev_params(depth);

	params.codec = &zcodec_deflate;
	params.level = level;
	return params;
}

static struct zcomp *
create(int32_t level, uint32_t depth)
{
	struct zcomp_params params = params_of(level, depth);
	struct zcomp *comp = NULL;

	assert_int_equal(zcomp_create(&zcomp_backend_compressdev, &params, &comp), 0);
	assert_true(zcomp_managed(comp));
	return comp;
}

static void
fill(struct zcomp *comp, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr,
     uintptr_t first)
{
	for (unsigned int i = 0; i < nr; i++) {
		strms[i] = strm_get(comp, lcore, ZSTRM_ONLY_MGMT, true);
		strm_fill(strms[i], first + i);
	}
}

/* Submits and polls until each of them has come back, once; then puts them. */
static void
run(struct zcomp *comp, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct zcomp_strm *done[NR];
	unsigned int sent = 0, got = 0;

	while (got < nr) {
		sent += zcomp_submit(comp, lcore, &strms[sent], nr - sent);
		assert_int_equal(stats_of(comp, lcore).in_flight, sent - got);
		got += zcomp_poll(comp, lcore, &done[got], nr - got);
	}
	assert_int_equal(zcomp_poll(comp, lcore, done, 1), 0);
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int times = 0;

		for (unsigned int j = 0; j < nr; j++)
			times += done[j] == strms[i];
		assert_int_equal(times, 1);
		strm_check(strms[i], &zcodec_deflate);
	}
	for (unsigned int i = 0; i < nr; i++)
		zcomp_stream_put(strms[i]);
	assert_int_equal(stats_of(comp, lcore).in_flight, 0);
	assert_int_equal(stats_of(comp, lcore).errors, 0);
}

static void
test_supports(void **state)
{
	(void)state;
	assert_true(zcomp_cdev_supports(cdev_env.dev, &zcodec_deflate));
	assert_false(zcomp_cdev_supports(cdev_env.dev, &zcodec_lz4));
	assert_false(zcomp_cdev_supports(cdev_env.dev, &zcodec_null));
}

static void
test_levels(void **state)
{
	struct zcomp_strm *strms[CDEV_DEPTH];

	(void)state;
	for (int32_t level = 1; level <= 9; level++) {
		struct zcomp *comp = create(level, CDEV_DEPTH);

		for (unsigned int lcore = 0; lcore < LCORES; lcore++) {
			fill(comp, lcore, strms, CDEV_DEPTH, 100 * (uintptr_t)level);
			run(comp, lcore, strms, CDEV_DEPTH);
		}
		zcomp_destroy(comp);
		assert_int_equal(xforms.created, (unsigned int)level * xforms_each);
		assert_int_equal(xforms.freed, xforms.created);
	}
}

/* One page of a kind. @return the length, and the type of the stream's first block */
static int32_t
one_page(struct zcomp *comp, enum page_kind kind, unsigned int *block)
{
	struct zcomp_strm *strm, *done = NULL;
	int32_t len;

	strm = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true);
	strm_fill(strm, PAGE_KINDS * 100 + kind);
	assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
	cdev_collect(comp, 0, &done, 1);
	assert_ptr_equal(done, strm);
	strm_check(done, &zcodec_deflate);
	*block = *(const uint8_t *)done->dst >> 1 & 3;
	len = done->result;
	zcomp_stream_put(done);
	return len;
}

static void
test_pages(void **state)
{
	struct zcomp *comp = create(1, 1);
	unsigned int block;

	(void)state;
	/* Codes of the page's own; no codes. */
	assert_in_range(one_page(comp, PAGE_TEXT, &block), 100, PAGE / 3);
	assert_int_equal(block, 2);
	assert_in_range(one_page(comp, PAGE_RANDOM, &block), PAGE + 1, PAGE + 64);
	assert_int_equal(block, 0);
	assert_in_range(one_page(comp, PAGE_ZERO, &block), 1, 64);
	zcomp_destroy(comp);
}

static void
test_deep_bursts(void **state)
{
	struct zcomp_strm *strms[LCORES][NR];
	struct zcomp *comp;

	(void)state;
	reopen(1024);
	comp = create(1, NR);
	for (unsigned int lcore = 0; lcore < LCORES; lcore++)
		fill(comp, lcore, strms[lcore], NR, 1000 * (uintptr_t)lcore);
	for (unsigned int lcore = 0; lcore < LCORES; lcore++)
		run(comp, lcore, strms[lcore], NR);
	zcomp_destroy(comp);
}

/* What finds no room is the caller's still, or done nevertheless; never lost, never done twice. */
static void
test_full_queue(void **state)
{
	static const uint32_t depths[] = {1, 2, 16};
	struct zcomp_strm *strms[CDEV_DEPTH];

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(depths); i++) {
		struct zcomp *comp;
		uint32_t depth;

		reopen(depths[i]);
		comp = create(1, CDEV_DEPTH);
		/* As many streams as places: one more than a ring that wants one free can take. */
		depth = zcomp_cdev_depth(cdev_env.dev);
		for (unsigned int round = 0; round < 3; round++) {
			fill(comp, 1, strms, depth, 1000 * (uintptr_t)round);
			run(comp, 1, strms, depth);
		}
		zcomp_destroy(comp);
	}
}

static void
test_mixed_burst(void **state)
{
	struct zcomp *comp = create(1, 4);
	struct zcomp_strm *strms[5], *done[5], *swap;

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		strms[i] = strm_get(comp, 1, ZSTRM_PREFER_MGMT, i < 4);
		strm_fill(strms[i], i);
	}
	swap = strms[4];
	strms[4] = strms[1];
	strms[1] = swap;
	assert_int_equal(zcomp_submit(comp, 1, strms, 5), 5);
	cdev_collect(comp, 1, done, 5);
	for (unsigned int i = 0; i < 5; i++) {
		strm_check(done[i], &zcodec_deflate);
		zcomp_stream_put(done[i]);
	}
	assert_int_equal(stats_of(comp, 1).percpu, 1);
	assert_int_equal(stats_of(comp, 1).managed, 4);
	zcomp_destroy(comp);
}

/* Compressors of several levels, all with pages in the device at once. One polls for all. */
static void
test_levels_share(void **state)
{
	struct zcomp *comps[3] = {create(1, 16), create(6, 16), create(9, 16)};
	struct zcomp_strm *strms[48];

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		fill(comps[i], 0, &strms[16 * i], 16, 100 * (uintptr_t)i);
		assert_int_equal(zcomp_submit(comps[i], 0, &strms[16 * i], 16), 16);
	}
	cdev_collect(comps[2], 0, strms, 48);
	for (unsigned int i = 0; i < 48; i++) {
		strm_check(strms[i], &zcodec_deflate);
		zcomp_stream_put(strms[i]);
	}
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(stats_of(comps[i], 0).managed, 16);
		zcomp_destroy(comps[i]);
	}
}

struct lcore_work {
	struct zcomp *comp;
	unsigned int lcore;
	unsigned int wrong;
};

/* Not by cmocka, which is for the main thread. */
static bool
is_right(const struct zcomp_strm *strm)
{
	uint8_t page[PAGE];

	return strm->result > 0 &&
	       zcodec_deflate.decompress(strm->dst, (uint32_t)strm->result, page, PAGE) == 0 &&
	       memcmp(page, strm->src, PAGE) == 0;
}

static void *
lcore_run(void *arg)
{
	struct lcore_work *w = arg;

	for (uintptr_t round = 0; round < 400 / TEST_SLOW; round++) {
		struct zcomp_strm *strms[16];
		unsigned int n = 0, sent;

		while (n < 16) {
			strms[n] = zcomp_stream_get(w->comp, w->lcore, ZSTRM_ONLY_MGMT);
			if (strms[n] == NULL)
				break;
			strm_fill(strms[n], 100000 * w->lcore + 16 * round + n);
			n++;
		}
		sent = zcomp_submit(w->comp, w->lcore, strms, n);
		w->wrong += n < 16 || sent < n;
		for (n = 0; n < sent;)
			n += zcomp_poll(w->comp, w->lcore, &strms[n], sent - n);
		for (n = 0; n < sent; n++) {
			w->wrong += !is_right(strms[n]);
			zcomp_stream_put(strms[n]);
		}
	}
	return NULL;
}

static void
test_lcores_at_once(void **state)
{
	struct zcomp *comp = create(3, 16);
	struct lcore_work work[LCORES];
	pthread_t threads[LCORES];

	(void)state;
	for (unsigned int i = 0; i < LCORES; i++) {
		work[i] = (struct lcore_work){comp, i, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, lcore_run, &work[i]), 0);
	}
	for (unsigned int i = 0; i < LCORES; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(work[i].wrong, 0);
		assert_int_equal(stats_of(comp, i).managed, 16 * (400 / TEST_SLOW));
	}
	zcomp_destroy(comp);
}

/* A device has transforms for 64 compressors, on all lcores. */
static void
test_many_compressors(void **state)
{
	struct zcomp *comps[64];
	struct zcomp_strm *strm;

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(comps); i++)
		comps[i] = create(1 + (int32_t)i % 9, 1);
	assert_int_equal(xforms.created, TEST_NR(comps) * xforms_each);
	for (unsigned int i = 0; i < TEST_NR(comps); i++) {
		fill(comps[i], i % LCORES, &strm, 1, i);
		run(comps[i], i % LCORES, &strm, 1);
	}
	for (unsigned int i = 0; i < TEST_NR(comps); i++)
		zcomp_destroy(comps[i]);
}

/* Creation fails at each of the transforms: those before are freed, the failed one is not. */
static void
test_no_transform(void **state)
{
	struct zcomp_params params = params_of(1, 4);
	struct zcomp *comp = NULL;

	(void)state;
	for (unsigned int at = 1; at <= xforms_each; at++) {
		memset(&xforms, 0, sizeof(xforms));
		xforms.fail_at = at;
		xforms.fail_with = -ENOMEM;
		assert_int_equal(zcomp_create(&zcomp_backend_compressdev, &params, &comp), -ENOMEM);
		assert_null(comp);
		assert_int_equal(xforms.created, at - 1);
		assert_int_equal(xforms.freed, at - 1);

		memset(&xforms, 0, sizeof(xforms));
		xforms.fail_at = at;
		xforms.fail_with = -EINVAL;
		assert_int_equal(zcomp_create(&zcomp_backend_compressdev, &params, &comp), 0);
		assert_false(zcomp_managed(comp));
		assert_int_equal(xforms.freed, at - 1);
		zcomp_destroy(comp);
		comp = NULL;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_supports),     TEST(test_levels),         TEST(test_pages),
	        TEST(test_deep_bursts),  TEST(test_full_queue),     TEST(test_mixed_burst),
	        TEST(test_levels_share), TEST(test_lcores_at_once), TEST(test_many_compressors),
	        TEST(test_no_transform),
	};
	int ret;

	driver = argc == 2 ? argv[1] : "compress_isal";
	xforms_each = strcmp(driver, "compress_isal") == 0 ? 1 : LCORES;
	/* Refusing warns, here on purpose. */
	zc_log_init("test_cdev_deflate", ZC_LOG_ERROR);
	if (test_eal_start(NULL) != 0) {
		printf("skipped: the EAL does not start\n");
		return 77;
	}
	ret = rte_vdev_init(driver, "");
	if (ret == 0) {
		ret = cmocka_run_group_tests(tests, NULL, NULL);
		rte_vdev_uninit(driver);
	} else {
		printf("skipped: this DPDK has no driver %s\n", driver);
		ret = 77;
	}
	test_eal_stop();
	return ret;
}
