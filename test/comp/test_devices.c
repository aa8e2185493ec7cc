/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The front end with several devices, and with devices that misbehave: whatever they do, each page
 * comes back once, with its bytes or -EIO, and no stream is handed out that a device still has.
 */

#include <errno.h>

#include "fake_backend.h"
#include "oom_util.h"
#include "strm_util.h"

#include "base/log.h"
#include "comp/policy.h"

#define DEPTH 8u
#define MS    UINT64_C(1000000)

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

static struct zcomp_params
params_of(unsigned int dev)
{
	return (struct zcomp_params){
	        .codec = &zcodec_null,
	        .level = zcodec_null.level_default,
	        .page_size = PAGE,
	        .nr_lcores = 2,
	        .depth = DEPTH,
	        .dev = &fake_devs[dev],
	        .now_ns = fake_clock,
	};
}

/* A compressor on the first @nr_devs devices. */
static struct zcomp *
create(unsigned int nr_devs)
{
	const struct zcomp_params params = params_of(0);
	struct zcomp *comp = NULL;

	assert_int_equal(zcomp_create(&fake_backend, &params, &comp), 0);
	for (unsigned int i = 1; i < nr_devs; i++)
		assert_int_equal(zcomp_add(comp, &fake_backend, &fake_devs[i]), 0);
	return comp;
}

/* Takes @nr managed streams, filled as pages @first and on. */
static void
get(struct zcomp *comp, struct zcomp_strm **strms, unsigned int nr, uintptr_t first)
{
	for (unsigned int i = 0; i < nr; i++) {
		strms[i] = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true);
		strm_fill(strms[i], first + i);
	}
}

static void
submit(struct zcomp *comp, struct zcomp_strm **strms, unsigned int nr, uintptr_t first)
{
	get(comp, strms, nr, first);
	assert_int_equal(zcomp_submit(comp, 0, strms, nr), nr);
}

struct outcome {
	unsigned int good, failed;
	uint64_t seen; /* pages, by bit */
};

/* Polls once, checks and puts what comes. */
static struct outcome
poll_once(struct zcomp *comp)
{
	struct zcomp_strm *done[64];
	struct outcome out = {0};
	unsigned int n = zcomp_poll(comp, 0, done, 64);

	for (unsigned int i = 0; i < n; i++) {
		const uint64_t bit = UINT64_C(1) << (uintptr_t)done[i]->user;

		assert_int_equal(out.seen & bit, 0);
		out.seen |= bit;
		out.good += done[i]->result > 0;
		out.failed += done[i]->result == -EIO;
		if (done[i]->result != -EIO)
			strm_check(done[i], &zcodec_null);
		zcomp_stream_put(done[i]);
	}
	return out;
}

static void
expect(struct outcome out, unsigned int good, unsigned int failed)
{
	assert_int_equal(out.good, good);
	assert_int_equal(out.failed, failed);
}

static struct zcomp_watch_stats
watch_of(unsigned int dev)
{
	struct zcomp_watch_stats stats;

	zcomp_watch_stats(&fake_devs[dev].watches[0], &stats);
	return stats;
}

/* All pages that the compressor has streams for: each stream is there, and works. */
static void
expect_all_streams(struct zcomp *comp, unsigned int nr)
{
	struct zcomp_strm *strms[DEPTH * ZCOMP_MANAGERS_MAX];

	submit(comp, strms, nr, 0);
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
	expect(poll_once(comp), nr, 0);
}

static void
test_add_errors(void **state)
{
	static const struct zcomp_ops software = {.name = "software"};
	struct zcomp *comp = create(ZCOMP_MANAGERS_MAX);

	(void)state;
	assert_int_equal(zcomp_add(comp, &fake_backend, &fake_devs[ZCOMP_MANAGERS_MAX]), -ENOSPC);
	assert_int_equal(fake_seen.setups, ZCOMP_MANAGERS_MAX);
	assert_int_equal(zcomp_add(comp, &zcomp_backend_lz4, NULL), -EINVAL);
	expect_all_streams(comp, 64);
	zcomp_destroy(comp);
	assert_int_equal(fake_seen.releases, ZCOMP_MANAGERS_MAX);

	/* A backend without streams is no manager, and takes no place. */
	comp = create(1);
	for (unsigned int i = 0; i < 2 * ZCOMP_MANAGERS_MAX; i++)
		assert_int_equal(zcomp_add(comp, &software, NULL), 0);
	assert_int_equal(zcomp_add(comp, &fake_backend, &fake_devs[1]), 0);
	zcomp_destroy(comp);
}

