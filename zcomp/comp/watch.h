/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZCOMP_WATCH_H
#define ZCOMP_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * @file
 * What one lcore knows of one device: which pages the device has, how long it keeps them, and
 * whether it is to be trusted with more. Compressors that share a device share its watch.
 *
 * The ages of completed pages are the one estimate there is: by how many pages were in flight, the
 * mean time from submission to completion. Policies read it, and it bounds how long a page may
 * stay away.
 *
 * A page that is overdue is given up: the caller gets it back with -EIO, to compress it by
 * software, while the device still has the stream, which is *lost* until the device returns it. A
 * device that completes nothing at all for that time, that takes none, or that fails
 * ZCOMP_WATCH_STREAK pages in a row, is *suspect*: it gets no page but a probe now and then. What
 * it has is given up, unless it fails: then it returns its pages by itself. A page that comes back
 * well clears it; one that was given up does when it is the last of them.
 *
 * Threads: the lcore alone, but for zcomp_watch_stats().
 */

struct zcomp_strm;

/** Pages in flight by powers of two: 1, 2 to 3, 4 to 7 ... 4096 and more. */
#define ZCOMP_AGES 13u

/** A device that never answers is found out in this time, if its ages do not ask for more: zram's
 * accelerators wait 10 ms (hwz) to 100 ms (QPaCE). */
#define ZCOMP_HANG_NS      100000000u
#define ZCOMP_WATCH_STREAK 32u            /**< failures in a row that make a device suspect */
#define ZCOMP_PROBE_NS_MIN 100000000u     /**< from suspicion to the first probe */
#define ZCOMP_PROBE_NS_MAX 10000000000ull /**< doubled for each that fails, up to this */
#define ZCOMP_HANG_AGES    16u            /**< overdue = so many times the mean age */

/** Counters of a watch. */
struct zcomp_watch_stats {
	uint64_t done;      /**< pages that came back well, or do not compress */
	uint64_t errors;    /**< pages that came back with an error */
	uint64_t hangs;     /**< times that the device was found to hang, or to take nothing */
	uint64_t abandoned; /**< pages given up: overdue, or meant for a suspect device */
	uint64_t late;      /**< of them, came back after all */
	uint64_t lost;      /**< streams that the device has and that nobody waits for, now */
	uint64_t in_flight; /**< pages that the device has and that are waited for, now */
	uint64_t suspect;   /**< 1: it gets no pages but probes, now */
	uint64_t age_ns[ZCOMP_AGES]; /**< mean age by pages in flight; 0 = none came back yet */
};

struct zcomp_watch {
	_Alignas(64) struct zcomp_strm *oldest; /**< in flight, in order of submission */
	struct zcomp_strm *newest;
	struct zcomp_strm *failed; /**< taken from the caller and not given to the device */
	uint64_t hang_ns;          /**< written by the main lcore (relaxed) */
	uint64_t last_done_ns; /**< when something came back, or was submitted to an idle device */
	uint64_t polled_ns;
	uint64_t refused_ns; /**< since when it takes nothing; 0 = it does */
	uint64_t probe_at_ns;
	uint64_t probe_ns;
	unsigned int streak;
	bool hung; /**< what it has is being given up */
	struct zcomp_watch_stats stats;
};

/** @param hang_ns the least time after which a page is overdue; 0 = ZCOMP_HANG_NS */
void zcomp_watch_init(struct zcomp_watch *w, uint64_t hang_ns);

/**
 * @param now_ns read by the caller, and only needed, while the device is suspect
 * @return whether a page may be given to the device; for a suspect one, that of a probe: once
 */
bool zcomp_watch_probe(struct zcomp_watch *w, uint64_t now_ns);

/** The probe was not used after all: it is due again. */
void zcomp_watch_unprobe(struct zcomp_watch *w);

/** @return whether the device gets no pages but probes */
static inline bool
zcomp_watch_suspect(const struct zcomp_watch *w)
{
	return w->stats.suspect != 0;
}

/** @return whether there is nothing to poll for: the device has nothing, and nothing has failed */
static inline bool
zcomp_watch_idle(const struct zcomp_watch *w)
{
	return w->oldest == NULL && w->failed == NULL && w->stats.lost == 0;
}

/** The device has taken @p nr streams; 0: it was offered some, and refused. */
void zcomp_watch_submitted(struct zcomp_watch *w, struct zcomp_strm *const *strms, unsigned int nr,
                           uint64_t now_ns);

/** A stream that is taken from the caller, but not given to the device, which is suspect. */
void zcomp_watch_fail(struct zcomp_watch *w, struct zcomp_strm *strm);

/**
 * The device has returned a stream, with its result set.
 * @return whether somebody waits for it; otherwise it had been given up, and its result is -EIO as
 *         it was then
 */
bool zcomp_watch_done(struct zcomp_watch *w, struct zcomp_strm *strm, uint64_t now_ns);

/**
 * Ends a poll, after what the device has returned: writes up to @p nr streams that failed or are
 * given up, with -EIO.
 * @return how many
 */
unsigned int zcomp_watch_take(struct zcomp_watch *w, struct zcomp_strm **strms, unsigned int nr,
                              uint64_t now_ns);

/** @return how long the device is expected to keep one page more, ns; 0 = not known */
uint64_t zcomp_watch_expected_ns(const struct zcomp_watch *w);

/** @return how long the device is expected to need for what it has, ns; 0 = not known, or none */
uint64_t zcomp_watch_backlog_ns(const struct zcomp_watch *w);

/** Copies the counters, each by itself. Any thread. */
void zcomp_watch_stats(const struct zcomp_watch *w, struct zcomp_watch_stats *out);

#endif
