/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The compressdev backend over the lz4 driver, in the mode that the argument names: opening,
 * bursts, a full queue, several levels on one device, and what a device cannot do.
 */

#include <errno.h>
#include <stdlib.h>

#include "cdev_env.h"
#include "comp_env.h"

#include <lz4.h>
#include <rte_bus_vdev.h>

#include "base/log.h"

#define NR 600u

static void
test_open_refused(void **state)
{
	struct zcomp_cdev *dev = NULL;

	(void)state;
	assert_int_equal(zcomp_cdev_open("compress_none", 1, 0, NULL, &dev), -ENODEV);
	assert_int_equal(zcomp_cdev_open(CDEV_NAME, 1, 0, NULL, &dev), -EBUSY);
	assert_int_equal(zcomp_cdev_open(CDEV_NAME, 0, 0, NULL, &dev), -EINVAL);
	assert_int_equal(zcomp_cdev_open(CDEV_NAME, UINT16_MAX + 1, 0, NULL, &dev), -EINVAL);
	assert_int_equal(zcomp_cdev_open(CDEV_NAME, 1, ZCOMP_DEPTH_MAX + 1, NULL, &dev), -EINVAL);
	assert_int_equal(zcomp_cdev_open(CDEV_NAME, 1000, 0, NULL, &dev), -ENOTSUP);
	assert_null(dev);
	zcomp_cdev_close(NULL);
	/* Whoever had it open has it still. */
	zcomp_destroy(cdev_create(1, 1));
	cdev_reopen(ZCOMP_DEPTH_MAX);
	cdev_reopen(0);
}

static void
test_supports(void **state)
{
	(void)state;
	assert_true(zcomp_cdev_supports(cdev_env.dev, &zcodec_lz4));
	assert_false(zcomp_cdev_supports(cdev_env.dev, &zcodec_deflate));
	assert_false(zcomp_cdev_supports(cdev_env.dev, &zcodec_null));
}

static void
test_bad_params(void **state)
{
	struct zcomp_params params = cdev_params(4);
	struct zcomp *comp = NULL;

	(void)state;
	params.dev = NULL;
	assert_int_equal(zcomp_create(&zcomp_backend_compressdev, &params, &comp), -EINVAL);
	params = cdev_params(4);
	params.nr_lcores = CDEV_LCORES + 1;
	assert_int_equal(zcomp_create(&zcomp_backend_compressdev, &params, &comp), -EINVAL);
	assert_null(comp);
}

/* Gets, fills and submits @nr managed streams, which all fit; their numbers count from @first. */
static void
send(struct zcomp *comp, unsigned int lcore, unsigned int nr, uintptr_t first)
{
	struct zcomp_strm *strms[NR];

	for (unsigned int i = 0; i < nr; i++) {
		strms[i] = strm_get(comp, lcore, ZSTRM_ONLY_MGMT, true);
		strm_fill(strms[i], first + i);
	}
	assert_int_equal(zcomp_submit(comp, lcore, strms, nr), nr);
	assert_int_equal(stats_of(comp, lcore).in_flight, nr);
}

static void
receive(struct zcomp *comp, unsigned int lcore, unsigned int nr)
{
	struct zcomp_strm *strms[NR];

	cdev_collect(comp, lcore, strms, nr);
	for (unsigned int i = 0; i < nr; i++) {
		strm_check(strms[i], &zcodec_lz4);
		zcomp_stream_put(strms[i]);
	}
}

static void
test_bursts(void **state)
{
	struct zcomp *comp = cdev_create(1, CDEV_DEPTH);

	(void)state;
	for (unsigned int nr = 1; nr <= CDEV_DEPTH; nr = nr < 32 ? nr + 5 : nr * 2) {
		send(comp, 0, nr, 1000 * nr);
		send(comp, 1, nr, 2000 * nr);
		receive(comp, 1, nr);
		receive(comp, 0, nr);
	}
	assert_int_equal(stats_of(comp, 0).in_flight, 0);
	assert_int_equal(stats_of(comp, 0).errors, 0);
	assert_int_equal(stats_of(comp, 0).percpu, 0);
	assert_true(stats_of(comp, 0).managed == stats_of(comp, 1).managed);
	zcomp_destroy(comp);
}