/* Whatever becomes of a further backend, what was there works on. */
static void
test_add_refused(void **state)
{
	static const int rets[] = {-ENOMEM, -EINVAL, -ENODEV, -ENOTSUP, 0};
	struct zcomp *comp = create(1);

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(rets); i++) {
		fake_script.setup_ret = rets[i];
		fake_script.unmanaged = rets[i] == 0;
		assert_int_equal(zcomp_add(comp, &fake_backend, &fake_devs[1]),
		                 rets[i] == -ENOMEM || rets[i] == -EINVAL ? rets[i] : 0);
		expect_all_streams(comp, DEPTH);
	}
	fake_script = (struct fake_script){0};
	assert_int_equal(zcomp_add(comp, &fake_backend, &fake_devs[1]), 0);
	expect_all_streams(comp, 2 * DEPTH);
	assert_false(fake_seen.mgmt_at_setup);
	assert_int_equal(fake_seen.depth, DEPTH + 1);
	zcomp_destroy(comp);
	assert_int_equal(fake_seen.releases, 3);
}

/* A compressor whose first backend manages nothing may get one that does. */
static void
test_add_to_software(void **state)
{
	const struct zcomp_params params = params_of(0);
	struct zcomp *comp = NULL;

	(void)state;
	assert_int_equal(zcomp_create(&zcomp_backend_null, &params, &comp), 0);
	assert_false(zcomp_managed(comp));
	assert_false(zcomp_healthy(comp, 0));
	assert_int_equal(zcomp_add(comp, &fake_backend, &fake_devs[0]), 0);
	assert_true(zcomp_managed(comp));
	assert_true(zcomp_healthy(comp, 0));
	assert_string_equal(zcomp_name(comp), "fake");
	expect_all_streams(comp, DEPTH);
	zcomp_destroy(comp);
}

static void
test_add_out_of_memory(void **state)
{
	struct zcomp *comp = create(1);
	const int blocks = oom_blocks;
	unsigned int at = 0;
	int ret;

	(void)state;
	do {
		at++;
		oom_arm(at, at % 2 == 0);
		ret = zcomp_add(comp, &fake_backend_alone, &fake_devs[1]);
		oom_arm(0, false);
		if (ret != 0) {
			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(oom_blocks, blocks);
			expect_all_streams(comp, DEPTH);
		}
	} while (ret != 0);
	/* The backend's three, and the watches. */
	assert_int_equal(at, 5);
	expect_all_streams(comp, 2 * DEPTH);
	zcomp_destroy(comp);
}

/* Devices take turns by bursts, each of which is one doorbell; a full one passes its turn on. */
static void
test_turns(void **state)
{
	struct zcomp *comp = create(3);
	struct zcomp_strm *strms[DEPTH + 2];

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		submit(comp, strms, 3, 10 * i);
		assert_int_equal(fake_seen.submits, i + 1);
		assert_int_equal(fake_devs[i % 3].taken, 3 * (i / 3 + 1));
	}
	expect(poll_once(comp), 18, 0);
	submit(comp, strms, DEPTH + 2, 0);
	assert_int_equal(fake_flying(&fake_devs[0], 0), DEPTH);
	assert_int_equal(fake_flying(&fake_devs[1], 0), 2);
	assert_int_equal(fake_seen.submits, 8);
	expect(poll_once(comp), DEPTH + 2, 0);
	zcomp_destroy(comp);
}

