/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The life of a queue: made, lost, made anew behind the same handle, destroyed. One thread at a
 * time, but for the request to the service, which takes the connection's lock.
 *
 * A queue that lost its service keeps its memory until it is made anew. The new memory then takes
 * the old one's address, with the content of the borrowed buffers, so that the caller's pointers
 * stay good; and the new socket takes the old one's number.
 */

#include "client/zcl.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client_private.h"
#include "ipc/shm.h"

/* As long as a store takes when the service is awake: sleeping costs more than that. */
#define SPIN_NS 10000u

/* Where the calling thread runs now. */
static uint32_t
node_flags(void)
{
	unsigned int node;

	return getcpu(NULL, &node) == 0 ? zwire_queue_flags(node) : 0;
}

/* Asks for memory, socket and bell, in this order. */
static int
request_queue(const struct zcl_queue *q, int fds[3])
{
	struct zcl *zc = q->disk->zc;
	int ret;

	ret = client_lock(zc);
	if (ret != 0)
		return ret;
	ret = q->disk->open_error;
	if (ret == 0) {
		client_msg_init(zc, ZWIRE_QUEUE_CREATE);
		zc->msg.queue_create.disk_id = q->disk->disk_id;
		zc->msg.queue_create.depth = q->depth;
		zc->msg.queue_create.flags = node_flags();
		ret = client_request(zc, fds);
	}
	client_unlock(zc);
	return ret;
}

/* Maps new memory and puts the borrowed buffers' content there. */
static int
map_memory(const struct zcl_queue *q, int fd, char **map)
{
	struct zwire_queue_layout layout = zwire_queue_layout(q->depth, q->page_size);
	struct stat st;
	void *p;
	int ret;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size < layout.len)
		return -EPROTO;
	ret = zshm_map(fd, layout.len, &p);
	if (ret != 0)
		return ret;
	if (madvise(p, layout.len, MADV_DONTFORK) < 0) {
		ret = -errno;
		munmap(p, layout.len);
		return ret;
	}
	*map = (char *)p;
	for (uint32_t i = 0; i < q->depth; i++) {
		size_t off = (size_t)i * q->page_size;

		if (q->ops[i].state == OP_HELD)
			memcpy(*map + layout.bufs_off + off, q->bufs + off, q->page_size);
	}
	return 0;
}

/* Puts memory where the queue's memory is. Takes the mapping, also when it fails. */
static int
place_memory(struct zcl_queue *q, char *map)
{
	struct zwire_queue_layout layout = zwire_queue_layout(q->depth, q->page_size);

	if (q->head == NULL) {
		q->head = (struct zwire_queue_head *)(void *)map;
		q->bufs = map + layout.bufs_off;
	} else if (mremap(map, layout.len, layout.len, MREMAP_MAYMOVE | MREMAP_FIXED, q->head) ==
	           MAP_FAILED) {
		int ret = -errno;

		munmap(map, layout.len);
		return ret;
	}
	map = (char *)q->head;
	zring_init(&q->sq, &q->head->sq_tail, &q->head->sq_head, map + layout.sqes_off, q->depth);
	zring_init(&q->cq, &q->head->cq_head, &q->head->cq_tail, map + layout.cqes_off, q->depth);
	return 0;
}

/* Puts a socket where the queue's socket is. Takes the descriptor, also when it fails. */
static int
place_socket(struct zcl_queue *q, int sock)
{
	int ret = 0;

	if (q->sock < 0) {
		q->sock = sock;
		return 0;
	}
	if (dup3(sock, q->sock, O_CLOEXEC) < 0)
		ret = -errno;
	close(sock);
	return ret;
}

static void
close_bell(struct zcl_queue *q)
{
	if (q->bell >= 0)
		close(q->bell);
}

/* Gives the queue a service. All its operations are FREE or HELD; they stay so. */
static int
attach(struct zcl_queue *q)
{
	uint64_t epoch = zc_load_relaxed(q->epoch);
	char *map = NULL;
	int fds[3], ret;

	ret = request_queue(q, fds);
	if (ret != 0)
		return ret;
	ret = map_memory(q, fds[0], &map);
	close(fds[0]);
	if (ret == 0)
		ret = place_memory(q, map);
	if (ret == 0)
		ret = place_socket(q, fds[1]);
	else
		close(fds[1]);
	if (ret != 0) {
		close(fds[2]);
		return ret;
	}
	close_bell(q);
	q->bell = fds[2];
	q->sq_rung = 0;
	q->armed = false;
	q->was_rung = false;
	q->nr_empty = 0;
	q->epoch_expected = epoch;
	return 0;
}

