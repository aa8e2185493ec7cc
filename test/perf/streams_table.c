/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* What was found: as text, as JSON, as rows of comma-separated values. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pairing.h"
#include "streams.h"

#define SHOWN_US  50.0 /* the latency whose open loop the table shows */
#define SUSTAINED 0.98

static const char *
codec_name(const struct streams_point *p)
{
	return p->device.null ? "timing" : "LZ4";
}

/* Of a mode's column. */
static int
width(unsigned int mode)
{
	int len = (int)strlen(streams_modes[mode].name);

	return len > 6 ? len + 2 : 8;
}

static void
print_rates(const struct streams_found *found, FILE *out)
{
	fprintf(out, "thousand pages/s, closed loop\n%-8s%7s%7s%8s", "device", "us", "depth",
	        "engines");
	for (unsigned int m = 0; m < STREAMS_MODES_MAX; m++)
		fprintf(out, "  %6s", streams_modes[m].name);
	fprintf(out, "%8s\n", "late");
	for (unsigned int i = 0; i < found->nr_points; i++) {
		const struct streams_point *p = &found->points[i];

		fprintf(out, "%-8s%7.0f%7u%8u", codec_name(p), p->device.latency_us,
		        p->device.depth, p->device.engines);
		for (unsigned int m = 0; m < STREAMS_MODES_MAX; m++)
			fprintf(out, "%*.1f", width(m), p->results[m].pages_per_s / 1e3);
		fprintf(out, "%7.1f%%\n", 100 * p->late);
	}
}

static void
print_open(const struct streams_found *found, FILE *out)
{
	for (unsigned int i = 0; i < found->nr_points; i++) {
		const struct streams_point *p = &found->points[i];

		if (!p->results[0].open || p->device.latency_us != SHOWN_US)
			continue;
		fprintf(out,
		        "\nopen loop, %u pages/s: device %s, %.0f us, depth %u, %u engines\n"
		        "%-14s%12s%12s%14s%16s%12s%12s\n",
		        STREAMS_RATE, codec_name(p), p->device.latency_us, p->device.depth,
		        p->device.engines, "", "p50, us", "p99, us", "CPU, us/page",
		        "victim p99, us", "by device", "sustained");
		for (unsigned int m = 0; m < STREAMS_MODES_MAX; m++) {
			const struct streams_result *r = &p->results[m];

			fprintf(out, "%-14s%12.1f%12.1f%14.2f%16.1f%11.0f%%%11.0f%%%s\n",
			        streams_modes[m].name, r->p50_us, r->p99_us, r->cpu_us,
			        r->victim_us, 100 * r->open_managed, 100 * r->sustained,
			        r->sustained < SUSTAINED ? "  too slow for the rate" : "");
		}
	}
	fprintf(out, "victim: how late a neighbour wakes up; when it is alone, p99 is %.1f us\n",
	        found->victim_idle_us);
}

static void
print_goals(const struct streams_found *found, FILE *out)
{
	fprintf(out, "\n%-68s%10s%10s%9s\n", "goal", "reached", "wanted", "spread");
	for (unsigned int i = 0; i < found->nr_goals; i++) {
		const struct streams_goal *g = &found->goals[i];

		fprintf(out, "%-68s%10.3f  %s%6.3g%7.1f %%%s%s\n", g->text, g->reached,
		        g->at_most ? "<=" : ">=", g->wanted, 100 * g->spread,
		        g->spread > PAIRING_SPREAD ? "!" : " ",
		        streams_goal_met(g) ? "" : " missed");
	}
}

char *
streams_text(const struct streams_found *found)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	print_rates(found, out);
	print_open(found, out);
	print_goals(found, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static json_t *
result_json(const struct streams_result *r)
{
	json_t *json = json_pack("{s:f, s:f, s:f}", "pages_per_s", r->pages_per_s, "managed_share",
	                         r->managed, "refused_per_page", r->refused);

	if (r->open)
		json_object_set_new(json, "open",
		                    json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "sustained",
		                              r->sustained, "managed_share", r->open_managed,
		                              "p50_us", r->p50_us, "p99_us", r->p99_us, "cpu_us",
		                              r->cpu_us, "victim_p99_us", r->victim_us));
	return json;
}

