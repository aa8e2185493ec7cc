/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Memory for the pool: made ready ahead of need, and given back. Main lcore only.
 *
 * A store into a hole of a full tmpfs is SIGBUS, so workers store only into pages that fallocate()
 * gave. Pages that are being populated or punched are in no list meanwhile: system calls are made
 * without the lock, on pages that nobody else can take.
 *
 * Every read of a hole allocates its page, also a client's. So what is punched has been free for a
 * second, when no load is still under way that began before; and where the file has more blocks
 * than it should, somebody read holes, and they are punched again.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "store/store_private.h"

#define STEP_MIN       256u  /* pages: 1 MiB */
#define STEP_MAX       4096u /* pages: 16 MiB */
#define TIDY_NS        UINT64_C(1000000000)
#define TIDY_RUNS      32u /* runs that one call gives back */
#define TMPFS_RESERVE  64u /* one part in so many is left to others */
#define PAGE_OFFSET(p) ((off_t)(uint64_t)(p) * (off_t)ZS_PAGE)

struct run {
	uint32_t start;
	uint32_t len;
};

/* Pages to populate at a time. The caller holds the lock. */
static uint32_t
step_pages(const struct zstore *st)
{
	uint32_t step = st->pool.used_pages / 8;

	if (step < STEP_MIN)
		return STEP_MIN;
	return step < STEP_MAX ? step : STEP_MAX;
}

uint32_t
zstore_low_water(const struct zstore *st)
{
	uint32_t low = step_pages(st) / 2, left = st->pool.limit - st->pool.used_pages;

	return low < left ? low : left;
}

int
zstore_fallocate(int fd, int mode, uint64_t offset, uint64_t len)
{
	while (fallocate(fd, mode, (off_t)offset, (off_t)len) < 0) {
		if (errno != EINTR)
			return zstore_memory_error(errno);
	}
	return 0;
}

int
zstore_memory_error(int err)
{
	return err == ENOSPC || err == EDQUOT || err == EFBIG ? -ENOMEM : -err;
}

/* How many of @p want pages the file system may still give. */
static uint32_t
room(const struct zstore *st, uint32_t want)
{
	struct statvfs fs;
	uint64_t reserve, avail;

	if (fstatvfs(st->objs_fd, &fs) < 0)
		return 0;
	if (fs.f_blocks == 0) /* a tmpfs without a size */
		return want;
	reserve = fs.f_blocks / TMPFS_RESERVE * fs.f_frsize / ZS_PAGE;
	avail = fs.f_bavail * fs.f_frsize / ZS_PAGE;
	if (avail <= reserve)
		return 0;
	return avail - reserve < want ? (uint32_t)(avail - reserve) : want;
}

/* Free pages without memory: a punched run, or the file's next ones. After @p starved only what any
 * span fits into will do. The caller holds the lock. */
static struct run
pick_unpopulated(struct zs_pool *pool, uint32_t want, bool starved)
{
	struct run run = {ZS_NONE, 0};
	uint32_t left = pool->max_pages - pool->high;

	run.start = zs_runs_take_longest(&pool->holes, want, &run.len);
	if (run.start != ZS_NONE && (!starved || run.len >= ZS_SPAN_MAX || left == 0))
		return run;
	if (left == 0)
		return run;
	if (run.start != ZS_NONE)
		zs_runs_put(&pool->holes, run.start, run.len);
	run.start = pool->high;
	run.len = want < left ? want : left;
	return run;
}

/* Gives a run memory that nobody else has. */
static int
populate_run(struct zstore *st, const struct run *run, uint16_t epoch)
{
	uint64_t len = (uint64_t)run->len * ZS_PAGE;
	int ret = zstore_fallocate(st->objs_fd, 0, (uint64_t)PAGE_OFFSET(run->start), len);

	if (ret != 0)
		return ret;
#ifdef MADV_POPULATE_WRITE
	/* Spares the workers their page faults; where it fails, they have them. */
	(void)madvise((char *)st->objs + PAGE_OFFSET(run->start), len, MADV_POPULATE_WRITE);
#endif
	for (uint32_t i = 0; i < run->len; i++)
		st->pool.pages[run->start + i].epoch = epoch;
	return 0;
}

/* Puts what pick_unpopulated() took where it belongs now. The caller holds the lock. */
static void
settle_run(struct zs_pool *pool, const struct run *run, bool populated)
{
	if (populated && run->start == pool->high)
		pool->high += run->len;
	if (populated)
		zs_runs_put(&pool->ready, run->start, run->len);
	else if (run->start < pool->high)
		zs_runs_put(&pool->holes, run->start, run->len);
}

