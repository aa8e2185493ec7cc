/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A client that does not play by the protocol: it is told so, or hung up on, and a second client
 * that stores and loads beside it never notices.
 */

#include "e2e.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/atomic.h"
#include "ipc/shm.h"
#include "ipc/wire.h"
#include "pages.h"

/* The service, and the client that behaves. */
struct stage {
	struct e2e *e;
	struct zcl *zc;
	struct zcl_disk *disk;
	struct zcl_queue *q;
	uint64_t nr;
	unsigned int fds; /* that the service has open with this client alone */
};

union msg {
	struct zwire_hdr hdr;
	struct zwire_hello hello;
	struct zwire_hello_reply hello_reply;
	struct zwire_disk_open open;
	struct zwire_disk_open_reply open_reply;
	struct zwire_disk_close close;
	struct zwire_queue_create create;
	uint8_t bytes[ZWIRE_MSG_MAX];
};

static int
setup(void **state)
{
	struct stage *s = (struct stage *)calloc(1, sizeof(*s));
	void *e;

	assert_non_null(s);
	e2e_setup_started(&e);
	s->e = (struct e2e *)e;
	s->zc = e2e_connect(s->e);
	s->disk = e2e_disk(s->zc, "good", 64);
	s->q = e2e_queue(s->disk, 8);
	e2e_ask(s->zc, "{\"cmd\":\"info\"}", "pid");
	s->fds = e2e_service_fds(s->e);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct stage *s = (struct stage *)*state;
	void *e = s->e;

	zcl_queue_destroy(s->q);
	zcl_disk_close(s->disk);
	zcl_close(s->zc);
	free(s);
	return e2e_teardown(&e);
}

/* The other client has its session, its queue and its pages. */
static void
check_neighbour(struct stage *s)
{
	uint8_t page[E2E_PAGE], got[E2E_PAGE];
	uint64_t nr = s->nr++;

	page_fill(page, sizeof(page), (enum page_kind)(nr % PAGE_KINDS), nr);
	assert_int_equal(zcl_store_sync(s->q, nr % 64, page), 0);
	assert_int_equal(zcl_load(s->disk, nr % 64, got), 0);
	assert_memory_equal(got, page, sizeof(page));
	assert_int_equal(e2e_ask(s->zc, "{\"cmd\":\"stat\",\"disk\":\"good\"}", "pages"), 64);
}

/* And the service has nothing left of whoever was there beside it. */
static void
wait_for_quiet(struct stage *s)
{
	for (unsigned int i = 0; e2e_service_fds(s->e) != s->fds && i < E2E_WAIT_MS; i++)
		poll(NULL, 0, 1);
	assert_int_equal(e2e_service_fds(s->e), s->fds);
}

