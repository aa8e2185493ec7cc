/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef BENCH_ENV_H
#define BENCH_ENV_H

#include <stdint.h>

#include "bench.h"
#include "corpus.h"
#include "ipc/reader.h"
#include "store/store.h"

/**
 * @file
 * What benches work on, made once for all of them: the main thread alone enters. Errors are told on
 * standard error where they are found.
 */

#define BENCH_PAGE  PERF_PAGE_SIZE
#define BENCH_HOT   256u /**< pages of a set that stays in the cache */
#define BENCH_LEVEL 1

/** A page that compresses to three quarters or less. */
struct bench_object {
	uint64_t off; /**< bytes, in bench_objects.places */
	uint32_t len; /**< of the object */
	uint32_t page;
};

/**
 * All pages of the corpus that compress well, as an arena has them: places with checksums, one
 * behind the other in the order of pages. The table is in random order.
 */
struct bench_objects {
	uint64_t *places;
	uint64_t map_len;
	struct bench_object *table;
	uint32_t nr;
};

/** One disk is left as it is, one is overwritten again and again. */
enum bench_disk_use {
	BENCH_DISK_LOADS,
	BENCH_DISK_STORES,
	BENCH_DISKS,
};

/** A disk with all pages of the corpus. Its files have no names. */
struct bench_disk {
	struct zstore *store;
	struct zreader reader;
};

/** @return 0 or -errno of making the corpus; it is the environment's */
int bench_env_corpus(struct bench_env *env, const struct corpus **out);

/** @return 0 or -errno of making the objects; they are the environment's */
int bench_env_objects(struct bench_env *env, const struct bench_objects **out);

/** @return 0 or -errno of making the disk; it is the environment's */
int bench_env_disk(struct bench_env *env, enum bench_disk_use use, struct bench_disk **out);

/** @return as many zeroed bytes as the corpus has, for a bench to write to, or NULL; it leaves them
 * zeroed */
uint8_t *bench_env_zeros(struct bench_env *env, uint32_t *nr_pages);

/** @return the CPU of a bench's second thread; there is one where nr_cpus of the bench is 2 */
int bench_env_peer_cpu(const struct bench_env *env);

/** Stores a page, and waits for memory where there is none ready. @return of zstore_put() */
int bench_disk_put(struct bench_disk *disk, struct zstore_put *put);

/** @return an object's identity as its checksum has it */
struct zobj_id bench_object_id(const struct bench_object *object);

/** Writes @p len bytes of pages that look like those of processes. @return 0 or -errno */
int bench_pages_write(int fd, uint64_t len);

/** @return scratch memory of the codec, to free(), or NULL */
void *bench_lz4_state(void);

/** @return the index after @p i in a set of @p nr that is gone through again and again */
static inline uint32_t
bench_next(uint32_t i, uint32_t nr)
{
	return i + 1 < nr ? i + 1 : 0;
}

/** Keeps the compiler from leaving out what makes the memory at @p p */
static inline void
bench_keep(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

#endif