/* More than the backend hands to the driver at once. */
static void
test_large_burst(void **state)
{
	struct zcomp *comp;

	(void)state;
	cdev_reopen(1024);
	comp = cdev_create(1, NR);
	send(comp, 0, NR, 0);
	receive(comp, 0, NR);
	zcomp_destroy(comp);
}

static void
test_mixed_burst(void **state)
{
	struct zcomp *comp = cdev_create(1, 4);
	struct zcomp_strm *strms[5], *swap;

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		strms[i] = strm_get(comp, 1, ZSTRM_PREFER_MGMT, i < 4);
		strm_fill(strms[i], i);
	}
	swap = strms[4];
	strms[4] = strms[1];
	strms[1] = swap;
	assert_int_equal(zcomp_submit(comp, 1, strms, 5), 5);
	receive(comp, 1, 5);
	assert_int_equal(stats_of(comp, 1).percpu, 1);
	assert_int_equal(stats_of(comp, 1).managed, 4);
	zcomp_destroy(comp);
}

/* Two compressors on a queue of 16, of which each has 16 streams: what the queue has no room for
 * stays with its caller, and goes later. */
static void
test_full_queue(void **state)
{
	struct zcomp_strm *strms[2][16], *done[16];
	struct zcomp *comps[2];

	(void)state;
	cdev_reopen(16);
	assert_int_equal(zcomp_cdev_depth(cdev_env.dev), 16);
	for (unsigned int c = 0; c < 2; c++) {
		comps[c] = cdev_create(1, CDEV_DEPTH);
		for (unsigned int i = 0; i < 16; i++) {
			strms[c][i] = strm_get(comps[c], 0, ZSTRM_ONLY_MGMT, true);
			strm_fill(strms[c][i], 16 * c + i);
		}
		/* No more streams than places. */
		assert_null(zcomp_stream_get(comps[c], 0, ZSTRM_ONLY_MGMT));
	}
	assert_int_equal(zcomp_submit(comps[0], 0, strms[0], 16), 16);
	assert_int_equal(zcomp_submit(comps[1], 0, strms[1], 16), 0);
	assert_int_equal(stats_of(comps[1], 0).in_flight, 0);
	for (unsigned int c = 0; c < 2; c++) {
		cdev_collect(comps[c], 0, done, 16);
		if (c == 0)
			assert_int_equal(zcomp_submit(comps[1], 0, strms[1], 16), 16);
		/* The driver keeps the order, so nothing was taken twice or left out. */
		for (unsigned int i = 0; i < 16; i++) {
			assert_ptr_equal(done[i], strms[c][i]);
			strm_check(strms[c][i], &zcodec_lz4);
			zcomp_stream_put(strms[c][i]);
		}
		assert_int_equal(stats_of(comps[c], 0).managed, 16);
	}
	zcomp_destroy(comps[1]);
	zcomp_destroy(comps[0]);
}

/* Byte by byte what liblz4 makes of the page at that level. */
static void
level_check(const struct zcomp_strm *strm, int32_t level)
{
	static char want[2 * PAGE];
	int len = LZ4_compress_fast(strm->src, want, PAGE, sizeof(want), level);

	assert_int_equal(strm->result, len);
	assert_memory_equal(strm->dst, want, (size_t)len);
	strm_check(strm, &zcodec_lz4);
}

/* One of them polls for both. */
static void
test_two_levels_share(void **state)
{
	struct zcomp *comps[2] = {cdev_create(1, 16), cdev_create(12, 16)};
	struct zcomp_strm *strms[32];
	unsigned int of[2] = {0, 0};

	(void)state;
	for (uintptr_t round = 0; round < 20; round++) {
		send(comps[0], 0, 16, round);
		send(comps[1], 0, 16, round + 1);
		cdev_collect(comps[round % 2], 0, strms, 32);
		for (unsigned int i = 0; i < 32; i++) {
			unsigned int which = strms[i]->comp == comps[1];

			assert_ptr_equal(strms[i]->comp, comps[which]);
			level_check(strms[i], which == 0 ? 1 : 12);
			of[which]++;
			zcomp_stream_put(strms[i]);
		}
	}
	for (unsigned int which = 0; which < 2; which++) {
		assert_int_equal(of[which], 20 * 16);
		assert_int_equal(stats_of(comps[which], 0).managed, 20 * 16);
		assert_int_equal(stats_of(comps[which], 0).in_flight, 0);
		zcomp_destroy(comps[which]);
	}
}

