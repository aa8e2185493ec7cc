/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_ADMIN_H
#define ZD_ADMIN_H

#include <stddef.h>

#include "creds.h"

struct zd;

/**
 * Carries out a JSON request and writes the JSON reply over it (design, section 8). Main lcore.
 * @param text the request, @p len bytes, not terminated; then the reply, with its length in @p len
 * @param room bytes at @p text
 * @return the error that the reply names, 0 or a negative errno
 */
int zd_admin(struct zd *zd, const struct zd_creds *who, char *text, size_t *len, size_t room);

#endif
