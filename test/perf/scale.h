/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef SCALE_H
#define SCALE_H

#include "goal.h"
#include "target.h"

/**
 * @file
 * What ptest scale measures, and ptest goals, too. Each starts or finds a service for itself.
 * @p rows, where it is not NULL, gets a row for each point. All return 0, or -errno.
 */

/** Loads by 1 to N threads on N CPUs. */
int scale_loads(const struct target_env *env, struct goal_list *goals, json_t *rows);

/** Stores by several clients, with several queues each, with several workers. */
int scale_stores(const struct target_env *env, json_t *rows);

/** 64 clients that store at once. */
int scale_fairness(const struct target_env *env, struct goal_list *goals);

/** One client among many that are connected and do nothing. */
int scale_idle_clients(const struct target_env *env, struct goal_list *goals);

/**
 * A row: what, with how many threads, clients, queues of each and workers (0 = does not matter, or
 * not known).
 * @param fairness the least over the most; negative = nothing to compare
 */
void scale_row(json_t *rows, const char *what, const unsigned int counts[4], double per_s,
               double fairness);

/** @return the CPU that is number @p nr of those that this process has, or -1 */
int scale_cpu(const struct perf_place *place, unsigned int nr);

#endif
