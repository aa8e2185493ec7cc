/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The engine thread of mode=thread. The control thread starts and stops it, the engine itself polls
 * the queue pairs in turn, enqueuing threads wake it.
 *
 * It spins about as long as a wake-up takes and then sleeps, so that an idle device costs no CPU.
 * `asleep` is set by the engine and cleared by the one thread that will wake it, so at most one
 * system call is made for each sleep.
 *
 * The list of queue pairs is fixed while the thread lives: they can be set up, released or
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

static bool
engine_has_work(const struct lz4_pmd_engine *engine)
{
	for (uint16_t i = 0; i < engine->nr_qps; i++) {
		const struct lz4_pmd_qp *qp = engine->qps[i];

		if (__atomic_load_n(&qp->submitted, __ATOMIC_RELAXED) != qp->completed)
			return true;
	}
	return false;
}

static void
engine_sleep(struct lz4_pmd_engine *engine)
{
	__atomic_store_n(&engine->asleep, 1, __ATOMIC_RELAXED);
	/* Pairs with the fence in lz4_pmd_engine_kick(), and with that of lz4_pmd_engine_stop(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!engine_has_work(engine) && !__atomic_load_n(&engine->stop, __ATOMIC_RELAXED))
		syscall(SYS_futex, &engine->asleep, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
	/* A signal or a late wake-up may end the wait early: the caller only polls once more. */
	__atomic_store_n(&engine->asleep, 0, __ATOMIC_RELAXED);
}

static unsigned int
engine_poll(struct lz4_pmd_engine *engine)
{
	unsigned int nr = 0;

	for (uint16_t i = 0; i < engine->nr_qps; i++)
		nr += lz4_pmd_qp_run(engine->qps[i], LZ4_PMD_BURST);
	return nr;
}

static driver_thread_ret
engine_main(void *arg)
{
	struct lz4_pmd_engine *engine = arg;
	uint64_t idle_since = rte_rdtsc();

	for (;;) {
		/* Read before the poll: what was enqueued before the stop is then seen by it.
		 * Pairs with lz4_pmd_engine_stop(). */
		bool stop = __atomic_load_n(&engine->stop, __ATOMIC_ACQUIRE);

		if (engine_poll(engine) != 0) {
			idle_since = rte_rdtsc();
		} else if (stop) {
			break;
		} else if (rte_rdtsc() - idle_since < engine->spin_cycles) {
			rte_pause();
		} else {
			engine_sleep(engine);
			idle_since = rte_rdtsc();
		}
	}
	return 0;
}

int
lz4_pmd_engine_start(struct rte_compressdev *dev)
{
	struct lz4_pmd_dev *priv = dev->data->dev_private;
	struct lz4_pmd_engine *engine = &priv->engine;
	char name[16];

	engine->nr_qps = dev->data->nb_queue_pairs;
	for (uint16_t i = 0; i < engine->nr_qps; i++)
		engine->qps[i] = dev->data->queue_pairs[i];
	engine->spin_cycles = rte_get_tsc_hz() * SPIN_US / US_PER_S;
	engine->asleep = 0;
	engine->stop = false;

	snprintf(name, sizeof(name), "lz4-engine-%u", dev->data->dev_id);
	return driver_thread_create(&engine->thread, name, engine_main, engine);
}

void
lz4_pmd_engine_stop(struct lz4_pmd_engine *engine)
{
	/* Pairs with the acquire load in engine_main(). */
	__atomic_store_n(&engine->stop, true, __ATOMIC_RELEASE);
	lz4_pmd_engine_kick(engine);
	driver_thread_join(engine->thread);
}

void
lz4_pmd_engine_wake(struct lz4_pmd_engine *engine)
{
	if (__atomic_exchange_n(&engine->asleep, 0, __ATOMIC_RELAXED) != 0)
		syscall(SYS_futex, &engine->asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
