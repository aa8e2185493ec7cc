/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Names and places of the numbers. Everything is read by relaxed loads. */

#include "stats.h"

#include <stddef.h>
#include <stdio.h>

#include "comp/compressdev.h"

struct field {
	const char *name;
	size_t offset;
};

static void
tell(const void *base, const struct field *fields, size_t nr, zd_stat_fn fn, void *ctx)
{
	for (size_t i = 0; i < nr; i++) {
		const char *at = (const char *)base + fields[i].offset;

		fn(ctx, fields[i].name, zc_load_relaxed((const uint64_t *)(const void *)at));
	}
}

#define FIELD(type, name)                          \
	{                                          \
#name, offsetof(struct type, name) \
	}
#define NR(fields) (sizeof(fields) / sizeof((fields)[0]))

void
zd_stats_disk(const struct zd_disk *disk, zd_stat_fn fn, void *ctx)
{
	static const struct field before[] = {FIELD(zarena_stat, pages_stored)};
	static const struct field after[] = {
	        FIELD(zarena_stat, compr_data_size),  FIELD(zarena_stat, mem_used),
	        FIELD(zarena_stat, mem_limit),        FIELD(zarena_stat, mem_used_max),
	        FIELD(zarena_stat, same_pages),       FIELD(zarena_stat, huge_pages),
	        FIELD(zarena_stat, huge_pages_since), FIELD(zarena_stat, pages_compacted),
	        FIELD(zarena_stat, bd_count),         FIELD(zarena_stat, bd_reads),
	        FIELD(zarena_stat, bd_writes),        FIELD(zarena_stat, failed_loads),
	        FIELD(zarena_stat, failed_stores),    FIELD(zarena_stat, discards),
	};
	const struct zarena_super *super = zstore_super(disk->store);
	uint64_t stored = zc_load_relaxed(&super->stat.pages_stored);

	fn(ctx, "page_size", super->page_size);
	fn(ctx, "pages", super->pages);
	fn(ctx, "precompressed", (super->flags & ZARENA_PRECOMP) != 0);
	tell(&super->stat, before, NR(before), fn, ctx);
	fn(ctx, "orig_data_size", stored * super->page_size);
	tell(&super->stat, after, NR(after), fn, ctx);
}

void
zd_stats_worker(const struct zd_worker *w, zd_stat_fn fn, void *ctx)
{
	static const struct field fields[] = {
	        FIELD(zd_worker_stats, ops),         FIELD(zd_worker_stats, polls),
	        FIELD(zd_worker_stats, busy_cycles), FIELD(zd_worker_stats, total_cycles),
	        FIELD(zd_worker_stats, sleeps),      FIELD(zd_worker_stats, retries),
	        FIELD(zd_worker_stats, spills),      FIELD(zd_worker_stats, refused),
	        FIELD(zd_worker_stats, redone),
	};

	fn(ctx, "lcore", w->lcore_id);
	fn(ctx, "cpu", w->cpu);
	if (w->node >= 0)
		fn(ctx, "node", (uint64_t)w->node);
	tell(&w->stats, fields, NR(fields), fn, ctx);
}

void
zd_stats_streams(const struct zd_compressors *c, unsigned int compressor, zd_stat_fn fn, void *ctx)
{
	static const struct field fields[] = {
	        FIELD(zcomp_stats, managed),   FIELD(zcomp_stats, percpu),
	        FIELD(zcomp_stats, refused),   FIELD(zcomp_stats, errors),
	        FIELD(zcomp_stats, in_flight),
	};
	struct zcomp_stats sum = {0};

	for (unsigned int lcore = 0; lcore < c->nr_lcores; lcore++) {
		struct zcomp_stats one;

		zcomp_stats(c->entries[compressor].comp, lcore, &one);
		sum.managed += one.managed;
		sum.percpu += one.percpu;
		sum.refused += one.refused;
		sum.errors += one.errors;
		sum.in_flight += one.in_flight;
	}
	tell(&sum, fields, NR(fields), fn, ctx);
}

/* The mean over the lcores that have one. */
static void
tell_ages(const struct zd_compressors *c, unsigned int device, zd_stat_fn fn, void *ctx)
{
	for (unsigned int class = 0; class < ZCOMP_AGES; class ++) {
		uint64_t sum = 0, nr = 0;
		char name[32];

		for (unsigned int lcore = 0; lcore < c->nr_lcores; lcore++) {
			struct zcomp_watch_stats one;

			zcomp_watch_stats(zcomp_cdev_watch(c->devices[device], lcore), &one);
			sum += one.age_ns[class];
			nr += one.age_ns[class] != 0;
		}
		if (nr == 0)
			continue;
		snprintf(name, sizeof(name), "age_ns_%u", 1u << class);
		fn(ctx, name, sum / nr);
	}
}

void
zd_stats_device(const struct zd_compressors *c, unsigned int device, zd_stat_fn fn, void *ctx)
{
	static const struct field fields[] = {
	        FIELD(zcomp_watch_stats, done),      FIELD(zcomp_watch_stats, errors),
	        FIELD(zcomp_watch_stats, hangs),     FIELD(zcomp_watch_stats, abandoned),
	        FIELD(zcomp_watch_stats, late),      FIELD(zcomp_watch_stats, lost),
	        FIELD(zcomp_watch_stats, in_flight), FIELD(zcomp_watch_stats, suspect),
	};
	struct zcomp_watch_stats sum = {0};

	for (unsigned int lcore = 0; lcore < c->nr_lcores; lcore++) {
		struct zcomp_watch_stats one;

		zcomp_watch_stats(zcomp_cdev_watch(c->devices[device], lcore), &one);
		for (size_t i = 0; i < NR(fields); i++) {
			uint64_t *to = (uint64_t *)(void *)((char *)&sum + fields[i].offset);

			*to += *(const uint64_t *)(const void *)((char *)&one + fields[i].offset);
		}
	}
	fn(ctx, "depth", zcomp_cdev_depth(c->devices[device]));
	tell(&sum, fields, NR(fields), fn, ctx);
	tell_ages(c, device, fn, ctx);
}
