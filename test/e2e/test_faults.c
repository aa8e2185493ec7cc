/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Devices that fail in the middle of a load. Whatever happens, the clients see success and the
 * right bytes, or -EAGAIN where their policy is to be told; the service's numbers say what it was;
 * and the service goes on, recovers and stops.
 *
 * Times: HANG is short, so that a busy host makes a healthy device hang too, now and then; that
 * must do no harm either. NO_HANG is for what must not be taken for a hang.
 */

#include "load.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>

#include "sim_dir.h"
#include "stamp.h"

#define HANG    "50"
#define NO_HANG "60000"

/* Operations of a device before its fault, and of workers or devices to see how it goes on. */
#define OPS   (2000u / TEST_SLOW)
#define AFTER (1000u / TEST_SLOW)
#define AT    "100"

struct run {
	struct e2e *e;
	struct zcl *zc;
	struct load load;
	bool recovered;
	uint64_t done; /* by the devices when they had recovered */
};

struct fault {
	const char *devices[2];
	const char *policy;
	const char *hang_ms;
	const char *workers; /* NULL: one */
	/* Whether it has happened, and the service has found its way. The load goes on until then,
	 * and then some. */
	bool (*happened)(struct run *r);
	void (*check)(struct run *r);
};

static uint64_t
device(struct run *r, const char *key)
{
	return load_number(r->zc, "devices", key);
}

static uint64_t
worker(struct run *r, const char *key)
{
	return load_number(r->zc, "workers", key);
}

/* @return whether pages are done after the recovery; @done until now */
static bool
goes_on(struct run *r, uint64_t done)
{
	if (!r->recovered)
		r->done = done;
	return done > r->done + AFTER;
}

/* Two disks of different levels share the devices. */
static void
begin(struct run *r, struct e2e *e, const struct fault *f)
{
	const char *args[] = {"--plugin-dir", sim_dir.path,  "--policy",
	                      f->policy,      "--hang-ms",   f->hang_ms,
	                      "--device",     f->devices[0], "--disk",
	                      "one=4M",       "--disk",      "two=4M,algorithm=lz4:level=9",
	                      NULL,           NULL,          NULL,
	                      NULL,           NULL};
	unsigned int nr = 12;

	if (f->devices[1] != NULL) {
		args[nr++] = "--device";
		args[nr++] = f->devices[1];
	}
	if (f->workers != NULL) {
		args[nr++] = "--workers";
		args[nr++] = f->workers;
	}
	e2e_start(e, args);
	memset(r, 0, sizeof(*r));
	r->e = e;
	r->zc = e2e_connect(e);
	load_init(&r->load, e, (const char *const[]){"one", "two"});
}

/* All that the devices took is accounted for, and each page that they did not do was done again. */
static void
check_sums(struct run *r)
{
	assert_int_equal(device(r, "in_flight"), 0);
	assert_int_equal(load_number(r->zc, "streams", "in_flight"), 0);
	assert_int_equal(device(r, "done"), LOAD_SUM(&r->load, managed));
	assert_int_equal(worker(r, "redone"), device(r, "abandoned") + device(r, "errors"));
	assert_int_equal(worker(r, "redone"), load_number(r->zc, "streams", "errors"));
	assert_int_equal(worker(r, "refused"), LOAD_SUM(&r->load, refused));
	assert_true(LOAD_SUM(&r->load, inlined) >= worker(r, "redone"));
	assert_true(device(r, "late") + device(r, "lost") <= device(r, "abandoned"));
}

static void
end(struct run *r)
{
	load_fini(&r->load);
	e2e_remove(r->zc, "one");
	e2e_remove(r->zc, "two");
	zcl_close(r->zc);
	e2e_stop(r->e);
}

