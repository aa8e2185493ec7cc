/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A client's control connection: handshake, disks it has open, its queues.
 *
 * A message that cannot be is the end of its session, said once, and of no other. A session lives
 * until its last queue has come back from its worker.
 */

#include "session.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin.h"
#include "base/log.h"
#include "creds.h"
#include "ipc/shm.h"

#define SESSION_DISKS_MAX 256u
/* Queue memory is charged in full to its client. */
#define SESSION_QUEUE_BYTES_MAX (256u << 20)
#define SESSION_QUEUES_MAX      256u

struct zd_session {
	struct zd_source src;
	LIST_ENTRY(zd_session) link;
	LIST_HEAD(, zd_queue) queues;
	struct zd *zd;
	struct zd_creds creds;
	struct {
		struct zd_disk *disk;
		bool writable;
	} disks[SESSION_DISKS_MAX];
	struct zwire_hdr late_reply; /**< to DISK_CLOSE, while queues of that handle are drained,
	                                  or to an admin request, while `compact` is compacted */
	struct zd_disk *compact;
	uint32_t late_disk_id;
	bool has_late_reply;
	uint64_t queue_bytes;
	unsigned int nr_queues;
	bool greeted; /**< HELLO is done */
	bool closing;
};

static void
free_session(struct zd_session *s)
{
	LIST_REMOVE(s, link);
	for (unsigned int i = 0; i < SESSION_DISKS_MAX; i++) {
		if (s->disks[i].disk != NULL)
			s->disks[i].disk->refs--;
	}
	free(s);
}

void
zd_session_close(struct zd_session *s, const char *why)
{
	struct zd_queue *q;

	if (s->closing)
		return;
	if (why != NULL)
		zc_warn("client %d (user %u): %s; its session is closed", (int)s->creds.pid,
		        s->creds.uid, why);
	s->closing = true;
	zd_loop_unwatch(s->zd->epoll_fd, &s->src);
	LIST_FOREACH (q, &s->queues, siblings)
		zd_worker_kill(q);
	close(s->src.fd);
	if (LIST_EMPTY(&s->queues))
		free_session(s);
}

static int
reply(struct zd_session *s, void *msg, size_t len, int error, const int *fds, unsigned int nr_fds)
{
	struct zwire_hdr *hdr = (struct zwire_hdr *)msg;

	hdr->len = (uint32_t)len;
	hdr->type |= ZWIRE_REPLY;
	hdr->error = error;
	return zshm_send(s->src.fd, msg, len, fds, nr_fds);
}

static bool
has_queue_of(const struct zd_session *s, uint32_t disk_id)
{
	const struct zd_queue *q;

	LIST_FOREACH (q, &s->queues, siblings) {
		if (q->disk_id == disk_id)
			return true;
	}
	return false;
}

/* Nothing was read from the client meanwhile, so that replies keep their order. */
static void
send_late_reply(struct zd_session *s, void *msg, size_t len, int error)
{
	int ret = reply(s, msg, len, error, NULL, 0);

	if (ret == 0)
		ret = zd_loop_watch(s->zd->epoll_fd, &s->src);
	if (ret != 0)
		zd_session_close(s, NULL);
}

static void
send_disk_closed(struct zd_session *s)
{
	s->has_late_reply = false;
	send_late_reply(s, &s->late_reply, sizeof(s->late_reply), 0);
}

void
zd_session_compacted(struct zd *zd, const struct zd_disk *disk, int error)
{
	struct zd_session *s, *next;

	for (s = LIST_FIRST(&zd->sessions); s != NULL; s = next) {
		struct {
			struct zwire_hdr hdr;
			char text[512];
		} msg;
		size_t len = sizeof(msg.text);

		next = LIST_NEXT(s, link);
		if (s->compact != disk)
			continue;
		s->compact = NULL;
		if (s->closing)
			continue;
		msg.hdr = s->late_reply;
		zd_admin_compacted(disk, error, msg.text, &len);
		send_late_reply(s, &msg, sizeof(msg.hdr) + len, error);
	}
}

static void *
run_close(void *fd)
{
	close((int)(intptr_t)fd);
	return NULL;
}

/*
 * Closes a descriptor of a file that a client has had, too. Who drops the last reference takes the
 * lock of each epoll that the file is in, and a client can hold that of his as long as he likes: so
 * a thread of its own does, and nobody waits.
 * @return whether there is such a thread
 */
static bool
close_away(int fd)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_close, (void *)(intptr_t)fd) != 0)
		return false;
	pthread_detach(thread);
	return true;
}

void
zd_session_queue_gone(struct zd_queue *q)
{
	struct zd_session *s = q->session;
	bool poisoned = q->poisoned;

	/* A descriptor less is better than a main lcore that waits. */
	if (!close_away(q->bell))
		zc_warn("no thread to close a queue's bell, which stays open");
	q->bell = -1;
	LIST_REMOVE(q, siblings);
	s->queue_bytes -= q->mem_len;
	s->nr_queues--;
	q->disk->refs--;
	zd_queue_destroy(q);
	if (poisoned && !s->closing)
		zd_session_close(s, "wrote what cannot be into its queue");
	else if (s->closing && LIST_EMPTY(&s->queues))
		free_session(s);
	else if (!s->closing && s->has_late_reply && !has_queue_of(s, s->late_disk_id))
		send_disk_closed(s);
}

