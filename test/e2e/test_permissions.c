/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Clients of other users: they open what owner, group and mode let them, and nobody but the service
 * writes to an arena. And a service of an ordinary user. Needs root, to be others.
 */

#include "e2e.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "ipc/shm.h"
#include "ipc/wire.h"

#define NOBODY  65534u
#define SOMEONE 65533u
#define GROUP   65532u
#define SKIPPED 77

/* Somebody else's errand. */
struct errand {
	struct e2e *e;
	uid_t uid;
	gid_t extra; /* a supplementary group, unless it is 0 */
	void (*run)(const struct errand *errand);
};

static int
become(void *arg)
{
	const struct errand *errand = (const struct errand *)arg;

	E2E_CHECK(setgroups(errand->extra != 0, &errand->extra) == 0);
	E2E_CHECK(setgid(errand->uid) == 0 && setuid(errand->uid) == 0);
	/* Which a change of user resets. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	errand->run(errand);
	return 0;
}

static void
send_as(struct e2e *e, uid_t uid, gid_t extra, void (*run)(const struct errand *errand))
{
	struct errand errand = {e, uid, extra, run};

	assert_int_equal(e2e_wait(e2e_fork(become, &errand)), 0);
}

static void
make_disk(struct zcl *zc, const char *name, uint32_t mode)
{
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = 8, .mode = mode};

	E2E_CHECK(zcl_disk_create(zc, name, &opts) == 0);
}

static struct zcl *
connect_to(const struct errand *errand)
{
	struct zcl *zc;

	E2E_CHECK(zcl_connect(errand->e->socket, NULL, &zc) == 0);
	return zc;
}

/* What an open with these flags says; what it opens is closed again. */
static int
try_open(struct zcl *zc, const char *name, uint32_t flags)
{
	struct zcl_open_opts opts = {.sz = sizeof(opts), .flags = flags};
	struct zcl_disk *disk;
	int ret = zcl_disk_open_opts(zc, name, &opts, &disk);

	if (ret == 0)
		zcl_disk_close(disk);
	return ret;
}

static void
use_socket(const struct errand *errand)
{
	struct zcl *zc;

	E2E_CHECK(zcl_connect(errand->e->socket, NULL, &zc) == -EACCES);
}

/* Loads, but no queue, neither by the library nor without it. */
static void
use_readable(const struct errand *errand)
{
	struct zcl_open_opts ro = {.sz = sizeof(ro), .flags = ZCL_OPEN_RDONLY};
	struct zcl *zc = connect_to(errand);
	uint64_t page[E2E_PAGE / 8];
	struct zcl_disk *disk;
	struct zcl_queue *q;
	char reply[1024];

	E2E_CHECK(try_open(zc, "private", 0) == -EACCES);
	E2E_CHECK(try_open(zc, "private", ZCL_OPEN_RDONLY) == -EACCES);
	E2E_CHECK(try_open(zc, "readable", 0) == -EACCES);
	E2E_CHECK(zcl_disk_open_opts(zc, "readable", &ro, &disk) == 0);
	E2E_CHECK(zcl_load(disk, 3, page) == 0 && page[0] == 42 && page[511] == 42);
	E2E_CHECK(zcl_queue_create(disk, NULL, &q) == -EACCES);
	zcl_disk_close(disk);
	E2E_CHECK(zcl_disk_remove(zc, "readable") == -EACCES);
	E2E_CHECK(zcl_disk_remove(zc, "shared") == -EACCES);
	E2E_CHECK(zcl_admin(zc, "{\"cmd\":\"set\",\"disk\":\"shared\",\"policy\":\"try\"}", reply,
	                    sizeof(reply)) == 0);
	E2E_CHECK(strstr(reply, "\"error\":-13") != NULL);
	E2E_CHECK(zcl_admin(zc, "{\"cmd\":\"compact\",\"disk\":\"shared\"}", reply,
	                    sizeof(reply)) == 0);
	E2E_CHECK(strstr(reply, "\"error\":-13") != NULL);
	zcl_close(zc);
}

static void
use_shared(const struct errand *errand)
{
	struct zcl *zc = connect_to(errand);
	uint64_t page[E2E_PAGE / 8] = {errand->uid}, got[E2E_PAGE / 8];
	struct zcl_disk *disk;
	struct zcl_queue *q;

	E2E_CHECK(zcl_disk_open(zc, "shared", &disk) == 0);
	E2E_CHECK(zcl_queue_create(disk, NULL, &q) == 0);
	E2E_CHECK(zcl_store_sync(q, 1, page) == 0);
	E2E_CHECK(zcl_load(disk, 1, got) == 0 && memcmp(page, got, sizeof(page)) == 0);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(zc);
}

/* Disks of one's own, one of them for the group; the group is the user's own first one. */
static void
make_own(const struct errand *errand)
{
	struct zcl *zc = connect_to(errand);

	make_disk(zc, "own", 0600);
	make_disk(zc, "group", 0640);
	make_disk(zc, "mine", 0600);
	E2E_CHECK(try_open(zc, "own", 0) == 0);
	E2E_CHECK(zcl_disk_remove(zc, "mine") == 0);
	zcl_close(zc);
}

static void
use_as_stranger(const struct errand *errand)
{
	struct zcl *zc = connect_to(errand);

	E2E_CHECK(try_open(zc, "own", 0) == -EACCES);
	E2E_CHECK(try_open(zc, "own", ZCL_OPEN_RDONLY) == -EACCES);
	E2E_CHECK(try_open(zc, "group", ZCL_OPEN_RDONLY) == -EACCES);
	E2E_CHECK(zcl_disk_remove(zc, "own") == -EACCES);
	zcl_close(zc);
}

static void
use_as_member(const struct errand *errand)
{
	struct zcl *zc = connect_to(errand);

	E2E_CHECK(try_open(zc, "own", ZCL_OPEN_RDONLY) == -EACCES);
	E2E_CHECK(try_open(zc, "group", ZCL_OPEN_RDONLY) == 0);
	E2E_CHECK(try_open(zc, "group", 0) == -EACCES);
	zcl_close(zc);
}

/* A request and its reply, past the library. @return the reply's error */
static int
talk(int sock, void *msg, uint32_t len, int fds[ZSHM_FDS_MAX])
{
	char buf[ZWIRE_MSG_MAX];
	unsigned int nr_fds = 0;
	struct zwire_hdr hdr;

	E2E_CHECK(send(sock, msg, len, 0) == (ssize_t)len);
	E2E_CHECK(zshm_recv(sock, buf, sizeof(buf), fds, &nr_fds, 0) >= (ssize_t)sizeof(hdr));
	memcpy(&hdr, buf, sizeof(hdr));
	E2E_CHECK(nr_fds == (hdr.error == 0 && hdr.type != (ZWIRE_HELLO | ZWIRE_REPLY) ? 2 : 0));
	return hdr.error;
}

/* What was passed can be read, and nothing else, whichever way it is tried. */
static void
check_read_only(int fd)
{
	struct stat st;
	char path[64];
	void *map;

	E2E_CHECK(fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600);
	E2E_CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
	E2E_CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	E2E_CHECK(errno == EACCES);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	E2E_CHECK(map != MAP_FAILED);
	E2E_CHECK(mprotect(map, 4096, PROT_READ | PROT_WRITE) < 0 && errno == EACCES);
	E2E_CHECK(madvise(map, 4096, MADV_REMOVE) < 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	E2E_CHECK(open(path, O_RDWR) < 0 && errno == EACCES);
	E2E_CHECK(open(path, O_RDONLY | O_TRUNC) < 0 && errno == EACCES);
	E2E_CHECK(write(fd, "x", 1) < 0);
	E2E_CHECK(ftruncate(fd, 0) < 0);
	E2E_CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0);
	E2E_CHECK(fchmod(fd, 0666) < 0 && errno == EPERM);
}

static void
use_without_the_library(const struct errand *errand)
{
	struct zwire_hello hello = {{sizeof(hello), ZWIRE_HELLO, 0, 0, 0},
	                            ZWIRE_MAGIC,
	                            ZWIRE_VERSION_MIN,
	                            ZWIRE_VERSION_MAX};
	struct zwire_disk_open open = {
	        {sizeof(open), ZWIRE_DISK_OPEN, 0, 0, 0}, ZWIRE_OPEN_RDONLY, E2E_PAGE, "readable"};
	struct zwire_queue_create create = {
	        {sizeof(create), ZWIRE_QUEUE_CREATE, 0, 0, 0}, 0, 8, 0, 0};
	int sock = socket(AF_UNIX, SOCK_SEQPACKET, 0), fds[ZSHM_FDS_MAX];
	struct sockaddr_un addr;

	E2E_CHECK(zshm_sockaddr(errand->e->socket, &addr) == 0);
	E2E_CHECK(connect(sock, (const struct sockaddr *)&addr, sizeof(addr)) == 0);
	E2E_CHECK(talk(sock, &hello, sizeof(hello), fds) == 0);
	E2E_CHECK(talk(sock, &open, sizeof(open), fds) == 0);
	check_read_only(fds[0]);
	check_read_only(fds[1]);
	E2E_CHECK(talk(sock, &create, sizeof(create), fds) == -EACCES);
	close(sock);
}

static void
use_the_files(const struct errand *errand)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/readable.objs", errand->e->state);
	E2E_CHECK(access(path, F_OK) < 0 && errno == EACCES);
	E2E_CHECK(access(errand->e->state, R_OK) < 0);
}

