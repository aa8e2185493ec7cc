/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */
#ifndef ZCP_H
#define ZCP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zcl.h>

/**
 * @file
 * zcp: what its parts share. Page P of a disk is page P of the file, for put and get alike.
 */

#define ZCP_THREADS_MAX 64

/** What the command line asked for. */
struct zcp_opts {
	const char *socket; /**< NULL: the library's default. */
	const char *file;
	const char *disk;
	unsigned int threads; /**< 1..ZCP_THREADS_MAX */
	uint32_t depth; /**< put: operations in flight per thread; 0 = the library's default. */
	uint64_t first;
	uint64_t count; /**< UINT64_MAX: to the end. */
	uint64_t size;  /**< get: bytes of the file; UINT64_MAX: the whole disk. */
	bool put;
	bool create;
	bool stats;
};

/** What the completions of stores said. */
struct zcp_counts {
	uint64_t same;
	uint64_t huge;
	uint64_t managed;
	uint64_t inlined;
};

/** One transfer. All threads read it; only @p failed changes while they run. */
struct zcp_job {
	const struct zcp_opts *opts;
	struct zcl_disk *disk;
	int fd;
	uint32_t page_size;
	uint64_t size;     /**< Bytes of the file. */
	uint64_t first;    /**< Pages to move: first..end - 1. */
	uint64_t end;      /**< */
	uint32_t *load_ns; /**< get: how long each load took, by page - first. */
	atomic_bool failed;
};

/** One thread's share: pages first..end - 1. */
struct zcp_thread {
	struct zcp_job *job;
	pthread_t id;
	uint64_t first;
	uint64_t end;
	_Atomic uint64_t done; /**< Pages moved; the progress bar reads it. */
	struct zcp_counts counts;
	int ret;
};

/** Stores the thread's pages through a queue of its own. @return 0 or -errno, already reported */
int zcp_put(struct zcp_thread *thread);

/** Loads the thread's pages and writes them to the file. @return 0 or -errno, already reported */
int zcp_get(struct zcp_thread *thread);

/**
 * Shares the job's pages out to threads, runs them and draws a progress bar on a terminal.
 * @param threads opts->threads of them, zeroed
 * @param seconds from the first thread's start to the last one's end
 * @return 0, or the -errno of a thread, already reported
 */
int zcp_run(struct zcp_job *job, struct zcp_thread *threads, double *seconds);

/** Reports the first page that failed, and makes all threads stop. @return @p err */
int zcp_page_failed(struct zcp_job *job, const char *what, uint64_t page, int err);

#endif
