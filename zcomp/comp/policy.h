/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZCOMP_POLICY_H
#define ZCOMP_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "comp/zcomp.h"

/**
 * @file
 * The hybrid policy: what becomes of a page when no managed stream is free, and whether it should
 * have one at all. The RFC has one policy, *inline*; the others are what its accelerators' drivers
 * do (see zcomp/README.md).
 *
 * Whatever the policy, where no backend manages streams, or every device is suspect or has lost all
 * streams, pages go to the per-lcore stream.
 */

enum zcomp_policy_kind {
	ZCOMP_POLICY_INLINE,   /**< the device, else the lcore compresses: work-conserving */
	ZCOMP_POLICY_TRY,      /**< the device, else -EAGAIN */
	ZCOMP_POLICY_RETRY,    /**< the device; for so many us wait for it; then inline */
	ZCOMP_POLICY_SPILL,    /**< the device; so many pages wait for it in a list; then inline */
	ZCOMP_POLICY_SOFTWARE, /**< never the device */
	ZCOMP_POLICY_ADAPTIVE, /**< whichever is expected to be done first; both, if the device is
				* full for longer than the lcore needs for a page */
	ZCOMP_POLICY_KINDS
};

#define ZCOMP_RETRY_US_MAX  1000000u
#define ZCOMP_SPILL_MAX     65536u
#define ZCOMP_POLICY_LEN    32u /**< of a policy's text, with its end */
#define ZCOMP_POLICY_SYNTAX "inline, adaptive, try, retry=US, spill=N, software"

struct zcomp_policy {
	enum zcomp_policy_kind kind;
	uint32_t arg; /**< retry: microseconds, 1 to ZCOMP_RETRY_US_MAX; spill: pages of an lcore, 1
	               * to ZCOMP_SPILL_MAX; else 0 */
};

/** Reads what ZCOMP_POLICY_SYNTAX says. @return 0 or -EINVAL */
int zcomp_policy_parse(const char *text, struct zcomp_policy *out);

/** Writes it as it is read. @param text ZCOMP_POLICY_LEN bytes */
void zcomp_policy_format(const struct zcomp_policy *policy, char *text);

/** A policy in one word, for who changes it while others read it. 0 = inline. */
static inline uint64_t
zcomp_policy_pack(const struct zcomp_policy *policy)
{
	return (uint64_t)policy->arg << 8 | (uint64_t)policy->kind;
}

static inline struct zcomp_policy
zcomp_policy_unpack(uint64_t word)
{
	return (struct zcomp_policy){(enum zcomp_policy_kind)(word & 0xff), (uint32_t)(word >> 8)};
}

/** What a caller wants a stream for. */
struct zcomp_want {
	struct zcomp_policy policy;
	unsigned int waiting; /**< pages behind this one that the lcore already knows of */
	unsigned int spilled; /**< other pages, in the caller's list, that wait after ZCOMP_SPILL */
	bool full;            /**< no managed stream: the caller has no place to keep it */
	uint64_t since_ns;    /**< 0 at first; then the first call's time, kept by the caller */
};

enum zcomp_verdict {
	ZCOMP_GRANTED, /**< here is a stream, of either kind */
	ZCOMP_WAIT,  /**< ask again after the next poll; what comes later on the queue waits too */
	ZCOMP_SPILL, /**< put it in the list, ask again after each poll, go on with others */
	ZCOMP_REFUSED, /**< -EAGAIN to whoever wants the page stored */
};

/**
 * Asks for a stream, as the policy has it. Neither blocks nor allocates.
 * @param want since_ns is set
 * @param out  the stream, when it is granted
 */
enum zcomp_verdict zcomp_stream_ask(struct zcomp *comp, unsigned int lcore, struct zcomp_want *want,
                                    struct zcomp_strm **out);

#endif