static void
test_closed_socket(void **state)
{
	struct e2e *e = (struct e2e *)*state;

	e2e_start(e, NULL);
	send_as(e, NOBODY, 0, use_socket);
	e2e_stop(e);
}

static void
test_disks_of_others(void **state)
{
	struct e2e *e = (struct e2e *)*state;
	uint64_t page[E2E_PAGE / 8];
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct zcl *zc;

	e2e_start(e, (const char *const[]){"--socket-mode", "666", "--anyone-creates", NULL});
	zc = e2e_connect(e);
	make_disk(zc, "private", 0600);
	make_disk(zc, "readable", 0644);
	make_disk(zc, "shared", 0666);
	for (unsigned int i = 0; i < E2E_PAGE / 8; i++)
		page[i] = i % 511 == 0 ? 42 : i;
	assert_int_equal(zcl_disk_open(zc, "readable", &disk), 0);
	q = e2e_queue(disk, 8);
	assert_int_equal(zcl_store_sync(q, 3, page), 0);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	send_as(e, NOBODY, 0, use_readable);
	send_as(e, NOBODY, 0, use_shared);
	send_as(e, SOMEONE, 0, use_shared);
	send_as(e, NOBODY, 0, use_without_the_library);
	send_as(e, NOBODY, 0, use_the_files);
	send_as(e, NOBODY, 0, make_own);
	send_as(e, SOMEONE, 0, use_as_stranger);
	send_as(e, SOMEONE, GROUP, use_as_stranger);
	send_as(e, SOMEONE, NOBODY, use_as_member);
	/* Root may do everything. */
	assert_int_equal(try_open(zc, "own", 0), 0);
	e2e_remove(zc, "own");
	zcl_close(zc);
	e2e_stop(e);
}

