/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */

/* zcp get: loads pages out of shared memory, each one timed, and writes them by the run. */

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "zcp.h"

#define RUN 32

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/* The file ends where its size says, not where the last page does. */
static int
write_pages(const struct zcp_job *job, uint64_t page, unsigned int nr, const char *buf)
{
	uint64_t off = page * job->page_size;
	size_t len = (size_t)nr * job->page_size, done = 0;
	ssize_t ret;

	if (off + len > job->size)
		len = (size_t)(job->size - off);
	while (done < len) {
		ret = pwrite(job->fd, buf + done, len - done, (off_t)(off + done));
		if (ret < 0 && errno != EINTR)
			return -errno;
		if (ret > 0)
			done += (size_t)ret;
	}
	return 0;
}

static int
load_pages(struct zcp_job *job, uint64_t page, unsigned int nr, char *buf)
{
	uint64_t start, took;
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		start = now_ns();
		ret = zcl_load(job->disk, page + i, buf + (size_t)i * job->page_size);
		took = now_ns() - start;
		if (ret != 0)
			return zcp_page_failed(job, "cannot load it", page + i, ret);
		job->load_ns[page + i - job->first] =
		        took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
	}
	return 0;
}

int
zcp_get(struct zcp_thread *thread)
{
	struct zcp_job *job = thread->job;
	char *buf = malloc((size_t)RUN * job->page_size);
	uint64_t page = thread->first;
	unsigned int nr;
	int ret = 0;

	if (buf == NULL)
		return zcp_page_failed(job, "cannot load it", page, -ENOMEM);
	while (ret == 0 && page < thread->end && !atomic_load(&job->failed)) {
		nr = thread->end - page < RUN ? (unsigned int)(thread->end - page) : RUN;
		ret = load_pages(job, page, nr, buf);
		if (ret != 0)
			break;
		ret = write_pages(job, page, nr, buf);
		if (ret != 0)
			zcp_page_failed(job, "cannot write the file", page, ret);
		page += nr;
		atomic_fetch_add_explicit(&thread->done, nr, memory_order_relaxed);
	}
	free(buf);
	return ret;
}
