/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_CDEV_ENV_H
#define TEST_CDEV_ENV_H

#include "strm_util.h"

#include "comp/compressdev.h"

/**
 * @file
 * What the tests of the compressdev backend share: the lz4 driver's device, opened, and compressors
 * on it. Both are undone after each test, and EAL's heap must then be what it was.
 */

#define CDEV_LCORES 2u
#define CDEV_NAME   "compress_lz4_cdev"

struct cdev_env {
	const char *mode; /**< of the driver */
	struct zcomp_cdev *dev;
	unsigned int blocks; /**< of EAL's heap, before the test */
};

extern struct cdev_env cdev_env;

/** @return what a compressor on the open device is made with: LZ4, level 1, CDEV_LCORES */
struct zcomp_params cdev_params(uint32_t depth);

struct zcomp *cdev_create(int32_t level, uint32_t depth);

/** (Re)opens the device with queue pairs of this depth. */
void cdev_reopen(uint32_t depth);

/** Polls until @p nr streams have come. */
void cdev_collect(struct zcomp *comp, unsigned int lcore, struct zcomp_strm **strms,
                  unsigned int nr);

/** @return pieces of EAL's heap in use */
unsigned int cdev_heap_blocks(void);

/** cmocka: for each test. The device is there, and open with CDEV_DEPTH. */
int cdev_set_up(void **state);
int cdev_tear_down(void **state);
#define CDEV_DEPTH      64u
#define CDEV_TEST(name) cmocka_unit_test_setup_teardown(name, cdev_set_up, cdev_tear_down)

#endif