static int
raw_connect(const struct stage *s)
{
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct timeval limit = {E2E_WAIT_MS / 1000, 0};
	struct sockaddr_un addr;

	assert_true(sock >= 0);
	assert_int_equal(zshm_sockaddr(s->e->socket, &addr), 0);
	assert_int_equal(connect(sock, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return sock;
}

static void
raw_send(int sock, const void *msg, size_t len)
{
	assert_int_equal(send(sock, msg, len, MSG_NOSIGNAL), len);
}

/* @return the reply's error */
static int
raw_reply(int sock, union msg *msg, int *fds, unsigned int *nr_fds)
{
	int ignored[ZSHM_FDS_MAX];
	unsigned int nr = 0;
	ssize_t n = zshm_recv(sock, msg, sizeof(*msg), ignored, &nr, 0);

	assert_true(n >= (ssize_t)sizeof(msg->hdr));
	assert_int_equal(msg->hdr.len, n);
	for (unsigned int i = 0; i < nr; i++) {
		if (fds != NULL)
			fds[i] = ignored[i];
		else
			close(ignored[i]);
	}
	if (nr_fds != NULL)
		*nr_fds = nr;
	return msg->hdr.error;
}

static void
expect_hang_up(int sock)
{
	char byte;
	ssize_t n = recv(sock, &byte, 1, 0);

	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
	close(sock);
}

static union msg
message(uint16_t type, uint32_t len)
{
	union msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.hdr.type = type;
	msg.hdr.len = len;
	return msg;
}

static union msg
hello(uint16_t min, uint16_t max)
{
	union msg msg = message(ZWIRE_HELLO, sizeof(msg.hello));

	msg.hello.magic = ZWIRE_MAGIC;
	msg.hello.version_min = min;
	msg.hello.version_max = max;
	return msg;
}

static int
raw_session(const struct stage *s)
{
	union msg msg = hello(ZWIRE_VERSION_MIN, ZWIRE_VERSION_MAX);
	int sock = raw_connect(s);

	raw_send(sock, &msg, msg.hdr.len);
	assert_int_equal(raw_reply(sock, &msg, NULL, NULL), 0);
	assert_int_equal(msg.hello_reply.version, ZWIRE_VERSION_MAX);
	return sock;
}

/* @return the error; the disk's number is in msg */
static int
raw_open(int sock, union msg *msg, const char *name)
{
	*msg = message(ZWIRE_DISK_OPEN, sizeof(msg->open));
	msg->open.page_size = E2E_PAGE;
	strcpy(msg->open.name, name);
	raw_send(sock, msg, msg->hdr.len);
	return raw_reply(sock, msg, NULL, NULL);
}

static void
test_versions(void **state)
{
	static const struct {
		uint16_t min, max;
		int error;
	} cases[] = {
	        {2, 2, 0},       {0, 2, 0},       {2, 9, 0},       {0, 65535, 0},
	        {3, 9, -EPROTO}, {0, 1, -EPROTO}, {9, 2, -EPROTO}, {65535, 65535, -EPROTO},
	};
	struct stage *s = (struct stage *)*state;

	for (size_t i = 0; i < TEST_NR(cases); i++) {
		union msg msg = hello(cases[i].min, cases[i].max);
		int sock = raw_connect(s);

		raw_send(sock, &msg, msg.hdr.len);
		assert_int_equal(raw_reply(sock, &msg, NULL, NULL), cases[i].error);
		assert_int_equal(msg.hdr.type, ZWIRE_HELLO | ZWIRE_REPLY);
		assert_int_equal(msg.hello_reply.magic, ZWIRE_MAGIC);
		/* The service's own, for a message that says what would be right. */
		assert_int_equal(msg.hello_reply.version, 2);
		if (cases[i].error == 0) {
			assert_int_equal(raw_open(sock, &msg, "good"), 0);
			close(sock);
		} else {
			msg = message(ZWIRE_ADMIN, sizeof(msg.hdr));
			raw_send(sock, &msg, msg.hdr.len);
			expect_hang_up(sock);
		}
		check_neighbour(s);
	}
	wait_for_quiet(s);
}

/* Each type before HELLO, and HELLO to somebody else. */
static void
test_before_hello(void **state)
{
	struct stage *s = (struct stage *)*state;
	union msg msgs[] = {
	        message(ZWIRE_DISK_OPEN, sizeof(struct zwire_disk_open)),
	        message(ZWIRE_DISK_CLOSE, sizeof(struct zwire_disk_close)),
	        message(ZWIRE_QUEUE_CREATE, sizeof(struct zwire_queue_create)),
	        message(ZWIRE_ADMIN, sizeof(struct zwire_hdr) + 14),
	        message(ZWIRE_HELLO, sizeof(struct zwire_hello)),
	};

	memcpy(msgs[3].bytes + sizeof(struct zwire_hdr), "{\"cmd\":\"list\"}", 14);
	for (size_t i = 0; i < TEST_NR(msgs); i++) {
		int sock = raw_connect(s);

		raw_send(sock, &msgs[i], msgs[i].hdr.len);
		expect_hang_up(sock);
		check_neighbour(s);
	}
	wait_for_quiet(s);
}

/* Each type too short, too long, with a length that is not its own; and types that are none. */
static void
test_malformed(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t says, len;
	} cases[] = {
	        {ZWIRE_HELLO, 24, 23},
	        {ZWIRE_HELLO, 23, 23},
	        {ZWIRE_HELLO, 25, 25},
	        {ZWIRE_HELLO, 0, 24},
	        {ZWIRE_HELLO, UINT32_MAX, 24},
	        {ZWIRE_DISK_OPEN, 88, 87},
	        {ZWIRE_DISK_OPEN, 87, 87},
	        {ZWIRE_DISK_OPEN, 89, 89},
	        {ZWIRE_DISK_CLOSE, 16, 16},
	        {ZWIRE_DISK_CLOSE, 32, 32},
	        {ZWIRE_QUEUE_CREATE, 16, 16},
	        {ZWIRE_QUEUE_CREATE, 40, 40},
	        {ZWIRE_ADMIN, 17, 16},
	        {ZWIRE_ADMIN, 16, 17},
	        {ZWIRE_ADMIN, 8, 8},
	        {0, 24, 24},
	        {6, 24, 24},
	        {0x7fff, 24, 24},
	        {ZWIRE_HELLO | ZWIRE_REPLY, 24, 24},
	        {ZWIRE_HELLO, 1, 1},
	        {ZWIRE_HELLO, 0, 0},
	};
	struct stage *s = (struct stage *)*state;

	for (size_t i = 0; i < TEST_NR(cases); i++) {
		union msg msg = message(cases[i].type, cases[i].says);
		int sock = raw_session(s);

		msg.hello.magic = ZWIRE_MAGIC;
		raw_send(sock, &msg, cases[i].len);
		expect_hang_up(sock);
		check_neighbour(s);
	}
	wait_for_quiet(s);
	/* It has said why. */
	assert_non_null(strstr(e2e_log(s->e), "its session is closed"));
}

static void
test_garbage(void **state)
{
	struct stage *s = (struct stage *)*state;
	uint8_t *bytes = (uint8_t *)malloc(100000);
	uint64_t seed = 1;

	assert_non_null(bytes);
	for (unsigned int i = 0; i < 60; i++) {
		size_t len = 20 + test_random(&seed) % (i % 4 == 0 ? 99000 : 200);
		int sock = i % 2 == 0 ? raw_connect(s) : raw_session(s);

		test_random_fill(&seed, bytes, len);
		/* Half of them with a proper header in front of the garbage. */
		if (i % 3 == 0)
			memcpy(bytes, &(struct zwire_hdr){(uint32_t)len, ZWIRE_ADMIN, 0, 0, 0},
			       sizeof(struct zwire_hdr));
		raw_send(sock, bytes, len);
		if (i % 6 == 3 && len <= ZWIRE_MSG_MAX) {
			union msg msg;

			/* A request, though not JSON. */
			assert_int_equal(raw_reply(sock, &msg, NULL, NULL), -EINVAL);
			close(sock);
		} else {
			expect_hang_up(sock);
		}
		check_neighbour(s);
	}
	free(bytes);
	wait_for_quiet(s);
}

/* Descriptors that nobody asked for do not arrive: the kernel refuses them, or an older one drops
 * them. */
static void
test_descriptors(void **state)
{
	struct stage *s = (struct stage *)*state;
	union msg msg = hello(ZWIRE_VERSION_MIN, ZWIRE_VERSION_MAX);
	int fds[ZSHM_FDS_MAX], sock = raw_connect(s), ret;

	for (unsigned int i = 0; i < ZSHM_FDS_MAX; i++)
		fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	ret = zshm_send(sock, &msg, msg.hdr.len, fds, ZSHM_FDS_MAX);
	for (unsigned int i = 0; i < ZSHM_FDS_MAX; i++)
		close(fds[i]);
	if (ret == -EPERM)
		ret = zshm_send(sock, &msg, msg.hdr.len, NULL, 0);
	assert_int_equal(ret, 0);
	assert_int_equal(raw_reply(sock, &msg, NULL, NULL), 0);
	assert_int_equal(e2e_service_fds(s->e), s->fds + 1);
	close(sock);
	check_neighbour(s);
	wait_for_quiet(s);
}

/* Proper requests that ask for what cannot be: errors, and the session goes on. */
static void
test_refused_requests(void **state)
{
	static const struct {
		uint32_t disk, depth, flags, weight;
		int error;
	} cases[] = {
	        {0, 0, 0, 0, -EINVAL},     {0, 3, 0, 0, -EINVAL},
	        {0, 8192, 0, 0, -EINVAL},  {0, UINT32_MAX, 0, 0, -EINVAL},
	        {1, 8, 0, 0, -EINVAL},     {255, 8, 0, 0, -EINVAL},
	        {256, 8, 0, 0, -EINVAL},   {UINT32_MAX, 8, 0, 0, -EINVAL},
	        {0, 8, 2, 0, -EOPNOTSUPP}, {0, 8, 0, 2, -EOPNOTSUPP},
	};
	struct stage *s = (struct stage *)*state;
	int sock = raw_session(s);
	union msg msg;

	assert_int_equal(raw_open(sock, &msg, "nowhere"), -ENOENT);
	assert_int_equal(raw_open(sock, &msg, ""), -ENOENT);
	assert_int_equal(raw_open(sock, &msg, "good"), 0);
	assert_int_equal(msg.open_reply.disk_id, 0);
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		msg = message(ZWIRE_QUEUE_CREATE, sizeof(msg.create));
		msg.create.disk_id = cases[i].disk;
		msg.create.depth = cases[i].depth;
		msg.create.flags = cases[i].flags;
		msg.create.weight = cases[i].weight;
		raw_send(sock, &msg, msg.hdr.len);
		assert_int_equal(raw_reply(sock, &msg, NULL, NULL), cases[i].error);
	}
	for (uint32_t id = 1; id < 4; id++) {
		msg = message(ZWIRE_DISK_CLOSE, sizeof(msg.close));
		msg.close.disk_id = id < 3 ? id * 255 : UINT32_MAX;
		raw_send(sock, &msg, msg.hdr.len);
		assert_int_equal(raw_reply(sock, &msg, NULL, NULL), -EINVAL);
	}
	msg = message(ZWIRE_DISK_OPEN, sizeof(msg.open));
	strcpy(msg.open.name, "good");
	msg.open.page_size = E2E_PAGE;
	msg.open.flags = 2;
	raw_send(sock, &msg, msg.hdr.len);
	assert_int_equal(raw_reply(sock, &msg, NULL, NULL), -EINVAL);
	close(sock);
	check_neighbour(s);
	wait_for_quiet(s);
}

