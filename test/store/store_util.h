/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef STORE_UTIL_H
#define STORE_UTIL_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/reader.h"
#include "store/store.h"
#include "store/store_private.h"

/**
 * @file
 * A disk of one's own for each test, stores and loads of pages whose content tells which page and
 * which version they are. Failures are asserted (cmocka).
 */

struct disk {
	char dir[64];
	int dirfd;
	struct zstore *st;
	struct zreader reader;
	struct zstore_opts opts;
};

/** What is stored: kind and length follow from page and version too. */
struct page_model {
	enum zslot_kind kind;
	uint32_t len;
	uint64_t word; /**< FILL, FILL8 */
};

/** Makes an empty state directory on tmpfs. @return false where there is none: skip */
bool disk_dir(struct disk *d);

/** Options of a disk "disk" of @p pages pages of 4 KiB, for disk_create(). */
void disk_opts(struct disk *d, uint64_t pages, uint64_t mem_limit);

/** Creates the disk and maps it for reading. */
void disk_create(struct disk *d);

/** Closes the store and takes over what it left. The reader stays. */
void disk_reopen(struct disk *d);

/** Maps the disk for reading, anew. */
void disk_map_reader(struct disk *d);

/** Removes all, also the directory. Accepts a disk that has come to any point. */
void disk_destroy(struct disk *d);

/** @return a kind and a length; version 0 is an empty page */
struct page_model model_of(uint64_t page, uint64_t version, uint32_t page_size);

/** Fills @p len bytes that only this page in this version has. */
void model_fill(void *buf, uint32_t len, uint64_t page, uint64_t version);

/** Stores, and populates and tries again while the answer is -EAGAIN. @return of zstore_put() */
int put_model(struct zstore *st, uint64_t page, uint64_t version);
int put_object(struct zstore *st, uint64_t page, uint64_t version, uint32_t len);
int put_raw(struct zstore *st, uint64_t page, uint64_t version);
int put_same(struct zstore *st, uint64_t page, uint64_t word);
int put_retry(struct zstore *st, struct zstore_put *put);

/** Discards all @p nr pages. */
void discard(struct zstore *st, uint64_t page, uint64_t nr);

/** @return whether the page is what model_of() says for @p version */
bool is_model(struct zreader *r, uint64_t page, uint64_t version);

/** Loads an object or raw page. @return whether it is @p len bytes of @p version */
bool is_object(struct zreader *r, uint64_t page, uint64_t version, uint32_t len);

/** @return of zreader_fetch() */
int fetch(struct zreader *r, uint64_t page, struct zreader_page *out);

/** Bytes that fetch() found. */
extern uint64_t fetched[];

/** @return a counter of the superblock, as `STAT(d, mem_used)` */
#define STAT(d, name) zc_load_relaxed(&zstore_super((d)->st)->stat.name)

#endif
