/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

#ifndef TEST_SIM_ENV_H
#define TEST_SIM_ENV_H

/**
 * @file
 * comp_env.h for compress_sim: devices by their arguments, and what a test does to time.
 *
 * No test may say by when something comes, only what it does not come before.
 */

#include "comp_env.h"

#define SIM_NAME "compress_sim_test"

/** cmocka group set-up and teardown: the pools, without a device. */
int sim_pools_create(void **state);
int sim_pools_free(void **state);

/** Create the device of these arguments, with @p nr queue pairs of @p depth, and start it. */
void sim_open(const char *args, uint16_t nr, uint32_t depth);

/** Create it only: env.dev and env.name are set, there are no xforms. */
void sim_probe(const char *args);

/** Take the device away; fails if an operation or an mbuf is missing. */
void sim_close(void);

/** Cycles of the TSC, rounded down as the driver does. */
uint64_t sim_cycles(double us);

/** Let time pass until the TSC says @p when. */
void sim_wait(uint64_t when);

/** @p nr operations that compress a page of test_fill() by their tag, which is @p tag and up. */
void sim_ops_create(struct rte_comp_op **ops, unsigned int nr, uint32_t tag);

void sim_ops_free(struct rte_comp_op **ops, unsigned int nr);

/** The operation succeeded, and liblz4 makes its page of its block. */
void sim_op_check(struct rte_comp_op *op);

/** The tags are tag, tag + 1 and so on. */
bool sim_in_order(struct rte_comp_op **ops, unsigned int nr, uint32_t tag);

#endif /* TEST_SIM_ENV_H */