static void
run(struct e2e *e, const struct fault *f)
{
	struct run r;
	uint64_t ops;

	begin(&r, e, f);
	load_start(&r.load, OPS);
	LOAD_AWAIT(&r.load, f->happened(&r));
	ops = worker(&r, "ops");
	LOAD_AWAIT(&r.load, worker(&r, "ops") >= ops + AFTER);
	load_end(&r.load);
	load_check(&r.load, r.zc);
	check_sums(&r);
	if (strcmp(f->policy, "try") != 0)
		assert_int_equal(LOAD_SUM(&r.load, refused), 0);
	f->check(&r);
	end(&r);
}

static bool
is_given_up(struct run *r)
{
	return device(r, "hangs") > 0 && device(r, "abandoned") > 0;
}

/* The device has what it had, for ever. */
static void
check_hung(struct run *r)
{
	assert_true(device(r, "done") > 0);
	assert_true(device(r, "lost") > 0);
	assert_int_equal(device(r, "suspect"), 1);
	assert_int_equal(device(r, "errors"), 0);
}

static void
test_hang(void **state)
{
	static const char *const policies[] = {"inline", "try", "retry=1000", "spill=64",
	                                       "adaptive"};

	for (size_t i = 0; i < TEST_NR(policies); i++)
		run((struct e2e *)*state, &(struct fault){.devices = {"compress_sim,hang_at=" AT},
		                                          .policy = policies[i],
		                                          .hang_ms = HANG,
		                                          .happened = is_given_up,
		                                          .check = check_hung});
}

/* All that it had came back, late, and it gets pages again. */
static bool
has_come_back(struct run *r)
{
	if (!r->recovered && device(r, "late") > 0)
		r->recovered = device(r, "lost") == 0 && device(r, "suspect") == 0;
	return goes_on(r, device(r, "done"));
}

static void
check_back(struct run *r)
{
	assert_true(device(r, "hangs") > 0);
	assert_true(device(r, "late") > 0);
	assert_int_equal(device(r, "errors"), 0);
}

static void
test_hang_for_a_while(void **state)
{
	static const char *const policies[] = {"inline", "try", "spill=64"};

	for (size_t i = 0; i < TEST_NR(policies); i++)
		run((struct e2e *)*state,
		    &(struct fault){
		            .devices = {"compress_sim,engines=4,hang_at=" AT ",hang_ms=300"},
		            .policy = policies[i],
		            .hang_ms = HANG,
		            .happened = has_come_back,
		            .check = check_back});
}

/* At once, so that nobody has to be given up, and then it is well again. */
static bool
is_well_after_errors(struct run *r)
{
	if (!r->recovered && device(r, "errors") > 0)
		r->recovered = device(r, "suspect") == 0;
	return goes_on(r, device(r, "done"));
}

static void
check_no_hang(struct run *r)
{
	assert_int_equal(device(r, "hangs"), 0);
	assert_int_equal(device(r, "lost") + device(r, "late"), 0);
}

static void
test_reset(void **state)
{
	static const char *const policies[] = {"inline", "try", "retry=1000", "spill=64",
	                                       "adaptive"};

	for (size_t i = 0; i < TEST_NR(policies); i++)
		run((struct e2e *)*state,
		    &(struct fault){.devices = {"compress_sim,latency_us=20,reset_at=" AT},
		                    .policy = policies[i],
		                    .hang_ms = NO_HANG,
		                    .happened = is_well_after_errors,
		                    .check = check_no_hang});
}

/* It returns what it had as failed, and what comes after. */
static void
check_suspect(struct run *r)
{
	check_no_hang(r);
	assert_true(device(r, "errors") >= 32);
	assert_int_equal(device(r, "suspect"), 1);
}

static bool
is_suspect(struct run *r)
{
	return device(r, "suspect") > 0;
}

static void
test_removal(void **state)
{
	static const char *const policies[] = {"inline", "try", "spill=64"};

	for (size_t i = 0; i < TEST_NR(policies); i++)
		run((struct e2e *)*state, &(struct fault){.devices = {"compress_sim,remove_at=" AT},
		                                          .policy = policies[i],
		                                          .hang_ms = NO_HANG,
		                                          .happened = is_suspect,
		                                          .check = check_suspect});
}

