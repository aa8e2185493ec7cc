/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Memory files as a hostile client holds them, and descriptors on their way through a socket. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "test_util.h"

#include "ipc/shm.h"

#define LEN 65536u

/* A pair of connected sockets, and how many descriptors were open before it. */
struct sockets {
	unsigned int open_before;
	int a;
	int b;
};

static struct sockets
sockets_open(void)
{
	struct sockets s = {.open_before = test_open_fds()};
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	s.a = ends[0];
	s.b = ends[1];
	return s;
}

/* Closes the pair and looks whether anything else stayed open. */
static void
sockets_close(const struct sockets *s)
{
	close(s->a);
	close(s->b);
	assert_int_equal(test_open_fds(), s->open_before);
}

static void
test_memfd_is_zeroed_and_shared(void **state)
{
	int fd = zshm_memfd("test", LEN);
	uint8_t *ours, *theirs;
	struct stat st;
	void *map;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, LEN);
	assert_int_equal(zshm_map(fd, LEN, &map), 0);
	ours = (uint8_t *)map;
	assert_int_equal(zshm_map(fd, LEN, &map), 0);
	theirs = (uint8_t *)map;
	for (size_t i = 0; i < LEN; i++)
		assert_int_equal(ours[i], 0);
	theirs[LEN - 1] = 7;
	assert_int_equal(ours[LEN - 1], 7);
	munmap(ours, LEN);
	munmap(theirs, LEN);
	close(fd);
}

/* Who could shrink the file would kill the service by SIGBUS. */
static void
test_memfd_keeps_its_size(void **state)
{
	const char byte = 1;
	struct stat st;
	int fd = zshm_memfd("test", LEN);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, LEN - 4096), -1);
	assert_int_equal(ftruncate(fd, LEN + 4096), -1);
	assert_int_equal(fallocate(fd, 0, LEN, 4096), -1);
	assert_int_equal(pwrite(fd, &byte, 1, LEN), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, LEN);
	close(fd);
}

static void
test_memfd_errors(void **state)
{
	struct rlimit old, low;
	unsigned int before = test_open_fds();
	void *map;
	int fds[2];

	(void)state;
	assert_int_equal(zshm_memfd("test", UINT64_MAX), -EINVAL);
	assert_int_equal(zshm_map(-1, LEN, &map), -EBADF);
	assert_int_equal(test_open_fds(), before);

	/* No descriptor free: the next one is the highest allowed. */
	fds[0] = dup(STDIN_FILENO);
	assert_true(fds[0] >= 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){(rlim_t)fds[0], old.rlim_max};
	close(fds[0]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	fds[1] = zshm_memfd("test", LEN);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(fds[1], -EMFILE);
	assert_int_equal(test_open_fds(), before);
}

static void
test_check_fs(void **state)
{
	int shm = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(shm >= 0 && proc >= 0);
	assert_int_equal(zshm_check_fs(shm), 0);
	assert_int_equal(zshm_check_fs(proc), -ENOTSUP);
	assert_int_equal(zshm_check_fs(-1), -EBADF);
	close(shm);
	close(proc);
}

static void
test_sockaddr(void **state)
{
	struct sockaddr_un addr;
	char path[sizeof(addr.sun_path) + 2];

	(void)state;
	for (size_t len = 1; len < sizeof(path); len++) {
		int ret;

		memset(path, 'p', len);
		path[len] = '\0';
		memset(&addr, 0xa5, sizeof(addr));
		ret = zshm_sockaddr(path, &addr);
		assert_int_equal(ret, len < sizeof(addr.sun_path) ? 0 : -ENAMETOOLONG);
		if (ret == 0) {
			assert_int_equal(addr.sun_family, AF_UNIX);
			assert_string_equal(addr.sun_path, path);
		}
	}
}

static void
test_message_without_fds(void **state)
{
	struct sockets s = sockets_open();
	int fds[ZSHM_FDS_MAX];
	unsigned int nr = 99;
	char msg[16];

	(void)state;
	assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), fds, &nr, MSG_DONTWAIT), -EAGAIN);
	assert_int_equal(zshm_send(s.a, "four", 4, NULL, 0), 0);
	assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), fds, &nr, MSG_DONTWAIT), 4);
	assert_memory_equal(msg, "four", 4);
	assert_int_equal(nr, 0);
	assert_int_equal(zshm_send(s.a, "two", 3, NULL, 0), 0);
	assert_int_equal(zshm_recv(s.b, msg, 3, NULL, NULL, 0), 3);
	sockets_close(&s);
}

static void
test_fds_arrive(void **state)
{
	struct sockets s = sockets_open();
	int sent[ZSHM_FDS_MAX], got[ZSHM_FDS_MAX];
	char msg[8];

	(void)state;
	for (unsigned int nr_sent = 1; nr_sent <= ZSHM_FDS_MAX; nr_sent++) {
		unsigned int nr = 0;

		for (unsigned int i = 0; i < nr_sent; i++)
			sent[i] = zshm_memfd("test", (i + 1) * 4096);
		assert_int_equal(zshm_send(s.a, "m", 1, sent, nr_sent), 0);
		for (unsigned int i = 0; i < nr_sent; i++)
			close(sent[i]);
		assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), got, &nr, 0), 1);
		assert_int_equal(nr, nr_sent);
		for (unsigned int i = 0; i < nr; i++) {
			struct stat st;

			assert_int_equal(fstat(got[i], &st), 0);
			assert_int_equal(st.st_size, (i + 1) * 4096);
			assert_int_equal(fcntl(got[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
			close(got[i]);
		}
	}
	sockets_close(&s);
}

/* Sends as many descriptors as a hostile client likes, which zshm_send() would not. */
static void
send_many(int sock, const void *msg, size_t len, unsigned int nr_fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(16 * sizeof(int))];
	} control;
	struct iovec iov = {(void *)(uintptr_t)msg, len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf};
	int *fds;

	assert_true(nr_fds <= 16);
	memset(&control, 0, sizeof(control));
	m.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
	fds = (int *)(void *)CMSG_DATA(&control.align);
	for (unsigned int i = 0; i < nr_fds; i++)
		fds[i] = sock;
	assert_int_equal(sendmsg(sock, &m, 0), len);
}

