/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdint.h>

#include "base/hist.h"
#include "corpus.h"
#include "pairing.h"
#include "perf.h"

/**
 * @file
 * What can be measured: one file and one line of target_table for each.
 */

struct target_env {
	const struct perf_opts *opts;
	const struct perf_place *place;
	const struct corpus *corpus;
};

/** The beginning of each target's own struct. */
struct target {
	const struct target_ops *ops;
	struct target_env env;
	uint64_t sweep; /**< whose content the stored pages have */
};

/** What the stored pages came to. */
struct target_stat {
	uint64_t orig_bytes;   /**< of the pages */
	uint64_t object_bytes; /**< compressed */
	uint64_t mem_used;     /**< for the objects, with what is lost between them; 0 = no such */
	uint64_t mem_used_max; /**< 0 = no such */
	uint64_t stores;       /**< so far, by streams of either kind; 0 = no such */
	uint64_t managed;      /**< of them, by managed streams */
};

struct target_ops {
	const char *name;
	const char *arg;      /**< what is to follow the name and a colon; NULL = nothing */
	const char *doc;      /**< for --help */
	unsigned int nr_cpus; /**< threads that must run at the same time; 1: the caller's alone */
	uint32_t options;     /**< enum perf_option that it has a use for */

	/** Makes it ready and stores sweep 0 of the corpus. Undone by destroy(). */
	int (*create)(const struct target_env *env, struct target **out);
	/** Accepts NULL. */
	void (*destroy)(struct target *t);
	/**
	 * Overwrites all pages, @p sweeps times, and waits until that is done.
	 * @param client_ns of the calling thread, in which it could do nothing else
	 */
	int (*store)(struct target *t, uint64_t sweeps, double *client_ns);
	/**
	 * Overwrites all pages with the same page of zeros, as store() does otherwise. They hold
	 * the corpus again after the next store(). NULL: it has no way of its own with such pages.
	 */
	int (*store_same)(struct target *t, uint64_t sweeps, double *client_ns);
	/**
	 * Loads all pages in the corpus's random order, @p sweeps times.
	 * @param hist gets the ticks of each load; NULL: no clock is looked at
	 */
	int (*load)(struct target *t, uint64_t sweeps, struct zc_hist *hist);
	/** Loads one page, to be compared. */
	int (*read)(struct target *t, uint32_t page, void *dst);
	int (*stat)(struct target *t, struct target_stat *stat);
	/** Gives back what memory it can. NULL: it has no such. */
	int (*compact)(struct target *t);
};

extern const struct target_ops target_codec;
extern const struct target_ops target_pmd;
extern const struct target_ops target_zcomp;
extern const struct target_ops target_service;
extern const struct target_ops target_zram;

/** All targets; the last entry is NULL. */
extern const struct target_ops *const target_table[];

/**
 * Makes the targets of the command line.
 * @param targets gets opts->nr_targets of them; all are NULL after an error
 */
int targets_create(const struct target_env *env, struct target **targets);

void targets_destroy(struct target **targets, unsigned int nr);

/** Compares all that a target holds with the corpus. @return 0, -EBADMSG, as ops->read() */
int target_verify(struct target *t);

/**
 * A side of the pairing: stores of the target @p arg, by the worker's CPU whoever compresses. CPUs
 * of one host differ by a tenth, and drift.
 */
int target_store_pass(void *arg, uint64_t sweeps, struct pairing_time *time);

/** The same by the client's CPU, and stores of same-filled pages, and loads: a client's time. */
int target_store_here_pass(void *arg, uint64_t sweeps, struct pairing_time *time);
int target_store_same_pass(void *arg, uint64_t sweeps, struct pairing_time *time);
int target_load_pass(void *arg, uint64_t sweeps, struct pairing_time *time);

#endif
