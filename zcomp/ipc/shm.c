/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Memory files and descriptor passing: thin, checked wrappers of system calls. Any thread. */

#include "ipc/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

int
zshm_memfd(const char *name, uint64_t len)
{
	int fd, ret;

	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	/* Sealed before anybody else has it: a client that could truncate would kill the service by
	 * SIGBUS. */
	if (fchmod(fd, 0600) < 0 || ftruncate(fd, (off_t)len) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

int
zshm_map(int fd, uint64_t len, void **map)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*map = p;
	return 0;
}

int
zshm_check_fs(int dirfd)
{
	struct statfs fs;

	if (fstatfs(dirfd, &fs) < 0)
		return -errno;
	return fs.f_type == TMPFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC ? 0 : -ENOTSUP;
}

int
zshm_sockaddr(const char *path, struct sockaddr_un *addr)
{
	size_t len = strlen(path);

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (len >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	memcpy(addr->sun_path, path, len + 1);
	return 0;
}

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

int
zshm_refuse_fds(int sock)
{
	int off = 0;

	return setsockopt(sock, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) < 0 ? -errno : 0;
}

int
zshm_send(int sock, const void *msg, size_t len, const int *fds, unsigned int nr_fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(ZSHM_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {(void *)(uintptr_t)msg, len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (nr_fds > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		m.msg_control = control.buf;
		m.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr_fds * sizeof(int));
	}
	if (sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno == EPIPE ? -ECONNRESET : -errno;
	return 0;
}

/* Hands over the descriptors of a message; the control buffer has room for no more. */
static unsigned int
take_fds(struct msghdr *m, int *fds)
{
	unsigned int taken = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		unsigned int nr;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		nr = (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds + taken, CMSG_DATA(c), nr * sizeof(int));
		taken += nr;
	}
	return taken;
}

ssize_t
zshm_recv(int sock, void *msg, size_t len, int *fds, unsigned int *nr_fds, int flags)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(ZSHM_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {msg, len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	unsigned int nr = 0;
	ssize_t n;

	/* Without room for them, the kernel drops descriptors. They must not be installed only to
	 * be closed: close() flushes the peer's file, and may wait for the peer with that. */
	if (fds != NULL) {
		m.msg_control = control.buf;
		m.msg_controllen = sizeof(control.buf);
	}
	n = recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	if (fds != NULL)
		nr = take_fds(&m, fds);
	if (nr_fds != NULL)
		*nr_fds = nr;
	if ((m.msg_flags & MSG_TRUNC) != 0)
		n = -EMSGSIZE;
	/* There was room for one more, but this process has no number left for it. */
	else if ((m.msg_flags & MSG_CTRUNC) != 0 && fds != NULL && nr < ZSHM_FDS_MAX)
		n = -EMFILE;
	if (n >= 0)
		return n;
	for (unsigned int i = 0; i < nr; i++)
		close(fds[i]);
	if (nr_fds != NULL)
		*nr_fds = 0;
	return n;
}
