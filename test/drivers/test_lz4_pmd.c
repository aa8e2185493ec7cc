/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The LZ4 driver's control operations and queues: xforms, back-pressure, statistics, stop and
 * start, several queue pairs and threads, the engines: asleep, awake and together.
 *
 * Argument: the mode, and more device arguments behind a comma.
 */

#include "comp_env.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lz4.h>

#include <rte_malloc.h>
#include <rte_pause.h>

#define BLOCK_ROOM LZ4_COMPRESSBOUND(TEST_PAGE)

/* As many engines as the device has, by its arguments. */
static unsigned int
engines_nr(void)
{
	const char *given = strstr(env.mode, "engines=");

	if (strncmp(env.mode, "thread", strlen("thread")) != 0)
		return 0;
	return given == NULL ? 1 : (unsigned int)atoi(given + strlen("engines="));
}

/* Operations that all compress one page, each to an mbuf of its own, around one source. */
struct batch {
	uint8_t page[TEST_PAGE];
	char block[BLOCK_ROOM];
	uint32_t len; /* of block */
	struct rte_mbuf src;
	struct rte_mbuf *dst;
	uint8_t *out;
	struct rte_comp_op **ops;
	unsigned int nr;
};

static void
batch_init(struct batch *b, unsigned int nr)
{
	test_fill(b->page, sizeof(b->page), 0);
	b->len = (uint32_t)LZ4_compress_default((const char *)b->page, b->block, sizeof(b->page),
	                                        sizeof(b->block));
	test_raw_mbuf(&b->src, b->page, sizeof(b->page));
	b->nr = nr;
	b->dst = calloc(nr, sizeof(*b->dst));
	b->out = calloc(nr, BLOCK_ROOM);
	b->ops = calloc(nr, sizeof(struct rte_comp_op *));
	assert_non_null(b->dst);
	assert_non_null(b->out);
	assert_non_null(b->ops);
	for (unsigned int i = 0; i < nr; i++) {
		test_raw_mbuf(&b->dst[i], b->out + (size_t)i * BLOCK_ROOM, BLOCK_ROOM);
		b->ops[i] = test_op(env.compress, &b->src, &b->dst[i]);
	}
}

/* The operations that are given are done and right; forget their results. */
static void
batch_check(const struct batch *b, struct rte_comp_op **ops, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		test_result_is(ops[i], b->block, b->len);
		memset(ops[i]->m_dst->buf_addr, 0, b->len);
		ops[i]->status = RTE_COMP_OP_STATUS_NOT_PROCESSED;
		ops[i]->produced = 0;
	}
}

static void
batch_fini(struct batch *b)
{
	for (unsigned int i = 0; i < b->nr; i++)
		test_op_free(b->ops[i]);
	free(b->ops);
	free(b->out);
	free(b->dst);
}

static void
device_info(void **state)
{
	const struct rte_compressdev_capabilities *cap;
	struct rte_compressdev_info info;

	(void)state;
	rte_compressdev_info_get(env.dev, &info);
	assert_string_equal(info.driver_name, "compress_lz4");
	assert_int_equal(info.max_nb_queue_pairs, 64);
	cap = rte_compressdev_capability_get(env.dev, RTE_COMP_ALGO_LZ4);
	assert_non_null(cap);
	assert_true((cap->comp_feature_flags & RTE_COMP_FF_SHAREABLE_PRIV_XFORM) != 0);
	assert_true((cap->comp_feature_flags & RTE_COMP_FF_OOP_SGL_IN_SGL_OUT) != 0);
	assert_int_equal(cap->window_size.min, TEST_WINDOW);
	assert_int_equal(cap->window_size.max, TEST_WINDOW);
	assert_null(rte_compressdev_capability_get(env.dev, RTE_COMP_ALGO_DEFLATE));
}

static void
xform_refused(struct rte_comp_xform xform, int error)
{
	void *handle = NULL;

	assert_int_equal(rte_compressdev_private_xform_create(env.dev, &xform, &handle), error);
	assert_null(handle);
}