/* A poll with little room empties all devices in the end. */
static void
test_poll_by_one(void **state)
{
	struct zcomp *comp = create(2);
	struct zcomp_strm *strms[2 * DEPTH], *done;
	uint64_t seen = 0;

	(void)state;
	submit(comp, strms, 2 * DEPTH, 0);
	for (unsigned int i = 0; i < 2 * DEPTH; i++) {
		assert_int_equal(zcomp_poll(comp, 0, &done, 1), 1);
		strm_check(done, &zcodec_null);
		seen |= UINT64_C(1) << (uintptr_t)done->user;
		zcomp_stream_put(done);
	}
	assert_int_equal(seen, (1u << 2 * DEPTH) - 1);
	assert_int_equal(zcomp_poll(comp, 0, &done, 1), 0);
	zcomp_destroy(comp);
}

/* A device that hangs keeps its pages; all come back once, and the other one serves alone. */
static void
test_one_hangs(void **state)
{
	struct zcomp *comp = create(2);
	struct zcomp_strm *strms[DEPTH];
	struct outcome out;

	(void)state;
	fake_devs[0].hang = true;
	submit(comp, strms, 3, 0);
	submit(comp, strms, 2, 3);
	expect(poll_once(comp), 2, 0);
	fake_now_ns += ZCOMP_HANG_NS;
	expect(poll_once(comp), 0, 0);
	fake_now_ns++;
	out = poll_once(comp);
	expect(out, 0, 3);
	assert_int_equal(out.seen, 7);
	assert_int_equal(stats_of(comp, 0).in_flight, 0);
	assert_int_equal(stats_of(comp, 0).errors, 3);
	assert_int_equal(stats_of(comp, 0).managed, 5);
	assert_int_equal(watch_of(0).hangs, 1);
	assert_int_equal(watch_of(1).suspect, 0);
	assert_true(zcomp_healthy(comp, 0));
	/* Bursts by bursts, all go to the other one. */
	for (unsigned int i = 0; i < 4; i++) {
		submit(comp, strms, DEPTH, 0);
		assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
		expect(poll_once(comp), DEPTH, 0);
	}
	assert_int_equal(fake_devs[0].taken, 3);
	/* What it still has comes back late, to nobody; then it serves as before. */
	fake_devs[0].hang = false;
	expect(poll_once(comp), 0, 0);
	assert_int_equal(watch_of(0).late, 3);
	expect_all_streams(comp, 2 * DEPTH);
	zcomp_destroy(comp);
}

/* With the only device suspect, streams that were taken before come back at once. */
static void
test_all_suspect(void **state)
{
	struct zcomp *comp = create(1);
	struct zcomp_strm *strms[DEPTH];

	(void)state;
	fake_devs[0].hang = true;
	get(comp, strms, 5, 0);
	assert_int_equal(zcomp_submit(comp, 0, strms, 2), 2);
	fake_now_ns += ZCOMP_HANG_NS + 1;
	expect(poll_once(comp), 0, 2);
	assert_false(zcomp_healthy(comp, 0));
	assert_true(zcomp_managed(comp));
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
	zcomp_stream_put(strm_get(comp, 0, ZSTRM_PREFER_MGMT, false));
	assert_int_equal(zcomp_submit(comp, 0, &strms[2], 3), 3);
	assert_int_equal(fake_devs[0].taken, 2);
	assert_int_equal(stats_of(comp, 0).in_flight, 3);
	expect(poll_once(comp), 0, 3);
	expect(poll_once(comp), 0, 0);
	assert_int_equal(watch_of(0).abandoned, 5);
	fake_devs[0].hang = false;
	expect(poll_once(comp), 0, 0);
	expect_all_streams(comp, DEPTH);
	zcomp_destroy(comp);
}

static void
make_suspect(struct zcomp *comp)
{
	struct zcomp_strm *strm;

	submit(comp, &strm, 1, 0);
	fake_keep(strm, true);
	fake_now_ns += ZCOMP_HANG_NS + 1;
	expect(poll_once(comp), 0, 1);
	assert_false(zcomp_healthy(comp, 0));
}

