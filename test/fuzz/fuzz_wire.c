/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* What a client sends: an SQE, the versions it says it knows, a request, and a queue's flags. */

#include "fuzz.h"

#include <errno.h>

#include "ipc/wire.h"

static void
check_sqe(struct fuzz_input *in)
{
	uint32_t depth = 1u << fuzz_number(in, 1) % 13;
	uint64_t pages = fuzz_number(in, 8);
	struct zwire_sqe sqe;
	int ret;

	fuzz_take(in, &sqe, sizeof(sqe));
	ret = zwire_sqe_check(&sqe, depth, pages);
	FUZZ_CHECK(ret == 0 || ret == -EPROTO || ret == -EOPNOTSUPP || ret == -ERANGE ||
	           ret == -EINVAL);
	if (ret == -EPROTO)
		return;
	FUZZ_CHECK(sqe.buf < depth && sqe.flags == 0 && sqe.reserved == 0);
	if (ret != 0)
		return;
	FUZZ_CHECK(sqe.page < pages);
	switch (sqe.opcode) {
	case ZWIRE_OP_STORE:
	case ZWIRE_OP_STORE_SAME:
		break;
	case ZWIRE_OP_STORE_PRECOMP:
		FUZZ_CHECK(zwire_precomp_len(sqe.arg) > 0);
		FUZZ_CHECK(zwire_precomp_len(sqe.arg) <= ZWIRE_OBJ_LEN_MAX);
		FUZZ_CHECK(sqe.arg >> 32 <= ZWIRE_PRIO_MAX);
		break;
	case ZWIRE_OP_DISCARD:
		FUZZ_CHECK(sqe.arg > 0 && sqe.page + sqe.arg > sqe.page);
		FUZZ_CHECK(sqe.page + sqe.arg <= pages);
		break;
	default:
		FUZZ_CHECK(0);
	}
}

static void
check_versions(struct fuzz_input *in)
{
	uint32_t min = (uint32_t)fuzz_number(in, 2), max = (uint32_t)fuzz_number(in, 2);
	int version = zwire_negotiate(min, max);

	FUZZ_CHECK(version == -EPROTO || ((uint32_t)version >= min && (uint32_t)version <= max));
	FUZZ_CHECK(version == -EPROTO || ((uint32_t)version >= ZWIRE_VERSION_MIN &&
	                                  (uint32_t)version <= ZWIRE_VERSION_MAX));
}

static void
check_queue_flags(struct fuzz_input *in)
{
	uint32_t flags = (uint32_t)fuzz_number(in, 4);
	int node, ret = zwire_queue_flags_read(flags, &node);

	FUZZ_CHECK(ret == 0 || ret == -EOPNOTSUPP);
	FUZZ_CHECK(node >= -1 && node <= ZWIRE_NODE_MAX);
	FUZZ_CHECK(ret != 0 || flags == (node < 0 ? 0 : zwire_queue_flags((unsigned int)node)));
}

static void
check_request(const struct fuzz_input *in)
{
	void *msg = fuzz_rest(in);
	const struct zwire_hdr *hdr = (const struct zwire_hdr *)msg;
	const struct zwire_disk_open *open = (const struct zwire_disk_open *)msg;
	int ret = zwire_request_check(msg, in->len);

	FUZZ_CHECK(ret == 0 || ret == -EPROTO);
	if (ret == 0) {
		FUZZ_CHECK(in->len >= sizeof(*hdr) && hdr->len == in->len);
		FUZZ_CHECK(hdr->type >= ZWIRE_HELLO && hdr->type <= ZWIRE_ADMIN);
	}
	if (ret == 0 && hdr->type == ZWIRE_DISK_OPEN)
		FUZZ_CHECK(strnlen(open->name, sizeof(open->name)) < sizeof(open->name));
	free(msg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};

	switch (fuzz_number(&in, 1) % 4) {
	case 0:
		check_sqe(&in);
		break;
	case 1:
		check_versions(&in);
		break;
	case 3:
		check_queue_flags(&in);
		break;
	default:
		check_request(&in);
		break;
	}
	return 0;
}