#define REFUSED_WITH(good, field, value)            \
	do {                                        \
		struct rte_comp_xform bad = (good); \
		bad.field = (value);                \
		xform_refused(bad, -ENOTSUP);       \
	} while (0)

static void
invalid_xform(void **state)
{
	static const int levels[] = {RTE_COMP_LEVEL_NONE, -2, 65538, INT32_MIN, INT32_MAX};
	const struct rte_comp_xform c = test_xform(RTE_COMP_COMPRESS, 1);
	const struct rte_comp_xform d = test_xform(RTE_COMP_DECOMPRESS, 0);
	struct rte_comp_xform x = c;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(levels); i++)
		xform_refused(test_xform(RTE_COMP_COMPRESS, levels[i]), -ENOTSUP);
	x.type = 7;
	xform_refused(x, -EINVAL);
	REFUSED_WITH(c, compress.algo, RTE_COMP_ALGO_DEFLATE);
	REFUSED_WITH(c, compress.hash_algo, RTE_COMP_HASH_ALGO_SHA1);
	REFUSED_WITH(c, compress.window_size, TEST_WINDOW - 1);
	REFUSED_WITH(d, decompress.algo, RTE_COMP_ALGO_LZS);
	REFUSED_WITH(d, decompress.hash_algo, RTE_COMP_HASH_ALGO_SHA2_256);
	REFUSED_WITH(d, decompress.window_size, TEST_WINDOW + 1);
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
	REFUSED_WITH(c, compress.lz4.flags, RTE_COMP_LZ4_FLAG_CONTENT_SIZE);
	REFUSED_WITH(d, decompress.lz4.flags, RTE_COMP_LZ4_FLAG_DICT_ID);
#endif
}

/* What every block of this driver is may be asked for. */
static void
block_independence(void **state)
{
	(void)state;
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
	struct rte_comp_xform xform = test_xform(RTE_COMP_COMPRESS, 1);
	void *handle = NULL;

	xform.compress.lz4.flags = RTE_COMP_LZ4_FLAG_BLOCK_INDEPENDENCE;
	assert_int_equal(rte_compressdev_private_xform_create(env.dev, &xform, &handle), 0);
	test_xform_free(handle);
#else
	skip();
#endif
}

/* The queue takes as many as were asked for, then a prefix of what it is offered, then none. */
static void
queue_full(uint32_t depth)
{
	struct batch b;
	struct rte_comp_op **back, *refused[4];
	uint16_t got;

	test_env_queues(1, depth);
	batch_init(&b, depth + RTE_DIM(refused));
	back = calloc(b.nr, sizeof(struct rte_comp_op *));
	assert_non_null(back);
	for (unsigned int i = 0; i < b.nr; i++)
		b.ops[i]->status = RTE_COMP_OP_STATUS_ERROR;

	test_enqueue_all(0, b.ops, depth - 1);
	memcpy(refused, &b.ops[depth], sizeof(refused));
	got = rte_compressdev_enqueue_burst(env.dev, 0, &b.ops[depth - 1], 1 + RTE_DIM(refused));
	assert_int_equal(got, 1);
	for (unsigned int i = 0; i < RTE_DIM(refused); i++) {
		assert_ptr_equal(b.ops[depth + i], refused[i]);
		assert_int_equal(refused[i]->status, RTE_COMP_OP_STATUS_NOT_PROCESSED);
	}
	assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, refused, 1), 0);

	/* One out, one in. */
	test_dequeue_all(0, back, 1);
	batch_check(&b, back, 1);
	assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, refused, 2), 1);
	test_dequeue_all(0, back, depth);
	batch_check(&b, back, depth);
	assert_int_equal(rte_compressdev_dequeue_burst(env.dev, 0, back, 1), 0);
	free(back);
	batch_fini(&b);
}

