/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The table of targets, and what is done with each of them alike. */

#include "target.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

const struct target_ops *const target_table[] = {
        &target_codec, &target_pmd, &target_zcomp, &target_service, &target_zram, NULL,
};

int
targets_create(const struct target_env *env, struct target **targets)
{
	memset(targets, 0, env->opts->nr_targets * sizeof(*targets));
	for (unsigned int i = 0; i < env->opts->nr_targets; i++) {
		int ret = env->opts->targets[i]->create(env, &targets[i]);

		if (ret != 0) {
			targets_destroy(targets, env->opts->nr_targets);
			return ret;
		}
	}
	return 0;
}

void
targets_destroy(struct target **targets, unsigned int nr)
{
	/* Backwards: EAL before 25.11 loses the devices behind one that goes. */
	while (nr-- > 0) {
		if (targets[nr] != NULL)
			targets[nr]->ops->destroy(targets[nr]);
		targets[nr] = NULL;
	}
}

int
target_verify(struct target *t)
{
	const struct corpus *c = t->env.corpus;
	uint32_t shift = corpus_shift(c, t->sweep);
	uint8_t page[PERF_PAGE_SIZE];

	for (uint32_t i = 0; i < c->nr; i++) {
		int ret = t->ops->read(t, i, page);

		if (ret != 0)
			return ret;
		if (memcmp(page, corpus_content(c, i, shift), sizeof(page)) != 0) {
			zc_err("target %s: page %u is not what was stored", t->ops->name, i);
			return -EBADMSG;
		}
	}
	return perf_place_stopped(t->env.place) ? -EINTR : 0;
}

static int
timed_store(struct target *t, int (*store)(struct target *t, uint64_t sweeps, double *client_ns),
            uint64_t sweeps, struct pairing_time *time)
{
	uint64_t start = zc_now_ns();
	int ret = store(t, sweeps, &time->client_ns);

	time->elapsed_ns = (double)(zc_now_ns() - start);
	if (ret == 0 && perf_place_stopped(t->env.place))
		ret = -EINTR;
	return ret;
}

int
target_store_here_pass(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	struct target *t = (struct target *)arg;

	return timed_store(t, t->ops->store, sweeps, time);
}

int
target_store_pass(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	const struct target *t = (const struct target *)arg;
	const struct perf_place *place = t->env.place;
	int ret;

	if (t->ops->nr_cpus > 1)
		return target_store_here_pass(arg, sweeps, time);
	perf_place_move(place->worker_cpu);
	ret = target_store_here_pass(arg, sweeps, time);
	perf_place_move(place->client_cpu);
	return ret;
}

int
target_store_same_pass(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	struct target *t = (struct target *)arg;

	return timed_store(t, t->ops->store_same, sweeps, time);
}

int
target_load_pass(void *arg, uint64_t sweeps, struct pairing_time *time)
{
	struct target *t = (struct target *)arg;
	uint64_t start = zc_now_ns();
	int ret = t->ops->load(t, sweeps, NULL);

	time->elapsed_ns = time->client_ns = (double)(zc_now_ns() - start);
	if (ret == 0 && perf_place_stopped(t->env.place))
		ret = -EINTR;
	return ret;
}
