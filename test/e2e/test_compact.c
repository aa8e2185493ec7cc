/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Compaction of a disk in use: asked for and by itself, while others load and store; interrupted by
 * all that can.
 */

#include "load.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <jansson.h>

#include "stamp.h"

#define PAGES          4096u
#define RUN(e, r, ...) e2e_ctl(e, r, (const char *const[]){__VA_ARGS__, NULL})

static struct e2e_result result;
static uint64_t stamps[PAGES]; /* what each page holds; 0 = zeros */

static struct zcl_disk *
fresh_disk(struct zcl *zc)
{
	memset(stamps, 0, sizeof(stamps));
	return e2e_disk(zc, "pages", PAGES);
}

static void
store_some(struct zcl_queue *q, unsigned int nr, uint64_t *seed)
{
	static uint64_t version;
	uint64_t content[E2E_PAGE / 8];
	unsigned int done;

	while (nr > 0) {
		for (done = 0; done < nr && done < 128; done++) {
			uint64_t page = test_random(seed) % PAGES;

			stamps[page] = stamp_make(1, ++version,
			                          (unsigned int)(test_random(seed) % STAMP_KINDS));
			stamp_fill(content, E2E_PAGE, page, stamps[page]);
			assert_int_equal(zcl_store(q, page, content, page), 0);
		}
		e2e_reap_ok(q, done);
		nr -= done;
	}
}

static void
check_all(struct zcl_disk *disk)
{
	uint64_t content[E2E_PAGE / 8], stamp;

	for (uint64_t page = 0; page < PAGES; page++) {
		assert_int_equal(zcl_load(disk, page, content), 0);
		assert_true(stamp_read(content, E2E_PAGE, page, &stamp));
		assert_int_equal(stamp, stamps[page]);
	}
}

/* Overwrites at random, and discards every other page, so that there is much to gain. */
static void
scatter(struct zcl_disk *disk, uint64_t seed)
{
	struct zcl_queue *q = e2e_queue(disk, 128);

	store_some(q, PAGES * 2, &seed);
	for (uint64_t page = 0; page < PAGES; page += 2) {
		assert_int_equal(zcl_discard_sync(q, page, 1), 0);
		stamps[page] = 0;
	}
	zcl_queue_destroy(q);
}

static struct zcl_disk_stat
stat_of(struct zcl_disk *disk)
{
	struct zcl_disk_stat st = {.sz = sizeof(st)};

	assert_int_equal(zcl_disk_stat(disk, &st), 0);
	return st;
}

/** In memory shared with a process that loads. */
struct loader {
	char socket[96];
	uint64_t loads;
	uint32_t stop;
	uint64_t stamps[PAGES];
};

static int
load_all_the_time(void *arg)
{
	struct loader *l = (struct loader *)arg;
	uint64_t content[E2E_PAGE / 8], stamp;
	struct zcl_disk *disk;
	struct zcl *zc;

	E2E_CHECK(zcl_connect(l->socket, NULL, &zc) == 0);
	E2E_CHECK(zcl_disk_open(zc, "pages", &disk) == 0);
	while (__atomic_load_n(&l->stop, __ATOMIC_RELAXED) == 0) {
		for (uint64_t page = 0; page < PAGES; page++) {
			E2E_CHECK(zcl_load(disk, page, content) == 0);
			E2E_CHECK(stamp_read(content, E2E_PAGE, page, &stamp));
			E2E_CHECK(stamp == l->stamps[page]);
			__atomic_fetch_add(&l->loads, 1, __ATOMIC_RELAXED);
		}
	}
	zcl_disk_close(disk);
	zcl_close(zc);
	return 0;
}

static struct loader *
loader_start(struct e2e *e, pid_t *pid)
{
	struct loader *l = (struct loader *)mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE,
	                                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(l != MAP_FAILED);
	snprintf(l->socket, sizeof(l->socket), "%s", e->socket);
	memcpy(l->stamps, stamps, sizeof(stamps));
	*pid = e2e_fork(load_all_the_time, l);
	return l;
}

