/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

#include "store_util.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

uint64_t fetched[(ZSLOT_LEN_MAX + ZOBJ_GRANULE) / sizeof(uint64_t)];

bool
disk_dir(struct disk *d)
{
	memset(d, 0, sizeof(*d));
	d->reader.objs_fd = -1;
	d->dirfd = -1;
	snprintf(d->dir, sizeof(d->dir), "/dev/shm/zstore-XXXXXX");
	if (mkdtemp(d->dir) == NULL) {
		d->dir[0] = '\0';
		return false;
	}
	d->dirfd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(d->dirfd >= 0);
	return true;
}

void
disk_opts(struct disk *d, uint64_t pages, uint64_t mem_limit)
{
	d->opts = (struct zstore_opts){.name = "disk",
	                               .pages = pages,
	                               .page_size = 4096,
	                               .mem_limit = mem_limit,
	                               .algorithm = "lz4",
	                               .mode = 0600};
	d->opts.codecs[0].id = 1;
}

void
disk_map_reader(struct disk *d)
{
	int fds[2];

	zreader_fini(&d->reader);
	assert_int_equal(zstore_open_readonly(d->st, fds), 0);
	assert_int_equal(zreader_init(&d->reader, fds[0], fds[1]), 0);
	close(fds[0]);
}

void
disk_create(struct disk *d)
{
	assert_int_equal(zstore_create(d->dirfd, &d->opts, &d->st), 0);
	disk_map_reader(d);
}

void
disk_reopen(struct disk *d)
{
	zstore_close(d->st);
	d->st = NULL;
	assert_int_equal(zstore_open(d->dirfd, d->opts.name, &d->st), 0);
}

void
disk_destroy(struct disk *d)
{
	zreader_fini(&d->reader);
	if (d->st != NULL) {
		zstore_remove(d->st);
		zstore_close(d->st);
		d->st = NULL;
	}
	if (d->dirfd >= 0) {
		unlinkat(d->dirfd, "disk.slots", 0);
		unlinkat(d->dirfd, "disk.objs", 0);
		close(d->dirfd);
		d->dirfd = -1;
	}
	if (d->dir[0] != '\0')
		assert_int_equal(rmdir(d->dir), 0);
	d->dir[0] = '\0';
}

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

struct page_model
model_of(uint64_t page, uint64_t version, uint32_t page_size)
{
	uint64_t h = mix(page * 1000003 + version);
	struct page_model m = {ZSLOT_OBJ, 0, 0};

	if (version == 0) {
		m.kind = ZSLOT_EMPTY;
	} else if (h % 16 == 0) {
		m.kind = ZSLOT_FILL;
		m.word = (h >> 32) * UINT64_C(0x100000001);
	} else if (h % 16 == 1) {
		m.kind = ZSLOT_FILL8;
		m.word = h | 1;
		m.len = 8;
	} else if (h % 16 == 2) {
		m.kind = ZSLOT_RAW;
		m.len = page_size;
	} else {
		m.len = 1 + (uint32_t)(h >> 8) % (page_size - 16);
	}
	return m;
}

void
model_fill(void *buf, uint32_t len, uint64_t page, uint64_t version)
{
	uint64_t seed = mix(page * UINT64_C(0x9e3779b97f4a7c15) + version), word;
	char *p = (char *)buf;

	for (uint32_t off = 0; off < len; off += 8) {
		word = mix(seed + off);
		memcpy(p + off, &word, len - off < 8 ? len - off : 8);
	}
}

int
put_retry(struct zstore *st, struct zstore_put *put)
{
	int ret;

	while ((ret = zstore_put(st, put)) == -EAGAIN) {
		if (zstore_wants_populate(st))
			(void)zstore_populate(st, zc_now_ns());
		sched_yield();
	}
	return ret;
}

int
put_object(struct zstore *st, uint64_t page, uint64_t version, uint32_t len)
{
	struct zstore_put put = {0};
	char buf[ZSLOT_LEN_MAX];

	model_fill(buf, len, page, version);
	zstore_put_object(&put, page, 0, buf, len);
	return put_retry(st, &put);
}

int
put_raw(struct zstore *st, uint64_t page, uint64_t version)
{
	struct zstore_put put = {0};
	char buf[ZSLOT_LEN_MAX];

	model_fill(buf, st->page_size, page, version);
	zstore_put_raw(st, &put, page, buf);
	return put_retry(st, &put);
}

int
put_same(struct zstore *st, uint64_t page, uint64_t word)
{
	struct zstore_put put = {0};

	zstore_put_same(&put, page, word);
	return put_retry(st, &put);
}

int
put_model(struct zstore *st, uint64_t page, uint64_t version)
{
	struct page_model m = model_of(page, version, st->page_size);

	switch (m.kind) {
	case ZSLOT_EMPTY:
		discard(st, page, 1);
		return 0;
	case ZSLOT_FILL:
	case ZSLOT_FILL8:
		return put_same(st, page, m.word);
	case ZSLOT_RAW:
		return put_raw(st, page, version);
	default:
		return put_object(st, page, version, m.len);
	}
}

void
discard(struct zstore *st, uint64_t page, uint64_t nr)
{
	while (nr > 0) {
		uint64_t done = zstore_discard(st, page, nr);

		page += done;
		nr -= done;
		if (done == 0)
			sched_yield();
	}
}

int
fetch(struct zreader *r, uint64_t page, struct zreader_page *out)
{
	return zreader_fetch(r, page, fetched, out);
}

bool
is_object(struct zreader *r, uint64_t page, uint64_t version, uint32_t len)
{
	struct zreader_page p;
	char want[ZSLOT_LEN_MAX];

	if (fetch(r, page, &p) != 0 || p.len != len)
		return false;
	model_fill(want, len, page, version);
	return memcmp(want, fetched, len) == 0;
}

bool
is_model(struct zreader *r, uint64_t page, uint64_t version)
{
	struct page_model m = model_of(page, version, r->page_size);
	struct zreader_page p;

	if (fetch(r, page, &p) != 0 || p.kind != m.kind)
		return false;
	switch (m.kind) {
	case ZSLOT_EMPTY:
		return true;
	case ZSLOT_FILL:
		return p.pattern == (uint32_t)m.word;
	case ZSLOT_FILL8:
		return p.len == 8 && fetched[0] == m.word;
	default:
		return is_object(r, page, version, m.len);
	}
}
