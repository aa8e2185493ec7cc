/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The allocator of libc, with this file between it and the code under test. One thread. */

#include "oom_util.h"

#include <stdlib.h>

#include "test_util.h"

int oom_blocks;
static unsigned int oom_at, oom_count;
static bool oom_for_good;

void *__real_malloc(size_t len);
void *__real_calloc(size_t nr, size_t len);
void *__real_aligned_alloc(size_t align, size_t len);
void __real_free(void *mem);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t nr, size_t len);
void *__wrap_aligned_alloc(size_t align, size_t len);
void __wrap_free(void *mem);

void
oom_reset(void)
{
	oom_arm(0, false);
	oom_blocks = 0;
}

void
oom_arm(unsigned int at, bool for_good)
{
	oom_at = at;
	oom_for_good = for_good;
	oom_count = 0;
}

static bool
oom_now(void)
{
	oom_count++;
	return oom_at != 0 && (oom_count == oom_at || (oom_for_good && oom_count > oom_at));
}

static void *
counted(void *mem)
{
	oom_blocks += mem != NULL;
	return mem;
}

void *
__wrap_malloc(size_t len)
{
	return oom_now() ? NULL : counted(__real_malloc(len));
}

void *
__wrap_calloc(size_t nr, size_t len)
{
	return oom_now() ? NULL : counted(__real_calloc(nr, len));
}

void *
__wrap_aligned_alloc(size_t align, size_t len)
{
	/* C11 has this rule; glibc is lenient. */
	assert_int_equal(len % align, 0);
	return oom_now() ? NULL : counted(__real_aligned_alloc(align, len));
}

void
__wrap_free(void *mem)
{
	oom_blocks -= mem != NULL;
	__real_free(mem);
}
