/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_FAKE_BACKEND_H
#define TEST_FAKE_BACKEND_H

#include "comp/zcomp.h"

/**
 * @file
 * A backend that does as it is told. It manages streams of the null codec's format, and keeps what
 * was submitted in one list for each lcore, which its compressors share, as they share a device.
 */

#define FAKE_LCORES 4u

/** Orders, kept until they are changed. All zero: everything works and is done at the next poll. */
struct fake_script {
	int setup_ret;            /**< what setup_params() returns */
	bool unmanaged;           /**< setup_params() returns 0 without managed streams */
	unsigned int take_max;    /**< streams that one submit call takes; 0 = all */
	unsigned int delay;       /**< polls of an lcore in which a stream is not done yet */
	unsigned int fail_one_in; /**< every so many results is fail_with; 0 = none */
	int32_t fail_with;
	bool reverse; /**< the last submitted is done first */
};

/** What happened, since fake_reset(). */
struct fake_seen {
	unsigned int setups, releases, submits, polls, puts;
	uint32_t depth; /**< as the last setup_params() found it */
	bool mgmt_at_setup;
};

extern struct fake_script fake_script;
extern struct fake_seen fake_seen;
extern const struct zcomp_ops fake_backend;

/** Forgets orders and sights. No stream is in flight. */
void fake_reset(void);

#endif
