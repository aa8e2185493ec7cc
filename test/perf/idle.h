/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef IDLE_H
#define IDLE_H

#include "goal.h"
#include "service_disk.h"

/**
 * @file
 * What ptest idle measures, and ptest goals, too: a service that has nothing to do. @p rows, where
 * it is not NULL, gets what goals are made of. All return 0, or -errno.
 */

/** CPU time that the service takes while nobody asks for anything. */
int idle_cpu(const struct service_disk *on, struct goal_list *goals, json_t *rows);

/** A same-filled store to a sleeping service, against a bare eventfd. The client spins. */
int idle_wake(const struct service_disk *on, struct zcl_queue *queue, struct goal_list *goals,
              json_t *rows);

/** Resident memory without arenas and queue memory. */
int idle_memory(const struct service_disk *on, struct goal_list *goals, json_t *rows);

/** From the start of zcompd to the first store, against the start of EAL alone. */
int idle_start(const struct target_env *env, struct goal_list *goals, json_t *rows);

/** All of them, over a service that is started or found. */
int idle_all(const struct target_env *env, struct goal_list *goals, json_t *rows);

/** A row. @param unit as in "percent" */
void idle_row(json_t *rows, const char *figure, double value, const char *unit);

#endif