int
queue_recover(struct zcl_queue *q)
{
	uint64_t epoch = zc_load_relaxed(q->epoch);

	if (epoch == 0)
		return -EPERM;
	/* Something was renewed, but perhaps not this queue. */
	if (!queue_dead(q)) {
		if (!client_hung_up(q->sock)) {
			q->epoch_expected = epoch;
			return 0;
		}
		queue_lose(q);
	}
	if (q->nr_ready > 0 || epoch == q->epoch_died)
		return -ECONNRESET;
	return attach(q);
}

static int
take_opts(struct zcl_queue_opts *opts, const struct zcl_queue_opts *from)
{
	uint32_t depth = 1;
	int ret;

	ret = client_opts_take(opts, sizeof(*opts), sizeof(*opts), from);
	if (ret != 0)
		return ret;
	if ((opts->flags & ~ZCL_QUEUE_COMPRESS) != 0 || opts->depth > ZWIRE_DEPTH_MAX)
		return -EINVAL;
	if (opts->depth == 0)
		opts->depth = ZWIRE_DEPTH_DEFAULT;
	while (depth < opts->depth)
		depth *= 2;
	opts->depth = depth;
	return 0;
}

/* With one CPU the service cannot run while this thread spins. */
static uint64_t
spin_ns(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) == 1)
		return 0;
	return SPIN_NS;
}

static struct zcl_queue *
queue_alloc(struct zcl_disk *disk, uint32_t depth)
{
	struct zcl_queue *q;

	q = (struct zcl_queue *)calloc(1, sizeof(*q) + depth * sizeof(q->ops[0]));
	if (q == NULL)
		return NULL;
	q->disk = disk;
	q->epoch = disk->zc->epoch;
	q->epoch_expected = QUEUE_EPOCH_DEAD;
	q->pages = disk->reader.pages;
	q->page_size = disk->page_size;
	q->depth = depth;
	q->spin_ns = spin_ns();
	q->sock = -1;
	q->bell = -1;
	q->sync_op = OP_NONE;
	q->ready_first = OP_NONE;
	q->free_first = OP_NONE;
	for (uint32_t i = depth; i-- > 0;)
		queue_op_free(q, i);
	return q;
}

static void
queue_free(struct zcl_queue *q)
{
	if (q == NULL)
		return;
	queue_compress_fini(q);
	free(q);
}

int
zcl_queue_create(struct zcl_disk *disk, const struct zcl_queue_opts *from, struct zcl_queue **out)
{
	struct zcl_queue_opts opts;
	struct zcl_queue *q;
	int ret;

	ret = take_opts(&opts, from);
	if (ret != 0)
		return ret;
	if ((disk->flags & ZCL_OPEN_RDONLY) != 0)
		return -EACCES;
	ret = client_disk_get(disk);
	if (ret != 0)
		return ret;
	q = queue_alloc(disk, opts.depth);
	ret = q != NULL ? 0 : -ENOMEM;
	if (ret == 0 && (opts.flags & ZCL_QUEUE_COMPRESS) != 0)
		ret = queue_compress_init(q);
	if (ret == 0)
		ret = attach(q);
	if (ret != 0) {
		client_disk_put(disk);
		queue_free(q);
		return ret;
	}
	*out = q;
	return 0;
}

void
zcl_queue_destroy(struct zcl_queue *q)
{
	if (q == NULL)
		return;
	/* A forked child has neither the memory nor a say: its descriptor is the parent's socket.
	 */
	if (client_at_home(q->disk->zc)) {
		shutdown(q->sock, SHUT_RDWR);
		munmap(q->head, zwire_queue_layout(q->depth, q->page_size).len);
	}
	close(q->sock);
	close_bell(q);
	client_disk_put(q->disk);
	queue_free(q);
}

uint32_t
zcl_queue_depth(const struct zcl_queue *q)
{
	return q->depth;
}

int
zcl_queue_fd(const struct zcl_queue *q)
{
	return zc_load_relaxed(q->epoch) != 0 ? q->sock : -EPERM;
}
