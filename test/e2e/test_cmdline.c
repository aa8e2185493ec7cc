/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * zcompd with wrong arguments and in places where it cannot be: status 2 for a command line that is
 * wrong, 1 for everything else, and a message that names what it is about.
 */

#include "e2e.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#define ARGS_MAX 7

static void
test_wrong_command_lines(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		const char *says;
	} cases[] = {
	        {{"--frobnicate"}, "frobnicate"},
	        {{"extra"}, "'extra'"},
	        {{"--socket"}, "socket"},
	        {{"--workers", ""}, "''"},
	        {{"--workers", "x"}, "'x'"},
	        {{"--workers", "0-"}, "'0-'"},
	        {{"--workers", "1-0"}, "'1-0'"},
	        {{"--workers", "0,,1"}, "'0,,1'"},
	        {{"--workers", "-1"}, "'-1'"},
	        {{"--workers", "4096"}, "'4096'"},
	        {{"--workers", "0-64"}, "64"},
	        {{"--disk", "nonsense"}, "'nonsense'"},
	        {{"--disk", "x=lots"}, "'lots'"},
	        {{"--disk", "x/y=1M"}, "'x/y=1M'"},
	        {{"--disk", "x=1M,colour=red"}, "'colour'"},
	        {{"--disk", "x=1M,page_size=5K"}, "'5K'"},
	        {{"--disk", "x=1M,mode=rw"}, "'rw'"},
	        {{"--disk", "x=1M,mem_limit=little"}, "'little'"},
	        {{"--disk", "x=1M,policy=retry"}, "'retry'"},
	        {{"--policy", "try-harder"}, "'try-harder'"},
	        {{"--policy", "spill=0"}, "'spill=0'"},
	        {{"--policy", "inline=1"}, "'inline=1'"},
	        {{"--device", "none", "--device", "compress_lz4"}, "'none'"},
	        {{"--device", "compress_lz4", "--device", "none"}, "'none'"},
	        {{"--hang-ms", "0"}, "'0'"},
	        {{"--hang-ms", "soon"}, "'soon'"},
	        {{"--socket-mode", "999"}, "'999'"},
	        {{"--socket-mode", "rw"}, "'rw'"},
	        {{"--config", "/there/is/none"}, "/there/is/none"},
	        {{"--device", "a", "--device"}, "device"},
	};
	struct e2e *e = (struct e2e *)*state;

	for (size_t i = 0; i < TEST_NR(cases); i++)
		e2e_start_fails(e, cases[i].args, 2, cases[i].says);
	/* Nothing was made on the way. */
	assert_int_equal(access(e->state, F_OK), -1);
	assert_int_equal(access(e->socket, F_OK), -1);
}

static void
test_what_cannot_be(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		const char *says;
	} cases[] = {
	        {{"--workers", "4095"}, "4095"},
	        {{"--device", "compress_lz4,mode=sideways"}, "'mode=sideways'"},
	        {{"--device", "compress_lz4,foo=1"}, "'foo=1'"},
	        {{"--disk", "x=1M,algorithm=zstd"}, "'zstd'"},
	        {{"--disk", "x=1M,algorithm=lz4:level=0"}, "'0'"},
	        {{"--disk", "x=0"}, "'x'"},
	        {{"--disk", "x=16000000000G"}, "x"},
	        {{"--", "--no-such-thing"}, "no-such-thing"},
	        {{"--socket", "/there/is/no/folder/sock"}, "'/there/is/no/folder/sock'"},
	        {{"--socket", "/etc/passwd"}, "'/etc/passwd'"},
	        {{"--state-dir", "/there/is/no/folder"}, "'/there/is/no/folder'"},
	        {{"--state-dir", "/etc/passwd"}, "'/etc/passwd'"},
	        {{"--state-dir", "/proc"}, "'/proc'"},
	        {{"--socket",
	          "/dev/shm/a-path-that-is-longer-than-an-address-of-a-unix-socket-can-be-"
	          "and-that-is-107-bytes-without-the-final-null-byte"},
	         "107"},
	};
	struct e2e *e = (struct e2e *)*state;

	for (size_t i = 0; i < TEST_NR(cases); i++)
		e2e_start_fails(e, cases[i].args, 1, cases[i].says);
	assert_int_equal(access("/etc/passwd", R_OK), 0);
	assert_int_equal(access(e->socket, F_OK), -1);
	/* And for all that the state directory can be used. */
	e2e_start(e, NULL);
	e2e_stop(e);
}

static void
test_state_dir_on_a_disk(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	const char *args[] = {"--state-dir", NULL, NULL};
	char cwd[256], dir[300];
	struct statfs fs;

	/* The folder that the tests are run in. */
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(statfs(cwd, &fs), 0);
	if (fs.f_type == TMPFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC) {
		print_message("the build folder is on tmpfs\n");
		skip();
	}
	snprintf(dir, sizeof(dir), "%s/state-%d", cwd, (int)getpid());
	args[1] = dir;
	e2e_start_fails(e, args, 1, dir);
	assert_non_null(strstr(e->log, "tmpfs"));
	rmdir(dir);
}

