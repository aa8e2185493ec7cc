/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The model: when does an operation complete that arrives now, and which fault does it meet? All
 * queue pairs of a device share it. Enqueuing threads enter it, a burst at a time, under a
 * spinlock: what one device is, cannot be divided.
 *
 * An operation gets the engine that is free first. It waits for it, then for the link that all
 * engines share, and takes the link for its bytes; then the engine works on it for a latency. Both
 * waits are in order of arrival: the time at which an engine is found free never falls, so a link
 * that serves in order loses nothing.
 */

#include "sim_pmd_private.h"

#include <math.h>
#include <sched.h>

#include <rte_cycles.h>

/* The latency that a share @p q of all operations does not exceed, 0 < q < 1. */
static double
latency_quantile(const struct sim_pmd_latency *l, double q)
{
	if (l->dist == SIM_PMD_DIST_UNIFORM)
		return l->a + (l->b - l->a) * q;
	/* A Pareto distribution: a half are above a, one of 100 above b, so 50 times fewer. */
	return l->a * pow(2 * (1 - q), -log(l->b / l->a) / log(50));
}

static void
latency_init(struct sim_model *m, const struct sim_pmd_latency *l)
{
	const double hz = (double)rte_get_tsc_hz();

	m->fixed = (uint64_t)(l->a * hz / US_PER_S);
	m->varies = l->dist != SIM_PMD_DIST_FIXED;
	for (unsigned int i = 0; m->varies && i < SIM_PMD_QUANTILES; i++) {
		double us = latency_quantile(l, (i + 0.5) / SIM_PMD_QUANTILES);

		m->quantiles[i] = (uint64_t)(us * hz / US_PER_S);
	}
}

void
sim_model_init(struct sim_model *m, const struct sim_pmd_args *args)
{
	const uint64_t hz = rte_get_tsc_hz();

	latency_init(m, &args->latency_us);
	if (args->bandwidth != 0)
		m->cycles_per_byte = (double)hz / ((double)args->bandwidth * 1e6);
	m->hang_at = args->hang_at;
	m->hang_cycles = args->hang_ms * hz / MS_PER_S;
	m->reset_at = args->reset_at;
	m->remove_at = args->remove_at;
	m->nr_engines = (uint32_t)args->engines;
	m->rng = args->seed;
	rte_spinlock_init(&m->lock);
}

/* Engines and link are busy until @p until; 0: idle. */
static void
engines_set(struct sim_model *m, uint64_t until)
{
	/* A later time for all that are free before it leaves a heap a heap. */
	for (uint32_t i = 0; i < m->nr_engines; i++)
		m->engines[i].time = until == 0 ? 0 : RTE_MAX(m->engines[i].time, until);
	m->link_free = until == 0 ? 0 : RTE_MAX(m->link_free, until);
}

void
sim_model_start(struct sim_model *m)
{
	rte_spinlock_lock(&m->lock);
	engines_set(m, 0);
	m->hung = false;
	__atomic_store_n(&m->ops, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&m->hung_ops, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&m->engine_cycles, 0, __ATOMIC_RELAXED);
	rte_spinlock_unlock(&m->lock);
}

uint64_t
sim_model_lock(struct sim_model *m)
{
	/* Threads that share a CPU may hold it, so it is not worth spinning for. */
	while (rte_spinlock_trylock(&m->lock) == 0)
		sched_yield();
	/* Not before, or bursts could arrive in another order than that of their times. */
	return rte_rdtsc();
}

void
sim_model_unlock(struct sim_model *m)
{
	rte_spinlock_unlock(&m->lock);
}

/* Of engines that all take the same time the one that was busy longest ago is free first. */
static struct sim_heap_entry *
engine_next(struct sim_model *m)
{
	struct sim_heap_entry *engine = &m->engines[m->varies ? 0 : m->next];

	m->next = m->next + 1 == m->nr_engines ? 0 : m->next + 1;
	return engine;
}

static uint64_t
serve(struct sim_model *m, uint64_t now, uint32_t bytes)
{
	struct sim_heap_entry *engine = engine_next(m);
	uint64_t begin = RTE_MAX(now, engine->time), end = begin;

	if (m->cycles_per_byte != 0) {
		end = RTE_MAX(begin, m->link_free) + (uint64_t)(bytes * m->cycles_per_byte);
		m->link_free = end;
	}
	if (m->varies) {
		end += m->quantiles[sim_rng_next(&m->rng) % SIM_PMD_QUANTILES];
		sim_heap_replace(m->engines, m->nr_engines, (struct sim_heap_entry){.time = end});
	} else {
		end += m->fixed;
		engine->time = end;
	}
	__atomic_store_n(&m->engine_cycles, m->engine_cycles + (end - begin), __ATOMIC_RELAXED);
	return end;
}

static void
fail_in_flight(struct sim_model *m)
{
	/* Pairs with the acquire in advance(). */
	__atomic_store_n(&m->failed_upto, m->taken, __ATOMIC_RELEASE);
	engines_set(m, 0);
	m->hung = false;
}

bool
sim_model_take(struct sim_model *m, uint64_t now, uint32_t bytes, struct sim_pmd_slot *slot)
{
	const uint64_t nr = m->taken + 1;

	if (unlikely(m->removed))
		return false;
	if (unlikely(nr == m->remove_at)) {
		fail_in_flight(m);
		__atomic_store_n(&m->removed, true, __ATOMIC_RELAXED);
		return false;
	}
	m->taken = nr;
	__atomic_store_n(&m->ops, m->ops + 1, __ATOMIC_RELAXED);
	if (unlikely(nr == m->hang_at)) {
		m->hung = m->hang_cycles == 0;
		engines_set(m, now + m->hang_cycles);
	}
	slot->nr = nr;
	if (unlikely(m->hung)) {
		slot->due = SIM_PMD_NEVER;
		__atomic_store_n(&m->hung_ops, m->hung_ops + 1, __ATOMIC_RELAXED);
	} else {
		slot->due = serve(m, now, bytes);
	}
	if (unlikely(nr == m->reset_at))
		fail_in_flight(m);
	return true;
}