static void
burst_prefix_when_full(void **state)
{
	static const uint32_t depths[] = {1, 2, 3, 31, 100, 256, 4096};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(depths); i++)
		queue_full(depths[i]);
	test_env_queues(1, TEST_DEPTH);
}

/* Counters wrap around the array many times, at every fill level. */
static void
queue_wraps(void **state)
{
	struct batch b;
	struct rte_comp_op *back[7];

	(void)state;
	test_env_queues(1, 7);
	batch_init(&b, 7);
	for (unsigned int round = 0; round < 50; round++) {
		unsigned int nr = round % 7 + 1;

		test_enqueue_all(0, b.ops, nr);
		test_dequeue_all(0, back, nr);
		batch_check(&b, back, nr);
	}
	batch_fini(&b);
	test_env_queues(1, TEST_DEPTH);
}

static void
stats_are(uint64_t enqueued, uint64_t dequeued, uint64_t enqueue_err, uint64_t dequeue_err)
{
	struct rte_compressdev_stats stats;

	assert_int_equal(rte_compressdev_stats_get(env.dev, &stats), 0);
	assert_int_equal(stats.enqueued_count, enqueued);
	assert_int_equal(stats.dequeued_count, dequeued);
	assert_int_equal(stats.enqueue_err_count, enqueue_err);
	assert_int_equal(stats.dequeue_err_count, dequeue_err);
}

static void
device_stats(void **state)
{
	struct batch b;
	struct rte_comp_op *back[10];

	(void)state;
	test_env_queues(3, TEST_DEPTH);
	batch_init(&b, 10);
	stats_are(0, 0, 0, 0);
	test_enqueue_all(0, b.ops, 4);
	b.ops[5]->private_xform = NULL;
	test_enqueue_all(2, &b.ops[4], 6);
	stats_are(10, 0, 0, 0);
	test_dequeue_all(0, back, 4);
	test_dequeue_all(2, &back[4], 4);
	stats_are(10, 8, 0, 1);
	rte_compressdev_stats_reset(env.dev);
	stats_are(0, 0, 0, 0);
	test_dequeue_all(2, back, 2);
	stats_are(0, 2, 0, 0);

	rte_compressdev_stop(env.dev);
	assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 1, b.ops, 3), 0);
	assert_int_equal(b.ops[0]->status, RTE_COMP_OP_STATUS_NOT_PROCESSED);
	stats_are(0, 2, 3, 0);
	assert_int_equal(rte_compressdev_start(env.dev), 0);
	stats_are(0, 2, 3, 0);
	batch_fini(&b);
	test_env_queues(1, TEST_DEPTH);
}

/* A stop completes what was accepted; what is done can be had then, and after a start. */
static void
stop_and_start(void **state)
{
	struct batch b;
	struct rte_comp_op *back[TEST_DEPTH];

	(void)state;
	batch_init(&b, TEST_DEPTH);
	for (int round = 0; round < 10; round++) {
		test_enqueue_all(0, b.ops, b.nr);
		rte_compressdev_stop(env.dev);
		assert_int_equal(rte_compressdev_dequeue_burst(env.dev, 0, back, 100), 100);
		batch_check(&b, back, 100);
		assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, back, 100), 0);
		assert_int_equal(rte_compressdev_start(env.dev), 0);
		test_enqueue_all(0, back, 50);
		test_dequeue_all(0, back, b.nr - 50);
		batch_check(&b, back, b.nr - 50);
	}
	batch_fini(&b);
}

/* Queue pairs go away with operations that nobody has dequeued. */
static void
release_in_flight(void **state)
{
	struct batch b;
	struct rte_comp_op *back[100];

	(void)state;
	batch_init(&b, 100);
	for (int round = 0; round < 10; round++) {
		test_env_queues(2, 100);
		test_enqueue_all(0, b.ops, 60);
		test_enqueue_all(1, &b.ops[60], 40);
		/* One goes with the smaller number, one by its new set-up. */
		test_env_queues(1, 100);
		assert_int_equal(rte_compressdev_dequeue_burst(env.dev, 0, back, 100), 0);
	}
	/* And by the close. */
	test_enqueue_all(0, b.ops, 100);
	rte_compressdev_stop(env.dev);
	assert_int_equal(rte_compressdev_close(env.dev), 0);
	assert_int_equal(rte_compressdev_start(env.dev), -EINVAL);
	for (unsigned int i = 0; i < b.nr; i++)
		test_result_is(b.ops[i], b.block, b.len);
	batch_fini(&b);
	test_env_queues(1, TEST_DEPTH);
}

