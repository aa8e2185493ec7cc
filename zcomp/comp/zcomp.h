/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZCOMP_H
#define ZCOMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"
#include "comp/watch.h"

/**
 * @file
 * The compression front end: backends behind struct zcomp_ops, and streams.
 *
 * A stream is the right to compress one page now. A *per-lcore* stream compresses in the caller, at
 * zcomp_submit(), with the codec. A *managed* stream belongs to its backend, which compresses when
 * it likes, and hands the stream back by zcomp_poll(). The caller asks for a preference and never
 * knows which kind it holds, except through statistics: both are filled, submitted, polled and put
 * alike.
 *
 * Threads: create and destroy on the main lcore; everything else on the lcore whose index is given,
 * for which nobody else calls at the same time. Nothing here blocks or allocates after creation.
 * An lcore is an index below nr_lcores, whatever the caller runs on it.
 */

struct zcomp;
struct zcomp_cdev;

#define ZCOMP_DEPTH_DEFAULT 256u /**< the depth of a typical device queue (the RFC) */
#define ZCOMP_DEPTH_MAX     4096u
#define ZCOMP_PAGE_SIZE_MIN 1024u
#define ZCOMP_PAGE_SIZE_MAX 65536u
#define ZCOMP_MANAGERS_MAX  8u /**< backends of one compressor: a device each */

/** What a compressor is made with; immutable afterwards, shared by its streams. */
struct zcomp_params {
	const struct zcodec *codec;
	int32_t level;          /**< level_min to level_max of the codec */
	uint32_t page_size;     /**< a power of two, ZCOMP_PAGE_SIZE_MIN to ZCOMP_PAGE_SIZE_MAX */
	unsigned int nr_lcores; /**< 1 or more */
	uint32_t depth;         /**< managed streams for each lcore, at most ZCOMP_DEPTH_MAX; 0 =
				 * ZCOMP_DEPTH_DEFAULT. A backend is asked for one more, a spare; if
				 * it makes fewer, it lowers it */
	struct zcomp_cdev *dev; /**< backend compressdev: the device; stays the caller's */
	bool zstrm_mgmt;        /**< set by setup_params(): this backend manages streams, now */
	uint64_t hang_ns;       /**< a page is overdue after this at least; 0 = ZCOMP_HANG_NS. Of a
				 * device that compressors share: as set last */
	uint64_t (*now_ns)(void); /**< a clock that only goes forward; NULL = zc_now_ns(). The same
				   * for all who share a device */
};

struct zcomp_manager;

/** What both kinds of stream have in common, and all that a caller sees. */
struct zcomp_strm {
	struct zcomp *comp;
	unsigned int lcore;
	bool managed; /**< for statistics only */
	void *src;    /**< the caller fills one page before zcomp_submit(); 64-byte aligned; never
			   * written by a backend */
	void *dst;    /**< the result, valid until zcomp_stream_put(); 64-byte aligned */
	uint32_t dst_len; /**< bytes of room at dst: two pages, so that expansion cannot fail */
	int32_t result;   /**< after zcomp_poll(): bytes at dst; -ENOSPC (does not compress into
			   * dst_len), -EIO (the device failed) */
	void *user;       /**< the caller's */

	/* The front end's; zeroed by who makes the stream. */
	struct zcomp_manager *manager; /**< of a managed stream */
	struct zcomp_strm *next;       /**< in its device's watch */
	struct zcomp_strm *prev;
	uint64_t submitted_ns;
	uint8_t age_class; /**< by how many were in flight */
	bool lost;         /**< given up, but the device still has it */
	bool put;          /**< lost, and the caller has put it */
	bool probe;        /**< the one page that a suspect device gets, until it is submitted */
};

/** A stream that a backend manages; backends embed it. */
struct managed_zstrm {
	struct zcomp_strm strm;
};

