/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Loads: a checked private copy of the object, then its codec. Any thread, any process that
 * inherited the mapping, any signal handler: nothing here locks, allocates or writes to what is
 * shared, but for one atomic counter of failures.
 *
 * Scratch lies on the stack: 4 KiB for small pages; large ones pay for 64 KiB in functions of their
 * own, that are not inlined, so that small ones do not.
 */

#include "client/zcl.h"

#include <errno.h>
#include <string.h>

#include "base/same.h"
#include "client/client_private.h"
#include "codec/codec.h"

#define SMALL_LEN   ZWIRE_PAGE_SIZE
#define WORDS(len)  (((len) + ZOBJ_GRANULE) / sizeof(uint64_t)) /* as zreader_buf_len() */
#define NOT_INLINED __attribute__((noinline))

/* Turns what was fetched into a page. Lengths fit their kinds: zreader_fetch() has seen to that. */
static int
decode(const struct zreader *r, const struct zreader_page *found, const uint64_t *obj, void *dst)
{
	const struct zcodec *codec;

	switch (found->kind) {
	case ZSLOT_EMPTY:
		memset(dst, 0, r->page_size);
		return 0;
	case ZSLOT_FILL:
		zc_fill(dst, r->page_size, (uint64_t)found->pattern << 32 | found->pattern);
		return 0;
	case ZSLOT_FILL8:
		zc_fill(dst, r->page_size, obj[0]);
		return 0;
	case ZSLOT_RAW:
		memcpy(dst, obj, r->page_size);
		return 0;
	case ZSLOT_OBJ:
		codec = zcodec_by_id(zc_load_relaxed(&r->super->codecs[found->prio].id));
		if (codec == NULL)
			return -EBADMSG;
		return codec->decompress(obj, found->len, dst, r->page_size);
	default:
		return -EBADMSG;
	}
}

static inline int
load_through(struct zcl_disk *disk, uint64_t page, void *dst, uint64_t *scratch)
{
	struct zreader *r = &disk->reader;
	struct zreader_page found;
	int ret;

	ret = zreader_fetch(r, page, scratch, &found);
	if (ret == 0)
		ret = decode(r, &found, scratch, dst);
	/* Asked before any result: of a disk that is being removed, neither bytes nor errors mean
	 * anything. */
	if (zreader_check_live(r) != 0)
		return ret == -ERANGE ? ret : -ENODEV;
	if (ret == -EREMOTE)
		ret = -EIO;
	if (ret == -EBADMSG || ret == -EIO)
		zc_add_relaxed(&disk->failed_loads, 1);
	return ret;
}

static NOT_INLINED int
load_large(struct zcl_disk *disk, uint64_t page, void *dst)
{
	uint64_t scratch[WORDS(ZSLOT_LEN_MAX)];

	return load_through(disk, page, dst, scratch);
}

int
zcl_load(struct zcl_disk *disk, uint64_t page, void *dst)
{
	uint64_t scratch[WORDS(SMALL_LEN)];

	if (disk->page_size > SMALL_LEN)
		return load_large(disk, page, dst);
	return load_through(disk, page, dst, scratch);
}

int
zcl_load_many(struct zcl_disk *disk, const uint64_t *pages, void *const *dst, int *res,
              unsigned int nr)
{
	int loaded = 0;

	for (unsigned int i = 0; i < nr; i++) {
		if (i + 2 < nr)
			zreader_prefetch_slot(&disk->reader, pages[i + 2]);
		if (i + 1 < nr)
			zreader_prefetch_object(&disk->reader, pages[i + 1]);
		res[i] = zcl_load(disk, pages[i], dst[i]);
		if (res[i] == 0)
			loaded++;
	}
	return loaded;
}

struct range {
	uint32_t off;
	uint32_t len;
};

static NOT_INLINED int
load_range_large(struct zcl_disk *disk, uint64_t page, struct range range, void *dst)
{
	char whole[ZSLOT_LEN_MAX];
	int ret = load_large(disk, page, whole);

	if (ret == 0)
		memcpy(dst, whole + range.off, range.len);
	return ret;
}

static NOT_INLINED int
load_range_small(struct zcl_disk *disk, uint64_t page, struct range range, void *dst)
{
	char whole[SMALL_LEN];
	int ret = zcl_load(disk, page, whole);

	if (ret == 0)
		memcpy(dst, whole + range.off, range.len);
	return ret;
}

int
zcl_load_range(struct zcl_disk *disk, uint64_t page, uint32_t off, uint32_t len, void *dst)
{
	struct range range = {off, len};

	if (len == 0 || len > disk->page_size || off > disk->page_size - len)
		return -EINVAL;
	if (len == disk->page_size)
		return zcl_load(disk, page, dst);
	if (disk->page_size > SMALL_LEN)
		return load_range_large(disk, page, range, dst);
	return load_range_small(disk, page, range, dst);
}
