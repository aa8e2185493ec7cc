/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The trylock: refused while held, and what it guards needs no atomics (the thread sanitizer's). */

#include <pthread.h>
#include <sched.h>

#include "test_util.h"

#include "base/atomic.h"

#define ROUNDS (200000u / TEST_SLOW)

struct guarded {
	struct zc_trylock lock;
	uint64_t count; /* plain, under the lock */
	uint64_t twice;
	bool torn;
};

static void
test_one_thread(void **state)
{
	struct zc_trylock lock = {0};

	(void)state;
	assert_true(zc_trylock_take(&lock));
	assert_false(zc_trylock_take(&lock));
	assert_false(zc_trylock_take(&lock));
	zc_trylock_drop(&lock);
	assert_true(zc_trylock_take(&lock));
	zc_trylock_drop(&lock);
}

static void *
count(void *arg)
{
	struct guarded *g = (struct guarded *)arg;

	for (unsigned int taken = 0; taken < ROUNDS;) {
		if (!zc_trylock_take(&g->lock)) {
			sched_yield();
			continue;
		}
		if (g->twice != 2 * g->count)
			g->torn = true;
		g->count++;
		g->twice += 2;
		zc_trylock_drop(&g->lock);
		taken++;
	}
	return NULL;
}

static void
test_two_threads(void **state)
{
	struct guarded g = {.count = 0};
	pthread_t threads[2];

	(void)state;
	for (size_t i = 0; i < TEST_NR(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, &g), 0);
	for (size_t i = 0; i < TEST_NR(threads); i++)
		pthread_join(threads[i], NULL);
	assert_false(g.torn);
	assert_int_equal(g.count, TEST_NR(threads) * ROUNDS);
	assert_int_equal(g.twice, 2 * g.count);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_one_thread),
	        cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
