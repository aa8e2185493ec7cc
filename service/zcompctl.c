/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * zcompctl: the administrator's tool. It speaks JSON to the service through zcl_admin() and shows
 * the reply as a table, or as it is with --json.
 */

#include <argp.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "client/zcl.h"

#define REPLY_MAX 65536

struct options {
	const char *socket;
	struct zcl_opts connect;
	bool json;
	char **args;
	int nr_args;
};

static const struct argp_option option_table[] = {
        {"socket", 's', "PATH", 0, "The service's socket (default: as zcompd's)", 0},
        {"user", 'u', "UID", 0, "The service may be this user's, besides root's and yours", 0},
        {"json", 'j', NULL, 0, "Print the service's reply as it is", 0},
        {0},
};

/* Read by libc, and so not hidden as everything else. */
__attribute__((visibility("default"))) const char *argp_program_version =
        "zcompctl " ZCOMPD_VERSION;

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *opts = (struct options *)state->input;
	unsigned long user;
	char *end;

	switch (key) {
	case 's':
		opts->socket = arg;
		return 0;
	case 'u':
		user = strtoul(arg, &end, 10);
		if (end == arg || *end != '\0' || user > UINT32_MAX)
			argp_error(state, "--user: '%s' is not the number of a user", arg);
		opts->connect.flags |= ZCL_ALLOW_USER;
		opts->connect.user = (uint32_t)user;
		return 0;
	case 'j':
		opts->json = true;
		return 0;
	case ARGP_KEY_ARGS:
		opts->args = state->argv + state->next;
		opts->nr_args = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(
		        state,
		        "a command is missing: list, stat, create, set, remove, compact or info");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int
wrong_usage(const char *what, const char *usage)
{
	fprintf(stderr, "zcompctl: %s; usage: zcompctl %s\n", what, usage);
	return 2;
}

/* Bytes as a person reads them. */
static const char *
human(uint64_t bytes, char buf[32])
{
	static const char units[] = "BKMGTP";
	double value = (double)bytes;
	unsigned int unit = 0;

	for (; value >= 1024 && unit < 5; unit++)
		value /= 1024;
	snprintf(buf, 32, unit == 0 ? "%.0f%c" : "%.1f%c", value, units[unit]);
	return buf;
}

static uint64_t
number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void
print_list(const json_t *reply)
{
	const json_t *disk;
	size_t i;

	printf("%-20s %-16s %8s %8s %8s %8s %6s %8s %8s\n", "NAME", "ALGORITHM", "SIZE", "DATA",
	       "COMPR", "USED", "RATIO", "SAME", "HUGE");
	json_array_foreach (json_object_get(reply, "disks"), i, disk) {
		uint64_t data = number(disk, "orig_data_size"), used = number(disk, "mem_used");
		char size_text[32], data_text[32], compr_text[32], used_text[32], ratio[32] = "-";

		if (used > 0)
			snprintf(ratio, sizeof(ratio), "%.2f", (double)data / (double)used);
		printf("%-20s %-16s %8s %8s %8s %8s %6s %8" PRIu64 " %8" PRIu64 "\n",
		       json_string_value(json_object_get(disk, "disk")),
		       json_string_value(json_object_get(disk, "algorithm")),
		       human(number(disk, "pages") * number(disk, "page_size"), size_text),
		       human(data, data_text), human(number(disk, "compr_data_size"), compr_text),
		       human(used, used_text), ratio, number(disk, "same_pages"),
		       number(disk, "huge_pages"));
	}
}

static void
print_fields(const json_t *reply, int indent)
{
	const char *key;
	json_t *value, *item;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)reply, key, value) {
		if (strcmp(key, "ok") == 0)
			continue;
		if (json_is_string(value))
			printf("%*s%-18s %s\n", indent, "", key, json_string_value(value));
		else if (json_is_integer(value))
			printf("%*s%-18s %" PRIu64 "\n", indent, "", key, number(reply, key));
		json_array_foreach (value, i, item) {
			printf("%*s%s[%zu]\n", indent, "", key, i);
			print_fields(item, indent + 2);
		}
	}
}

