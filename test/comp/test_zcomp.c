/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The front end over the software backends and the scripted one: where streams come from and go to,
 * bursts as prefixes, results, counters, and what a failing set-up leaves.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_backend.h"
#include "oom_util.h"
#include "strm_util.h"

#include "base/atomic.h"
#include "base/log.h"

#define DEPTH 8u

static struct zcomp_params
params_of(const struct zcodec *codec)
{
	return (struct zcomp_params){
	        .codec = codec,
	        .level = codec->level_default,
	        .page_size = PAGE,
	        .nr_lcores = 2,
	        .depth = DEPTH,
	        .now_ns = fake_clock,
	};
}

static struct zcomp *
create(const struct zcomp_ops *ops, const struct zcodec *codec)
{
	struct zcomp_params params = params_of(codec);
	struct zcomp *comp = NULL;

	assert_int_equal(zcomp_create(ops, &params, &comp), 0);
	assert_non_null(comp);
	return comp;
}

static int
set_up(void **state)
{
	(void)state;
	fake_reset();
	oom_reset();
	return 0;
}

/* Everything is freed, after each test. */
static int
tear_down(void **state)
{
	(void)state;
	fake_reset();
	assert_int_equal(oom_blocks, 0);
	return 0;
}

static void
test_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(zcomp_backend_by_name("lz4"), &zcomp_backend_lz4);
	assert_ptr_equal(zcomp_backend_by_name("deflate"), &zcomp_backend_deflate);
	assert_ptr_equal(zcomp_backend_by_name("null"), &zcomp_backend_null);
	assert_null(zcomp_backend_by_name("lz"));
	assert_null(zcomp_backend_by_name(""));
}

static void
refused(const struct zcomp_ops *ops, struct zcomp_params params)
{
	struct zcomp *comp = NULL;

	assert_int_equal(zcomp_create(ops, &params, &comp), -EINVAL);
	assert_null(comp);
}

static void
test_bad_params(void **state)
{
	const struct zcomp_params good = params_of(&zcodec_lz4);
	struct zcomp_params bad;

	(void)state;
#define REFUSED(field, value)                     \
	do {                                      \
		bad = good;                       \
		bad.field = (value);              \
		refused(&zcomp_backend_lz4, bad); \
	} while (0)
	REFUSED(codec, NULL);
	REFUSED(codec, &zcodec_null);
	REFUSED(level, 0);
	REFUSED(level, zcodec_lz4.level_max + 1);
	REFUSED(page_size, 0);
	REFUSED(page_size, ZCOMP_PAGE_SIZE_MIN / 2);
	REFUSED(page_size, 5000);
	REFUSED(page_size, 2 * ZCOMP_PAGE_SIZE_MAX);
	REFUSED(nr_lcores, 0);
	REFUSED(depth, ZCOMP_DEPTH_MAX + 1);
#undef REFUSED
	refused(&zcomp_backend_null, good);
	zcomp_destroy(NULL);
}

static void
test_software(const struct zcomp_ops *ops, const struct zcodec *codec)
{
	struct zcomp *comp = create(ops, codec);

	assert_false(zcomp_managed(comp));
	assert_string_equal(zcomp_name(comp), codec->name);
	for (unsigned int i = 0; i < 20; i++) {
		const unsigned int lcore = i % 2;
		struct zcomp_strm *strm, *done = NULL;

		strm = strm_get(comp, lcore, i % 3 == 0 ? ZSTRM_PREFER_MGMT : ZSTRM_DEFAULT, false);
		assert_null(zcomp_stream_get(comp, lcore, ZSTRM_DEFAULT));
		assert_null(zcomp_stream_get(comp, lcore, ZSTRM_PREFER_MGMT));
		assert_null(zcomp_stream_get(comp, lcore, ZSTRM_ONLY_MGMT));
		assert_int_equal(zcomp_poll(comp, lcore, &done, 1), 0);
		strm_fill(strm, i);
		assert_int_equal(zcomp_submit(comp, lcore, &strm, 1), 1);
		assert_int_equal(zcomp_poll(comp, lcore, &done, 0), 0);
		assert_int_equal(zcomp_poll(comp, lcore, &done, 1), 1);
		assert_ptr_equal(done, strm);
		strm_check(done, codec);
		assert_int_equal(zcomp_poll(comp, lcore, &done, 1), 0);
		zcomp_stream_put(strm);
	}
	for (unsigned int lcore = 0; lcore < 2; lcore++) {
		assert_int_equal(stats_of(comp, lcore).percpu, 10);
		assert_int_equal(stats_of(comp, lcore).managed, 0);
		assert_int_equal(stats_of(comp, lcore).refused, 0);
		assert_int_equal(stats_of(comp, lcore).errors, 0);
		assert_int_equal(stats_of(comp, lcore).in_flight, 0);
	}
	zcomp_destroy(comp);
}

