/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef CLIENT_PRIVATE_H
#define CLIENT_PRIVATE_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "client/zcl.h"
#include "codec/codec.h"
#include "ipc/reader.h"
#include "ipc/ring.h"
#include "ipc/wire.h"

/**
 * @file
 * What the library's files share.
 *
 * The epoch is one word for each connection, on a page that a fork wipes: 0 in a forked child, else
 * raised by each zcl_reconnect(). A queue expects the epoch that it last saw, so that one
 * comparison for an operation tells it both that it is still at home and that nothing was renewed.
 *
 * Locks: struct zcl has one, which serializes requests and guards what is marked so. A queue has
 * none. Loads take none.
 */

#define CLIENT_TIMEOUT_MS 10000

/** The largest message, for requests and replies. */
union client_msg {
	struct zwire_hdr hdr;
	struct zwire_hello hello;
	struct zwire_hello_reply hello_reply;
	struct zwire_disk_open disk_open;
	struct zwire_disk_open_reply disk_open_reply;
	struct zwire_disk_close disk_close;
	struct zwire_queue_create queue_create;
	struct {
		struct zwire_hdr hdr;
		char text[ZWIRE_MSG_MAX - sizeof(struct zwire_hdr)];
	} admin;
};

struct zcl {
	uint64_t *epoch; /**< see above; a page of its own */
	struct sockaddr_un addr;
	bool own_dir;   /**< the socket's directory must be the caller's own */
	int timeout_ms; /**< -1 = for ever */
	uint32_t flags; /**< ZCL_ALLOW_USER */
	uint32_t user;
	int sock; /**< the number never changes once there is one */
	pthread_mutex_t lock;
	uint32_t refs;          /**< lock: the caller's, and one of each disk */
	uint32_t nr_late;       /**< lock: replies to come that nobody waits for any more */
	struct zcl_disk *disks; /**< lock */
	union client_msg msg;   /**< lock */
};

struct zcl_disk {
	struct zreader reader;
	uint64_t failed_loads; /**< atomic */
	struct zcl *zc;
	uint32_t page_size;
	uint32_t flags; /**< ZWIRE_OPEN_* */
	char name[ZWIRE_NAME_LEN];
	struct zcl_disk *next; /**< zc->lock, as all that follows */
	uint32_t refs;         /**< the caller's, and one of each queue */
	uint32_t disk_id;      /**< in the session, where open_error is 0 */
	int open_error;        /**< why the session does not have it open */
};

/** Whose an operation is. */
enum client_op_state {
	OP_FREE = 0,
	OP_HELD,    /**< its buffer is borrowed by the caller */
	OP_BUSY,    /**< staged or submitted */
	OP_SYNC,    /**< the same, and zcl_*_sync() waits for it */
	OP_DROPPED, /**< the same, and zcl_*_sync() has given up */
	OP_READY,   /**< completed, to be reaped */
};

#define OP_NONE UINT32_MAX

/** An operation; it owns the page buffer of its index. */
struct client_op {
	uint64_t user_data;
	int32_t res;    /**< READY */
	uint32_t flags; /**< READY */
	uint32_t next;  /**< FREE, READY: in the list; OP_NONE ends it */
	enum client_op_state state;
};

/** The epoch that a queue without service expects: none. */
#define QUEUE_EPOCH_DEAD UINT64_MAX

/** The most that is staged before it publishes itself: one fence for so many stores. */
#define QUEUE_STAGE_MAX 32u

/** Operations are counted once: nr_busy + nr_ready is what the caller has not yet reaped. */
struct zcl_queue {
	const uint64_t *epoch;
	uint64_t epoch_expected; /**< QUEUE_EPOCH_DEAD: all operations are FREE, HELD or READY */
	uint64_t pages;
	uint32_t page_size;
	uint32_t depth;
	struct zwire_queue_head *head; /**< the queue's memory; its address never changes */
	char *bufs;
	struct zring sq;
	struct zring cq;
	uint32_t nr_staged; /**< written behind sq, not committed */
	uint32_t sq_rung;   /**< of zbell_due() */
	uint32_t free_first;
	uint32_t ready_first;
	uint32_t ready_last; /**< where ready_first is not OP_NONE */
	uint32_t nr_busy;
	uint32_t nr_ready;
	uint32_t sync_op; /**< OP_NONE: nothing is waited for, sync_res is its result */
	int32_t sync_res;
	bool armed;          /**< by zcl_arm() */
	bool was_rung;       /**< a ring is on the socket that nobody waits for any more */
	uint32_t nr_empty;   /**< reaps in vain since the socket was looked at */
	uint64_t looked_ns;  /**< when that was */
	uint64_t spin_ns;    /**< how long a wait spins before it sleeps */
	uint64_t epoch_died; /**< the epoch in which the service was lost; it takes a later one */
	int sock;            /**< the number never changes */
	int bell;            /**< wakes the service */
	struct zcl_disk *disk;
	const struct zcodec *codec; /**< of ZCL_QUEUE_COMPRESS, or NULL */
	int32_t level;
	void *ctx;              /**< codec's scratch, then room for a result of two pages */
	uint8_t *object;        /**< that room */
	struct client_op ops[]; /**< depth of them */
};

