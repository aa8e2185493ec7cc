/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef REPORT_CSV_H
#define REPORT_CSV_H

#include <jansson.h>

/**
 * Writes the figures of a report: a row for each of each target, and of each ratio.
 * @param root as the JSON has it
 * @return 0, -errno
 */
int report_csv(const json_t *root, const char *path);

#endif
