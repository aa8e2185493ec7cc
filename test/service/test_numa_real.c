/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * What the kernel makes of our wishes, on a host that has several nodes: where pages lie. Nodes are
 * expected to have some megabytes left.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <numa.h>
#include <numaif.h>

#include "test_util.h"

#include "ipc/shm.h"
#include "numa_policy.h"

#define SKIPPED 77
#define PAGE    4096u
#define PAGES   64u

static struct zd_numa numa_is;

/* A file in memory, mapped. */
static char *
map_file(int *fd)
{
	void *map;

	*fd = zshm_memfd("numa", PAGES * PAGE);
	assert_true(*fd >= 0);
	assert_int_equal(zshm_map(*fd, PAGES * PAGE, &map), 0);
	return (char *)map;
}

/* How many of the pages lie on that node; all of them are there. */
static unsigned int
pages_on(const volatile char *map, int node)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < PAGES; i++) {
		void *page = (void *)(uintptr_t)&map[i * PAGE];
		int status;

		(void)map[i * PAGE];
		assert_int_equal(move_pages(0, 1, &page, NULL, &status, 0), 0);
		assert_true(status >= 0);
		nr += status == node;
	}
	return nr;
}

/* @return a CPU of that node that we may use, or -1 */
static int
cpu_of(int node)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set) &&
		    zd_numa_node_of_cpu(&numa_is, (unsigned int)cpu) == node)
			return cpu;
	}
	return -1;
}

/* A queue's memory lies where it is asked for, whoever touches it, and the rest does not care. */
static void
test_place(void **state)
{
	(void)state;
	for (int node = 0; node <= numa_max_node(); node++) {
		char *map;
		int fd;

		if (numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned int)node) == 0)
			continue;
		map = map_file(&fd);
		zd_numa_place(&numa_is, map, PAGES * PAGE, node);
		assert_false(numa_is.has_complained);
		memset(map, 1, PAGES / 2 * PAGE);
		assert_int_equal(fallocate(fd, 0, 0, PAGES * PAGE), 0);
		assert_int_equal(pages_on(map, node), PAGES);
		munmap(map, PAGES * PAGE);
		close(fd);
	}
}

/* What this thread allocates lies near the CPUs, and by turns where they are of several nodes. */
static void
test_stay_near(void **state)
{
	unsigned int cpus[2], nr = 0;

	(void)state;
	for (int node = 0; node <= numa_max_node() && nr < 2; node++) {
		int cpu = cpu_of(node), fd;
		char *map;

		if (cpu < 0)
			continue;
		cpus[nr++] = (unsigned int)cpu;
		zd_numa_stay_near(&numa_is, &cpus[nr - 1], 1);
		map = map_file(&fd);
		assert_int_equal(fallocate(fd, 0, 0, PAGES * PAGE), 0);
		assert_int_equal(pages_on(map, node), PAGES);
		munmap(map, PAGES * PAGE);
		close(fd);
	}
	if (nr == 2) {
		int fd;
		char *map = map_file(&fd);

		zd_numa_stay_near(&numa_is, cpus, 2);
		assert_int_equal(fallocate(fd, 0, 0, PAGES * PAGE), 0);
		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(pages_on(map, zd_numa_node_of_cpu(&numa_is, cpus[i])),
			                 PAGES / 2);
		munmap(map, PAGES * PAGE);
		close(fd);
	}
	assert_false(numa_is.has_complained);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_place),
	        cmocka_unit_test(test_stay_near),
	};

	zd_numa_init(&numa_is);
	if (!numa_is.is_on) {
		puts("skipped: one node, or a policy that the test was started under");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
