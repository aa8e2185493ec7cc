/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Probe, remove, device arguments, registration. Main thread only.
 *
 * All arguments are checked before anything is allocated, so a refused probe leaves nothing behind.
 */

#include "lz4_pmd_private.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_kvargs.h>

#define ARG_MODE    "mode"
#define ARG_ACCEL   "accel"
#define ARG_ENGINES "engines"
#define ARG_DEPTH   "depth"

RTE_LOG_REGISTER(lz4_pmd_logtype, pmd.compress.lz4, NOTICE);

struct lz4_pmd_args {
	enum lz4_pmd_mode mode;
	int accel;
	int engines; /* 0: not given */
	int depth;
};

/* The arguments that are numbers from 1 on. */
static const struct number_arg {
	const char *key;
	int max;
	size_t at; /* in struct lz4_pmd_args */
} number_args[] = {
        {ARG_ACCEL, LZ4_BLOCK_ACCEL_MAX, offsetof(struct lz4_pmd_args, accel)},
        {ARG_ENGINES, LZ4_PMD_ENGINES_MAX, offsetof(struct lz4_pmd_args, engines)},
        {ARG_DEPTH, LZ4_PMD_DEPTH_MAX, offsetof(struct lz4_pmd_args, depth)},
};

static const char *const mode_names[] = {
        [LZ4_PMD_MODE_INLINE] = "inline",
        [LZ4_PMD_MODE_THREAD] = "thread",
};

static int
parse_mode(const char *value, struct lz4_pmd_args *args)
{
	for (unsigned int i = 0; i < RTE_DIM(mode_names); i++) {
		if (strcmp(value, mode_names[i]) == 0) {
			args->mode = i;
			return 0;
		}
	}
	LZ4_PMD_LOG(ERR, ARG_MODE "=%s: not inline or thread", value);
	return -EINVAL;
}

static int
parse_number(const char *value, const struct number_arg *arg, struct lz4_pmd_args *args)
{
	char *end;
	long number = strtol(value, &end, 10);

	if (end == value || *end != '\0' || number < 1 || number > arg->max) {
		LZ4_PMD_LOG(ERR, "%s=%s: not a number from 1 to %d", arg->key, value, arg->max);
		return -EINVAL;
	}
	*(int *)RTE_PTR_ADD(args, arg->at) = (int)number;
	return 0;
}

static int
parse_pair(const struct rte_kvargs_pair *pair, struct lz4_pmd_args *args)
{
	const struct number_arg *number = NULL;

	for (unsigned int i = 0; i < RTE_DIM(number_args); i++) {
		if (strcmp(pair->key, number_args[i].key) == 0)
			number = &number_args[i];
	}
	if (number == NULL && strcmp(pair->key, ARG_MODE) != 0) {
		LZ4_PMD_LOG(ERR,
		            "%s: no such argument; there are " ARG_MODE ", " ARG_ACCEL
		            ", " ARG_ENGINES " and " ARG_DEPTH,
		            pair->key);
		return -EINVAL;
	}
	if (pair->value == NULL) {
		LZ4_PMD_LOG(ERR, "%s: needs a value", pair->key);
		return -EINVAL;
	}
	return number == NULL ? parse_mode(pair->value, args)
	                      : parse_number(pair->value, number, args);
}

static int
parse_args(const char *text, struct lz4_pmd_args *args)
{
	struct rte_kvargs *list = rte_kvargs_parse(text, NULL);
	int ret = 0;

	if (list == NULL) {
		LZ4_PMD_LOG(ERR, "\"%s\": not a list of key=value", text);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < list->count && ret == 0; i++)
		ret = parse_pair(&list->pairs[i], args);
	rte_kvargs_free(list);
	if (ret == 0 && args->engines != 0 && args->mode != LZ4_PMD_MODE_THREAD) {
		LZ4_PMD_LOG(ERR, ARG_ENGINES "=%d: only with " ARG_MODE "=thread", args->engines);
		return -EINVAL;
	}
	return ret;
}

static int
lz4_pmd_probe(struct rte_vdev_device *vdev)
{
	struct rte_compressdev_pmd_init_params params = {.socket_id = (int)rte_socket_id()};
	struct lz4_pmd_args args = {
	        .mode = LZ4_PMD_MODE_INLINE, .accel = 1, .depth = LZ4_PMD_DEPTH_MAX};
	const char *name = rte_vdev_device_name(vdev);
	struct rte_compressdev *dev;
	struct lz4_pmd_dev *priv;
	int ret;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		LZ4_PMD_LOG(ERR, "%s: works in a primary process only", name);
		return -ENOTSUP;
	}
	ret = parse_args(rte_vdev_device_args(vdev), &args);
	if (ret != 0)
		return ret;
	dev = rte_compressdev_pmd_create(name, &vdev->device, sizeof(*priv), &params);
	if (dev == NULL)
		return -ENOMEM;

	priv = dev->data->dev_private;
	priv->mode = args.mode;
	priv->accel = args.accel;
	priv->depth_max = (uint32_t)args.depth;
	priv->engines.nr = (unsigned int)RTE_MAX(args.engines, 1);
	dev->dev_ops = &lz4_pmd_ops;
	dev->enqueue_burst = lz4_pmd_enqueue_stopped;
	dev->dequeue_burst = lz4_pmd_dequeue;
	LZ4_PMD_LOG(INFO, "%s: device %u, mode %s, acceleration %d, liblz4 %s", name,
	            dev->data->dev_id, mode_names[args.mode], args.accel, LZ4_versionString());
	return 0;
}

static int
lz4_pmd_remove(struct rte_vdev_device *vdev)
{
	struct rte_compressdev *dev = rte_compressdev_pmd_get_named_dev(rte_vdev_device_name(vdev));

	if (dev == NULL)
		return -ENODEV;
	/* EAL also removes what the application left running at its exit. */
	if (dev->data->dev_started)
		rte_compressdev_stop(dev->data->dev_id);
	return compressdev_driver_destroy(dev);
}

static struct rte_vdev_driver lz4_pmd_driver = {
        .probe = lz4_pmd_probe,
        .remove = lz4_pmd_remove,
};

RTE_PMD_REGISTER_VDEV(compress_lz4, lz4_pmd_driver);
RTE_PMD_REGISTER_PARAM_STRING(compress_lz4,
                              ARG_MODE "=<inline|thread> " ARG_ACCEL "=<int> " ARG_ENGINES
                                       "=<int> " ARG_DEPTH "=<int>");
