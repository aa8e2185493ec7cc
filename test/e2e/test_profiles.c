/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A service on each profile of the accelerator model, which is loaded as a plug-in: two clients
 * store, under two policies each and while the policy changes, and the test loads all of it.
 */

#include "load.h"

#include "sim_dir.h"

#define OPS (4000u / TEST_SLOW)

/* Between two changes of the policy: operations of the worker. */
#define OPS_BETWEEN (500u / TEST_SLOW)

struct profile {
	const char *device;
	unsigned int depth; /* that the service comes to */
	const char *policies[2];
};

struct run {
	struct e2e *e;
	struct zcl *zc;
	struct load load;
};

static void
set_policy(struct run *r, const char *policy)
{
	static struct e2e_result result;
	char text[64];

	snprintf(text, sizeof(text), "policy=%s", policy);
	e2e_ctl(r->e, &result, (const char *const[]){"set", "pages", text, NULL});
	if (result.status != 0)
		fail_msg("%s: %s", text, result.err);
}

/* The completions say who compressed the pages, and the device says the same. */
static void
under_policy(struct run *r, const char *policy)
{
	uint64_t managed = LOAD_SUM(&r->load, managed), inlined = LOAD_SUM(&r->load, inlined);
	uint64_t software = LOAD_SUM(&r->load, software), refused = LOAD_SUM(&r->load, refused);

	load_start(&r->load, OPS);
	load_end(&r->load);
	load_check(&r->load, r->zc);
	managed = LOAD_SUM(&r->load, managed) - managed;
	inlined = LOAD_SUM(&r->load, inlined) - inlined;
	software = LOAD_SUM(&r->load, software) - software;
	refused = LOAD_SUM(&r->load, refused) - refused;
	if (strcmp(policy, "software") == 0) {
		assert_int_equal(managed + inlined + refused, 0);
		assert_true(software > 0);
		return;
	}
	/* On a busy host the threads behind the model are slow, and it may be left out. */
	assert_true(managed > 0 || (strcmp(policy, "adaptive") == 0 && inlined > 0));
	assert_int_equal(software, 0);
	if (strcmp(policy, "try") == 0)
		assert_int_equal(inlined, 0);
	else
		assert_int_equal(refused, 0);
}

static void
under_changing_policies(struct run *r)
{
	static const char *const policies[] = {"try",      "inline",   "software",
	                                       "spill=16", "adaptive", "retry=100"};
	uint64_t ops;

	load_start(&r->load, OPS);
	for (unsigned int i = 0; i < TEST_NR(policies); i++) {
		ops = load_number(r->zc, "workers", "ops");
		set_policy(r, policies[i]);
		LOAD_AWAIT(&r->load, load_number(r->zc, "workers", "ops") >= ops + OPS_BETWEEN);
	}
	load_end(&r->load);
	load_check(&r->load, r->zc);
}

static void
check_numbers(struct run *r, const struct profile *p)
{
	static const char *const none[] = {"errors", "hangs",   "abandoned", "late",
	                                   "lost",   "suspect", "in_flight"};

	assert_int_equal(load_number(r->zc, "devices", "depth"), p->depth);
	assert_int_equal(load_number(r->zc, "devices", "done"), LOAD_SUM(&r->load, managed));
	for (unsigned int i = 0; i < TEST_NR(none); i++)
		assert_int_equal(load_number(r->zc, "devices", none[i]), 0);
	assert_int_equal(load_number(r->zc, "workers", "redone"), 0);
	assert_int_equal(load_number(r->zc, "workers", "refused"), LOAD_SUM(&r->load, refused));
	assert_int_equal(load_number(r->zc, "streams", "managed"), LOAD_SUM(&r->load, managed));
}

static void
run(struct e2e *e, const struct profile *p)
{
	struct run r = {.e = e};
	struct zcl_disk *disk;

	e2e_start(e, (const char *const[]){"--plugin-dir", sim_dir.path, "--device", p->device,
	                                   "--policy", p->policies[0], "--hang-ms", "60000", NULL});
	r.zc = e2e_connect(e);
	disk = e2e_disk(r.zc, "pages", LOAD_CLIENTS * LOAD_PAGES);
	load_init(&r.load, e, (const char *const[]){"pages", "pages"});
	under_policy(&r, p->policies[0]);
	set_policy(&r, p->policies[1]);
	under_policy(&r, p->policies[1]);
	under_changing_policies(&r);
	check_numbers(&r, p);
	load_fini(&r.load);
	zcl_disk_close(disk);
	zcl_close(r.zc);
	e2e_stop(e);
}

static void
test_hisi_zip(void **state)
{
	run((struct e2e *)*state,
	    &(struct profile){"compress_sim,profile=hisi_zip", 256, {"inline", "try"}});
}

static void
test_qpace(void **state)
{
	run((struct e2e *)*state,
	    &(struct profile){"compress_sim,profile=qpace", 128, {"retry=200", "spill=32"}});
}

static void
test_hwz(void **state)
{
	run((struct e2e *)*state,
	    &(struct profile){"compress_sim,profile=hwz", 256, {"adaptive", "software"}});
}

/* What does not fit its 3 KiB is stored as it is, and is no failure. */
static void
test_emerald_hill(void **state)
{
	run((struct e2e *)*state,
	    &(struct profile){"compress_sim,profile=emerald_hill", 256, {"spill=32", "inline"}});
}

static void
test_iaa(void **state)
{
	run((struct e2e *)*state,
	    &(struct profile){"compress_sim,profile=iaa", 128, {"try", "adaptive"}});
}

#define PROFILE_TEST(name) cmocka_unit_test_setup_teardown(name, sim_setup, sim_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        PROFILE_TEST(test_hisi_zip),     PROFILE_TEST(test_qpace), PROFILE_TEST(test_hwz),
	        PROFILE_TEST(test_emerald_hill), PROFILE_TEST(test_iaa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
