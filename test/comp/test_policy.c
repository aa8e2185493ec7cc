/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Policies: their text, what each decides where streams are free, none is, or the device is not to
 * be trusted; and what they are worth, in a simulation of one lcore and its device. Compression by
 * the lcore and by the device takes as long as the test says, so throughput is arithmetic.
 */

#include <errno.h>
#include <stdio.h>

#include "fake_backend.h"
#include "strm_util.h"

#include "comp/policy.h"

#define DEPTH 4u

static uint64_t soft_ns;

static int32_t
slow_compress(void *ctx, int32_t level, const void *src, uint32_t src_len, void *dst,
              uint32_t dst_len)
{
	fake_now_ns += soft_ns;
	return zcodec_null.compress(ctx, level, src, src_len, dst, dst_len);
}

static int
set_up(void **state)
{
	(void)state;
	fake_reset();
	soft_ns = 3000;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static struct zcomp *
create(const struct zcomp_ops *ops, uint32_t depth)
{
	static struct zcodec codec;
	struct zcomp_params params = {
	        .codec = &codec,
	        .page_size = PAGE,
	        .nr_lcores = 1,
	        .depth = depth,
	        .now_ns = fake_clock,
	};
	struct zcomp *comp = NULL;

	codec = zcodec_null;
	codec.compress = slow_compress;
	params.level = codec.level_default;
	assert_int_equal(zcomp_create(ops, &params, &comp), 0);
	return comp;
}

/* Their text. */

static const struct {
	const char *text;
	struct zcomp_policy policy;
} texts[] = {
        {"inline", {ZCOMP_POLICY_INLINE, 0}},
        {"try", {ZCOMP_POLICY_TRY, 0}},
        {"retry=1", {ZCOMP_POLICY_RETRY, 1}},
        {"retry=1000000", {ZCOMP_POLICY_RETRY, ZCOMP_RETRY_US_MAX}},
        {"spill=1", {ZCOMP_POLICY_SPILL, 1}},
        {"spill=65536", {ZCOMP_POLICY_SPILL, ZCOMP_SPILL_MAX}},
        {"software", {ZCOMP_POLICY_SOFTWARE, 0}},
        {"adaptive", {ZCOMP_POLICY_ADAPTIVE, 0}},
};

static void
test_text(void **state)
{
	char text[ZCOMP_POLICY_LEN];
	struct zcomp_policy policy;

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(texts); i++) {
		memset(&policy, 0xff, sizeof(policy));
		assert_int_equal(zcomp_policy_parse(texts[i].text, &policy), 0);
		assert_int_equal(policy.kind, texts[i].policy.kind);
		assert_int_equal(policy.arg, texts[i].policy.arg);
		zcomp_policy_format(&policy, text);
		assert_string_equal(text, texts[i].text);
	}
	/* Each kind is in what people are told. */
	for (unsigned int i = 0; i < TEST_NR(texts); i++) {
		zcomp_policy_format(&texts[i].policy, text);
		text[strcspn(text, "=")] = '\0';
		assert_non_null(strstr(ZCOMP_POLICY_SYNTAX, text));
	}
}

static void
test_bad_text(void **state)
{
	static const char *const bad[] = {
	        "",
	        " ",
	        "none",
	        "inlin",
	        "inlines",
	        "Inline",
	        " inline",
	        "inline ",
	        "inline=",
	        "inline=1",
	        "try=1",
	        "=",
	        "=1",
	        "retry",
	        "retry=",
	        "retry=0",
	        "retry=-1",
	        "retry=+1",
	        "retry= 1",
	        "retry=1 ",
	        "retry=1x",
	        "retry=x",
	        "retry=1=1",
	        "retry=1.5",
	        "retry=1000001",
	        "spill",
	        "spill=0",
	        "spill=65537",
	        "spill=18446744073709551617",
	        "spilled=1",
	        "software=1",
	        "adaptive=",
	        "adaptive=1",
	        "soft",
	        "inline,try",
	};
	struct zcomp_policy policy;

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(bad); i++)
		assert_int_equal(zcomp_policy_parse(bad[i], &policy), -EINVAL);
}

