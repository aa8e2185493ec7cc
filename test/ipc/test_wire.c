/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The wire: where each field lies, what a queue's memory looks like, and each refusal. */

#include <errno.h>

#include "test_util.h"

#include "ipc/arena.h"
#include "ipc/wire.h"

#define FIELD(type, field, off)                                       \
	{                                                             \
#type "." #field, offsetof(struct type, field), (off) \
	}

/* Peers of other builds rely on each of these. A change here is a new version of the wire. */
static void
test_field_offsets(void **state)
{
	static const struct {
		const char *name;
		size_t is;
		size_t should_be;
	} fields[] = {
	        FIELD(zwire_hdr, len, 0),
	        FIELD(zwire_hdr, type, 4),
	        FIELD(zwire_hdr, error, 8),
	        FIELD(zwire_hello, magic, 16),
	        FIELD(zwire_hello, version_min, 20),
	        FIELD(zwire_hello, version_max, 22),
	        FIELD(zwire_hello_reply, magic, 16),
	        FIELD(zwire_hello_reply, version, 20),
	        FIELD(zwire_disk_open, flags, 16),
	        FIELD(zwire_disk_open, page_size, 20),
	        FIELD(zwire_disk_open, name, 24),
	        FIELD(zwire_disk_open_reply, disk_id, 16),
	        FIELD(zwire_disk_close, disk_id, 16),
	        FIELD(zwire_queue_create, disk_id, 16),
	        FIELD(zwire_queue_create, depth, 20),
	        FIELD(zwire_queue_create, flags, 24),
	        FIELD(zwire_queue_create, weight, 28),
	        FIELD(zwire_sqe, opcode, 0),
	        FIELD(zwire_sqe, flags, 1),
	        FIELD(zwire_sqe, reserved, 2),
	        FIELD(zwire_sqe, buf, 4),
	        FIELD(zwire_sqe, page, 8),
	        FIELD(zwire_sqe, arg, 16),
	        FIELD(zwire_sqe, user_data, 24),
	        FIELD(zwire_cqe, user_data, 0),
	        FIELD(zwire_cqe, res, 8),
	        FIELD(zwire_cqe, flags, 12),
	        FIELD(zwire_queue_head, sq_tail, 0),
	        FIELD(zwire_queue_head, sq_head, 64),
	        FIELD(zwire_queue_head, cq_tail, 128),
	        FIELD(zwire_queue_head, cq_head, 192),
	        FIELD(zwire_queue_head, sq_sleeper, 256),
	        FIELD(zwire_queue_head, cq_sleeper, 320),
	        FIELD(zarena_super, magic, 0),
	        FIELD(zarena_super, version, 8),
	        FIELD(zarena_super, state, 12),
	        FIELD(zarena_super, pages, 16),
	        FIELD(zarena_super, nonce, 24),
	        FIELD(zarena_super, page_size, 40),
	        FIELD(zarena_super, flags, 44),
	        FIELD(zarena_super, objs_max, 48),
	        FIELD(zarena_super, uid, 56),
	        FIELD(zarena_super, mode, 64),
	        FIELD(zarena_super, huge_len, 68),
	        FIELD(zarena_super, name, 72),
	        FIELD(zarena_super, algorithm, 136),
	        FIELD(zarena_super, codecs, 200),
	        FIELD(zarena_super, stat, 296),
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(fields); i++) {
		if (fields[i].is != fields[i].should_be)
			fail_msg("%s is at %zu, not %zu", fields[i].name, fields[i].is,
			         fields[i].should_be);
	}
}

static void
test_sizes(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct zwire_hdr), 16);
	assert_int_equal(sizeof(struct zwire_hello), 24);
	assert_int_equal(sizeof(struct zwire_hello_reply), 24);
	assert_int_equal(sizeof(struct zwire_disk_open), 88);
	assert_int_equal(sizeof(struct zwire_disk_open_reply), 24);
	assert_int_equal(sizeof(struct zwire_disk_close), 24);
	assert_int_equal(sizeof(struct zwire_queue_create), 32);
	assert_int_equal(sizeof(struct zwire_queue_head), 384);
	assert_int_equal(ZWIRE_SQE_WORDS * 8, 32);
	assert_int_equal(ZWIRE_CQE_WORDS * 8, 16);
	assert_int_equal(sizeof(struct zarena_codec), 24);
	assert_int_equal(sizeof(struct zarena_super), 416);
	assert_int_equal(zarena_slots_len(0), 4096);
	assert_int_equal(zarena_slots_len(1 << 20), 4096 + (16 << 20));
}

