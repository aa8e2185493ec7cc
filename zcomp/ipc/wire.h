/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZWIRE_H
#define ZWIRE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/**
 * @file
 * What goes between client and service, version 2. Native byte order: both run on one machine.
 *
 * Control messages are datagrams on a SOCK_SEQPACKET Unix socket: a header, then the message of
 * that type. Each request gets one reply of the same type with ZWIRE_REPLY set, in order; only
 * replies carry descriptors. The first request is HELLO.
 *
 * Queue entries live in the queue's memory, laid out by zwire_queue_layout().
 */

#define ZWIRE_MAGIC         0x5a434d50u /* "ZCMP" */
#define ZWIRE_VERSION_MIN   2u
#define ZWIRE_VERSION_MAX   2u
#define ZWIRE_NAME_LEN      64u
#define ZWIRE_MSG_MAX       65536u /**< bytes of a control message */
#define ZWIRE_DEPTH_MAX     4096u
#define ZWIRE_DEPTH_DEFAULT 256u
#define ZWIRE_PAGE_SIZE     4096u

enum zwire_type {
	ZWIRE_HELLO = 1,
	ZWIRE_DISK_OPEN = 2, /**< reply: descriptors of NAME.slots and NAME.objs */
	ZWIRE_DISK_CLOSE = 3,
	ZWIRE_QUEUE_CREATE = 4, /**< reply: descriptors of the queue's memory, socket and bell */
	ZWIRE_ADMIN = 5,        /**< JSON text follows the header, both ways */
};
#define ZWIRE_REPLY 0x8000u

struct zwire_hdr {
	uint32_t len; /**< bytes of the whole message */
	uint16_t type;
	uint16_t reserved;
	int32_t error; /**< replies: 0 or a negative errno; then only the header counts, and
			* the text of ADMIN, the version of HELLO */
	uint32_t reserved2;
};

struct zwire_hello {
	struct zwire_hdr hdr;
	uint32_t magic;
	uint16_t version_min;
	uint16_t version_max;
};

struct zwire_hello_reply {
	struct zwire_hdr hdr;
	uint32_t magic;
	uint16_t version; /**< the newest that both know; error -EPROTO: the service's newest */
	uint16_t reserved;
};

#define ZWIRE_OPEN_RDONLY (1u << 0) /**< loads only: asks for `r` permission, not `rw` */

struct zwire_disk_open {
	struct zwire_hdr hdr;
	uint32_t flags;
	uint32_t page_size; /**< that the client expects; -EINVAL if the disk has another */
	char name[ZWIRE_NAME_LEN];
};

struct zwire_disk_open_reply {
	struct zwire_hdr hdr;
	uint32_t disk_id; /**< within this session */
	uint32_t reserved;
};

struct zwire_disk_close {
	struct zwire_hdr hdr;
	uint32_t disk_id;
	uint32_t reserved;
};

/**
 * The replies to DISK_CLOSE and QUEUE_CREATE are a bare header. DISK_CLOSE ends the queues that
 * were made from the handle, and is answered when they are drained.
 */
struct zwire_queue_create {
	struct zwire_hdr hdr;
	uint32_t disk_id;
	uint32_t depth;  /**< a power of two, at most ZWIRE_DEPTH_MAX */
	uint32_t flags;  /**< ZWIRE_QUEUE_NODE */
	uint32_t weight; /**< 0 = 1 */
};

/** Bits 16-31 are the NUMA node that the client runs on. */
#define ZWIRE_QUEUE_NODE       (1u << 0)
#define ZWIRE_QUEUE_NODE_SHIFT 16
#define ZWIRE_NODE_MAX         UINT16_MAX

enum zwire_opcode {
	ZWIRE_OP_STORE = 1,
	ZWIRE_OP_STORE_SAME = 2, /**< arg: the word that fills the page */
	/** The buffer holds an object, arg is zwire_precomp_arg(); on ZARENA_PRECOMP disks only. */
	ZWIRE_OP_STORE_PRECOMP = 3,
	ZWIRE_OP_STORE_RANGE = 4,
	ZWIRE_OP_LOAD = 5,
	ZWIRE_OP_DISCARD = 6, /**< arg: pages */
};

struct zwire_sqe {
	uint8_t opcode;
	uint8_t flags;
	uint16_t reserved;
	uint32_t buf; /**< index of the page buffer, below depth */
	uint64_t page;
	uint64_t arg;
	uint64_t user_data;
};

#define ZWIRE_OBJ_LEN_MAX 65536u /**< bytes; the largest page */
#define ZWIRE_PRIO_MAX    3u

/** @return arg of STORE_PRECOMP: the object's bytes in bits 0-31, its codec's priority in 32-33 */
static inline uint64_t
zwire_precomp_arg(uint32_t len, uint8_t prio)
{
	return (uint64_t)(prio & ZWIRE_PRIO_MAX) << 32 | len;
}

