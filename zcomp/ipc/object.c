/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The checked copy, in both directions, once with the CPU's CRC32C instruction and once without.
 * The loops are written once, as always-inline templates over the word function. Any thread.
 */

#include "ipc/object.h"

#include <stddef.h>
#include <string.h>

#include "base/atomic.h"
#include "base/crc32c.h"

#define PREFETCH_WORDS 8 /* a cache line */

#define TEMPLATE       static inline __attribute__((always_inline))

typedef uint32_t (*crc_word_fn)(uint32_t crc, uint64_t word);

struct lanes {
	uint32_t crc[3];
};

/*
 * Lanes alone are linear, and what lane 2 adds to the fold is what lane 0 adds one word later: the
 * same error in two neighbouring words would cancel out. Multiplied, sums are not linear in one
 * another; by odd numbers, so that what differs before differs after.
 */
#define LANE_0_FACTOR 0x9e3779b1u
#define LANE_1_FACTOR 0x85ebca77u

/* The last, partial word of the object with the checksum behind it: one or two words. */
union tail {
	uint64_t words[2];
	uint8_t bytes[16];
};

TEMPLATE uint32_t
fold(crc_word_fn crc_word, const struct lanes *lanes, const struct zobj_id *id)
{
	uint64_t meta = (uint64_t)id->len | (uint64_t)id->kind << 32 | (uint64_t)id->prio << 40;
	uint32_t lane_0 = lanes->crc[0] * LANE_0_FACTOR;
	uint32_t lane_1 = lanes->crc[1] * LANE_1_FACTOR;
	uint32_t crc = UINT32_MAX;

	crc = crc_word(crc, id->nonce[0]);
	crc = crc_word(crc, id->nonce[1]);
	crc = crc_word(crc, id->page);
	crc = crc_word(crc, meta);
	crc = crc_word(crc, (uint64_t)lane_0 | (uint64_t)lane_1 << 32);
	return crc_word(crc, lanes->crc[2]);
}

TEMPLATE void
write_body(crc_word_fn crc_word, uint64_t *place, const void *src, const struct zobj_id *id)
{
	const char *from = (const char *)src;
	struct lanes lanes = {{UINT32_MAX, UINT32_MAX, UINT32_MAX}};
	uint32_t nr = id->len / 8, rest = id->len % 8, sum, i;
	union tail tail = {{0, 0}};
	uint64_t w;

	for (i = 0; i + 3 <= nr; i += 3) {
#pragma GCC unroll 3
		for (uint32_t lane = 0; lane < 3; lane++) {
			memcpy(&w, from + (size_t)(i + lane) * 8, sizeof(w));
			zc_store_relaxed(&place[i + lane], w);
			lanes.crc[lane] = crc_word(lanes.crc[lane], w);
		}
	}
	for (; i < nr; i++) {
		memcpy(&w, from + (size_t)i * 8, sizeof(w));
		zc_store_relaxed(&place[i], w);
		lanes.crc[0] = crc_word(lanes.crc[0], w);
	}
	memcpy(tail.bytes, from + (size_t)nr * 8, rest);
	if (rest != 0)
		lanes.crc[0] = crc_word(lanes.crc[0], tail.words[0]);
	sum = fold(crc_word, &lanes, id);
	memcpy(tail.bytes + rest, &sum, sizeof(sum));
	zc_store_relaxed(&place[nr], tail.words[0]);
	if (rest + sizeof(sum) > 8)
		zc_store_relaxed(&place[nr + 1], tail.words[1]);
}

TEMPLATE bool
read_body(crc_word_fn crc_word, uint64_t *dst, const uint64_t *place, const struct zobj_id *id)
{
	struct lanes lanes = {{UINT32_MAX, UINT32_MAX, UINT32_MAX}};
	uint32_t nr = id->len / 8, rest = id->len % 8, sum, i;
	union tail tail = {{0, 0}};

	/* A random page's object is in no cache: ask for all of it at once (zcomp-perf throughput:
	 * the load costs 1.05 to 1.1 of decoding alone, and 1.15 without). */
	for (i = PREFETCH_WORDS; i < nr; i += PREFETCH_WORDS)
		__builtin_prefetch(&place[i]);
	for (i = 0; i + 3 <= nr; i += 3) {
#pragma GCC unroll 3
		for (uint32_t lane = 0; lane < 3; lane++) {
			uint64_t w = zc_load_relaxed(&place[i + lane]);

			dst[i + lane] = w;
			lanes.crc[lane] = crc_word(lanes.crc[lane], w);
		}
	}
	for (; i < nr; i++) {
		dst[i] = zc_load_relaxed(&place[i]);
		lanes.crc[0] = crc_word(lanes.crc[0], dst[i]);
	}
	tail.words[0] = zc_load_relaxed(&place[nr]);
	if (rest + sizeof(sum) > 8)
		tail.words[1] = zc_load_relaxed(&place[nr + 1]);
	memcpy(&sum, tail.bytes + rest, sizeof(sum));
	memset(tail.bytes + rest, 0, 8 - rest);
	if (rest != 0) {
		dst[nr] = tail.words[0];
		lanes.crc[0] = crc_word(lanes.crc[0], tail.words[0]);
	}
	return sum == fold(crc_word, &lanes, id);
}

ZC_CRC32C_TARGET static void
write_hw(uint64_t *place, const void *src, const struct zobj_id *id)
{
	write_body(zc_crc32c_word_hw, place, src, id);
}

ZC_CRC32C_TARGET static bool
read_hw(uint64_t *dst, const uint64_t *place, const struct zobj_id *id)
{
	return read_body(zc_crc32c_word_hw, dst, place, id);
}

static bool use_hw;

__attribute__((constructor)) static void
object_init(void)
{
	use_hw = zc_crc32c_hw();
}

void
zobj_write(uint64_t *place, const void *src, const struct zobj_id *id)
{
	if (use_hw)
		write_hw(place, src, id);
	else
		write_body(zc_crc32c_word_sw, place, src, id);
}

bool
zobj_read(void *dst, const uint64_t *place, const struct zobj_id *id)
{
	if (use_hw)
		return read_hw((uint64_t *)dst, place, id);
	return read_body(zc_crc32c_word_sw, (uint64_t *)dst, place, id);
}
