/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Where the socket is: each of the places in its turn, and paths that no socket address holds. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test_util.h"

#include "ipc/socket_path.h"

static int
no_environment(void **state)
{
	(void)state;
	unsetenv("ZCOMPD_SOCKET");
	unsetenv("XDG_RUNTIME_DIR");
	return 0;
}

static void
check(const char *path, const char *expected, bool own)
{
	struct sockaddr_un addr;
	bool own_dir = !own;

	memset(&addr, 0xa5, sizeof(addr));
	assert_int_equal(zsocket_path(path, &addr, &own_dir), 0);
	assert_int_equal(addr.sun_family, AF_UNIX);
	assert_string_equal(addr.sun_path, expected);
	assert_int_equal(own_dir, own);
}

static void
test_order(void **state)
{
	(void)state;
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	check(NULL, "/run/user/7/zcompd.sock", false);
	setenv("ZCOMPD_SOCKET", "/a/socket", 1);
	check(NULL, "/a/socket", false);
	check("", "/a/socket", false);
	check("/given", "/given", false);
	setenv("ZCOMPD_SOCKET", "", 1);
	check(NULL, "/run/user/7/zcompd.sock", false);
	check("relative", "relative", false);
}

static void
test_default(void **state)
{
	const uid_t was = geteuid();
	char expected[64];

	(void)state;
	setenv("XDG_RUNTIME_DIR", "", 1);
	if (was == 0) {
		check(NULL, "/run/zcompd/zcompd.sock", false);
		/* Not where this root is the only user that there is. */
		if (seteuid(1) < 0)
			skip();
	}
	snprintf(expected, sizeof(expected), "/dev/shm/zcompd-%u/sock", (unsigned int)geteuid());
	check(NULL, expected, true);
	assert_int_equal(seteuid(was), 0);
}

static void
test_too_long(void **state)
{
	struct sockaddr_un addr;
	char path[sizeof(addr.sun_path) + 2];
	bool own_dir;

	(void)state;
	for (size_t len = 90; len < sizeof(path); len++) {
		bool fits = len < sizeof(addr.sun_path);
		bool dir_fits = len + strlen("/zcompd.sock") < sizeof(addr.sun_path);

		memset(path, 'p', len);
		path[len] = '\0';
		no_environment(state);
		assert_int_equal(zsocket_path(path, &addr, &own_dir), fits ? 0 : -ENAMETOOLONG);
		setenv("XDG_RUNTIME_DIR", path, 1);
		assert_int_equal(zsocket_path(NULL, &addr, &own_dir), dir_fits ? 0 : -ENAMETOOLONG);
		setenv("ZCOMPD_SOCKET", path, 1);
		assert_int_equal(zsocket_path(NULL, &addr, &own_dir), fits ? 0 : -ENAMETOOLONG);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_order, no_environment),
	        cmocka_unit_test_setup(test_default, no_environment),
	        cmocka_unit_test_setup(test_too_long, no_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
