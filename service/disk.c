/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The registry of disks. Everything here is the main lcore's, but for zd_disk_ask_populate(). */

#include "disk.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "algorithm.h"
#include "base/atomic.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "codec/codec.h"
#include "compressors.h"
#include "mailbox.h"

/* A client that lost its session and is in the middle of a load gets -ENODEV, not SIGBUS. */
#define LINGER_NS 10000000000ull

/* Registers an opened store with its compressor. */
static int
adopt(struct zd_disks *disks, struct zstore *store, const struct zcomp_policy *policy)
{
	const struct zarena_super *super = zstore_super(store);
	const struct zcodec *codec = zcodec_by_id(super->codecs[0].id);
	struct zd_disk *disk;
	int compressor;

	if (codec == NULL)
		return -EPROTO;
	compressor = zd_compressors_get(disks->compressors, codec, super->codecs[0].level,
	                                super->page_size);
	if (compressor < 0)
		return compressor;
	disk = (struct zd_disk *)calloc(1, sizeof(*disk));
	if (disk == NULL)
		return -ENOMEM;
	disk->store = store;
	disk->compressor = (unsigned int)compressor;
	disk->policy = zcomp_policy_pack(policy);
	pthread_mutex_lock(&disks->lock);
	LIST_INSERT_HEAD(&disks->all, disk, link);
	pthread_mutex_unlock(&disks->lock);
	return 0;
}

static void
open_left(struct zd_disks *disks, const char *file)
{
	static const char suffix[] = ".slots";
	size_t len = strlen(file), stem = len - (sizeof(suffix) - 1);
	char name[ZARENA_NAME_LEN];
	struct zstore *store;
	int ret;

	if (len < sizeof(suffix) || stem >= sizeof(name) || strcmp(file + stem, suffix) != 0)
		return;
	memcpy(name, file, stem);
	name[stem] = '\0';
	ret = zstore_open(disks->dirfd, name, &store);
	if (ret == 0) {
		ret = adopt(disks, store, &disks->policy);
		if (ret != 0)
			zstore_close(store);
	}
	if (ret == 0)
		zc_info("disk '%s': taken over, %llu pages stored", name,
		        (unsigned long long)zstore_super(store)->stat.pages_stored);
	else
		zc_warn("disk '%s': cannot be taken over (%s); its files are left as they are",
		        name, strerror(-ret));
}

int
zd_disks_init(struct zd_disks *disks, int dirfd, struct zd_compressors *compressors,
              const struct zcomp_policy *policy)
{
	struct dirent *entry;
	DIR *dir;
	int fd;

	memset(disks, 0, sizeof(*disks));
	pthread_mutex_init(&disks->lock, NULL);
	disks->dirfd = dirfd;
	disks->compressors = compressors;
	disks->policy = *policy;
	fd = dup(dirfd);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		int ret = -errno;

		if (fd >= 0)
			close(fd);
		return ret;
	}
	while ((entry = readdir(dir)) != NULL)
		open_left(disks, entry->d_name);
	closedir(dir);
	return 0;
}

static void
free_disk(struct zd_disk *disk)
{
	LIST_REMOVE(disk, link);
	zstore_close(disk->store);
	free(disk);
}

void
zd_disks_fini(struct zd_disks *disks)
{
	if (disks->compressors == NULL)
		return;
	pthread_mutex_lock(&disks->lock);
	while (!LIST_EMPTY(&disks->all))
		free_disk(LIST_FIRST(&disks->all));
	while (!LIST_EMPTY(&disks->removed))
		free_disk(LIST_FIRST(&disks->removed));
	pthread_mutex_unlock(&disks->lock);
}

struct zd_disk *
zd_disk_find(struct zd_disks *disks, const char *name)
{
	struct zd_disk *disk;

	LIST_FOREACH (disk, &disks->all, link) {
		if (strcmp(zstore_super(disk->store)->name, name) == 0)
			return disk;
	}
	return NULL;
}

/* The number of pages, from pages or size. @return 0 when neither is usable */
static uint64_t
pages_of(const struct zd_disk_opts *opts)
{
	if (opts->pages != 0)
		return opts->pages;
	return opts->size / opts->page_size + (opts->size % opts->page_size != 0);
}

int
zd_disk_create(struct zd_disks *disks, const struct zd_disk_opts *opts,
               const struct zd_creds *owner, char *why)
{
	struct zstore_opts so = {
	        .name = opts->name,
	        .pages = pages_of(opts),
	        .page_size = opts->page_size,
	        .mem_limit = opts->mem_limit,
	        .algorithm = opts->algorithm,
	        .uid = owner->uid,
	        .gid = owner->gid,
	        .mode = opts->mode,
	        .flags = opts->flags,
	};
	struct zstore *store;
	int ret;

	if (!zc_name_valid(opts->name)) {
		snprintf(why, ZD_WHY_LEN,
		         "'%s' is no name of a disk: a letter or digit, then up to 62 of letters, "
		         "digits, '.', '_', '-'",
		         opts->name);
		return -EINVAL;
	}
	if (so.pages == 0) {
		snprintf(why, ZD_WHY_LEN, "disk '%s' needs a size of at least one page",
		         opts->name);
		return -EINVAL;
	}
	ret = zd_algorithm_parse(opts->algorithm, so.codecs, why, ZD_WHY_LEN);
	if (ret != 0)
		return ret;
	ret = zstore_create(disks->dirfd, &so, &store);
	if (ret == 0) {
		ret = adopt(disks, store, opts->has_policy ? &opts->policy : &disks->policy);
		if (ret != 0) {
			zstore_remove(store);
			zstore_close(store);
		}
	}
	if (ret == -EEXIST)
		snprintf(why, ZD_WHY_LEN, "disk '%s' exists", opts->name);
	else if (ret == -ENOMEM)
		snprintf(why, ZD_WHY_LEN, "no memory for a disk of %llu pages",
		         (unsigned long long)so.pages);
	else if (ret != 0)
		snprintf(why, ZD_WHY_LEN, "disk '%s' of %llu pages: %s", opts->name,
		         (unsigned long long)so.pages, strerror(-ret));
	return ret;
}

