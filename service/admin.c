/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The admin protocol: {"cmd":"stat","disk":"x"} and its like. Jansson reads and writes the JSON; a
 * command is a function in the table at the end. Main lcore.
 */

#include "admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/parse.h"
#include "stats.h"
#include "zd.h"

/** One request on its way. */
struct request {
	struct zd *zd;
	const struct zd_creds *who;
	json_t *in;
	json_t *out;
	struct zd_disk *later; /* the reply waits for its compaction */
	char why[ZD_WHY_LEN];  /* what was wrong; empty: the errno says it */
};

static void
add_number(void *ctx, const char *name, uint64_t value)
{
	json_object_set_new((json_t *)ctx, name, json_integer((json_int_t)value));
}

static json_t *
disk_json(const struct zd_disk *disk)
{
	const struct zarena_super *super = zstore_super(disk->store);
	char policy[ZCOMP_POLICY_LEN];
	json_t *out;

	zd_disk_policy_text(disk, policy);
	out = json_pack("{s:s, s:s, s:s, s:i}", "disk", super->name, "algorithm", super->algorithm,
	                "policy", policy, "open", (int)disk->refs);
	if (out != NULL)
		zd_stats_disk(disk, add_number, out);
	return out;
}

/* The disk that the request names. @return NULL with the error in *ret */
static const char *
disk_name(struct request *r, int *ret)
{
	const char *name = json_string_value(json_object_get(r->in, "disk"));

	if (name == NULL) {
		snprintf(r->why, sizeof(r->why), "\"disk\" must name a disk");
		*ret = -EINVAL;
	}
	return name;
}

static int
on_list(struct request *r)
{
	json_t *disks = json_array();
	struct zd_disk *disk;

	LIST_FOREACH (disk, &r->zd->disks.all, link) {
		if (zd_disk_may(disk, r->who, 4))
			json_array_insert_new(disks, 0, disk_json(disk));
	}
	return json_object_set_new(r->out, "disks", disks) == 0 ? 0 : -ENOMEM;
}

static int
on_stat(struct request *r)
{
	struct zd_disk *disk;
	const char *name;
	json_t *one;
	int ret = 0;

	if (json_object_get(r->in, "disk") == NULL)
		return on_list(r);
	name = disk_name(r, &ret);
	if (name == NULL)
		return ret;
	disk = zd_disk_find(&r->zd->disks, name);
	if (disk == NULL) {
		snprintf(r->why, sizeof(r->why), "no disk '%.63s'", name);
		return -ENOENT;
	}
	if (!zd_disk_may(disk, r->who, 4)) {
		snprintf(r->why, sizeof(r->why), "user %u may not read disk '%s'", r->who->uid,
		         name);
		return -EACCES;
	}
	one = disk_json(disk);
	ret = json_object_update(r->out, one) == 0 ? 0 : -ENOMEM;
	json_decref(one);
	return ret;
}

/* A number or a text, as zd_disk_opts_set() wants it: text. */
static int
set_from_json(struct request *r, struct zd_disk_opts *opts, const char *key, const json_t *value)
{
	char number[32];

	if (json_is_string(value))
		return zd_disk_opts_set(opts, key, json_string_value(value), r->why);
	if (json_is_integer(value)) {
		/* A person writes a mode in octal, a program's number is the mode itself. */
		snprintf(number, sizeof(number), strcmp(key, "mode") == 0 ? "%llo" : "%lld",
		         (long long)json_integer_value(value));
		return zd_disk_opts_set(opts, key, number, r->why);
	}
	snprintf(r->why, sizeof(r->why), "\"%.63s\" must be a number or a string", key);
	return -EINVAL;
}

static int
on_create(struct request *r)
{
	struct zd_disk_opts opts;
	const char *key, *name;
	json_t *value;
	int ret = 0;

	/* A disk takes memory of the machine. */
	if (!r->zd->opts.anyone_creates && !zd_creds_privileged(r->who)) {
		snprintf(r->why, sizeof(r->why),
		         "user %u may not create disks; root and user %u may, or with "
		         "--anyone-creates everybody",
		         r->who->uid, (unsigned int)geteuid());
		return -EACCES;
	}
	zd_disk_opts_init(&opts);
	name = disk_name(r, &ret);
	if (name == NULL)
		return ret;
	if (strlen(name) >= sizeof(opts.name)) {
		snprintf(r->why, sizeof(r->why), "the name '%.40s...' is longer than 63", name);
		return -EINVAL;
	}
	strcpy(opts.name, name);
	json_object_foreach (r->in, key, value) {
		if (strcmp(key, "cmd") == 0 || strcmp(key, "disk") == 0)
			continue;
		ret = set_from_json(r, &opts, key, value);
		if (ret != 0)
			return ret;
	}
	return zd_disk_create(&r->zd->disks, &opts, r->who, r->why);
}

static int
on_remove(struct request *r)
{
	int ret = 0;
	const char *name = disk_name(r, &ret);

	return name != NULL ? zd_disk_remove(&r->zd->disks, name, r->who, r->why) : ret;
}

static int
on_compact(struct request *r)
{
	int ret = 0;
	const char *name = disk_name(r, &ret);

	return name != NULL ? zd_disk_compact(&r->zd->disks, name, r->who, &r->later, r->why) : ret;
}

