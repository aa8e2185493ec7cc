/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The life of a connection: where the socket is, whose it is, hello, and the end. Any thread.
 *
 * struct zcl lives until its last disk is closed, since its epoch and its lock are theirs too. Its
 * socket keeps its number for life: a new session replaces what is behind it.
 */

#include "client/zcl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client_private.h"
#include "ipc/shm.h"
#include "ipc/socket_path.h"

#define EPOCH_LEN 4096 /* a page: what MADV_WIPEONFORK works on */

/* An option struct cannot be larger; a size beyond is a stray pointer. */
#define OPTS_LEN_MAX 4096

int
client_opts_take(void *to, size_t known, size_t first, const void *from)
{
	const char *bytes = (const char *)from;
	size_t sz;

	memset(to, 0, known);
	if (from == NULL)
		return 0;
	memcpy(&sz, from, sizeof(sz));
	if (sz < first)
		return -EINVAL;
	if (sz > OPTS_LEN_MAX)
		return -E2BIG;
	for (size_t i = known; i < sz; i++) {
		if (bytes[i] != 0)
			return -E2BIG;
	}
	memcpy(to, from, sz < known ? sz : known);
	return 0;
}

int
client_lock(struct zcl *zc)
{
	if (!client_at_home(zc))
		return -EPERM;
	pthread_mutex_lock(&zc->lock);
	return 0;
}

void
client_unlock(struct zcl *zc)
{
	pthread_mutex_unlock(&zc->lock);
}

bool
client_hung_up(int sock)
{
	struct pollfd p = {sock, POLLRDHUP, 0};

	return poll(&p, 1, 0) > 0;
}

/* Anybody may make a directory in /dev/shm: there only one's own counts. */
static int
check_dir(const struct zcl *zc)
{
	char dir[sizeof(zc->addr.sun_path)];
	struct stat st;

	memcpy(dir, zc->addr.sun_path, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	if (lstat(dir, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() ? 0 : -EACCES;
}

static int
check_server(const struct zcl *zc, int sock)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	if (cred.uid == 0 || cred.uid == geteuid())
		return 0;
	return (zc->flags & ZCL_ALLOW_USER) != 0 && cred.uid == zc->user ? 0 : -EACCES;
}

/* Connects; where too many wait to be accepted it waits too. */
static int
connect_socket(const struct zcl *zc, int sock)
{
	struct timeval limit = {zc->timeout_ms / 1000, zc->timeout_ms % 1000 * 1000};
	int ret;

	if (zc->timeout_ms > 0 &&
	    setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	do {
		ret = connect(sock, (const struct sockaddr *)&zc->addr, sizeof(zc->addr));
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return errno == EAGAIN ? -ETIME : -errno;
	return check_server(zc, sock);
}

/* Puts a connected socket into its place. Takes @p sock, also when it fails. */
static int
replace_socket(struct zcl *zc, int sock)
{
	int ret = 0;

	if (zc->sock < 0) {
		zc->sock = sock;
	} else {
		if (dup3(sock, zc->sock, O_CLOEXEC) < 0)
			ret = -errno;
		close(sock);
	}
	return ret;
}

static int
say_hello(struct zcl *zc)
{
	const struct zwire_hello_reply *reply = &zc->msg.hello_reply;
	int ret;

	client_msg_init(zc, ZWIRE_HELLO);
	zc->msg.hello.magic = ZWIRE_MAGIC;
	zc->msg.hello.version_min = ZWIRE_VERSION_MIN;
	zc->msg.hello.version_max = ZWIRE_VERSION_MAX;
	ret = client_request(zc, NULL);
	if (ret != 0)
		return ret;
	if (reply->magic != ZWIRE_MAGIC || reply->version < ZWIRE_VERSION_MIN ||
	    reply->version > ZWIRE_VERSION_MAX)
		return -EPROTO;
	return 0;
}

int
client_session_start(struct zcl *zc)
{
	int sock, ret;

	ret = zc->own_dir ? check_dir(zc) : 0;
	if (ret != 0)
		return ret;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	ret = connect_socket(zc, sock);
	if (ret != 0) {
		close(sock);
		return ret;
	}
	ret = replace_socket(zc, sock);
	if (ret != 0)
		return ret;
	zc->nr_late = 0;
	for (struct zcl_disk *disk = zc->disks; disk != NULL; disk = disk->next)
		disk->open_error = -ECONNRESET;
	ret = say_hello(zc);
	/* So that nothing takes this for a session. */
	if (ret != 0)
		shutdown(zc->sock, SHUT_RDWR);
	return ret;
}

static int
map_epoch(struct zcl *zc)
{
	void *map =
	        mmap(NULL, EPOCH_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	zc->epoch = (uint64_t *)map;
	*zc->epoch = 1;
	return madvise(map, EPOCH_LEN, MADV_WIPEONFORK) < 0 ? -errno : 0;
}

static int
take_opts(struct zcl *zc, const struct zcl_opts *from)
{
	struct zcl_opts opts;
	int ret;

	ret = client_opts_take(&opts, sizeof(opts), offsetof(struct zcl_opts, user), from);
	if (ret != 0)
		return ret;
	if ((opts.flags & ~ZCL_ALLOW_USER) != 0 || opts.timeout_ms < -1)
		return -EINVAL;
	zc->timeout_ms = opts.timeout_ms == 0 ? CLIENT_TIMEOUT_MS : opts.timeout_ms;
	zc->flags = opts.flags;
	zc->user = opts.user;
	return 0;
}

int
zcl_connect(const char *path, const struct zcl_opts *opts, struct zcl **out)
{
	struct zcl *zc;
	int ret;

	zc = (struct zcl *)calloc(1, sizeof(*zc));
	if (zc == NULL)
		return -ENOMEM;
	zc->sock = -1;
	zc->refs = 1;
	pthread_mutex_init(&zc->lock, NULL);
	ret = take_opts(zc, opts);
	if (ret == 0)
		ret = zsocket_path(path, &zc->addr, &zc->own_dir);
	if (ret == 0)
		ret = map_epoch(zc);
	if (ret == 0)
		ret = client_session_start(zc);
	if (ret != 0) {
		client_put(zc);
		return ret;
	}
	*out = zc;
	return 0;
}

static void
client_free(struct zcl *zc)
{
	if (zc->sock >= 0)
		close(zc->sock);
	if (zc->epoch != NULL)
		munmap(zc->epoch, EPOCH_LEN);
	pthread_mutex_destroy(&zc->lock);
	free(zc);
}

void
client_put(struct zcl *zc)
{
	bool locked = zc->epoch != NULL && client_lock(zc) == 0;
	bool last = --zc->refs == 0;

	if (locked)
		client_unlock(zc);
	if (last)
		client_free(zc);
}

void
zcl_close(struct zcl *zc)
{
	if (zc == NULL)
		return;
	/* A forked child has the same socket: closing alone would not be heard. In the child itself
	 * it must not be heard. */
	if (client_at_home(zc))
		shutdown(zc->sock, SHUT_RDWR);
	client_put(zc);
}

int
zcl_fd(const struct zcl *zc)
{
	return client_at_home(zc) ? zc->sock : -EPERM;
}
