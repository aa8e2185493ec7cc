/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Rows, printed. Nothing is kept. */

#include "rows.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

#define WIDTH_MIN 13

/* Digits for a number of any size; none where it is whole. */
static void
format(const json_t *value, char *out, size_t len)
{
	double x = json_number_value(value);

	if (json_is_string(value))
		snprintf(out, len, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(out, len, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		snprintf(out, len, "%.*f", x >= 1000 ? 0 : x >= 10 ? 2 : 4, x);
	else
		snprintf(out, len, "-");
}

/* Of a column: its key and all that stands below it. */
static int
width(const json_t *rows, const char *key)
{
	int most = WIDTH_MIN;
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		char text[64];

		format(json_object_get(row, key), text, sizeof(text));
		if ((int)strlen(text) + 2 > most)
			most = (int)strlen(text) + 2;
	}
	return (int)strlen(key) + 2 > most ? (int)strlen(key) + 2 : most;
}

void
rows_print(const json_t *rows, FILE *out)
{
	const char *key;
	json_t *value, *row;
	size_t i;

	json_object_foreach (json_array_get(rows, 0), key, value)
		fprintf(out, "%*s", width(rows, key), key);
	fputc('\n', out);
	json_array_foreach (rows, i, row) {
		json_object_foreach (row, key, value) {
			char text[64];

			format(value, text, sizeof(text));
			fprintf(out, "%*s", width(rows, key), text);
		}
		fputc('\n', out);
	}
}

static void
write_rows(const json_t *rows, FILE *out)
{
	const char *key, *comma = "";
	json_t *value, *row;
	size_t i;

	json_object_foreach (json_array_get(rows, 0), key, value) {
		fprintf(out, "%s%s", comma, key);
		comma = ",";
	}
	fputc('\n', out);
	json_array_foreach (rows, i, row) {
		comma = "";
		json_object_foreach (row, key, value) {
			fputs(comma, out);
			if (json_is_string(value))
				fprintf(out, "\"%s\"", json_string_value(value));
			else if (json_is_integer(value))
				fprintf(out, "%lld", (long long)json_integer_value(value));
			else if (json_is_real(value))
				fprintf(out, "%.6g", json_real_value(value));
			comma = ",";
		}
		fputc('\n', out);
	}
}

int
rows_csv(const json_t *rows, const char *path)
{
	FILE *out = fopen(path, "we");
	int ret = 0;

	if (out == NULL) {
		ret = -errno;
	} else {
		write_rows(rows, out);
		ret = ferror(out) ? -EIO : 0;
		if (fclose(out) != 0)
			ret = -errno;
	}
	if (ret != 0)
		zc_err("--csv: %s: %s", path, strerror(-ret));
	return ret;
}
