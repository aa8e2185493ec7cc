/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The ring: both sides in one thread, each index a hostile peer could write, then two threads. */

#include <pthread.h>
#include <sched.h>

#include "test_util.h"

#include "ipc/ring.h"

#define SIZE_MAX_TESTED 64u
#define WORDS           4u

struct pair {
	_Alignas(64) uint32_t tail;
	_Alignas(64) uint32_t head;
	uint64_t entries[SIZE_MAX_TESTED * WORDS];
	/* As a queue's page buffers: no atomics, the ring alone says whose they are. */
	uint64_t bufs[SIZE_MAX_TESTED];
	struct zring producer;
	struct zring consumer;
};

/* Where a ring may stand when a test begins: at its start, in between, before an index wraps. */
static const uint32_t starts[] = {0, 12345, UINT32_MAX - 100, UINT32_MAX};
static const uint32_t sizes[] = {1, 2, 8, SIZE_MAX_TESTED};

static void
pair_init(struct pair *p, uint32_t size, uint32_t start)
{
	memset(p, 0, sizeof(*p));
	zring_init(&p->producer, &p->tail, &p->head, p->entries, size);
	zring_init(&p->consumer, &p->head, &p->tail, p->entries, size);
	p->producer.own = p->producer.peer = p->consumer.own = p->consumer.peer = start;
	p->tail = p->head = start;
}

static void
stamp(uint64_t *words, uint64_t number)
{
	for (uint32_t i = 0; i < WORDS; i++)
		words[i] = (number + 1) * 0x9e3779b97f4a7c15u + i;
}

static bool
is_stamp(const uint64_t *words, uint64_t number)
{
	uint64_t expected[WORDS];

	stamp(expected, number);
	return memcmp(words, expected, sizeof(expected)) == 0;
}

static uint64_t *
buf_of(struct pair *p, uint64_t number)
{
	return &p->bufs[number % p->producer.size];
}

static void
put(struct pair *p, uint32_t nr, uint64_t *number)
{
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t words[WORDS];

		*buf_of(p, *number) = *number;
		stamp(words, (*number)++);
		zring_write(&p->producer, i, words, WORDS);
	}
	zring_commit(&p->producer, nr);
}

static void
get(struct pair *p, uint32_t nr, uint64_t *number)
{
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t words[WORDS];

		zring_read(&p->consumer, i, words, WORDS);
		assert_true(is_stamp(words, (*number)++));
	}
	zring_release(&p->consumer, nr);
}

static void
test_init(void **state)
{
	struct pair p;

	(void)state;
	memset(&p, 0, sizeof(p));
	zring_init(&p.producer, &p.tail, &p.head, p.entries, 8);
	assert_int_equal(zring_reserve(&p.producer, 1), 8);
	zring_init(&p.consumer, &p.head, &p.tail, p.entries, 8);
	assert_int_equal(zring_peek(&p.consumer, 1), 0);
}

static void
test_fill_and_drain(void **state)
{
	(void)state;
	for (size_t s = 0; s < TEST_NR(sizes); s++) {
		for (size_t f = 0; f < TEST_NR(starts); f++) {
			uint64_t in = 0, out = 0;
			struct pair p;
			int size = (int)sizes[s];

			pair_init(&p, sizes[s], starts[f]);
			for (unsigned int round = 0; round < 300; round++) {
				assert_int_equal(zring_peek(&p.consumer, 1), 0);
				assert_int_equal(zring_reserve(&p.producer, sizes[s]), size);
				put(&p, sizes[s], &in);
				assert_int_equal(zring_reserve(&p.producer, 1), 0);
				assert_int_equal(zring_peek(&p.consumer, 1), size);
				get(&p, sizes[s], &out);
				assert_int_equal(zring_peek(&p.consumer, 1), 0);
			}
			assert_int_equal(p.tail, starts[f] + 300 * sizes[s]);
			assert_int_equal(p.head, p.tail);
		}
	}
}

static void
test_any_mixture(void **state)
{
	uint64_t seed = 10;

	(void)state;
	for (size_t f = 0; f < TEST_NR(starts); f++) {
		uint64_t in = 0, out = 0;
		struct pair p;

		pair_init(&p, 8, starts[f]);
		for (unsigned int round = 0; round < 10000; round++) {
			int room = zring_reserve(&p.producer, 8);
			int held;

			assert_int_equal(room, 8 - (int)(in - out));
			put(&p, (uint32_t)(test_random(&seed) % ((unsigned int)room + 1)), &in);
			zring_prefetch(&p.consumer, WORDS);
			held = zring_peek(&p.consumer, 8);
			assert_int_equal(held, (int)(in - out));
			get(&p, (uint32_t)(test_random(&seed) % ((unsigned int)held + 1)), &out);
		}
	}
}

/* The peer's index is looked at only when what is known does not suffice. */
static void
test_reads_the_peer_lazily(void **state)
{
	uint64_t in = 0;
	struct pair p;

	(void)state;
	pair_init(&p, 8, 0);
	put(&p, 4, &in);
	assert_int_equal(zring_peek(&p.consumer, 1), 4);
	p.tail = 6;
	assert_int_equal(zring_peek(&p.consumer, 4), 4);
	assert_int_equal(zring_peek(&p.consumer, 5), 6);
	p.head = 999;
	assert_int_equal(zring_reserve(&p.producer, 4), 4);
	assert_int_equal(zring_reserve(&p.producer, 5), -EPROTO);
}

