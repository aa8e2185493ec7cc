/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* "codec[:key=value]...,codec...": pure text work, any thread. */

#include "algorithm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "codec/codec.h"

static int
parse_level(const struct zcodec *codec, const char *text, int32_t *level, char *why, size_t why_len)
{
	char *end;
	long value;

	errno = 0;
	value = text != NULL ? strtol(text, &end, 10) : 0;
	if (text == NULL || end == text || *end != '\0' || errno != 0 || value < codec->level_min ||
	    value > codec->level_max) {
		snprintf(why, why_len, "level '%s' of %s is not a number from %d to %d",
		         text != NULL ? text : "", codec->name, codec->level_min, codec->level_max);
		return -EINVAL;
	}
	*level = (int32_t)value;
	return 0;
}

static void
say_unknown(const char *name, char *why, size_t why_len)
{
	int used = snprintf(why, why_len, "no algorithm '%s'; there are:", name);

	for (unsigned int id = 0; id < ZCODEC_IDS && used >= 0 && (size_t)used < why_len; id++) {
		const struct zcodec *codec = zcodec_by_id(id);

		if (codec != NULL)
			used += snprintf(why + used, why_len - (size_t)used, " %s", codec->name);
	}
}

static int
parse_codec(char *text, struct zarena_codec *out, char *why, size_t why_len)
{
	char *rest = strchr(text, ':'), *key, *value;
	const struct zcodec *codec;
	int ret = 0;

	if (rest != NULL)
		*rest++ = '\0';
	codec = zcodec_by_name(text);
	if (codec == NULL) {
		say_unknown(text, why, why_len);
		return -EINVAL;
	}
	*out = (struct zarena_codec){.id = (uint8_t)codec->id, .level = codec->level_default};
	while (ret == 0 && (key = zc_next_pair(&rest, ':', &value)) != NULL) {
		if (strcmp(key, "level") == 0) {
			ret = parse_level(codec, value, &out->level, why, why_len);
		} else {
			snprintf(why, why_len, "no key '%s' of %s; there is level=N", key,
			         codec->name);
			ret = -EINVAL;
		}
	}
	return ret;
}

int
zd_algorithm_parse(const char *text, struct zarena_codec codecs[ZARENA_CODECS], char *why,
                   size_t why_len)
{
	char copy[ZARENA_NAME_LEN];
	char *rest = copy, *next;
	unsigned int nr = 0;
	int ret = 0;

	if (text[0] == '\0' || strlen(text) >= sizeof(copy)) {
		snprintf(why, why_len, "algorithm '%s' has not 1 to %zu characters", text,
		         sizeof(copy) - 1);
		return -EINVAL;
	}
	memset(codecs, 0, ZARENA_CODECS * sizeof(*codecs));
	strcpy(copy, text);
	for (; ret == 0 && rest != NULL; rest = next) {
		next = strchr(rest, ',');
		if (next != NULL)
			*next++ = '\0';
		if (nr == ZARENA_CODECS) {
			snprintf(why, why_len, "algorithm '%s' has more than %u codecs", text,
			         ZARENA_CODECS);
			return -EINVAL;
		}
		ret = parse_codec(rest, &codecs[nr++], why, why_len);
	}
	return ret;
}
