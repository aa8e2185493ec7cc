/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * zcompd: start, the main lcore's loop, stop. Each step of the start has its undoing in stop(),
 * which tolerates a start that failed on the way.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_launch.h>

#include "base/clock.h"
#include "base/log.h"
#include "eal.h"
#include "endpoint.h"
#include "session.h"
#include "telemetry.h"
#include "zd.h"

/* Maintenance of the arenas: memory given back a second after it became free. */
#define MAINTAIN_MS 1000

static void
on_signal(struct zd_source *src, uint32_t events)
{
	struct zd *zd = (struct zd *)((char *)src - offsetof(struct zd, signals));
	struct signalfd_siginfo info;

	(void)events;
	if (read(src->fd, &info, sizeof(info)) != sizeof(info))
		return;
	/* As good as kill -9, which loses nothing: for a device that never answers. */
	if (zd->stopping)
		_exit(EXIT_FAILURE);
	zc_info("signal %u: stopping", info.ssi_signo);
	zd->stopping = true;
}

static void
on_mail(struct zd_source *src, uint32_t events)
{
	struct zd *zd = (struct zd *)((char *)src - offsetof(struct zd, mail_source));
	struct zd_queue *q = zd_mailbox_take(&zd->mail), *next;

	(void)events;
	for (; q != NULL; q = next) {
		next = q->mail_next;
		zd_session_queue_gone(q);
	}
	zd_disks_maintain(&zd->disks, false);
}

/* Blocked before the EAL starts its threads, so that the descriptor alone gets them. */
static int
catch_signals(struct zd *zd)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	/* Under a limit of file sizes a disk is refused, not the service ended. */
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	zd->signals.ready = on_signal;
	zd->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return zd->signals.fd < 0 ? -errno : zd_loop_watch(zd->epoll_fd, &zd->signals);
}

/* Descriptors: one for each client, and two for each queue. */
static void
raise_limits(void)
{
	struct rlimit nofile;

	if (getrlimit(RLIMIT_NOFILE, &nofile) == 0) {
		nofile.rlim_cur = nofile.rlim_max;
		setrlimit(RLIMIT_NOFILE, &nofile);
	}
}

static int
start_loop(struct zd *zd)
{
	int ret;

	raise_limits();
	zd->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ret = zd->epoll_fd < 0 ? -errno : catch_signals(zd);
	if (ret == 0)
		ret = zd_mailbox_init(&zd->mail);
	if (ret == 0) {
		zd->mail_source.fd = zd->mail.fd;
		zd->mail_source.ready = on_mail;
		ret = zd_loop_watch(zd->epoll_fd, &zd->mail_source);
	}
	if (ret != 0)
		zc_err("no event loop: %s", strerror(-ret));
	return ret;
}

/* A device that is not there, or does not start, is no reason not to: software does its work. One
 * whose arguments are wrong, or whose driver is not to be loaded, is. */
static int
start_devices(struct zd *zd)
{
	for (unsigned int i = 0; i < zd->opts.nr_cpus; i++)
		zd->nodes[i] = zd_numa_node_of_cpu(&zd->numa, zd->opts.cpus[i]);
	zd->compressors.nr_lcores = zd->opts.nr_cpus;
	zd->compressors.nodes = zd->nodes;
	zd->compressors.hang_ns = zd->opts.hang_ms * 1000000u;
	zd->compressors.driver_dir = zd->opts.driver_dir;
	for (unsigned int i = 0; i < zd->opts.nr_devices; i++) {
		int ret = zd_compressors_add_device(&zd->compressors, zd->opts.devices[i],
		                                    ZCOMP_DEPTH_DEFAULT);

		if (ret == -EINVAL)
			return ret;
		if (ret != 0)
			zc_warn("device '%s' is left out: software compresses what it would have",
			        zd->opts.devices[i]);
	}
	return 0;
}

static int
start_backends(struct zd *zd)
{
	int ret = 0;

	for (unsigned int i = 0; i < zd->opts.nr_backends && ret == 0; i++)
		ret = zd_backends_load(&zd->backends, zd->opts.backend_dir, zd->opts.backends[i],
		                       &zd->compressors);
	return ret;
}

static int
start_workers(struct zd *zd)
{
	for (unsigned int i = 0; i < zd->opts.nr_cpus; i++) {
		struct zd_worker_opts opts = {
		        .idx = i,
		        .lcore_id = i + 1,
		        .cpu = zd->opts.cpus[i],
		        .node = zd->nodes[i],
		        .compressors = &zd->compressors,
		        .gone = &zd->mail,
		};
		int ret = zd_worker_create(&opts, &zd->workers[i]);

		if (ret == 0)
			ret = rte_eal_remote_launch(zd_worker_main, zd->workers[i], opts.lcore_id);
		if (ret != 0) {
			zc_err("worker %u on CPU %u does not start: %s", i, opts.cpu,
			       strerror(-ret));
			zd_worker_destroy(zd->workers[i]);
			return ret;
		}
		zd->nr_workers++;
	}
	return 0;
}