static void
test_pack(void **state)
{
	struct zcomp_policy policy;

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(texts); i++) {
		policy = zcomp_policy_unpack(zcomp_policy_pack(&texts[i].policy));
		assert_int_equal(policy.kind, texts[i].policy.kind);
		assert_int_equal(policy.arg, texts[i].policy.arg);
	}
	assert_int_equal(zcomp_policy_pack(&texts[0].policy), 0);
}

/* Their decisions. */

static struct zcomp_want
want_of(enum zcomp_policy_kind kind, uint32_t arg)
{
	return (struct zcomp_want){.policy = {kind, arg}};
}

static void
expect(struct zcomp *comp, struct zcomp_want *want, enum zcomp_verdict verdict)
{
	struct zcomp_strm *strm;

	assert_int_equal(zcomp_stream_ask(comp, 0, want, &strm), verdict);
	if (verdict == ZCOMP_GRANTED)
		zcomp_stream_put(strm);
}

static void
expect_strm(struct zcomp *comp, struct zcomp_want want, bool managed)
{
	struct zcomp_strm *strm;

	assert_int_equal(zcomp_stream_ask(comp, 0, &want, &strm), ZCOMP_GRANTED);
	assert_ptr_equal(strm->comp, comp);
	assert_int_equal(strm->managed, managed);
	zcomp_stream_put(strm);
}

static void
take_all(struct zcomp *comp, struct zcomp_strm *strms[DEPTH])
{
	for (unsigned int i = 0; i < DEPTH; i++)
		strms[i] = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true);
	assert_null(zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT));
}

static void
put_all(struct zcomp_strm *strms[DEPTH])
{
	for (unsigned int i = 0; i < DEPTH; i++)
		zcomp_stream_put(strms[i]);
}

/* Polls and puts: @return how many came. */
static unsigned int
drain(struct zcomp *comp)
{
	struct zcomp_strm *done[64];
	unsigned int n = zcomp_poll(comp, 0, done, 64);

	for (unsigned int i = 0; i < n; i++)
		zcomp_stream_put(done[i]);
	return n;
}

/* With a free stream of a device of which nothing is known, all but one use it. */
static void
test_stream_free(void **state)
{
	struct zcomp *comp = create(&fake_backend, DEPTH);

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(texts); i++)
		expect_strm(comp, (struct zcomp_want){.policy = texts[i].policy},
		            texts[i].policy.kind != ZCOMP_POLICY_SOFTWARE);
	zcomp_destroy(comp);
}

/* Without any, or with no place to keep it, each does what it is for. */
static void
none_free(struct zcomp *comp, bool full)
{
	static const enum zcomp_verdict verdicts[] = {
	        [ZCOMP_POLICY_INLINE] = ZCOMP_GRANTED,   [ZCOMP_POLICY_TRY] = ZCOMP_REFUSED,
	        [ZCOMP_POLICY_RETRY] = ZCOMP_WAIT,       [ZCOMP_POLICY_SPILL] = ZCOMP_SPILL,
	        [ZCOMP_POLICY_SOFTWARE] = ZCOMP_GRANTED, [ZCOMP_POLICY_ADAPTIVE] = ZCOMP_GRANTED,
	};

	for (unsigned int i = 0; i < TEST_NR(texts); i++) {
		struct zcomp_want want = {.policy = texts[i].policy, .full = full};

		if (verdicts[texts[i].policy.kind] == ZCOMP_GRANTED)
			expect_strm(comp, want, false);
		else
			expect(comp, &want, verdicts[texts[i].policy.kind]);
	}
}

static void
test_none_free(void **state)
{
	struct zcomp *comp = create(&fake_backend, DEPTH);
	struct zcomp_strm *strms[DEPTH], *own;
	struct zcomp_want want = want_of(ZCOMP_POLICY_INLINE, 0);

	(void)state;
	none_free(comp, true);
	take_all(comp, strms);
	none_free(comp, false);
	/* Nor the lcore's own. */
	own = strm_get(comp, 0, ZSTRM_DEFAULT, false);
	expect(comp, &want, ZCOMP_WAIT);
	want = want_of(ZCOMP_POLICY_SOFTWARE, 0);
	expect(comp, &want, ZCOMP_WAIT);
	zcomp_stream_put(own);
	put_all(strms);
	zcomp_destroy(comp);
}

