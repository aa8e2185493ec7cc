/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* From rows and goals to the report. Main thread only. */

#include "tell.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "rows.h"

static char *
print(const json_t *rows, const struct goal_list *goals)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	if (rows != NULL)
		rows_print(rows, out);
	if (rows != NULL && goals != NULL)
		fputc('\n', out);
	if (goals != NULL)
		goal_print(goals, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

int
tell(const struct target_env *env, struct report *report, json_t *rows,
     const struct goal_list *goals)
{
	char *text = print(rows, goals);
	json_t *json = json_object();
	int ret = 0;

	if (rows != NULL && env->opts->csv != NULL)
		ret = rows_csv(rows, env->opts->csv);
	if (goals != NULL)
		json_object_set_new(json, "goals", goal_json(goals));
	if (rows != NULL)
		json_object_set_new(json, "rows", rows);
	if (text == NULL || json == NULL) {
		zc_err("no memory for a report");
		free(text);
		json_decref(json);
		return -ENOMEM;
	}
	report_own(report, text, json);
	return ret;
}
