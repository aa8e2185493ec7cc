/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Target pmd: a compressdev alone, in this process, in the manner of dpdk-test-compress-perf. Pages
 * are copied into mbufs, and what comes back into a table of objects. Loads are decompressions by
 * the device, where it has them, that end in its mbufs; else they are the codec's. Main thread
 * only.
 *
 * The client's time is all but that in which the device was looked at in vain.
 */

#include "target_pmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "base/log.h"
#include "codec/codec.h"
#include "device.h"
#include "objects.h"
#include "ticks.h"

struct pmd_target {
	struct target base;
	struct perf_device device;
	struct pmd pmd;
	struct objects objects;
	uint64_t next; /* page of a pass */
	uint64_t sweep;
	uint32_t shift;
	void *dst; /* of a load; NULL: it stays in the mbuf */
};

static void
fill_page(void *arg, struct pmd_slot *slot)
{
	struct pmd_target *t = (struct pmd_target *)arg;
	const struct corpus *c = t->base.env.corpus;

	slot->number = (uint32_t)t->next;
	pmd_fill(slot, PMD_COMPRESS, corpus_content(c, slot->number, t->shift), PERF_PAGE_SIZE);
	if (++t->next == c->nr) {
		t->next = 0;
		t->shift = corpus_shift(c, ++t->sweep);
	}
}

static int
keep_object(void *arg, const struct pmd_slot *slot)
{
	struct pmd_target *t = (struct pmd_target *)arg;

	if (slot->op.produced > OBJECTS_ROOM || slot->op.consumed != PERF_PAGE_SIZE) {
		zc_err("target pmd: page %u: the device read %u bytes and wrote %u", slot->number,
		       slot->op.consumed, slot->op.produced);
		return -EIO;
	}
	pmd_result(slot, PMD_COMPRESS, objects_at(&t->objects, slot->number));
	t->objects.lens[slot->number] = slot->op.produced;
	return 0;
}

static void
fill_object(void *arg, struct pmd_slot *slot)
{
	struct pmd_target *t = (struct pmd_target *)arg;
	const struct corpus *c = t->base.env.corpus;

	slot->number = c->order[t->next];
	pmd_fill(slot, PMD_DECOMPRESS, objects_at(&t->objects, slot->number),
	         t->objects.lens[slot->number]);
	t->next = t->next + 1 == c->nr ? 0 : t->next + 1;
}

/* The page that read() wants. */
static void
fill_one(void *arg, struct pmd_slot *slot)
{
	struct pmd_target *t = (struct pmd_target *)arg;

	slot->number = (uint32_t)t->next;
	pmd_fill(slot, PMD_DECOMPRESS, objects_at(&t->objects, slot->number),
	         t->objects.lens[slot->number]);
}

static int
take_page(void *arg, const struct pmd_slot *slot)
{
	struct pmd_target *t = (struct pmd_target *)arg;

	if (slot->op.produced != PERF_PAGE_SIZE) {
		zc_err("target pmd: page %u: the device wrote %u bytes", slot->number,
		       slot->op.produced);
		return -EBADMSG;
	}
	if (t->dst != NULL)
		pmd_result(slot, PMD_DECOMPRESS, t->dst);
	return 0;
}

/* The sweeps from @p first on. */
static int
compress_sweeps(struct pmd_target *t, uint64_t first, uint64_t sweeps, struct pmd_counts *counts)
{
	const struct corpus *c = t->base.env.corpus;
	const struct pmd_work work = {
	        PMD_COMPRESS, t->base.env.opts->burst, fill_page, keep_object, t, t->base.env.place,
	};

	t->next = 0;
	t->sweep = first;
	t->shift = corpus_shift(c, first);
	t->base.sweep = first + sweeps - 1;
	return pmd_run(&t->pmd, &work, sweeps * c->nr, counts);
}

static int
decompress_sweeps(struct pmd_target *t, uint64_t sweeps, struct pmd_counts *counts)
{
	const struct pmd_work work = {
	        PMD_DECOMPRESS,    t->base.env.opts->burst, fill_object, take_page, t,
	        t->base.env.place,
	};

	t->next = 0;
	t->dst = NULL;
	return pmd_run(&t->pmd, &work, sweeps * t->base.env.corpus->nr, counts);
}

static int
decode(const struct pmd_target *t, uint32_t page, void *dst)
{
	if (t->base.env.opts->codec->decompress(objects_at(&t->objects, page),
	                                        t->objects.lens[page], dst, PERF_PAGE_SIZE) == 0)
		return 0;
	zc_err("target pmd: page %u does not decompress", page);
	return -EBADMSG;
}

/* By the device: alone in it. */
static int
read_back(struct pmd_target *t, uint32_t page, void *dst)
{
	const struct pmd_work work = {PMD_DECOMPRESS, 1, fill_one, take_page, t, t->base.env.place};
	struct pmd_counts counts = {0};

	t->next = page;
	t->dst = dst;
	return pmd_run(&t->pmd, &work, 1, &counts);
}

