/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* A stack that senders push and the taker empties whole, and an eventfd that wakes it. */

#include "mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/atomic.h"
#include "queue.h"

int
zd_mailbox_init(struct zd_mailbox *box)
{
	box->head = NULL;
	box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return box->fd < 0 ? -errno : 0;
}

void
zd_mailbox_fini(struct zd_mailbox *box)
{
	if (box->fd >= 0)
		close(box->fd);
	box->fd = -1;
}

void
zd_mailbox_notify(struct zd_mailbox *box)
{
	uint64_t one = 1;

	/* The only failure is a full counter, and then the descriptor is readable anyway. */
	if (write(box->fd, &one, sizeof(one)) < 0)
		return;
}

void
zd_mailbox_put(struct zd_mailbox *box, struct zd_queue *q)
{
	q->mail_next = zc_load_relaxed(&box->head);
	/* Pairs with the exchange in zd_mailbox_take(). */
	while (!zc_cas_release(&box->head, &q->mail_next, q))
		;
	zd_mailbox_notify(box);
}

struct zd_queue *
zd_mailbox_take(struct zd_mailbox *box)
{
	uint64_t count;

	if (read(box->fd, &count, sizeof(count)) < 0)
		return NULL;
	/* Pairs with the release in zd_mailbox_put(). */
	return zc_xchg_acquire(&box->head, NULL);
}