static inline uint32_t
zwire_precomp_len(uint64_t arg)
{
	return (uint32_t)arg;
}

static inline uint8_t
zwire_precomp_prio(uint64_t arg)
{
	return (uint8_t)(arg >> 32 & ZWIRE_PRIO_MAX);
}

#define ZWIRE_CQE_SAME    (1u << 0) /**< same-filled: takes no memory of its own */
#define ZWIRE_CQE_HUGE    (1u << 1) /**< incompressible: stored as it is */
#define ZWIRE_CQE_MANAGED (1u << 2) /**< went through a managed stream */
#define ZWIRE_CQE_INLINE  (1u << 3) /**< a managed stream was wanted, a per-lcore one served */
#define ZWIRE_CQE_CLIENT  (1u << 4) /**< an object that the client compressed */

struct zwire_cqe {
	uint64_t user_data;
	int32_t res;
	uint32_t flags;
};

#define ZWIRE_SQE_WORDS (sizeof(struct zwire_sqe) / sizeof(uint64_t))
#define ZWIRE_CQE_WORDS (sizeof(struct zwire_cqe) / sizeof(uint64_t))

/**
 * The head of a queue's memory, a cache line for each writer. A sleeper arms its word, then (after
 * a full fence) looks at the index once more and sleeps; who moves the index looks at the word
 * (after a full fence) and rings. See doorbell.h.
 *
 * The client rings by adding 1 to the bell, an eventfd that the service never reads; the service by
 * a byte on the queue's socket. A hang-up of the socket is the end of the queue for either.
 */
struct zwire_queue_head {
	_Alignas(64) uint32_t sq_tail;    /**< client */
	_Alignas(64) uint32_t sq_head;    /**< service */
	_Alignas(64) uint32_t cq_tail;    /**< service */
	_Alignas(64) uint32_t cq_head;    /**< client */
	_Alignas(64) uint64_t sq_sleeper; /**< service: armed while it sleeps on this queue */
	_Alignas(64) uint64_t cq_sleeper; /**< client: armed while it waits for completions */
};

static_assert(sizeof(struct zwire_hdr) == 16, "wire");
static_assert(sizeof(struct zwire_hello) == 24, "wire");
static_assert(sizeof(struct zwire_hello_reply) == 24, "wire");
static_assert(sizeof(struct zwire_disk_open) == 88, "wire");
static_assert(sizeof(struct zwire_disk_open_reply) == 24, "wire");
static_assert(sizeof(struct zwire_disk_close) == 24, "wire");
static_assert(sizeof(struct zwire_queue_create) == 32, "wire");
static_assert(sizeof(struct zwire_sqe) == 32, "wire");
static_assert(sizeof(struct zwire_cqe) == 16, "wire");
static_assert(sizeof(struct zwire_queue_head) == 384, "wire");

/** Where things lie in a queue's memory; bytes from its start. */
struct zwire_queue_layout {
	uint32_t sqes_off;
	uint32_t cqes_off;
	uint64_t bufs_off; /**< page-aligned: depth buffers of one page each */
	uint64_t len;
};

/**
 * @param depth     a power of two, 1 to ZWIRE_DEPTH_MAX
 * @param page_size of the disk
 */
struct zwire_queue_layout zwire_queue_layout(uint32_t depth, uint32_t page_size);

/**
 * Checks a private copy of an SQE that a client wrote.
 * @return 0; -EPROTO (a client that does this is broken: opcode, flags, buffer or length of an
 *         object cannot be);
 *         -EOPNOTSUPP (an opcode of this version that is not built); -ERANGE (pages beyond the
 *         disk); -EINVAL (a discard of no page)
 */
int zwire_sqe_check(const struct zwire_sqe *sqe, uint32_t depth, uint64_t pages);

/**
 * Checks the shape of a received control request: length, type, terminated strings.
 * @param msg private copy, @p len bytes
 * @return 0 or -EPROTO
 */
int zwire_request_check(const void *msg, size_t len);

/** @return flags of QUEUE_CREATE for a client on that node; 0 for more than ZWIRE_NODE_MAX */
static inline uint32_t
zwire_queue_flags(unsigned int node)
{
	return node <= ZWIRE_NODE_MAX ? ZWIRE_QUEUE_NODE | node << ZWIRE_QUEUE_NODE_SHIFT : 0;
}

/**
 * Reads the flags of a QUEUE_CREATE.
 * @param node what the client says, 0 to ZWIRE_NODE_MAX, there or not; -1 = nothing
 * @return 0, -EOPNOTSUPP (flags that no version has)
 */
int zwire_queue_flags_read(uint32_t flags, int *node);

/** @return the version that both sides know, or -EPROTO when there is none */
int zwire_negotiate(uint32_t version_min, uint32_t version_max);

#endif
