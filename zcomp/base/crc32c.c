/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* CRC32C: the table variant, and which CPU has better. The table is made before main(). */

#include "base/crc32c.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#endif

#define CRC32C_POLYNOMIAL_REVERSED 0x82f63b78u

static uint32_t crc32c_table[256];

__attribute__((constructor)) static void
crc32c_table_init(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) != 0 ? CRC32C_POLYNOMIAL_REVERSED : 0);
		crc32c_table[byte] = crc;
	}
}

uint32_t
zc_crc32c_word_sw(uint32_t crc, uint64_t word)
{
	for (int i = 0; i < 8; i++) {
		crc = crc32c_table[(crc ^ word) & 0xff] ^ (crc >> 8);
		word >>= 8;
	}
	return crc;
}

bool
zc_crc32c_hw(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("sse4.2");
#elif defined(__aarch64__)
	return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#else
	return false;
#endif
}
