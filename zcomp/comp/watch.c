/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The watch over one device, by one lcore. It owns the list of what is in flight and the marks of
 * the streams in it; the counters are plain words that others may read, hence the relaxed accesses.
 *
 * A stream is in at most one of the two lists. `lost` says that the device has it although it is in
 * none. Nothing here is done for each poll but to look at the oldest page.
 */

#include "comp/watch.h"

#include <assert.h>
#include <errno.h>

#include "base/atomic.h"
#include "comp/zcomp.h"

/* A mean follows the last 8 ages. */
#define AGE_SHIFT 3

/* Counters are written by one thread alone. */
static void
add(uint64_t *counter, uint64_t nr)
{
	zc_store_relaxed(counter, *counter + nr);
}

void
zcomp_watch_init(struct zcomp_watch *w, uint64_t hang_ns)
{
	*w = (struct zcomp_watch){
	        .hang_ns = hang_ns != 0 ? hang_ns : ZCOMP_HANG_NS,
	        .probe_ns = ZCOMP_PROBE_NS_MIN,
	};
}

static unsigned int
age_class(uint64_t in_flight)
{
	unsigned int class = 63 - (unsigned int)__builtin_clzll(in_flight | 1);

	return class < ZCOMP_AGES ? class : ZCOMP_AGES - 1;
}

/* @return whether @age_ns is longer than a page may stay away */
static bool
is_overdue(const struct zcomp_watch *w, uint64_t age_ns)
{
	if (age_ns <= zc_load_relaxed(&w->hang_ns))
		return false;
	for (unsigned int i = 0; i < ZCOMP_AGES; i++) {
		if (age_ns <= ZCOMP_HANG_AGES * w->stats.age_ns[i])
			return false;
	}
	return true;
}

static void
suspect(struct zcomp_watch *w, uint64_t now_ns)
{
	zc_store_relaxed(&w->stats.suspect, (uint64_t)1);
	w->probe_at_ns = now_ns + w->probe_ns;
}

static void
trust(struct zcomp_watch *w)
{
	zc_store_relaxed(&w->stats.suspect, (uint64_t)0);
	w->probe_ns = ZCOMP_PROBE_NS_MIN;
	w->streak = 0;
	w->hung = false;
}

bool
zcomp_watch_probe(struct zcomp_watch *w, uint64_t now_ns)
{
	if (!zcomp_watch_suspect(w))
		return true;
	if (now_ns < w->probe_at_ns)
		return false;
	w->probe_ns = w->probe_ns < ZCOMP_PROBE_NS_MAX / 2 ? 2 * w->probe_ns : ZCOMP_PROBE_NS_MAX;
	w->probe_at_ns = now_ns + w->probe_ns;
	return true;
}

void
zcomp_watch_unprobe(struct zcomp_watch *w)
{
	w->probe_at_ns = 0;
	w->probe_ns = w->probe_ns / 2 > ZCOMP_PROBE_NS_MIN ? w->probe_ns / 2 : ZCOMP_PROBE_NS_MIN;
}

static void
link_newest(struct zcomp_watch *w, struct zcomp_strm *strm)
{
	strm->next = NULL;
	strm->prev = w->newest;
	if (w->newest != NULL)
		w->newest->next = strm;
	else
		w->oldest = strm;
	w->newest = strm;
}

static void
unlink_strm(struct zcomp_watch *w, struct zcomp_strm *strm)
{
	if (strm->prev != NULL)
		strm->prev->next = strm->next;
	else
		w->oldest = strm->next;
	if (strm->next != NULL)
		strm->next->prev = strm->prev;
	else
		w->newest = strm->prev;
	add(&w->stats.in_flight, -(uint64_t)1);
}

/* A device may be full for as long as its pages stay; only with nothing coming back it is ill. */
static void
refused(struct zcomp_watch *w, uint64_t now_ns)
{
	if (w->refused_ns == 0)
		w->refused_ns = now_ns;
	if (zcomp_watch_suspect(w) || !is_overdue(w, now_ns - w->refused_ns))
		return;
	add(&w->stats.hangs, 1);
	w->hung = w->oldest != NULL;
	suspect(w, now_ns);
}

void
zcomp_watch_submitted(struct zcomp_watch *w, struct zcomp_strm *const *strms, unsigned int nr,
                      uint64_t now_ns)
{
	if (nr == 0)
		refused(w, now_ns);
	else
		w->refused_ns = 0;
	if (w->oldest == NULL)
		w->last_done_ns = now_ns;
	for (unsigned int i = 0; i < nr; i++) {
		strms[i]->submitted_ns = now_ns;
		strms[i]->age_class = (uint8_t)age_class(w->stats.in_flight + i + 1);
		link_newest(w, strms[i]);
	}
	add(&w->stats.in_flight, nr);
}

