/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The life of an arena: create, open, remove, close. Main lcore only.
 *
 * Files are made without a name and get it when they are complete, slots first; state becomes LIVE
 * when both have theirs. Removal sets the state first and takes the name of slots away last. So an
 * arena that is not LIVE is one whose making or removal was cut short, and zstore_open() finishes
 * the removal.
 */

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/parse.h"
#include "store/store_private.h"

#define PAGE_SIZE_MIN 1024u
#define OBJS_MIN      (UINT64_C(64) << 20)
#define OBJS_MAX      (UINT64_C(0xfffffff0) * ZS_PAGE) /* page numbers have 32 bits */
/* The lock is held for some tens of nanoseconds; a yield on a busy machine costs milliseconds. */
#define LOCK_SPINS    1024u
#define FILE_NAME_LEN (ZARENA_NAME_LEN + 8)

static const char slots_suffix[] = ".slots";
static const char objs_suffix[] = ".objs";

void
zstore_lock(struct zstore *st)
{
	for (unsigned int tries = 1; !zc_trylock_take(&st->lock); tries++) {
		if (tries % LOCK_SPINS == 0)
			sched_yield();
		else
			zc_pause();
	}
}

static bool
valid_geometry(uint64_t pages, uint32_t page_size)
{
	return page_size >= PAGE_SIZE_MIN && page_size <= ZSLOT_LEN_MAX &&
	       (page_size & (page_size - 1)) == 0 && pages != 0 &&
	       pages <= OBJS_MAX / 2 / (page_size + 64);
}

static void
file_name(const struct zstore *st, const char *suffix, char *out)
{
	snprintf(out, FILE_NAME_LEN, "%s%s", st->name, suffix);
}

static void
unlink_file(const struct zstore *st, const char *suffix)
{
	char name[FILE_NAME_LEN];

	file_name(st, suffix, name);
	unlinkat(st->dirfd, name, 0);
}