/* Without a device that may be used, all of them use the lcore. */
static void
all_software(struct zcomp *comp)
{
	for (unsigned int i = 0; i < TEST_NR(texts); i++) {
		struct zcomp_want want = {.policy = texts[i].policy};

		expect_strm(comp, want, false);
		want.full = true;
		expect_strm(comp, want, false);
	}
}

static void
test_no_device(void **state)
{
	static const struct zcomp_ops software = {.name = "software"};
	struct zcomp *comp = create(&software, DEPTH);

	(void)state;
	all_software(comp);
	zcomp_destroy(comp);
}

/* A device that refuses: as one without free streams, until it is suspect. */
static void
test_refusing(void **state)
{
	struct zcomp *comp = create(&fake_backend, DEPTH);
	struct zcomp_strm *strms[DEPTH];

	(void)state;
	fake_devs[0].refuse = true;
	take_all(comp, strms);
	assert_int_equal(zcomp_submit(comp, 0, strms, DEPTH), 0);
	none_free(comp, false);
	fake_now_ns += ZCOMP_HANG_NS + 1;
	assert_int_equal(zcomp_submit(comp, 0, strms, DEPTH), DEPTH);
	all_software(comp);
	assert_int_equal(drain(comp), DEPTH);
	all_software(comp);
	zcomp_destroy(comp);
}

/* A suspect device: the lcore, but for one probe, which the software policy does not make. */
static void
test_suspect(void **state)
{
	struct zcomp *comp = create(&fake_backend, DEPTH);
	struct zcomp_strm *strm = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true);

	(void)state;
	fake_devs[0].hang = true;
	assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
	fake_now_ns += ZCOMP_HANG_NS + 1;
	assert_int_equal(drain(comp), 1);
	all_software(comp);
	fake_now_ns += ZCOMP_PROBE_NS_MIN;
	expect_strm(comp, want_of(ZCOMP_POLICY_SOFTWARE, 0), false);
	expect_strm(comp, want_of(ZCOMP_POLICY_TRY, 0), true);
	strm = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true);
	assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
	all_software(comp);
	fake_devs[0].hang = false;
	assert_int_equal(drain(comp), 1);
	expect_strm(comp, want_of(ZCOMP_POLICY_TRY, 0), true);
	zcomp_destroy(comp);
}

/* It waits from the first time that it is asked, for so long, and takes a stream at any time. */
static void
test_retry(void **state)
{
	struct zcomp *comp = create(&fake_backend, DEPTH);
	struct zcomp_want want = want_of(ZCOMP_POLICY_RETRY, 50), other = want;
	struct zcomp_strm *strms[DEPTH];

	(void)state;
	take_all(comp, strms);
	expect(comp, &want, ZCOMP_WAIT);
	assert_int_equal(want.since_ns, fake_now_ns);
	fake_now_ns += 49999;
	expect(comp, &want, ZCOMP_WAIT);
	expect(comp, &other, ZCOMP_WAIT);
	fake_now_ns++;
	expect_strm(comp, want, false);
	expect(comp, &other, ZCOMP_WAIT);
	zcomp_stream_put(strms[0]);
	expect_strm(comp, other, true);
	strms[0] = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true);
	put_all(strms);
	zcomp_destroy(comp);
}

static void
test_spill(void **state)
{
	struct zcomp *comp = create(&fake_backend, DEPTH);
	struct zcomp_want want = want_of(ZCOMP_POLICY_SPILL, 3);
	struct zcomp_strm *strms[DEPTH];

	(void)state;
	take_all(comp, strms);
	for (; want.spilled < 3; want.spilled++)
		expect(comp, &want, ZCOMP_SPILL);
	expect_strm(comp, want, false);
	/* One that is in the list, asked again with the two others in it, stays there. */
	want.spilled = 2;
	expect(comp, &want, ZCOMP_SPILL);
	zcomp_stream_put(strms[0]);
	expect_strm(comp, want, true);
	strms[0] = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true);
	put_all(strms);
	zcomp_destroy(comp);
}