static void
test_queue_layout(void **state)
{
	(void)state;
	for (uint32_t depth = 1; depth <= ZWIRE_DEPTH_MAX; depth *= 2) {
		for (uint32_t page_size = 1024; page_size <= 65536; page_size *= 2) {
			struct zwire_queue_layout l = zwire_queue_layout(depth, page_size);

			assert_int_equal(l.sqes_off, sizeof(struct zwire_queue_head));
			assert_int_equal(l.sqes_off % 8, 0);
			assert_int_equal(l.cqes_off % 8, 0);
			assert_true(l.cqes_off >= l.sqes_off + depth * sizeof(struct zwire_sqe));
			assert_true(l.bufs_off >= l.cqes_off + depth * sizeof(struct zwire_cqe));
			assert_int_equal(l.bufs_off % 4096, 0);
			assert_int_equal(l.len % 4096, 0);
			assert_in_range(l.len, l.bufs_off + (uint64_t)depth * page_size,
			                l.bufs_off + (uint64_t)depth * page_size + 4095);
		}
	}
}

static int
check_op(uint8_t opcode, uint64_t page, uint64_t arg)
{
	struct zwire_sqe sqe = {.opcode = opcode, .page = page, .arg = arg, .user_data = 42};

	return zwire_sqe_check(&sqe, 256, 1000);
}

static void
test_sqe_pages(void **state)
{
	static const struct {
		uint8_t opcode;
		uint64_t page, arg;
		int ret;
	} cases[] = {
	        {ZWIRE_OP_STORE, 0, 0, 0},
	        {ZWIRE_OP_STORE, 999, 0, 0},
	        {ZWIRE_OP_STORE, 999, 1, -EPROTO},
	        {ZWIRE_OP_STORE, 1000, 0, -ERANGE},
	        {ZWIRE_OP_STORE, UINT64_MAX, 0, -ERANGE},
	        {ZWIRE_OP_STORE_SAME, 0, UINT64_MAX, 0},
	        {ZWIRE_OP_STORE_SAME, 999, 0, 0},
	        {ZWIRE_OP_STORE_SAME, 1000, 0, -ERANGE},
	        {ZWIRE_OP_DISCARD, 0, 1, 0},
	        {ZWIRE_OP_DISCARD, 0, 1000, 0},
	        {ZWIRE_OP_DISCARD, 999, 1, 0},
	        {ZWIRE_OP_DISCARD, 0, 0, -EINVAL},
	        {ZWIRE_OP_DISCARD, 1000, 0, -EINVAL},
	        {ZWIRE_OP_DISCARD, 0, 1001, -ERANGE},
	        {ZWIRE_OP_DISCARD, 999, 2, -ERANGE},
	        {ZWIRE_OP_DISCARD, 1000, 1, -ERANGE},
	        {ZWIRE_OP_DISCARD, 1, UINT64_MAX, -ERANGE},
	        {ZWIRE_OP_DISCARD, UINT64_MAX, 1, -ERANGE},
	        {ZWIRE_OP_DISCARD, UINT64_MAX, UINT64_MAX, -ERANGE},
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++)
		assert_int_equal(check_op(cases[i].opcode, cases[i].page, cases[i].arg),
		                 cases[i].ret);
}

static void
test_sqe_opcodes(void **state)
{
	(void)state;
	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		int ret = check_op((uint8_t)opcode, 1, opcode == ZWIRE_OP_STORE ? 0 : 1);

		switch (opcode) {
		case ZWIRE_OP_STORE:
		case ZWIRE_OP_STORE_SAME:
		case ZWIRE_OP_STORE_PRECOMP:
		case ZWIRE_OP_DISCARD:
			assert_int_equal(ret, 0);
			break;
		case ZWIRE_OP_STORE_RANGE:
		case ZWIRE_OP_LOAD:
			assert_int_equal(ret, -EOPNOTSUPP);
			break;
		default:
			assert_int_equal(ret, -EPROTO);
		}
	}
}

