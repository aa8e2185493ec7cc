/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The figures as CSV. What is not there (a single value has no spread) is left empty. */

#include "report_csv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static void
write_part(FILE *file, const json_t *root, const char *part)
{
	static const char *const columns[] = {"value", "min", "max", "spread"};
	const char *name, *figure;
	json_t *figures, *values;

	json_object_foreach (json_object_get(root, part), name, figures) {
		json_object_foreach (figures, figure, values) {
			fprintf(file, "%s,%s", name, figure);
			for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
				const json_t *value = json_object_get(values, columns[i]);

				if (value != NULL)
					fprintf(file, ",%.6g", json_number_value(value));
				else
					fputc(',', file);
			}
			fputc('\n', file);
		}
	}
}

int
report_csv(const json_t *root, const char *path)
{
	FILE *file = fopen(path, "we");
	int ret = 0;

	if (file != NULL) {
		fputs("target,figure,value,min,max,spread\n", file);
		write_part(file, root, "targets");
		write_part(file, root, "ratios");
	}
	if (file == NULL)
		ret = -errno;
	else if (ferror(file) != 0)
		ret = -EIO;
	if (file != NULL && fclose(file) != 0)
		ret = -errno;
	if (ret != 0)
		zc_err("--csv: %s: %s", path, strerror(-ret));
	return ret;
}
