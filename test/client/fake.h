/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef FAKE_H
#define FAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/zcl.h"
#include "ipc/arena.h"
#include "ipc/ring.h"
#include "ipc/wire.h"

/**
 * @file
 * A service made of script, for tests of the client: it answers requests on a socket in a folder of
 * its own as it is told, and has one disk whose arena the test writes by hand. Its queues are moved
 * by the test itself, or by a worker that stores every page as it is.
 */

#define FAKE_DISK   "disk"
#define FAKE_TYPES  8
#define FAKE_CONNS  4
#define FAKE_QUEUES 8

/** What comes back for a request. */
enum fake_how {
	FAKE_PROPER = 0,
	FAKE_LATE, /**< the reply waits until the next one is sent */
	FAKE_HANGUP,
	FAKE_SHORT,      /**< less than a header */
	FAKE_CUT,        /**< a header alone, where more belongs */
	FAKE_LONG,       /**< a word more than belongs */
	FAKE_WRONG_LEN,  /**< a header that tells another length */
	FAKE_WRONG_TYPE, /**< a reply to something else */
	FAKE_TOO_LARGE,  /**< more than a message may have */
};

struct fake_answer {
	enum fake_how how;
	int error;    /**< of the header */
	int more_fds; /**< descriptors beyond those that belong there */
};

struct fake_arena {
	int slots_fd;
	int objs_fd;
	struct zarena_super *super;
	struct zslot *slots;
	uint64_t *objs;
	uint64_t objs_len;
	uint64_t place; /**< of the next object */
};

struct fake_queue {
	int sock;
	int bell;
	struct zwire_queue_head *head;
	uint64_t len;
	uint32_t depth;
	uint32_t flags; /**< as the client asked for it */
	char *bufs;
	struct zring sq;
	struct zring cq;
	uint32_t cq_rung;
	unsigned int nr_bells; /**< that were sent */
};

struct fake {
	char dir[32];
	char path[64];
	int listener;
	int stop[2];
	pthread_t thread;
	unsigned int user; /**< of the server, as the client sees it; 0 = as it is */
	pthread_mutex_t lock;
	/* Under the lock, as the thread uses them. */
	struct fake_answer answers[FAKE_TYPES];
	unsigned int nr_requests[FAKE_TYPES];
	struct zwire_hello_reply hello; /**< what hello is answered with */
	char admin[ZWIRE_MSG_MAX];      /**< the last request's text */
	const char *admin_reply;
	int conns[FAKE_CONNS];
	char *late; /**< a reply that waits */
	struct fake_queue queues[FAKE_QUEUES];
	unsigned int nr_queues;
	struct fake_arena arena;
};

/** Makes the folder and the arena, and starts the service. */
void fake_create(struct fake *f, uint32_t page_size, uint64_t pages);
void fake_destroy(struct fake *f);

/** Stops it as kill -9 does: sockets close, nothing else happens. Queues are forgotten. */
void fake_kill(struct fake *f);
void fake_start(struct fake *f);

/** Replaces the arena by another one of the same shape. Between fake_kill() and fake_start(). */
void fake_new_arena(struct fake *f);

/** Says how the next requests of that type are answered. */
void fake_answer(struct fake *f, enum zwire_type type, struct fake_answer answer);

/** @return requests of that type that came */
unsigned int fake_nr_requests(struct fake *f, enum zwire_type type);

/** Puts an object where the next load finds it, as the store would. */
void fake_put(struct fake *f, uint64_t page, enum zslot_kind kind, const void *data, uint32_t len);

/** Commits a slot as it is given. */
void fake_commit(struct fake *f, uint64_t page, uint64_t w0);

/** @return the newest queue */
struct fake_queue *fake_queue(struct fake *f);

/** Takes one SQE. @return whether there was one */
bool fake_take(struct fake_queue *q, struct zwire_sqe *sqe);

/** Posts one completion, and rings if the client sleeps. */
void fake_post(struct fake_queue *q, uint64_t user_data, int32_t res, uint32_t flags);

/** Takes all that is submitted and completes it with @p res. @return how many */
unsigned int fake_complete_all(struct fake_queue *q, int32_t res);

/** Hangs up on a queue, as the service does after its last commit. */
void fake_hang_up(struct fake_queue *q);

/** Waits until the client sleeps on the queue. */
void fake_await_sleeper(struct fake_queue *q);

/** A worker that serves one queue: stores into the arena, sleeps when there is nothing. */
struct fake_worker {
	struct fake *fake;
	struct fake_queue *queue;
	pthread_t thread;
	int stop[2];
};

void fake_worker_start(struct fake_worker *w, struct fake *f, struct fake_queue *q);
void fake_worker_stop(struct fake_worker *w);

/** What most tests start from: a connection, a disk, a queue. */
struct fake_client {
	struct fake fake;
	struct zcl *zc;
	struct zcl_disk *disk;
	struct zcl_queue *q;
	struct fake_queue *fq;
};

/** cmocka fixtures: the state is a struct fake_client; with a disk of 64 pages, a queue of 8. */
int fake_client_setup(void **state);
int fake_client_teardown(void **state);

/** @return a page that is not same-filled, different for each @p seed */
const void *fake_page(unsigned int seed);

#endif
