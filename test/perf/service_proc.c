/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A zcompd that serves this run only: socket and state lie in a folder of its own on a tmpfs, and
 * it ends with us, however we end.
 */

#include "service_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define TMPFS    "/dev/shm"
#define START_NS 60000000000u
#define STOP_NS  20000000000u
#define SAID_LEN 4096

/* @return 0 when @p path is the program now */
static int
find_program(char path[PATH_MAX])
{
	/* Installed beside this one, in the same build, installed elsewhere. */
	static const char *const places[] = {"../sbin/zcompd", "../../service/zcompd",
	                                     ZCOMPD_SBINDIR "/zcompd"};
	char own[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);

	if (len < 0)
		return -errno;
	own[len] = '\0';
	*(strrchr(own, '/') + 1) = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *from = places[i][0] == '/' ? "" : own;

		if (snprintf(path, PATH_MAX, "%s%s", from, places[i]) < PATH_MAX &&
		    access(path, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

/* In the child. Standard output may be the report's, so the service gets only standard error. */
static void
exec_service(const struct service_proc *p, const struct perf_place *place, pid_t parent,
             const char *program, const char *workers, int err)
{
	char state[64];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	perf_place_leave(place);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (null < 0 || getppid() != parent || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	snprintf(state, sizeof(state), "%s/state", p->dir);
	/* EAL's folder is shared by all services, and the last one that ends removes it, maybe just
	 * when another one starts. */
	setenv("RUNTIME_DIRECTORY", p->dir, 1);
	execl(program, "zcompd", "--socket", p->socket, "--state-dir", state, "--workers", workers,
	      (char *)NULL);
	dprintf(STDERR_FILENO, "%s: %s\n", program, strerror(errno));
	_exit(EXIT_FAILURE);
}

/* Waits for the line that says that it listens. */
static int
wait_ready(struct service_proc *p, const struct perf_place *place)
{
	uint64_t until = zc_now_ns() + START_NS;
	char said[SAID_LEN + 1] = "";
	size_t len = 0;

	while (zc_now_ns() < until && len < SAID_LEN) {
		struct pollfd fds[2] = {{.fd = p->said, .events = POLLIN},
		                        {.fd = place->stop_fd, .events = POLLIN}};
		ssize_t n;

		if (poll(fds, 2, 1000) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents != 0)
			return -EINTR;
		if (fds[0].revents == 0)
			continue;
		n = read(p->said, said + len, SAID_LEN - len);
		if (n <= 0) {
			zc_err("zcompd ended before it was ready; it said:\n%s", said);
			return -EIO;
		}
		len += (size_t)n;
		said[len] = '\0';
		if (strstr(said, "zcompd: ready") != NULL)
			return 0;
	}
	zc_err("zcompd is not ready; it said:\n%s", said);
	return -ETIME;
}

static int
fork_service(struct service_proc *p, const struct perf_place *place, const char *program,
             const char *workers)
{
	pid_t parent = getpid();
	int fds[2], ret = 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	p->pid = fork();
	if (p->pid == 0)
		exec_service(p, place, parent, program, workers, fds[1]);
	if (p->pid < 0)
		ret = -errno;
	close(fds[1]);
	p->said = fds[0];
	return ret;
}

/* The CPUs of the workers, as zcompd wants them named. */
static int
name_workers(const struct perf_place *place, unsigned int nr, char *out, size_t len)
{
	size_t used = 0;

	for (int cpu = place->worker_cpu; cpu >= 0 && cpu < CPU_SETSIZE && nr > 0; cpu++) {
		if (!CPU_ISSET(cpu, &place->cpus))
			continue;
		used += (size_t)snprintf(out + used, len - used, used > 0 ? ",%d" : "%d", cpu);
		if (used >= len)
			return -ENOSPC;
		nr--;
	}
	return nr == 0 ? 0 : -ENOSPC;
}

int
service_proc_start(struct service_proc *p, const struct perf_place *place, const char *program)
{
	return service_proc_start_workers(p, place, program, 1);
}

int
service_proc_start_workers(struct service_proc *p, const struct perf_place *place,
                           const char *program, unsigned int nr_workers)
{
	char found[PATH_MAX], workers[256];
	int ret = 0;

	memset(p, 0, sizeof(*p));
	p->said = -1;
	if (program == NULL) {
		ret = find_program(found);
		program = found;
	} else if (access(program, X_OK) != 0) {
		ret = -errno;
	}
	if (ret != 0) {
		zc_err("target service: %s: %s; --zcompd names the program, --socket a running one",
		       program == found ? "no zcompd beside this program" : program,
		       strerror(-ret));
		return ret;
	}
	snprintf(p->dir, sizeof(p->dir), TMPFS "/zcomp-perf-XXXXXX");
	if (mkdtemp(p->dir) == NULL) {
		ret = -errno;
		p->dir[0] = '\0';
	}
	if (ret == 0) {
		snprintf(p->socket, sizeof(p->socket), "%s/sock", p->dir);
		ret = name_workers(place, nr_workers, workers, sizeof(workers));
	}
	if (ret == 0) {
		ret = fork_service(p, place, program, workers);
	}
	if (ret != 0) {
		zc_err("target service: cannot start zcompd: %s", strerror(-ret));
		return ret;
	}
	return wait_ready(p, place);
}

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void
end_process(pid_t pid)
{
	uint64_t until = zc_now_ns() + STOP_NS;
	int status;

	kill(pid, SIGTERM);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct timespec pause = {.tv_nsec = 1000000};

		if (zc_now_ns() > until) {
			zc_warn("zcompd does not end: killed");
			kill(pid, SIGKILL);
			until = UINT64_MAX;
		}
		nanosleep(&pause, NULL);
	}
}

/* What it said since it was ready, but for the usual. */
static void
pass_on(int said)
{
	char line[1024];
	FILE *stream = fdopen(said, "r");

	if (stream == NULL) {
		close(said);
		return;
	}
	while (fgets(line, sizeof(line), stream) != NULL) {
		if (strstr(line, "error: ") != NULL || strstr(line, "warning: ") != NULL)
			fputs(line, stderr);
	}
	fclose(stream);
}

void
service_proc_stop(struct service_proc *p)
{
	if (p->pid > 0)
		end_process(p->pid);
	if (p->said >= 0)
		pass_on(p->said);
	if (p->dir[0] != '\0')
		nftw(p->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	memset(p, 0, sizeof(*p));
	p->said = -1;
}