/* bits 0-31: bytes of the object; 32-33: priority of its codec; none beyond. */
static void
test_sqe_precomp(void **state)
{
	static const struct {
		uint64_t page, arg;
		int ret;
	} cases[] = {
	        {0, 1, 0},
	        {999, 65536, 0},
	        {999, 3ull << 32 | 4092, 0},
	        {1000, 1, -ERANGE},
	        {UINT64_MAX, 3ull << 32 | 1, -ERANGE},
	        {0, 0, -EPROTO},
	        {0, 1ull << 32, -EPROTO},
	        {0, 65537, -EPROTO},
	        {0, UINT32_MAX, -EPROTO},
	        {0, 4ull << 32 | 1, -EPROTO},
	        {0, 1ull << 63 | 1, -EPROTO},
	        {1000, 0, -EPROTO},
	        {0, UINT64_MAX, -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++)
		assert_int_equal(check_op(ZWIRE_OP_STORE_PRECOMP, cases[i].page, cases[i].arg),
		                 cases[i].ret);
	for (uint8_t prio = 0; prio <= ZWIRE_PRIO_MAX; prio++) {
		for (uint32_t len = 1; len <= ZWIRE_OBJ_LEN_MAX; len = len * 3 - 1 + (len == 1)) {
			uint64_t arg = zwire_precomp_arg(len, prio);

			assert_int_equal(check_op(ZWIRE_OP_STORE_PRECOMP, 0, arg), 0);
			assert_int_equal(zwire_precomp_len(arg), len);
			assert_int_equal(zwire_precomp_prio(arg), prio);
		}
	}
}

static void
test_sqe_impossible(void **state)
{
	static const uint8_t opcodes[] = {ZWIRE_OP_STORE, ZWIRE_OP_STORE_SAME,
	                                  ZWIRE_OP_STORE_PRECOMP, ZWIRE_OP_LOAD, ZWIRE_OP_DISCARD};

	(void)state;
	for (size_t i = 0; i < TEST_NR(opcodes); i++) {
		struct zwire_sqe sqe = {.opcode = opcodes[i],
		                        .buf = 255,
		                        .page = 1,
		                        .arg = opcodes[i] == ZWIRE_OP_STORE ? 0 : 1};
		int usual = opcodes[i] == ZWIRE_OP_LOAD ? -EOPNOTSUPP : 0;

		assert_int_equal(zwire_sqe_check(&sqe, 256, 1000), usual);
		sqe.buf = 256;
		assert_int_equal(zwire_sqe_check(&sqe, 256, 1000), -EPROTO);
		sqe.buf = UINT32_MAX;
		assert_int_equal(zwire_sqe_check(&sqe, 256, 1000), -EPROTO);
		sqe.buf = 0;
		for (unsigned int bit = 0; bit < 8; bit++) {
			sqe.flags = (uint8_t)(1u << bit);
			assert_int_equal(zwire_sqe_check(&sqe, 256, 1000), -EPROTO);
		}
		sqe.flags = 0;
		sqe.reserved = 0x8000;
		assert_int_equal(zwire_sqe_check(&sqe, 256, 1000), -EPROTO);
	}
}

/* The largest message, aligned as a receiver's buffer is. */
union message {
	struct zwire_hdr hdr;
	struct zwire_disk_open open;
	uint8_t bytes[256];
};

static int
check_request(uint16_t type, size_t len)
{
	union message m;

	memset(&m, 0, sizeof(m));
	m.hdr.type = type;
	m.hdr.len = (uint32_t)len;
	return zwire_request_check(&m, len);
}

/* What means nothing yet must be 0. */
static void
test_request_reserved(void **state)
{
	union message m = {.hdr = {.type = ZWIRE_ADMIN, .len = sizeof(m)}};

	(void)state;
	assert_int_equal(zwire_request_check(&m, sizeof(m)), 0);
	m.hdr.reserved = 1;
	assert_int_equal(zwire_request_check(&m, sizeof(m)), -EPROTO);
	m.hdr.reserved = 0;
	m.hdr.reserved2 = 1;
	assert_int_equal(zwire_request_check(&m, sizeof(m)), -EPROTO);
	m.hdr.reserved2 = 0;
	m.hdr.error = -1;
	assert_int_equal(zwire_request_check(&m, sizeof(m)), -EPROTO);
}

static void
test_request_shapes(void **state)
{
	static const size_t lens[] = {
	        [ZWIRE_HELLO] = sizeof(struct zwire_hello),
	        [ZWIRE_DISK_OPEN] = sizeof(struct zwire_disk_open),
	        [ZWIRE_DISK_CLOSE] = sizeof(struct zwire_disk_close),
	        [ZWIRE_QUEUE_CREATE] = sizeof(struct zwire_queue_create),
	};

	(void)state;
	for (uint32_t type = 0; type <= UINT16_MAX; type++) {
		bool known = type >= ZWIRE_HELLO && type <= ZWIRE_QUEUE_CREATE;

		for (size_t len = 0; len <= 100; len++) {
			bool good = (known && len == lens[type]) ||
			            (type == ZWIRE_ADMIN && len >= sizeof(struct zwire_hdr));

			assert_int_equal(check_request((uint16_t)type, len), good ? 0 : -EPROTO);
			/* The types in between are all alike. */
			if (type > 64 && type < ZWIRE_REPLY - 1)
				break;
		}
	}
}

static void
test_request_length_that_lies(void **state)
{
	union message m;

	(void)state;
	for (uint16_t type = ZWIRE_HELLO; type <= ZWIRE_ADMIN; type++) {
		memset(&m, 0, sizeof(m));
		m.hdr.type = type;
		for (size_t len = sizeof(m.hdr); len <= 100; len++) {
			m.hdr.len = (uint32_t)len + 1;
			assert_int_equal(zwire_request_check(&m, len), -EPROTO);
			m.hdr.len = (uint32_t)len - 1;
			assert_int_equal(zwire_request_check(&m, len), -EPROTO);
			m.hdr.len = UINT32_MAX;
			assert_int_equal(zwire_request_check(&m, len), -EPROTO);
		}
	}
}

static void
test_request_name_without_end(void **state)
{
	union message m;

	(void)state;
	memset(&m, 0, sizeof(m));
	m.hdr.type = ZWIRE_DISK_OPEN;
	m.hdr.len = sizeof(m.open);
	memset(m.open.name, 'n', sizeof(m.open.name));
	assert_int_equal(zwire_request_check(&m, sizeof(m.open)), -EPROTO);
	m.open.name[sizeof(m.open.name) - 1] = '\0';
	assert_int_equal(zwire_request_check(&m, sizeof(m.open)), 0);
}

/* Each node comes back, and no other bit may be set. */
static void
test_queue_flags(void **state)
{
	int node = 7;

	(void)state;
	assert_int_equal(zwire_queue_flags_read(0, &node), 0);
	assert_int_equal(node, -1);
	for (unsigned int i = 0; i <= ZWIRE_NODE_MAX; i++) {
		assert_int_equal(zwire_queue_flags_read(zwire_queue_flags(i), &node), 0);
		assert_int_equal(node, i);
	}
	assert_int_equal(zwire_queue_flags(ZWIRE_NODE_MAX + 1u), 0);
	assert_int_equal(zwire_queue_flags(UINT32_MAX), 0);
	for (unsigned int bit = 1; bit < 32; bit++) {
		const uint32_t flag = 1u << bit;

		assert_int_equal(zwire_queue_flags_read(flag, &node), -EOPNOTSUPP);
		assert_int_equal(zwire_queue_flags_read(flag | ZWIRE_QUEUE_NODE, &node),
		                 bit < ZWIRE_QUEUE_NODE_SHIFT ? -EOPNOTSUPP : 0);
	}
}

static void
test_negotiate(void **state)
{
	(void)state;
	assert_int_equal(zwire_negotiate(2, 2), 2);
	assert_int_equal(zwire_negotiate(0, 2), 2);
	assert_int_equal(zwire_negotiate(2, 9), ZWIRE_VERSION_MAX);
	assert_int_equal(zwire_negotiate(0, UINT32_MAX), ZWIRE_VERSION_MAX);
	assert_int_equal(zwire_negotiate(0, 0), -EPROTO);
	assert_int_equal(zwire_negotiate(0, 1), -EPROTO);
	assert_int_equal(zwire_negotiate(3, 2), -EPROTO);
	assert_int_equal(zwire_negotiate(ZWIRE_VERSION_MAX + 1, 9), -EPROTO);
	assert_int_equal(zwire_negotiate(UINT32_MAX, UINT32_MAX), -EPROTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_field_offsets),
	        cmocka_unit_test(test_sizes),
	        cmocka_unit_test(test_queue_layout),
	        cmocka_unit_test(test_sqe_pages),
	        cmocka_unit_test(test_sqe_opcodes),
	        cmocka_unit_test(test_sqe_precomp),
	        cmocka_unit_test(test_sqe_impossible),
	        cmocka_unit_test(test_request_shapes),
	        cmocka_unit_test(test_request_reserved),
	        cmocka_unit_test(test_request_length_that_lies),
	        cmocka_unit_test(test_request_name_without_end),
	        cmocka_unit_test(test_queue_flags),
	        cmocka_unit_test(test_negotiate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
