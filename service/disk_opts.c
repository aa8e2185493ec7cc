/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* A disk's options from text. The keys are the same wherever a disk is made. Any thread. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "disk.h"

void
zd_disk_opts_init(struct zd_disk_opts *opts)
{
	memset(opts, 0, sizeof(*opts));
	strcpy(opts->algorithm, "lz4");
	opts->page_size = 4096;
	opts->mode = 0600;
}

static int
set_size(uint64_t *field, const char *key, const char *value, char *why)
{
	if (zc_parse_size(value, field) == 0)
		return 0;
	snprintf(why, ZD_WHY_LEN, "%s '%s' is not a size, such as 65536, 64K, 16M or 2G", key,
	         value);
	return -EINVAL;
}

static int
set_octal(uint32_t *field, uint32_t max, const char *key, const char *value, char *why)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 8);
	if (errno != 0 || end == value || *end != '\0' || value[0] == '-' || number > max) {
		snprintf(why, ZD_WHY_LEN, "%s '%s' is not an octal number from 0 to %o", key, value,
		         max);
		return -EINVAL;
	}
	*field = (uint32_t)number;
	return 0;
}

static int
set_page_size(uint32_t *field, const char *value, char *why)
{
	uint64_t size;

	if (zc_parse_size(value, &size) != 0 || size < 1024 || size > 65536 ||
	    (size & (size - 1)) != 0) {
		snprintf(why, ZD_WHY_LEN, "page_size '%s' is not a power of two from 1K to 64K",
		         value);
		return -EINVAL;
	}
	*field = (uint32_t)size;
	return 0;
}

static int
set_precompressed(uint32_t *flags, const char *value, char *why)
{
	if (strcmp(value, "0") == 0) {
		*flags &= ~ZARENA_PRECOMP;
	} else if (strcmp(value, "1") == 0) {
		*flags |= ZARENA_PRECOMP;
	} else {
		snprintf(why, ZD_WHY_LEN,
		         "precompressed '%.80s' is neither 0 nor 1 (objects that clients "
		         "compressed are taken)",
		         value);
		return -EINVAL;
	}
	return 0;
}

static int
set_policy(struct zd_disk_opts *opts, const char *value, char *why)
{
	if (zcomp_policy_parse(value, &opts->policy) != 0) {
		snprintf(why, ZD_WHY_LEN,
		         "policy '%.80s' is none of: " ZCOMP_POLICY_SYNTAX
		         "; US up to %u, N up to %u",
		         value, ZCOMP_RETRY_US_MAX, ZCOMP_SPILL_MAX);
		return -EINVAL;
	}
	opts->has_policy = true;
	return 0;
}

int
zd_disk_opts_set(struct zd_disk_opts *opts, const char *key, const char *value, char *why)
{
	if (strcmp(key, "size") == 0)
		return set_size(&opts->size, key, value, why);
	if (strcmp(key, "pages") == 0)
		return set_size(&opts->pages, key, value, why);
	if (strcmp(key, "mem_limit") == 0)
		return set_size(&opts->mem_limit, key, value, why);
	if (strcmp(key, "page_size") == 0)
		return set_page_size(&opts->page_size, value, why);
	if (strcmp(key, "mode") == 0)
		return set_octal(&opts->mode, 0777, key, value, why);
	if (strcmp(key, "flags") == 0)
		return set_octal(&opts->flags, ZARENA_PRECOMP, key, value, why);
	if (strcmp(key, "precompressed") == 0)
		return set_precompressed(&opts->flags, value, why);
	if (strcmp(key, "policy") == 0)
		return set_policy(opts, value, why);
	if (strcmp(key, "algorithm") == 0) {
		if (strlen(value) >= sizeof(opts->algorithm)) {
			snprintf(why, ZD_WHY_LEN, "algorithm '%.80s...' is longer than %zu", value,
			         sizeof(opts->algorithm) - 1);
			return -EINVAL;
		}
		strcpy(opts->algorithm, value);
		return 0;
	}
	snprintf(why, ZD_WHY_LEN,
	         "no key '%.80s' of a disk; there are size, pages, page_size, algorithm, "
	         "mem_limit, mode, policy, precompressed, flags",
	         key);
	return -EINVAL;
}

int
zd_disk_opts_parse(struct zd_disk_opts *opts, const char *text, char *why)
{
	char copy[512], *rest = copy, *key, *value;
	int ret;

	zd_disk_opts_init(opts);
	if (strlen(text) >= sizeof(copy)) {
		snprintf(why, ZD_WHY_LEN, "'%.80s...' is longer than %zu", text, sizeof(copy) - 1);
		return -EINVAL;
	}
	strcpy(copy, text);
	key = zc_next_pair(&rest, ',', &value);
	if (key == NULL || value == NULL || !zc_name_valid(key)) {
		snprintf(why, ZD_WHY_LEN,
		         "'%.80s' is not NAME=SIZE; a name is a letter or digit, then up to 62 of "
		         "letters, digits, '.', '_', '-'",
		         text);
		return -EINVAL;
	}
	strcpy(opts->name, key);
	ret = zd_disk_opts_set(opts, "size", value, why);
	while (ret == 0 && (key = zc_next_pair(&rest, ',', &value)) != NULL)
		ret = zd_disk_opts_set(opts, key, value != NULL ? value : "", why);
	return ret;
}
