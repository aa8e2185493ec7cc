/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Checks of what a peer sent. Pure functions on private copies; any thread. */

#include "ipc/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct zwire_queue_layout
zwire_queue_layout(uint32_t depth, uint32_t page_size)
{
	struct zwire_queue_layout l;
	uint32_t entries_end;

	l.sqes_off = (uint32_t)sizeof(struct zwire_queue_head);
	l.cqes_off = l.sqes_off + depth * (uint32_t)sizeof(struct zwire_sqe);
	entries_end = l.cqes_off + depth * (uint32_t)sizeof(struct zwire_cqe);
	l.bufs_off = (entries_end + 4095u) & ~4095u;
	l.len = (l.bufs_off + (uint64_t)depth * page_size + 4095u) & ~(uint64_t)4095;
	return l;
}

/* Whether any disk could take it; whether this one does, only the service knows. */
static bool
precomp_arg_valid(uint64_t arg)
{
	uint32_t len = zwire_precomp_len(arg);

	return len > 0 && len <= ZWIRE_OBJ_LEN_MAX &&
	       arg == zwire_precomp_arg(len, zwire_precomp_prio(arg));
}

int
zwire_sqe_check(const struct zwire_sqe *sqe, uint32_t depth, uint64_t pages)
{
	if (sqe->flags != 0 || sqe->reserved != 0 || sqe->buf >= depth)
		return -EPROTO;
	switch (sqe->opcode) {
	case ZWIRE_OP_STORE:
		/* What means nothing yet must be 0, so that it can mean something later. */
		if (sqe->arg != 0)
			return -EPROTO;
		return sqe->page < pages ? 0 : -ERANGE;
	case ZWIRE_OP_STORE_SAME:
		return sqe->page < pages ? 0 : -ERANGE;
	case ZWIRE_OP_DISCARD:
		if (sqe->arg == 0)
			return -EINVAL;
		return sqe->page < pages && sqe->arg <= pages - sqe->page ? 0 : -ERANGE;
	case ZWIRE_OP_STORE_PRECOMP:
		if (!precomp_arg_valid(sqe->arg))
			return -EPROTO;
		return sqe->page < pages ? 0 : -ERANGE;
	case ZWIRE_OP_STORE_RANGE:
	case ZWIRE_OP_LOAD:
		return -EOPNOTSUPP;
	default:
		return -EPROTO;
	}
}

int
zwire_request_check(const void *msg, size_t len)
{
	static const size_t lens[] = {
	        [ZWIRE_HELLO] = sizeof(struct zwire_hello),
	        [ZWIRE_DISK_OPEN] = sizeof(struct zwire_disk_open),
	        [ZWIRE_DISK_CLOSE] = sizeof(struct zwire_disk_close),
	        [ZWIRE_QUEUE_CREATE] = sizeof(struct zwire_queue_create),
	};
	const struct zwire_hdr *hdr = (const struct zwire_hdr *)msg;

	if (len < sizeof(*hdr) || hdr->len != len || hdr->error != 0 || hdr->reserved != 0 ||
	    hdr->reserved2 != 0)
		return -EPROTO;
	if (hdr->type == ZWIRE_ADMIN)
		return 0;
	if (hdr->type == 0 || hdr->type >= sizeof(lens) / sizeof(lens[0]) || len != lens[hdr->type])
		return -EPROTO;
	if (hdr->type == ZWIRE_DISK_OPEN) {
		const struct zwire_disk_open *open = (const struct zwire_disk_open *)msg;

		return memchr(open->name, '\0', sizeof(open->name)) != NULL ? 0 : -EPROTO;
	}
	return 0;
}

int
zwire_queue_flags_read(uint32_t flags, int *node)
{
	*node = -1;
	if (flags == 0)
		return 0;
	*node = (int)(flags >> ZWIRE_QUEUE_NODE_SHIFT);
	return flags == zwire_queue_flags((unsigned int)*node) ? 0 : -EOPNOTSUPP;
}

int
zwire_negotiate(uint32_t version_min, uint32_t version_max)
{
	uint32_t version = version_max < ZWIRE_VERSION_MAX ? version_max : ZWIRE_VERSION_MAX;

	if (version_min > version_max || version < version_min || version < ZWIRE_VERSION_MIN)
		return -EPROTO;
	return (int)version;
}