void
zcomp_watch_fail(struct zcomp_watch *w, struct zcomp_strm *strm)
{
	strm->next = w->failed;
	w->failed = strm;
}

/* It was done at some time after the poll before. An lcore that compresses pages of its own between
 * polls would find the device as slow as itself, if the end of that time counted. */
static void
age_add(struct zcomp_watch *w, const struct zcomp_strm *strm, uint64_t now_ns)
{
	uint64_t after_ns = strm->submitted_ns > w->polled_ns ? strm->submitted_ns : w->polled_ns;
	uint64_t age = now_ns - strm->submitted_ns - (now_ns - after_ns) / 2;
	uint64_t *mean = &w->stats.age_ns[strm->age_class];

	/* The lcore itself was away, which says nothing of the device. */
	if (now_ns - after_ns > w->hang_ns)
		return;
	age = age != 0 ? age : 1;
	if (*mean == 0)
		zc_store_relaxed(mean, age);
	else
		zc_store_relaxed(mean, *mean - (*mean >> AGE_SHIFT) + (age >> AGE_SHIFT));
}

static bool
is_well(const struct zcomp_strm *strm)
{
	return strm->result >= 0 || strm->result == -ENOSPC;
}

/* If all that was away is back, the last one well, the device was late, not dead. */
static void
came_late(struct zcomp_watch *w, struct zcomp_strm *strm)
{
	strm->lost = false;
	add(&w->stats.late, 1);
	add(&w->stats.lost, -(uint64_t)1);
	if (w->stats.lost == 0 && is_well(strm) && zcomp_watch_suspect(w))
		trust(w);
	/* Whoever still holds it has been told so. */
	strm->result = -EIO;
}

bool
zcomp_watch_done(struct zcomp_watch *w, struct zcomp_strm *strm, uint64_t now_ns)
{
	w->last_done_ns = now_ns;
	w->refused_ns = 0;
	if (strm->lost) {
		came_late(w, strm);
		return false;
	}
	unlink_strm(w, strm);
	if (!is_well(strm)) {
		add(&w->stats.errors, 1);
		if (++w->streak >= ZCOMP_WATCH_STREAK && !zcomp_watch_suspect(w))
			suspect(w, now_ns);
		return true;
	}
	age_add(w, strm, now_ns);
	add(&w->stats.done, 1);
	w->streak = 0;
	if (zcomp_watch_suspect(w))
		trust(w);
	return true;
}

static struct zcomp_strm *
give_up_oldest(struct zcomp_watch *w)
{
	struct zcomp_strm *strm = w->oldest;

	unlink_strm(w, strm);
	strm->lost = true;
	strm->result = -EIO;
	add(&w->stats.lost, 1);
	add(&w->stats.abandoned, 1);
	return strm;
}

/* Overdue pages alone are given up while others come back; a device from which none does hangs. */
static bool
oldest_is_overdue(struct zcomp_watch *w, uint64_t now_ns)
{
	if (w->hung)
		return true;
	if (!is_overdue(w, now_ns - w->oldest->submitted_ns))
		return false;
	if (is_overdue(w, now_ns - w->last_done_ns)) {
		add(&w->stats.hangs, 1);
		w->hung = true;
		suspect(w, now_ns);
	}
	return true;
}

unsigned int
zcomp_watch_take(struct zcomp_watch *w, struct zcomp_strm **strms, unsigned int nr, uint64_t now_ns)
{
	unsigned int n = 0;

	w->polled_ns = now_ns;
	for (; w->failed != NULL && n < nr; w->failed = w->failed->next) {
		strms[n] = w->failed;
		strms[n++]->result = -EIO;
		add(&w->stats.abandoned, 1);
	}
	while (n < nr && w->oldest != NULL && oldest_is_overdue(w, now_ns))
		strms[n++] = give_up_oldest(w);
	if (w->oldest == NULL)
		w->hung = false;
	return n;
}

/* With more in flight it is no sooner: of a class not seen yet, those below are what is known. */
static uint64_t
age_of(const struct zcomp_watch *w, uint64_t in_flight)
{
	unsigned int class = age_class(in_flight);

	while (class > 0 && w->stats.age_ns[class] == 0)
		class --;
	return w->stats.age_ns[class];
}

uint64_t
zcomp_watch_expected_ns(const struct zcomp_watch *w)
{
	return age_of(w, w->stats.in_flight + 1);
}

uint64_t
zcomp_watch_backlog_ns(const struct zcomp_watch *w)
{
	return w->oldest != NULL ? age_of(w, w->stats.in_flight) : 0;
}

void
zcomp_watch_stats(const struct zcomp_watch *w, struct zcomp_watch_stats *out)
{
	const uint64_t *from = (const uint64_t *)&w->stats;
	uint64_t *to = (uint64_t *)out;

	for (size_t i = 0; i < sizeof(*out) / sizeof(*to); i++)
		to[i] = zc_load_relaxed(&from[i]);
}