/* Where a client says that it runs is its own matter, and may be nowhere. */
static void
test_any_node(void **state)
{
	static const unsigned int nodes[] = {0, 1, 63, 1023, 1024, ZWIRE_NODE_MAX};
	struct stage *s = (struct stage *)*state;
	int sock = raw_session(s);
	union msg msg;

	assert_int_equal(raw_open(sock, &msg, "good"), 0);
	for (size_t i = 0; i < TEST_NR(nodes); i++) {
		int fds[ZSHM_FDS_MAX] = {-1, -1};
		unsigned int nr_fds;

		msg = message(ZWIRE_QUEUE_CREATE, sizeof(msg.create));
		msg.create.depth = 8;
		msg.create.flags = zwire_queue_flags(nodes[i]);
		raw_send(sock, &msg, msg.hdr.len);
		assert_int_equal(raw_reply(sock, &msg, fds, &nr_fds), 0);
		assert_int_equal(nr_fds, 3);
		for (unsigned int j = 0; j < nr_fds; j++)
			close(fds[j]);
	}
	close(sock);
	check_neighbour(s);
	wait_for_quiet(s);
}

/* A session has so many places for disks, and a name has an end. */
static void
test_limits_of_a_session(void **state)
{
	struct stage *s = (struct stage *)*state;
	int sock = raw_session(s);
	unsigned int nr = 0;
	union msg msg;

	while (nr < 1000 && raw_open(sock, &msg, "good") == 0)
		nr++;
	assert_int_equal(msg.hdr.error, -EMFILE);
	assert_int_equal(nr, 256);
	msg = message(ZWIRE_DISK_CLOSE, sizeof(msg.close));
	msg.close.disk_id = 77;
	raw_send(sock, &msg, msg.hdr.len);
	assert_int_equal(raw_reply(sock, &msg, NULL, NULL), 0);
	assert_int_equal(raw_open(sock, &msg, "good"), 0);
	assert_int_equal(msg.open_reply.disk_id, 77);
	msg = message(ZWIRE_DISK_OPEN, sizeof(msg.open));
	memset(msg.open.name, 'x', sizeof(msg.open.name));
	raw_send(sock, &msg, msg.hdr.len);
	expect_hang_up(sock);
	check_neighbour(s);
	wait_for_quiet(s);
	assert_int_equal(e2e_ask(s->zc, "{\"cmd\":\"stat\",\"disk\":\"good\"}", "open"), 2);
}