static void
test_software_lz4(void **state)
{
	(void)state;
	test_software(&zcomp_backend_lz4, &zcodec_lz4);
}

static void
test_software_deflate(void **state)
{
	(void)state;
	test_software(&zcomp_backend_deflate, &zcodec_deflate);
}

static void
test_software_null(void **state)
{
	(void)state;
	test_software(&zcomp_backend_null, &zcodec_null);
}

static void
test_lcores_have_own_streams(void **state)
{
	struct zcomp *comp = create(&zcomp_backend_lz4, &zcodec_lz4);
	struct zcomp_strm *a = strm_get(comp, 0, ZSTRM_DEFAULT, false);
	struct zcomp_strm *b = strm_get(comp, 1, ZSTRM_DEFAULT, false);
	struct zcomp_strm *done;

	(void)state;
	assert_ptr_not_equal(a, b);
	strm_fill(a, 1);
	strm_fill(b, 2);
	assert_int_equal(zcomp_submit(comp, 0, &a, 1), 1);
	assert_int_equal(zcomp_submit(comp, 1, &b, 1), 1);
	assert_int_equal(zcomp_poll(comp, 1, &done, 1), 1);
	assert_ptr_equal(done, b);
	strm_check(b, &zcodec_lz4);
	assert_int_equal(zcomp_poll(comp, 0, &done, 1), 1);
	strm_check(a, &zcodec_lz4);
	zcomp_stream_put(a);
	zcomp_stream_put(b);
	zcomp_destroy(comp);
}

static void
test_put_unsubmitted(void **state)
{
	struct zcomp *comp = create(&fake_backend, &zcodec_null);

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		zcomp_stream_put(strm_get(comp, 0, ZSTRM_DEFAULT, false));
		zcomp_stream_put(strm_get(comp, 0, ZSTRM_ONLY_MGMT, true));
	}
	assert_int_equal(fake_seen.puts, 3);
	assert_int_equal(stats_of(comp, 0).percpu, 0);
	assert_int_equal(stats_of(comp, 0).managed, 0);
	zcomp_destroy(comp);
}

/* Preference, fallback, refusal; and each stream goes back to where it came from. */
static void
test_preferences(void **state)
{
	struct zcomp *comp = create(&fake_backend, &zcodec_null);
	struct zcomp_strm *strms[DEPTH], *own;

	(void)state;
	assert_true(zcomp_managed(comp));
	assert_string_equal(zcomp_name(comp), "fake");
	for (unsigned int i = 0; i < DEPTH; i++)
		strms[i] =
		        strm_get(comp, 0, i % 2 == 0 ? ZSTRM_PREFER_MGMT : ZSTRM_ONLY_MGMT, true);
	assert_int_equal(stats_of(comp, 0).refused, 0);
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
	own = strm_get(comp, 0, ZSTRM_PREFER_MGMT, false);
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_PREFER_MGMT));
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_DEFAULT));
	assert_int_equal(stats_of(comp, 0).refused, 3);
	/* Another lcore has its own. */
	zcomp_stream_put(strm_get(comp, 1, ZSTRM_ONLY_MGMT, true));
	assert_int_equal(stats_of(comp, 1).refused, 0);

	zcomp_stream_put(own);
	assert_int_equal(fake_seen.puts, 1);
	zcomp_stream_put(strm_get(comp, 0, ZSTRM_PREFER_MGMT, false));
	for (unsigned int i = 0; i < DEPTH; i++)
		zcomp_stream_put(strms[i]);
	assert_int_equal(fake_seen.puts, 1 + DEPTH);
	zcomp_stream_put(strm_get(comp, 0, ZSTRM_PREFER_MGMT, true));
	zcomp_stream_put(strm_get(comp, 0, ZSTRM_DEFAULT, false));
	zcomp_destroy(comp);
	assert_int_equal(fake_seen.releases, 1);
}