bool
target_pmd_decompresses(const struct target *base)
{
	return ((const struct pmd_target *)base)->pmd.xforms[PMD_DECOMPRESS] != NULL;
}

int
target_pmd_sweep(struct target *base, enum pmd_direction direction, struct pmd_counts *counts)
{
	struct pmd_target *t = (struct pmd_target *)base;

	return direction == PMD_COMPRESS ? compress_sweeps(t, base->sweep + 1, 1, counts)
	                                 : decompress_sweeps(t, 1, counts);
}

static int
pmd_store(struct target *base, uint64_t sweeps, double *client_ns)
{
	struct pmd_target *t = (struct pmd_target *)base;
	struct pmd_counts counts = {0};
	uint64_t start = zc_now_ns(), begin = rte_rdtsc();
	int ret = compress_sweeps(t, base->sweep + 1, sweeps, &counts);
	double took_ns = (double)(zc_now_ns() - start), ticks = (double)(rte_rdtsc() - begin);

	*client_ns = took_ns * (ticks - (double)counts.idle) / ticks;
	return ret;
}

/* What is verified is both: the format, and the device's way back. */
static int
pmd_read(struct target *base, uint32_t page, void *dst)
{
	struct pmd_target *t = (struct pmd_target *)base;
	uint8_t other[PERF_PAGE_SIZE];
	int ret = decode(t, page, dst);

	if (ret != 0 || !target_pmd_decompresses(base))
		return ret;
	ret = read_back(t, page, other);
	if (ret == 0 && memcmp(other, dst, sizeof(other)) != 0) {
		zc_err("target pmd: page %u: the device and the codec do not agree", page);
		ret = -EBADMSG;
	}
	return ret;
}

static int
pmd_load(struct target *base, uint64_t sweeps, struct zc_hist *hist)
{
	struct pmd_target *t = (struct pmd_target *)base;
	const struct corpus *c = base->env.corpus;
	const bool device = target_pmd_decompresses(base);
	uint64_t overhead = ticks_overhead();
	struct pmd_counts counts = {0};
	uint8_t dst[PERF_PAGE_SIZE];
	int ret = 0;

	if (device && hist == NULL)
		return decompress_sweeps(t, sweeps, &counts);
	for (uint64_t i = 0; i < sweeps * c->nr && ret == 0; i++) {
		uint32_t page = c->order[i % c->nr];
		uint64_t start = hist != NULL ? ticks_now() : 0;

		ret = device ? read_back(t, page, NULL) : decode(t, page, dst);
		if (hist != NULL)
			zc_hist_add(hist, ticks_since(start, overhead));
	}
	return ret;
}

static int
pmd_stat(struct target *base, struct target_stat *stat)
{
	const struct pmd_target *t = (const struct pmd_target *)base;

	*stat = (struct target_stat){
	        .orig_bytes = (uint64_t)base->env.corpus->nr * PERF_PAGE_SIZE,
	        .object_bytes = objects_bytes(&t->objects),
	};
	return 0;
}

static void
pmd_destroy(struct target *base)
{
	struct pmd_target *t = (struct pmd_target *)base;

	if (t == NULL)
		return;
	pmd_close(&t->pmd);
	perf_device_destroy(&t->device);
	objects_fini(&t->objects);
	free(t);
}

static int
pmd_create(const struct target_env *env, struct target **out)
{
	struct pmd_target *t = (struct pmd_target *)calloc(1, sizeof(*t));
	struct pmd_counts counts = {0};
	int ret;

	if (t == NULL) {
		zc_err("target pmd: no memory");
		return -ENOMEM;
	}
	t->base.ops = &target_pmd;
	t->base.env = *env;
	ret = objects_init(&t->objects, env->corpus->nr);
	if (ret == 0)
		ret = perf_device_create(&t->device, env->opts, env->place, "pmd");
	if (ret == 0)
		ret = pmd_open(&t->pmd, env->opts, t->device.name);
	if (ret == 0)
		ret = compress_sweeps(t, 0, 1, &counts);
	if (ret != 0) {
		pmd_destroy(&t->base);
		return ret;
	}
	*out = &t->base;
	return 0;
}

const struct target_ops target_pmd = {
        .name = "pmd",
        .doc = "a compressdev alone, in this process (--driver-name)",
        .nr_cpus = 1,
        .options = PERF_OPTION_ALGO | PERF_OPTION_COMPRESS_LEVEL | PERF_OPTION_BURST_SZ |
                   PERF_OPTION_DRIVER_NAME | PERF_OPTION_SEG_SZ | PERF_OPTION_SGL_SEGS |
                   PERF_OPTION_EXTERNAL_MBUFS | PERF_OPTION_HUFFMAN_ENC | PERF_OPTION_WINDOW_SZ,
        .create = pmd_create,
        .destroy = pmd_destroy,
        .store = pmd_store,
        .load = pmd_load,
        .read = pmd_read,
        .stat = pmd_stat,
};