/* A probe goes alone, whatever stands before or behind it, and clears the device. */
static void
test_probe_goes_alone(void **state)
{
	struct zcomp *comp = create(1);
	struct zcomp_strm *strms[5];

	(void)state;
	get(comp, strms, 2, 1);
	get(comp, &strms[3], 2, 4);
	make_suspect(comp);
	fake_now_ns += ZCOMP_PROBE_NS_MIN;
	get(comp, &strms[2], 1, 3);
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
	assert_int_equal(zcomp_submit(comp, 0, strms, 5), 5);
	assert_int_equal(fake_devs[0].taken, 2);
	assert_false(zcomp_healthy(comp, 0));
	expect(poll_once(comp), 1, 4);
	assert_true(zcomp_healthy(comp, 0));
	fake_keep_all(&fake_devs[0], false);
	expect(poll_once(comp), 0, 0);
	expect_all_streams(comp, DEPTH);
	zcomp_destroy(comp);
}

/* A suspect device that refuses its probe does not keep the page. */
static void
test_probe_refused(void **state)
{
	struct zcomp *comp = create(1);
	struct zcomp_strm *strm;

	(void)state;
	make_suspect(comp);
	fake_devs[0].refuse = true;
	fake_now_ns += ZCOMP_PROBE_NS_MIN;
	submit(comp, &strm, 1, 1);
	expect(poll_once(comp), 0, 1);
	assert_false(zcomp_healthy(comp, 0));
	fake_keep_all(&fake_devs[0], false);
	expect(poll_once(comp), 0, 0);
	zcomp_destroy(comp);
}

/* Gives the device all streams that there are, and has them given up. */
static void
lose_all(struct zcomp *comp)
{
	struct zcomp_strm *strms[DEPTH];

	submit(comp, strms, DEPTH, 0);
	fake_keep_all(&fake_devs[0], true);
	fake_now_ns += ZCOMP_HANG_NS + 1;
	expect(poll_once(comp), 0, DEPTH);
	assert_false(zcomp_healthy(comp, 0));
}

/* A device that has all streams, and returns none of them ever, is found well by the spare. */
static void
test_probe_by_the_spare(void **state)
{
	struct zcomp *comp = create(1);
	struct zcomp_strm *probe;

	(void)state;
	lose_all(comp);
	fake_now_ns += ZCOMP_PROBE_NS_MIN - 1;
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
	fake_now_ns++;
	/* A full device refuses it, which costs nothing but time. */
	fake_devs[0].refuse = true;
	submit(comp, &probe, 1, 9);
	expect(poll_once(comp), 0, 1);
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
	fake_devs[0].refuse = false;
	fake_now_ns += 2 * ZCOMP_PROBE_NS_MIN;
	submit(comp, &probe, 1, 9);
	expect(poll_once(comp), 1, 0);
	assert_int_equal(watch_of(0).suspect, 0);
	assert_int_equal(watch_of(0).lost, DEPTH);
	/* From then on it goes by that one stream, and no page waits for it. */
	for (unsigned int i = 0; i < 3; i++) {
		submit(comp, &probe, 1, 9);
		assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
		assert_false(zcomp_healthy(comp, 0));
		expect(poll_once(comp), 1, 0);
	}
	fake_keep_all(&fake_devs[0], false);
	expect(poll_once(comp), 0, 0);
	assert_true(zcomp_healthy(comp, 0));
	expect_all_streams(comp, DEPTH);
	zcomp_destroy(comp);
}

/* The spare can be lost too. Whatever stream comes back first takes its place. */
static void
test_spare_is_lost(void **state)
{
	struct zcomp *comp = create(1);
	struct zcomp_strm *probe;

	(void)state;
	lose_all(comp);
	fake_now_ns += ZCOMP_PROBE_NS_MIN;
	submit(comp, &probe, 1, 9);
	fake_keep(probe, true);
	fake_now_ns += ZCOMP_HANG_NS + 1;
	expect(poll_once(comp), 0, 1);
	assert_int_equal(watch_of(0).lost, DEPTH + 1);
	fake_now_ns += ZCOMP_PROBE_NS_MAX;
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
	fake_keep(probe, false);
	expect(poll_once(comp), 0, 0);
	submit(comp, &probe, 1, 9);
	expect(poll_once(comp), 1, 0);
	fake_keep_all(&fake_devs[0], false);
	expect(poll_once(comp), 0, 0);
	expect_all_streams(comp, DEPTH);
	zcomp_destroy(comp);
}

