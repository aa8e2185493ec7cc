/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Requests and replies on the control connection. Any thread; zc->lock is held throughout, so that
 * there is one request at a time, and one message buffer is enough.
 *
 * Replies come in the order of requests. One that was given up on for its time is counted as late,
 * and dropped when it comes, with the descriptors it carries: the service hears a queue's socket
 * close, and the queue is gone.
 */

#include "client/client_private.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/shm.h"

/* What a request and its reply look like; 0 bytes: the header's own length counts. */
static const struct shape {
	uint32_t request_len;
	uint32_t reply_len;
	unsigned int nr_fds;
} shapes[] = {
        [ZWIRE_HELLO] = {sizeof(struct zwire_hello), sizeof(struct zwire_hello_reply), 0},
        [ZWIRE_DISK_OPEN] = {sizeof(struct zwire_disk_open), sizeof(struct zwire_disk_open_reply),
                             2},
        [ZWIRE_DISK_CLOSE] = {sizeof(struct zwire_disk_close), sizeof(struct zwire_hdr), 0},
        [ZWIRE_QUEUE_CREATE] = {sizeof(struct zwire_queue_create), sizeof(struct zwire_hdr), 3},
        [ZWIRE_ADMIN] = {0, 0, 0},
};

#define ERRNO_MAX 4095

void
client_msg_init(struct zcl *zc, enum zwire_type type)
{
	uint32_t len = shapes[type].request_len;

	memset(&zc->msg, 0, len > sizeof(zc->msg.hdr) ? len : sizeof(zc->msg.hdr));
	zc->msg.hdr.type = (uint16_t)type;
	zc->msg.hdr.len = len;
}

static void
close_fds(const int *fds, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		close(fds[i]);
}

/* Waits for room or for a message. @return 0, -ETIME, -errno */
static int
wait_for(int sock, short events, uint64_t deadline)
{
	struct pollfd p = {sock, events, 0};
	int ret;

	do {
		ret = poll(&p, 1, client_left_ms(deadline));
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	return ret == 0 ? -ETIME : 0;
}

static int
send_request(struct zcl *zc, uint64_t deadline)
{
	int ret;

	for (;;) {
		ret = zshm_send(zc->sock, &zc->msg, zc->msg.hdr.len, NULL, 0);
		if (ret != -EAGAIN)
			return ret;
		ret = wait_for(zc->sock, POLLOUT, deadline);
		if (ret != 0)
			return ret;
	}
}

/* @return bytes of one message, -ETIME, -ECONNRESET, -errno */
static ssize_t
receive(struct zcl *zc, uint64_t deadline, int *fds, unsigned int *nr_fds)
{
	ssize_t n;
	int ret;

	for (;;) {
		n = zshm_recv(zc->sock, &zc->msg, sizeof(zc->msg), fds, nr_fds, MSG_DONTWAIT);
		if (n == 0)
			return -ECONNRESET;
		if (n != -EAGAIN && n != -EINTR)
			return n;
		ret = wait_for(zc->sock, POLLIN, deadline);
		if (ret != 0)
			return ret;
	}
}

/* @return 0 for a proper reply to this request, which may be an error; else -EPROTO */
static int
check_reply(const struct zcl *zc, size_t len, uint16_t type, unsigned int nr_fds)
{
	const struct zwire_hdr *hdr = &zc->msg.hdr;
	const struct shape *shape = &shapes[type];

	if (len < sizeof(*hdr) || hdr->len != len || hdr->type != (type | ZWIRE_REPLY))
		return -EPROTO;
	if (hdr->error != 0)
		return hdr->error < 0 && hdr->error >= -ERRNO_MAX && nr_fds == 0 ? 0 : -EPROTO;
	if ((shape->reply_len != 0 && len != shape->reply_len) || nr_fds != shape->nr_fds)
		return -EPROTO;
	return 0;
}

static int
get_reply(struct zcl *zc, uint64_t deadline, uint16_t type, int *fds)
{
	int got[ZSHM_FDS_MAX];
	unsigned int nr_got;
	ssize_t n;
	int ret;

	for (;; zc->nr_late--) {
		nr_got = 0;
		n = receive(zc, deadline, got, &nr_got);
		/* -EMFILE has taken a message, too. */
		if (n < 0 && (n != -EMFILE || zc->nr_late == 0))
			return (int)n;
		if (zc->nr_late == 0)
			break;
		close_fds(got, nr_got);
	}
	ret = check_reply(zc, (size_t)n, type, nr_got);
	if (ret != 0)
		close_fds(got, nr_got);
	else if (nr_got > 0)
		memcpy(fds, got, nr_got * sizeof(*got));
	return ret;
}

/* As client_request(), but 0 for every proper reply, also where that is an error. */
static int
exchange(struct zcl *zc, int *fds)
{
	uint64_t deadline = client_deadline(zc->timeout_ms);
	uint16_t type = zc->msg.hdr.type;
	int ret;

	ret = send_request(zc, deadline);
	if (ret != 0)
		return ret;
	ret = get_reply(zc, deadline, type, fds);
	if (ret == -ETIME)
		zc->nr_late++;
	/* Who talks nonsense is out of step: no later reply could be believed. */
	if (ret == -EPROTO || ret == -EMSGSIZE) {
		shutdown(zc->sock, SHUT_RDWR);
		ret = -EPROTO;
	}
	return ret;
}

int
client_request(struct zcl *zc, int *fds)
{
	int ret = exchange(zc, fds);

	return ret != 0 ? ret : zc->msg.hdr.error;
}

/* The reply as JSON, where the service has sent a bare error. */
static int
text_of_error(char *reply, size_t len, int error)
{
	int n = snprintf(reply, len, "{\"ok\":false,\"error\":%d,\"message\":\"%s\"}", error,
	                 zcl_strerror(error));

	return n < (int)len ? 0 : -E2BIG;
}

static int
exchange_text(struct zcl *zc, const char *request, size_t request_len, char *reply, size_t len)
{
	size_t text_len;
	int ret;

	client_msg_init(zc, ZWIRE_ADMIN);
	memcpy(zc->msg.admin.text, request, request_len);
	zc->msg.hdr.len = (uint32_t)(sizeof(zc->msg.hdr) + request_len);
	ret = exchange(zc, NULL);
	if (ret != 0)
		return ret;
	text_len = zc->msg.hdr.len - sizeof(zc->msg.hdr);
	if (text_len == 0 && zc->msg.hdr.error != 0)
		return text_of_error(reply, len, zc->msg.hdr.error);
	if (text_len >= len)
		return -E2BIG;
	memcpy(reply, zc->msg.admin.text, text_len);
	reply[text_len] = '\0';
	return 0;
}

int
zcl_admin(struct zcl *zc, const char *request, char *reply, size_t len)
{
	size_t request_len = strlen(request);
	int ret;

	if (request_len > sizeof(zc->msg.admin.text))
		return -E2BIG;
	ret = client_lock(zc);
	if (ret != 0)
		return ret;
	ret = exchange_text(zc, request, request_len, reply, len);
	client_unlock(zc);
	return ret;
}
