/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The default socket, the same for service, library and tools. Any thread. */

#include "ipc/socket_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ipc/shm.h"

static int
set_path(struct sockaddr_un *addr, const char *dir, const char *name)
{
	char path[sizeof(addr->sun_path)];

	if (snprintf(path, sizeof(path), "%s%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return zshm_sockaddr(path, addr);
}

static bool
given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

int
zsocket_path(const char *path, struct sockaddr_un *addr, bool *own_dir)
{
	const char *runtime_dir = secure_getenv("XDG_RUNTIME_DIR");
	char dir[64];

	*own_dir = false;
	if (!given(path))
		path = secure_getenv("ZCOMPD_SOCKET");
	if (given(path))
		return set_path(addr, path, "");
	if (given(runtime_dir))
		return set_path(addr, runtime_dir, "/zcompd.sock");
	if (geteuid() == 0)
		return set_path(addr, "/run/zcompd", "/zcompd.sock");
	*own_dir = true;
	snprintf(dir, sizeof(dir), ZSOCKET_STATE_DIR, (unsigned int)geteuid());
	return set_path(addr, dir, "/sock");
}
