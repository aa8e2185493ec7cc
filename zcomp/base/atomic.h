/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZC_ATOMIC_H
#define ZC_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

/**
 * @file
 * Atomics whose memory order is part of the name, so that a review sees it.
 *
 * They work on plain integers: the shared structures hold plain words and every access that another
 * thread or process may meet goes through here. Each acquire and each release names its partner
 * where it is used.
 */

#define zc_load_relaxed(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define zc_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define zc_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define zc_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define zc_add_relaxed(p, v)   __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define zc_sub_relaxed(p, v)   __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define zc_xchg_acquire(p, v)  __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define zc_cas_acquire(p, e, v) \
	__atomic_compare_exchange_n((p), (e), (v), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define zc_cas_release(p, e, v) \
	__atomic_compare_exchange_n((p), (e), (v), 1, __ATOMIC_RELEASE, __ATOMIC_RELAXED)

/*
 * GCC warns that its thread sanitizer does not model fences. It does not have to: whatever a fence
 * orders here is itself atomic, so that no plain access depends on one.
 */
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif
#define zc_fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define zc_fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define zc_fence_seq_cst() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/** Tells the CPU that this is a spin loop. */
static inline void
zc_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

/** A lock that is only ever tried: who does not get it does something else and comes back. */
struct zc_trylock {
	uint32_t held;
};

/** @return true when the lock is now the caller's. Any thread; never waits. */
static inline bool
zc_trylock_take(struct zc_trylock *lock)
{
	uint32_t expected = 0;

	/* Pairs with zc_trylock_drop(). */
	return zc_load_relaxed(&lock->held) == 0 && zc_cas_acquire(&lock->held, &expected, 1);
}

static inline void
zc_trylock_drop(struct zc_trylock *lock)
{
	/* Pairs with zc_trylock_take(). */
	zc_store_release(&lock->held, 0);
}

#endif
