/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The load half of the slot protocol (design, section 6; explored in test/model).
 *
 * Slot words and object bytes are not trusted: offset and length are held against the mapping and
 * the file, bytes against their checksum. A copy is accepted only if, after it, w0 is unchanged and
 * then, read after w0, the generation is too.
 */

#include "ipc/reader.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic.h"

/* Tries before the reader yields between them: a writer that wins so often has the CPU's attention
 * anyway, and a descheduled one gets it so. */
#define READER_TRIES 64
#define CACHE_LINE   64u

static int
check_super(const struct zarena_super *super, uint64_t file_len)
{
	if (super->magic != ZARENA_MAGIC || super->version != ZARENA_VERSION)
		return -EPROTO;
	if (super->page_size < 1024 || super->page_size > ZSLOT_LEN_MAX ||
	    (super->page_size & (super->page_size - 1)) != 0)
		return -EPROTO;
	if (super->pages == 0 || super->pages > UINT64_MAX / 32 ||
	    zarena_slots_len(super->pages) > file_len || super->objs_max == 0)
		return -EPROTO;
	return 0;
}

static int
map_slots(struct zreader *r, int fd, uint64_t file_len)
{
	void *map = mmap(NULL, file_len, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	r->super = (const struct zarena_super *)map;
	r->slots = (const struct zslot *)((const char *)map + ZARENA_SLOTS_OFF);
	return 0;
}

static int
map_objs(struct zreader *r, int fd, uint64_t objs_max)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* All that the file may ever grow to, so that no load has to map; loads stay inside the
	 * file by objs_len. */
	map = mmap(NULL, objs_max, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	r->objs = (const uint64_t *)map;
	r->objs_map_len = objs_max;
	r->objs_len = (uint64_t)st.st_size;
	r->objs_fd = fd;
	return 0;
}

int
zreader_init(struct zreader *r, int slots_fd, int objs_fd)
{
	struct zarena_super super;
	struct stat st;
	ssize_t n;
	int ret;

	memset(r, 0, sizeof(*r));
	r->objs_fd = -1;
	n = pread(slots_fd, &super, sizeof(super), 0);
	if (n < 0 || fstat(slots_fd, &st) < 0)
		return -errno;
	if ((size_t)n != sizeof(super))
		return -EPROTO;
	ret = check_super(&super, (uint64_t)st.st_size);
	if (ret != 0)
		return ret;
	r->pages = super.pages;
	r->page_size = super.page_size;
	memcpy(r->nonce, super.nonce, sizeof(r->nonce));
	ret = map_slots(r, slots_fd, zarena_slots_len(super.pages));
	if (ret == 0)
		ret = map_objs(r, objs_fd, super.objs_max);
	if (ret != 0)
		zreader_fini(r);
	return ret;
}

void
zreader_fini(struct zreader *r)
{
	if (r->super != NULL)
		munmap((void *)(uintptr_t)r->super, zarena_slots_len(r->pages));
	if (r->objs != NULL) {
		munmap((void *)(uintptr_t)r->objs, r->objs_map_len);
		close(r->objs_fd);
	}
	memset(r, 0, sizeof(*r));
	r->objs_fd = -1;
}

int
zreader_check_live(const struct zreader *r)
{
	/* Pairs with the release in the store's zstore_remove(). */
	return zc_load_acquire(&r->super->state) == ZARENA_LIVE ? 0 : -ENODEV;
}

/* Whether a page of this disk can have such an object. */
static bool
possible(const struct zreader *r, const struct zslot_place *p)
{
	switch (p->kind) {
	case ZSLOT_FILL8:
		return p->len == sizeof(uint64_t);
	case ZSLOT_RAW:
		return p->len == r->page_size;
	default:
		return p->len <= r->page_size;
	}
}

/* Whether an object lies inside the file. Asks the kernel only when the arena may have grown. */
static bool
inside(struct zreader *r, uint64_t offset, uint32_t place_len)
{
	uint64_t end = offset + place_len;
	struct stat st;

	/* The file may have become longer than what is mapped of it. */
	if (end > r->objs_map_len)
		return false;
	if (end <= zc_load_relaxed(&r->objs_len))
		return true;
	if (fstat(r->objs_fd, &st) < 0 || end > (uint64_t)st.st_size)
		return false;
	zc_store_relaxed(&r->objs_len, (uint64_t)st.st_size);
	return true;
}

void
zreader_prefetch_slot(const struct zreader *r, uint64_t page)
{
	if (page < r->pages)
		__builtin_prefetch(&r->slots[page]);
}

void
zreader_prefetch_object(const struct zreader *r, uint64_t page)
{
	struct zslot_place p;
	const char *object;

	if (page >= r->pages)
		return;
	p = zslot_decode(zc_load_relaxed(&r->slots[page].w0));
	if (p.back || !possible(r, &p) || p.offset > r->objs_map_len)
		return;
	object = (const char *)r->objs + p.offset;
	for (uint32_t off = 0; off < p.len; off += CACHE_LINE)
		__builtin_prefetch(object + off);
}

/* One try. @return as zreader_fetch(), or -EAGAIN when the slot changed under the copy */
static int
try_fetch(struct zreader *r, uint64_t page, void *buf, struct zreader_page *out)
{
	const struct zslot *slot = &r->slots[page];
	/* Both pair with the release of w0 in the writer's commit. */
	uint64_t w1 = zc_load_acquire(&slot->w1);
	uint64_t w0 = zc_load_acquire(&slot->w0);
	struct zslot_place p = zslot_decode(w0);
	struct zobj_id id = {{r->nonce[0], r->nonce[1]}, page, p.len, (uint8_t)p.kind, p.prio};
	int ret = 0;

	*out = (struct zreader_page){p.kind, p.prio, p.len, 0};
	if (p.kind == ZSLOT_FILL)
		out->pattern = (uint32_t)p.offset;
	if (p.kind == ZSLOT_BAD)
		return -EBADMSG;
	if (p.back)
		return -EREMOTE;
	if (!zslot_kind_has_object(p.kind))
		return 0;
	if (!possible(r, &p) || !inside(r, p.offset, zobj_place_len(p.len)) ||
	    !zobj_read(buf, r->objs + p.offset / sizeof(uint64_t), &id))
		ret = -EBADMSG;

	/* Pairs with the writer's release fence between taking a place and its first byte: who saw
	 * foreign bytes sees a changed w0; if w0 came back, then a changed generation, as w1 is
	 * raised before w0 and is read after it. */
	zc_fence_acquire();
	/* Pairs with the release of w0 in the writer's commit, which orders the next line. */
	if (zc_load_acquire(&slot->w0) != w0)
		return -EAGAIN;
	if (zslot_generation(zc_load_relaxed(&slot->w1)) != zslot_generation(w1))
		return -EAGAIN;
	return ret;
}

int
zreader_fetch(struct zreader *r, uint64_t page, void *buf, struct zreader_page *out)
{
	int ret;

	if (page >= r->pages)
		return -ERANGE;
	for (unsigned int tries = 0;; tries++) {
		ret = zreader_check_live(r);
		if (ret != 0)
			return ret;
		ret = try_fetch(r, page, buf, out);
		/* A removed disk loses its bytes: then it is gone, not damaged. */
		if (ret == -EBADMSG && zreader_check_live(r) != 0)
			return -ENODEV;
		if (ret != -EAGAIN)
			return ret;
		if (tries >= READER_TRIES)
			sched_yield();
	}
}