/* @return a descriptor or -errno */
static int
open_file(const struct zstore *st, const char *suffix)
{
	char name[FILE_NAME_LEN];
	int fd;

	file_name(st, suffix, name);
	fd = openat(st->dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static void
fd_path(int fd, char *path, size_t len)
{
	snprintf(path, len, "/proc/self/fd/%d", fd);
}

/* Names a file that was made without. */
static int
link_file(const struct zstore *st, int fd, const char *suffix)
{
	char name[FILE_NAME_LEN], path[32];

	file_name(st, suffix, name);
	fd_path(fd, path, sizeof(path));
	if (linkat(AT_FDCWD, path, st->dirfd, name, AT_SYMLINK_FOLLOW) < 0)
		return zstore_memory_error(errno);
	return 0;
}

static int
map_file(int fd, uint64_t len, void **map)
{
	*map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (*map == MAP_FAILED) {
		*map = NULL;
		return -errno;
	}
	return 0;
}

/* A store without files. */
static int
store_alloc(int dirfd, const char *name, struct zstore **out)
{
	struct zstore *st = (struct zstore *)aligned_alloc(64, sizeof(*st));

	if (st == NULL)
		return -ENOMEM;
	memset(st, 0, sizeof(*st));
	st->slots_fd = st->objs_fd = -1;
	memcpy(st->name, name, strlen(name));
	st->dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	if (st->dirfd < 0) {
		int ret = -errno;

		free(st);
		return ret;
	}
	*out = st;
	return 0;
}

void
zstore_close(struct zstore *st)
{
	if (st == NULL)
		return;
	/* Whoever still looks at a removed disk has had time to see that it is; see
	 * zstore_remove(). */
	if (st->super != NULL && st->super->state == ZARENA_REMOVED &&
	    ftruncate(st->objs_fd, 0) < 0)
		zc_warn("disk %s: cannot truncate what is left of it: %s", st->name,
		        strerror(errno));
	zs_pool_fini(&st->pool);
	if (st->objs != NULL)
		munmap(st->objs, st->objs_max);
	if (st->super != NULL)
		munmap(st->super, st->slots_len);
	if (st->objs_fd >= 0)
		close(st->objs_fd);
	if (st->slots_fd >= 0)
		close(st->slots_fd);
	close(st->dirfd);
	free(st);
}

/* Maps both files and makes the pool. The superblock is that of the file. */
static int
map_arena(struct zstore *st, uint64_t slots_len, uint64_t objs_max)
{
	void *map;
	int ret = map_file(st->slots_fd, slots_len, &map);

	if (ret != 0)
		return ret;
	st->super = (struct zarena_super *)map;
	st->slots = (struct zslot *)((char *)map + ZARENA_SLOTS_OFF);
	st->slots_len = slots_len;
	ret = map_file(st->objs_fd, objs_max, &map);
	if (ret != 0)
		return ret;
	st->objs = (uint64_t *)map;
	st->objs_max = objs_max;
	return 0;
}

/* From the superblock, which is complete but for its counters. */
static int
store_init(struct zstore *st)
{
	const struct zarena_super *super = st->super;
	int ret;

	memcpy(st->nonce, super->nonce, sizeof(st->nonce));
	st->pages = super->pages;
	st->page_size = super->page_size;
	st->raw_place_len = zobj_place_len(super->page_size);
	st->limit = super->stat.mem_limit;
	ret = zs_pool_init(&st->pool, st->page_size, (uint32_t)(st->objs_max / ZS_PAGE), st->limit);
	st->huge_len = zs_classes_huge_len(&st->pool.classes, st->page_size);
	zc_store_relaxed(&st->super->huge_len, st->huge_len);
	return ret;
}

/* Twice what the pages can need, so that the pool does not run out of offsets by being in
 * pieces. */
static uint64_t
choose_objs_max(const struct zstore_opts *opts)
{
	uint64_t len = 2 * opts->pages * (opts->page_size + 64u);

	if (len < OBJS_MIN)
		len = OBJS_MIN;
	return (len + ZS_PAGE - 1) & ~(uint64_t)(ZS_PAGE - 1);
}

static int
make_files(struct zstore *st, const struct zstore_opts *opts)
{
	uint64_t slots_len = zarena_slots_len(opts->pages);
	int flags = O_TMPFILE | O_RDWR | O_CLOEXEC, ret;
	struct statfs fs;

	/* Its pages can be neither punched nor populated by 4 KiB. */
	if (fstatfs(st->dirfd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC)
		return -EOPNOTSUPP;
	st->slots_fd = openat(st->dirfd, ".", flags, 0600);
	if (st->slots_fd < 0)
		return zstore_memory_error(errno);
	st->objs_fd = openat(st->dirfd, ".", flags, 0600);
	if (st->objs_fd < 0)
		return zstore_memory_error(errno);
	ret = zstore_fallocate(st->slots_fd, 0, 0, slots_len);
	if (ret != 0)
		return ret;
	return map_arena(st, slots_len, choose_objs_max(opts));
}

static int
fill_super(struct zstore *st, const struct zstore_opts *opts)
{
	struct zarena_super *super = st->super;

	super->magic = ZARENA_MAGIC;
	super->version = ZARENA_VERSION;
	super->state = ZARENA_NEW;
	super->pages = opts->pages;
	super->page_size = opts->page_size;
	super->flags = opts->flags;
	super->objs_max = st->objs_max;
	super->uid = opts->uid;
	super->gid = opts->gid;
	super->mode = opts->mode;
	super->stat.mem_limit = opts->mem_limit;
	memcpy(super->name, st->name, sizeof(super->name));
	if (opts->algorithm != NULL)
		memcpy(super->algorithm, opts->algorithm, strlen(opts->algorithm));
	memcpy(super->codecs, opts->codecs, sizeof(super->codecs));
	if (getrandom(super->nonce, sizeof(super->nonce), 0) != (ssize_t)sizeof(super->nonce))
		return -EIO;
	return 0;
}

static int
name_files(struct zstore *st)
{
	int ret = link_file(st, st->slots_fd, slots_suffix);

	if (ret != 0)
		return ret;
	ret = link_file(st, st->objs_fd, objs_suffix);
	if (ret != 0)
		unlink_file(st, slots_suffix);
	return ret;
}

int
zstore_create(int dirfd, const struct zstore_opts *opts, struct zstore **out)
{
	struct zstore *st = NULL;
	int ret;

	if (opts->name == NULL || !zc_name_valid(opts->name) ||
	    !valid_geometry(opts->pages, opts->page_size) ||
	    (opts->algorithm != NULL && strlen(opts->algorithm) >= ZARENA_NAME_LEN))
		return -EINVAL;
	ret = store_alloc(dirfd, opts->name, &st);
	if (ret != 0)
		return ret;
	ret = make_files(st, opts);
	if (ret == 0)
		ret = fill_super(st, opts);
	if (ret == 0)
		ret = store_init(st);
	if (ret == 0)
		ret = zstore_populate(st, 0);
	if (ret == 0)
		ret = name_files(st);
	if (ret != 0) {
		zstore_close(st);
		return ret;
	}
	/* Pairs with the acquire of the reader's zreader_check_live(). */
	zc_store_release(&st->super->state, ZARENA_LIVE);
	*out = st;
	return 0;
}

static bool
check_super(const struct zstore *st, const struct zarena_super *super, uint64_t slots_file_len)
{
	return super->magic == ZARENA_MAGIC && super->version == ZARENA_VERSION &&
	       valid_geometry(super->pages, super->page_size) &&
	       zarena_slots_len(super->pages) <= slots_file_len && super->objs_max != 0 &&
	       super->objs_max % ZS_PAGE == 0 && super->objs_max / ZS_PAGE < ZS_NONE &&
	       memchr(super->algorithm, '\0', sizeof(super->algorithm)) != NULL &&
	       memcmp(super->name, st->name, sizeof(super->name)) == 0;
}

/* Takes the names away, and the memory, which somebody may still have mapped. */
static void
discard_files(struct zstore *st)
{
	struct stat objs;

	unlink_file(st, objs_suffix);
	unlink_file(st, slots_suffix);
	if (st->objs_fd >= 0 && fstat(st->objs_fd, &objs) == 0)
		(void)zstore_fallocate(st->objs_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		                       (uint64_t)objs.st_size);
}

/* @return 0, -ENOENT (also for an arena whose making or removal was cut short), -EPROTO, -errno */
static int
open_files(struct zstore *st, struct zarena_super *super, uint64_t *objs_len)
{
	struct stat slots, objs;

	st->slots_fd = open_file(st, slots_suffix);
	if (st->slots_fd < 0)
		return st->slots_fd;
	if (fstat(st->slots_fd, &slots) < 0)
		return -errno;
	if (pread(st->slots_fd, super, sizeof(*super), 0) != (ssize_t)sizeof(*super) ||
	    !check_super(st, super, (uint64_t)slots.st_size))
		return -EPROTO;
	if (super->state != ZARENA_LIVE) {
		st->objs_fd = open_file(st, objs_suffix);
		discard_files(st);
		return -ENOENT;
	}
	st->objs_fd = open_file(st, objs_suffix);
	if (st->objs_fd < 0)
		return st->objs_fd == -ENOENT ? -EPROTO : st->objs_fd;
	if (fstat(st->objs_fd, &objs) < 0)
		return -errno;
	*objs_len = (uint64_t)objs.st_size;
	return *objs_len <= super->objs_max ? 0 : -EPROTO;
}

int
zstore_open(int dirfd, const char *name, struct zstore **out)
{
	struct zarena_super super;
	uint64_t objs_len = 0;
	struct zstore *st = NULL;
	int ret;

	if (name == NULL || !zc_name_valid(name))
		return -ENOENT;
	ret = store_alloc(dirfd, name, &st);
	if (ret != 0)
		return ret;
	ret = open_files(st, &super, &objs_len);
	if (ret == 0)
		ret = map_arena(st, zarena_slots_len(super.pages), super.objs_max);
	if (ret == 0)
		ret = store_init(st);
	if (ret != 0) {
		zstore_close(st);
		return ret;
	}
	zstore_recover(st, objs_len);
	/* Without room the disk still serves loads, and stores once there is some. */
	(void)zstore_populate(st, 0);
	*out = st;
	return 0;
}

void
zstore_remove(struct zstore *st)
{
	/* Pairs with the acquire of the reader's zreader_check_live(). */
	zc_store_release(&st->super->state, ZARENA_REMOVED);
	/* Pairs with the reader's acquire fence behind its copy: who sees punched bytes sees the
	 * state, at which it looks after that. */
	zc_fence_seq_cst();
	discard_files(st);
}

const struct zarena_super *
zstore_super(const struct zstore *st)
{
	return st->super;
}

uint32_t
zstore_huge_len(const struct zstore *st)
{
	return st->huge_len;
}

int
zstore_open_readonly(const struct zstore *st, int fds[2])
{
	char path[32];

	/* Not by name: a disk of the same name may have been made since this one was removed. */
	fd_path(st->slots_fd, path, sizeof(path));
	fds[0] = open(path, O_RDONLY | O_CLOEXEC);
	if (fds[0] < 0)
		return -errno;
	fd_path(st->objs_fd, path, sizeof(path));
	fds[1] = open(path, O_RDONLY | O_CLOEXEC);
	if (fds[1] < 0) {
		int ret = -errno;

		close(fds[0]);
		return ret;
	}
	return 0;
}