/* The disk, for who may administer it. @return 0, -ENOENT, -EACCES, with @why */
static int
find_own(struct zd_disks *disks, const char *name, const struct zd_creds *who, struct zd_disk **out,
         char *why)
{
	struct zd_disk *disk = zd_disk_find(disks, name);
	const struct zarena_super *super;

	if (disk == NULL) {
		snprintf(why, ZD_WHY_LEN, "no disk '%.63s'", name);
		return -ENOENT;
	}
	super = zstore_super(disk->store);
	if (who->uid != super->uid && !zd_creds_privileged(who)) {
		snprintf(why, ZD_WHY_LEN, "disk '%s' belongs to user %u, not to %u", name,
		         super->uid, who->uid);
		return -EACCES;
	}
	*out = disk;
	return 0;
}

int
zd_disk_set_policy(struct zd_disks *disks, const char *name, const struct zcomp_policy *policy,
                   const struct zd_creds *who, char *why)
{
	struct zd_disk *disk;
	int ret = find_own(disks, name, who, &disk, why);

	if (ret == 0)
		zc_store_relaxed(&disk->policy, zcomp_policy_pack(policy));
	return ret;
}

int
zd_disk_compact(struct zd_disks *disks, const char *name, const struct zd_creds *who,
                struct zd_disk **out, char *why)
{
	int ret = find_own(disks, name, who, out, why);

	if (ret != 0)
		return ret;
	if (!(*out)->compact_asked)
		(*out)->compact_from = zstore_super((*out)->store)->stat.pages_compacted;
	(*out)->compacting = true;
	(*out)->compact_asked = true;
	return 0;
}

void
zd_disk_policy_text(const struct zd_disk *disk, char *text)
{
	struct zcomp_policy policy = zcomp_policy_unpack(zc_load_relaxed(&disk->policy));

	zcomp_policy_format(&policy, text);
}

int
zd_disk_remove(struct zd_disks *disks, const char *name, const struct zd_creds *who, char *why)
{
	struct zd_disk *disk;
	int ret = find_own(disks, name, who, &disk, why);

	if (ret != 0)
		return ret;
	if (disk->refs > 0) {
		snprintf(why, ZD_WHY_LEN, "disk '%s' is open in %u places", name, disk->refs);
		return -EBUSY;
	}
	pthread_mutex_lock(&disks->lock);
	LIST_REMOVE(disk, link);
	LIST_INSERT_HEAD(&disks->removed, disk, link);
	pthread_mutex_unlock(&disks->lock);
	disk->removed_ns = zc_now_ns();
	zstore_remove(disk->store);
	return 0;
}

bool
zd_disk_may(const struct zd_disk *disk, const struct zd_creds *who, unsigned int want)
{
	const struct zarena_super *super = zstore_super(disk->store);

	return zd_creds_may(who, super->uid, super->gid, super->mode, want);
}

void
zd_disk_ask_populate(struct zd_disk *disk, struct zd_mailbox *main_lcore)
{
	if (zc_load_relaxed(&disk->populate_asked) != 0)
		return;
	/* What is asked for is in the store itself, under its own lock: this is but a hint. */
	zc_store_relaxed(&disk->populate_asked, 1);
	zd_mailbox_notify(main_lcore);
}

static void
populate(struct zd_disk *disk)
{
	int ret;

	zc_store_relaxed(&disk->populate_asked, 0);
	ret = zstore_populate(disk->store, zc_now_ns());
	if (ret != 0 && !disk->populate_failed)
		zc_warn("disk '%s': no more memory for its arena: stores that need some fail with "
		        "'%s' until pages are discarded or the tmpfs has room",
		        zstore_super(disk->store)->name, strerror(-ret));
	disk->populate_failed = ret != 0;
}

void
zd_disks_maintain(struct zd_disks *disks, bool all)
{
	struct zd_disk *disk, *next;
	uint64_t now = zc_now_ns();

	LIST_FOREACH (disk, &disks->all, link) {
		if (all || zc_load_relaxed(&disk->populate_asked) != 0)
			populate(disk);
	}
	for (disk = LIST_FIRST(&disks->removed); disk != NULL; disk = next) {
		next = LIST_NEXT(disk, link);
		if (now - disk->removed_ns > LINGER_NS)
			free_disk(disk);
	}
}
