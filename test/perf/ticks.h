/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TICKS_H
#define TICKS_H

#include <stdint.h>

#include "base/clock.h"

/**
 * @file
 * The cheapest clock there is, for what takes less than a microsecond. Its unit is found by looking
 * at both clocks at the beginning and at the end of what is measured.
 */

/** @return ticks of a clock of constant rate. Any thread. */
static inline uint64_t
ticks_now(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	return zc_now_ns();
#endif
}

/** Waits until what the thread has written is in its cache, so that the next one need not. */
static inline void
ticks_settle(void)
{
#if defined(__x86_64__)
	__builtin_ia32_mfence();
#elif defined(__aarch64__)
	__asm__ volatile("dsb ish" ::: "memory");
#endif
}

struct ticks_span {
	uint64_t ns;
	uint64_t ticks;
};

static inline struct ticks_span
ticks_begin(void)
{
	return (struct ticks_span){zc_now_ns(), ticks_now()};
}

/** @return nanoseconds of a tick, as they were since @p begin */
static inline double
ticks_unit(const struct ticks_span *begin)
{
	uint64_t ns = zc_now_ns() - begin->ns, ticks = ticks_now() - begin->ticks;

	return ticks == 0 ? 1.0 : (double)ns / (double)ticks;
}

/** @return ticks that pass between two looks with nothing between them: to be taken off */
static inline uint64_t
ticks_overhead(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t start = ticks_now(), took = ticks_now() - start;

		if (took < least)
			least = took;
	}
	return least;
}

/** @return ticks since @p start, without @p overhead */
static inline uint64_t
ticks_since(uint64_t start, uint64_t overhead)
{
	uint64_t took = ticks_now() - start;

	return took > overhead ? took - overhead : 0;
}

#endif
