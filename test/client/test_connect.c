/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The control connection: where it goes, whom it trusts, what it takes for an answer. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_util.h"

#include "client/client_private.h"
#include "fake.h"
#include "ipc/shm.h"

static struct fake fake;

static int
setup(void **state)
{
	(void)state;
	fake_create(&fake, ZWIRE_PAGE_SIZE, 16);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_destroy(&fake);
	return 0;
}

static struct zcl *
connected(const struct zcl_opts *opts)
{
	struct zcl *zc;

	assert_int_equal(zcl_connect(fake.path, opts, &zc), 0);
	return zc;
}

static void
test_connects(void **state)
{
	unsigned int nr_fds = test_open_fds();
	struct zcl *zc = connected(NULL);
	struct pollfd p = {zcl_fd(zc), POLLIN | POLLRDHUP, 0};

	(void)state;
	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_HELLO), 1);
	fake_kill(&fake);
	assert_int_equal(poll(&p, 1, -1), 1);
	assert_true((p.revents & POLLRDHUP) != 0);
	zcl_close(zc);
	zcl_close(NULL);
	fake_start(&fake);
	assert_int_equal(test_open_fds(), nr_fds);
}

static void
test_nobody_there(void **state)
{
	struct sockaddr_un addr;
	struct zcl *zc;
	char path[300];
	int sock;

	(void)state;
	snprintf(path, sizeof(path), "%s/other", fake.dir);
	assert_int_equal(zcl_connect(path, NULL, &zc), -ENOENT);
	assert_int_equal(zshm_sockaddr(path, &addr), 0);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(zcl_connect(path, NULL, &zc), -ECONNREFUSED);
	close(sock);
	unlink(path);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(zcl_connect(path, NULL, &zc), -ENAMETOOLONG);
}

