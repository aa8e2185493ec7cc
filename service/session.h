/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_SESSION_H
#define ZD_SESSION_H

#include "zd.h"

/**
 * @file
 * Sessions: one for each connected client. Main lcore.
 */

/** Takes a connected socket, which is the session's from now on, also when this fails. */
int zd_session_open(struct zd *zd, int sock);

/** Ends a session: its queues are drained by their workers, then it is freed. */
void zd_session_close(struct zd_session *s, const char *why);

/** @return a session that is not closing yet, or NULL */
struct zd_session *zd_session_first_open(struct zd *zd);

/**
 * Answers the sessions that wait for a disk's compaction.
 * @param error 0, or -ENODEV: the disk was removed
 */
void zd_session_compacted(struct zd *zd, const struct zd_disk *disk, int error);

/** A worker has given a queue back. */
void zd_session_queue_gone(struct zd_queue *q);

#endif
