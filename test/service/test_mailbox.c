/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The mailbox: nothing is lost or doubled, and the taker is woken for all of it. */

#include "test_util.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "mailbox.h"
#include "queue.h"

#define SENDERS 4u
#define LETTERS (20000u / TEST_SLOW)

struct post {
	struct zd_mailbox *box;
	struct zd_queue *letters; /* LETTERS of them */
};

static bool
readable(const struct zd_mailbox *box, int ms)
{
	struct pollfd p = {box->fd, POLLIN, 0};

	return poll(&p, 1, ms) == 1;
}

static void
test_one_thread(void **state)
{
	struct zd_mailbox box;
	struct zd_queue a = {0}, b = {0};

	(void)state;
	assert_int_equal(zd_mailbox_init(&box), 0);
	assert_false(readable(&box, 0));
	assert_null(zd_mailbox_take(&box));
	zd_mailbox_put(&box, &a);
	zd_mailbox_put(&box, &b);
	assert_true(readable(&box, 0));
	assert_ptr_equal(zd_mailbox_take(&box), &b);
	assert_ptr_equal(b.mail_next, &a);
	assert_null(a.mail_next);
	assert_false(readable(&box, 0));
	zd_mailbox_notify(&box);
	zd_mailbox_notify(&box);
	assert_true(readable(&box, 0));
	assert_null(zd_mailbox_take(&box));
	assert_false(readable(&box, 0));
	zd_mailbox_fini(&box);
	zd_mailbox_fini(&box);
}

/* A counter at its end is readable, which is all that a notice has to achieve. */
static void
test_full_counter(void **state)
{
	uint64_t most = UINT64_MAX - 1;
	struct zd_mailbox box;
	struct zd_queue a = {0};

	(void)state;
	assert_int_equal(zd_mailbox_init(&box), 0);
	assert_int_equal(write(box.fd, &most, sizeof(most)), sizeof(most));
	zd_mailbox_put(&box, &a);
	assert_ptr_equal(zd_mailbox_take(&box), &a);
	assert_false(readable(&box, 0));
	zd_mailbox_fini(&box);
}

static void *
send_all(void *arg)
{
	struct post *post = (struct post *)arg;

	for (unsigned int i = 0; i < LETTERS; i++)
		zd_mailbox_put(post->box, &post->letters[i]);
	return NULL;
}

/* Each letter is marked by its depth: 1 sent, 2 taken. */
static unsigned int
take_all(struct zd_mailbox *box)
{
	unsigned int nr = 0;

	for (struct zd_queue *q = zd_mailbox_take(box), *next; q != NULL; q = next) {
		next = q->mail_next;
		assert_int_equal(q->depth, 1);
		q->depth = 2;
		nr++;
	}
	return nr;
}

static void
test_many_senders(void **state)
{
	struct post posts[SENDERS];
	pthread_t threads[SENDERS];
	struct zd_mailbox box;
	unsigned int nr = 0;

	(void)state;
	assert_int_equal(zd_mailbox_init(&box), 0);
	for (unsigned int i = 0; i < SENDERS; i++) {
		posts[i].box = &box;
		posts[i].letters = (struct zd_queue *)calloc(LETTERS, sizeof(struct zd_queue));
		assert_non_null(posts[i].letters);
		for (unsigned int j = 0; j < LETTERS; j++)
			posts[i].letters[j].depth = 1;
	}
	for (unsigned int i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_all, &posts[i]), 0);
	while (nr < SENDERS * LETTERS) {
		/* One that was put and not announced would be waited for in vain. */
		assert_true(readable(&box, 60000));
		nr += take_all(&box);
	}
	for (unsigned int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		free(posts[i].letters);
	}
	assert_int_equal(nr, SENDERS * LETTERS);
	assert_int_equal(take_all(&box), 0);
	zd_mailbox_fini(&box);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_one_thread),
	        cmocka_unit_test(test_full_counter),
	        cmocka_unit_test(test_many_senders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
