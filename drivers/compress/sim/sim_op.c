/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * One operation: its checks, its work, its result. Host threads, or with codec=null the enqueuing
 * thread; an operation is in one thread at a time.
 *
 * Every byte that is read or written lies inside the one segment's data: offsets and lengths are
 * checked against data_len here, liblz4 keeps to the sizes that it is given.
 */

#include "sim_pmd_private.h"

#include <string.h>

#include <rte_mbuf.h>

struct span {
	uint8_t *data;
	uint32_t len;
};

static bool
op_valid(const struct rte_comp_op *op)
{
	const struct sim_pmd_xform *xform = op->private_xform;
	const struct rte_mbuf *src = op->m_src, *dst = op->m_dst;

	return op->op_type == RTE_COMP_OP_STATELESS && xform != NULL &&
	       (xform->type == RTE_COMP_DECOMPRESS || op->flush_flag >= RTE_COMP_FLUSH_FULL) &&
	       src != NULL && src->next == NULL && op->src.offset <= src->data_len &&
	       op->src.length <= src->data_len - op->src.offset && dst != NULL &&
	       dst->next == NULL && op->dst.offset <= dst->data_len;
}

static bool
op_compresses(const struct rte_comp_op *op)
{
	return ((const struct sim_pmd_xform *)op->private_xform)->type == RTE_COMP_COMPRESS;
}

static uint32_t
op_room(const struct rte_comp_op *op)
{
	return op->m_dst->data_len - op->dst.offset;
}

static void
op_succeed(struct rte_comp_op *op, uint32_t produced, uint64_t debug_status)
{
	op->status = RTE_COMP_OP_STATUS_SUCCESS;
	op->consumed = op->src.length;
	op->produced = produced;
	op->debug_status = debug_status;
}

/* The most that a compressed result may have. */
static uint32_t
result_max(const struct sim_pmd_args *args, uint32_t room)
{
	return args->dst_limit != 0 ? RTE_MIN(room, (uint32_t)args->dst_limit) : room;
}

static bool
same_filled(const struct span *src, uint64_t *word)
{
	if (src->len < sizeof(*word) || src->len % sizeof(*word) != 0 ||
	    memcmp(src->data, src->data + sizeof(*word), src->len - sizeof(*word)) != 0)
		return false;
	memcpy(word, src->data, sizeof(*word));
	return true;
}

static void
compress(const struct sim_pmd_args *args, LZ4_stream_t *state, struct rte_comp_op *op,
         const struct span *src, const struct span *dst)
{
	const struct sim_pmd_xform *xform = op->private_xform;
	uint64_t word;
	int ret;

	if (args->same_filled != 0 && same_filled(src, &word)) {
		op->output_chksum = word;
		op_succeed(op, 0, SIM_PMD_SAME);
		return;
	}
	ret = LZ4_compress_fast_extState(state, (const char *)src->data, (char *)dst->data,
	                                 (int)src->len, (int)result_max(args, dst->len),
	                                 xform->accel);
	if (ret > 0)
		op_succeed(op, (uint32_t)ret, 0);
	else
		sim_op_fail(op, RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED);
}

static void
decompress(struct rte_comp_op *op, const struct span *src, const struct span *dst)
{
	uint32_t len = dst->len;
	uint8_t status = lz4_block_decompress(src->data, src->len, dst->data, &len);

	if (status == RTE_COMP_OP_STATUS_SUCCESS)
		op_succeed(op, len, 0);
	else
		sim_op_fail(op, status);
}

void
sim_op_lz4(const struct sim_pmd_args *args, LZ4_stream_t *state, struct rte_comp_op *op)
{
	struct span src, dst;

	if (unlikely(!op_valid(op))) {
		sim_op_fail(op, RTE_COMP_OP_STATUS_INVALID_ARGS);
		return;
	}
	src.data = rte_pktmbuf_mtod_offset(op->m_src, uint8_t *, op->src.offset);
	src.len = op->src.length;
	dst.data = rte_pktmbuf_mtod_offset(op->m_dst, uint8_t *, op->dst.offset);
	dst.len = op_room(op);
	if (op_compresses(op))
		compress(args, state, op, &src, &dst);
	else
		decompress(op, &src, &dst);
}

void
sim_op_null(const struct sim_pmd_args *args, struct rte_comp_op *op)
{
	if (unlikely(!op_valid(op)))
		sim_op_fail(op, RTE_COMP_OP_STATUS_INVALID_ARGS);
	else if (!op_compresses(op))
		op_succeed(op, op_room(op), 0);
	else if (args->null_len <= result_max(args, op_room(op)))
		op_succeed(op, (uint32_t)args->null_len, 0);
	else
		sim_op_fail(op, RTE_COMP_OP_STATUS_OUT_OF_SPACE_TERMINATED);
}