/** A point in time on the monotonic clock, from a timeout where -1 is never. */
static inline uint64_t
client_deadline(int timeout_ms)
{
	return timeout_ms < 0 ? UINT64_MAX : zc_now_ns() + (uint64_t)timeout_ms * 1000000u;
}

/** @return milliseconds until then, rounded up, as poll(2) has them */
static inline int
client_left_ms(uint64_t deadline)
{
	uint64_t now, ms;

	if (deadline == UINT64_MAX)
		return -1;
	now = zc_now_ns();
	if (now >= deadline)
		return 0;
	ms = (deadline - now + 999999u) / 1000000u;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

/** @return whether this is the process that connected, not a forked child */
static inline bool
client_at_home(const struct zcl *zc)
{
	return zc_load_relaxed(zc->epoch) != 0;
}

/**
 * Takes an option struct of the caller.
 * @param to    @p known bytes, the struct as this library knows it
 * @param first bytes of its first version
 * @param from  or NULL: all zero
 * @return 0, -EINVAL, -E2BIG
 */
int client_opts_take(void *to, size_t known, size_t first, const void *from);

/** Takes the lock. @return 0, or -EPERM in a forked child (whose copy may be locked for ever) */
int client_lock(struct zcl *zc);
void client_unlock(struct zcl *zc);

/** Gives up one reference; the last one frees. Any process. */
void client_put(struct zcl *zc);

/** @return whether the peer of a socket is gone */
bool client_hung_up(int sock);

/**
 * Connects, checks the server, says hello. Whatever was open in an earlier session is no longer.
 * Lock held, or nobody else has @p zc yet.
 * @return as zcl_connect()
 */
int client_session_start(struct zcl *zc);

/** Starts a request in zc->msg: all zero but type and length. Lock held. */
void client_msg_init(struct zcl *zc, enum zwire_type type);

/**
 * Sends the request in zc->msg and leaves the reply there. Lock held. A service that answers
 * nonsense is hung up on.
 * @param fds gets the descriptors that the reply must have (see shapes), the caller's to close
 * @return 0; the error of the reply; -ETIME, -EPROTO, -ECONNRESET, -EMFILE
 */
int client_request(struct zcl *zc, int *fds);

/** Opens a disk again in a new session. Lock held. @return 0, -ESTALE, errors of zcl_disk_open() */
int client_disk_reopen(struct zcl_disk *disk);

/** Takes one reference. @return 0 or -EPERM */
int client_disk_get(struct zcl_disk *disk);

/** Gives up one reference; the last one closes. Any process. */
void client_disk_put(struct zcl_disk *disk);

/** Finds out why queue_check() failed, and renews the queue if it may be. @return as queue_check()
 */
int queue_recover(struct zcl_queue *q);

/** @return 0 when the queue can be used, -EPERM in a forked child, -ECONNRESET, or why not */
static inline int
queue_check(struct zcl_queue *q)
{
	if (zc_load_relaxed(q->epoch) == q->epoch_expected)
		return 0;
	return queue_recover(q);
}

static inline bool
queue_dead(const struct zcl_queue *q)
{
	return q->epoch_expected == QUEUE_EPOCH_DEAD;
}

static inline void
queue_op_free(struct zcl_queue *q, uint32_t idx)
{
	q->ops[idx].state = OP_FREE;
	q->ops[idx].next = q->free_first;
	q->free_first = idx;
}

/**
 * Makes the queue one that compresses when the service is saturated, with its disk's first codec.
 * @return 0, -EOPNOTSUPP (the disk takes no objects of clients, or a codec is not known here),
 *         -ENOMEM
 */
int queue_compress_init(struct zcl_queue *q);
void queue_compress_fini(struct zcl_queue *q);

/**
 * Compresses a page into a buffer of the queue, if it is time to and worth it.
 * @param src a page of any alignment; may be @p buf, which is written only on success
 * @param sqe of a store; becomes one of a finished object
 * @return whether it did
 */
bool queue_compress(struct zcl_queue *q, const void *src, void *buf, struct zwire_sqe *sqe);

/** Commits what is staged and rings if the service sleeps. May find the service gone. */
void queue_publish(struct zcl_queue *q);

/** Moves completions from the ring to the ready list. May find the service gone, or broken. */
void queue_drain(struct zcl_queue *q);

/** The service is gone: takes what it had posted, all other operations are ready as lost. */
void queue_lose(struct zcl_queue *q);

/** Takes one doorbell off the socket. May find the service gone. */
void queue_quiet(struct zcl_queue *q);

/**
 * Takes the ring of a wait that is over off the socket, if there is one. Who is woken looks at the
 * ring first, and does this when he has time; at the latest before that ring would wake somebody.
 * May find the service gone.
 */
void queue_forget_ring(struct zcl_queue *q);

/**
 * Stages a store, a discard.
 * @param state OP_BUSY, or OP_SYNC: q->sync_op is set, the caller will wait for it
 * @return as zcl_store(), zcl_discard()
 */
int queue_store(struct zcl_queue *q, uint64_t page, const void *src, enum client_op_state state,
                uint64_t user_data);
int queue_discard(struct zcl_queue *q, uint64_t page, uint64_t nr, enum client_op_state state,
                  uint64_t user_data);

#endif
