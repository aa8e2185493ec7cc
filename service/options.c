/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The command line, by argp, which keeps the help text beside each option, and the configuration
 * file: a JSON object whose keys are the long options, read through the same parser.
 */

#include "options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/parse.h"

#define DEFAULT_DEVICE "compress_lz4"
#define HANG_MS_MAX    3600000u

enum option_key {
	KEY_SOCKET = 's',
	KEY_STATE_DIR = 'd',
	KEY_WORKERS = 'w',
	KEY_CONFIG = 'c',
	KEY_DEVICE = 256,
	KEY_BACKEND,
	KEY_PLUGIN_DIR,
	KEY_DISK,
	KEY_POLICY,
	KEY_HANG_MS,
	KEY_SOCKET_MODE,
	KEY_ANYONE_CREATES,
	KEY_HUGEPAGES,
	KEY_PCI,
};

static const struct argp_option option_table[] = {
        {"socket", KEY_SOCKET, "PATH", 0,
         "Unix socket for clients (default: $ZCOMPD_SOCKET; $XDG_RUNTIME_DIR/zcompd.sock; "
         "/run/zcompd/zcompd.sock for root; /dev/shm/zcompd-UID/sock)",
         0},
        {"socket-mode", KEY_SOCKET_MODE, "MODE", 0,
         "Permission bits of the socket, in octal (default: 600; disks have their own)", 0},
        {"state-dir", KEY_STATE_DIR, "DIR", 0,
         "Where the arenas lie, on tmpfs or hugetlbfs (default: /dev/shm/zcompd-UID)", 0},
        {"workers", KEY_WORKERS, "LIST", 0,
         "CPUs of the workers, as 1,3-5 (default: one worker on the last CPU)", 0},
        {"device", KEY_DEVICE, "NAME[,args]", 0,
         "A compressdev to use, made with these arguments; may be repeated. For lz4: "
         "compress_lz4; for deflate: compress_isal, compress_zlib; 'none': software only "
         "(default: " DEFAULT_DEVICE ")",
         0},
        {"backend", KEY_BACKEND, "NAME|PATH", 0,
         "A backend to load: manages the streams of its codec, in place of devices; may be "
         "repeated",
         0},
        {"plugin-dir", KEY_PLUGIN_DIR, "DIR", 0,
         "Where backends, and drivers that DPDK does not know, are (default: " ZCOMPD_LIB_DIR
         "/backends and " ZCOMPD_LIB_DIR "/drivers)",
         0},
        {"disk", KEY_DISK, "NAME=SIZE[,...]", 0,
         "A disk to create unless it is there; may be repeated. With key=value: algorithm, "
         "mem_limit, mode, "
         "page_size, precompressed, and policy, which a disk that is there takes on, too",
         0},
        {"policy", KEY_POLICY, "NAME", 0,
         "What a store does when no managed stream is free: inline, the worker compresses it "
         "(default); try, fails with EAGAIN; retry=US, waits so long, then inline; spill=N, so "
         "many "
         "pages wait, then inline; adaptive, whichever is done first; software, never uses one",
         0},
        {"hang-ms", KEY_HANG_MS, "MS", 0,
         "A page that a device keeps for so long, and 16 times its mean age, is given up and "
         "compressed by the worker (default: 100)",
         0},
        {"anyone-creates", KEY_ANYONE_CREATES, NULL, 0,
         "Whoever may connect may create disks, not only root and this user", 0},
        {"hugepages", KEY_HUGEPAGES, NULL, 0, "DPDK takes its memory from hugepages", 0},
        {"pci", KEY_PCI, NULL, 0,
         "DPDK looks for PCI devices; narrow it by '-- -a ADDRESS', name them by --device", 0},
        {"config", KEY_CONFIG, "FILE", 0,
         "A JSON object with these options as keys; a repeated option is a list", 0},
        {0},
};

