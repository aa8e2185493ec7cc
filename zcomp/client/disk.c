/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Disks: made and removed by the administrator's requests, opened into a mapping that outlives the
 * service. Any thread. A disk lives until its last queue is destroyed.
 */

#include "client/zcl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "client/client_private.h"

#define JSON_LEN 512

static_assert(ZCL_OPEN_RDONLY == ZWIRE_OPEN_RDONLY, "passed through");
static_assert(ZCL_DISK_PRECOMP == ZARENA_PRECOMP, "passed through");
static_assert(sizeof(((struct zcl_disk_stat *)NULL)->algorithm) == ZARENA_NAME_LEN, "copied");

/* So strict that it needs no quoting in JSON. */
static bool
algorithm_valid(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                              "0123456789:=,._-";
	size_t len = strlen(text);

	return len > 0 && len < ZARENA_NAME_LEN && strspn(text, allowed) == len;
}

/* Sends a request of the administrator whose reply's header says it all. */
static int
request_admin(struct zcl *zc, const char *json)
{
	size_t len = strlen(json);
	int ret;

	ret = client_lock(zc);
	if (ret != 0)
		return ret;
	client_msg_init(zc, ZWIRE_ADMIN);
	memcpy(zc->msg.admin.text, json, len);
	zc->msg.hdr.len = (uint32_t)(sizeof(zc->msg.hdr) + len);
	ret = client_request(zc, NULL);
	client_unlock(zc);
	return ret;
}

/* Appends `,"key":value` unless the value is 0. */
static size_t
append_number(char *json, size_t len, const char *key, uint64_t value)
{
	if (value == 0)
		return len;
	return len + (size_t)snprintf(json + len, JSON_LEN - len, ",\"%s\":%" PRIu64, key, value);
}

int
zcl_disk_create(struct zcl *zc, const char *name, const struct zcl_disk_opts *from)
{
	struct zcl_disk_opts opts;
	char json[JSON_LEN];
	size_t len;
	int ret;

	ret = client_opts_take(&opts, sizeof(opts), sizeof(opts), from);
	if (ret != 0)
		return ret;
	if (!zc_name_valid(name) || opts.pages == 0 ||
	    (opts.algorithm != NULL && !algorithm_valid(opts.algorithm)))
		return -EINVAL;
	len = (size_t)snprintf(json, sizeof(json), "{\"cmd\":\"create\",\"disk\":\"%s\"", name);
	if (opts.algorithm != NULL)
		len += (size_t)snprintf(json + len, sizeof(json) - len, ",\"algorithm\":\"%s\"",
		                        opts.algorithm);
	len = append_number(json, len, "pages", opts.pages);
	len = append_number(json, len, "mem_limit", opts.mem_limit);
	len = append_number(json, len, "mode", opts.mode);
	len = append_number(json, len, "flags", opts.flags);
	len = append_number(json, len, "page_size", opts.page_size);
	snprintf(json + len, sizeof(json) - len, "}");
	return request_admin(zc, json);
}

int
zcl_disk_remove(struct zcl *zc, const char *name)
{
	char json[JSON_LEN];

	if (!zc_name_valid(name))
		return -EINVAL;
	snprintf(json, sizeof(json), "{\"cmd\":\"remove\",\"disk\":\"%s\"}", name);
	return request_admin(zc, json);
}

/* Opens a disk in the session. Lock held. The descriptors, slots and objs, are the caller's. */
static int
request_open(struct zcl_disk *disk, int fds[2])
{
	struct zcl *zc = disk->zc;
	int ret;

	client_msg_init(zc, ZWIRE_DISK_OPEN);
	zc->msg.disk_open.flags = disk->flags;
	zc->msg.disk_open.page_size = disk->page_size;
	memcpy(zc->msg.disk_open.name, disk->name, sizeof(disk->name));
	ret = client_request(zc, fds);
	if (ret == 0)
		disk->disk_id = zc->msg.disk_open_reply.disk_id;
	return ret;
}

static void
request_close(struct zcl_disk *disk)
{
	struct zcl *zc = disk->zc;

	client_msg_init(zc, ZWIRE_DISK_CLOSE);
	zc->msg.disk_close.disk_id = disk->disk_id;
	/* Where it fails there is no session, or soon none, and with it goes the disk. */
	(void)client_request(zc, NULL);
}

/* Opens a disk and maps its arena. Lock held. */
static int
attach(struct zcl_disk *disk)
{
	int fds[2], ret;

	ret = request_open(disk, fds);
	if (ret != 0)
		return ret;
	ret = zreader_init(&disk->reader, fds[0], fds[1]);
	close(fds[0]);
	if (ret != 0) {
		close(fds[1]);
	} else if (disk->reader.page_size != disk->page_size) {
		zreader_fini(&disk->reader);
		ret = -EPROTO;
	}
	if (ret != 0)
		request_close(disk);
	return ret;
}

/* @return 0 when a new description of the slots is of the arena that is mapped */
static int
check_same_arena(const struct zcl_disk *disk, int slots_fd)
{
	const struct zreader *r = &disk->reader;
	struct zarena_super super;

	if (pread(slots_fd, &super, sizeof(super), 0) != (ssize_t)sizeof(super))
		return -ESTALE;
	if (super.magic != ZARENA_MAGIC || memcmp(super.nonce, r->nonce, sizeof(r->nonce)) != 0)
		return -ESTALE;
	return 0;
}

int
client_disk_reopen(struct zcl_disk *disk)
{
	int fds[2], ret;

	ret = request_open(disk, fds);
	if (ret == 0) {
		ret = check_same_arena(disk, fds[0]);
		close(fds[0]);
		close(fds[1]);
		if (ret != 0)
			request_close(disk);
	} else if (ret == -ENOENT || ret == -EINVAL) {
		ret = -ESTALE;
	}
	disk->open_error = ret;
	return ret;
}

