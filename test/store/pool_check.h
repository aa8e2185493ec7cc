/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef POOL_CHECK_H
#define POOL_CHECK_H

#include "store/pool.h"

/**
 * Recomputes all of the pool's sums and lists from its pages and bitmaps, and asserts (cmocka) that
 * they agree. Nobody else is in the pool.
 * @return number of live objects
 */
uint64_t pool_check(const struct zs_pool *pool);

#endif
