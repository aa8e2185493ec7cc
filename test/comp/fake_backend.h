/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_FAKE_BACKEND_H
#define TEST_FAKE_BACKEND_H

#include "comp/zcomp.h"

/**
 * @file
 * A backend that does as it is told. It manages streams of the null codec's format, and keeps what
 * was submitted in one list for each device and lcore, which the compressors of a device share.
 * Time is a number that the test moves.
 */

#define FAKE_LCORES 4u
#define FAKE_DEVS   (ZCOMP_MANAGERS_MAX + 1)

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

/** A device, and its orders. zcomp_params.dev names it; NULL is the first one. */
struct zcomp_cdev {
	bool refuse;         /**< takes none */
	bool hang;           /**< returns none; those that it has come late, when this ends */
	int32_t fail_with;   /**< every result; 0 = none */
	uint64_t service_ns; /**< a page takes so long, one after the other */

	struct zcomp_watch watches[FAKE_LCORES];
	unsigned int taken; /**< pages, since fake_reset() */
	uint64_t busy_until_ns;
};

/** What happened, since fake_reset(). */
struct fake_seen {
	unsigned int setups, releases, submits, polls, puts;
	uint32_t depth; /**< as the last setup_params() found it */
	bool mgmt_at_setup;
};

extern struct fake_script fake_script;
extern struct fake_seen fake_seen;
extern struct zcomp_cdev fake_devs[FAKE_DEVS];
extern uint64_t fake_now_ns;

/** Its compressors share their device and its watches. */
extern const struct zcomp_ops fake_backend;
/** The same without watches: for one compressor alone. */
extern const struct zcomp_ops fake_backend_alone;

/** Forgets orders and sights, and sets the clock to one second. No stream is in flight. */
void fake_reset(void);

/** The clock, for zcomp_params.now_ns. */
uint64_t fake_clock(void);

/** The device never returns a submitted stream, until it is told to. */
void fake_keep(struct zcomp_strm *strm, bool keep);

/** The same of all that the device has. */
void fake_keep_all(const struct zcomp_cdev *dev, bool keep);

/** The device forgets what it has, which are lost streams, as one that is stopped. */
void fake_stop(const struct zcomp_cdev *dev);

/** @return pages that the device has, of one lcore */
unsigned int fake_flying(const struct zcomp_cdev *dev, unsigned int lcore);

/** @return when the next page is done, or UINT64_MAX */
uint64_t fake_next_done_ns(const struct zcomp_cdev *dev, unsigned int lcore);

#endif
