/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Verdicts, and what is printed of them. */

#include "test_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goal.h"

static const struct goal_def least = {"least", "loads", "one thread", 0.95, false};
static const struct goal_def most = {"most", "CPU at rest", "percent", 0.5, true};

static void
test_verdicts(void **state)
{
	static struct goal_list list;
	static const double of[] = {2, 4, 6}, to[] = {1, 2, 3}, wild[] = {1, 2, 4};
	static const double less[] = {-0.3, -0.2, -0.1, 0, 0.1};

	(void)state;
	list.nr = 0;
	goal_add(&list, &least, 0.95, NULL);
	goal_add(&list, &least, 0.94, "of %d", 3);
	goal_add(&list, &most, 0.5, NULL);
	goal_add(&list, &most, 0.51, NULL);
	goal_skip(&list, &most, "needs %s", "more");
	goal_add_ratio(&list, &least, of, to, 3);
	goal_add_values(&list, &least, wild, 3);
	goal_add_differences(&list, &most, less, 5);
	assert_int_equal(list.nr, 8);
	assert_true(list.goals[7].reached == -0.1);
	/* From -0.2 to 0, over 0.5. */
	assert_true(list.goals[7].spread > 0.399 && list.goals[7].spread < 0.401);
	assert_string_equal(goal_verdict(&list.goals[0]), "reached");
	assert_string_equal(goal_verdict(&list.goals[1]), "missed");
	assert_string_equal(list.goals[1].note, "of 3");
	assert_string_equal(goal_verdict(&list.goals[2]), "reached");
	assert_string_equal(goal_verdict(&list.goals[3]), "missed");
	assert_string_equal(goal_verdict(&list.goals[4]), "not measured");
	assert_string_equal(list.goals[4].note, "needs more");
	assert_true(list.goals[5].reached == 2 && list.goals[5].spread == 0);
	assert_true(list.goals[6].reached == 2 && list.goals[6].spread > 0.15);
}

static void
test_full(void **state)
{
	static struct goal_list list;

	(void)state;
	for (unsigned int i = 0; i < GOALS_MAX + 2; i++)
		goal_add(&list, &least, 1, NULL);
	goal_add_values(&list, &least, (const double[]){1}, 1);
	goal_skip(&list, &least, "no");
	assert_int_equal(list.nr, GOALS_MAX);
	assert_true(list.goals[GOALS_MAX - 1].measured);
}

static void
test_output(void **state)
{
	static struct goal_list list;
	static const double wild[] = {1, 2, 4};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	json_t *json;

	(void)state;
	assert_non_null(out);
	goal_add(&list, &most, 0.51, NULL);
	goal_skip(&list, &least, "needs more");
	goal_add_values(&list, &least, wild, 3);
	goal_print(&list, out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "missed\n"));
	assert_non_null(strstr(text, "not measured: needs more\n"));
	assert_non_null(strstr(text, "3 goals: 1 reached, 1 missed, 1 not measured; !: 1 spread"));
	free(text);
	json = goal_json(&list);
	assert_int_equal(json_array_size(json), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json, 1), "verdict")),
	                    "not measured");
	assert_null(json_object_get(json_array_get(json, 1), "reached"));
	assert_true(json_is_true(json_object_get(json_array_get(json, 0), "trusted")));
	assert_true(json_is_false(json_object_get(json_array_get(json, 2), "trusted")));
	json_decref(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_verdicts),
	        cmocka_unit_test(test_full),
	        cmocka_unit_test(test_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
