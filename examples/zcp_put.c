/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */

/*
 * zcp put: keeps a queue as full as it may be.
 *
 * Owns one queue for each thread; a queue is entered by its thread only. At any time the pages
 * in flight and those in `again` are at most the queue's depth, so `again` never overflows.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zcp.h"

#define REAP    64
#define REFUSED "cannot store it"

struct put {
	struct zcp_thread *thread;
	struct zcl_queue *queue;
	uint64_t next;   /* The next page that was not tried yet. */
	uint64_t *again; /* Pages that the service could not take just now. */
	unsigned int nr_again;
	unsigned int in_flight;
};

/* A short last page is filled up with zeros. */
static int
read_page(const struct zcp_job *job, uint64_t page, void *buf)
{
	size_t len = 0;
	ssize_t nr;

	while (len < job->page_size) {
		nr = pread(job->fd, (char *)buf + len, job->page_size - len,
		           (off_t)(page * job->page_size + len));
		if (nr < 0 && errno != EINTR)
			return -errno;
		if (nr == 0)
			break;
		if (nr > 0)
			len += (size_t)nr;
	}
	memset((char *)buf + len, 0, job->page_size - len);
	return 0;
}

/* Reads straight into the queue's memory. -EAGAIN: the queue is full, nothing happened. */
static int
stage(struct put *p, uint64_t page)
{
	struct zcp_job *job = p->thread->job;
	void *buf = zcl_buf_get(p->queue);
	int ret;

	if (buf == NULL)
		return -EAGAIN;
	ret = read_page(job, page, buf);
	if (ret != 0) {
		zcl_buf_put(p->queue, buf);
		return zcp_page_failed(job, "cannot read the file", page, ret);
	}
	ret = zcl_store_buf(p->queue, page, buf, page);
	if (ret != 0) {
		zcl_buf_put(p->queue, buf);
		return ret == -EAGAIN ? ret : zcp_page_failed(job, REFUSED, page, ret);
	}
	p->in_flight++;
	return 0;
}

/* Stages until the queue is full or nothing is left. */
static int
stage_all(struct put *p)
{
	int ret = 0;

	while (ret == 0 && p->nr_again > 0) {
		ret = stage(p, p->again[p->nr_again - 1]);
		if (ret == 0)
			p->nr_again--;
	}
	while (ret == 0 && p->next < p->thread->end) {
		ret = stage(p, p->next);
		if (ret == 0)
			p->next++;
	}
	return ret == -EAGAIN ? 0 : ret;
}

static int
completed(struct put *p, const struct zcl_cqe *cqe)
{
	struct zcp_counts *counts = &p->thread->counts;

	p->in_flight--;
	if (cqe->res == -EAGAIN) {
		p->again[p->nr_again++] = cqe->user_data;
		return 0;
	}
	if (cqe->res != 0)
		return zcp_page_failed(p->thread->job, REFUSED, cqe->user_data, cqe->res);
	counts->same += (cqe->flags & ZCL_CQE_SAME) != 0;
	counts->huge += (cqe->flags & ZCL_CQE_HUGE) != 0;
	counts->managed += (cqe->flags & ZCL_CQE_MANAGED) != 0;
	counts->inlined += (cqe->flags & ZCL_CQE_INLINE) != 0;
	atomic_fetch_add_explicit(&p->thread->done, 1, memory_order_relaxed);
	return 0;
}

/* Waits for a quarter of the queue: one wake-up then pays for many pages. */
static int
reap(struct put *p)
{
	unsigned int some = zcl_queue_depth(p->queue) / 4 + 1;
	struct zcl_cqe cqes[REAP];
	int nr, ret = 0, err, i;

	err = zcl_wait(p->queue, p->in_flight < some ? p->in_flight : some, -1);
	if (err == -EINTR)
		return 0;
	/* Even when the service is gone, the completions say how far each page came. */
	do {
		nr = zcl_reap(p->queue, cqes, REAP);
		for (i = 0; i < nr && ret == 0; i++)
			ret = completed(p, &cqes[i]);
	} while (nr == REAP && ret == 0);
	if (ret == 0 && err < 0 && p->in_flight > 0)
		ret = zcp_page_failed(p->thread->job, "no word of it", p->next - 1, err);
	return ret;
}

static bool
unfinished(const struct put *p)
{
	return p->in_flight > 0 || p->nr_again > 0 || p->next < p->thread->end;
}

static int
put_pages(struct put *p)
{
	struct zcp_job *job = p->thread->job;
	int ret = 0;

	while (ret == 0 && unfinished(p) && !atomic_load(&job->failed)) {
		ret = stage_all(p);
		if (ret == 0 && p->in_flight > 0) {
			ret = reap(p);
		} else if (ret == 0) {
			/* An empty queue that takes nothing is a dead one. */
			ret = zcl_submit(p->queue);
			ret = zcp_page_failed(job, REFUSED, p->next, ret < 0 ? ret : -EIO);
		}
	}
	return ret;
}

int
zcp_put(struct zcp_thread *thread)
{
	struct zcl_queue_opts opts = {.sz = sizeof(opts), .depth = thread->job->opts->depth};
	struct put p = {.thread = thread, .next = thread->first};
	int ret;

	ret = zcl_queue_create(thread->job->disk, &opts, &p.queue);
	if (ret != 0)
		return zcp_page_failed(thread->job, "cannot make a queue for it", thread->first,
		                       ret);
	p.again = calloc(zcl_queue_depth(p.queue), sizeof(*p.again));
	if (p.again != NULL)
		ret = put_pages(&p);
	else
		ret = zcp_page_failed(thread->job, REFUSED, thread->first, -ENOMEM);
	free(p.again);
	zcl_queue_destroy(p.queue);
	return ret;
}
