/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZSHM_H
#define ZSHM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * @file
 * Shared memory, sockets and passing descriptors. Any thread. All descriptors are close-on-exec.
 */

/**
 * Makes queue memory: a zeroed memfd of 4 KiB pages that can neither shrink nor grow.
 * @return a descriptor, or -ENOMEM, -EMFILE, other errno of memfd_create(2)
 */
int zshm_memfd(const char *name, uint64_t len);

/** Maps @p len bytes for reading and writing. @return 0, or -errno of mmap(2) */
int zshm_map(int fd, uint64_t len, void **map);

/**
 * @return 0 when @p dirfd lies on tmpfs or hugetlbfs, -ENOTSUP elsewhere, or -errno
 */
int zshm_check_fs(int dirfd);

/**
 * Fills the address of a Unix socket.
 * @return 0 or -ENAMETOOLONG
 */
struct sockaddr_un;
int zshm_sockaddr(const char *path, struct sockaddr_un *addr);

/**
 * Has the kernel refuse descriptors that a peer sends to @p sock (Linux 6.16): the sender gets
 * -EPERM. Without it a peer can send a socket that lingers, and whoever drops that last reference,
 * by receiving or by closing, waits as long as the peer likes. Accepted sockets inherit it.
 * @return 0, -ENOPROTOOPT (an older kernel), other -errno
 */
int zshm_refuse_fds(int sock);

#define ZSHM_FDS_MAX 4

/**
 * Sends one datagram with descriptors. Does not block, raises no SIGPIPE.
 * @param fds @p nr_fds descriptors, which stay the caller's; at most ZSHM_FDS_MAX
 * @return 0, -EAGAIN (the peer does not read), -ECONNRESET (peer gone), other -errno
 */
int zshm_send(int sock, const void *msg, size_t len, const int *fds, unsigned int nr_fds);

/**
 * Receives one datagram.
 * @param fds    room for ZSHM_FDS_MAX descriptors, or NULL: none is accepted (they are dropped)
 * @param nr_fds how many came, the caller's to close; fewer than were sent when the caller has no
 *               more descriptors free
 * @param flags  of recvmsg(2), as MSG_DONTWAIT
 * @return bytes, 0 when the peer hung up, -EAGAIN, -EINTR, -EMSGSIZE (larger than @p len), -EMFILE
 *         (the message is lost, its descriptors are closed), -errno
 */
ssize_t zshm_recv(int sock, void *msg, size_t len, int *fds, unsigned int *nr_fds, int flags);

#endif
