/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_ADMIN_H
#define ZD_ADMIN_H

#include <stddef.h>

#include "creds.h"

struct zd;
struct zd_disk;

/**
 * Carries out a JSON request and writes the JSON reply over it (design, section 8). Main lcore.
 * @param text the request, @p len bytes, not terminated; then the reply, with its length in @p len
 * @param room  bytes at @p text
 * @param later NULL; set to the disk whose compaction the reply waits for: then there is none yet
 * @return the error that the reply names, 0 or a negative errno
 */
int zd_admin(struct zd *zd, const struct zd_creds *who, char *text, size_t *len, size_t room,
             struct zd_disk **later);

/**
 * Writes the reply to a request for compaction, when it is done.
 * @param error 0, or -ENODEV: the disk was removed meanwhile
 * @param len   room at @p text, 512 bytes at least; then the reply's length
 */
void zd_admin_compacted(const struct zd_disk *disk, int error, char *text, size_t *len);

#endif
