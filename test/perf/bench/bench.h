/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

/**
 * @file
 * What the benches, in C, and the one C++ file that hands them to Google Benchmark share. A bench
 * is an entry of a table; a file of benches exports one table, which bench_main.cc names.
 */

struct bench_env;

struct bench {
	const char *name;    /**< GROUP/WHAT, unique; NULL ends a table */
	const char *against; /**< the bench that it is compared with, item by item, or NULL */
	/**
	 * Makes what run() works on; called for each measurement anew, so it is quick: what is not
	 * belongs to @p env.
	 * @return 0; -EOPNOTSUPP (this host cannot: skipped); other -errno (failed). After an error
	 *         teardown() is not called.
	 */
	int (*setup)(struct bench_env *env, const struct bench *bench, void **state);
	/**
	 * What is measured: @p nr iterations.
	 * @return 0 or -errno: then there is no figure, and the program fails
	 */
	int (*run)(void *state, uint64_t nr);
	void (*teardown)(void *state);
	uint64_t arg;         /**< what setup() makes of it */
	unsigned int items;   /**< of an iteration */
	unsigned int bytes;   /**< of page content in an iteration; 0 = not told */
	unsigned int nr_cpus; /**< that must run at the same time */
};

extern const struct bench bench_ring[];
extern const struct bench bench_same[];
extern const struct bench bench_object[];
extern const struct bench bench_slot_load[];
extern const struct bench bench_pool[];
extern const struct bench bench_submit[];
extern const struct bench bench_store[];

/**
 * Pins the calling thread to the first CPU that it may use. What benches work on is made when the
 * first one asks for it.
 * @param input_file the pages to work on; NULL = generated ones
 * @param len        bytes to work on: the file is cut, or repeated
 * @return 0, -ENOMEM, -errno
 */
int bench_env_create(const char *input_file, uint64_t len, struct bench_env **out);

/** Frees all that was made. Accepts NULL. */
void bench_env_destroy(struct bench_env *env);

/** @return CPUs that the process may use */
unsigned int bench_env_nr_cpus(const struct bench_env *env);

#endif
