/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_UTIL_H
#define TEST_UTIL_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/**
 * @file
 * What the tests of the lower layers share: cmocka with all that it needs in front, numbers that
 * look random and are the same in each run, and the count of open descriptors.
 */

#define TEST_NR(array) (sizeof(array) / sizeof((array)[0]))

/* A sanitizer costs up to a factor of ten: long loops are divided by this. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define TEST_SLOW 10u
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define TEST_SLOW 10u
#endif
#endif
#ifndef TEST_SLOW
#define TEST_SLOW 1u
#endif

/** @return the next number (splitmix64) */
static inline uint64_t
test_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline void
test_random_fill(uint64_t *state, void *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = (uint8_t)(test_random(state) >> 32);
}

/** @return how many descriptors this process has open */
static inline unsigned int
test_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int nr = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		nr++;
	closedir(dir);
	return nr;
}

#endif