/* One page alone through the device, in @ns; and, where that is not 0, one by the lcore. */
static void
learn(struct zcomp *comp, uint64_t managed_ns, uint64_t software_ns)
{
	struct zcomp_strm *strm = strm_get(comp, 0, ZSTRM_ONLY_MGMT, true);

	fake_devs[0].service_ns = managed_ns;
	assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
	fake_now_ns += managed_ns - 1;
	assert_int_equal(drain(comp), 0);
	fake_now_ns++;
	assert_int_equal(drain(comp), 1);
	if (software_ns == 0)
		return;
	soft_ns = software_ns;
	strm = strm_get(comp, 0, ZSTRM_DEFAULT, false);
	assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
	assert_int_equal(drain(comp), 1);
	assert_int_equal(zcomp_expected(comp, 0).managed_ns, managed_ns);
	assert_int_equal(zcomp_expected(comp, 0).software_ns, software_ns);
}

/* Of which nothing is known is tried: the device first, then the lcore. */
static void
test_adaptive_explores(void **state)
{
	const struct zcomp_want want = want_of(ZCOMP_POLICY_ADAPTIVE, 0);
	struct zcomp *comp = create(&fake_backend, DEPTH);

	(void)state;
	expect_strm(comp, want, true);
	learn(comp, 1000, 0);
	expect_strm(comp, want, false);
	zcomp_destroy(comp);
}

static void
test_adaptive_chooses(void **state)
{
	static const struct {
		uint64_t managed_ns;
		unsigned int waiting;
		bool managed;
	} cases[] = {
	        {1000, 0, true},    {3000, 0, true},   {3001, 0, false},
	        {9000, 1, false},   {9000, 2, true},   {9001, 2, false},
	        {90000, 28, false}, {90000, 29, true}, {90000, 64, true},
	};

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(cases); i++) {
		struct zcomp *comp = create(&fake_backend_alone, DEPTH);
		struct zcomp_want want = want_of(ZCOMP_POLICY_ADAPTIVE, 0);

		want.waiting = cases[i].waiting;
		learn(comp, cases[i].managed_ns, 3000);
		expect_strm(comp, want, cases[i].managed);
		zcomp_destroy(comp);
	}
}

/* A full device: the lcore works if the device does not run dry meanwhile, else it waits. */
static void
test_adaptive_full(void **state)
{
	static const struct {
		uint64_t service_ns;
		enum zcomp_verdict verdict;
	} cases[] = {
	        {100, ZCOMP_WAIT}, {750, ZCOMP_WAIT}, {751, ZCOMP_GRANTED}, {9000, ZCOMP_GRANTED}};

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(cases); i++) {
		struct zcomp *comp = create(&fake_backend_alone, DEPTH);
		struct zcomp_want want = want_of(ZCOMP_POLICY_ADAPTIVE, 0);
		struct zcomp_strm *strms[DEPTH];

		want.waiting = 20;
		learn(comp, cases[i].service_ns, 3000);
		/* The first time teaches the age of the fourth. */
		for (unsigned int j = 0; j < 2; j++) {
			take_all(comp, strms);
			assert_int_equal(zcomp_submit(comp, 0, strms, DEPTH), DEPTH);
			if (j == 0) {
				for (unsigned int n = 0; n < DEPTH; fake_now_ns++)
					n += drain(comp);
			}
		}
		expect(comp, &want, cases[i].verdict);
		fake_now_ns += DEPTH * cases[i].service_ns;
		assert_int_equal(drain(comp), DEPTH);
		zcomp_destroy(comp);
	}
}

/* Streams that are taken and not submitted are not the device's doing: they go first. */
static void
test_adaptive_unsubmitted(void **state)
{
	struct zcomp *comp = create(&fake_backend_alone, DEPTH);
	struct zcomp_want want = want_of(ZCOMP_POLICY_ADAPTIVE, 0);
	struct zcomp_strm *strms[DEPTH];

	(void)state;
	want.waiting = 20;
	learn(comp, 9000, 3000);
	take_all(comp, strms);
	expect(comp, &want, ZCOMP_WAIT);
	/* Unless it does not take them. */
	fake_devs[0].refuse = true;
	assert_int_equal(zcomp_submit(comp, 0, strms, DEPTH), 0);
	expect(comp, &want, ZCOMP_GRANTED);
	fake_devs[0].refuse = false;
	assert_int_equal(zcomp_submit(comp, 0, strms, DEPTH), DEPTH);
	expect(comp, &want, ZCOMP_GRANTED);
	fake_now_ns += DEPTH * 9000;
	assert_int_equal(drain(comp), DEPTH);
	zcomp_destroy(comp);
}