/* A compressor of whose streams none is free does not use up the probe of the others. */
static void
test_probe_needs_a_stream(void **state)
{
	struct zcomp *a = create(1), *b = create(1);
	struct zcomp_strm *spare, *probe;

	(void)state;
	lose_all(a);
	fake_now_ns += ZCOMP_PROBE_NS_MIN - 1;
	assert_null(zcomp_stream_get(b, 0, ZSTRM_ONLY_MGMT));
	fake_now_ns++;
	submit(a, &spare, 1, 8);
	fake_keep(spare, true);
	fake_now_ns += ZCOMP_HANG_NS + 1;
	expect(poll_once(a), 0, 1);
	fake_now_ns += 2 * ZCOMP_PROBE_NS_MIN;
	assert_null(zcomp_stream_get(a, 0, ZSTRM_ONLY_MGMT));
	submit(b, &probe, 1, 9);
	expect(poll_once(a), 1, 0);
	assert_true(zcomp_healthy(b, 0));
	/* Nothing of it is of use to who has lost all streams. */
	assert_false(zcomp_healthy(a, 0));
	fake_keep_all(&fake_devs[0], false);
	expect(poll_once(b), 0, 0);
	expect_all_streams(a, DEPTH);
	zcomp_destroy(a);
	zcomp_destroy(b);
}

/* A probe that was not used, for a page that needs no compression, is still due. */
static void
test_probe_put_back(void **state)
{
	struct zcomp *comp = create(1);
	struct zcomp_strm *strm;

	(void)state;
	make_suspect(comp);
	fake_now_ns += ZCOMP_PROBE_NS_MIN;
	for (unsigned int i = 0; i < 10; i++)
		zcomp_stream_put(strm_get(comp, 0, ZSTRM_ONLY_MGMT, true));
	submit(comp, &strm, 1, 1);
	/* That one was. */
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
	fake_keep(strm, true);
	fake_now_ns += ZCOMP_HANG_NS + 1;
	expect(poll_once(comp), 0, 1);
	/* The device has failed one, so it has twice the time for the next. */
	fake_now_ns += 2 * ZCOMP_PROBE_NS_MIN - 1;
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
	fake_now_ns++;
	submit(comp, &strm, 1, 1);
	expect(poll_once(comp), 1, 0);
	assert_true(zcomp_healthy(comp, 0));
	fake_keep_all(&fake_devs[0], false);
	expect(poll_once(comp), 0, 0);
	expect_all_streams(comp, DEPTH);
	zcomp_destroy(comp);
}

/* A device that loses page after page of one compressor, and does all of another one. */
static void
test_all_lost_one_by_one(void **state)
{
	struct zcomp *a = create(1), *b = create(1);
	struct zcomp_want want = {.policy = {ZCOMP_POLICY_SPILL, 100}};
	struct zcomp_strm *strms[DEPTH], *strm, *spare;
	unsigned int failed = 0;

	(void)state;
	submit(a, strms, DEPTH, 0);
	fake_keep_all(&fake_devs[0], true);
	assert_int_equal(zcomp_stream_ask(a, 0, &want, &strm), ZCOMP_SPILL);
	while (failed < DEPTH) {
		submit(b, &strm, 1, DEPTH);
		fake_now_ns += MS;
		failed += poll_once(b).failed;
	}
	assert_int_equal(watch_of(0).suspect, 0);
	assert_true(zcomp_healthy(b, 0));
	/* No page may wait for what nobody knows to come back: the spare serves one, no more. */
	assert_false(zcomp_healthy(a, 0));
	assert_int_equal(zcomp_stream_ask(a, 0, &want, &spare), ZCOMP_GRANTED);
	assert_true(spare->managed);
	assert_int_equal(zcomp_stream_ask(a, 0, &want, &strm), ZCOMP_GRANTED);
	assert_false(strm->managed);
	zcomp_stream_put(strm);
	zcomp_stream_put(spare);
	fake_keep(strms[0], false);
	expect(poll_once(b), 0, 0);
	assert_true(zcomp_healthy(a, 0));
	fake_keep_all(&fake_devs[0], false);
	expect(poll_once(b), 0, 0);
	expect_all_streams(a, DEPTH);
	zcomp_destroy(a);
	zcomp_destroy(b);
}

