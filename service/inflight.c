/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A chained hash of the pages in flight. For each page the table holds only the newest operation;
 * older ones reach it by their successor links. The worker that owns the queue is the only user.
 */

#include "inflight.h"

#include <errno.h>
#include <stdlib.h>

int
zd_inflight_init(struct zd_inflight *t, uint32_t depth)
{
	uint32_t size = 2;

	while (size < 2 * depth)
		size *= 2;
	t->buckets = (struct zd_op **)calloc(size, sizeof(*t->buckets));
	t->mask = size - 1;
	return t->buckets != NULL ? 0 : -ENOMEM;
}

void
zd_inflight_fini(struct zd_inflight *t)
{
	free(t->buckets);
	t->buckets = NULL;
}

static struct zd_op **
bucket_of(struct zd_inflight *t, uint64_t page)
{
	/* Fibonacci hashing: neighbouring pages spread over the whole table. */
	return &t->buckets[(page * 0x9e3779b97f4a7c15ull >> 32) & t->mask];
}

bool
zd_inflight_add(struct zd_inflight *t, struct zd_op *op)
{
	struct zd_op **link = bucket_of(t, op->sqe.page);

	op->successor = NULL;
	for (; *link != NULL; link = &(*link)->bucket_next) {
		struct zd_op *newest = *link;

		if (newest->sqe.page != op->sqe.page)
			continue;
		newest->successor = op;
		op->bucket_next = newest->bucket_next;
		*link = op;
		return false;
	}
	op->bucket_next = NULL;
	*link = op;
	return true;
}

struct zd_op *
zd_inflight_del(struct zd_inflight *t, struct zd_op *op)
{
	struct zd_op **link;

	/* With a successor, a newer one stands in the table. */
	if (op->successor != NULL)
		return op->successor;
	for (link = bucket_of(t, op->sqe.page); *link != NULL; link = &(*link)->bucket_next) {
		if (*link == op) {
			*link = op->bucket_next;
			break;
		}
	}
	return NULL;
}