/* One enqueuing and one dequeuing thread for each of these. */
struct flow {
	uint16_t qp;
	unsigned int rounds;
	struct batch batch;
};

static void *
flow_enqueue(void *arg)
{
	struct flow *f = arg;

	for (unsigned int i = 0; i < f->rounds * f->batch.nr;) {
		unsigned int at = i % f->batch.nr;
		uint16_t burst = (uint16_t)RTE_MIN(5u, f->batch.nr - at);
		uint16_t got;

		got = rte_compressdev_enqueue_burst(env.dev, f->qp, &f->batch.ops[at], burst);
		if (got == 0)
			sched_yield();
		i += got;
	}
	return NULL;
}

/* @return NULL, or the flow if an operation was wrong: cmocka is for the main thread only. */
static void *
flow_dequeue(void *arg)
{
	struct flow *f = arg;
	struct rte_comp_op *ops[8];
	void *ret = NULL;

	for (unsigned int i = 0; i < f->rounds * f->batch.nr;) {
		uint16_t got = rte_compressdev_dequeue_burst(env.dev, f->qp, ops, RTE_DIM(ops));

		if (got == 0)
			sched_yield();
		for (uint16_t j = 0; j < got; j++) {
			if (ops[j]->status != RTE_COMP_OP_STATUS_SUCCESS ||
			    ops[j] != f->batch.ops[(i + j) % f->batch.nr] ||
			    ops[j]->produced != f->batch.len)
				ret = f;
		}
		i += got;
	}
	return ret;
}

static void
several_queue_pairs(void **state)
{
	enum { NR = 3, ROUNDS = 10 };
	struct flow flows[NR];
	pthread_t in[NR], out[NR];

	(void)state;
	test_env_queues(NR, 10);
	for (uint16_t i = 0; i < NR; i++) {
		flows[i].qp = i;
		flows[i].rounds = ROUNDS;
		/* More than fit, so that the enqueuing thread also meets a full queue. An
		 * operation that is still in flight is not there to be enqueued again: the
		 * array is longer than the queue. */
		batch_init(&flows[i].batch, 25);
	}
	for (uint16_t i = 0; i < NR; i++) {
		assert_int_equal(pthread_create(&in[i], NULL, flow_enqueue, &flows[i]), 0);
		assert_int_equal(pthread_create(&out[i], NULL, flow_dequeue, &flows[i]), 0);
	}
	for (uint16_t i = 0; i < NR; i++) {
		void *ret;

		assert_int_equal(pthread_join(in[i], NULL), 0);
		assert_int_equal(pthread_join(out[i], &ret), 0);
		assert_null(ret);
		batch_check(&flows[i].batch, flows[i].batch.ops, flows[i].batch.nr);
		batch_fini(&flows[i].batch);
	}
	stats_are(NR * ROUNDS * 25, NR * ROUNDS * 25, 0, 0);
	test_env_queues(1, TEST_DEPTH);
}

static void
max_queue_pairs(void **state)
{
	struct batch b;

	(void)state;
	test_env_queues(64, 16);
	batch_init(&b, 64);
	for (uint16_t i = 0; i < 64; i++)
		test_enqueue_all(i, &b.ops[i], 1);
	for (uint16_t i = 0; i < 64; i++) {
		struct rte_comp_op *back;

		test_dequeue_all(i, &back, 1);
		assert_ptr_equal(back, b.ops[i]);
		batch_check(&b, &back, 1);
	}
	batch_fini(&b);
	test_env_queues(1, TEST_DEPTH);
}