/* A device that takes nothing leaves the pages with the caller, until it is suspect. */
static void
test_one_refuses(void **state)
{
	struct zcomp *comp = create(2);
	struct zcomp_strm *strms[5];

	(void)state;
	fake_devs[0].refuse = true;
	get(comp, strms, 5, 0);
	for (unsigned int i = 0; i < 10; i++) {
		assert_int_equal(zcomp_submit(comp, 0, strms, 5), 0);
		expect(poll_once(comp), 0, 0);
		fake_now_ns += 10 * MS;
	}
	assert_int_equal(stats_of(comp, 0).in_flight, 0);
	fake_now_ns++;
	assert_int_equal(zcomp_submit(comp, 0, strms, 5), 5);
	expect(poll_once(comp), 0, 5);
	assert_int_equal(watch_of(0).hangs, 1);
	submit(comp, strms, 5, 0);
	assert_int_equal(fake_devs[1].taken, 5);
	expect(poll_once(comp), 5, 0);
	/* The probe finds out when it is over. */
	fake_devs[0].refuse = false;
	fake_now_ns += ZCOMP_PROBE_NS_MIN;
	for (unsigned int i = 0; i < 2; i++) {
		submit(comp, strms, 1, 0);
		expect(poll_once(comp), 1, 0);
	}
	assert_int_equal(watch_of(0).suspect, 0);
	expect_all_streams(comp, 2 * DEPTH);
	zcomp_destroy(comp);
}

/* A device that fails for good gets no pages but probes, ever less often. */
static void
test_one_fails(void **state)
{
	struct zcomp *comp = create(2);
	unsigned int failed = 0, good = 0;
	struct zcomp_strm *strms[4];
	struct outcome out;

	(void)state;
	fake_devs[1].fail_with = -EIO;
	for (unsigned int i = 0; i < 100; i++) {
		submit(comp, strms, 4, 0);
		out = poll_once(comp);
		failed += out.failed;
		good += out.good;
	}
	assert_int_equal(failed, ZCOMP_WATCH_STREAK);
	assert_int_equal(good, 400 - ZCOMP_WATCH_STREAK);
	for (unsigned int i = 0; i < 10000; i++) {
		fake_now_ns += MS;
		submit(comp, strms, 1, 0);
		failed += poll_once(comp).failed;
	}
	/* After 100, 200, 400 ... ms: seven in ten seconds. */
	assert_in_range(failed, ZCOMP_WATCH_STREAK + 6, ZCOMP_WATCH_STREAK + 7);
	assert_int_equal(watch_of(1).errors, failed);
	assert_int_equal(watch_of(1).hangs, 0);
	zcomp_destroy(comp);
}

/* Removed at work: the driver returns what it has with errors, and takes no more. */
static void
test_one_is_removed(void **state)
{
	struct zcomp *comp = create(2);
	struct zcomp_strm *strms[2 * DEPTH];

	(void)state;
	submit(comp, strms, 2 * DEPTH, 0);
	fake_devs[0].fail_with = -EIO;
	fake_devs[0].refuse = true;
	expect(poll_once(comp), DEPTH, DEPTH);
	get(comp, strms, 2 * DEPTH, 0);
	for (unsigned int sent = 0; sent < 2 * DEPTH; fake_now_ns += MS)
		sent += zcomp_submit(comp, 0, &strms[sent], 2 * DEPTH - sent);
	expect(poll_once(comp), DEPTH, DEPTH);
	assert_int_equal(watch_of(0).suspect, 1);
	submit(comp, strms, DEPTH, 0);
	assert_int_equal(fake_flying(&fake_devs[1], 0), DEPTH);
	expect(poll_once(comp), DEPTH, 0);
	zcomp_destroy(comp);
}

