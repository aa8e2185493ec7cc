/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef GOALS_H
#define GOALS_H

#include "goal.h"
#include "target.h"

/**
 * @file
 * The parts of ptest goals. Each makes the targets and services that it needs, one after the other:
 * a zram device can be in use once. All return 0, or -errno.
 */

/** @return the target zram of the command line, or NULL */
const struct target_ops *goals_zram(const struct target_env *env);

/** Adds goals that need zram, which is not there. The last one is NULL. */
void goals_skip_zram(struct goal_list *goals, const struct goal_def *const *defs);

/** Stores and loads of the whole corpus, and what the objects take. */
int goals_corpus(const struct target_env *env, struct goal_list *goals);

/** Loads of 256 hot pages. */
int goals_hot(const struct target_env *env, struct goal_list *goals);

/** Same-filled stores of hot pages. */
int goals_same(const struct target_env *env, struct goal_list *goals);

/** Stores of borrowed buffers. */
int goals_buf(const struct target_env *env, struct goal_list *goals);

/** Discards through the rings, and their round trip. */
int goals_discard(const struct target_env *env, struct goal_list *goals);

/** Clients that compress for themselves. */
int goals_compress(const struct target_env *env, struct goal_list *goals);

/** A neighbour on the storing thread's CPU. */
int goals_victim(const struct target_env *env, struct goal_list *goals);

/**
 * The first pages of a corpus, as a corpus. They stay that corpus's.
 * @param nr pages, 1 to c->nr
 * @return 0, -ENOMEM
 */
int goals_view(const struct corpus *c, uint32_t nr, struct corpus *view);
void goals_view_fini(struct corpus *view);

#endif
