/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The connection to the service. Each struct is its owner's: one thread at a time. */

#include "service_disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "codec/codec.h"

int
service_complain(const char *what, int err)
{
	zc_err("service: %s: %s (%d)", what, zcl_strerror(err), err);
	return err;
}

static int
make_disk(struct service_disk *s, const struct service_disk_opts *opts)
{
	static unsigned int made;
	char algorithm[32], name[sizeof(s->name)];
	struct zcl_disk_opts disk = {
	        .sz = sizeof(disk),
	        .pages = s->pages,
	        .algorithm = algorithm,
	        .page_size = PERF_PAGE_SIZE,
	        .flags = opts->flags,
	};
	int ret;

	snprintf(algorithm, sizeof(algorithm), "%s:level=%d", s->env->opts->codec->name,
	         s->env->opts->level);
	snprintf(name, sizeof(name), "zcomp-perf-%d-%u", (int)getpid(), made++);
	ret = zcl_disk_create(s->zc, name, &disk);
	if (ret != 0)
		return service_complain("zcl_disk_create", ret);
	memcpy(s->name, name, sizeof(name));
	ret = zcl_disk_open(s->zc, name, &s->disk);
	return ret == 0 ? 0 : service_complain("zcl_disk_open", ret);
}

int
service_disk_open(struct service_disk *s, const struct target_env *env,
                  const struct service_disk_opts *opts)
{
	int ret = 0;

	memset(s, 0, sizeof(*s));
	s->env = env;
	s->proc.said = -1;
	s->pages = opts->pages != 0 ? opts->pages : env->corpus->nr;
	s->socket = env->opts->socket;
	if (s->socket == NULL) {
		ret = service_proc_start_workers(&s->proc, env->place, env->opts->zcompd,
		                                 opts->nr_workers > 1 ? opts->nr_workers : 1);
		s->socket = s->proc.socket;
	}
	if (ret == 0) {
		ret = zcl_connect(s->socket, NULL, &s->zc);
		if (ret != 0)
			service_complain(s->socket, ret);
	}
	if (ret == 0)
		ret = make_disk(s, opts);
	if (ret != 0)
		service_disk_close(s);
	return ret;
}

void
service_disk_close(struct service_disk *s)
{
	int ret;

	if (s->env == NULL)
		return;
	zcl_disk_close(s->disk);
	/* A service of our own goes with all it has. */
	if (s->name[0] != '\0' && s->proc.pid == 0) {
		ret = zcl_disk_remove(s->zc, s->name);
		if (ret != 0)
			zc_warn("disk %s stays behind: %s", s->name, zcl_strerror(ret));
	}
	zcl_close(s->zc);
	service_proc_stop(&s->proc);
	s->env = NULL;
}

int
service_disk_queue(const struct service_disk *s, uint32_t depth, uint32_t flags,
                   struct zcl_queue **out)
{
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = depth, .flags = flags};
	int ret = zcl_queue_create(s->disk, &opts, out);

	return ret == 0 ? 0 : service_complain("zcl_queue_create", ret);
}

pid_t
service_disk_pid(const struct service_disk *s)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (s->proc.pid > 0)
		return s->proc.pid;
	if (getsockopt(zcl_fd(s->zc), SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	return peer.pid;
}

int
service_client_open(struct service_client *c, const struct service_disk *s, uint32_t depth)
{
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = depth};
	int ret;

	memset(c, 0, sizeof(*c));
	ret = zcl_connect(s->socket, NULL, &c->zc);
	if (ret == 0)
		ret = zcl_disk_open(c->zc, s->name, &c->disk);
	if (ret == 0)
		ret = zcl_queue_create(c->disk, &opts, &c->queue);
	if (ret == 0)
		return 0;
	service_complain("a further client", ret);
	service_client_close(c);
	return ret;
}

void
service_client_close(struct service_client *c)
{
	zcl_queue_destroy(c->queue);
	zcl_disk_close(c->disk);
	zcl_close(c->zc);
	memset(c, 0, sizeof(*c));
}