/* Sends the request and shows the reply. @return the exit status */
static int
talk(const struct options *opts, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT), *buf = (char *)malloc(REPLY_MAX);
	struct zcl *zc = NULL;
	json_t *reply = NULL;
	int ret;

	/* What is not UTF-8 is no text of JSON. */
	if (text == NULL || buf == NULL) {
		fprintf(stderr, "zcompctl: the arguments are not UTF-8\n");
		json_decref(request);
		free(buf);
		free(text);
		return 2;
	}
	ret = zcl_connect(opts->socket, &opts->connect, &zc);
	if (ret == 0)
		ret = zcl_admin(zc, text, buf, REPLY_MAX);
	if (ret == 0)
		reply = json_loads(buf, 0, NULL);
	if (ret != 0) {
		fprintf(stderr, "zcompctl: no answer from the service at '%s': %s\n",
		        opts->socket != NULL ? opts->socket : "the default socket",
		        zcl_strerror(ret));
	} else if (!json_is_true(json_object_get(reply, "ok"))) {
		const char *message = json_string_value(json_object_get(reply, "message"));

		if (opts->json)
			puts(buf);
		fprintf(stderr, "zcompctl: %s\n", message != NULL ? message : buf);
	} else if (opts->json) {
		puts(buf);
	} else if (json_object_get(reply, "disks") != NULL) {
		print_list(reply);
	} else {
		print_fields(reply, 0);
	}
	ret = json_is_true(json_object_get(reply, "ok")) ? EXIT_SUCCESS : EXIT_FAILURE;
	json_decref(reply);
	json_decref(request);
	zcl_close(zc);
	free(buf);
	free(text);
	return ret;
}

/* Adds the arguments from @first on, which are key=value, and talks. @request is used up. */
static int
talk_with_pairs(const struct options *opts, int first, json_t *request, const char *usage)
{
	for (int i = first; i < opts->nr_args; i++) {
		char *value = strchr(opts->args[i], '=');

		if (value == NULL) {
			json_decref(request);
			return wrong_usage("an option of a disk is key=value", usage);
		}
		*value++ = '\0';
		if (json_object_get(request, opts->args[i]) != NULL ||
		    json_object_set_new(request, opts->args[i], json_string(value)) != 0) {
			json_decref(request);
			return wrong_usage("an option of a disk is given once, in UTF-8", usage);
		}
	}
	return talk(opts, request);
}

static int
create(const struct options *opts)
{
	static const char usage[] = "create NAME SIZE [key=value]...";

	if (opts->nr_args < 3)
		return wrong_usage("create needs a name and a size", usage);
	return talk_with_pairs(opts, 3,
	                       json_pack("{s:s, s:s, s:s}", "cmd", "create", "disk", opts->args[1],
	                                 "size", opts->args[2]),
	                       usage);
}

static int
set(const struct options *opts)
{
	static const char usage[] = "set NAME key=value...";

	if (opts->nr_args < 3)
		return wrong_usage("set needs a name and what to set", usage);
	return talk_with_pairs(opts, 2,
	                       json_pack("{s:s, s:s}", "cmd", "set", "disk", opts->args[1]), usage);
}

/* Waits for the end of it, however long it takes. */
static int
compact(const struct options *opts)
{
	struct options patient = *opts;

	if (opts->nr_args != 2)
		return wrong_usage("compact needs one name", "compact NAME");
	patient.connect.timeout_ms = -1;
	return talk(&patient, json_pack("{s:s, s:s}", "cmd", "compact", "disk", opts->args[1]));
}

static int
command(const struct options *opts)
{
	const char *cmd = opts->args[0];

	if (strcmp(cmd, "create") == 0)
		return create(opts);
	if (strcmp(cmd, "set") == 0)
		return set(opts);
	if (strcmp(cmd, "remove") == 0) {
		if (opts->nr_args != 2)
			return wrong_usage("remove needs one name", "remove NAME");
		return talk(opts, json_pack("{s:s, s:s}", "cmd", "remove", "disk", opts->args[1]));
	}
	if (strcmp(cmd, "compact") == 0)
		return compact(opts);
	if (strcmp(cmd, "stat") == 0) {
		if (opts->nr_args > 2)
			return wrong_usage("stat takes one name", "stat [NAME]");
		if (opts->nr_args == 2)
			return talk(opts,
			            json_pack("{s:s, s:s}", "cmd", "stat", "disk", opts->args[1]));
	}
	if (strcmp(cmd, "list") == 0 || strcmp(cmd, "stat") == 0 || strcmp(cmd, "info") == 0) {
		if (opts->nr_args > 1)
			return wrong_usage("list and info take no argument", "list | info");
		return talk(opts, json_pack("{s:s}", "cmd", cmd));
	}
	fprintf(stderr,
	        "zcompctl: no command '%s'; there are list, stat, create, set, remove, compact, "
	        "info\n",
	        cmd);
	return 2;
}

int
main(int argc, char **argv)
{
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "list\nstat [NAME]\ncreate NAME SIZE [key=value]...\nset NAME "
	                    "key=value...\nremove NAME\ncompact NAME\ninfo",
	        .doc = "Administers a zcompd service."
	               "\vSizes take K, M, G. Keys of a disk: algorithm, mem_limit, mode, "
	               "page_size, policy, precompressed; of them, policy can be set later; it "
	               "lasts"
	               " as long as the service. compact moves objects together, waits for the "
	               "end of it, and says how many pages of memory came free.",
	};
	struct options opts = {.connect = {.sz = sizeof(opts.connect)}};

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	return command(&opts);
}
