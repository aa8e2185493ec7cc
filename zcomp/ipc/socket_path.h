/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZSOCKET_PATH_H
#define ZSOCKET_PATH_H

#include <stdbool.h>
#include <sys/un.h>

/**
 * @file
 * Where the service listens and clients look for it, when nobody says.
 */

/** The default state directory, with the user's number; in /dev/shm, where anybody may make one. */
#define ZSOCKET_STATE_DIR "/dev/shm/zcompd-%u"

/**
 * Fills in the service's address.
 * @param path    as somebody gave it. NULL or empty: $ZCOMPD_SOCKET; zcompd.sock in
 *                $XDG_RUNTIME_DIR; /run/zcompd/zcompd.sock for root; sock in ZSOCKET_STATE_DIR. A
 *                privileged program ignores the environment.
 * @param own_dir set when the socket is the last of these: who connects there must make sure that
 *                the directory is its own
 * @return 0 or -ENAMETOOLONG
 */
int zsocket_path(const char *path, struct sockaddr_un *addr, bool *own_dir);

#endif
