/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef STREAMS_H
#define STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "comp/policy.h"
#include "corpus.h"
#include "perf.h"

/**
 * @file
 * What the files of ptest streams share: a *device* of the accelerator model, a *mode* of using it,
 * and what was found at each *point* of the sweep.
 *
 * All modes work side by side over one device and one compressor. Pages come from the corpus, one
 * behind the other, and are copied into the stream.
 */

#define STREAMS_LCORES     8u /**< of a compressor: the submitters of mode rfc-wait */
#define STREAMS_MODES_MAX  9u /**< entries of streams_modes */
#define STREAMS_POINTS_MAX 64u
#define STREAMS_RATE       16000u /**< pages a second of the open loop */
#define STREAMS_NAP_NS     50000u /**< between two looks at a device that works, open loop */

/** What a device is made of. */
struct streams_device_opts {
	const char *driver; /**< vdev name */
	double latency_us;  /**< of an engine, for one page; compress_sim, as all that follows */
	unsigned int depth; /**< of a queue pair */
	unsigned int engines;
	bool null; /**< nothing is compressed: the model's times alone */
};

/** A device with a compressor on it. */
struct streams_device {
	struct streams_device_opts opts;
	struct zcomp_cdev *cdev;
	struct zcomp *comp;
};

/** EAL runs. @return 0, -errno; nothing is left then */
int streams_device_create(struct streams_device *dev, const struct streams_device_opts *opts,
                          int level);
void streams_device_destroy(struct streams_device *dev);

/** @return the share of pages that the host worked on longer than the model said, so far */
double streams_device_late(const struct streams_device *dev);

/** @return microseconds from the submission of a page to its completion when the queue is full */
double streams_device_full_us(const struct streams_device *dev);

/** How a mode comes by its streams. */
enum streams_ask {
	STREAMS_ASK_POLICY, /**< zcomp_stream_ask() */
	STREAMS_ASK_PREFER, /**< ZSTRM_PREFER_MGMT: the RFC */
	STREAMS_ASK_ONLY,   /**< ZSTRM_ONLY_MGMT: for devices alone */
};

/** What a submitter does while it can do nothing else. */
enum streams_idle {
	STREAMS_IDLE_NAP,   /**< sleeps; in the closed loop it polls */
	STREAMS_IDLE_SPIN,  /**< polls */
	STREAMS_IDLE_YIELD, /**< sleeps; in the closed loop it polls, and lets others run between */
};

struct streams_mode {
	const char *name;
	const char *doc;
	enum streams_ask ask;
	struct zcomp_policy policy;
	unsigned int burst;         /**< pages for each doorbell; 0 = as the command line says */
	unsigned int in_flight_max; /**< 0 = as many as there are streams */
	unsigned int threads;       /**< submitters, all on the one CPU */
	enum streams_idle idle;
};

/** The modes of the sweep; the last entry has no name. */
extern const struct streams_mode streams_modes[];
extern const struct streams_mode streams_mode_device; /**< pages wait for the device for ever */
extern const struct streams_mode *const streams_mode_percpu; /**< one of streams_modes, as are */
extern const struct streams_mode *const streams_mode_software;
extern const struct streams_mode *const streams_mode_inline;
extern const struct streams_mode *const streams_mode_adaptive;

/** What one mode came to at one point. */
struct streams_result {
	double pages_per_s;  /**< closed loop, median of the rounds */
	double managed;      /**< share of pages that the device had */
	double refused;      /**< times that a page was refused, for each page stored */
	bool open;           /**< the open loop was run, and what follows is set: */
	double sustained;    /**< pages done / pages offered */
	double open_managed; /**< share of pages that the device had */
	/** From the time it was meant to begin to its completion, or to the end of the loop. */
	double p50_us, p99_us;
	double cpu_us;    /**< of the submitter, for each page */
	double victim_us; /**< p99 of a neighbour's lateness */
};

struct streams_point {
	struct streams_device_opts device;
	double late; /**< share of pages for which the host was slower than the model */
	struct streams_result results[STREAMS_MODES_MAX];
};

/** One of the goals. */
struct streams_goal {
	char text[96];
	double reached; /**< median of the pairs */
	double spread;
	double wanted;
	bool at_most; /**< @p wanted is an upper limit */
};

#define STREAMS_GOALS_MAX 16u

/** All that is found. */
struct streams_found {
	struct streams_point points[STREAMS_POINTS_MAX];
	unsigned int nr_points;
	struct streams_goal goals[STREAMS_GOALS_MAX];
	unsigned int nr_goals;
	double victim_idle_us; /**< p99 of the neighbour's lateness when it is alone */
	uint64_t failed;       /**< pages that the device gave back with an error */
};

/** @return whether the goal is reached */
static inline bool
streams_goal_met(const struct streams_goal *g)
{
	return g->at_most ? g->reached <= g->wanted : g->reached >= g->wanted;
}

/** Measures the goals. @return 0, -errno */
int streams_goals_run(const struct perf_opts *opts, const struct perf_place *place,
                      const struct corpus *corpus, struct streams_found *found);

/** @return the table, malloc'ed; NULL: no memory */
char *streams_text(const struct streams_found *found);

/** @return all of it; NULL: no memory */
json_t *streams_json(const struct streams_found *found);

/** Writes a row for each point and mode. @return 0, -errno */
int streams_csv(const struct streams_found *found, const char *path);

/** Draws the curves by gnuplot. @param foot a line below them @return 0, -errno */
int streams_plot(const struct streams_found *found, const char *path, const char *foot);

#endif