/* Who does not read what it is told is hung up on: the service does not wait. */
static void
test_unread_replies(void **state)
{
	struct stage *s = (struct stage *)*state;
	int sock = raw_session(s);
	union msg msg = message(ZWIRE_ADMIN, sizeof(struct zwire_hdr) + 14);
	unsigned int sent = 0;

	memcpy(msg.bytes + sizeof(struct zwire_hdr), "{\"cmd\":\"list\"}", 14);
	while (send(sock, &msg, msg.hdr.len, MSG_NOSIGNAL) > 0)
		assert_true(++sent < 100000);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	close(sock);
	check_neighbour(s);
	wait_for_quiet(s);
	assert_non_null(strstr(e2e_log(s->e), "does not read its replies"));
}

/* Nonsense in a queue's memory closes that session; the other one lives. */
static void
test_nonsense_in_a_queue(void **state)
{
	struct stage *s = (struct stage *)*state;
	const uint64_t one = 1;

	for (uint32_t i = 0; i < 4; i++) {
		struct zwire_queue_layout l = zwire_queue_layout(8, E2E_PAGE);
		int sock = raw_session(s), fds[ZSHM_FDS_MAX];
		struct zwire_queue_head *head;
		unsigned int nr_fds;
		union msg msg;
		char byte;

		assert_int_equal(raw_open(sock, &msg, "good"), 0);
		msg = message(ZWIRE_QUEUE_CREATE, sizeof(msg.create));
		msg.create.depth = 8;
		raw_send(sock, &msg, msg.hdr.len);
		assert_int_equal(raw_reply(sock, &msg, fds, &nr_fds), 0);
		assert_int_equal(nr_fds, 3);
		assert_int_equal(ftruncate(fds[0], 0), -1);
		head = (struct zwire_queue_head *)mmap(NULL, l.len, PROT_READ | PROT_WRITE,
		                                       MAP_SHARED, fds[0], 0);
		assert_ptr_not_equal(head, MAP_FAILED);
		memset((char *)head + l.sqes_off, (int)(i * 85), l.cqes_off - l.sqes_off);
		/* Pairs with the service's zring_peek(). */
		zc_store_release(&head->sq_tail, i == 3 ? 9u : 1u);
		/* Where it sleeps. It may also have seen it, and be gone. */
		assert_int_equal(write(fds[2], &one, sizeof(one)), sizeof(one));
		expect_hang_up(sock);
		while (recv(fds[1], &byte, 1, 0) > 0)
			;
		close(fds[0]);
		close(fds[1]);
		close(fds[2]);
		munmap(head, l.len);
		check_neighbour(s);
	}
	wait_for_quiet(s);
	assert_non_null(strstr(e2e_log(s->e), "into its queue"));
}

