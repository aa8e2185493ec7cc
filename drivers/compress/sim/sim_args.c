/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Device arguments and profiles. Main thread only.
 *
 * A profile is a list of arguments like the user's own, applied before those. drivers/README.md
 * says where its figures come from.
 */

#include "sim_pmd_private.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_kvargs.h>

#define US_MAX 1e6

static const struct {
	const char *name;
	const char *args;
} profiles[] = {
        {"hisi_zip", "depth=1024,compress_only=1"},
        {"qpace", "depth=128,latency_us=7.69,compress_only=1,same_filled=1"},
        {"hwz", "depth=2048,same_filled=1"},
        {"emerald_hill", "depth=256,compress_only=1,dst_limit=3072"},
        {"iaa", "depth=128,engines=8"},
};

static const struct number {
	const char *key;
	size_t offset;
	uint64_t min;
	uint64_t max;
} numbers[] = {
        {"depth", offsetof(struct sim_pmd_args, depth), 1, SIM_PMD_DEPTH_MAX},
        {"engines", offsetof(struct sim_pmd_args, engines), 1, SIM_PMD_ENGINES_MAX},
        {"bandwidth", offsetof(struct sim_pmd_args, bandwidth), 0, 1000000},
        {"null_len", offsetof(struct sim_pmd_args, null_len), 1, UINT16_MAX},
        {"accel", offsetof(struct sim_pmd_args, accel), 1, LZ4_BLOCK_ACCEL_MAX},
        {"threads", offsetof(struct sim_pmd_args, threads), 1, SIM_PMD_THREADS_MAX},
        {"compress_only", offsetof(struct sim_pmd_args, compress_only), 0, 1},
        {"same_filled", offsetof(struct sim_pmd_args, same_filled), 0, 1},
        {"dst_limit", offsetof(struct sim_pmd_args, dst_limit), 0, UINT16_MAX},
        {"batch", offsetof(struct sim_pmd_args, batch), 1, SIM_PMD_DEPTH_MAX},
        {"reorder", offsetof(struct sim_pmd_args, reorder), 0, 1},
        {"error_one_in", offsetof(struct sim_pmd_args, error_one_in), 0, UINT32_MAX},
        {"hang_at", offsetof(struct sim_pmd_args, hang_at), 0, UINT32_MAX},
        {"hang_ms", offsetof(struct sim_pmd_args, hang_ms), 0, 3600000},
        {"reset_at", offsetof(struct sim_pmd_args, reset_at), 0, UINT32_MAX},
        {"remove_at", offsetof(struct sim_pmd_args, remove_at), 0, UINT32_MAX},
        {"fail_probe", offsetof(struct sim_pmd_args, fail_probe), 0, 1},
        {"fail_start", offsetof(struct sim_pmd_args, fail_start), 0, 1},
        {"seed", offsetof(struct sim_pmd_args, seed), 0, UINT64_MAX},
};

static int
parse_number(const struct number *number, const char *value, struct sim_pmd_args *args)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (!isdigit((unsigned char)value[0]) || *end != '\0' || errno != 0 || n < number->min ||
	    n > number->max) {
		SIM_PMD_LOG(ERR, "%s=%s: not a number from %" PRIu64 " to %" PRIu64, number->key,
		            value, number->min, number->max);
		return -EINVAL;
	}
	memcpy(RTE_PTR_ADD(args, number->offset), &(uint64_t){n}, sizeof(uint64_t));
	return 0;
}

/* One decimal number of microseconds, up to @p stop. @return what follows it, or NULL. */
static const char *
parse_us(const char *value, char stop, double *us)
{
	size_t len = strspn(value, "0123456789.");
	char *end;

	if (!isdigit((unsigned char)value[0]) || value[len] != stop)
		return NULL;
	*us = strtod(value, &end);
	return end == value + len && *us <= US_MAX ? end + (stop != '\0') : NULL;
}

/* LO:HI. */
static bool
parse_us_pair(const char *value, struct sim_pmd_latency *latency)
{
	value = parse_us(value, ':', &latency->a);
	return value != NULL && parse_us(value, '\0', &latency->b) != NULL;
}

static int
parse_latency(const char *value, struct sim_pmd_args *args)
{
	static const char uniform[] = "uniform:", tail[] = "tail:";
	struct sim_pmd_latency latency = {.dist = SIM_PMD_DIST_FIXED};
	bool good;

	if (strncmp(value, uniform, strlen(uniform)) == 0) {
		latency.dist = SIM_PMD_DIST_UNIFORM;
		good = parse_us_pair(value + strlen(uniform), &latency) && latency.a <= latency.b;
	} else if (strncmp(value, tail, strlen(tail)) == 0) {
		latency.dist = SIM_PMD_DIST_TAIL;
		good = parse_us_pair(value + strlen(tail), &latency) && latency.a > 0 &&
		       latency.a < latency.b;
	} else {
		good = parse_us(value, '\0', &latency.a) != NULL;
	}
	if (!good) {
		SIM_PMD_LOG(ERR,
		            "latency_us=%s: not N, uniform:LO:HI with LO <= HI, or tail:MEDIAN:P99 "
		            "with 0 < MEDIAN < P99; microseconds up to %.0f",
		            value, US_MAX);
		return -EINVAL;
	}
	args->latency_us = latency;
	return 0;
}

