/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* /compress_sim/stats over DPDK telemetry's own socket. EAL runs in this process. */

#include "sim_env.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include <rte_eal.h>

static char reply[65536];

static void
reply_read(int fd)
{
	ssize_t len = recv(fd, reply, sizeof(reply) - 1, 0);

	assert_true(len > 0);
	reply[len] = '\0';
}

static int
telemetry_connect(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.80s/dpdk_telemetry.v2",
	         rte_eal_get_runtime_dir());
	assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	/* Its greeting. */
	reply_read(fd);
	return fd;
}

/* What it answers to @p request: the value of the one member. Free it. */
static json_t *
ask(int fd, const char *request)
{
	json_t *all, *value;

	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	reply_read(fd);
	all = json_loads(reply, 0, NULL);
	assert_non_null(all);
	value = json_object_get(all, "/compress_sim/stats");
	json_incref(value);
	json_decref(all);
	return value;
}

static void
stats(void **state)
{
	static const char *const names[] = {"ops",      "busy",        "hung",        "failed",
	                                    "late_ops", "late_ns_max", "late_ns_sum", "engine_ns"};
	static const json_int_t values[] = {9, 3, 4, 5};
	struct rte_comp_op *ops[12], *back[5];
	json_t *answer;
	int fd = telemetry_connect();

	(void)state;
	sim_open("codec=null,latency_us=10,reset_at=5,hang_at=6", 1, 9);
	sim_ops_create(ops, RTE_DIM(ops), 0);
	assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, ops, 12), 9);
	test_dequeue_all(0, back, 5);
	answer = ask(fd, "/compress_sim/stats," SIM_NAME);
	assert_int_equal(json_object_size(answer), RTE_DIM(names));
	for (unsigned int i = 0; i < RTE_DIM(names); i++)
		assert_true(json_is_integer(json_object_get(answer, names[i])));
	for (unsigned int i = 0; i < RTE_DIM(values); i++)
		assert_int_equal(json_integer_value(json_object_get(answer, names[i])), values[i]);
	json_decref(answer);
	assert_true(json_is_null(ask(fd, "/compress_sim/stats,compress_sim_other")));
	assert_true(json_is_null(ask(fd, "/compress_sim/stats")));
	sim_ops_free(ops, RTE_DIM(ops));
	sim_close();
	assert_true(json_is_null(ask(fd, "/compress_sim/stats," SIM_NAME)));
	close(fd);
}

/* As test_eal_start(), with telemetry. */
static int
eal_start(void)
{
	char prefix[32];
	char *argv[] = {
	        (char *)(uintptr_t) "test",
	        (char *)(uintptr_t) "--no-huge",
	        (char *)(uintptr_t) "--no-pci",
	        (char *)(uintptr_t) "--no-shconf",
	        (char *)(uintptr_t) "-m",
	        (char *)(uintptr_t) "64",
	        (char *)(uintptr_t) "--file-prefix",
	        prefix,
	        NULL,
	};

	snprintf(prefix, sizeof(prefix), "zctest-%d", (int)getpid());
	return rte_eal_init((int)RTE_DIM(argv) - 1, argv);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(stats),
	};
	char path[128];
	int failed;

	if (eal_start() < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, sim_pools_create, sim_pools_free);
	/* EAL leaves its socket to the end of the process. */
	snprintf(path, sizeof(path), "%.80s/dpdk_telemetry.v2", rte_eal_get_runtime_dir());
	unlink(path);
	test_eal_stop();
	return failed;
}