static void
test_unwanted_fds_are_dropped(void **state)
{
	struct sockets s = sockets_open();
	unsigned int before = test_open_fds();
	char msg[8];

	(void)state;
	for (unsigned int nr_fds = 1; nr_fds <= 16; nr_fds++) {
		unsigned int nr = 99;

		send_many(s.a, "m", 1, nr_fds);
		assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), NULL, &nr, 0), 1);
		assert_int_equal(nr, 0);
		assert_int_equal(test_open_fds(), before);
		send_many(s.a, "m", 1, nr_fds);
		assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), NULL, NULL, 0), 1);
		assert_int_equal(test_open_fds(), before);
	}
	sockets_close(&s);
}

static void
test_more_fds_than_room(void **state)
{
	struct sockets s = sockets_open();
	int got[ZSHM_FDS_MAX];
	unsigned int nr = 0;
	char msg[8];

	(void)state;
	send_many(s.a, "m", 1, 16);
	assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), got, &nr, 0), 1);
	assert_int_equal(nr, ZSHM_FDS_MAX);
	for (unsigned int i = 0; i < nr; i++)
		close(got[i]);
	sockets_close(&s);
}

/* A process without free descriptors is told so, and keeps none of those that still fitted. */
static void
test_no_descriptor_free(void **state)
{
	struct sockets s = sockets_open();
	unsigned int before = test_open_fds();
	int got[ZSHM_FDS_MAX];
	struct rlimit old, low;
	char msg[8];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	for (unsigned int room = 0; room < 2; room++) {
		int next = dup(s.a);
		unsigned int nr = 99;
		ssize_t ret;

		close(next);
		low = (struct rlimit){(rlim_t)next + room, old.rlim_max};
		send_many(s.a, "m", 1, 2);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
		ret = zshm_recv(s.b, msg, sizeof(msg), got, &nr, 0);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_int_equal(ret, -EMFILE);
		assert_int_equal(nr, 0);
		assert_int_equal(test_open_fds(), before);
	}
	sockets_close(&s);
}

static void
test_message_too_large(void **state)
{
	struct sockets s = sockets_open();
	int got[ZSHM_FDS_MAX];
	unsigned int nr = 99;
	char msg[8];

	(void)state;
	assert_int_equal(zshm_send(s.a, "nine bytes", 9, NULL, 0), 0);
	assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), NULL, NULL, 0), -EMSGSIZE);
	send_many(s.a, "nine bytes", 9, 3);
	assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), got, &nr, 0), -EMSGSIZE);
	assert_int_equal(nr, 0);
	send_many(s.a, "nine bytes", 9, 16);
	assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), NULL, &nr, 0), -EMSGSIZE);
	/* The next message is whole. */
	assert_int_equal(zshm_send(s.a, "eightbyt", 8, NULL, 0), 0);
	assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), got, &nr, 0), 8);
	sockets_close(&s);
}

static void
test_peer_gone(void **state)
{
	struct sockets s = sockets_open();
	char msg[8];

	(void)state;
	assert_int_equal(zshm_send(s.a, "last", 4, NULL, 0), 0);
	close(s.a);
	/* No SIGPIPE, and what was sent before is still there. */
	assert_int_equal(zshm_send(s.b, "m", 1, NULL, 0), -ECONNRESET);
	assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), NULL, NULL, 0), 4);
	assert_int_equal(zshm_recv(s.b, msg, sizeof(msg), NULL, NULL, 0), 0);
	s.a = dup(s.b);
	sockets_close(&s);
}

static void
test_peer_does_not_read(void **state)
{
	struct sockets s = sockets_open();
	unsigned int sent = 0;
	int ret;

	(void)state;
	do {
		ret = zshm_send(s.a, "m", 1, NULL, 0);
		sent++;
	} while (ret == 0 && sent < 1000000);
	assert_int_equal(ret, -EAGAIN);
	sockets_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_memfd_is_zeroed_and_shared),
	        cmocka_unit_test(test_memfd_keeps_its_size),
	        cmocka_unit_test(test_memfd_errors),
	        cmocka_unit_test(test_check_fs),
	        cmocka_unit_test(test_sockaddr),
	        cmocka_unit_test(test_message_without_fds),
	        cmocka_unit_test(test_fds_arrive),
	        cmocka_unit_test(test_unwanted_fds_are_dropped),
	        cmocka_unit_test(test_more_fds_than_room),
	        cmocka_unit_test(test_no_descriptor_free),
	        cmocka_unit_test(test_message_too_large),
	        cmocka_unit_test(test_peer_gone),
	        cmocka_unit_test(test_peer_does_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