static bool
has_errors(struct run *r)
{
	return device(r, "errors") > 0 && device(r, "done") > 0;
}

static void
check_errors(struct run *r)
{
	uint64_t done = device(r, "done"), errors = device(r, "errors");

	check_no_hang(r);
	assert_int_equal(device(r, "suspect"), 0);
	assert_int_equal(device(r, "abandoned"), 0);
	assert_int_equal(errors, (done + errors) / 7);
}

static void
test_errors(void **state)
{
	run((struct e2e *)*state, &(struct fault){.devices = {"compress_sim,error_one_in=7"},
	                                          .policy = "inline",
	                                          .hang_ms = NO_HANG,
	                                          .happened = has_errors,
	                                          .check = check_errors});
	run((struct e2e *)*state, &(struct fault){.devices = {"compress_sim,error_one_in=1"},
	                                          .policy = "retry=1000",
	                                          .hang_ms = NO_HANG,
	                                          .happened = is_suspect,
	                                          .check = check_suspect});
}

static bool
is_busy(struct run *r)
{
	return device(r, "done") >= AFTER;
}

static void
check_well(struct run *r)
{
	check_no_hang(r);
	assert_int_equal(device(r, "errors") + device(r, "abandoned"), 0);
	assert_true(LOAD_SUM(&r->load, huge) > 0);
}

/* Nothing of it is a fault. */
static void
test_strange_but_well(void **state)
{
	static const struct {
		const char *device;
		const char *policy;
	} cases[] = {
	        {"compress_sim,dst_limit=1000", "inline"},
	        {"compress_sim,reorder=1,engines=16", "try"},
	        {"compress_sim,batch=16,batch_us=300", "retry=1000"},
	        {"compress_sim,latency_us=tail:20:3000,engines=32", "adaptive"},
	        {"compress_sim,reorder=1,batch=8,latency_us=tail:20:3000,engines=32", "spill=64"},
	};

	for (size_t i = 0; i < TEST_NR(cases); i++)
		run((struct e2e *)*state, &(struct fault){.devices = {cases[i].device},
		                                          .policy = cases[i].policy,
		                                          .hang_ms = NO_HANG,
		                                          .happened = is_busy,
		                                          .check = check_well});
}

static bool
has_refused(struct run *r)
{
	return worker(r, "refused") > 0;
}

static bool
has_spilled(struct run *r)
{
	return worker(r, "spills") > 0;
}

/* A device that is always full: what becomes of the others is counted. */
static void
test_full(void **state)
{
	static const char slow[] = "compress_sim,depth=4,latency_us=500";

	run((struct e2e *)*state, &(struct fault){.devices = {slow},
	                                          .policy = "try",
	                                          .hang_ms = NO_HANG,
	                                          .happened = has_refused,
	                                          .check = check_no_hang});
	run((struct e2e *)*state, &(struct fault){.devices = {slow},
	                                          .policy = "spill=16",
	                                          .hang_ms = NO_HANG,
	                                          .happened = has_spilled,
	                                          .check = check_no_hang});
}

/* The first of two fails, in one way or another; the second one does not. */
static bool
second_goes_on(struct run *r)
{
	if (!r->recovered)
		r->recovered = load_number_of(r->zc, "devices", 0, "suspect") > 0;
	return goes_on(r, load_number_of(r->zc, "devices", 1, "done"));
}

static void
check_second(struct run *r)
{
	assert_true(load_number_of(r->zc, "devices", 0, "abandoned") +
	                    load_number_of(r->zc, "devices", 0, "errors") >
	            0);
	assert_int_equal(load_number_of(r->zc, "devices", 1, "errors"), 0);
}

