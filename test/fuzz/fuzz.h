/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * @file
 * What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput(), which libFuzzer
 * or fuzz_main.c calls with one input after the other.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/** Stays on in a release build, unlike assert(). */
#define FUZZ_CHECK(cond)                                                                   \
	do {                                                                               \
		if (!(cond)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                           \
		}                                                                          \
	} while (0)

/** The part of an input that was not taken yet. */
struct fuzz_input {
	const uint8_t *data;
	size_t len;
};

/** Takes @p len bytes off the input; zeros once it is used up. */
static inline void
fuzz_take(struct fuzz_input *in, void *to, size_t len)
{
	size_t nr = len < in->len ? len : in->len;

	memset(to, 0, len);
	if (nr == 0)
		return;
	memcpy(to, in->data, nr);
	in->data += nr;
	in->len -= nr;
}

/** @return the next number of the input, @p len bytes (1 to 8) of it, little-endian */
static inline uint64_t
fuzz_number(struct fuzz_input *in, size_t len)
{
	uint8_t bytes[8] = {0};
	uint64_t number = 0;

	fuzz_take(in, bytes, len);
	for (size_t i = 0; i < len; i++)
		number |= (uint64_t)bytes[i] << 8 * i;
	return number;
}

/** @return memory of exactly @p len bytes, so that the address sanitizer sees one more */
static inline void *
fuzz_alloc(size_t len)
{
	void *p = malloc(len != 0 ? len : 1);

	FUZZ_CHECK(p != NULL);
	return p;
}

/** @return all that is left of the input, in memory of exactly that length */
static inline void *
fuzz_rest(const struct fuzz_input *in)
{
	void *copy = fuzz_alloc(in->len);

	if (in->len != 0)
		memcpy(copy, in->data, in->len);
	return copy;
}

#endif
