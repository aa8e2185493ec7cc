/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef PERF_H
#define PERF_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "load_opts.h"

/**
 * @file
 * What the files of zcomp-perf share. Only its main thread enters them. Errors are told on standard
 * error where they are found; who gets a negative errno only passes it on.
 */

#define PERF_PAGE_SIZE   4096u
#define PERF_DEPTH       256u /**< stores in flight */
#define PERF_TARGETS_MAX 5u

struct ptest;
struct target_ops;
struct zcodec;

/** Options that not every ptest and target has a use for. */
enum perf_option {
	PERF_OPTION_ALGO = 1u << 0,
	PERF_OPTION_COMPRESS_LEVEL = 1u << 1,
	PERF_OPTION_DRIVER_NAME = 1u << 24,
	PERF_OPTION_SEG_SZ = 1u << 25,
	PERF_OPTION_SGL_SEGS = 1u << 26,
	PERF_OPTION_EXTERNAL_MBUFS = 1u << 27,
	PERF_OPTION_HUFFMAN_ENC = 1u << 28,
	PERF_OPTION_WINDOW_SZ = 1u << 29,
	PERF_OPTION_OPERATION = 1u << 30,
	PERF_OPTION_BURST_SZ = 1u << 2,
	PERF_OPTION_NUM_ITER = 1u << 3,
	PERF_OPTION_QUICK = 1u << 4,
	PERF_OPTION_SOCKET = 1u << 5,
	PERF_OPTION_ZCOMPD = 1u << 6,
	PERF_OPTION_TARGET = 1u << 7,
	PERF_OPTION_CSV = 1u << 8,
	PERF_OPTION_SVG = 1u << 9,
	PERF_OPTION_RATES = 1u << 20,
	PERF_OPTION_MIX = 1u << 21,
	PERF_OPTION_DIST = 1u << 22,
};

/** What of a ptest is wanted: bits. */
enum perf_operation {
	PERF_COMP = 1u << 0,   /**< stores */
	PERF_DECOMP = 1u << 1, /**< loads */
};

enum perf_huffman {
	PERF_HUFFMAN_DYNAMIC, /**< codes of each page's own */
	PERF_HUFFMAN_FIXED,
	PERF_HUFFMAN_DEFAULT, /**< as the device likes */
};

/** What the command line says. The strings are those of argv. */
struct perf_opts {
	const struct ptest *ptest;
	const struct target_ops *targets[PERF_TARGETS_MAX]; /**< ratios are to the first */
	unsigned int nr_targets;                            /**< 0 = the ptest has none */
	const char *input_file;
	uint64_t extended_len; /**< bytes; 0 = as the file is */
	unsigned int nr_pairs;
	uint64_t min_ns; /**< of a pass */
	unsigned int burst;
	const struct zcodec *codec;
	int level;
	unsigned int operations; /**< enum perf_operation */
	const char *driver;      /**< NAME or NAME,ARGS */
	unsigned int seg_sz;     /**< bytes of a piece of a page; all pieces are as large */
	bool external_mbufs;
	enum perf_huffman huffman;
	unsigned int window; /**< its base-two logarithm; 0 = the largest */
	char zram[64];       /**< the device */
	const char *json;    /**< NULL = none, "-" = standard output */
	const char *csv;     /**< NULL = none, as svg */
	const char *svg;
	const char *socket; /**< NULL = a service of our own */
	const char *zcompd; /**< NULL = the one beside this program */
	struct load_opts load;
	bool quick;
	bool force;
};

/** @return the commit that was built, with -dirty for more; the version where git cannot tell */
const char *perf_commit(void);

/** Reads the command line; a wrong one says what is wrong and exits 2. */
void perf_opts_parse(struct perf_opts *opts, int argc, char **argv);

/** Where the threads run, and how the user stops it all. */
struct perf_place {
	cpu_set_t cpus; /**< that this process was given */
	int client_cpu; /**< the main thread's */
	int worker_cpu; /**< of a service of our own; -1 = there is none left */
	int stop_fd;    /**< readable after SIGINT, SIGTERM, SIGHUP */
	sigset_t signals;
};

/**
 * Pins the calling thread to the first CPU and catches the signals.
 * @param nr_cpus that are needed at the same time
 * @return 0, -ENOSPC (fewer CPUs), -errno
 */
int perf_place_take(struct perf_place *place, unsigned int nr_cpus);

/** Gives a forked child, or the end of the program, what it was before. Signals then strike. */
void perf_place_leave(const struct perf_place *place);

/** Moves the calling thread to @p cpu, one of the place's; -1 = it stays. */
void perf_place_move(int cpu);

/** @return whether the user wants it all to stop */
bool perf_place_stopped(const struct perf_place *place);

/** Sleeps for @p ms. @return 0, -EINTR (the user wants it all to stop) */
int perf_place_rest(const struct perf_place *place, int ms);

#endif
