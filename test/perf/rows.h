/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ROWS_H
#define ROWS_H

#include <stdio.h>

#include <jansson.h>

/**
 * @file
 * Rows of figures: a JSON array of flat objects, which all have the same keys. The table and the
 * CSV are made from them, so that they cannot say different things.
 */

/** Prints them as a table, with the keys in its head. */
void rows_print(const json_t *rows, FILE *out);

/** Writes them, with the keys in the first line. @return 0, -errno, which is told */
int rows_csv(const json_t *rows, const char *path);

#endif
