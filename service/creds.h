/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_CREDS_H
#define ZD_CREDS_H

#include <stdbool.h>
#include <sys/types.h>

#define ZD_GROUPS_MAX 64

/** Who a peer is, as the kernel says it was when it connected. */
struct zd_creds {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	unsigned int nr_groups;
	gid_t groups[ZD_GROUPS_MAX];
};

/** Asks the kernel who is at the other end of a Unix socket. @return 0 or -errno */
int zd_creds_of_peer(int sock, struct zd_creds *out);

/** The service itself. */
void zd_creds_of_self(struct zd_creds *out);

/** @return whether @p who is root or the service's own user, whom nothing is refused */
bool zd_creds_privileged(const struct zd_creds *who);

/**
 * @param want permission bits, 4 = read, 2 = write
 * @return whether @p who has them all on something of this owner, group and mode
 */
bool zd_creds_may(const struct zd_creds *who, uid_t uid, gid_t gid, unsigned int mode,
                  unsigned int want);

#endif