/* An epoll whose owner stays in epoll_wait() with its lock held: the page that the events go to is
 * missing until he brings it. */
struct stuck_epoll {
	pthread_t thread;
	int fault_fd;
	int epoll_fd;
	int ready_fd;
	void *page;
};

static void *
wait_for_events(void *arg)
{
	struct stuck_epoll *t = (struct stuck_epoll *)arg;

	epoll_wait(t->epoll_fd, (struct epoll_event *)t->page, 1, -1);
	return NULL;
}

/* @return false where this process may not make its own kernel calls wait */
static bool
stick(struct stuck_epoll *t, int bell)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register missing = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	struct epoll_event none = {0}, some = {.events = EPOLLIN};
	struct uffd_msg fault;

	t->fault_fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (t->fault_fd < 0)
		return false;
	assert_int_equal(ioctl(t->fault_fd, UFFDIO_API, &api), 0);
	t->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(t->page, MAP_FAILED);
	missing.range = (struct uffdio_range){(uintptr_t)t->page, 4096};
	assert_int_equal(ioctl(t->fault_fd, UFFDIO_REGISTER, &missing), 0);
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	t->ready_fd = eventfd(1, EFD_CLOEXEC);
	assert_int_equal(epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, bell, &none), 0);
	assert_int_equal(epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, t->ready_fd, &some), 0);
	assert_int_equal(pthread_create(&t->thread, NULL, wait_for_events, t), 0);
	assert_int_equal(read(t->fault_fd, &fault, sizeof(fault)), sizeof(fault));
	return true;
}