/* The last one put is the next one got. */
static void
test_last_put_first(void **state)
{
	struct zcomp *comp = cdev_create(1, 4);
	struct zcomp_strm *a = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true);
	struct zcomp_strm *b = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true);

	(void)state;
	zcomp_stream_put(b);
	zcomp_stream_put(a);
	assert_ptr_equal(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT), a);
	assert_ptr_equal(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT), b);
	zcomp_stream_put(a);
	zcomp_stream_put(b);
	zcomp_destroy(comp);
}

/* The compressor is there, without managed streams, and works. */
static void
degraded(struct zcomp_params params)
{
	struct zcomp_strm *strm, *done;
	struct zcomp *comp;

	assert_int_equal(zcomp_create(&zcomp_backend_compressdev, &params, &comp), 0);
	assert_false(zcomp_managed(comp));
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
	strm = zcomp_stream_get(comp, 0, ZSTRM_PREFER_MGMT);
	assert_non_null(strm);
	memset(strm->src, 7, params.page_size);
	assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
	assert_int_equal(zcomp_poll(comp, 0, &done, 1), 1);
	assert_ptr_equal(done, strm);
	assert_true(done->result > 0);
	zcomp_stream_put(strm);
	zcomp_destroy(comp);
}

static void
test_codec_that_it_lacks(void **state)
{
	struct zcomp_params params = cdev_params(4);

	(void)state;
	params.codec = &zcodec_null;
	params.level = 0;
	degraded(params);
}

static void
test_page_sizes(void **state)
{
	struct zcomp_params params = cdev_params(4);
	struct zcomp_strm *strm, *done;
	struct zcomp *comp;
	char *page;

	(void)state;
	params.page_size = 32768;
	degraded(params);
	params.page_size = 16384;
	assert_int_equal(zcomp_create(&zcomp_backend_compressdev, &params, &comp), 0);
	strm = zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT);
	assert_non_null(strm);
	assert_int_equal(strm->dst_len, 32768);
	page_fill(strm->src, params.page_size, PAGE_RANDOM, 1);
	assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
	cdev_collect(comp, 0, &done, 1);
	assert_true(done->result > 16384);
	page = malloc(params.page_size);
	assert_non_null(page);
	assert_int_equal(zcodec_lz4.decompress(done->dst, (uint32_t)done->result, page, 16384), 0);
	assert_memory_equal(page, done->src, 16384);
	free(page);
	zcomp_stream_put(done);
	zcomp_destroy(comp);
}

/* A device of another format: the compressor is there nevertheless. */
static void
test_device_without_lz4(void **state)
{
	struct zcomp_params params = cdev_params(4);

	(void)state;
	if (rte_vdev_init("compress_isal", "") != 0)
		skip();
	assert_int_equal(zcomp_cdev_open("compress_isal", CDEV_LCORES, 100, NULL, &params.dev), 0);
	assert_false(zcomp_cdev_supports(params.dev, &zcodec_lz4));
	degraded(params);
	zcomp_cdev_close(params.dev);
	assert_int_equal(rte_vdev_uninit("compress_isal"), 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        CDEV_TEST(test_open_refused),
	        CDEV_TEST(test_supports),
	        CDEV_TEST(test_bad_params),
	        CDEV_TEST(test_bursts),
	        CDEV_TEST(test_large_burst),
	        CDEV_TEST(test_mixed_burst),
	        CDEV_TEST(test_full_queue),
	        CDEV_TEST(test_two_levels_share),
	        CDEV_TEST(test_last_put_first),
	        CDEV_TEST(test_codec_that_it_lacks),
	        CDEV_TEST(test_page_sizes),
	        /* On its own: that driver leaves memory behind. */
	        cmocka_unit_test(test_device_without_lz4),
	};
	int ret;

	if (argc == 2)
		cdev_env.mode = argv[1];
	/* Refusing warns, here on purpose. */
	zc_log_init("test_compressdev", ZC_LOG_ERROR);
	if (test_eal_start(NULL) != 0)
		return 77;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	test_eal_stop();
	return ret;
}
