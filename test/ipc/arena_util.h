/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_ARENA_UTIL_H
#define TEST_ARENA_UTIL_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_util.h"

#include "ipc/arena.h"
#include "ipc/object.h"

/**
 * @file
 * An arena made by hand, as the store would have made it. Its files have no names any more when
 * arena_open() returns: nothing stays behind, whatever becomes of the test.
 */

#define ARENA_PAGES    64u
#define ARENA_OBJS_MAX (1u << 20) /**< bytes of objs that are mapped */
#define ARENA_OBJS_LEN (1u << 17) /**< bytes that the file has at first */

struct arena {
	int slots_rw, objs_rw; /**< the service's descriptors */
	int slots_ro, objs_ro; /**< a client's */
	struct zarena_super *super;
	struct zslot *slots;
	uint64_t *objs;
};

/* One file, opened twice, without a name. */
static inline void
arena_file(const char *dir, const char *name, int *rw, int *ro)
{
	char path[128];

	assert_true(snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path));
	*rw = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	*ro = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(unlink(path), 0);
	assert_true(*rw >= 0 && *ro >= 0);
}

static inline void *
arena_map(int fd, size_t len)
{
	void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	return map;
}

/** Makes an empty disk of ARENA_PAGES pages, which lives. */
static inline void
arena_open(struct arena *a, uint32_t page_size)
{
	char dir[] = "/dev/shm/zc-test-XXXXXX";

	assert_non_null(mkdtemp(dir));
	arena_file(dir, "t.slots", &a->slots_rw, &a->slots_ro);
	arena_file(dir, "t.objs", &a->objs_rw, &a->objs_ro);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(ftruncate(a->slots_rw, (off_t)zarena_slots_len(ARENA_PAGES)), 0);
	assert_int_equal(ftruncate(a->objs_rw, ARENA_OBJS_LEN), 0);
	a->super = (struct zarena_super *)arena_map(a->slots_rw, zarena_slots_len(ARENA_PAGES));
	a->slots = (struct zslot *)(void *)((char *)a->super + ZARENA_SLOTS_OFF);
	a->objs = (uint64_t *)arena_map(a->objs_rw, ARENA_OBJS_MAX);
	*a->super = (struct zarena_super){
	        .magic = ZARENA_MAGIC,
	        .version = ZARENA_VERSION,
	        .state = ZARENA_LIVE,
	        .pages = ARENA_PAGES,
	        .nonce = {0x0123456789abcdefu, 0xfedcba9876543210u},
	        .page_size = page_size,
	        .objs_max = ARENA_OBJS_MAX,
	        .name = "t",
	        .algorithm = "lz4",
	};
}

static inline void
arena_close(struct arena *a)
{
	munmap(a->super, zarena_slots_len(ARENA_PAGES));
	munmap(a->objs, ARENA_OBJS_MAX);
	close(a->slots_rw);
	close(a->slots_ro);
	close(a->objs_rw);
	close(a->objs_ro);
}

/** Writes an object and names it in the page's slot. One thread: no fences. */
static inline void
arena_put(struct arena *a, uint64_t page, enum zslot_kind kind, uint8_t prio, const void *bytes,
          uint32_t len, uint64_t offset)
{
	struct zobj_id id = {
	        {a->super->nonce[0], a->super->nonce[1]}, page, len, (uint8_t)kind, prio};

	zobj_write(a->objs + offset / 8, bytes, &id);
	a->slots[page].w1 += 1ull << ZSLOT_GEN_SHIFT;
	a->slots[page].w0 = zslot_object(kind, prio, len, offset);
}

#endif