/* What of a disk can be changed: its policy. */
static int
on_set(struct request *r)
{
	struct zd_disk_opts opts = {.has_policy = false};
	const char *key, *name;
	json_t *value;
	int ret = 0;

	name = disk_name(r, &ret);
	if (name == NULL)
		return ret;
	json_object_foreach (r->in, key, value) {
		if (strcmp(key, "cmd") == 0 || strcmp(key, "disk") == 0)
			continue;
		if (strcmp(key, "policy") != 0) {
			snprintf(r->why, sizeof(r->why),
			         "'%.63s' of a disk cannot be changed; policy can", key);
			return -EINVAL;
		}
		ret = set_from_json(r, &opts, key, value);
		if (ret != 0)
			return ret;
	}
	if (!opts.has_policy) {
		snprintf(r->why, sizeof(r->why), "what is to be set: policy");
		return -EINVAL;
	}
	return zd_disk_set_policy(&r->zd->disks, name, &opts.policy, r->who, r->why);
}

static int
on_info(struct request *r)
{
	const struct zd_compressors *c = &r->zd->compressors;
	json_t *workers = json_array(), *streams = json_array(), *devices = json_array(), *one;

	for (unsigned int i = 0; i < r->zd->nr_workers; i++) {
		one = json_object();
		zd_stats_worker(r->zd->workers[i], add_number, one);
		json_array_append_new(workers, one);
	}
	for (unsigned int i = 0; i < c->nr; i++) {
		one = json_pack("{s:s, s:s, s:i}", "backend", zcomp_name(c->entries[i].comp),
		                "algorithm", c->entries[i].codec->name, "level",
		                (int)c->entries[i].level);
		zd_stats_streams(c, i, add_number, one);
		json_array_append_new(streams, one);
	}
	for (unsigned int i = 0; i < c->nr_devices; i++) {
		one = json_pack("{s:s}", "device", c->device_names[i]);
		zd_stats_device(c, i, add_number, one);
		json_array_append_new(devices, one);
	}
	json_object_set_new(r->out, "version", json_string(ZCOMPD_VERSION));
	json_object_set_new(r->out, "pid", json_integer(getpid()));
	json_object_set_new(r->out, "workers", workers);
	json_object_set_new(r->out, "devices", devices);
	return json_object_set_new(r->out, "streams", streams) == 0 ? 0 : -ENOMEM;
}

static const struct {
	const char *name;
	int (*fn)(struct request *r);
} commands[] = {
        {"list", on_list},     {"stat", on_stat}, {"create", on_create},   {"set", on_set},
        {"remove", on_remove}, {"info", on_info}, {"compact", on_compact},
};

static int
dispatch(struct request *r)
{
	const char *cmd = json_string_value(json_object_get(r->in, "cmd"));

	if (cmd == NULL) {
		snprintf(r->why, sizeof(r->why),
		         "a request is an object with \"cmd\": \"list\", \"stat\", \"create\", "
		         "\"set\", \"remove\", \"compact\" or \"info\"");
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(cmd, commands[i].name) == 0)
			return commands[i].fn(r);
	}
	snprintf(r->why, sizeof(r->why),
	         "no command '%.63s'; there are list, stat, create, set, remove, compact, info",
	         cmd);
	return -EOPNOTSUPP;
}

/* Makes the reply of what a command left, and writes it. */
static int
write_reply(struct request *r, int ret, char *text, size_t *len, size_t room)
{
	if (ret != 0) {
		json_object_clear(r->out);
		json_object_set_new(r->out, "error", json_integer(ret));
		/* A message that was cut inside a character is no string of JSON. */
		if (r->why[0] == '\0' ||
		    json_object_set_new(r->out, "message", json_string(r->why)) != 0)
			json_object_set_new(r->out, "message", json_string(strerror(-ret)));
	}
	json_object_set_new(r->out, "ok", json_boolean(ret == 0));
	*len = json_dumpb(r->out, text, room, JSON_COMPACT);
	if (*len == 0 || *len > room) {
		ret = -E2BIG;
		*len = (size_t)snprintf(text, room,
		                        "{\"ok\":false,\"error\":%d,\"message\":\"the reply does "
		                        "not fit in %zu bytes\"}",
		                        ret, room);
	}
	return ret;
}

int
zd_admin(struct zd *zd, const struct zd_creds *who, char *text, size_t *len, size_t room,
         struct zd_disk **later)
{
	struct request r = {.zd = zd, .who = who, .out = json_object()};
	json_error_t error;
	int ret;

	r.in = json_loadb(text, *len, JSON_REJECT_DUPLICATES, &error);
	if (r.in == NULL) {
		snprintf(r.why, sizeof(r.why), "not JSON: %.120s at byte %d", error.text,
		         error.position);
		ret = -EINVAL;
	} else {
		ret = dispatch(&r);
	}
	if (ret == 0)
		*later = r.later;
	if (*later == NULL)
		ret = write_reply(&r, ret, text, len, room);
	json_decref(r.in);
	json_decref(r.out);
	return ret;
}

void
zd_admin_compacted(const struct zd_disk *disk, int error, char *text, size_t *len)
{
	const struct zarena_super *super = zstore_super(disk->store);
	struct request r = {.out = json_pack("{s:s}", "disk", super->name)};

	if (error != 0)
		snprintf(r.why, sizeof(r.why), "disk '%s' was removed meanwhile", super->name);
	add_number(r.out, "pages_compacted",
	           zc_load_relaxed(&super->stat.pages_compacted) - disk->compact_from);
	add_number(r.out, "mem_used", zc_load_relaxed(&super->stat.mem_used));
	add_number(r.out, "compr_data_size", zc_load_relaxed(&super->stat.compr_data_size));
	(void)write_reply(&r, error, text, len, *len);
	json_decref(r.out);
}
