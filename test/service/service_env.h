/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_SERVICE_ENV_H
#define TEST_SERVICE_ENV_H

#include <pthread.h>
#include <stdbool.h>

#include "pages.h"

#include "disk.h"
#include "ipc/reader.h"
#include "queue.h"
#include "worker.h"

/**
 * @file
 * What the service's unit tests share: disks with real stores, one worker, and a client's end of
 * its queues, all in one process and without EAL. Everything asserts by cmocka, so all of it is for
 * the test's own thread, but for the functions of struct test_client: those of one client are for
 * one thread, and do not assert.
 *
 * A test either polls the first worker itself, step by step, or runs the workers in threads and is
 * their main lcore.
 */

#define ENV_DISKS     2u
#define ENV_WORKERS   2u
#define ENV_PAGES     64u
#define ENV_PAGE_SIZE 4096u

struct test_env_opts {
	const struct zcomp_ops *backend; /**< NULL: the software backend of LZ4 */
	uint32_t stream_depth;           /**< 0 = default */
	uint64_t hang_ns;                /**< 0 = default */
	uint64_t mem_limit;              /**< of the first disk */
	uint64_t pages;                  /**< 0 = ENV_PAGES */
	uint32_t page_size;              /**< 0 = ENV_PAGE_SIZE */
	unsigned int nr_workers;         /**< 0 = 1 */
	uint32_t flags;                  /**< of the disks: ZARENA_* */
	struct zcomp_policy policy;
};

struct test_env {
	char dir[64];
	int dirfd;
	struct zd_compressors compressors;
	struct zd_disk disks[ENV_DISKS];
	struct zreader readers[ENV_DISKS];
	struct zd_mailbox gone;
	struct zd_worker *workers[ENV_WORKERS];
	struct zd_worker *worker; /**< the first one */
	pthread_t threads[ENV_WORKERS];
	unsigned int nr_workers;
	uint32_t page_size;
};

#define ENV_DEPTH_MAX 256u

/** A client's view of a queue: its own mapping, its own end of the socket, the bell. */
struct test_client {
	struct zd_queue *queue; /**< the service's side */
	struct zwire_queue_head *head;
	uint8_t *bufs;
	struct zring sq;
	struct zring cq;
	uint64_t mem_len;
	uint32_t depth;
	uint32_t page_size;
	uint32_t staged;
	uint32_t nr_free; /**< operations, each with its buffer, that the service does not have */
	uint32_t free[ENV_DEPTH_MAX];
	uint64_t tags[ENV_DEPTH_MAX]; /**< the test's user_data of each operation */
	uint32_t rung;
	int sock;
	int bell;
};

void env_open(struct test_env *env, const struct test_env_opts *opts);

/** Everything is gone afterwards, the files too. The clients are closed, the workers stopped. */
void env_close(struct test_env *env);

/** Makes a queue, which is nobody's yet. */
void env_client_open(struct test_env *env, unsigned int disk, uint32_t depth,
                     struct test_client *c);

/** Puts the queue into the worker's polling set, as the worker itself does with a new one. */
void env_client_join(struct test_env *env, struct test_client *c);

/** The client's end goes; the service's side stays whose it is. */
void env_client_close(struct test_client *c);

/** Closes a client whose queue has joined, and steps until the queue is drained and destroyed. */
void env_client_end(struct test_env *env, struct test_client *c);

/** One poll, and the main lcore's part of it. @return what zd_worker_poll() does */
bool env_poll(struct test_env *env);

/** Polls until nothing is in flight. */
void env_settle(struct test_env *env);

/** @return the only queue in the mailbox, or NULL */
struct zd_queue *env_take_gone(struct test_env *env);

/**
 * Runs the workers in threads.
 * @param spin_cycles after which an idle queue is armed
 */
void env_start(struct test_env *env, uint64_t spin_cycles);

/** Stops the workers, which have no queue any more. */
void env_stop(struct test_env *env);

/**
 * The main lcore's part while workers run: waits for mail, up to @p ms, and gets memory ready.
 * @return queues that are gone, linked by mail_next
 */
struct zd_queue *env_main_lcore(struct test_env *env, int ms);

/** Is the main lcore until so many queues are gone, which are destroyed. */
void env_bury(struct test_env *env, unsigned int nr);

/** Loads a page, as a client does. Any thread. @return 0 or what the reader says */
int env_load(struct test_env *env, unsigned int disk, uint64_t page, void *dst);

/** The page holds page_fill(kind, seed). */
void env_expect(struct test_env *env, uint64_t page, enum page_kind kind, uint64_t seed);

/** Stages an SQE as it is. @return false when the ring has no room, or its index cannot be */
bool client_push(struct test_client *c, const struct zwire_sqe *sqe);

/** Stages a proper SQE with an operation of its own; its user_data is @p tag for client_reap(). */
bool client_op(struct test_client *c, struct zwire_sqe sqe, uint64_t tag);

/** Stages a store of page_fill(kind, seed) with the tag @p seed; same-filled ones as pages. */
bool client_store(struct test_client *c, uint64_t page, enum page_kind kind, uint64_t seed);

/** Stages the same page as an object of lz4, the second codec; what does not compress, as it is. */
bool client_store_object(struct test_client *c, uint64_t page, enum page_kind kind, uint64_t seed);

bool client_discard(struct test_client *c, uint64_t page, uint64_t nr, uint64_t tag);

/** Raises the bell's count, as zcl_submit() does by 1. */
void client_ring(struct test_client *c, uint64_t count);

/** Publishes, and rings if the service sleeps. */
void client_submit(struct test_client *c);

/** @return completions taken, at most @p nr, with their tags; -EPROTO. Those of client_push() have
 * what user_data it gave, ENV_DEPTH_MAX upwards. */
int client_reap(struct test_client *c, struct zwire_cqe *cqes, unsigned int nr);

/** @return whether a doorbell, a hang-up or an error is waiting on the socket, within @p ms */
bool client_wait(struct test_client *c, int ms);

#endif