/* What was too slow once is tried again one day, and then as it is by then. */
static void
test_adaptive_tries_again(void **state)
{
	const struct zcomp_want want = want_of(ZCOMP_POLICY_ADAPTIVE, 0);
	struct zcomp *comp = create(&fake_backend, DEPTH);
	struct zcomp_want ask = want;
	struct zcomp_strm *strm;
	unsigned int pages = 0;

	(void)state;
	learn(comp, 12000, 3000);
	for (;; pages++) {
		assert_int_equal(zcomp_stream_ask(comp, 0, &ask, &strm), ZCOMP_GRANTED);
		if (strm->managed)
			break;
		zcomp_stream_put(strm);
		assert_true(pages < 1000);
	}
	zcomp_stream_put(strm);
	/* 32 pages of the lcore for each by which the device is slower. */
	assert_in_range(pages, 94, 96);
	for (unsigned int i = 0; i < 20; i++)
		learn(comp, 1000, 0);
	for (unsigned int i = 0; i < 100; i++)
		expect_strm(comp, want, true);
	zcomp_destroy(comp);
}

/* The same of the lcore: one page that took long by accident does not damn it for ever. */
static void
test_adaptive_forgets_software(void **state)
{
	struct zcomp *comp = create(&fake_backend, DEPTH);
	struct zcomp_want want = want_of(ZCOMP_POLICY_ADAPTIVE, 0);
	struct zcomp_strm *strm;
	unsigned int pages = 0;

	(void)state;
	learn(comp, 12000, 10000000);
	soft_ns = 3000;
	for (;; pages++) {
		assert_int_equal(zcomp_stream_ask(comp, 0, &want, &strm), ZCOMP_GRANTED);
		assert_int_equal(zcomp_submit(comp, 0, &strm, 1), 1);
		if (!strm->managed)
			break;
		fake_now_ns += 12000;
		assert_int_equal(drain(comp), 1);
		assert_true(pages < 10000);
	}
	assert_int_equal(drain(comp), 1);
	assert_int_equal(zcomp_expected(comp, 0).software_ns, 3000);
	for (unsigned int i = 0; i < 20; i++)
		expect_strm(comp, want, false);
	zcomp_destroy(comp);
}

/* What they are worth. */

/* Clients that always have so many pages outstanding, one lcore, one device. */
struct sim {
	struct zcomp *comp;
	struct zcomp_want want; /* of the first page in the queue */
	unsigned int queued;    /* pages */
	unsigned int spilled;
	unsigned int redo; /* came back with -EIO */
	unsigned int done, by_software;
};

/* @return whether it goes on with the next page */
static bool
sim_page(struct sim *sim, struct zcomp_want *want, unsigned int *from)
{
	struct zcomp_strm *strm;
	enum zcomp_verdict verdict;

	want->waiting = sim->queued + sim->spilled + sim->redo - 1;
	verdict = zcomp_stream_ask(sim->comp, 0, want, &strm);
	if (verdict == ZCOMP_SPILL && from == &sim->queued) {
		sim->queued--;
		sim->spilled++;
		return true;
	}
	if (verdict != ZCOMP_GRANTED)
		return false;
	want->since_ns = 0;
	--*from;
	sim->by_software += !strm->managed;
	assert_int_equal(zcomp_submit(sim->comp, 0, &strm, 1), 1);
	return true;
}

static unsigned int
sim_poll(struct sim *sim)
{
	struct zcomp_strm *strms[64];
	unsigned int n = zcomp_poll(sim->comp, 0, strms, 64);

	for (unsigned int i = 0; i < n; i++) {
		if (strms[i]->result == -EIO) {
			sim->redo++;
		} else {
			sim->done++;
			sim->queued++;
		}
		zcomp_stream_put(strms[i]);
	}
	return n;
}