static uint64_t
loads_so_far(const struct loader *l)
{
	return __atomic_load_n(&l->loads, __ATOMIC_RELAXED);
}

static void
loader_end(struct loader *l, pid_t pid)
{
	__atomic_store_n(&l->stop, 1, __ATOMIC_RELAXED);
	assert_int_equal(e2e_wait(pid), 0);
	munmap(l, sizeof(*l));
}

/* Awaits what the service's numbers tell. */
#define AWAIT(cond)                                                         \
	do {                                                                \
		unsigned int left_ms = E2E_WAIT_MS;                         \
		while (!(cond)) {                                           \
			if (left_ms-- == 0)                                 \
				fail_msg("%s: not so, not in time", #cond); \
			poll(NULL, 0, 1);                                   \
		}                                                           \
	} while (0)

static json_int_t
number(const char *key)
{
	json_t *root = json_loads(result.out, 0, NULL), *value = json_object_get(root, key);
	json_int_t nr;

	assert_true(json_is_integer(value));
	nr = json_integer_value(value);
	json_decref(root);
	return nr;
}

static void
test_asked_for(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl *zc = e2e_connect(e);
	struct zcl_disk *disk = fresh_disk(zc);
	struct zcl_disk_stat st;
	struct loader *l;
	uint64_t loads, total = 0;
	pid_t pid;

	for (uint64_t round = 1; round <= 4; round++) {
		scatter(disk, round);
		l = loader_start(e, &pid);
		AWAIT(loads_so_far(l) > PAGES);
		RUN(e, &result, "--json", "compact", "pages");
		assert_int_equal(result.status, 0);
		st = stat_of(disk);
		assert_int_equal(number("mem_used"), st.mem_used);
		assert_int_equal(number("compr_data_size"), st.compr_data_size);
		/* It may have begun by itself. */
		assert_true(st.pages_compacted >= total + (uint64_t)number("pages_compacted"));
		assert_true(st.pages_compacted > total);
		total = st.pages_compacted;
		loads = loads_so_far(l);
		AWAIT(loads_so_far(l) > loads + PAGES);
		loader_end(l, pid);
		check_all(disk);
		/* Nothing is left to do. */
		RUN(e, &result, "--json", "compact", "pages");
		assert_int_equal(number("pages_compacted"), 0);
	}
	RUN(e, &result, "compact", "pages");
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "pages_compacted    0\n"));
	RUN(e, &result, "--json", "stat", "pages");
	assert_int_equal(number("pages_compacted"), total);
	zcl_disk_close(disk);
	e2e_remove(zc, "pages");
	zcl_close(zc);
}

static void
test_by_itself(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl *zc = e2e_connect(e);
	struct zcl_disk *disk = fresh_disk(zc);
	uint64_t before;
	struct loader *l;
	pid_t pid;

	scatter(disk, 5);
	before = stat_of(disk).mem_used;
	l = loader_start(e, &pid);
	AWAIT(stat_of(disk).pages_compacted > 0);
	/* Down to what it would be by request. */
	RUN(e, &result, "compact", "pages");
	assert_int_equal(result.status, 0);
	assert_true(stat_of(disk).mem_used < before);
	loader_end(l, pid);
	check_all(disk);
	zcl_disk_close(disk);
	e2e_remove(zc, "pages");
	zcl_close(zc);
}

static void
test_while_clients_store(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl *zc = e2e_connect(e);
	struct zcl_disk *disk = e2e_disk(zc, "pages", LOAD_CLIENTS * LOAD_PAGES);
	struct load load;

	load_init(&load, e, (const char *const[]){"pages", "pages"});
	load_start(&load, 20000 / TEST_SLOW);
	for (unsigned int i = 0; i < 200 / TEST_SLOW || stat_of(disk).pages_compacted == 0; i++) {
		RUN(e, &result, "compact", "pages");
		assert_int_equal(result.status, 0);
		load_assert_running(&load);
	}
	load_end(&load);
	load_check(&load, zc);
	load_fini(&load);
	zcl_disk_close(disk);
	e2e_remove(zc, "pages");
	zcl_close(zc);
}