/* The service of a user: root's programs do not trust it unless they are told to. */
static void
test_service_of_a_user(void **state)
{
	struct zcl_opts allow = {.sz = sizeof(allow), .flags = ZCL_ALLOW_USER, .user = NOBODY};
	struct e2e *e = (struct e2e *)*state;
	struct zcl_disk *disk;
	struct zcl_queue *q;
	uint64_t page[E2E_PAGE / 8] = {1, 2, 3};
	struct zcl *zc;

	if (!e2e_program_for(NOBODY)) {
		print_message("user %u cannot run the built zcompd where it is\n", NOBODY);
		skip();
	}
	assert_int_equal(chown(e->dir, NOBODY, NOBODY), 0);
	e->uid = NOBODY;
	e2e_start(e, (const char *const[]){"--socket-mode", "666", "--anyone-creates", NULL});
	assert_int_equal(zcl_connect(e->socket, NULL, &zc), -EACCES);
	assert_int_equal(zcl_connect(e->socket, &allow, &zc), 0);
	disk = e2e_disk(zc, "shared", 8);
	q = e2e_queue(disk, 8);
	assert_int_equal(zcl_store_sync(q, 1, page), 0);
	zcl_queue_destroy(q);
	zcl_disk_close(disk);
	zcl_close(zc);
	send_as(e, NOBODY, 0, use_shared);
	e2e_stop(e);
	e->uid = 0;
}

static int
setup(void **state)
{
	struct e2e *e;

	e2e_setup(state);
	e = (struct e2e *)*state;
	/* So that others come as far as the socket. */
	return chmod(e->dir, 0711);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_closed_socket),
	        cmocka_unit_test_setup_teardown(test_disks_of_others, setup, e2e_teardown),
	        cmocka_unit_test_setup_teardown(test_service_of_a_user, setup, e2e_teardown),
	};

	if (geteuid() != 0) {
		printf("skipped: not root, so it cannot become another user\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, setup, e2e_teardown);
}