/* One turn of the lcore. With nothing to do it waits for the device, and looks just before. */
static void
sim_turn(struct sim *sim)
{
	const unsigned int before = sim->queued + sim->spilled + sim->redo;
	struct zcomp_want software = want_of(ZCOMP_POLICY_SOFTWARE, 0), listed = sim->want;
	uint64_t next_ns;
	bool idle;

	while (sim->redo > 0 && sim_page(sim, &software, &sim->redo))
		continue;
	for (bool more = true; more && sim->spilled > 0;) {
		listed.spilled = sim->spilled - 1;
		more = sim_page(sim, &listed, &sim->spilled);
	}
	for (bool more = true; more && sim->queued > 0;) {
		sim->want.spilled = sim->spilled;
		more = sim_page(sim, &sim->want, &sim->queued);
	}
	idle = sim->queued + sim->spilled + sim->redo == before;
	if (sim_poll(sim) > 0 || !idle)
		return;
	next_ns = fake_next_done_ns(&fake_devs[0], 0);
	if (next_ns <= fake_now_ns || next_ns > fake_now_ns + 1000)
		next_ns = fake_now_ns + 1000;
	else if (next_ns > fake_now_ns + 100)
		next_ns -= 100;
	fake_now_ns = next_ns;
}

struct machine {
	uint64_t soft_ns, service_ns;
	uint32_t depth;
	unsigned int outstanding;
};

#define SIM_PAGES 5000u

static struct sim
sim_start(const struct machine *machine, struct zcomp_policy policy)
{
	fake_reset();
	soft_ns = machine->soft_ns;
	fake_devs[0].service_ns = machine->service_ns;
	return (struct sim){
	        .comp = create(&fake_backend, machine->depth),
	        .want.policy = policy,
	        .queued = machine->outstanding,
	};
}

/* Each page that was outstanding is there. */
static void
sim_end(struct sim *sim, const struct machine *machine)
{
	while (fake_flying(&fake_devs[0], 0) > 0) {
		fake_now_ns += machine->service_ns;
		sim_poll(sim);
	}
	sim_poll(sim);
	assert_int_equal(sim->queued + sim->spilled + sim->redo, machine->outstanding);
	zcomp_destroy(sim->comp);
}

/* @return nanoseconds for a page, over many */
static double
sim_run(const struct machine *machine, struct zcomp_policy policy, unsigned int *by_software)
{
	struct sim sim = sim_start(machine, policy);
	const uint64_t start_ns = fake_now_ns;
	double page_ns;

	while (sim.done < SIM_PAGES)
		sim_turn(&sim);
	*by_software = sim.by_software;
	page_ns = (double)(fake_now_ns - start_ns) / sim.done;
	sim_end(&sim, machine);
	return page_ns;
}

/* Deep queues with a slow, an equal, a fast device; shallow ones; and one page at a time. */
static const struct machine machines[] = {
        {3000, 12000, 8, 32}, {3000, 3000, 8, 32}, {3000, 500, 16, 32},  {3000, 300, 16, 32},
        {3000, 12000, 1, 32}, {3000, 3000, 2, 32}, {3000, 300, 4, 32},   {3000, 100, 7, 32},
        {3000, 12000, 8, 3},  {3000, 3000, 8, 3},  {3000, 500, 8, 3},    {3000, 90000, 64, 64},
        {3000, 12000, 8, 1},  {3000, 500, 8, 1},   {3000, 40000, 7, 16},
};

static double
min_of(double a, double b)
{
	return a < b ? a : b;
}

/* Nanoseconds for a page when both work all the time. */
static double
both_ns(const struct machine *m)
{
	return 1 / (1 / (double)m->soft_ns + 1 / (double)m->service_ns);
}

/* Whether the device has work for as long as the lcore is at a page of its own. */
static bool
is_deep(const struct machine *m)
{
	const unsigned int in_flight = m->depth < m->outstanding ? m->depth : m->outstanding - 1;

	return in_flight * m->service_ns > m->soft_ns && m->outstanding > m->depth;
}

#define SIM_TRY(m, kind, arg) sim_run(m, (struct zcomp_policy){kind, arg}, &by_software)

