/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_OOM_UTIL_H
#define TEST_OOM_UTIL_H

#include <stdbool.h>

/**
 * @file
 * Allocations that fail on demand, by the linker's --wrap, and the count of blocks in use.
 */

/** Blocks allocated and not freed, since oom_reset(). */
extern int oom_blocks;

void oom_reset(void);

/** From now on allocation number @p at fails, counted from 1, and all after it if @p for_good; 0:
 * none. */
void oom_arm(unsigned int at, bool for_good);

#endif
