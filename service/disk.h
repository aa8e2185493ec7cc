/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_DISK_H
#define ZD_DISK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "comp/policy.h"
#include "creds.h"
#include "store/store.h"

struct zd_compressors;
struct zd_mailbox;

/** A disk. Workers use `store`, `compressor` and `policy`; the rest is the main lcore's. */
struct zd_disk {
	LIST_ENTRY(zd_disk) link;
	struct zstore *store;
	unsigned int compressor; /**< index in zd_compressors */
	uint64_t policy;         /**< zcomp_policy_pack(); atomic: changed while workers read it */
	unsigned int refs;       /**< sessions' handles */
	uint32_t populate_asked; /**< a worker has asked; atomic */
	uint64_t removed_ns;     /**< when it was removed */
	uint64_t compact_from;   /**< pages_compacted when it was asked for */
	bool compacting;         /**< zd_compact_run() has to do with it */
	bool compact_asked;      /**< at once: sessions wait for the end of it */
	bool populate_failed;    /**< the tmpfs is full, and that has been said */
};

/** All disks. Made and removed by the main lcore; others look under `lock`. */
struct zd_disks {
	LIST_HEAD(, zd_disk) all;
	LIST_HEAD(, zd_disk) removed; /**< linger for clients in the middle of a load */
	pthread_mutex_t lock;
	struct zd_compressors *compressors;
	struct zcomp_policy policy; /**< of disks that were given none */
	int dirfd;
};

/** What a disk is made with, as the command line, the configuration and clients give it. */
struct zd_disk_opts {
	char name[ZARENA_NAME_LEN];
	char algorithm[ZARENA_NAME_LEN];
	uint64_t size; /**< bytes; 0 = by pages */
	uint64_t pages;
	uint64_t mem_limit;
	uint32_t page_size;
	uint32_t mode;
	uint32_t flags;
	struct zcomp_policy policy;
	bool has_policy; /**< else it is the service's */
};

#define ZD_WHY_LEN 256

/** Fills in the defaults: lz4, 4 KiB, mode 0600. */
void zd_disk_opts_init(struct zd_disk_opts *opts);

/**
 * Sets one option by its key, a field's name.
 * @param why ZD_WHY_LEN bytes: what is wrong and what would be right
 * @return 0 or -EINVAL
 */
int zd_disk_opts_set(struct zd_disk_opts *opts, const char *key, const char *value, char *why);

/** Reads NAME=SIZE[,key=value]..., as `--disk` has it. @return 0 or -EINVAL, with @p why */
int zd_disk_opts_parse(struct zd_disk_opts *opts, const char *text, char *why);

/**
 * Opens the state directory's disks, whatever an earlier service left.
 * @param policy of disks that say nothing about it
 * @return 0, or a negative errno; a disk that cannot be read is logged and left alone
 */
int zd_disks_init(struct zd_disks *disks, int dirfd, struct zd_compressors *compressors,
                  const struct zcomp_policy *policy);

/** Closes all disks; their arenas stay. */
void zd_disks_fini(struct zd_disks *disks);

/** Creates a disk that @p owner owns. @return 0, -EEXIST, -EINVAL, -ENOMEM ..., with @p why */
int zd_disk_create(struct zd_disks *disks, const struct zd_disk_opts *opts,
                   const struct zd_creds *owner, char *why);

/** Removes a disk that nobody has open. @return 0, -ENOENT, -EBUSY, -EACCES, with @p why */
int zd_disk_remove(struct zd_disks *disks, const char *name, const struct zd_creds *who, char *why);

/** @return the disk or NULL. Main lcore, or with `lock` held. */
struct zd_disk *zd_disk_find(struct zd_disks *disks, const char *name);

/**
 * Changes how a disk's stores use devices, from now on and as long as the service lives. Main
 * lcore.
 * @return 0, -ENOENT, -EACCES (not its owner), with @p why
 */
int zd_disk_set_policy(struct zd_disks *disks, const char *name, const struct zcomp_policy *policy,
                       const struct zd_creds *who, char *why);

/**
 * Has a disk compacted at once, by zd_compact_run(). Main lcore.
 * @param out the disk, for zd_session_compacted()
 * @return 0, -ENOENT, -EACCES (not its owner), with @p why
 */
int zd_disk_compact(struct zd_disks *disks, const char *name, const struct zd_creds *who,
                    struct zd_disk **out, char *why);

/** Writes the disk's policy, in ZCOMP_POLICY_LEN bytes. Any thread. */
void zd_disk_policy_text(const struct zd_disk *disk, char *text);

/** @return whether @p who may do what the bits @p want (4 = load, 2 = store) say */
bool zd_disk_may(const struct zd_disk *disk, const struct zd_creds *who, unsigned int want);

/** Worker: asks the main lcore for memory, once until it has been. */
void zd_disk_ask_populate(struct zd_disk *disk, struct zd_mailbox *main_lcore);

/** Main lcore: gets memory ready for disks that asked, or for all; ends what was removed 10 s ago.
 */
void zd_disks_maintain(struct zd_disks *disks, bool all);

#endif