/* One step. @return pages that became ready, 0 when there are enough, -ENOMEM, -errno */
static int
refill(struct zstore *st)
{
	uint32_t want = 0;
	struct run run;
	uint16_t epoch;
	bool starved;
	int ret;

	zstore_lock(st);
	starved = zc_load_relaxed(&st->starved) != 0;
	if (starved || st->pool.ready.free_pages < zstore_low_water(st))
		want = step_pages(st);
	else
		zc_store_relaxed(&st->wanted, 0);
	zc_trylock_drop(&st->lock);
	if (want == 0)
		return 0;
	want = room(st, want);
	if (want == 0)
		return -ENOMEM;

	zstore_lock(st);
	run = pick_unpopulated(&st->pool, want, starved);
	epoch = st->pool.epoch;
	zc_trylock_drop(&st->lock);
	if (run.start == ZS_NONE)
		return -ENOMEM;
	ret = populate_run(st, &run, epoch);
	zstore_lock(st);
	settle_run(&st->pool, &run, ret == 0);
	if (ret == 0)
		zc_store_relaxed(&st->starved, 0);
	zc_trylock_drop(&st->lock);
	return ret == 0 ? (int)run.len : ret;
}

/* Takes runs out of the ready ones, beyond what is to be kept. */
static uint32_t
take_surplus(struct zstore *st, struct run *runs, uint32_t max)
{
	struct zs_pool *pool = &st->pool;
	uint32_t nr;

	for (nr = 0; nr < max; nr++) {
		uint32_t keep;

		zstore_lock(st);
		keep = step_pages(st) + zstore_low_water(st);
		runs[nr].start = ZS_NONE;
		if (pool->ready.free_pages > keep)
			runs[nr].start = zs_runs_take_longest(
			        &pool->ready, pool->ready.free_pages - keep, &runs[nr].len);
		zc_trylock_drop(&st->lock);
		if (runs[nr].start == ZS_NONE)
			break;
	}
	return nr;
}

/* Free since before the last round but one: for a whole round at least. */
static bool
long_free(const struct zstore *st, uint32_t page)
{
	return (uint16_t)(st->pool.epoch - st->pool.pages[page].epoch) >= 2;
}

static bool
punch(const struct zstore *st, uint32_t start, uint32_t len)
{
	/* As before the first byte of a place; pairs with the reader's acquire fence. */
	zc_fence_release();
	return zstore_fallocate(st->objs_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	                        (uint64_t)PAGE_OFFSET(start), (uint64_t)len * ZS_PAGE) == 0;
}

/* Punches those parts of a run, which nobody else can take, that were free for long. */
static void
punch_run(struct zstore *st, const struct run *run)
{
	uint32_t end = run->start + run->len, next;

	for (uint32_t page = run->start; page < end; page = next) {
		bool old = long_free(st, page);

		for (next = page + 1; next < end && long_free(st, next) == old;)
			next++;
		old = old && punch(st, page, next - page);
		zstore_lock(st);
		zs_runs_put(old ? &st->pool.holes : &st->pool.ready, page, next - page);
		zc_trylock_drop(&st->lock);
	}
}

/* @return pages that the file has beyond those that the pool knows of */
static uint64_t
excess_pages(const struct zstore *st)
{
	uint64_t own = st->pool.high - st->pool.holes.free_pages, has;
	struct stat objs;

	if (fstat(st->objs_fd, &objs) < 0)
		return 0;
	has = (uint64_t)objs.st_blocks * 512 / ZS_PAGE;
	return has > own ? has - own : 0;
}

/* The holes are the main lcore's own: workers neither take nor make any, so that their lists can be
 * read without the lock. */
static void
watch_holes(struct zstore *st)
{
	const struct zs_runs *holes = &st->pool.holes;
	uint64_t excess = excess_pages(st);

	if (excess > st->excess_pages) {
		for (uint32_t bin = 0; bin < ZS_BINS; bin++) {
			for (uint32_t run = holes->bin[bin]; run != ZS_NONE;
			     run = st->pool.pages[run].next)
				punch(st, run, st->pool.pages[run].run_len);
		}
		excess = excess_pages(st);
	}
	/* What punching does not change is the file system's own: no reason to punch again. */
	st->excess_pages = excess;
}

static void
tidy(struct zstore *st)
{
	struct run runs[TIDY_RUNS];
	uint32_t nr;

	zstore_lock(st);
	st->pool.epoch++;
	zc_trylock_drop(&st->lock);
	nr = take_surplus(st, runs, TIDY_RUNS);
	for (uint32_t i = 0; i < nr; i++)
		punch_run(st, &runs[i]);
	watch_holes(st);
}

int
zstore_populate(struct zstore *st, uint64_t now_ns)
{
	int ret;

	do {
		ret = refill(st);
	} while (ret > 0);
	zc_store_relaxed(&st->exhausted, ret < 0);
	if (now_ns - st->tidied_ns >= TIDY_NS) {
		st->tidied_ns = now_ns;
		tidy(st);
	}
	return ret;
}