/* Nobody has touched an lcore's buffers before the lcore, also where malloc has used them. */
static void
test_buffers_are_untouched(void **state)
{
	struct zcomp *comp;
	void *used = malloc(1 << 16);

	(void)state;
	if (sysconf(_SC_PAGESIZE) != 4096)
		skip();
	memset(used, 1, 1 << 16);
	free(used);
	comp = create(&zcomp_backend_null, &zcodec_null);
	for (unsigned int lcore = 0; lcore < 2; lcore++) {
		struct zcomp_strm *strm = strm_get(comp, lcore, ZSTRM_DEFAULT, false);
		unsigned char there[3];

		assert_int_equal(mincore(strm->src, 3 * PAGE, there), 0);
		for (unsigned int i = 0; i < 3; i++)
			assert_int_equal(there[i] & 1, 0);
		zcomp_stream_put(strm);
	}
	zcomp_destroy(comp);
}

static void
test_depth(void **state)
{
	struct zcomp_params params = params_of(&zcodec_null);
	struct zcomp *comp = create(&fake_backend, &zcodec_null);

	(void)state;
	/* One more, to spare. */
	assert_int_equal(fake_seen.depth, DEPTH + 1);
	zcomp_destroy(comp);
	params.depth = 0;
	params.zstrm_mgmt = true;
	assert_int_equal(zcomp_create(&fake_backend, &params, &comp), 0);
	assert_int_equal(fake_seen.depth, ZCOMP_DEPTH_DEFAULT + 1);
	assert_false(fake_seen.mgmt_at_setup);
	zcomp_destroy(comp);
}

/* Two managed, the per-lcore one, two managed: filled as pages 0 to 4. */
static void
mixed_get(struct zcomp *comp, struct zcomp_strm *strms[5])
{
	for (unsigned int i = 0; i < 5; i++) {
		strms[i] = strm_get(comp, 0, i == 2 ? ZSTRM_DEFAULT : ZSTRM_ONLY_MGMT, i != 2);
		strm_fill(strms[i], i);
	}
}

static void
collect(struct zcomp *comp, unsigned int nr)
{
	struct zcomp_strm *done[16];
	unsigned int seen = 0, n;

	for (unsigned int polls = 0; nr > 0; polls++) {
		assert_true(polls < 100);
		n = zcomp_poll(comp, 0, done, 16);
		for (unsigned int i = 0; i < n; i++) {
			unsigned int bit = 1u << (uintptr_t)done[i]->user;

			assert_int_equal(seen & bit, 0);
			seen |= bit;
			strm_check(done[i], &zcodec_null);
			zcomp_stream_put(done[i]);
		}
		nr -= n;
	}
	assert_int_equal(zcomp_poll(comp, 0, done, 16), 0);
}

static void
test_mixed_burst(void **state)
{
	struct zcomp *comp = create(&fake_backend, &zcodec_null);
	struct zcomp_strm *strms[5];

	(void)state;
	mixed_get(comp, strms);
	assert_int_equal(zcomp_submit(comp, 0, strms, 5), 5);
	assert_int_equal(fake_seen.submits, 2); /* one doorbell for each run */
	assert_int_equal(stats_of(comp, 0).in_flight, 4);
	collect(comp, 5);
	assert_int_equal(stats_of(comp, 0).in_flight, 0);
	assert_int_equal(stats_of(comp, 0).managed, 4);
	assert_int_equal(stats_of(comp, 0).percpu, 1);
	zcomp_destroy(comp);
}

static void
test_mixed_burst_is_a_prefix(void **state)
{
	struct zcomp *comp = create(&fake_backend, &zcodec_null);
	struct zcomp_strm *strms[5];

	(void)state;
	mixed_get(comp, strms);
	fake_script.take_max = 1;
	/* Behind what does not fit nothing is taken, the per-lcore stream neither. */
	assert_int_equal(zcomp_submit(comp, 0, strms, 5), 1);
	assert_int_equal(stats_of(comp, 0).in_flight, 1);
	/* The rest of the first run, the per-lcore stream, one of the second run. */
	assert_int_equal(zcomp_submit(comp, 0, &strms[1], 4), 3);
	assert_int_equal(stats_of(comp, 0).in_flight, 3);
	/* What is left may also be given up. */
	zcomp_stream_put(strms[4]);
	collect(comp, 4);
	zcomp_destroy(comp);
}

