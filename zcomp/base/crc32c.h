/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZC_CRC32C_H
#define ZC_CRC32C_H

#include <stdbool.h>
#include <stdint.h>

/**
 * @file
 * CRC32C (Castagnoli) of one 8-byte word at a time, little-endian bit order as in RFC 3720.
 * Loops choose their variant once, by zc_crc32c_hw(), and inline it.
 */

/** @return whether this CPU has CRC32C instructions. Any thread. */
bool zc_crc32c_hw(void);

/** One word by table: the portable twin of zc_crc32c_word_hw(). */
uint32_t zc_crc32c_word_sw(uint32_t crc, uint64_t word);

#if defined(__x86_64__)
#define ZC_CRC32C_TARGET __attribute__((target("sse4.2")))

ZC_CRC32C_TARGET static inline uint32_t
zc_crc32c_word_hw(uint32_t crc, uint64_t word)
{
	return (uint32_t)__builtin_ia32_crc32di(crc, word);
}
#elif defined(__aarch64__) && defined(__clang__)
#define ZC_CRC32C_TARGET __attribute__((target("crc")))

ZC_CRC32C_TARGET static inline uint32_t
zc_crc32c_word_hw(uint32_t crc, uint64_t word)
{
	return __builtin_arm_crc32cd(crc, word);
}
#elif defined(__aarch64__)
#define ZC_CRC32C_TARGET __attribute__((target("+crc")))

ZC_CRC32C_TARGET static inline uint32_t
zc_crc32c_word_hw(uint32_t crc, uint64_t word)
{
	return __builtin_aarch64_crc32cx(crc, word);
}
#else
#define ZC_CRC32C_TARGET

static inline uint32_t
zc_crc32c_word_hw(uint32_t crc, uint64_t word)
{
	return zc_crc32c_word_sw(crc, word);
}
#endif

#endif
