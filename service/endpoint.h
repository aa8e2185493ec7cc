/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_ENDPOINT_H
#define ZD_ENDPOINT_H

#include "zd.h"

/**
 * @file
 * Where the service is found: the state directory with its lock, and the listening socket. All
 * functions print an error line before they return a negative errno. Main lcore.
 */

/**
 * Opens the state directory, making it if it is the default one or its parent is there, and takes
 * its lock.
 * @return 0; -EBUSY (another service has the lock), -ENOTSUP (not tmpfs or hugetlbfs), -EACCES
 *         (others may write there), other -errno
 */
int zd_state_open(struct zd *zd);

/**
 * Listens on the socket. A socket that a dead service left is taken over, a live one's is not.
 * @return 0, -EADDRINUSE (a live service has it), -ENAMETOOLONG, other -errno
 */
int zd_socket_listen(struct zd *zd);

/** Listens again if descriptors had run out. To be called once a second. */
void zd_socket_resume(struct zd *zd);

/** Stops listening and removes the socket. */
void zd_socket_close(struct zd *zd);

#endif
