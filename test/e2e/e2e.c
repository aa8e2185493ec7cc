/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Starting, watching and ending services and tools. The test's own thread. */

#include "e2e.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define ARGS_MAX  64
#define MOMENT_MS 1000u

/* A pipe that a chatty service does not fill: nobody reads it while a test is busy otherwise. */
#define PIPE_LEN (1 << 20)

static const char *
program(const char *name)
{
	const char *path = getenv(name);

	assert_non_null(path);
	return path;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int
e2e_setup(void **state)
{
	struct e2e *e = (struct e2e *)calloc(1, sizeof(*e));
	static unsigned int nr;

	assert_non_null(e);
	e->log_fd = -1;
	strcpy(e->dir, "/dev/shm/zcompd-e2e-XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	snprintf(e->socket, sizeof(e->socket), "%s/sock", e->dir);
	snprintf(e->state, sizeof(e->state), "%s/state", e->dir);
	snprintf(e->prefix, sizeof(e->prefix), "zcompd-test-%d-%u", (int)getpid(), nr++);
	*state = e;
	return 0;
}

int
e2e_setup_started(void **state)
{
	e2e_setup(state);
	e2e_start((struct e2e *)*state, NULL);
	return 0;
}

int
e2e_teardown(void **state)
{
	struct e2e *e = (struct e2e *)*state;

	if (e->pid != 0)
		e2e_stop(e);
	remove_tree(e->dir);
	free(e);
	return 0;
}

/* In the child: becomes a program that dies with the test. */
static void
become(const char *const *argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void
run_service(struct e2e *e, const char *const *args, int err)
{
	const char *argv[ARGS_MAX] = {program("ZCOMPD"), "--socket", e->socket, "--state-dir",
	                              e->state};
	struct rlimit nofile = {e->nofile, e->nofile};
	unsigned int nr = 5;

	for (; args != NULL && *args != NULL && nr < ARGS_MAX - 4; args++)
		argv[nr++] = *args;
	argv[nr++] = "--";
	argv[nr++] = "--file-prefix";
	argv[nr++] = e->prefix;
	setenv("RUNTIME_DIRECTORY", e->dir, 1);
	if (e->nofile != 0 && setrlimit(RLIMIT_NOFILE, &nofile) < 0)
		_exit(126);
	if (e->uid != 0 && (setgid(e->uid) < 0 || setuid(e->uid) < 0))
		_exit(126);
	/* EAL tells to standard output what it thinks of its arguments. */
	dup2(err, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	become(argv);
}

static int
can_run(void *arg)
{
	const uid_t *uid = (const uid_t *)arg;
	const char *argv[] = {program("ZCOMPD"), "--version", NULL};

	if (setgid(*uid) < 0 || setuid(*uid) < 0)
		return 1;
	become(argv);
	return 1;
}

bool
e2e_program_for(uid_t uid)
{
	return e2e_wait(e2e_fork(can_run, &uid)) == 0;
}

static void
spawn(struct e2e *e, const char *const *args)
{
	int fds[2];

	assert_int_equal(e->pid, 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	(void)fcntl(fds[0], F_SETPIPE_SZ, PIPE_LEN);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	e->pid = fork();
	assert_true(e->pid >= 0);
	if (e->pid == 0)
		run_service(e, args, fds[1]);
	close(fds[1]);
	e->log_fd = fds[0];
	e->log_len = 0;
	e->log[0] = '\0';
}

/* Reads what there is, at most once. @return false at the end of it */
static bool
read_log(struct e2e *e)
{
	char rest[256];
	size_t room = sizeof(e->log) - 1 - e->log_len;
	ssize_t n = read(e->log_fd, room > 0 ? e->log + e->log_len : rest,
	                 room > 0 ? room : sizeof(rest));

	if (n > 0 && room > 0)
		e->log_len += (size_t)n;
	e->log[e->log_len] = '\0';
	return n != 0;
}

const char *
e2e_log(struct e2e *e)
{
	struct pollfd p = {e->log_fd, POLLIN, 0};

	while (e->log_fd >= 0 && poll(&p, 1, 0) == 1 && read_log(e))
		;
	return e->log;
}

/* Waits for the end of a service, which ends of itself. @return its status of waitpid(2) */
static int
reap_service(struct e2e *e)
{
	struct pollfd p = {e->log_fd, POLLIN, 0};
	int status, nr;

	do {
		nr = poll(&p, 1, E2E_WAIT_MS);
	} while (nr == 1 && read_log(e));
	if (nr != 1)
		kill(e->pid, SIGKILL);
	assert_int_equal(waitpid(e->pid, &status, 0), e->pid);
	close(e->log_fd);
	e->log_fd = -1;
	e->pid = 0;
	if (nr != 1)
		fail_msg("the service does not end; it says:\n%s", e->log);
	return status;
}

/* Waits until the service is ready. @return false when it ends instead, or says nothing for long */
static bool
wait_ready(struct e2e *e)
{
	struct pollfd p = {e->log_fd, POLLIN, 0};

	while (strstr(e->log, ": ready") == NULL) {
		if (poll(&p, 1, E2E_WAIT_MS) != 1 || !read_log(e))
			return false;
	}
	return true;
}

static unsigned int
entries_of_service(const struct e2e *e, const char *what)
{
	struct dirent *entry;
	unsigned int nr = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)e->pid, what);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		nr += entry->d_name[0] != '.';
	closedir(dir);
	return nr;
}

void
e2e_start(struct e2e *e, const char *const *args)
{
	spawn(e, args);
	if (!wait_ready(e))
		fail_msg("the service does not start; it says:\n%s", e->log);
	e->threads = entries_of_service(e, "task");
}

bool
e2e_has_device(const char *name)
{
	const char *args[] = {"--device", name, NULL};
	struct e2e *e;
	bool has;

	e2e_setup((void **)&e);
	spawn(e, args);
	if (!wait_ready(e)) {
		reap_service(e);
		fail_msg("the service does not start; it says:\n%s", e->log);
	}
	has = strstr(e->log, "no driver of that name") == NULL;
	e2e_teardown((void **)&e);
	return has;
}

void
e2e_start_fails(struct e2e *e, const char *const *args, int status, const char *says)
{
	int got;

	spawn(e, args);
	got = reap_service(e);
	if (!WIFEXITED(got) || WEXITSTATUS(got) != status || strstr(e->log, says) == NULL)
		fail_msg("status %d and \"%s\" wanted, %#x got, and:\n%s", status, says,
		         (unsigned int)got, e->log);
}

/* Only arenas and the lock. */
static void
check_state_dir(const struct e2e *e)
{
	DIR *dir = opendir(e->state);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		const char *dot = strrchr(entry->d_name, '.');

		if (strcmp(entry->d_name, "lock") == 0 || entry->d_name[0] == '.')
			continue;
		if (dot == NULL || (strcmp(dot, ".slots") != 0 && strcmp(dot, ".objs") != 0))
			fail_msg("left in the state directory: %s", entry->d_name);
	}
	closedir(dir);
}

void
e2e_terminate(struct e2e *e)
{
	/* Should a test have stopped it. Not later: the leak sanitizer stops it once more then. */
	assert_int_equal(kill(e->pid, SIGCONT), 0);
	assert_int_equal(kill(e->pid, SIGTERM), 0);
}

void
e2e_stop_wait(struct e2e *e)
{
	int status = reap_service(e);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the service stopped with %#x and said:\n%s", (unsigned int)status,
		         e->log);
	assert_int_equal(access(e->socket, F_OK), -1);
	check_state_dir(e);
}

void
e2e_stop(struct e2e *e)
{
	e2e_terminate(e);
	e2e_stop_wait(e);
}

void
e2e_kill(struct e2e *e)
{
	int status;

	assert_int_equal(kill(e->pid, SIGKILL), 0);
	status = reap_service(e);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int
status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* Appends what there is. @return whether there will be more */
static bool
collect(int fd, char *to, size_t size, size_t *len)
{
	ssize_t n = read(fd, to + *len, size - 1 - *len);

	assert_true(n >= 0);
	*len += (size_t)n;
	to[*len] = '\0';
	assert_true(*len < size - 1);
	return n > 0;
}

void
e2e_run(struct e2e_result *r, const char *const *argv)
{
	struct pollfd p[2] = {{.events = POLLIN}, {.events = POLLIN}};
	size_t out_len = 0, err_len = 0;
	int out[2], err[2], status;
	pid_t pid;

	r->out[0] = r->err[0] = '\0';
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		become(argv);
	}
	close(out[1]);
	close(err[1]);
	p[0].fd = out[0];
	p[1].fd = err[0];
	while (p[0].fd >= 0 || p[1].fd >= 0) {
		assert_true(poll(p, 2, E2E_WAIT_MS) > 0);
		if (p[0].revents != 0 && !collect(out[0], r->out, sizeof(r->out), &out_len))
			p[0].fd = -1;
		if (p[1].revents != 0 && !collect(err[0], r->err, sizeof(r->err), &err_len))
			p[1].fd = -1;
	}
	close(out[0]);
	close(err[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	r->status = status_of(status);
}

void
e2e_ctl(struct e2e *e, struct e2e_result *r, const char *const *args)
{
	const char *argv[16] = {program("ZCOMPCTL"), "--socket", e->socket};

	for (unsigned int nr = 3; *args != NULL; args++) {
		assert_true(nr < 15);
		argv[nr++] = *args;
	}
	e2e_run(r, argv);
}

struct zcl *
e2e_connect(struct e2e *e)
{
	struct zcl *zc = NULL;

	assert_int_equal(zcl_connect(e->socket, NULL, &zc), 0);
	return zc;
}

struct zcl_disk *
e2e_disk(struct zcl *zc, const char *name, uint64_t pages)
{
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = pages};
	struct zcl_disk *disk = NULL;

	assert_int_equal(zcl_disk_create(zc, name, &opts), 0);
	assert_int_equal(zcl_disk_open(zc, name, &disk), 0);
	return disk;
}

struct zcl_queue *
e2e_queue(struct zcl_disk *disk, uint32_t depth)
{
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = depth};
	struct zcl_queue *q = NULL;

	assert_int_equal(zcl_queue_create(disk, &opts, &q), 0);
	return q;
}

void
e2e_remove(struct zcl *zc, const char *name)
{
	struct timespec pause = {0, 1000000};
	int ret = -EBUSY;

	/* A queue's end reaches the service by another way than this request. */
	for (unsigned int i = 0; ret == -EBUSY && i < E2E_WAIT_MS; i++) {
		ret = zcl_disk_remove(zc, name);
		if (ret == -EBUSY)
			nanosleep(&pause, NULL);
	}
	assert_int_equal(ret, 0);
}

void
e2e_reap_ok(struct zcl_queue *q, unsigned int nr)
{
	struct zcl_cqe cqe;

	assert_true(zcl_wait(q, nr, E2E_WAIT_MS) >= (int)nr);
	for (; nr > 0; nr--) {
		assert_int_equal(zcl_reap(q, &cqe, 1), 1);
		assert_int_equal(cqe.res, 0);
	}
}

uint64_t
e2e_number(const char *reply, const char *key)
{
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = strstr(reply, quoted);
	if (at == NULL)
		fail_msg("no %s in: %s", key, reply);
	return strtoull(at + strlen(quoted), NULL, 10);
}

uint64_t
e2e_ask(struct zcl *zc, const char *request, const char *key)
{
	static char reply[65536];

	assert_int_equal(zcl_admin(zc, request, reply, sizeof(reply)), 0);
	assert_non_null(strstr(reply, "\"ok\":true"));
	return e2e_number(reply, key);
}

unsigned int
e2e_service_fds(const struct e2e *e)
{
	for (unsigned int i = 0; entries_of_service(e, "task") > e->threads && i < MOMENT_MS; i++)
		poll(NULL, 0, 1);
	return entries_of_service(e, "fd");
}

const char *
e2e_two_cpus(void)
{
	static char text[32];
	int cpus[2] = {-1, -1};
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (cpus[0] < 0)
			cpus[0] = cpu;
		cpus[1] = cpu;
	}
	snprintf(text, sizeof(text), "%d,%d", cpus[0], cpus[1]);
	return text;
}

pid_t
e2e_fork(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fn(arg));
	}
	return pid;
}

int
e2e_wait(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status_of(status);
}