/* The lcore alone, the device alone: the policies that use only one of them. */
static void
test_worth_alone(void **state)
{
	unsigned int by_software;

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(machines); i++) {
		const struct machine *m = &machines[i];
		double ns = SIM_TRY(m, ZCOMP_POLICY_SOFTWARE, 0);

		assert_true(ns == (double)m->soft_ns);
		assert_true(by_software >= SIM_PAGES);
		ns = SIM_TRY(m, ZCOMP_POLICY_TRY, 0);
		assert_true(ns >= (double)m->service_ns && ns < (double)m->service_ns * 1.001);
		assert_int_equal(by_software, 0);
		/* To wait longer than the device needs for a page is the same. */
		ns = SIM_TRY(m, ZCOMP_POLICY_RETRY, (uint32_t)(m->service_ns / 1000 + 2));
		assert_true(ns >= (double)m->service_ns && ns < (double)m->service_ns * 1.001);
		assert_int_equal(by_software, 0);
		/* So is a list that all find room in. */
		ns = SIM_TRY(m, ZCOMP_POLICY_SPILL, m->outstanding);
		assert_true(ns >= (double)m->service_ns && ns < (double)m->service_ns * 1.001);
		assert_int_equal(by_software, 0);
	}
}

/* Where the queue is deep enough both work all the time. */
static void
test_worth_inline(void **state)
{
	unsigned int by_software;

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(machines); i++) {
		const struct machine *m = &machines[i];
		double ns = SIM_TRY(m, ZCOMP_POLICY_INLINE, 0);

		if (m->outstanding > m->depth)
			assert_true(ns <= (double)m->soft_ns);
		if (is_deep(m))
			assert_true(ns < both_ns(m) * 1.01);
		/* A list with less room than is needed is the same, less what waits in it. */
		ns = SIM_TRY(m, ZCOMP_POLICY_SPILL, 2);
		if (is_deep(m) && m->outstanding > m->depth + 2)
			assert_true(ns < both_ns(m) * 1.01);
	}
}

/* As good as the better of the two, whatever the device is, but for what it costs to try; and as
 * good as both where that can be. */
static void
test_worth_adaptive(void **state)
{
	unsigned int by_software;

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(machines); i++) {
		const struct machine *m = &machines[i];
		double ns = SIM_TRY(m, ZCOMP_POLICY_ADAPTIVE, 0);
		double best = min_of((double)m->soft_ns, (double)m->service_ns);

		assert_true(ns < best * 1.04);
		if (is_deep(m))
			assert_true(ns < both_ns(m) * 1.01);
	}
}

/* A device that hangs in the middle costs time, and no page, whatever the policy; and it is used
 * again when it is over. */
static void
test_hanging_device(void **state)
{
	const struct machine machine = {3000, 1000, 8, 32};

	(void)state;
	for (unsigned int i = 0; i < TEST_NR(texts); i++) {
		struct sim sim = sim_start(&machine, texts[i].policy);
		unsigned int taken;

		while (sim.done < 100)
			sim_turn(&sim);
		fake_devs[0].hang = true;
		taken = fake_devs[0].taken;
		while (sim.done < 1000)
			sim_turn(&sim);
		assert_true(fake_devs[0].taken - taken < 32);
		fake_devs[0].hang = false;
		taken = fake_devs[0].taken;
		while (sim.done < 2000)
			sim_turn(&sim);
		assert_true(fake_devs[0].taken - taken > 500 ||
		            texts[i].policy.kind == ZCOMP_POLICY_SOFTWARE);
		sim_end(&sim, &machine);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_text),
	        TEST(test_bad_text),
	        TEST(test_pack),
	        TEST(test_stream_free),
	        TEST(test_none_free),
	        TEST(test_no_device),
	        TEST(test_refusing),
	        TEST(test_suspect),
	        TEST(test_retry),
	        TEST(test_spill),
	        TEST(test_adaptive_explores),
	        TEST(test_adaptive_chooses),
	        TEST(test_adaptive_full),
	        TEST(test_adaptive_unsubmitted),
	        TEST(test_adaptive_tries_again),
	        TEST(test_adaptive_forgets_software),
	        TEST(test_worth_alone),
	        TEST(test_worth_inline),
	        TEST(test_worth_adaptive),
	        TEST(test_hanging_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
