/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Any bytes as an arena: superblock, slots, objects. An input says, in this order: what is made
 * good before the reader sees it, the page size, the length of the objects, the superblock (if it
 * is not made good), the slots, the objects.
 */

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codec/codec.h"
#include "ipc/reader.h"

#define PAGES     8u
#define SLOTS_LEN (ZARENA_SLOTS_OFF + PAGES * sizeof(struct zslot))
#define OBJS_MAX  131072u

#define ANY_SUPER (1u << 0) /* the superblock is the input's */
#define ANY_MAGIC (1u << 1) /* ... with its magic and version too */
#define SIGN      (1u << 2) /* objects get the checksum that their slot asks for */
#define LONG_FILE (1u << 3) /* the objects' file is longer than any mapping of it */

struct arena {
	int slots_fd;
	int objs_fd;
	struct zarena_super *super;
	struct zslot *slots;
	uint64_t *objs; /* OBJS_MAX bytes are mapped, objs_len are there */
	uint64_t objs_len;
	uint8_t kind;
};

static void *
make_file(const char *name, size_t len, int *fd)
{
	void *map;

	*fd = memfd_create(name, MFD_CLOEXEC);
	FUZZ_CHECK(*fd >= 0 && ftruncate(*fd, (off_t)len) == 0);
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	FUZZ_CHECK(map != MAP_FAILED);
	return map;
}

static void
fill(struct arena *a, struct fuzz_input *in)
{
	struct zarena_super good = {
	        .magic = ZARENA_MAGIC,
	        .version = ZARENA_VERSION,
	        .state = ZARENA_LIVE,
	        .pages = PAGES,
	        .nonce = {1, 2},
	        .objs_max = OBJS_MAX,
	};

	a->kind = (uint8_t)fuzz_number(in, 1);
	good.page_size = 1024u << fuzz_number(in, 1) % 7;
	a->objs_len = fuzz_number(in, 3) % (OBJS_MAX + 1);
	*a->super = good;
	if ((a->kind & ANY_SUPER) != 0)
		fuzz_take(in, a->super, sizeof(*a->super));
	if ((a->kind & ANY_MAGIC) == 0) {
		a->super->magic = ZARENA_MAGIC;
		a->super->version = ZARENA_VERSION;
	}
	fuzz_take(in, a->slots, PAGES * sizeof(struct zslot));
	FUZZ_CHECK(ftruncate(a->objs_fd, 0) == 0);
	FUZZ_CHECK(ftruncate(a->objs_fd, (off_t)a->objs_len) == 0);
	fuzz_take(in, a->objs, in->len < a->objs_len ? in->len : a->objs_len);
	if ((a->kind & LONG_FILE) != 0)
		FUZZ_CHECK(ftruncate(a->objs_fd, 1ll << 46) == 0);
}

/* Whether this page has an object that lies inside the file and that a page can have. */
static bool
has_object(const struct arena *a, uint64_t page, uint32_t page_size)
{
	struct zslot_place p = zslot_decode(a->slots[page].w0);

	if (!zslot_kind_has_object(p.kind) || p.back ||
	    p.offset + zobj_place_len(p.len) > a->objs_len ||
	    p.offset + zobj_place_len(p.len) > a->super->objs_max)
		return false;
	if (p.kind == ZSLOT_FILL8)
		return p.len == 8;
	return p.kind == ZSLOT_RAW ? p.len == page_size : p.len <= page_size;
}

static void
sign(struct arena *a, uint64_t page)
{
	struct zslot_place p = zslot_decode(a->slots[page].w0);
	struct zobj_id id = {
	        {a->super->nonce[0], a->super->nonce[1]}, page, p.len, (uint8_t)p.kind, p.prio};
	uint64_t *place = a->objs + p.offset / 8;
	void *bytes = fuzz_alloc(p.len);

	memcpy(bytes, place, p.len);
	zobj_write(place, bytes, &id);
	free(bytes);
}

static void
check_page(const struct zreader *r, const struct zreader_page *out, const void *buf)
{
	void *page = fuzz_alloc(r->page_size);
	int ret = 0;

	FUZZ_CHECK(zslot_kind_has_object(out->kind) == (out->len != 0));
	FUZZ_CHECK(out->len <= r->page_size && out->prio < ZARENA_CODECS);
	FUZZ_CHECK(out->kind != ZSLOT_FILL8 || out->len == 8);
	FUZZ_CHECK(out->kind != ZSLOT_RAW || out->len == r->page_size);
	if (out->kind == ZSLOT_OBJ)
		ret = zcodec_lz4.decompress(buf, out->len, page, r->page_size);
	FUZZ_CHECK(ret == 0 || ret == -EBADMSG);
	free(page);
}

static void
check_fetch(struct arena *a, struct zreader *r, uint64_t page, void *buf)
{
	struct zreader_page out;
	bool good = false;
	int ret;

	if ((a->kind & SIGN) != 0 && page < PAGES && page < r->pages &&
	    has_object(a, page, r->page_size)) {
		sign(a, page);
		good = a->super->state == ZARENA_LIVE;
	}
	ret = zreader_fetch(r, page, buf, &out);
	FUZZ_CHECK(ret == 0 || ret == -EBADMSG || ret == -EREMOTE || ret == -ERANGE ||
	           ret == -ENODEV);
	FUZZ_CHECK((ret == -ERANGE) == (page >= r->pages));
	FUZZ_CHECK(ret == 0 || !good);
	if (ret == 0)
		check_page(r, &out, buf);
}

static void
check_pages(struct arena *a, struct zreader *r)
{
	void *buf = fuzz_alloc(zreader_buf_len(r->page_size));

	for (uint64_t page = 0; page < PAGES + 1; page++)
		check_fetch(a, r, page, buf);
	check_fetch(a, r, r->pages - 1, buf);
	free(buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct arena a;
	struct fuzz_input in = {data, len};
	struct zreader r;
	int ret, fd;

	if (a.super == NULL) {
		a.super = (struct zarena_super *)make_file("slots", SLOTS_LEN, &a.slots_fd);
		a.slots = (struct zslot *)(void *)((char *)a.super + ZARENA_SLOTS_OFF);
		a.objs = (uint64_t *)make_file("objs", OBJS_MAX, &a.objs_fd);
	}
	fill(&a, &in);
	fd = dup(a.objs_fd);
	FUZZ_CHECK(fd >= 0);
	ret = zreader_init(&r, a.slots_fd, fd);
	FUZZ_CHECK(ret <= 0);
	FUZZ_CHECK(ret == 0 || (a.kind & ANY_SUPER) != 0 || (a.kind & ANY_MAGIC) != 0);
	if (ret == 0) {
		check_pages(&a, &r);
		zreader_fini(&r);
	} else {
		close(fd);
	}
	return 0;
}