/** @return the managed stream around @p strm, which is one */
static inline struct managed_zstrm *
zstrm_to_managed(struct zcomp_strm *strm)
{
	return (struct managed_zstrm *)(void *)((char *)strm -
	                                        offsetof(struct managed_zstrm, strm));
}

enum zstrm_pref {
	ZSTRM_DEFAULT,     /**< the per-lcore stream: the synchronous path */
	ZSTRM_PREFER_MGMT, /**< a managed one if there is one, else the per-lcore stream */
	ZSTRM_ONLY_MGMT,   /**< a managed one or none */
};

/**
 * A backend: what manages streams. @p priv is what setup_params() made.
 *
 * Only name is required. A backend whose setup_params() does not set zstrm_mgmt manages no streams,
 * and its other functions are not called; with the codec alone that is a software backend. One that
 * sets it has get_stream, put_stream, submit and poll. It does its own locking, if it needs any.
 *
 * Context: setup_params and release_params on the main lcore; the rest on the lcore that is given
 * or that the stream belongs to, where they neither block nor allocate.
 */
struct zcomp_ops {
	const char *name;
	/** The one codec that the backend is for; NULL: setup_params() looks at params->codec. */
	const struct zcodec *codec;
	/**
	 * Prepares shared state; sets params->zstrm_mgmt when it can manage streams. The front end
	 * then takes a spare one for each lcore, of those that have several, on the main lcore.
	 * @return 0; -ENOMEM, -EINVAL (of the caller's making): the compressor is not made; any
	 *         other error: it is made without managed streams. Nothing is left after an error.
	 */
	int (*setup_params)(struct zcomp_params *params, void **priv);
	/** Frees what setup_params() made. May be NULL. */
	void (*release_params)(void *priv);
	/**
	 * The watches of the device, one for each lcore. May be NULL, or return NULL, where
	 * compressors do not share devices: the front end then has its own.
	 */
	struct zcomp_watch *(*watches)(void *priv);
	/**
	 * Takes a free stream with src, dst and dst_len set; the front end sets comp, lcore and
	 * managed.
	 * @return the stream, or NULL when there is none
	 */
	struct managed_zstrm *(*get_stream)(void *priv, unsigned int lcore);
	void (*put_stream)(void *priv, struct managed_zstrm *zstrm);
	/**
	 * Takes a prefix of @p strms with one doorbell. One that is taken comes back by poll(),
	 * also when the device refuses it for good (-EIO).
	 * @return how many; the rest stay filled
	 */
	unsigned int (*submit)(void *priv, unsigned int lcore, struct zcomp_strm **strms,
	                       unsigned int nr);
	/**
	 * Writes finished streams to @p strms, in any order, with result set. They may be of
	 * another compressor that shares the device.
	 * @return how many
	 */
	unsigned int (*poll)(void *priv, unsigned int lcore, struct zcomp_strm **strms,
	                     unsigned int nr);
};

extern const struct zcomp_ops zcomp_backend_lz4;
extern const struct zcomp_ops zcomp_backend_deflate;
extern const struct zcomp_ops zcomp_backend_null;

/** @return the built-in software backend of that name, which is its codec's, or NULL */
const struct zcomp_ops *zcomp_backend_by_name(const char *name);

/**
 * Makes a compressor with one per-lcore stream for each lcore and what the backend manages. A
 * backend that cannot manage streams costs a warning and its managed streams, not the compressor.
 * @param params copied; zstrm_mgmt is ignored
 * @return 0, -ENOMEM, -EINVAL (level or page size that the codec does not have, no lcore, depth, a
 *         codec that is not the backend's, or what the backend says)
 */
int zcomp_create(const struct zcomp_ops *ops, const struct zcomp_params *params,
                 struct zcomp **out);

/**
 * Adds a further backend, whose managed streams are used by turns with those of the others: several
 * devices for one compressor. Before any stream is taken.
 * @param dev as in struct zcomp_params, whose other members are those of zcomp_create()
 * @return as zcomp_create(), and -ENOSPC (ZCOMP_MANAGERS_MAX)
 */
