/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Sizes, numbers, names and key=value lists. Pure functions. */

#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* strtoull() accepts blanks and signs in front; a number here starts with a digit. */
static int
parse_digits(const char *text, char **end, uint64_t *value)
{
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, end, 10);
	return errno == ERANGE ? -ERANGE : 0;
}

int
zc_parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned int shift;
	uint64_t value;
	char *end;
	int ret;

	ret = parse_digits(text, &end, &value);
	if (ret != 0)
		return ret;
	if (end[0] == '\0') {
		*size = value;
		return 0;
	}
	unit = strchr(units, toupper((unsigned char)end[0]));
	if (unit == NULL || end[1] != '\0')
		return -EINVAL;
	shift = 10 * ((unsigned int)(unit - units) + 1);
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	*size = value << shift;
	return 0;
}

int
zc_parse_u64(const char *text, uint64_t max, uint64_t *value)
{
	char *end;
	int ret;

	ret = parse_digits(text, &end, value);
	if (ret != 0)
		return ret;
	if (end[0] != '\0')
		return -EINVAL;
	return *value > max ? -ERANGE : 0;
}

bool
zc_name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 63 || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 1; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL)
			return false;
	}
	return true;
}

char *
zc_next_pair(char **list, char sep, char **value)
{
	char *key = *list;
	char *end;

	if (key == NULL || key[0] == '\0')
		return NULL;
	end = strchr(key, sep);
	if (end != NULL)
		*end++ = '\0';
	*list = end;
	*value = strchr(key, '=');
	if (*value != NULL)
		*(*value)++ = '\0';
	return key;
}
