/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_SIM_DIR_H
#define TEST_SIM_DIR_H

#include "e2e.h"

#include "plugin_dir.h"

/**
 * @file
 * The cmocka fixture of tests whose services load compress_sim: a folder for `--plugin-dir` that
 * has it, and a struct e2e without a service.
 */

static struct plugin_dir sim_dir;

static inline int
sim_setup(void **state)
{
	plugin_dir_init(&sim_dir);
	plugin_copy(&sim_dir, "TEST_DRIVERS", "librte_compress_sim.so");
	return e2e_setup(state);
}

static inline int
sim_teardown(void **state)
{
	plugin_dir_fini(&sim_dir);
	return e2e_teardown(state);
}

#endif