/* A process that waits for a compaction to end. */
static int
ask(void *arg)
{
	const struct e2e *e = (const struct e2e *)arg;
	char reply[512];
	struct zcl *zc;
	int ret;

	if (zcl_connect(e->socket, NULL, &zc) != 0)
		return 0;
	ret = zcl_admin(zc, "{\"cmd\":\"compact\",\"disk\":\"pages\"}", reply, sizeof(reply));
	/* The end of it, of the disk, or of the service. */
	E2E_CHECK(ret == 0 || ret == -ECONNRESET);
	E2E_CHECK(ret != 0 || strstr(reply, "\"ok\":true") != NULL ||
	          strstr(reply, "'pages'") != NULL);
	zcl_close(zc);
	return 0;
}

static bool
has_ended(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == pid;
}

/* Whatever is under way, the arena that is left is whole. */
static void
test_killed_and_stopped(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl *zc = e2e_connect(e);
	struct zcl_disk *disk = fresh_disk(zc);
	uint64_t compacted;
	pid_t pid;

	for (uint64_t round = 0; round < 8; round++) {
		scatter(disk, 10 + round);
		compacted = stat_of(disk).pages_compacted;
		pid = e2e_fork(ask, e);
		/* It is under way, or done. */
		while (stat_of(disk).pages_compacted < compacted + 1 + 10 * round &&
		       !has_ended(pid))
			sched_yield();
		if (round % 2 == 0) {
			e2e_kill(e);
		} else {
			kill(e->pid, SIGTERM);
			e2e_stop_wait(e);
		}
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		check_all(disk);
		e2e_start(e, NULL);
		assert_int_equal(zcl_reconnect(zc, E2E_WAIT_MS), 0);
		check_all(disk);
	}
	RUN(e, &result, "compact", "pages");
	assert_int_equal(result.status, 0);
	check_all(disk);
	zcl_disk_close(disk);
	e2e_remove(zc, "pages");
	zcl_close(zc);
}

static void
test_disk_removed(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl *zc = e2e_connect(e);

	for (uint64_t round = 0; round < 6; round++) {
		struct zcl_disk *disk = fresh_disk(zc);
		pid_t pids[2];

		scatter(disk, 20 + round);
		zcl_disk_close(disk);
		for (unsigned int i = 0; i < 2; i++)
			pids[i] = e2e_fork(ask, e);
		for (uint64_t i = 0; i < round; i++)
			sched_yield();
		e2e_remove(zc, "pages");
		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(e2e_wait(pids[i]), 0);
	}
	RUN(e, &result, "compact", "pages");
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.err, "no disk 'pages'"));
	zcl_close(zc);
}

/* Who asked and went away is not waited for. */
static void
test_asker_gone(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	struct zcl *zc = e2e_connect(e);
	struct zcl_disk *disk = fresh_disk(zc);

	for (uint64_t round = 0; round < 4; round++) {
		pid_t pid;

		scatter(disk, 30 + round);
		pid = e2e_fork(ask, e);
		for (uint64_t i = 0; i < round; i++)
			sched_yield();
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	RUN(e, &result, "compact", "pages");
	assert_int_equal(result.status, 0);
	check_all(disk);
	zcl_disk_close(disk);
	e2e_remove(zc, "pages");
	zcl_close(zc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_asked_for),
	        cmocka_unit_test(test_by_itself),
	        cmocka_unit_test(test_while_clients_store),
	        cmocka_unit_test(test_killed_and_stopped),
	        cmocka_unit_test(test_disk_removed),
	        cmocka_unit_test(test_asker_gone),
	};

	return cmocka_run_group_tests(tests, e2e_setup_started, e2e_teardown);
}
