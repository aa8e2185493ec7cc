/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The engine threads of mode=thread. The control thread starts and stops them, each engine polls
 * all queue pairs in turn, enqueuing threads and engines wake those that sleep.
 *
 * An engine spins about as long as a wake-up takes and then sleeps, so that an idle device costs no
 * CPU. Who clears an engine's bit in `sleepers` wakes it, so at most one system call is made for
 * each sleep. An operation waits while an engine sleeps only if one that is awake without work
 * will come upon it; that one then wakes others, if there is more than it claims.
 *
 * The list of queue pairs is fixed while the threads live: they can be set up, released or
 * reconfigured on a stopped device only.
 */

#include "lz4_pmd_private.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_pause.h>

/* As long as it took to wake a thread, at the median, where that was measured. */
#define SPIN_US 50

static uint64_t
engines_waiting(const struct lz4_pmd_engines *set)
{
	uint64_t waiting = 0;

	for (uint16_t i = 0; i < set->nr_qps; i++)
		waiting += lz4_pmd_qp_waiting(set->qps[i]);
	return waiting;
}

/* @return whether the engine sleeps, or is about to. */
static bool
engine_wake(struct lz4_pmd_engines *set, unsigned int index)
{
	const uint64_t bit = UINT64_C(1) << index;

	/* Pairs with the release in engine_sleep(): `parked` is cleared after it was set there. */
	if ((__atomic_fetch_and(&set->sleepers, ~bit, __ATOMIC_ACQUIRE) & bit) == 0)
		return false;
	__atomic_store_n(&set->engine[index].parked, 0, __ATOMIC_RELAXED);
	syscall(SYS_futex, &set->engine[index].parked, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return true;
}

void
lz4_pmd_engines_wake(struct lz4_pmd_engines *set, uint64_t waiting)
{
	const uint64_t sleepers = __atomic_load_n(&set->sleepers, __ATOMIC_RELAXED);
	uint64_t useful = (waiting + LZ4_PMD_CLAIM_SHARED - 1) / LZ4_PMD_CLAIM_SHARED;

	for (unsigned int i = 0; i < set->nr && useful != 0; i++) {
		if ((sleepers >> i & 1) == 0 &&
		    !__atomic_load_n(&set->engine[i].busy, __ATOMIC_RELAXED))
			useful--;
	}
	for (unsigned int i = 0; i < set->nr && useful != 0; i++) {
		if ((sleepers >> i & 1) != 0 && engine_wake(set, i))
			useful--;
	}
}

static void
engine_sleep(struct lz4_pmd_engine *engine)
{
	struct lz4_pmd_engines *set = engine->set;
	const uint64_t bit = UINT64_C(1) << engine->index;

	__atomic_store_n(&engine->parked, 1, __ATOMIC_RELAXED);
	/* Pairs with the acquire in engine_wake(). */
	__atomic_fetch_or(&set->sleepers, bit, __ATOMIC_RELEASE);
	/* Pairs with the fence in lz4_pmd_engines_kick(), and with that in engines_join(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (engines_waiting(set) == 0 && !__atomic_load_n(&set->stop, __ATOMIC_RELAXED))
		syscall(SYS_futex, &engine->parked, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
	/* A signal or a late wake-up may end the wait early: the caller only polls once more. */
	__atomic_fetch_and(&set->sleepers, ~bit, __ATOMIC_RELAXED);
}

/* @return whether there was work. */
static bool
engine_poll(struct lz4_pmd_engine *engine)
{
	struct lz4_pmd_engines *set = engine->set;
	bool worked = false;

	for (uint16_t i = 0; i < set->nr_qps; i++) {
		uint64_t from;
		unsigned int nr = lz4_pmd_qp_claim(set->qps[i], &from);

		if (nr == 0)
			continue;
		worked = true;
		__atomic_store_n(&engine->busy, true, __ATOMIC_RELAXED);
		if (__atomic_load_n(&set->sleepers, __ATOMIC_RELAXED) != 0)
			lz4_pmd_engines_wake(set, engines_waiting(set));
		lz4_pmd_qp_run(set->qps[i], &engine->work, from, nr);
	}
	if (!worked)
		__atomic_store_n(&engine->busy, false, __ATOMIC_RELAXED);
	return worked;
}

static driver_thread_ret
engine_main(void *arg)
{
	struct lz4_pmd_engine *engine = arg;
	struct lz4_pmd_engines *set = engine->set;
	uint64_t idle_since = rte_rdtsc();

	for (;;) {
		/* Read before the poll: what was enqueued before the stop is then seen by it.
		 * Pairs with engines_join(). */
		bool stop = __atomic_load_n(&set->stop, __ATOMIC_ACQUIRE);

		if (engine_poll(engine)) {
			idle_since = rte_rdtsc();
		} else if (stop) {
			break;
		} else if (rte_rdtsc() - idle_since < set->spin_cycles) {
			rte_pause();
		} else {
			engine_sleep(engine);
			idle_since = rte_rdtsc();
		}
	}
	return 0;
}

static int
engine_start(struct lz4_pmd_engines *set, uint8_t index, const struct rte_compressdev *dev)
{
	struct lz4_pmd_engine *engine = &set->engine[index];
	char name[16];
	int ret;

	*engine = (struct lz4_pmd_engine){.set = set, .index = index};
	ret = lz4_pmd_work_init(&engine->work, dev->data->socket_id);
	if (ret != 0)
		return ret;
	snprintf(name, sizeof(name), "lz4-%u-eng%u", dev->data->dev_id, index);
	ret = driver_thread_create(&engine->thread, name, engine_main, engine);
	if (ret != 0)
		lz4_pmd_work_fini(&engine->work);
	return ret;
}

/* Those with a smaller number. */
static void
engines_join(struct lz4_pmd_engines *set, unsigned int nr)
{
	/* Pairs with the acquire load in engine_main(). */
	__atomic_store_n(&set->stop, true, __ATOMIC_RELEASE);
	/* Pairs with the fence in engine_sleep(): either it sees the stop or we its bit. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < nr; i++)
		engine_wake(set, i);
	for (unsigned int i = 0; i < nr; i++) {
		driver_thread_join(set->engine[i].thread);
		lz4_pmd_work_fini(&set->engine[i].work);
	}
}

int
lz4_pmd_engines_start(struct rte_compressdev *dev)
{
	struct lz4_pmd_dev *priv = dev->data->dev_private;
	struct lz4_pmd_engines *set = &priv->engines;

	set->nr_qps = dev->data->nb_queue_pairs;
	for (uint16_t i = 0; i < set->nr_qps; i++)
		set->qps[i] = dev->data->queue_pairs[i];
	set->claim_max = set->nr == 1 ? LZ4_PMD_CLAIM_ALONE : LZ4_PMD_CLAIM_SHARED;
	set->spin_cycles = rte_get_tsc_hz() * SPIN_US / US_PER_S;
	set->sleepers = 0;
	set->stop = false;

	for (uint8_t i = 0; i < set->nr; i++) {
		int ret = engine_start(set, i, dev);

		if (ret != 0) {
			engines_join(set, i);
			return ret;
		}
	}
	return 0;
}

void
lz4_pmd_engines_stop(struct lz4_pmd_engines *set)
{
	engines_join(set, set->nr);
}