static void
test_default_path(void **state)
{
	char path[64];
	struct zcl *zc;

	(void)state;
	snprintf(path, sizeof(path), "%s/zcompd.sock", fake.dir);
	assert_int_equal(setenv("ZCOMPD_SOCKET", fake.path, 1), 0);
	assert_int_equal(zcl_connect(NULL, NULL, &zc), 0);
	zcl_close(zc);
	assert_int_equal(unsetenv("ZCOMPD_SOCKET"), 0);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", fake.dir, 1), 0);
	assert_int_equal(zcl_connect(NULL, NULL, &zc), -ENOENT);
	assert_int_equal(symlink(fake.path, path), 0);
	assert_int_equal(zcl_connect(NULL, NULL, &zc), 0);
	zcl_close(zc);
	unlink(path);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

/* Another user made the folder first: a child without rights must not talk to what is in it. */
static void
test_foreign_folder(void **state)
{
	char dir[64];
	struct zcl *zc;
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	/* A user of this process's own, so that runs side by side do not meet. */
	snprintf(dir, sizeof(dir), "/dev/shm/zcompd-%d", 100000 + getpid());
	pid = fork();
	if (pid == 0) {
		unsetenv("ZCOMPD_SOCKET");
		unsetenv("XDG_RUNTIME_DIR");
		if (setuid((uid_t)(100000 + getppid())) != 0)
			_exit(1);
		if (zcl_connect(NULL, NULL, &zc) != -ENOENT)
			_exit(2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(mkdir(dir, 0777), 0);
	pid = fork();
	if (pid == 0) {
		if (setuid((uid_t)(100000 + getppid())) != 0)
			_exit(1);
		_exit(zcl_connect(NULL, NULL, &zc) == -EACCES ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rmdir(dir);
	assert_int_equal(status, 0);
}

static void
test_foreign_server(void **state)
{
	struct zcl_opts opts = {.sz = sizeof(opts), .flags = ZCL_ALLOW_USER, .user = 54321};
	struct zcl *zc;

	(void)state;
	if (geteuid() != 0)
		skip();
	fake_kill(&fake);
	fake.user = 54321;
	fake_start(&fake);
	assert_int_equal(zcl_connect(fake.path, NULL, &zc), -EACCES);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_HELLO), 0);
	zc = connected(&opts);
	zcl_close(zc);
	opts.user++;
	assert_int_equal(zcl_connect(fake.path, &opts, &zc), -EACCES);
	fake.user = 0;
}

static void
test_versions(void **state)
{
	const struct fake_answer refused = {.error = -EPROTO};
	struct zcl *zc;

	(void)state;
	fake.hello.version = ZWIRE_VERSION_MAX + 1;
	assert_int_equal(zcl_connect(fake.path, NULL, &zc), -EPROTO);
	fake.hello.version = 0;
	assert_int_equal(zcl_connect(fake.path, NULL, &zc), -EPROTO);
	fake.hello.version = ZWIRE_VERSION_MAX;
	fake.hello.magic++;
	assert_int_equal(zcl_connect(fake.path, NULL, &zc), -EPROTO);
	fake.hello.magic--;
	fake_answer(&fake, ZWIRE_HELLO, refused);
	assert_int_equal(zcl_connect(fake.path, NULL, &zc), -EPROTO);
}

static void
test_bad_hello(void **state)
{
	static const struct {
		struct fake_answer answer;
		int ret;
	} cases[] = {
	        {{.how = FAKE_HANGUP}, -ECONNRESET},
	        {{.how = FAKE_SHORT}, -EPROTO},
	        {{.how = FAKE_CUT}, -EPROTO},
	        {{.how = FAKE_LONG}, -EPROTO},
	        {{.how = FAKE_WRONG_LEN}, -EPROTO},
	        {{.how = FAKE_WRONG_TYPE}, -EPROTO},
	        {{.how = FAKE_TOO_LARGE}, -EPROTO},
	        {{.more_fds = 1}, -EPROTO},
	        {{.error = 1}, -EPROTO},
	        {{.error = -4096}, -EPROTO},
	        {{.error = -EACCES, .more_fds = 1}, -EPROTO},
	        {{.error = -EDQUOT}, -EDQUOT},
	};
	unsigned int nr_fds = test_open_fds();
	struct zcl *zc;

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		fake_answer(&fake, ZWIRE_HELLO, cases[i].answer);
		assert_int_equal(zcl_connect(fake.path, NULL, &zc), cases[i].ret);
	}
	fake_kill(&fake);
	fake_start(&fake);
	assert_int_equal(test_open_fds(), nr_fds);
}

static void
test_no_answer(void **state)
{
	const struct zcl_opts hasty = {.sz = sizeof(hasty), .timeout_ms = 20};
	const struct fake_answer late = {.how = FAKE_LATE};
	struct zcl *zc;

	(void)state;
	fake_answer(&fake, ZWIRE_HELLO, late);
	assert_int_equal(zcl_connect(fake.path, &hasty, &zc), -ETIME);
}

/* A reply that comes after its request was given up on belongs to nobody. */
static void
test_late_reply(void **state)
{
	const struct fake_answer late = {.how = FAKE_LATE};
	const struct fake_answer proper = {.how = FAKE_PROPER};
	struct zcl_disk *disk;
	struct zcl *zc = connected(NULL);
	unsigned int nr_fds = test_open_fds();
	char reply[64];

	(void)state;
	fake_answer(&fake, ZWIRE_DISK_OPEN, late);
	zc->timeout_ms = 20;
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), -ETIME);
	zc->timeout_ms = CLIENT_TIMEOUT_MS;
	fake_answer(&fake, ZWIRE_DISK_OPEN, proper);
	assert_int_equal(zcl_admin(zc, "{}", reply, sizeof(reply)), 0);
	assert_string_equal(reply, "{\"ok\":true}");
	assert_int_equal(test_open_fds(), nr_fds);
	assert_int_equal(zcl_disk_open(zc, FAKE_DISK, &disk), 0);
	zcl_disk_close(disk);
	zcl_close(zc);
}

static void
test_garbage_ends_the_session(void **state)
{
	const struct fake_answer wrong = {.how = FAKE_WRONG_TYPE};
	const struct fake_answer proper = {.how = FAKE_PROPER};
	struct zcl *zc = connected(NULL);
	char reply[64];

	(void)state;
	fake_answer(&fake, ZWIRE_ADMIN, wrong);
	assert_int_equal(zcl_admin(zc, "{}", reply, sizeof(reply)), -EPROTO);
	fake_answer(&fake, ZWIRE_ADMIN, proper);
	assert_int_equal(zcl_admin(zc, "{}", reply, sizeof(reply)), -ECONNRESET);
	assert_int_equal(zcl_reconnect(zc, -1), 0);
	assert_int_equal(zcl_admin(zc, "{}", reply, sizeof(reply)), 0);
	zcl_close(zc);
}