static void
test_impossible_head(void **state)
{
	(void)state;
	for (size_t s = 0; s < TEST_NR(sizes); s++) {
		for (size_t f = 0; f < TEST_NR(starts); f++) {
			uint32_t size = sizes[s], own = starts[f] + size;
			const uint32_t bad[] = {own + 1, own - size - 1, own + size,
			                        own + 0x80000000u, own - 2 * size - 1};
			uint64_t in = 0;
			struct pair p;

			pair_init(&p, size, starts[f]);
			put(&p, size, &in);
			for (size_t i = 0; i < TEST_NR(bad); i++) {
				p.head = bad[i];
				assert_int_equal(zring_reserve(&p.producer, 1), -EPROTO);
				assert_int_equal(p.producer.peer, starts[f]);
			}
			/* Every head that can be gives the room it says. */
			for (uint32_t taken = 0; taken <= size; taken++) {
				p.head = starts[f] + taken;
				assert_int_equal(zring_reserve(&p.producer, size + 1), taken);
			}
		}
	}
}

static void
test_impossible_tail(void **state)
{
	(void)state;
	for (size_t s = 0; s < TEST_NR(sizes); s++) {
		for (size_t f = 0; f < TEST_NR(starts); f++) {
			uint32_t size = sizes[s], own = starts[f];
			const uint32_t bad[] = {own - 1, own + size + 1, own + 2 * size + 1,
			                        own + 0x80000000u, own - size};
			struct pair p;

			pair_init(&p, size, own);
			for (size_t i = 0; i < TEST_NR(bad); i++) {
				p.tail = bad[i];
				assert_int_equal(zring_peek(&p.consumer, 1), -EPROTO);
				assert_int_equal(p.consumer.peer, own);
			}
			for (uint32_t held = 0; held <= size; held++) {
				p.tail = own + held;
				assert_int_equal(zring_peek(&p.consumer, size + 1), held);
			}
		}
	}
}

/* An index that goes back, but not too far, hurts its writer only. */
static void
test_index_that_goes_back(void **state)
{
	uint64_t in = 0;
	struct pair p;

	(void)state;
	pair_init(&p, 8, 0);
	put(&p, 8, &in);
	p.head = 5;
	assert_int_equal(zring_reserve(&p.producer, 8), 5);
	p.head = 2;
	assert_int_equal(zring_reserve(&p.producer, 8), 2);
	assert_int_equal(zring_peek(&p.consumer, 8), 8);
	p.tail = 3;
	assert_int_equal(zring_peek(&p.consumer, 9), 3);
}

/* Two threads. What goes wrong is counted and asserted by the main one. Where other programs hold
 * the CPUs, each turn costs a time slice: then fewer entries go through, but no more turns. */

#define ENTRIES    (2000000u / TEST_SLOW)
#define YIELDS_MAX 200u
#define PAUSES_MAX 1000u

struct stress {
	struct pair pair;
	uint32_t done;
	uint32_t yields;
	uint64_t produced;
	uint64_t consumed;
	uint64_t wrong;
};

/* @return how many entries to write or read in one go, 0 when there were none for a while */
static uint32_t
some(struct zring *r, int (*look)(struct zring *, uint32_t), uint64_t *seed, uint64_t *wrong)
{
	uint32_t want = (uint32_t)(test_random(seed) % r->size) + 1;

	for (uint32_t pauses = 0; pauses < PAUSES_MAX; pauses++) {
		int there = look(r, want);

		if (there < 0)
			(*wrong)++;
		if (there > 0)
			return want < (uint32_t)there ? want : (uint32_t)there;
		zc_pause();
	}
	sched_yield();
	return 0;
}

static void *
produce(void *arg)
{
	struct stress *s = (struct stress *)arg;
	uint64_t seed = 11, wrong = 0;

	while (s->produced < ENTRIES && s->yields < YIELDS_MAX && wrong == 0) {
		uint32_t nr = some(&s->pair.producer, zring_reserve, &seed, &wrong);

		put(&s->pair, nr, &s->produced);
		s->yields += nr == 0 ? 1 : 0;
	}
	zc_add_relaxed(&s->wrong, wrong);
	/* Pairs with the load in consume(). */
	zc_store_release(&s->done, 1);
	return NULL;
}

static void
consume(struct stress *s)
{
	uint64_t seed = 12, wrong = 0;
	uint32_t done, nr;

	do {
		/* Pairs with the store in produce(). */
		done = zc_load_acquire(&s->done);
		nr = some(&s->pair.consumer, zring_peek, &seed, &wrong);
		for (uint32_t i = 0; i < nr; i++) {
			uint64_t words[WORDS];

			zring_read(&s->pair.consumer, i, words, WORDS);
			wrong += *buf_of(&s->pair, s->consumed) == s->consumed ? 0 : 1;
			wrong += is_stamp(words, s->consumed++) ? 0 : 1;
		}
		zring_release(&s->pair.consumer, nr);
	} while (done == 0 || nr > 0);
	zc_add_relaxed(&s->wrong, wrong);
}

static void
test_two_threads(void **state)
{
	static struct stress s;

	(void)state;
	for (size_t i = 0; i < TEST_NR(sizes); i++) {
		pthread_t producer;

		memset(&s, 0, sizeof(s));
		pair_init(&s.pair, sizes[i], UINT32_MAX - 100);
		assert_int_equal(pthread_create(&producer, NULL, produce, &s), 0);
		consume(&s);
		pthread_join(producer, NULL);
		assert_int_equal(s.wrong, 0);
		assert_true(s.produced > 0);
		assert_int_equal(s.consumed, s.produced);
		assert_int_equal(zring_peek(&s.pair.consumer, 1), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_init),
	        cmocka_unit_test(test_fill_and_drain),
	        cmocka_unit_test(test_any_mixture),
	        cmocka_unit_test(test_reads_the_peer_lazily),
	        cmocka_unit_test(test_impossible_head),
	        cmocka_unit_test(test_impossible_tail),
	        cmocka_unit_test(test_index_that_goes_back),
	        cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