struct zd_session *
zd_session_first_open(struct zd *zd)
{
	struct zd_session *s;

	LIST_FOREACH (s, &zd->sessions, link) {
		if (!s->closing)
			return s;
	}
	return NULL;
}

/*
 * Sends descriptors along.
 * @return as reply(); -EMFILE: too many are on their way, which need not be this client's fault
 */
static int
reply_fds(struct zd_session *s, void *msg, size_t len, const int *fds, unsigned int nr_fds)
{
	int ret = reply(s, msg, len, 0, fds, nr_fds);

	return ret == -ETOOMANYREFS || ret == -ENOBUFS || ret == -ENOMEM ? -EMFILE : ret;
}

static int
on_hello(struct zd_session *s, const struct zwire_hello *req)
{
	struct zwire_hello_reply rep = {.hdr = req->hdr, .magic = ZWIRE_MAGIC};
	int version = zwire_negotiate(req->version_min, req->version_max);
	int ret;

	if (req->magic != ZWIRE_MAGIC)
		return -EPROTO;
	rep.version = version > 0 ? (uint16_t)version : ZWIRE_VERSION_MAX;
	ret = reply(s, &rep, sizeof(rep), version > 0 ? 0 : version, NULL, 0);
	s->greeted = version > 0;
	return ret;
}

/* @return a handle, or -errno */
static int
open_disk(struct zd_session *s, const struct zwire_disk_open *req, int fds[2])
{
	bool writable = (req->flags & ZWIRE_OPEN_RDONLY) == 0;
	struct zd_disk *disk = zd_disk_find(&s->zd->disks, req->name);
	unsigned int id = 0;
	int ret;

	if ((req->flags & ~ZWIRE_OPEN_RDONLY) != 0)
		return -EINVAL;
	if (disk == NULL)
		return -ENOENT;
	if (!zd_disk_may(disk, &s->creds, writable ? 6 : 4))
		return -EACCES;
	if (req->page_size != zstore_super(disk->store)->page_size)
		return -EINVAL;
	while (id < SESSION_DISKS_MAX && s->disks[id].disk != NULL)
		id++;
	if (id == SESSION_DISKS_MAX)
		return -EMFILE;
	ret = zstore_open_readonly(disk->store, fds);
	if (ret != 0)
		return ret;
	s->disks[id].disk = disk;
	s->disks[id].writable = writable;
	disk->refs++;
	return (int)id;
}

static int
on_disk_open(struct zd_session *s, const struct zwire_disk_open *req)
{
	struct zwire_disk_open_reply rep = {.hdr = req->hdr};
	int fds[2], id, ret;

	id = open_disk(s, req, fds);
	if (id < 0)
		return reply(s, &rep, sizeof(rep), id, NULL, 0);
	rep.disk_id = (uint32_t)id;
	ret = reply_fds(s, &rep, sizeof(rep), fds, 2);
	close(fds[0]);
	close(fds[1]);
	if (ret != -EMFILE)
		return ret;
	s->disks[id].disk->refs--;
	s->disks[id].disk = NULL;
	return reply(s, &rep, sizeof(rep), ret, NULL, 0);
}

/* Answered when the handle's queues are gone: who then removes the disk is not told -EBUSY for what
 * he has closed. */
static int
on_disk_close(struct zd_session *s, const struct zwire_disk_close *req)
{
	struct zwire_hdr rep = req->hdr;
	struct zd_queue *q;

	if (req->disk_id >= SESSION_DISKS_MAX || s->disks[req->disk_id].disk == NULL)
		return reply(s, &rep, sizeof(rep), -EINVAL, NULL, 0);
	s->disks[req->disk_id].disk->refs--;
	s->disks[req->disk_id].disk = NULL;
	if (!has_queue_of(s, req->disk_id))
		return reply(s, &rep, sizeof(rep), 0, NULL, 0);
	LIST_FOREACH (q, &s->queues, siblings) {
		if (q->disk_id == req->disk_id)
			zd_worker_kill(q);
	}
	s->late_reply = rep;
	s->late_disk_id = req->disk_id;
	s->has_late_reply = true;
	zd_loop_unwatch(s->zd->epoll_fd, &s->src);
	return 0;
}