static void
test_admin(void **state)
{
	const struct fake_answer refused = {.error = -EACCES};
	static char request[ZWIRE_MSG_MAX], reply[ZWIRE_MSG_MAX];
	struct zcl *zc = connected(NULL);
	size_t len = strlen(fake.admin_reply);

	(void)state;
	assert_int_equal(zcl_admin(zc, "{\"cmd\":\"list\"}", reply, len + 1), 0);
	assert_string_equal(reply, fake.admin_reply);
	assert_string_equal(fake.admin, "{\"cmd\":\"list\"}");
	assert_int_equal(zcl_admin(zc, "{}", reply, len), -E2BIG);
	assert_int_equal(zcl_admin(zc, "{}", reply, 0), -E2BIG);
	memset(request, ' ', sizeof(request) - 1);
	assert_int_equal(zcl_admin(zc, request, reply, sizeof(reply)), -E2BIG);
	assert_int_equal(fake_nr_requests(&fake, ZWIRE_ADMIN), 3);
	request[ZWIRE_MSG_MAX - sizeof(struct zwire_hdr)] = '\0';
	assert_int_equal(zcl_admin(zc, request, reply, sizeof(reply)), 0);
	assert_string_equal(fake.admin, request);

	/* An error with its JSON, and one without. */
	fake_answer(&fake, ZWIRE_ADMIN, refused);
	fake.admin_reply = "{\"ok\":false,\"error\":-13}";
	assert_int_equal(zcl_admin(zc, "{}", reply, sizeof(reply)), 0);
	assert_string_equal(reply, fake.admin_reply);
	fake.admin_reply = "";
	assert_int_equal(zcl_admin(zc, "{}", reply, sizeof(reply)), 0);
	assert_non_null(strstr(reply, "{\"ok\":false,\"error\":-13,\"message\":\""));
	assert_int_equal(zcl_admin(zc, "{}", reply, 8), -E2BIG);
	zcl_close(zc);
}

static void
test_opts(void **state)
{
	struct {
		struct zcl_opts opts;
		uint64_t later;
	} big = {{.sz = sizeof(big)}, 0};
	struct zcl_opts opts = {.sz = sizeof(opts)};
	struct zcl *zc;

	(void)state;
	zc = connected(&big.opts);
	zcl_close(zc);
	big.later = 1;
	assert_int_equal(zcl_connect(fake.path, &big.opts, &zc), -E2BIG);
	big.opts.sz = (size_t)1 << 40;
	assert_int_equal(zcl_connect(fake.path, &big.opts, &zc), -E2BIG);
	opts.sz = 0;
	assert_int_equal(zcl_connect(fake.path, &opts, &zc), -EINVAL);
	opts.sz = offsetof(struct zcl_opts, user) - 1;
	assert_int_equal(zcl_connect(fake.path, &opts, &zc), -EINVAL);
	opts.sz = offsetof(struct zcl_opts, user);
	zc = connected(&opts);
	zcl_close(zc);
	opts.flags = 1u << 31;
	assert_int_equal(zcl_connect(fake.path, &opts, &zc), -EINVAL);
	opts.flags = 0;
	opts.timeout_ms = -2;
	assert_int_equal(zcl_connect(fake.path, &opts, &zc), -EINVAL);
}

static void
test_forked_child(void **state)
{
	struct zcl *zc = connected(NULL);
	struct zcl_disk *disk;
	char reply[64];
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		bool ok = zcl_admin(zc, "{}", reply, sizeof(reply)) == -EPERM &&
		          zcl_fd(zc) == -EPERM && zcl_reconnect(zc, 0) == -EPERM &&
		          zcl_disk_remove(zc, FAKE_DISK) == -EPERM &&
		          zcl_disk_open(zc, FAKE_DISK, &disk) == -EPERM;

		zcl_close(zc);
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* The child's close did not end the parent's session. */
	assert_int_equal(zcl_admin(zc, "{}", reply, sizeof(reply)), 0);
	zcl_close(zc);
}

static void
test_strerror(void **state)
{
	(void)state;
	assert_string_equal(zcl_strerror(0), "success");
	assert_string_equal(zcl_strerror(-ECONNRESET), "the service is gone");
	assert_non_null(strstr(zcl_strerror(-EXDEV), "link"));
	assert_string_equal(zcl_strerror(-100000), "unknown error");
	assert_string_equal(zcl_strerror(INT32_MIN), "unknown error");
	assert_string_equal(zcl_strerror(EINVAL), "unknown error");
}

static void
test_version(void **state)
{
	char text[32];

	(void)state;
	snprintf(text, sizeof(text), "%u.%u.%u", zcl_version() >> 16, zcl_version() >> 8 & 0xff,
	         zcl_version() & 0xff);
	assert_string_equal(text, PROJECT_VERSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_connects, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_nobody_there, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_default_path, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_foreign_folder, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_foreign_server, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_versions, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_bad_hello, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_no_answer, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_late_reply, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_garbage_ends_the_session, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_admin, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_opts, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_forked_child, setup, teardown),
	        cmocka_unit_test(test_strerror),
	        cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