static int
take_open_opts(struct zcl_disk *disk, const struct zcl_open_opts *from)
{
	struct zcl_open_opts opts;
	int ret;

	ret = client_opts_take(&opts, sizeof(opts), sizeof(opts), from);
	if (ret != 0)
		return ret;
	if (opts.page_size == 0)
		opts.page_size = ZWIRE_PAGE_SIZE;
	if ((opts.flags & ~ZCL_OPEN_RDONLY) != 0 || opts.page_size < 1024 ||
	    opts.page_size > ZSLOT_LEN_MAX || (opts.page_size & (opts.page_size - 1)) != 0)
		return -EINVAL;
	disk->flags = opts.flags;
	disk->page_size = opts.page_size;
	return 0;
}

/* Enters a disk into its connection, once it is open. */
static int
enter(struct zcl_disk *disk)
{
	struct zcl *zc = disk->zc;
	int ret;

	ret = client_lock(zc);
	if (ret != 0)
		return ret;
	ret = attach(disk);
	if (ret == 0) {
		disk->next = zc->disks;
		zc->disks = disk;
		zc->refs++;
	}
	client_unlock(zc);
	return ret;
}

int
zcl_disk_open_opts(struct zcl *zc, const char *name, const struct zcl_open_opts *opts,
                   struct zcl_disk **out)
{
	struct zcl_disk *disk;
	int ret;

	if (!zc_name_valid(name))
		return -EINVAL;
	disk = (struct zcl_disk *)calloc(1, sizeof(*disk));
	if (disk == NULL)
		return -ENOMEM;
	disk->zc = zc;
	disk->refs = 1;
	snprintf(disk->name, sizeof(disk->name), "%s", name);
	ret = take_open_opts(disk, opts);
	if (ret == 0)
		ret = enter(disk);
	if (ret != 0) {
		free(disk);
		return ret;
	}
	*out = disk;
	return 0;
}

int
zcl_disk_open(struct zcl *zc, const char *name, struct zcl_disk **out)
{
	return zcl_disk_open_opts(zc, name, NULL, out);
}

static void
leave(struct zcl_disk *disk)
{
	struct zcl_disk **link = &disk->zc->disks;

	while (*link != disk)
		link = &(*link)->next;
	*link = disk->next;
	if (disk->open_error == 0)
		request_close(disk);
}

int
client_disk_get(struct zcl_disk *disk)
{
	int ret;

	ret = client_lock(disk->zc);
	if (ret != 0)
		return ret;
	disk->refs++;
	client_unlock(disk->zc);
	return 0;
}

void
client_disk_put(struct zcl_disk *disk)
{
	struct zcl *zc = disk->zc;
	bool locked = client_lock(zc) == 0;
	bool last = --disk->refs == 0;

	/* In a forked child the list and the session are the parent's business. */
	if (last && locked)
		leave(disk);
	if (locked)
		client_unlock(zc);
	if (!last)
		return;
	zreader_fini(&disk->reader);
	free(disk);
	client_put(zc);
}

void
zcl_disk_close(struct zcl_disk *disk)
{
	if (disk != NULL)
		client_disk_put(disk);
}

uint64_t
zcl_disk_pages(const struct zcl_disk *disk)
{
	return disk->reader.pages;
}

uint32_t
zcl_disk_page_size(const struct zcl_disk *disk)
{
	return disk->page_size;
}

static void
read_stat(struct zcl_disk *disk, struct zcl_disk_stat *st)
{
	const struct zarena_super *super = disk->reader.super;
	const struct zarena_stat *from = &super->stat;

	st->page_size = disk->page_size;
	st->pages = zc_load_relaxed(&super->pages);
	st->pages_stored = zc_load_relaxed(&from->pages_stored);
	st->orig_data_size = st->pages_stored * disk->page_size;
	st->compr_data_size = zc_load_relaxed(&from->compr_data_size);
	st->mem_used = zc_load_relaxed(&from->mem_used);
	st->mem_limit = zc_load_relaxed(&from->mem_limit);
	st->mem_used_max = zc_load_relaxed(&from->mem_used_max);
	st->same_pages = zc_load_relaxed(&from->same_pages);
	st->huge_pages = zc_load_relaxed(&from->huge_pages);
	st->huge_pages_since = zc_load_relaxed(&from->huge_pages_since);
	st->pages_compacted = zc_load_relaxed(&from->pages_compacted);
	st->bd_count = zc_load_relaxed(&from->bd_count);
	st->bd_reads = zc_load_relaxed(&from->bd_reads);
	st->bd_writes = zc_load_relaxed(&from->bd_writes);
	st->failed_loads =
	        zc_load_relaxed(&from->failed_loads) + zc_load_relaxed(&disk->failed_loads);
	st->failed_stores = zc_load_relaxed(&from->failed_stores);
	st->discards = zc_load_relaxed(&from->discards);
	memcpy(st->algorithm, super->algorithm, sizeof(st->algorithm) - 1);
}

int
zcl_disk_stat(struct zcl_disk *disk, struct zcl_disk_stat *st)
{
	size_t sz = st->sz;
	int ret;

	if (!client_at_home(disk->zc))
		return -EPERM;
	if (sz < sizeof(*st))
		return -EINVAL;
	ret = zreader_check_live(&disk->reader);
	if (ret != 0)
		return ret;
	memset(st, 0, sz);
	st->sz = sz;
	read_stat(disk, st);
	return 0;
}