static int
create_queue(struct zd_session *s, const struct zwire_queue_create *req, int fds[3])
{
	struct zd *zd = s->zd;
	struct zd_disk *disk;
	struct zd_queue *q;
	int node, ret;

	if (req->disk_id >= SESSION_DISKS_MAX || s->disks[req->disk_id].disk == NULL)
		return -EINVAL;
	if (req->depth == 0 || req->depth > ZWIRE_DEPTH_MAX || (req->depth & (req->depth - 1)) != 0)
		return -EINVAL;
	if (zwire_queue_flags_read(req->flags, &node) != 0 || req->weight > 1)
		return -EOPNOTSUPP;
	if (!s->disks[req->disk_id].writable)
		return -EACCES;
	disk = s->disks[req->disk_id].disk;
	if (s->nr_queues == SESSION_QUEUES_MAX ||
	    zd_queue_mem_len(disk, req->depth) > SESSION_QUEUE_BYTES_MAX - s->queue_bytes)
		return -EDQUOT;
	ret = zd_queue_create(disk, req->depth, &q, fds);
	if (ret != 0)
		return ret;
	q->session = s;
	q->disk_id = req->disk_id;
	disk->refs++;
	s->queue_bytes += q->mem_len;
	s->nr_queues++;
	LIST_INSERT_HEAD(&s->queues, q, siblings);
	/* Before the worker looks into it. The page buffers are the client's to touch first. */
	zd_numa_place(&zd->numa, q->mem, (size_t)(q->bufs - (const uint8_t *)q->mem), node);
	zd_worker_add(zd->workers[zd->next_worker], q);
	zd->next_worker = (zd->next_worker + 1) % zd->nr_workers;
	return 0;
}

static int
on_queue_create(struct zd_session *s, const struct zwire_queue_create *req)
{
	struct zwire_hdr rep = req->hdr;
	int fds[3], ret;

	ret = create_queue(s, req, fds);
	if (ret != 0)
		return reply(s, &rep, sizeof(rep), ret, NULL, 0);
	ret = reply_fds(s, &rep, sizeof(rep), fds, 3);
	/* A queue whose descriptors do not arrive is hung up by their closing. A client may have
	 * closed its own already. */
	close(fds[0]);
	if (!close_away(fds[1]))
		close(fds[1]);
	return ret == -EMFILE ? reply(s, &rep, sizeof(rep), ret, NULL, 0) : ret;
}

static int
on_admin(struct zd_session *s, char *msg, size_t len)
{
	struct zwire_hdr *hdr = (struct zwire_hdr *)(void *)msg;
	size_t room = ZWIRE_MSG_MAX - sizeof(*hdr);
	size_t used = len - sizeof(*hdr);
	int error = zd_admin(s->zd, &s->creds, msg + sizeof(*hdr), &used, room, &s->compact);

	if (s->compact != NULL) {
		s->late_reply = *hdr;
		zd_loop_unwatch(s->zd->epoll_fd, &s->src);
		return 0;
	}
	return reply(s, msg, sizeof(*hdr) + used, error, NULL, 0);
}

/* @return 0, or a negative errno that ends the session */
static int
handle(struct zd_session *s, char *msg, size_t len)
{
	const struct zwire_hdr *hdr = (const struct zwire_hdr *)(void *)msg;
	int ret = zwire_request_check(msg, len);

	if (ret != 0)
		return ret;
	if (hdr->type == ZWIRE_HELLO)
		return on_hello(s, (const struct zwire_hello *)(void *)msg);
	if (!s->greeted)
		return -EPROTO;
	switch (hdr->type) {
	case ZWIRE_DISK_OPEN:
		return on_disk_open(s, (const struct zwire_disk_open *)(void *)msg);
	case ZWIRE_DISK_CLOSE:
		return on_disk_close(s, (const struct zwire_disk_close *)(void *)msg);
	case ZWIRE_QUEUE_CREATE:
		return on_queue_create(s, (const struct zwire_queue_create *)(void *)msg);
	default:
		return on_admin(s, msg, len);
	}
}

static void
on_readable(struct zd_source *src, uint32_t events)
{
	struct zd_session *s = (struct zd_session *)src;
	ssize_t n = zshm_recv(src->fd, s->zd->msg, ZWIRE_MSG_MAX, NULL, NULL, MSG_DONTWAIT);
	int ret;

	(void)events;
	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n == 0 || n == -ECONNRESET) {
		zd_session_close(s, NULL);
		return;
	}
	ret = n > 0 ? handle(s, s->zd->msg, (size_t)n) : (int)n;
	if (ret == -EPROTO || ret == -EMSGSIZE)
		zd_session_close(s, "sent a message that is none");
	else if (ret == -EAGAIN)
		zd_session_close(s, "does not read its replies");
	else if (ret != 0)
		zd_session_close(s, ret == -ECONNRESET ? NULL : strerror(-ret));
}

int
zd_session_open(struct zd *zd, int sock)
{
	struct zd_session *s = (struct zd_session *)calloc(1, sizeof(*s));
	int ret;

	if (s == NULL) {
		close(sock);
		return -ENOMEM;
	}
	s->zd = zd;
	s->src.fd = sock;
	s->src.ready = on_readable;
	ret = zd_creds_of_peer(sock, &s->creds);
	if (ret == 0)
		ret = zd_loop_watch(zd->epoll_fd, &s->src);
	if (ret != 0) {
		close(sock);
		free(s);
		return ret;
	}
	LIST_INSERT_HEAD(&zd->sessions, s, link);
	return 0;
}
