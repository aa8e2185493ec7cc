/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The host threads, which do the work of the operations. The control thread starts and stops them,
 * they poll the queue pairs in turn, enqueuing threads wake them.
 *
 * They spin about as long as a wake-up takes and then sleep, so that an idle device costs no CPU.
 * A thread about to sleep sets `asleep`; the enqueuing thread that clears it counts up `wakeups`
 * and wakes all. So a system call is made only if a thread sleeps, and no thread sleeps on a count
 * that it read before the wake-up.
 *
 * The list of queue pairs is fixed while the threads live: they can be set up, released or
 * reconfigured on a stopped device only.
 */

#include "sim_pmd_private.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_pause.h>

/* As long as it took to wake a thread, at the median, where that was measured. */
#define SPIN_US 50

static bool
host_has_work(const struct sim_host *host)
{
	for (uint16_t i = 0; i < host->nr_qps; i++) {
		const struct sim_pmd_qp *qp = host->qps[i];

		if (__atomic_load_n(&qp->claimed, __ATOMIC_RELAXED) !=
		    __atomic_load_n(&qp->submitted, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static void
host_sleep(struct sim_host *host)
{
	/* First of all, or a wake-up between `asleep` and this would be waited for once more. Pairs
	 * with the release in sim_host_wake(): who sees its count sees the operations. */
	uint32_t wakeups = __atomic_load_n(&host->wakeups, __ATOMIC_ACQUIRE);

	__atomic_store_n(&host->asleep, 1, __ATOMIC_RELAXED);
	/* Pairs with the fence in sim_host_kick(), and with that of sim_host_stop(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* The wait may end early, by a signal: the caller only polls once more. */
	if (!host_has_work(host) && !__atomic_load_n(&host->stop, __ATOMIC_RELAXED))
		syscall(SYS_futex, &host->wakeups, FUTEX_WAIT_PRIVATE, wakeups, NULL, NULL, 0);
}

void
sim_host_wake(struct sim_host *host)
{
	if (__atomic_exchange_n(&host->asleep, 0, __ATOMIC_RELAXED) == 0)
		return;
	/* Pairs with the acquire in host_sleep(). */
	__atomic_fetch_add(&host->wakeups, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &host->wakeups, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static unsigned int
host_poll(struct sim_host *host, LZ4_stream_t *lz4_state)
{
	unsigned int nr = 0;

	for (uint16_t i = 0; i < host->nr_qps; i++)
		nr += sim_pmd_qp_work(host->qps[i], lz4_state);
	return nr;
}

static driver_thread_ret
host_main(void *arg)
{
	struct sim_host *host = arg;
	LZ4_stream_t lz4_state;
	uint64_t idle_since = rte_rdtsc();

	for (;;) {
		/* Read before the poll: what was enqueued before the stop is then seen by it.
		 * Pairs with sim_host_stop(). */
		bool stop = __atomic_load_n(&host->stop, __ATOMIC_ACQUIRE);

		if (host_poll(host, &lz4_state) != 0) {
			idle_since = rte_rdtsc();
		} else if (stop) {
			break;
		} else if (rte_rdtsc() - idle_since < host->spin_cycles) {
			rte_pause();
		} else {
			host_sleep(host);
			idle_since = rte_rdtsc();
		}
	}
	return 0;
}

int
sim_host_start(struct rte_compressdev *dev)
{
	struct sim_pmd_dev *sim = dev->data->dev_private;
	struct sim_host *host = &sim->host;
	int ret = 0;

	host->nr_qps = dev->data->nb_queue_pairs;
	for (uint16_t i = 0; i < host->nr_qps; i++)
		host->qps[i] = dev->data->queue_pairs[i];
	host->spin_cycles = rte_get_tsc_hz() * SPIN_US / US_PER_S;
	host->asleep = 0;
	host->stop = false;

	for (host->nr_threads = 0; host->nr_threads < sim->args.threads; host->nr_threads++) {
		char name[16];

		snprintf(name, sizeof(name), "sim-host-%u-%u", dev->data->dev_id % 100u,
		         host->nr_threads % 100u);
		ret = driver_thread_create(&host->threads[host->nr_threads], name, host_main, host);
		if (ret != 0) {
			sim_host_stop(host);
			break;
		}
	}
	return ret;
}

void
sim_host_stop(struct sim_host *host)
{
	/* Pairs with the acquire load in host_main(). */
	__atomic_store_n(&host->stop, true, __ATOMIC_RELEASE);
	sim_host_kick(host);
	while (host->nr_threads != 0)
		driver_thread_join(host->threads[--host->nr_threads]);
}