/* How many engine threads are in this state, as in /proc/PID/stat; 0: in any. */
static unsigned int
engines_in(char wanted)
{
	char prefix[32], path[64], line[128];
	unsigned int found = 0;
	DIR *dir = opendir("/proc/self/task");
	struct dirent *ent;

	assert_non_null(dir);
	snprintf(prefix, sizeof(prefix), "(lz4-%u-eng", env.dev);
	while ((ent = readdir(dir)) != NULL) {
		const char *name;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%.16s/stat", ent->d_name);
		f = fopen(path, "r");
		if (f == NULL)
			continue;
		name = fgets(line, sizeof(line), f) == NULL ? NULL : strstr(line, prefix);
		if (name != NULL)
			name = strstr(name, ") ");
		if (name != NULL && (wanted == 0 || name[2] == wanted))
			found++;
		fclose(f);
	}
	closedir(dir);
	return found;
}

/* A stopped device has no threads, those of an idle one sleep, and each enqueue wakes one. */
static void
engines_sleep(void **state)
{
	struct batch b;
	struct rte_comp_op *back;

	(void)state;
	if (engines_nr() == 0) {
		assert_int_equal(engines_in(0), 0);
		skip();
	}
	rte_compressdev_stop(env.dev);
	assert_int_equal(engines_in(0), 0);
	assert_int_equal(rte_compressdev_start(env.dev), 0);
	batch_init(&b, 1);
	for (int i = 0; i < 20; i++) {
		while (engines_in('S') != engines_nr())
			sched_yield();
		test_enqueue_all(0, b.ops, 1);
		test_dequeue_all(0, &back, 1);
		batch_check(&b, &back, 1);
	}
	assert_int_equal(engines_in(0), engines_nr());
	batch_fini(&b);
}

/*
 * Sources that hold up who reads them: the signal handler of a forbidden page tells that somebody
 * came and lets him go on when it is told.
 */
static struct hold {
	uint8_t *pages;
	size_t len;
	int came[2];
	int go[2];
	struct sigaction old;
} hold;

static void
hold_up(int sig, siginfo_t *info, void *context)
{
	const uintptr_t at = (uintptr_t)info->si_addr - (uintptr_t)hold.pages;
	char token = 0;

	(void)context;
	/* The access is repeated after the return, then without this handler. */
	if (at >= hold.len || write(hold.came[1], &token, 1) != 1 ||
	    read(hold.go[0], &token, 1) != 1)
		sigaction(sig, &hold.old, NULL);
}