static void
test_submit_nothing(void **state)
{
	struct zcomp *comp = create(&fake_backend, &zcodec_null);

	(void)state;
	assert_int_equal(zcomp_submit(comp, 0, NULL, 0), 0);
	assert_int_equal(zcomp_poll(comp, 0, NULL, 0), 0);
	assert_int_equal(fake_seen.submits + fake_seen.polls, 0);
	zcomp_destroy(comp);
}

/* A poll returns what there is room for, and keeps the rest. */
static void
test_poll_by_one(void **state)
{
	struct zcomp *comp = create(&fake_backend, &zcodec_null);
	struct zcomp_strm *strms[5], *done;

	(void)state;
	mixed_get(comp, strms);
	assert_int_equal(zcomp_submit(comp, 0, strms, 5), 5);
	assert_int_equal(zcomp_poll(comp, 0, &done, 0), 0);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(zcomp_poll(comp, 0, &done, 1), 1);
		strm_check(done, &zcodec_null);
		zcomp_stream_put(done);
	}
	assert_int_equal(zcomp_poll(comp, 0, &done, 1), 0);
	zcomp_destroy(comp);
}

static void
test_results(void **state)
{
	static const struct {
		int32_t result;
		unsigned int errors;
	} cases[] = {{-EIO, 1}, {-ENOSPC, 0}, {-ETIMEDOUT, 1}};

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(cases); i++) {
		struct zcomp *comp = create(&fake_backend, &zcodec_null);
		struct zcomp_strm *strm = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true), *done;

		fake_script.fail_one_in = 1;
		fake_script.fail_with = cases[i].result;
		assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
		assert_int_equal(zcomp_poll(comp, 0, &done, 1), 1);
		assert_int_equal(done->result, cases[i].result);
		assert_int_equal(stats_of(comp, 0).errors, cases[i].errors);
		assert_int_equal(stats_of(comp, 0).managed, 1);
		assert_int_equal(stats_of(comp, 0).in_flight, 0);
		zcomp_stream_put(done);
		zcomp_destroy(comp);
	}
}

static int
failing_compress(void *ctx, int32_t level, const void *src, uint32_t src_len, void *dst,
                 uint32_t dst_len)
{
	(void)ctx;
	(void)src;
	(void)src_len;
	(void)dst;
	(void)dst_len;
	return level;
}

/* A codec that fails on the per-lcore stream is counted in the same way. */
static void
test_results_percpu(void **state)
{
	struct zcodec codec = zcodec_null;
	const struct zcomp_ops ops = {.name = "failing"};

	(void)state;
	codec.compress = failing_compress;
	codec.level_min = -1000;
	for (int32_t result = -ENOSPC; result != 0; result = result == -ENOSPC ? -EIO : 0) {
		struct zcomp_params params = params_of(&codec);
		struct zcomp_strm *strm, *done;
		struct zcomp *comp;

		params.level = result;
		assert_int_equal(zcomp_create(&ops, &params, &comp), 0);
		strm = strm_get(comp, 1, ZSTRM_DEFAULT, false);
		assert_int_equal(zcomp_submit(comp, 1, &strm, 1), 1);
		assert_int_equal(zcomp_poll(comp, 1, &done, 1), 1);
		assert_int_equal(done->result, result);
		assert_int_equal(stats_of(comp, 1).errors, result == -EIO);
		zcomp_stream_put(done);
		zcomp_destroy(comp);
	}
}

