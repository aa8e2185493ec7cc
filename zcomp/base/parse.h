/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZC_PARSE_H
#define ZC_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * @file
 * What people type: sizes, numbers, names, lists of key=value. Any thread, no allocation.
 */

/**
 * Reads a size: digits, then nothing or one of K, M, G, T (powers of 1024, either case).
 * @return 0, -EINVAL (not a size), -ERANGE (does not fit 64 bits)
 */
int zc_parse_size(const char *text, uint64_t *size);

/** Reads a decimal number without sign. @return 0, -EINVAL, -ERANGE (above @p max) */
int zc_parse_u64(const char *text, uint64_t max, uint64_t *value);

/** @return whether @p name may name a disk: `[A-Za-z0-9][A-Za-z0-9._-]{0,62}` */
bool zc_name_valid(const char *name);

/**
 * Takes the next `key=value` or `key` off a list that @p sep separates, in place.
 * @param list  the rest of the list; NULL after the last one
 * @param value the value, or NULL for a bare key
 * @return the key, or NULL when nothing is left
 */
char *zc_next_pair(char **list, char sep, char **value);

#endif