static int
parse_batch_us(const char *value, struct sim_pmd_args *args)
{
	double us;

	if (parse_us(value, '\0', &us) == NULL) {
		SIM_PMD_LOG(ERR, "batch_us=%s: not a number of microseconds up to %.0f", value,
		            US_MAX);
		return -EINVAL;
	}
	args->batch_us = us;
	return 0;
}

static int
parse_codec(const char *value, struct sim_pmd_args *args)
{
	if (strcmp(value, "lz4") == 0) {
		args->codec = SIM_PMD_CODEC_LZ4;
	} else if (strcmp(value, "null") == 0) {
		args->codec = SIM_PMD_CODEC_NULL;
	} else {
		SIM_PMD_LOG(ERR, "codec=%s: not lz4 or null", value);
		return -EINVAL;
	}
	return 0;
}

static int
parse_pair(const struct rte_kvargs_pair *pair, struct sim_pmd_args *args)
{
	static const struct {
		const char *key;
		int (*parse)(const char *value, struct sim_pmd_args *args);
	} others[] = {
	        {"latency_us", parse_latency},
	        {"batch_us", parse_batch_us},
	        {"codec", parse_codec},
	};

	for (unsigned int i = 0; i < RTE_DIM(numbers); i++) {
		if (strcmp(pair->key, numbers[i].key) == 0)
			return parse_number(&numbers[i], pair->value, args);
	}
	for (unsigned int i = 0; i < RTE_DIM(others); i++) {
		if (strcmp(pair->key, others[i].key) == 0)
			return others[i].parse(pair->value, args);
	}
	SIM_PMD_LOG(ERR, "%s: no such argument; there are " SIM_PMD_PARAMS, pair->key);
	return -EINVAL;
}

static int parse_list(const char *text, bool is_profile, struct sim_pmd_args *args);

static int
apply_profile(const char *name, struct sim_pmd_args *args)
{
	for (unsigned int i = 0; i < RTE_DIM(profiles); i++) {
		if (strcmp(name, profiles[i].name) == 0)
			return parse_list(profiles[i].args, true, args);
	}
	SIM_PMD_LOG(ERR, "profile=%s: not hisi_zip, qpace, hwz, emerald_hill or iaa", name);
	return -EINVAL;
}

/* A profile goes first, wherever it stands. */
static int
apply_list(const struct rte_kvargs *list, bool is_profile, struct sim_pmd_args *args)
{
	const char *profile = NULL;
	int ret = 0;

	for (unsigned int i = 0; i < list->count; i++) {
		if (list->pairs[i].value == NULL) {
			SIM_PMD_LOG(ERR, "%s: needs a value; there are " SIM_PMD_PARAMS,
			            list->pairs[i].key);
			return -EINVAL;
		}
		if (!is_profile && strcmp(list->pairs[i].key, "profile") == 0)
			profile = list->pairs[i].value;
	}
	if (profile != NULL)
		ret = apply_profile(profile, args);
	for (unsigned int i = 0; i < list->count && ret == 0; i++) {
		if (strcmp(list->pairs[i].key, "profile") != 0)
			ret = parse_pair(&list->pairs[i], args);
	}
	return ret;
}

static int
parse_list(const char *text, bool is_profile, struct sim_pmd_args *args)
{
	struct rte_kvargs *list = rte_kvargs_parse(text, NULL);
	int ret;

	if (list == NULL) {
		SIM_PMD_LOG(ERR, "\"%s\": not a list of key=value", text);
		return -EINVAL;
	}
	ret = apply_list(list, is_profile, args);
	rte_kvargs_free(list);
	return ret;
}

int
sim_pmd_args_parse(const char *text, struct sim_pmd_args *args)
{
	*args = (struct sim_pmd_args){
	        .depth = 256,
	        .engines = 1,
	        .latency_us = {.dist = SIM_PMD_DIST_FIXED, .a = 10},
	        .codec = SIM_PMD_CODEC_LZ4,
	        .null_len = 1600,
	        .accel = 1,
	        .threads = 1,
	        .batch = 1,
	        .batch_us = 100,
	        .seed = 1,
	};
	return parse_list(text, false, args);
}