/* A poll of one compressor finds the streams of another on the same device, counted as theirs. */
static void
test_shared_device(void **state)
{
	struct zcomp *a = create(&fake_backend, &zcodec_null),
	             *b = create(&fake_backend, &zcodec_null);
	struct zcomp_strm *of_a = strm_get(a, 0, ZSTRM_ONLY_MGMT, true);
	struct zcomp_strm *of_b = strm_get(b, 0, ZSTRM_ONLY_MGMT, true);
	struct zcomp_strm *done[2];

	(void)state;
	strm_fill(of_a, 1);
	strm_fill(of_b, 2);
	assert_int_equal(zcomp_submit(b, 0, &of_b, 1), 1);
	assert_int_equal(zcomp_submit(a, 0, &of_a, 1), 1);
	assert_int_equal(zcomp_poll(a, 0, done, 2), 2);
	assert_ptr_equal(done[0], of_b);
	assert_ptr_equal(done[0]->comp, b);
	assert_ptr_equal(done[1]->comp, a);
	assert_int_equal(stats_of(a, 0).managed, 1);
	assert_int_equal(stats_of(b, 0).managed, 1);
	assert_int_equal(stats_of(b, 0).in_flight, 0);
	zcomp_stream_put(done[0]);
	zcomp_stream_put(done[1]);
	zcomp_destroy(a);
	zcomp_destroy(b);
}

/* A backend that cannot manage streams leaves a compressor that works without. */
static void
degraded(void)
{
	struct zcomp *comp = create(&fake_backend, &zcodec_null);
	struct zcomp_strm *strm, *done;

	assert_false(zcomp_managed(comp));
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
	strm = strm_get(comp, 0, ZSTRM_PREFER_MGMT, false);
	strm_fill(strm, 3);
	assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
	assert_int_equal(zcomp_poll(comp, 0, &done, 1), 1);
	strm_check(done, &zcodec_null);
	zcomp_stream_put(done);
	assert_int_equal(stats_of(comp, 0).refused, 0);
	assert_int_equal(fake_seen.polls + fake_seen.submits, 0);
	zcomp_destroy(comp);
}

static void
test_setup_degrades(void **state)
{
	(void)state;
	fake_script.setup_ret = -ENODEV;
	degraded();
	assert_int_equal(fake_seen.releases, 0);
	fake_script.setup_ret = -ENOTSUP;
	degraded();
	assert_int_equal(fake_seen.releases, 0);
	fake_script.setup_ret = 0;
	fake_script.unmanaged = true;
	degraded();
	assert_int_equal(fake_seen.releases, 1);
}

static void
test_setup_fails(void **state)
{
	struct zcomp_params params = params_of(&zcodec_null);
	struct zcomp *comp = NULL;

	(void)state;
	fake_script.setup_ret = -ENOMEM;
	assert_int_equal(zcomp_create(&fake_backend, &params, &comp), -ENOMEM);
	fake_script.setup_ret = -EINVAL;
	assert_int_equal(zcomp_create(&fake_backend, &params, &comp), -EINVAL);
	assert_null(comp);
	assert_int_equal(fake_seen.setups, 2);
	assert_int_equal(fake_seen.releases, 0);
}

static void
oom_loop(bool for_good)
{
	struct zcomp_params params = params_of(&zcodec_null);
	struct zcomp *comp = NULL;
	unsigned int at = 0;
	int ret;

	do {
		oom_arm(++at, for_good);
		ret = zcomp_create(&fake_backend_alone, &params, &comp);
		oom_arm(0, false);
		if (ret != 0) {
			assert_int_equal(ret, -ENOMEM);
			assert_null(comp);
			assert_int_equal(oom_blocks, 0);
		}
	} while (ret != 0);
	/* Three of the front end, three of the backend. */
	assert_int_equal(at, 7);
	zcomp_destroy(comp);
}

static void
test_out_of_memory(void **state)
{
	(void)state;
	oom_loop(false);
	oom_loop(true);
}

/* The model that the random tests keep: where each page is. */
struct soak {
	struct zcomp *comps[2];
	struct zcomp_strm *held[2][2 * DEPTH + 1]; /* filled, not taken; in order */
	unsigned int nr_held[2];
	uintptr_t next, taken, done;
	uint64_t random;
	bool back[1u << 16];
};

#define SOAK_PAGES (20000 / TEST_SLOW)

static void
soak_start(struct soak *soak)
{
	memset(soak, 0, sizeof(*soak));
	soak->comps[0] = create(&fake_backend, &zcodec_null);
	soak->comps[1] = create(&fake_backend, &zcodec_null);
}

static unsigned int
soak_random(struct soak *soak, unsigned int below)
{
	return (unsigned int)(test_random(&soak->random) % below);
}

