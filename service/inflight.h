/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_INFLIGHT_H
#define ZD_INFLIGHT_H

#include <stdint.h>

#include <stdbool.h>

#include "op.h"

/**
 * @file
 * The pages of one queue's operations in flight. Operations on one page take effect in the order of
 * submission, whichever way each goes; so a later one hangs off the earlier until that is complete.
 * Private memory of the worker.
 */

struct zd_inflight {
	struct zd_op **buckets;
	uint32_t mask;
};

/** @param depth the most operations that will be in it. @return 0, -ENOMEM */
int zd_inflight_init(struct zd_inflight *t, uint32_t depth);

/** Frees the table, which is empty or will not be used again. */
void zd_inflight_fini(struct zd_inflight *t);

/**
 * Enters an operation under its page.
 * @return whether it may start now; otherwise zd_inflight_del() of the one before will return it
 */
bool zd_inflight_add(struct zd_inflight *t, struct zd_op *op);

/** Takes a completed operation out. @return the one that may start now, or NULL */
struct zd_op *zd_inflight_del(struct zd_inflight *t, struct zd_op *op);

#endif