/* A lost stream goes back to its backend when the device returns it, put before or after. */
static void
test_put_while_lost(void **state)
{
	struct zcomp *comp = create(1);
	struct zcomp_strm *strms[2], *done[2];

	(void)state;
	fake_devs[0].hang = true;
	submit(comp, strms, 2, 0);
	fake_now_ns += ZCOMP_HANG_NS + 1;
	assert_int_equal(zcomp_poll(comp, 0, done, 2), 2);
	zcomp_stream_put(done[0]);
	assert_int_equal(fake_seen.puts, 0);
	fake_devs[0].hang = false;
	assert_int_equal(zcomp_poll(comp, 0, done, 0), 0);
	expect(poll_once(comp), 0, 0);
	assert_int_equal(fake_seen.puts, 1);
	/* Who still holds the other one finds -EIO and the page, as before. */
	assert_int_equal(done[1]->result, -EIO);
	zcomp_stream_put(done[1]);
	assert_int_equal(fake_seen.puts, 2);
	expect_all_streams(comp, DEPTH);
	zcomp_destroy(comp);
}

/* To have been put while it was lost is forgotten when it is back: next time it is held. */
static void
test_lost_again(void **state)
{
	struct zcomp *comp = create(1);
	struct zcomp_strm *strms[DEPTH], *done[DEPTH];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		submit(comp, strms, DEPTH, 0);
		fake_keep_all(&fake_devs[0], true);
		fake_now_ns += ZCOMP_HANG_NS + 1;
		assert_int_equal(zcomp_poll(comp, 0, done, DEPTH), DEPTH);
		for (unsigned int j = 0; j < DEPTH && i == 0; j++)
			zcomp_stream_put(done[j]);
		fake_keep_all(&fake_devs[0], false);
		expect(poll_once(comp), 0, 0);
		assert_int_equal(fake_seen.puts, DEPTH);
	}
	for (unsigned int j = 0; j < DEPTH; j++)
		zcomp_stream_put(done[j]);
	assert_int_equal(fake_seen.puts, 2 * DEPTH);
	zcomp_destroy(comp);
}

/* Compressors of one device see each other's pages, also those that are given up. */
static void
test_shared_watch(void **state)
{
	struct zcomp *a = create(1), *b = create(1);
	struct zcomp_strm *of_a[2], *of_b[2], *done[4];

	(void)state;
	submit(a, of_a, 2, 0);
	submit(b, of_b, 2, 2);
	fake_keep_all(&fake_devs[0], true);
	assert_int_equal(watch_of(0).in_flight, 4);
	fake_now_ns += ZCOMP_HANG_NS + 1;
	assert_int_equal(zcomp_poll(a, 0, done, 4), 4);
	assert_false(zcomp_healthy(b, 0));
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(done[i]->result, -EIO);
		assert_ptr_equal(done[i]->comp, i < 2 ? a : b);
		zcomp_stream_put(done[i]);
	}
	assert_int_equal(stats_of(b, 0).errors, 2);
	assert_int_equal(stats_of(b, 0).in_flight, 0);
	fake_keep_all(&fake_devs[0], false);
	expect(poll_once(b), 0, 0);
	expect_all_streams(a, DEPTH);
	expect_all_streams(b, DEPTH);
	zcomp_destroy(a);
	zcomp_destroy(b);
}

/* Each lcore finds out for itself. */
static void
test_lcores_watch_alone(void **state)
{
	struct zcomp *comp = create(1);

	(void)state;
	make_suspect(comp);
	assert_true(zcomp_healthy(comp, 1));
	zcomp_stream_put(strm_get(comp, 1, ZSTRM_ONLY_MGMT, true));
	fake_keep_all(&fake_devs[0], false);
	expect(poll_once(comp), 0, 0);
	zcomp_destroy(comp);
}

/* The limit of a page is the compressor's, whoever has the watches. */
static void
test_hang_ns(void **state)
{
	const struct zcomp_ops *const ops[] = {&fake_backend, &fake_backend_alone};

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(ops); i++) {
		struct zcomp_params params = params_of(0);
		struct zcomp *comp = NULL;
		struct zcomp_strm *strm;

		params.hang_ns = 5 * MS;
		assert_int_equal(zcomp_create(ops[i], &params, &comp), 0);
		submit(comp, &strm, 1, 0);
		fake_keep(strm, true);
		fake_now_ns += 5 * MS;
		expect(poll_once(comp), 0, 0);
		fake_now_ns++;
		expect(poll_once(comp), 0, 1);
		fake_keep(strm, false);
		expect(poll_once(comp), 0, 0);
		zcomp_destroy(comp);
	}
	/* Who says nothing does not change it. */
	zcomp_destroy(create(1));
	assert_int_equal(fake_devs[0].watches[0].hang_ns, 5 * MS);
}