/* That no stream is handed out that a device has is for the fake backend to see. */
static void
soak_get(struct soak *soak, unsigned int which)
{
	enum zstrm_pref pref = (enum zstrm_pref)soak_random(soak, 3);
	struct zcomp_strm *strm = zcomp_stream_get(soak->comps[which], 0, pref);

	if (strm == NULL)
		return;
	assert_true(pref == ZSTRM_PREFER_MGMT || strm->managed == (pref == ZSTRM_ONLY_MGMT));
	strm_fill(strm, soak->next++);
	soak->held[which][soak->nr_held[which]++] = strm;
}

static void
soak_submit(struct soak *soak, unsigned int which)
{
	struct zcomp_strm **held = soak->held[which];
	unsigned int nr = soak->nr_held[which], n;

	fake_script.take_max = soak_random(soak, 5);
	fake_script.delay = soak_random(soak, 4);
	n = zcomp_submit(soak->comps[which], 0, held, nr);
	assert_true(n <= nr);
	soak->nr_held[which] = nr - n;
	soak->taken += n;
	memmove(held, &held[n], (nr - n) * sizeof(held[0]));
}

static void
soak_poll(struct soak *soak, unsigned int which)
{
	struct zcomp_strm *strms[DEPTH];
	unsigned int room = soak_random(soak, DEPTH + 1);
	unsigned int n = zcomp_poll(soak->comps[which], 0, strms, room);

	assert_true(n <= room);
	for (unsigned int i = 0; i < n; i++) {
		uintptr_t nr = (uintptr_t)strms[i]->user;

		assert_false(soak->back[nr]);
		soak->back[nr] = true;
		if (strms[i]->result != -EIO)
			strm_check(strms[i], &zcodec_null);
		else
			strm_check_src(strms[i]);
		zcomp_stream_put(strms[i]);
	}
	soak->done += n;
}

/* One step of one compressor, and what the counters say after it. */
static void
soak_step(struct soak *soak)
{
	unsigned int which = soak_random(soak, 2);
	struct zcomp_stats a, b;

	fake_script.reverse = soak_random(soak, 2) != 0;
	if (soak->next < SOAK_PAGES)
		soak_get(soak, which);
	if (soak_random(soak, 4) == 0)
		soak_submit(soak, which);
	if (soak_random(soak, 4) == 0)
		soak_poll(soak, which);
	a = stats_of(soak->comps[0], 0);
	b = stats_of(soak->comps[1], 0);
	assert_true(a.in_flight + b.in_flight <= soak->taken - soak->done);
	assert_int_equal(a.managed + a.percpu + b.managed + b.percpu, soak->done);
}

/* Orders at random, two compressors on one device: every page comes back once, with its bytes. */
static void
test_soak(void **state)
{
	static struct soak soak;
	struct zcomp_stats a, b;

	(void)state;
	soak_start(&soak);
	fake_script.fail_one_in = 7;
	fake_script.fail_with = -EIO;
	while (soak.next < SOAK_PAGES || soak.done < soak.next)
		soak_step(&soak);
	a = stats_of(soak.comps[0], 0);
	b = stats_of(soak.comps[1], 0);
	assert_int_equal(a.in_flight + b.in_flight, 0);
	assert_true(a.managed > a.percpu && a.percpu > 0 && a.refused > 0);
	assert_int_equal(a.errors + b.errors, (a.managed + b.managed) / 7);
	zcomp_destroy(soak.comps[0]);
	zcomp_destroy(soak.comps[1]);
}

/* What one of the devices does from now on; time passes, now and then a lot. */
static void
soak_fault(struct soak *soak)
{
	struct zcomp_cdev *dev = &fake_devs[soak_random(soak, 2)];

	fake_now_ns += soak_random(soak, 200000);
	switch (soak_random(soak, 400)) {
	case 0:
		dev->hang = soak_random(soak, 2) != 0;
		break;
	case 1:
		dev->refuse = soak_random(soak, 3) == 0;
		break;
	case 2:
		dev->fail_with = soak_random(soak, 4) == 0 ? -EIO : 0;
		break;
	case 3:
		fake_keep_all(dev, true);
		break;
	case 4:
	case 5:
		fake_keep_all(dev, false);
		break;
	case 6:
		fake_now_ns += ZCOMP_HANG_NS;
		break;
	default:
		break;
	}
}

static void
soak_faults_end(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		fake_devs[i].hang = false;
		fake_devs[i].refuse = false;
		fake_devs[i].fail_with = 0;
		fake_keep_all(&fake_devs[i], false);
	}
}

