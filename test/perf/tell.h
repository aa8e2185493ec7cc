/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TELL_H
#define TELL_H

#include "goal.h"
#include "report.h"
#include "target.h"

/**
 * Makes rows and goals a ptest's part of the report, and writes the CSV where it is wanted.
 * @param rows  rows.h; becomes the report's; NULL = none
 * @param goals NULL = none
 * @return 0, -ENOMEM, -errno
 */
int tell(const struct target_env *env, struct report *report, json_t *rows,
         const struct goal_list *goals);

#endif
