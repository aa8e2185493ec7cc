/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The list of goals, as a table and as JSON. */

#include "goal.h"

#include <stdarg.h>

#include "pairing.h"

static struct goal *
next(struct goal_list *list, const struct goal_def *def, const char *fmt, va_list args)
{
	struct goal *g = &list->goals[list->nr];

	if (list->nr == GOALS_MAX)
		return NULL;
	list->nr++;
	*g = (struct goal){.def = def};
	if (fmt != NULL)
		vsnprintf(g->note, sizeof(g->note), fmt, args);
	return g;
}

void
goal_add(struct goal_list *list, const struct goal_def *def, double reached, const char *fmt, ...)
{
	struct goal *g;
	va_list args;

	va_start(args, fmt);
	g = next(list, def, fmt, args);
	va_end(args);
	if (g == NULL)
		return;
	g->measured = true;
	g->reached = reached;
}

static void
add_median(struct goal_list *list, const struct goal_def *def, const double *values,
           unsigned int nr, bool differences)
{
	struct pairing_figure figure;
	unsigned int at = list->nr;

	pairing_figure(values, nr, &figure);
	goal_add(list, def, figure.median, NULL);
	if (at == list->nr)
		return;
	list->goals[at].spread = figure.spread;
	if (differences)
		list->goals[at].spread *= figure.median / def->wanted;
}

void
goal_add_values(struct goal_list *list, const struct goal_def *def, const double *values,
                unsigned int nr)
{
	add_median(list, def, values, nr, false);
}

void
goal_add_differences(struct goal_list *list, const struct goal_def *def, const double *differences,
                     unsigned int nr)
{
	add_median(list, def, differences, nr, true);
}

void
goal_add_ratio(struct goal_list *list, const struct goal_def *def, const double *of,
               const double *to, unsigned int nr)
{
	double ratios[PAIRING_PAIRS_MAX];

	pairing_ratio(of, to, nr, ratios);
	goal_add_values(list, def, ratios, nr);
}

void
goal_skip(struct goal_list *list, const struct goal_def *def, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	next(list, def, fmt, args);
	va_end(args);
}

const char *
goal_verdict(const struct goal *g)
{
	bool met = g->def->at_most ? g->reached <= g->def->wanted : g->reached >= g->def->wanted;

	if (!g->measured)
		return "not measured";
	return met ? "reached" : "missed";
}

static void
print_goal(const struct goal *g, FILE *out)
{
	fprintf(out, "%-52s %-38s  %s%7.4g", g->def->what, g->def->against,
	        g->def->at_most ? "<=" : ">=", g->def->wanted);
	if (g->measured)
		fprintf(out, "%10.4g%8.1f %%%c  %s", g->reached, 100 * g->spread,
		        g->spread > PAIRING_SPREAD ? '!' : ' ', goal_verdict(g));
	else
		fprintf(out, "%10s%11s  %s", "-", "", goal_verdict(g));
	fprintf(out, "%s%s\n", g->note[0] != '\0' ? ": " : "", g->note);
}

void
goal_print(const struct goal_list *list, FILE *out)
{
	unsigned int measured = 0, reached = 0, doubtful = 0;

	fprintf(out, "%-52s %-38s %10s%10s%11s  %s\n", "goal", "against", "wanted", "reached",
	        "spread ", "verdict");
	for (unsigned int i = 0; i < list->nr; i++) {
		const struct goal *g = &list->goals[i];

		print_goal(g, out);
		measured += g->measured;
		reached += g->measured && goal_verdict(g)[0] == 'r';
		doubtful += g->spread > PAIRING_SPREAD;
	}
	fprintf(out, "%u goals: %u reached, %u missed, %u not measured", list->nr, reached,
	        measured - reached, list->nr - measured);
	if (doubtful != 0)
		fprintf(out, "; !: %u spread by more than %.0f %%, not to be trusted", doubtful,
		        100 * PAIRING_SPREAD);
	fputc('\n', out);
}

json_t *
goal_json(const struct goal_list *list)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < list->nr; i++) {
		const struct goal *g = &list->goals[i];
		json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:f, s:s}", "key", g->def->key,
		                         "what", g->def->what, "against", g->def->against, "is",
		                         g->def->at_most ? "at most" : "at least", "wanted",
		                         g->def->wanted, "verdict", goal_verdict(g));

		if (g->measured) {
			json_object_set_new(json, "reached", json_real(g->reached));
			json_object_set_new(json, "spread", json_real(g->spread));
			json_object_set_new(json, "trusted",
			                    json_boolean(g->spread <= PAIRING_SPREAD));
		}
		if (g->note[0] != '\0')
			json_object_set_new(json, "note", json_string(g->note));
		json_array_append_new(array, json);
	}
	return array;
}