static void
hold_init(unsigned int nr)
{
	struct sigaction action = {.sa_sigaction = hold_up, .sa_flags = SA_SIGINFO};

	hold.len = (size_t)nr * TEST_PAGE;
	hold.pages = mmap(NULL, hold.len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(hold.pages, MAP_FAILED);
	assert_int_equal(pipe(hold.came), 0);
	assert_int_equal(pipe(hold.go), 0);
	assert_int_equal(sigaction(SIGSEGV, &action, &hold.old), 0);
}

/* Wait until so many are held up. */
static void
hold_await(unsigned int nr)
{
	char token;

	while (nr-- != 0)
		assert_int_equal(read(hold.came[0], &token, 1), 1);
}

/* Let so many go on. The pages hold zeros. */
static void
hold_release(unsigned int nr)
{
	const char token = 0;

	assert_int_equal(mprotect(hold.pages, hold.len, PROT_READ), 0);
	while (nr-- != 0)
		assert_int_equal(write(hold.go[1], &token, 1), 1);
}

static void
hold_fini(void)
{
	assert_int_equal(sigaction(SIGSEGV, &hold.old, NULL), 0);
	assert_int_equal(munmap(hold.pages, hold.len), 0);
	for (unsigned int i = 0; i < 2; i++) {
		close(hold.came[i]);
		close(hold.go[i]);
	}
}

/* All engines work on one queue pair at the same time, woken by one enqueue of as many operations.
 */
static void
engines_share_a_queue_pair(void **state)
{
	const unsigned int nr = engines_nr();
	struct rte_mbuf src[64];
	struct rte_comp_op *back[64];
	struct batch b;

	(void)state;
	if (nr == 0)
		skip();
	assert_true(nr <= RTE_DIM(src));
	batch_init(&b, nr);
	hold_init(nr);
	for (unsigned int i = 0; i < nr; i++) {
		test_raw_mbuf(&src[i], hold.pages + (size_t)i * TEST_PAGE, TEST_PAGE);
		b.ops[i]->m_src = &src[i];
	}
	while (engines_in('S') != nr)
		sched_yield();
	assert_int_equal(rte_compressdev_enqueue_burst(env.dev, 0, b.ops, (uint16_t)nr), nr);
	hold_await(nr);
	assert_int_equal(rte_compressdev_dequeue_burst(env.dev, 0, back, 1), 0);
	hold_release(nr);
	test_dequeue_all(0, back, nr);
	for (unsigned int i = 0; i < nr; i++) {
		assert_ptr_equal(back[i], b.ops[i]);
		assert_int_equal(back[i]->status, RTE_COMP_OP_STATUS_SUCCESS);
	}
	hold_fini();
	batch_fini(&b);
}

/* A batch of which the first operation is held up, or the first and the last. */
struct held_batch {
	struct batch b;
	struct rte_mbuf src[2];
	struct rte_comp_op *back[100];
};

/* Enqueue the batch and wait until those are held up. */
static void
held_batch_enqueue(struct held_batch *h, unsigned int nr_held)
{
	const unsigned int nr = RTE_DIM(h->back);

	batch_init(&h->b, nr);
	hold_init(nr_held);
	for (unsigned int i = 0; i < nr_held; i++) {
		test_raw_mbuf(&h->src[i], hold.pages + (size_t)i * TEST_PAGE, TEST_PAGE);
		h->b.ops[i * (nr - 1)]->m_src = &h->src[i];
	}
	test_enqueue_all(0, h->b.ops, nr);
	hold_await(nr_held);
}

/* All of it has come back in order, and what was not held up is right. */
static void
held_batch_check(struct held_batch *h, unsigned int nr_held)
{
	const unsigned int nr = RTE_DIM(h->back);

	for (unsigned int i = 0; i < nr; i++)
		assert_ptr_equal(h->back[i], h->b.ops[i]);
	batch_check(&h->b, &h->back[1], nr - nr_held);
	hold_fini();
	batch_fini(&h->b);
}

/*
 * The first operation is held up, and another engine, which has got to the last one, has done what
 * lies between: that waits for the first. With more than two engines some of it may not be done.
 */
static void
engines_keep_the_order(void **state)
{
	struct held_batch h;

	(void)state;
	if (engines_nr() < 2)
		skip();
	held_batch_enqueue(&h, 2);
	assert_int_equal(rte_compressdev_dequeue_burst(env.dev, 0, h.back, RTE_DIM(h.back)), 0);
	hold_release(2);
	test_dequeue_all(0, h.back, RTE_DIM(h.back));
	held_batch_check(&h, 2);
}

static void *
stop_device(void *arg)
{
	rte_compressdev_stop(env.dev);
	return arg;
}

/* A stop waits for an engine that is held up, and for what nobody has begun. */
static void
engines_stop_after_work(void **state)
{
	struct held_batch h;
	pthread_t stopper;

	(void)state;
	if (engines_nr() == 0)
		skip();
	held_batch_enqueue(&h, 1);
	assert_int_equal(pthread_create(&stopper, NULL, stop_device, NULL), 0);
	/* The others, if there are any, have nothing left to do then. */
	while (engines_in(0) != 1)
		sched_yield();
	hold_release(1);
	assert_int_equal(pthread_join(stopper, NULL), 0);
	assert_int_equal(engines_in(0), 0);
	assert_int_equal(rte_compressdev_dequeue_burst(env.dev, 0, h.back, RTE_DIM(h.back)),
	                 RTE_DIM(h.back));
	held_batch_check(&h, 1);
	assert_int_equal(rte_compressdev_start(env.dev), 0);
}

struct piece {
	struct piece *next;
};

/* All pieces of this size that EAL's heap still has. */
static struct piece *
heap_take(size_t len, struct piece *list)
{
	struct piece *piece;

	while ((piece = rte_malloc(NULL, len, 0)) != NULL) {
		piece->next = list;
		list = piece;
	}
	return list;
}

static struct piece *
heap_give(struct piece *list, unsigned int nr)
{
	for (; list != NULL && nr != 0; nr--) {
		struct piece *next = list->next;

		rte_free(list);
		list = next;
	}
	return list;
}

/* Queue pairs and engines bring memory of their own; without it nothing changes. */
static void
no_memory(void **state)
{
	struct piece *large, *small;
	struct batch b;
	struct rte_comp_op *back;

	(void)state;
	batch_init(&b, 1);
	rte_compressdev_stop(env.dev);
	/* One engine needs more than half of a large piece. */
	large = heap_take(256 * 1024, NULL);
	small = heap_take(64, heap_take(1024, heap_take(16 * 1024, NULL)));
	assert_non_null(large);
	assert_int_equal(rte_compressdev_queue_pair_setup(env.dev, 0, 64, SOCKET_ID_ANY), -ENOMEM);
	assert_int_equal(rte_compressdev_start(env.dev), engines_nr() == 0 ? 0 : -ENOMEM);
	rte_compressdev_stop(env.dev);
	large = heap_give(large, 1);
	assert_int_equal(rte_compressdev_start(env.dev), engines_nr() < 2 ? 0 : -ENOMEM);
	rte_compressdev_stop(env.dev);
	assert_int_equal(engines_in(0), 0);
	heap_give(small, UINT_MAX);
	heap_give(large, UINT_MAX);
	assert_int_equal(rte_compressdev_start(env.dev), 0);
	test_enqueue_all(0, b.ops, 1);
	test_dequeue_all(0, &back, 1);
	batch_check(&b, &back, 1);
	batch_fini(&b);
}

/* Pauses around the time after which engines go to sleep: a lost wake-up would hang here. */
static void
engines_wake(void **state)
{
	struct batch b;
	struct rte_comp_op *back;

	(void)state;
	batch_init(&b, 1);
	for (unsigned int i = 0; i < 150; i++) {
		for (unsigned int pause = i * 37 % 4000; pause != 0; pause--)
			rte_pause();
		test_enqueue_all(0, b.ops, 1);
		test_dequeue_all(0, &back, 1);
		batch_check(&b, &back, 1);
	}
	batch_fini(&b);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(device_info),
	        cmocka_unit_test(invalid_xform),
	        cmocka_unit_test(block_independence),
	        cmocka_unit_test(burst_prefix_when_full),
	        cmocka_unit_test(queue_wraps),
	        cmocka_unit_test(device_stats),
	        cmocka_unit_test(stop_and_start),
	        cmocka_unit_test(release_in_flight),
	        cmocka_unit_test(several_queue_pairs),
	        cmocka_unit_test(max_queue_pairs),
	        cmocka_unit_test(engines_sleep),
	        cmocka_unit_test(engines_wake),
	        cmocka_unit_test(engines_share_a_queue_pair),
	        cmocka_unit_test(engines_keep_the_order),
	        cmocka_unit_test(engines_stop_after_work),
	        cmocka_unit_test(no_memory),
	};
	int failed;

	if (argc != 2) {
		fprintf(stderr, "usage: %s inline|thread[,engines=N]\n", argv[0]);
		return 2;
	}
	env.mode = argv[1];
	if (test_eal_start(NULL) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, test_env_setup, test_env_teardown);
	test_eal_stop();
	return failed;
}
