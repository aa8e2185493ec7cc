/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Peer credentials and the permission check of a file of that mode. Main lcore. */

#include "creds.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
zd_creds_of_peer(int sock, struct zd_creds *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	memset(out, 0, sizeof(*out));
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	out->pid = cred.pid;
	out->uid = cred.uid;
	out->gid = cred.gid;
	len = sizeof(out->groups);
	/* A peer of more groups than fit is judged by its first group alone. */
	if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, out->groups, &len) == 0)
		out->nr_groups = (unsigned int)(len / sizeof(gid_t));
	else if (errno != ERANGE)
		return -errno;
	return 0;
}

void
zd_creds_of_self(struct zd_creds *out)
{
	memset(out, 0, sizeof(*out));
	out->pid = getpid();
	out->uid = geteuid();
	out->gid = getegid();
}

bool
zd_creds_privileged(const struct zd_creds *who)
{
	return who->uid == 0 || who->uid == geteuid();
}

static bool
in_group(const struct zd_creds *who, gid_t gid)
{
	if (who->gid == gid)
		return true;
	for (unsigned int i = 0; i < who->nr_groups; i++) {
		if (who->groups[i] == gid)
			return true;
	}
	return false;
}

bool
zd_creds_may(const struct zd_creds *who, uid_t uid, gid_t gid, unsigned int mode, unsigned int want)
{
	unsigned int bits;

	if (zd_creds_privileged(who))
		return true;
	if (who->uid == uid)
		bits = mode >> 6;
	else if (in_group(who, gid))
		bits = mode >> 3;
	else
		bits = mode;
	return (bits & want) == want;
}