/* Each kind of fault was there, and nothing of it is left. */
static void
soak_faults_check(unsigned int dev)
{
	struct zcomp_watch_stats stats;

	zcomp_watch_stats(&fake_devs[dev].watches[0], &stats);
	assert_true(stats.done > 0 && stats.errors > 0);
	assert_true(stats.hangs > 0 && stats.abandoned > stats.late && stats.late > 0);
	assert_int_equal(stats.lost + stats.in_flight, 0);
	assert_int_equal(fake_flying(&fake_devs[dev], 0), 0);
}

/* Two compressors on two devices that hang, return pages late, refuse and fail as they like. */
static void
test_soak_faults(void **state)
{
	static struct soak soak;

	(void)state;
	soak_start(&soak);
	assert_int_equal(zcomp_add(soak.comps[0], &fake_backend, &fake_devs[1]), 0);
	assert_int_equal(zcomp_add(soak.comps[1], &fake_backend, &fake_devs[1]), 0);
	while (soak.next < SOAK_PAGES || soak.done < soak.next) {
		soak_fault(&soak);
		soak_step(&soak);
	}
	soak_faults_end();
	/* What is lost comes back to nobody. */
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(zcomp_poll(soak.comps[0], 0, soak.held[0], 2 * DEPTH), 0);
	soak_faults_check(0);
	soak_faults_check(1);
	zcomp_destroy(soak.comps[0]);
	zcomp_destroy(soak.comps[1]);
}

struct reader {
	const struct zcomp *comp;
	bool stop;
};

static void *
reader_main(void *arg)
{
	struct reader *reader = (struct reader *)arg;
	struct zcomp_stats now, before = {0};
	struct zcomp_watch_stats watch, watch_before = {0};

	while (!zc_load_relaxed(&reader->stop)) {
		zcomp_stats(reader->comp, 0, &now);
		zcomp_watch_stats(&fake_devs[0].watches[0], &watch);
		if (now.percpu < before.percpu || now.managed < before.managed ||
		    watch.done < watch_before.done)
			return arg;
		before = now;
		watch_before = watch;
	}
	return NULL;
}

/* Counters may be read from anywhere while the lcore works. */
static void
test_stats_of_a_running_lcore(void **state)
{
	struct zcomp *comp = create(&fake_backend, &zcodec_null);
	struct reader reader = {.comp = comp};
	struct zcomp_strm *strm, *done;
	pthread_t thread;
	void *backwards;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, reader_main, &reader), 0);
	for (unsigned int i = 0; i < 20000 / TEST_SLOW; i++) {
		strm = strm_get(comp, 0, i % 2 == 0 ? ZSTRM_DEFAULT : ZSTRM_ONLY_MGMT, i % 2 != 0);
		assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
		assert_int_equal(zcomp_poll(comp, 0, &done, 1), 1);
		zcomp_stream_put(done);
	}
	zc_store_relaxed(&reader.stop, true);
	pthread_join(thread, &backwards);
	assert_null(backwards);
	assert_int_equal(stats_of(comp, 0).percpu, 10000 / TEST_SLOW);
	assert_int_equal(stats_of(comp, 0).managed, 10000 / TEST_SLOW);
	zcomp_destroy(comp);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_by_name),
	        TEST(test_bad_params),
	        TEST(test_software_lz4),
	        TEST(test_software_deflate),
	        TEST(test_software_null),
	        TEST(test_lcores_have_own_streams),
	        TEST(test_put_unsubmitted),
	        TEST(test_preferences),
	        TEST(test_buffers_are_untouched),
	        TEST(test_depth),
	        TEST(test_mixed_burst),
	        TEST(test_mixed_burst_is_a_prefix),
	        TEST(test_submit_nothing),
	        TEST(test_poll_by_one),
	        TEST(test_results),
	        TEST(test_results_percpu),
	        TEST(test_shared_device),
	        TEST(test_setup_degrades),
	        TEST(test_setup_fails),
	        TEST(test_out_of_memory),
	        TEST(test_soak),
	        TEST(test_soak_faults),
	        TEST(test_stats_of_a_running_lcore),
	};

	/* Degrading warns, here on purpose. */
	zc_log_init("test_zcomp", ZC_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