static void
test_one_of_two(void **state)
{
	static const struct {
		const char *device;
		const char *policy;
	} cases[] = {
	        {"compress_sim0,hang_at=" AT, "inline"},
	        {"compress_sim0,hang_at=" AT, "spill=64"},
	        {"compress_sim0,remove_at=" AT, "try"},
	        {"compress_sim0,remove_at=" AT, "retry=1000"},
	};

	for (size_t i = 0; i < TEST_NR(cases); i++)
		run((struct e2e *)*state,
		    &(struct fault){.devices = {cases[i].device, "compress_sim1,engines=4"},
		                    .policy = cases[i].policy,
		                    .hang_ms = HANG,
		                    .happened = second_goes_on,
		                    .check = check_second});
}

/* Each finds out by itself, of its own queue pair. */
static bool
both_suspect(struct run *r)
{
	return device(r, "suspect") == 2;
}

static void
check_both_hung(struct run *r)
{
	assert_true(device(r, "lost") > 0);
	assert_int_equal(device(r, "errors"), 0);
}

static void
test_two_workers(void **state)
{
	struct fault f = {.devices = {"compress_sim,hang_at=" AT},
	                  .policy = "inline",
	                  .hang_ms = HANG,
	                  .workers = e2e_two_cpus(),
	                  .happened = both_suspect,
	                  .check = check_both_hung};

	run((struct e2e *)*state, &f);
	f.devices[0] = "compress_sim,hang_at=" AT ",hang_ms=300,engines=4";
	f.policy = "spill=64";
	f.happened = has_come_back;
	f.check = check_back;
	run((struct e2e *)*state, &f);
}

/* No reason not to start. */
static void
test_no_start(void **state)
{
	static const char *const faults[] = {"compress_sim,fail_start=1",
	                                     "compress_sim,fail_probe=1"};
	static const char *const says[] = {"cannot be opened", "its driver has failed: Input"};
	struct run r;

	for (size_t i = 0; i < TEST_NR(faults); i++) {
		begin(&r, (struct e2e *)*state,
		      &(struct fault){.devices = {faults[i]}, .policy = "try", .hang_ms = HANG});
		assert_non_null(strstr(e2e_log(r.e), "is left out"));
		assert_non_null(strstr(e2e_log(r.e), says[i]));
		assert_null(strstr(e2e_log(r.e), "no driver of that name"));
		load_start(&r.load, OPS);
		load_end(&r.load);
		load_check(&r.load, r.zc);
		assert_int_equal(LOAD_SUM(&r.load, managed) + LOAD_SUM(&r.load, refused), 0);
		assert_true(LOAD_SUM(&r.load, software) > 0);
		end(&r);
		/* And with one beside it that does. */
		run(r.e, &(struct fault){.devices = {faults[i], "compress_sim_1"},
		                         .policy = "inline",
		                         .hang_ms = NO_HANG,
		                         .happened = is_busy,
		                         .check = check_well});
	}
}

struct victim {
	const char *socket;
};

/* Gives all of its pages to the device, and never ends. */
static int
run_victim(void *arg)
{
	const struct victim *v = (const struct victim *)arg;
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = LOAD_DEPTH};
	uint64_t page[E2E_PAGE / 8];
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct zcl *zc;

	E2E_CHECK(zcl_connect(v->socket, NULL, &zc) == 0);
	E2E_CHECK(zcl_disk_open(zc, "two", &disk) == 0);
	E2E_CHECK(zcl_queue_create(disk, &opts, &q) == 0);
	for (unsigned int i = 0; i < LOAD_DEPTH; i++) {
		/* Behind the pages of the others. */
		stamp_fill(page, E2E_PAGE, 512 + i, stamp_make(9, i, 5));
		E2E_CHECK(zcl_store(q, 512 + i, page, i) == 0);
	}
	E2E_CHECK(zcl_submit(q) >= 0);
	for (;;)
		pause();
}