static json_t *
point_json(const struct streams_point *p)
{
	json_t *modes = json_object();

	for (unsigned int m = 0; m < STREAMS_MODES_MAX; m++)
		json_object_set_new(modes, streams_modes[m].name, result_json(&p->results[m]));
	return json_pack("{s:s, s:f, s:i, s:i, s:f, s:o}", "codec", p->device.null ? "null" : "lz4",
	                 "latency_us", p->device.latency_us, "depth", (int)p->device.depth,
	                 "engines", (int)p->device.engines, "late_share", p->late, "modes", modes);
}

static json_t *
goal_json(const struct streams_goal *g)
{
	return json_pack("{s:s, s:f, s:f, s:s, s:f, s:b}", "goal", g->text, "reached", g->reached,
	                 "wanted", g->wanted, "is", g->at_most ? "at most" : "at least", "spread",
	                 g->spread, "met", (int)streams_goal_met(g));
}

json_t *
streams_json(const struct streams_found *found)
{
	json_t *docs = json_object(), *points = json_array(), *goals = json_array();

	for (unsigned int m = 0; m < STREAMS_MODES_MAX; m++)
		json_object_set_new(docs, streams_modes[m].name, json_string(streams_modes[m].doc));
	for (unsigned int i = 0; i < found->nr_points; i++)
		json_array_append_new(points, point_json(&found->points[i]));
	for (unsigned int i = 0; i < found->nr_goals; i++)
		json_array_append_new(goals, goal_json(&found->goals[i]));
	return json_pack("{s:o, s:i, s:f, s:I, s:o, s:o}", "modes", docs, "open_pages_per_s",
	                 (int)STREAMS_RATE, "victim_idle_p99_us", found->victim_idle_us,
	                 "failed_pages", (json_int_t)found->failed, "goals", goals, "points",
	                 points);
}

static void
csv_row(const struct streams_found *found, unsigned int point, unsigned int mode, FILE *out)
{
	const struct streams_point *p = &found->points[point];
	const struct streams_result *r = &p->results[mode];

	fprintf(out, "%s,%g,%u,%u,%s,%.6g,%.4f,%.4f,", p->device.null ? "null" : "lz4",
	        p->device.latency_us, p->device.depth, p->device.engines, streams_modes[mode].name,
	        r->pages_per_s, r->managed, r->refused);
	if (r->open)
		fprintf(out, "%.4f,%.4f,%.6g,%.6g,%.6g,%.6g,%.6g,", r->sustained, r->open_managed,
		        r->p50_us, r->p99_us, r->cpu_us, r->victim_us, found->victim_idle_us);
	else
		fputs(",,,,,,,", out);
	fprintf(out, "%.4f\n", p->late);
}

int
streams_csv(const struct streams_found *found, const char *path)
{
	FILE *out = fopen(path, "we");
	int ret = 0;

	if (out != NULL) {
		fputs("codec,latency_us,depth,engines,mode,pages_per_s,managed_share,"
		      "refused_per_page,open_sustained,open_managed_share,open_p50_us,open_p99_us,"
		      "open_cpu_us,open_victim_p99_us,victim_idle_p99_us,late_share\n",
		      out);
		for (unsigned int i = 0; i < found->nr_points * STREAMS_MODES_MAX; i++)
			csv_row(found, i / STREAMS_MODES_MAX, i % STREAMS_MODES_MAX, out);
		ret = ferror(out) ? -EIO : 0;
		if (fclose(out) != 0)
			ret = -errno;
	} else {
		ret = -errno;
	}
	if (ret != 0)
		zc_err("--csv: %s: %s", path, strerror(-ret));
	return ret;
}
