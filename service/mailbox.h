/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_MAILBOX_H
#define ZD_MAILBOX_H

struct zd_queue;

/**
 * @file
 * How queues change hands between the main lcore and the workers: one mailbox for each worker,
 * where the main lcore puts new queues, and one of the main lcore's, where workers put those that
 * are gone. Any number of senders, one taker; no lock, no bound, nothing is lost.
 */
struct zd_mailbox {
	struct zd_queue *head; /**< stack, linked by zd_queue.mail_next */
	int fd;                /**< readable when there is a queue, or something else to look at */
};

/** @return 0 or -EMFILE */
int zd_mailbox_init(struct zd_mailbox *box);

/** Accepts one that zd_mailbox_init() refused. */
void zd_mailbox_fini(struct zd_mailbox *box);

/** Hands a queue over: the sender does not touch it again. Any thread. */
void zd_mailbox_put(struct zd_mailbox *box, struct zd_queue *q);

/** Wakes the taker to look at what is told in other ways. Any thread. */
void zd_mailbox_notify(struct zd_mailbox *box);

/** Takes all queues, linked by mail_next, and makes `fd` unreadable. The taker's thread. */
struct zd_queue *zd_mailbox_take(struct zd_mailbox *box);

#endif