/* Read by libc, and so not hidden as everything else. */
__attribute__((visibility("default"))) const char *argp_program_version = "zcompd " ZCOMPD_VERSION;

static void
add_cpus(struct zd_options *opts, struct argp_state *state, const char *list)
{
	char copy[256], *rest = copy, *range;

	if (snprintf(copy, sizeof(copy), "%s", list) >= (int)sizeof(copy))
		argp_error(state, "--workers: '%.40s...' is longer than %zu", copy,
		           sizeof(copy) - 1);
	while ((range = strsep(&rest, ",")) != NULL) {
		char *last_text = strchr(range, '-');
		uint64_t first = 0, last = 0;

		if (last_text != NULL)
			*last_text++ = '\0';
		if (zc_parse_u64(range, 4095, &first) != 0 ||
		    zc_parse_u64(last_text != NULL ? last_text : range, 4095, &last) != 0 ||
		    last < first)
			argp_error(state, "--workers: '%s' is not a list of CPUs such as 1,3-5",
			           list);
		for (uint64_t cpu = first; cpu <= last; cpu++) {
			if (opts->nr_cpus == ZD_WORKERS_MAX)
				argp_error(state, "--workers: more than %u", ZD_WORKERS_MAX);
			opts->cpus[opts->nr_cpus++] = (unsigned int)cpu;
		}
	}
}

static void
add_device(struct zd_options *opts, struct argp_state *state, const char *spec)
{
	bool none = strcmp(spec, "none") == 0;

	if (opts->nr_devices > 0 && (none || strcmp(opts->devices[0], "none") == 0))
		argp_error(state, "--device: 'none' stands alone");
	if (opts->nr_devices == ZD_DEVICES_MAX)
		argp_error(state, "--device: more than %u", ZD_DEVICES_MAX);
	opts->devices[opts->nr_devices++] = spec;
}

static void
add_backend(struct zd_options *opts, struct argp_state *state, const char *spec)
{
	if (*spec == '\0')
		argp_error(state, "--backend: '' is no name and no path");
	if (opts->nr_backends == ZD_BACKENDS_MAX)
		argp_error(state, "--backend: more than %u", ZD_BACKENDS_MAX);
	opts->backends[opts->nr_backends++] = spec;
}

static void
set_plugin_dir(struct zd_options *opts, const char *dir)
{
	opts->driver_dir = dir;
	opts->backend_dir = dir;
}

static void
add_disk(struct zd_options *opts, struct argp_state *state, const char *text)
{
	char why[ZD_WHY_LEN];

	if (opts->nr_disks == ZD_DISKS_MAX)
		argp_error(state, "--disk: more than %u", ZD_DISKS_MAX);
	if (zd_disk_opts_parse(&opts->disks[opts->nr_disks], text, why) != 0)
		argp_error(state, "--disk: %s", why);
	opts->nr_disks++;
}

static void
set_policy(struct zd_options *opts, struct argp_state *state, const char *name)
{
	if (zcomp_policy_parse(name, &opts->policy) != 0)
		argp_error(state, "--policy: '%s' is none of: %s; US up to %u, N up to %u", name,
		           ZCOMP_POLICY_SYNTAX, ZCOMP_RETRY_US_MAX, ZCOMP_SPILL_MAX);
}

static void
set_hang_ms(struct zd_options *opts, struct argp_state *state, const char *text)
{
	if (zc_parse_u64(text, HANG_MS_MAX, &opts->hang_ms) != 0 || opts->hang_ms == 0)
		argp_error(state, "--hang-ms: '%s' is not a number of milliseconds from 1 to %u",
		           text, HANG_MS_MAX);
}

static void
set_socket_mode(struct zd_options *opts, struct argp_state *state, const char *text)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (end == text || *end != '\0' || mode > 0777)
		argp_error(state, "--socket-mode: '%s' is not an octal mode such as 660", text);
	opts->socket_mode = (unsigned int)mode;
}

