/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* State directory, lock and socket. */

#include "endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/shm.h"
#include "ipc/socket_path.h"
#include "session.h"

/* A directory that only its owner, we or root, can change. */
static int
check_dir(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022) != 0) {
		zc_err("directory '%s' may be changed by others (owner %u, mode %03o); it must "
		       "belong to user %u, mode 700",
		       path, st.st_uid, st.st_mode & 0777, (unsigned int)geteuid());
		return -EACCES;
	}
	return 0;
}

static int
take_lock(struct zd *zd, const char *path)
{
	char pid[32] = "";
	int ret;

	zd->lock_fd = openat(zd->state_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (zd->lock_fd < 0)
		return -errno;
	if (flock(zd->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (pread(zd->lock_fd, pid, sizeof(pid) - 1, 0) < 0)
			pid[0] = '\0';
		zc_err("state directory '%s' is in use by another zcompd (process %s); give "
		       "another by --state-dir",
		       path, pid);
		return -EBUSY;
	}
	ret = snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (ftruncate(zd->lock_fd, 0) < 0 || pwrite(zd->lock_fd, pid, (size_t)ret, 0) != ret)
		zc_warn("state directory '%s': the lock does not say who has it", path);
	return 0;
}

int
zd_state_open(struct zd *zd)
{
	char fallback[64];
	const char *path = zd->opts.state_dir;
	bool made;
	int ret;

	snprintf(fallback, sizeof(fallback), ZSOCKET_STATE_DIR, (unsigned int)geteuid());
	if (path == NULL)
		path = fallback;
	made = mkdir(path, 0700) == 0;
	if (!made && errno != EEXIST) {
		ret = -errno;
		zc_err("state directory '%s' cannot be made: %s", path, strerror(-ret));
		return ret;
	}
	zd->state_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = zd->state_fd < 0 ? -errno : 0;
	if (ret != 0)
		zc_err("state directory '%s' cannot be opened: %s", path, strerror(-ret));
	if (ret == 0)
		ret = check_dir(zd->state_fd, path);
	if (ret == 0) {
		ret = zshm_check_fs(zd->state_fd);
		if (ret == -ENOTSUP)
			zc_err("state directory '%s' is not on tmpfs or hugetlbfs; try one below "
			       "/dev/shm",
			       path);
	}
	if (ret == 0)
		return take_lock(zd, path);
	if (made)
		rmdir(path);
	return ret;
}

/* Finds the path and, for the default ones, makes the directory. */
static int
find_socket(struct zd *zd, struct sockaddr_un *addr)
{
	char dir[sizeof(addr->sun_path)];
	bool own_dir;
	int ret = zsocket_path(zd->opts.socket, addr, &own_dir);

	if (ret != 0) {
		zc_err("socket '%s': the path is longer than %zu bytes",
		       zd->opts.socket != NULL ? zd->opts.socket : "of the environment",
		       sizeof(addr->sun_path) - 1);
		return ret;
	}
	memcpy(zd->socket_path, addr->sun_path, sizeof(zd->socket_path));
	memcpy(dir, addr->sun_path, sizeof(dir));
	if (zd->opts.socket == NULL && mkdir(dirname(dir), own_dir ? 0700 : 0755) < 0 &&
	    errno != EEXIST)
		return -errno;
	return 0;
}

/* @return 0 when the path is free now; -EADDRINUSE when somebody answers there */
static int
take_over_dead(const struct sockaddr_un *addr)
{
	struct stat st;
	int sock, ret;

	if (lstat(addr->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return -errno;
	/* EAGAIN: it lives, but is too busy to accept. */
	if (connect(sock, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN)
		ret = -EADDRINUSE;
	else if (errno == ECONNREFUSED)
		ret = unlink(addr->sun_path) < 0 ? -errno : 0;
	else
		ret = errno == ENOENT ? 0 : -errno;
	close(sock);
	return ret;
}

/* Who waits stays in the backlog; without this, epoll would tell of it for ever. */
static void
pause_listening(struct zd *zd)
{
	zc_warn("no descriptors or memory for another client: %s; %s", strerror(errno),
	        "those who wait are taken when there are some");
	zd_loop_unwatch(zd->epoll_fd, &zd->listener);
	zd->listener_paused = true;
}

void
zd_socket_resume(struct zd *zd)
{
	if (zd->listener_paused)
		zd->listener_paused = zd_loop_watch(zd->epoll_fd, &zd->listener) != 0;
}

static void
on_connection(struct zd_source *src, uint32_t events)
{
	struct zd *zd = (struct zd *)((char *)src - offsetof(struct zd, listener));
	int sock = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int ret;

	(void)events;
	if (sock < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			pause_listening(zd);
		return;
	}
	ret = zd_session_open(zd, sock);
	if (ret != 0)
		zc_warn("a connection cannot be taken: %s", strerror(-ret));
}

/* Binds and listens; the socket's mode is right from its first moment. */
static int
bind_socket(struct zd *zd, const struct sockaddr_un *addr)
{
	mode_t mask = umask(0777 & ~zd->opts.socket_mode);
	int ret = 0;

	if (bind(zd->listener.fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ||
	    listen(zd->listener.fd, SOMAXCONN) < 0 || lstat(addr->sun_path, &zd->socket_id) < 0)
		ret = -errno;
	umask(mask);
	return ret;
}

int
zd_socket_listen(struct zd *zd)
{
	struct sockaddr_un addr;
	int ret;

	zd->listener.ready = on_connection;
	ret = find_socket(zd, &addr);
	if (ret == -ENAMETOOLONG)
		return ret;
	if (ret == 0)
		ret = take_over_dead(&addr);
	if (ret == -EADDRINUSE) {
		zc_err("socket '%s' belongs to a live service; stop that, or give another by "
		       "--socket",
		       zd->socket_path);
		return ret;
	}
	if (ret == 0) {
		zd->listener.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		ret = zd->listener.fd < 0 ? -errno : bind_socket(zd, &addr);
		if (ret == 0 && zshm_refuse_fds(zd->listener.fd) != 0)
			zc_warn("this kernel, older than 6.16, lets clients send descriptors: a "
			        "hostile one can make others wait");
	}
	if (ret == 0)
		ret = zd_loop_watch(zd->epoll_fd, &zd->listener);
	if (ret == 0)
		return 0;
	zc_err("socket '%s' cannot be listened on: %s", zd->socket_path, strerror(-ret));
	if (zd->listener.fd >= 0)
		close(zd->listener.fd);
	zd->listener.fd = -1;
	return ret;
}

void
zd_socket_close(struct zd *zd)
{
	struct stat st;

	if (zd->listener.fd < 0)
		return;
	zd_loop_unwatch(zd->epoll_fd, &zd->listener);
	close(zd->listener.fd);
	zd->listener.fd = -1;
	/* A successor may have its own there already. */
	if (lstat(zd->socket_path, &st) == 0 && st.st_ino == zd->socket_id.st_ino &&
	    st.st_dev == zd->socket_id.st_dev)
		unlink(zd->socket_path);
}
