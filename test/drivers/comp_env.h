/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

#ifndef TEST_COMP_ENV_H
#define TEST_COMP_ENV_H

/**
 * @file
 * What the driver tests share: EAL, one device under test, operations on byte strings.
 *
 * Everything here asserts by cmocka, so that a test reads as what it is about. One process, one
 * device under test: `env`.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include <rte_comp.h>
#include <rte_compressdev.h>
#include <rte_mbuf.h>
#include <rte_version.h>

#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
#define RTE_COMP_ALGO_LZ4 ((enum rte_comp_algorithm)4)
#endif

#define TEST_PAGE   4096
#define TEST_WINDOW 16
#define TEST_DEPTH  256
/** Room for the block of a page that does not compress. */
#define TEST_PAGE_BOUND (TEST_PAGE + TEST_PAGE / 255 + 16)
/** Data room of a pool's mbuf. */
#define TEST_ROOM 8192
#define TEST_OPS  8448

struct test_env {
	const char *mode; /* "inline" or "thread" */
	const char *name; /* of the vdev */
	uint8_t dev;
	void *compress; /* xforms of the default level */
	void *decompress;
	struct rte_mempool *ops;
	struct rte_mempool *mbufs;
};

extern struct test_env env;

/** What an operation carries for the test: which one it is. Any bytes until set. */
static inline uint32_t *
test_tag(struct rte_comp_op *op)
{
	return (uint32_t *)(op + 1);
}

/**
 * Start EAL in memory of its own, on the first CPU that this process may use.
 *
 * @param plugin  A driver for EAL's -d, or NULL.
 * @return 0 or a negative errno.
 */
int test_eal_start(const char *plugin);

/** End EAL and remove the directory that it leaves behind. */
void test_eal_stop(void);

/** cmocka group set-up: create, configure and start the device of env.mode, one queue pair. */
int test_env_setup(void **state);

/** cmocka group teardown: give all back; fails if an operation or an mbuf is missing. */
int test_env_teardown(void **state);

/**
 * Stop, configure and start again with other queue pairs.
 *
 * @param depth  Of each.
 */
void test_env_queues(uint16_t nr, uint32_t depth);

/** A xform of @p type; the level is for compression only. */
struct rte_comp_xform test_xform(enum rte_comp_xform_type type, int level);

/** The device's handle of a xform that it supports. */
void *test_xform_create(enum rte_comp_xform_type type, int level);

void test_xform_free(void *xform);

/** Fill @p buf with bytes that depend on @p seed only: text-like, mixed or random by seed % 3. */
void test_fill(uint8_t *buf, uint32_t len, uint32_t seed);

/**
 * A chain of mbufs of the pool.
 *
 * @param data  Copied in, or NULL: zeros.
 * @param seg   Bytes of a segment, at most TEST_ROOM; the last one has the rest.
 */
struct rte_mbuf *test_chain(const void *data, uint32_t len, uint32_t seg);

/** One mbuf without a pool around memory of the caller's. */
void test_raw_mbuf(struct rte_mbuf *m, void *data, uint16_t len);

/** Copy @p len bytes from offset @p off of a chain. */
void test_chain_read(const struct rte_mbuf *m, uint32_t off, void *to, uint32_t len);

/** An operation on mbufs that the caller goes on owning; all of @p src, from the start of both. */
struct rte_comp_op *test_op(void *xform, struct rte_mbuf *src, struct rte_mbuf *dst);

/** test_op() on new one-segment mbufs: the bytes at @p src, and @p room bytes. */
struct rte_comp_op *test_op_bytes(void *xform, const void *src, uint16_t len, uint16_t room);

/** Free an operation, and its mbufs if they are of the pool. */
void test_op_free(struct rte_comp_op *op);

/** Enqueue all, in as many calls as it takes, dequeuing nothing: they must fit. */
void test_enqueue_all(uint16_t qp, struct rte_comp_op **ops, unsigned int nr);

/** Dequeue @p nr operations, however long it takes. */
void test_dequeue_all(uint16_t qp, struct rte_comp_op **ops, unsigned int nr);

/** Enqueue and dequeue one operation on queue pair 0. @return its status. */
uint8_t test_run(struct rte_comp_op *op);

/** The operation succeeded and its result is these bytes. */
void test_result_is(const struct rte_comp_op *op, const void *bytes, uint32_t len);

/** The operation failed so, and says that nothing was consumed and produced. */
void test_failed_with(const struct rte_comp_op *op, uint8_t status);

#endif /* TEST_COMP_ENV_H */