static void read_config(struct argp_state *state, const char *path);

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
	struct zd_options *opts = (struct zd_options *)state->input;

	switch (key) {
	case KEY_SOCKET:
		opts->socket = arg;
		break;
	case KEY_STATE_DIR:
		opts->state_dir = arg;
		break;
	case KEY_WORKERS:
		opts->nr_cpus = 0;
		add_cpus(opts, state, arg);
		break;
	case KEY_DEVICE:
		add_device(opts, state, arg);
		break;
	case KEY_BACKEND:
		add_backend(opts, state, arg);
		break;
	case KEY_PLUGIN_DIR:
		set_plugin_dir(opts, arg);
		break;
	case KEY_DISK:
		add_disk(opts, state, arg);
		break;
	case KEY_POLICY:
		set_policy(opts, state, arg);
		break;
	case KEY_HANG_MS:
		set_hang_ms(opts, state, arg);
		break;
	case KEY_SOCKET_MODE:
		set_socket_mode(opts, state, arg);
		break;
	case KEY_ANYONE_CREATES:
		opts->anyone_creates = true;
		break;
	case KEY_HUGEPAGES:
		opts->hugepages = true;
		break;
	case KEY_PCI:
		opts->pci = true;
		break;
	case KEY_CONFIG:
		read_config(state, arg);
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is no option; arguments of the EAL follow '--'", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void
apply_config_value(struct argp_state *state, const char *path, const char *key, const json_t *value)
{
	const struct argp_option *o = option_table;

	while (o->name != NULL && strcmp(o->name, key) != 0)
		o++;
	if (o->name == NULL || o->key == KEY_CONFIG)
		argp_error(state, "%s: no option '%s'; the keys are those of --help", path, key);
	if (!json_is_string(value))
		argp_error(state, "%s: '%s' must be a string, or a list of strings", path, key);
	/* Nothing writes to an argument. */
	parse_option(o->key, (char *)(uintptr_t)json_string_value(value), state);
}

static void
read_config(struct argp_state *state, const char *path)
{
	struct zd_options *opts = (struct zd_options *)state->input;
	json_error_t error;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	const char *key;
	json_t *value, *item;
	size_t i;

	if (root == NULL)
		argp_error(state, "%s:%d: %s", path, error.line, error.text);
	if (opts->configs == NULL)
		opts->configs = json_array();
	if (json_array_append_new(opts->configs, root) != 0)
		argp_failure(state, 1, ENOMEM, "%s", path);
	if (!json_is_object(root))
		argp_error(state, "%s: must be an object with options as keys", path);
	json_object_foreach (root, key, value) {
		if (!json_is_array(value)) {
			apply_config_value(state, path, key, value);
			continue;
		}
		json_array_foreach (value, i, item)
			apply_config_value(state, path, key, item);
	}
}

void
zd_options_fini(struct zd_options *opts)
{
	json_decref(opts->configs);
	opts->configs = NULL;
}

void
zd_options_parse(struct zd_options *opts, int argc, char **argv)
{
	static const struct argp argp = {
	        .options = option_table,
	        .parser = parse_option,
	        .args_doc = "[-- EAL-ARGUMENTS]",
	        .doc = "Keeps pages compressed in shared memory for many client processes."
	               "\vEAL arguments come after '--'. The workers' CPUs are given by --workers.",
	};

	memset(opts, 0, sizeof(*opts));
	opts->socket_mode = 0600;
	opts->driver_dir = ZCOMPD_LIB_DIR "/drivers";
	opts->backend_dir = ZCOMPD_LIB_DIR "/backends";
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			opts->eal_argv = &argv[i + 1];
			opts->eal_argc = argc - i - 1;
			argc = i;
		}
	}
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, opts);
	if (opts->nr_devices == 0)
		opts->devices[opts->nr_devices++] = DEFAULT_DEVICE;
	else if (strcmp(opts->devices[0], "none") == 0)
		opts->nr_devices = 0;
}