/* Its pages are done to their end; those of others are not held up by it. */
static void
test_killed_client(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct victim victim = {e->socket};
	uint64_t page[E2E_PAGE / 8], stamp;
	struct zcl_disk *disk;
	unsigned int fds;
	struct run r;
	pid_t pid;

	begin(&r, e,
	      &(struct fault){.devices = {"compress_sim,hang_at=1"},
	                      .policy = "spill=1000",
	                      /* The device is looked at before, on however busy a CPU. */
	                      .hang_ms = "5000"});
	assert_int_equal(zcl_disk_open(r.zc, "two", &disk), 0);
	/* Behind this answer the service has closed what it passed before. */
	assert_int_equal(device(&r, "in_flight"), 0);
	fds = e2e_service_fds(e);
	pid = e2e_fork(run_victim, &victim);
	LOAD_AWAIT(&r.load, device(&r, "in_flight") == LOAD_DEPTH);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(e2e_wait(pid), 256 + SIGKILL);
	load_start(&r.load, OPS);
	LOAD_AWAIT(&r.load, is_given_up(&r));
	load_end(&r.load);
	load_check(&r.load, r.zc);
	LOAD_AWAIT(&r.load, e2e_service_fds(e) == fds);
	assert_int_equal(device(&r, "in_flight"), 0);
	assert_true(device(&r, "lost") >= LOAD_DEPTH);
	assert_int_equal(worker(&r, "redone"), device(&r, "abandoned"));
	for (unsigned int i = 0; i < LOAD_DEPTH; i++) {
		assert_int_equal(zcl_load(disk, 512 + i, page), 0);
		assert_true(stamp_read(page, E2E_PAGE, 512 + i, &stamp));
		assert_int_equal(stamp, stamp_make(9, i, 5));
	}
	zcl_disk_close(disk);
	end(&r);
}

/* The service ends while its device has pages of a client who is still there: they are stored. */
static void
test_stop_with_a_hung_device(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	uint64_t page[E2E_PAGE / 8], got[E2E_PAGE / 8];
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct run r;

	begin(&r, e,
	      &(struct fault){.devices = {"compress_sim,hang_at=1"},
	                      .policy = "inline",
	                      .hang_ms = "3000"});
	assert_int_equal(zcl_disk_open(r.zc, "one", &disk), 0);
	q = e2e_queue(disk, 64);
	for (unsigned int i = 0; i < 64; i++) {
		stamp_fill(page, E2E_PAGE, i, stamp_make(1, i, 3));
		assert_int_equal(zcl_store(q, i, page, i), 0);
	}
	assert_true(zcl_submit(q) >= 0);
	LOAD_AWAIT(&r.load, device(&r, "in_flight") == 64);
	e2e_terminate(e);
	e2e_stop_wait(e);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(r.zc);
	load_fini(&r.load);
	e2e_start(e, NULL);
	r.zc = e2e_connect(e);
	assert_int_equal(zcl_disk_open(r.zc, "one", &disk), 0);
	for (unsigned int i = 0; i < 64; i++) {
		stamp_fill(page, E2E_PAGE, i, stamp_make(1, i, 3));
		assert_int_equal(zcl_load(disk, i, got), 0);
		assert_memory_equal(got, page, sizeof(page));
	}
	zcl_disk_close(disk);
	zcl_close(r.zc);
	e2e_stop(e);
}

#define FAULTS_TEST(name) cmocka_unit_test_setup_teardown(name, sim_setup, sim_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        FAULTS_TEST(test_hang),          FAULTS_TEST(test_hang_for_a_while),
	        FAULTS_TEST(test_reset),         FAULTS_TEST(test_removal),
	        FAULTS_TEST(test_errors),        FAULTS_TEST(test_strange_but_well),
	        FAULTS_TEST(test_full),          FAULTS_TEST(test_one_of_two),
	        FAULTS_TEST(test_two_workers),   FAULTS_TEST(test_no_start),
	        FAULTS_TEST(test_killed_client), FAULTS_TEST(test_stop_with_a_hung_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