static void
unstick(struct stuck_epoll *t)
{
	struct uffdio_zeropage zero = {.range = {(uintptr_t)t->page, 4096}};

	assert_int_equal(ioctl(t->fault_fd, UFFDIO_ZEROPAGE, &zero), 0);
	assert_int_equal(pthread_join(t->thread, NULL), 0);
	close(t->ready_fd);
	close(t->epoll_fd);
	munmap(t->page, 4096);
	close(t->fault_fd);
}

/* Whoever drops the last reference to a bell waits for each epoll that it is in. */
static void
test_bell_in_a_stuck_epoll(void **state)
{
	struct stage *s = (struct stage *)*state;
	int sock = raw_session(s), fds[ZSHM_FDS_MAX];
	struct stuck_epoll stuck;
	unsigned int nr_fds;
	union msg msg;
	bool is_stuck;

	assert_int_equal(raw_open(sock, &msg, "good"), 0);
	msg = message(ZWIRE_QUEUE_CREATE, sizeof(msg.create));
	msg.create.depth = 8;
	raw_send(sock, &msg, msg.hdr.len);
	assert_int_equal(raw_reply(sock, &msg, fds, &nr_fds), 0);
	assert_int_equal(nr_fds, 3);
	is_stuck = stick(&stuck, fds[2]);
	for (unsigned int i = 0; i < nr_fds; i++)
		close(fds[i]);
	close(sock);
	wait_for_quiet(s);
	check_neighbour(s);
	if (!is_stuck)
		skip();
	unstick(&stuck);
	check_neighbour(s);
}

/* Many who connect and say nothing, more than the service has descriptors for. */
static void
test_flood(void **state)
{
	struct stage s = {0};
	int socks[200];
	struct e2e *e;
	void *p;

	(void)state;
	e2e_setup(&p);
	e = (struct e2e *)p;
	e->nofile = 128;
	e2e_start(e, NULL);
	s.e = e;
	s.zc = e2e_connect(e);
	s.disk = e2e_disk(s.zc, "good", 64);
	s.q = e2e_queue(s.disk, 8);
	check_neighbour(&s);
	s.fds = e2e_service_fds(e);
	for (unsigned int i = 0; i < TEST_NR(socks); i++) {
		socks[i] = raw_connect(&s);
		check_neighbour(&s);
	}
	for (unsigned int i = 0; i < TEST_NR(socks); i++)
		close(socks[i]);
	wait_for_quiet(&s);
	/* There is room for others again. */
	close(raw_session(&s));
	zcl_queue_destroy(s.q);
	zcl_disk_close(s.disk);
	zcl_close(s.zc);
	e2e_teardown(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_versions),
	        cmocka_unit_test(test_before_hello),
	        cmocka_unit_test(test_malformed),
	        cmocka_unit_test(test_garbage),
	        cmocka_unit_test(test_descriptors),
	        cmocka_unit_test(test_refused_requests),
	        cmocka_unit_test(test_any_node),
	        cmocka_unit_test(test_limits_of_a_session),
	        cmocka_unit_test(test_unread_replies),
	        cmocka_unit_test(test_nonsense_in_a_queue),
	        cmocka_unit_test(test_bell_in_a_stuck_epoll),
	        cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
