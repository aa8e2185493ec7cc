/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_NUMA_MOCK_H
#define TEST_NUMA_MOCK_H

#include <stdbool.h>
#include <stddef.h>

/**
 * @file
 * A host with two nodes, for programs that are linked with numa_mock_wraps: nodes 0 and 1 have
 * memory, even CPUs are node 0's and odd ones node 1's. The kernel is not asked for anything.
 */

/** The CPU of a node that has no memory, and one that nobody knows. */
#define MOCK_CPU_BARE    100
#define MOCK_CPU_UNKNOWN 200

/** One set_mempolicy() or mbind(). */
struct mock_call {
	int mode;
	unsigned long nodes; /**< by bits */
	void *mem;           /**< mbind() */
	size_t len;
};

/** Orders; and what was asked for, in order, if there was room. All zero: everything works. */
struct mock_numa {
	bool unavailable; /**< numa_available() says so */
	bool one_node;
	int mode;              /**< what the process was started under */
	int get_mempolicy_err; /**< of each call: an errno; 0 = none */
	int set_mempolicy_err;
	int mbind_err;
	bool loud; /**< calls are told on standard error, too */
	struct mock_call calls[8];
	unsigned int nr_calls;
};

extern struct mock_numa mock_numa;

/** Forgets orders and calls. Also before the first use. */
void mock_numa_reset(void);

#endif