static int
create_disks(struct zd *zd)
{
	struct zd_creds self;

	zd_creds_of_self(&self);
	for (unsigned int i = 0; i < zd->opts.nr_disks; i++) {
		const struct zd_disk_opts *opts = &zd->opts.disks[i];
		char why[ZD_WHY_LEN] = "";
		int ret = 0;

		if (zd_disk_find(&zd->disks, opts->name) == NULL)
			ret = zd_disk_create(&zd->disks, opts, &self, why);
		else if (opts->has_policy)
			ret = zd_disk_set_policy(&zd->disks, opts->name, &opts->policy, &self, why);
		if (ret != 0) {
			zc_err("--disk: %s", why);
			return ret;
		}
	}
	return 0;
}

static int
start(struct zd *zd)
{
	int ret = start_loop(zd);

	if (ret == 0)
		ret = zd_state_open(zd);
	if (ret == 0)
		ret = zd_eal_init(&zd->opts);
	zd->eal_is_up = ret == 0;
	if (ret == 0)
		zd_numa_stay_near(&zd->numa, zd->opts.cpus, zd->opts.nr_cpus);
	if (ret == 0)
		ret = start_devices(zd);
	if (ret == 0)
		ret = start_backends(zd);
	if (ret == 0)
		ret = zd_disks_init(&zd->disks, zd->state_fd, &zd->compressors, &zd->opts.policy);
	if (ret == 0)
		ret = create_disks(zd);
	if (ret == 0)
		ret = start_workers(zd);
	if (ret == 0)
		ret = zd_socket_listen(zd);
	if (ret == 0)
		ret = zd_telemetry_start(zd);
	if (ret != 0)
		zc_err("not started: %s", strerror(-ret));
	return ret;
}

static void
run(struct zd *zd)
{
	uint64_t last = zc_now_ns();
	int wait_ms = MAINTAIN_MS;

	zc_info("ready, socket %s, %u worker%s", zd->socket_path, zd->nr_workers,
	        zd->nr_workers == 1 ? "" : "s");
	while (!zd->stopping) {
		uint64_t now;

		zd_loop_run_once(zd->epoll_fd, wait_ms);
		now = zc_now_ns();
		if (now - last >= MAINTAIN_MS * 1000000ull) {
			zd_disks_maintain(&zd->disks, true);
			zd_compact_look(zd);
			zd_socket_resume(zd);
			last = now;
		}
		wait_ms = zd_compact_run(zd, now);
		if (wait_ms < 0)
			wait_ms = MAINTAIN_MS;
	}
}

/* Drains every queue, so that what was acknowledged is in the arenas and nothing else follows. */
static void
stop_sessions(struct zd *zd)
{
	struct zd_session *s;

	while ((s = zd_session_first_open(zd)) != NULL)
		zd_session_close(s, NULL);
	while (!LIST_EMPTY(&zd->sessions))
		zd_loop_run_once(zd->epoll_fd, MAINTAIN_MS);
}

static void
stop(struct zd *zd)
{
	zd_telemetry_stop();
	zd_socket_close(zd);
	stop_sessions(zd);
	for (unsigned int i = 0; i < zd->nr_workers; i++)
		zd_worker_stop(zd->workers[i]);
	for (unsigned int i = 0; i < zd->nr_workers; i++) {
		rte_eal_wait_lcore(zd->workers[i]->lcore_id);
		zd_worker_destroy(zd->workers[i]);
	}
	zd_disks_fini(&zd->disks);
	zd_compressors_fini(&zd->compressors);
	zd_backends_fini(&zd->backends);
	zd_mailbox_fini(&zd->mail);
	close(zd->signals.fd);
	close(zd->epoll_fd);
	if (zd->eal_is_up)
		rte_eal_cleanup();
	/* The lock last: until now the arenas were ours. */
	close(zd->lock_fd);
	close(zd->state_fd);
}

int
main(int argc, char **argv)
{
	struct zd *zd = (struct zd *)calloc(1, sizeof(*zd));
	int ret;

	if (zd == NULL)
		return EXIT_FAILURE;
	zc_log_init("zcompd", ZC_LOG_INFO);
	zd_options_parse(&zd->opts, argc, argv);
	zd->epoll_fd = zd->state_fd = zd->lock_fd = -1;
	zd->listener.fd = zd->signals.fd = zd->mail.fd = -1;
	LIST_INIT(&zd->sessions);
	zd_numa_init(&zd->numa);
	ret = start(zd);
	if (ret == 0)
		run(zd);
	stop(zd);
	zd_options_fini(&zd->opts);
	free(zd);
	return ret == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
