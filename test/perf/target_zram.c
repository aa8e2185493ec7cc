/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Target zram: the kernel's, page by page, past the page cache (O_DIRECT), by one thread. It does
 * all within the call, so that the client's time is all of it. Its memory is that of the device.
 * What was written is discarded at the end.
 */

#include "target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "codec/codec.h"
#include "ticks.h"
#include "zram_dev.h"

struct zram_target {
	struct target base;
	struct zram_dev dev;
	_Alignas(PERF_PAGE_SIZE) uint8_t dst[PERF_PAGE_SIZE];
};

static const _Alignas(PERF_PAGE_SIZE) uint8_t zero_page[PERF_PAGE_SIZE];

static int
complain(const char *what, uint32_t page, ssize_t n)
{
	int err = n < 0 ? errno : EIO;

	zc_err("target zram: %s of page %u: %s", what, page, strerror(err));
	return -err;
}

static int
write_page(struct zram_target *t, uint32_t page, const void *content)
{
	ssize_t n = pwrite(t->dev.fd, content, PERF_PAGE_SIZE,
	                   (off_t)((uint64_t)page * PERF_PAGE_SIZE));

	return n == PERF_PAGE_SIZE ? 0 : complain("write", page, n);
}

static int
read_page(struct zram_target *t, uint32_t page)
{
	ssize_t n =
	        pread(t->dev.fd, t->dst, PERF_PAGE_SIZE, (off_t)((uint64_t)page * PERF_PAGE_SIZE));

	return n == PERF_PAGE_SIZE ? 0 : complain("read", page, n);
}

/* The sweeps from @p first on. */
static int
store_sweeps(struct zram_target *t, uint64_t first, uint64_t sweeps, double *client_ns)
{
	const struct corpus *c = t->base.env.corpus;
	uint64_t start = zc_now_ns();
	int ret = 0;

	for (uint64_t s = first; s < first + sweeps && ret == 0; s++) {
		uint32_t shift = corpus_shift(c, s);

		for (uint32_t page = 0; page < c->nr && ret == 0; page++)
			ret = write_page(t, page, corpus_content(c, page, shift));
	}
	t->base.sweep = first + sweeps - 1;
	*client_ns = (double)(zc_now_ns() - start);
	return ret;
}

static int
zram_store(struct target *base, uint64_t sweeps, double *client_ns)
{
	return store_sweeps((struct zram_target *)base, base->sweep + 1, sweeps, client_ns);
}

static int
zram_store_same(struct target *base, uint64_t sweeps, double *client_ns)
{
	struct zram_target *t = (struct zram_target *)base;
	uint64_t start = zc_now_ns();
	int ret = 0;

	for (uint64_t s = 0; s < sweeps && ret == 0; s++) {
		for (uint32_t page = 0; page < base->env.corpus->nr && ret == 0; page++)
			ret = write_page(t, page, zero_page);
	}
	*client_ns = (double)(zc_now_ns() - start);
	return ret;
}

static int
zram_read(struct target *base, uint32_t page, void *dst)
{
	struct zram_target *t = (struct zram_target *)base;
	int ret = read_page(t, page);

	memcpy(dst, t->dst, PERF_PAGE_SIZE);
	return ret;
}

static int
zram_load(struct target *base, uint64_t sweeps, struct zc_hist *hist)
{
	struct zram_target *t = (struct zram_target *)base;
	const struct corpus *c = base->env.corpus;
	uint64_t overhead = ticks_overhead();
	int ret = 0;

	for (uint64_t s = 0; s < sweeps && ret == 0; s++) {
		for (uint32_t i = 0; i < c->nr && ret == 0; i++) {
			uint64_t start = hist != NULL ? ticks_now() : 0;

			ret = read_page(t, c->order[i]);
			if (hist != NULL)
				zc_hist_add(hist, ticks_since(start, overhead));
		}
	}
	return ret;
}

static int
zram_stat(struct target *base, struct target_stat *stat)
{
	const struct zram_target *t = (const struct zram_target *)base;
	struct zram_dev_stat st;
	int ret = zram_dev_stat(&t->dev, &st);

	if (ret != 0)
		return ret;
	*stat = (struct target_stat){
	        .orig_bytes = st.orig_bytes,
	        .object_bytes = st.compr_bytes,
	        .mem_used = st.mem_used,
	        .mem_used_max = st.mem_used_max,
	};
	return 0;
}

static void
zram_destroy(struct target *base)
{
	struct zram_target *t = (struct zram_target *)base;

	if (t == NULL)
		return;
	zram_dev_close(&t->dev, (uint64_t)base->env.corpus->nr * PERF_PAGE_SIZE);
	free(t);
}

static int
zram_create(const struct target_env *env, struct target **out)
{
	struct zram_target *t;
	double client_ns;
	int ret;

	if (env->opts->level != env->opts->codec->level_default) {
		zc_err("target zram: --compress-level: the kernel's is not %d", env->opts->level);
		return -EINVAL;
	}
	t = (struct zram_target *)aligned_alloc(_Alignof(struct zram_target), sizeof(*t));
	if (t == NULL) {
		zc_err("target zram: no memory");
		return -ENOMEM;
	}
	memset(t, 0, sizeof(*t));
	t->base.ops = &target_zram;
	t->base.env = *env;
	ret = zram_dev_open(&t->dev, env->opts, (uint64_t)env->corpus->nr * PERF_PAGE_SIZE);
	if (ret == 0)
		ret = store_sweeps(t, 0, 1, &client_ns);
	if (ret != 0) {
		zram_destroy(&t->base);
		return ret;
	}
	*out = &t->base;
	return 0;
}

const struct target_ops target_zram = {
        .name = "zram",
        .arg = "/dev/zramN",
        .doc = "the kernel's: set up, unused; discarded at the end",
        .nr_cpus = 1,
        .options = PERF_OPTION_ALGO,
        .create = zram_create,
        .destroy = zram_destroy,
        .store = zram_store,
        .store_same = zram_store_same,
        .load = zram_load,
        .read = zram_read,
        .stat = zram_stat,
};