/* A state directory that others may write to. */
static void
test_open_state_dir(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	char dir[128];
	const char *args[] = {"--state-dir", dir, NULL};

	snprintf(dir, sizeof(dir), "%s/open", e->dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	e2e_start_fails(e, args, 1, dir);
	assert_non_null(strstr(e->log, "777"));
	assert_int_equal(rmdir(dir), 0);
}

/* The rightful owner of socket and state goes on as if nothing were. */
static void
check_alive(struct e2e *e)
{
	struct zcl *zc = e2e_connect(e);

	assert_int_equal(e2e_ask(zc, "{\"cmd\":\"info\"}", "pid"), e->pid);
	zcl_close(zc);
}

static void
test_held_by_a_live_one(void **state)
{
	struct e2e *e = (struct e2e *)*state, *other;
	char says[64], path[128];
	void *p;

	e2e_start(e, NULL);
	e2e_setup(&p);
	other = (struct e2e *)p;
	e2e_start_fails(other, (const char *const[]){"--socket", e->socket, NULL}, 1, e->socket);
	assert_non_null(strstr(other->log, "live"));
	check_alive(e);
	e2e_start_fails(other, (const char *const[]){"--state-dir", e->state, NULL}, 1, e->state);
	snprintf(says, sizeof(says), "process %d", (int)e->pid);
	assert_non_null(strstr(other->log, says));
	check_alive(e);
	/* What is there and is no socket is not touched. */
	snprintf(path, sizeof(path), "%s/file", other->dir);
	fclose(fopen(path, "w"));
	e2e_start_fails(other, (const char *const[]){"--socket", path, NULL}, 1, path);
	assert_int_equal(access(path, F_OK), 0);
	e2e_teardown(&p);
	check_alive(e);
	e2e_stop(e);
}

static void
test_left_by_a_dead_one(void **state)
{
	struct e2e *e = (struct e2e *)*state;

	e2e_start(e, (const char *const[]){"--disk", "kept=64K", NULL});
	e2e_kill(e);
	assert_int_equal(access(e->socket, F_OK), 0);
	/* The disk is there already: the option says nothing new. */
	e2e_start(e, (const char *const[]){"--disk", "kept=64K", NULL});
	check_alive(e);
	assert_non_null(strstr(e2e_log(e), "'kept'"));
	e2e_stop(e);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
test_configuration(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	        {"", "config:1"},
	        {"{\n\"policy\": inline}", "config:2"},
	        {"[]", "config"},
	        {"{\"colour\": \"red\"}", "'colour'"},
	        {"{\"config\": \"other\"}", "'config'"},
	        {"{\"policy\": 7}", "'policy'"},
	        {"{\"policy\": \"try-harder\"}", "'try-harder'"},
	        {"{\"disk\": [\"a=1M\", \"b=lots\"]}", "'lots'"},
	        {"{\"disk\": [[\"a=1M\"]]}", "'disk'"},
	        {"{\"policy\": \"inline\", \"policy\": \"inline\"}", "duplicate"},
	};
	struct e2e *e = (struct e2e *)*state;
	char path[96], text[512];
	const char *args[] = {"--config", path, NULL};
	struct zcl_disk *disk;
	struct zcl *zc;

	snprintf(path, sizeof(path), "%s/config", e->dir);
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		write_file(path, cases[i].text);
		e2e_start_fails(e, args, 2, cases[i].says);
	}
	snprintf(text, sizeof(text),
	         "{\"disk\": [\"one=1M\", \"two=2M,mode=0640\"], \"workers\": \"0\",\n"
	         "\"device\": \"none\", \"policy\": \"software\", \"socket-mode\": \"640\",\n"
	         "\"state-dir\": \"%s/elsewhere\"}",
	         e->dir);
	write_file(path, text);
	e2e_start(e, args);
	zc = e2e_connect(e);
	assert_int_equal(zcl_disk_open(zc, "two", &disk), 0);
	assert_int_equal(zcl_disk_pages(disk), 512);
	zcl_disk_close(disk);
	assert_int_equal(zcl_disk_open(zc, "one", &disk), 0);
	zcl_disk_close(disk);
	zcl_close(zc);
	snprintf(e->state, sizeof(e->state), "%s/elsewhere", e->dir);
	e2e_stop(e);
	snprintf(e->state, sizeof(e->state), "%s/state", e->dir);
}

static void
test_help(void **state)
{
	static const char *const options[] = {
	        "--socket", "--socket-mode", "--state-dir", "--workers", "--device",
	        "--disk",   "--policy",      "--config",    "--backend", "--plugin-dir"};
	static struct e2e_result r;

	(void)state;
	e2e_run(&r, (const char *const[]){getenv("ZCOMPD"), "--help", NULL});
	assert_int_equal(r.status, 0);
	for (size_t i = 0; i < TEST_NR(options); i++)
		assert_non_null(strstr(r.out, options[i]));
	e2e_run(&r, (const char *const[]){getenv("ZCOMPD"), "--version", NULL});
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "zcompd "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_wrong_command_lines),
	        cmocka_unit_test(test_what_cannot_be),
	        cmocka_unit_test(test_state_dir_on_a_disk),
	        cmocka_unit_test(test_open_state_dir),
	        cmocka_unit_test(test_held_by_a_live_one),
	        cmocka_unit_test(test_left_by_a_dead_one),
	        cmocka_unit_test(test_configuration),
	        cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, e2e_setup, e2e_teardown);
}
