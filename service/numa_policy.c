/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Wishes to the kernel. None of them is strict: MPOL_PREFERRED and MPOL_INTERLEAVE both take
 * another node's memory where there is no more.
 *
 * The main lcore's policy is its thread's. It is a thread's policy that fallocate() and page faults
 * on tmpfs obey, so the store needs to know nothing. What another thread may touch first has a
 * policy of its own, which is the file's: both sides of the mapping obey it.
 */

#include "numa_policy.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <numa.h>
#include <numaif.h>

#include "base/log.h"

/* As many as any kernel has. */
#define NODES_MAX     1024u
#define BITS_PER_WORD (sizeof(unsigned long) * CHAR_BIT)

struct nodes {
	unsigned long words[NODES_MAX / BITS_PER_WORD];
	unsigned int nr;
};

static void
nodes_add(struct nodes *nodes, unsigned int node)
{
	unsigned long *word = &nodes->words[node / BITS_PER_WORD];
	unsigned long bit = 1ul << node % BITS_PER_WORD;

	nodes->nr += (*word & bit) == 0;
	*word |= bit;
}

/* @return whether this process may have memory from there */
static bool
is_node(int node)
{
	return node >= 0 && node < (int)NODES_MAX &&
	       numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned int)node) != 0;
}

/* Once: the next one would say the same. */
static void
complain(struct zd_numa *numa, const char *what, int err)
{
	if (!numa->has_complained)
		zc_warn("%s stays where the kernel puts it, which may be a distant node: %s", what,
		        strerror(err));
	numa->has_complained = true;
}

/* @return whether nobody has asked for anything else before us */
static bool
has_no_policy(void)
{
	int mode;

	return get_mempolicy(&mode, NULL, 0, NULL, 0) == 0 &&
	       (mode == MPOL_DEFAULT || mode == MPOL_LOCAL);
}

void
zd_numa_init(struct zd_numa *numa)
{
	numa->has_complained = false;
	numa->is_on = numa_available() >= 0 && numa_bitmask_weight(numa_all_nodes_ptr) > 1 &&
	              has_no_policy();
}

int
zd_numa_node_of_cpu(const struct zd_numa *numa, unsigned int cpu)
{
	int node = numa->is_on ? numa_node_of_cpu((int)cpu) : -1;

	return is_node(node) ? node : -1;
}

void
zd_numa_stay_near(struct zd_numa *numa, const unsigned int *cpus, unsigned int nr)
{
	struct nodes nodes = {0};

	for (unsigned int i = 0; i < nr; i++) {
		int node = zd_numa_node_of_cpu(numa, cpus[i]);

		if (node >= 0)
			nodes_add(&nodes, (unsigned int)node);
	}
	/* The kernel counts one bit less than it is told. */
	if (nodes.nr > 0 && set_mempolicy(nodes.nr == 1 ? MPOL_PREFERRED : MPOL_INTERLEAVE,
	                                  nodes.words, NODES_MAX + 1) < 0)
		complain(numa, "memory for disks", errno);
}

void
zd_numa_place(struct zd_numa *numa, void *mem, size_t len, int node)
{
	struct nodes nodes = {0};

	if (!numa->is_on || !is_node(node))
		return;
	nodes_add(&nodes, (unsigned int)node);
	if (mbind(mem, len, MPOL_PREFERRED, nodes.words, NODES_MAX + 1, 0) < 0)
		complain(numa, "a queue's memory", errno);
}
