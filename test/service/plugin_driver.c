/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* What a driver for another DPDK is to who loads it: an object that has an EAL of its own. */

__attribute__((visibility("default"))) int rte_eal_init(int argc, char **argv);

int
rte_eal_init(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return -1;
}