/* A device that was stopped never returns what it had: the compressor goes all the same. */
static void
test_destroy_with_lost(void **state)
{
	struct zcomp *comp = create(2);
	struct zcomp_strm *strms[2 * DEPTH];

	(void)state;
	submit(comp, strms, 2 * DEPTH, 0);
	fake_devs[0].hang = true;
	fake_now_ns += ZCOMP_HANG_NS + 1;
	expect(poll_once(comp), DEPTH, DEPTH);
	fake_stop(&fake_devs[0]);
	zcomp_destroy(comp);
	assert_int_equal(fake_seen.releases, 2);
}

/* What is expected: of the device whose turn it is, unless it is suspect, and of the lcore. */
static void
test_expected(void **state)
{
	struct zcomp *comp = create(2);
	struct zcomp_strm *strm;

	(void)state;
	assert_int_equal(zcomp_expected(comp, 0).managed_ns, 0);
	assert_int_equal(zcomp_expected(comp, 0).software_ns, 0);
	assert_int_equal(zcomp_now_ns(comp), fake_now_ns);
	for (unsigned int i = 0; i < 2; i++) {
		submit(comp, &strm, 1, 0);
		fake_keep(strm, true);
		fake_now_ns += 1000 * (i + 1);
		expect(poll_once(comp), 0, 0);
		fake_keep(strm, false);
		expect(poll_once(comp), 1, 0);
	}
	assert_int_equal(zcomp_expected(comp, 0).managed_ns, 1000);
	zcomp_expected_fade(comp, 0, false);
	zcomp_expected_fade(comp, 0, false);
	assert_int_equal(zcomp_expected(comp, 0).faded_ns, 2);
	assert_int_equal(zcomp_expected(comp, 1).faded_ns, 0);
	zcomp_expected_fade(comp, 0, true);
	assert_int_equal(zcomp_expected(comp, 0).faded_ns, 0);
	assert_int_equal(zcomp_expected(comp, 0).managed_ns, 1000);
	assert_int_equal(zcomp_expected(comp, 1).managed_ns, 0);
	/* Now the first one hangs. */
	submit(comp, &strm, 1, 0);
	fake_keep(strm, true);
	fake_now_ns += ZCOMP_HANG_NS + 1;
	expect(poll_once(comp), 0, 1);
	submit(comp, &strm, 1, 0);
	assert_int_equal(fake_devs[1].taken, 2);
	expect(poll_once(comp), 1, 0);
	assert_in_range(zcomp_expected(comp, 0).managed_ns, 1700, 1760);
	fake_keep_all(&fake_devs[0], false);
	expect(poll_once(comp), 0, 0);
	zcomp_destroy(comp);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_add_errors),
	        TEST(test_add_refused),
	        TEST(test_add_to_software),
	        TEST(test_add_out_of_memory),
	        TEST(test_turns),
	        TEST(test_poll_by_one),
	        TEST(test_one_hangs),
	        TEST(test_all_suspect),
	        TEST(test_probe_goes_alone),
	        TEST(test_probe_refused),
	        TEST(test_probe_by_the_spare),
	        TEST(test_spare_is_lost),
	        TEST(test_probe_needs_a_stream),
	        TEST(test_probe_put_back),
	        TEST(test_all_lost_one_by_one),
	        TEST(test_one_refuses),
	        TEST(test_one_fails),
	        TEST(test_one_is_removed),
	        TEST(test_put_while_lost),
	        TEST(test_lost_again),
	        TEST(test_shared_watch),
	        TEST(test_lcores_watch_alone),
	        TEST(test_hang_ns),
	        TEST(test_destroy_with_lost),
	        TEST(test_expected),
	};

	/* Degrading warns, here on purpose. */
	zc_log_init("test_devices", ZC_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
