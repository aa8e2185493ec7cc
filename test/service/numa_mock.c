/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* What the service uses of libnuma, on a host that is not there. */

#include "numa_mock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <numa.h>
#include <numaif.h>

#define NODES 2048u

struct mock_numa mock_numa;

int __wrap_numa_available(void);
int __wrap_numa_node_of_cpu(int cpu);
long __wrap_get_mempolicy(int *mode, unsigned long *nodes, unsigned long max, void *addr,
                          unsigned int flags);
long __wrap_set_mempolicy(int mode, const unsigned long *nodes, unsigned long max);
long __wrap_mbind(void *mem, unsigned long len, int mode, const unsigned long *nodes,
                  unsigned long max, unsigned int flags);

/* The library frees its set at exit. */
void
mock_numa_reset(void)
{
	static bool is_ours;

	if (!is_ours) {
		numa_bitmask_free(numa_all_nodes_ptr);
		numa_all_nodes_ptr = numa_bitmask_alloc(NODES);
	}
	is_ours = true;
	memset(&mock_numa, 0, sizeof(mock_numa));
	numa_all_nodes_ptr->maskp[0] = 3;
}

int
__wrap_numa_available(void)
{
	numa_all_nodes_ptr->maskp[0] = mock_numa.one_node ? 1 : 3;
	return mock_numa.unavailable ? -1 : 0;
}

int
__wrap_numa_node_of_cpu(int cpu)
{
	if (cpu == MOCK_CPU_UNKNOWN) {
		errno = EINVAL;
		return -1;
	}
	return cpu == MOCK_CPU_BARE ? 5 : cpu % 2;
}

static long
result(int err)
{
	errno = err;
	return err != 0 ? -1 : 0;
}

long
__wrap_get_mempolicy(int *mode, unsigned long *nodes, unsigned long max, void *addr,
                     unsigned int flags)
{
	if (nodes != NULL || max != 0 || addr != NULL || flags != 0)
		return result(EINVAL);
	*mode = mock_numa.mode;
	return result(mock_numa.get_mempolicy_err);
}

/* As the kernel counts: one bit less than it is told, and none beyond the nodes that it has. */
static long
note(struct mock_call call, const unsigned long *nodes, unsigned long max, const char *what,
     int err)
{
	unsigned long bits = max - 1;

	for (unsigned long i = 1; i * CHAR_BIT * sizeof(*nodes) < bits; i++) {
		if (nodes[i] != 0)
			return result(EINVAL);
	}
	call.nodes = nodes[0];
	if (mock_numa.nr_calls < sizeof(mock_numa.calls) / sizeof(mock_numa.calls[0]))
		mock_numa.calls[mock_numa.nr_calls++] = call;
	if (mock_numa.loud)
		fprintf(stderr, "mock: %s mode=%d nodes=%lx len=%zu\n", what, call.mode, call.nodes,
		        call.len);
	return result(err);
}

long
__wrap_set_mempolicy(int mode, const unsigned long *nodes, unsigned long max)
{
	return note((struct mock_call){.mode = mode}, nodes, max, "set_mempolicy",
	            mock_numa.set_mempolicy_err);
}

long
__wrap_mbind(void *mem, unsigned long len, int mode, const unsigned long *nodes, unsigned long max,
             unsigned int flags)
{
	if (flags != 0)
		return result(EINVAL);
	return note((struct mock_call){.mode = mode, .mem = mem, .len = len}, nodes, max, "mbind",
	            mock_numa.mbind_err);
}