int zcomp_add(struct zcomp *comp, const struct zcomp_ops *ops, struct zcomp_cdev *dev);

/** Frees all. Every stream has been put; a device that still has lost ones is stopped by now.
 * Accepts NULL. */
void zcomp_destroy(struct zcomp *comp);

/** @return a stream to fill, or NULL when the preference has none free now */
struct zcomp_strm *zcomp_stream_get(struct zcomp *comp, unsigned int lcore, enum zstrm_pref pref);

/** Gives a stream back to where it came from: unsubmitted, or after zcomp_poll() returned it. */
void zcomp_stream_put(struct zcomp_strm *strm);

/**
 * Starts a burst. All streams are of @p comp and @p lcore, of either kind, mixed as they come; each
 * run of managed ones is one doorbell. A page on the per-lcore stream is compressed before the
 * return.
 * @return how many were taken: a prefix. The rest is still the caller's, filled, to submit again or
 *         to put.
 */
unsigned int zcomp_submit(struct zcomp *comp, unsigned int lcore, struct zcomp_strm **strms,
                          unsigned int nr);

/**
 * Collects finished streams, in any order. Compressors that share a device find each
 * other's managed streams: strm->comp tells. Each compressor finds its own per-lcore stream only.
 * A page that its device does not return in time comes back with -EIO, once and for all.
 * @return how many
 */
unsigned int zcomp_poll(struct zcomp *comp, unsigned int lcore, struct zcomp_strm **strms,
                        unsigned int nr);

/** Counters of one lcore, written by that lcore alone; others may read them (relaxed). */
struct zcomp_stats {
	uint64_t managed;   /**< pages polled that went through managed streams */
	uint64_t percpu;    /**< pages polled that went through the per-lcore stream */
	uint64_t refused;   /**< the backends manage streams, one was wanted, none was free */
	uint64_t errors;    /**< results other than bytes and -ENOSPC */
	uint64_t in_flight; /**< managed streams submitted and not yet polled */
};

/** Copies the counters of one lcore, each by itself. Any thread. */
void zcomp_stats(const struct zcomp *comp, unsigned int lcore, struct zcomp_stats *out);

/** @return whether any backend manages streams (zstrm_mgmt). Any thread. */
bool zcomp_managed(const struct zcomp *comp);

/** @return whether a backend manages streams of a device that is not suspect, and that has not lost
 *          all of them but the spare: whether it pays to wait for one. The lcore. */
bool zcomp_healthy(const struct zcomp *comp, unsigned int lcore);

/** How long a page is expected to take, in nanoseconds; 0 = not known, or not any more. */
struct zcomp_expected {
	uint64_t managed_ns;  /**< of the device that is next: from submission to completion */
	uint64_t backlog_ns;  /**< of that device: for the last of the pages that it has now */
	uint64_t software_ns; /**< of the per-lcore stream */
	uint64_t faded_ns;    /**< what is to be taken off managed_ns; see zcomp_expected_fade() */
	bool idle;            /**< that device has nothing at all, and has refused nothing */
};

/** @return what is expected of the next page. The lcore. */
struct zcomp_expected zcomp_expected(const struct zcomp *comp, unsigned int lcore);

/**
 * Keeps a device in mind that is too slow: each page that it does not get for that takes a 32nd of
 * the page's own time off what is expected. A device slower by N pages is so tried again after
 * 32 * N, which costs a 32nd at most. The lcore.
 * @param tried the page does go to the device, to see: begins anew
 */
void zcomp_expected_fade(struct zcomp *comp, unsigned int lcore, bool tried);

/** @return the time of the compressor's clock */
uint64_t zcomp_now_ns(const struct zcomp *comp);

/** @return the name of the first backend that manages streams, or of the only one. Any thread. */
const char *zcomp_name(const struct zcomp *comp);

#endif
