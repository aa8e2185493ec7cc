/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The curves of ptest latency: a panel for stores and one for loads, on one scale of times, and one
 * legend below them, in Okabe and Ito's colours.
 */

#include "latency_plot.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "plot.h"

static const struct {
	const char *key;
	const char *title;
	const char *look;
} curves[] = {
        {"p50_us", "p50", "lc rgb '#0072B2' pt 7 lw 2.5"},
        {"p90_us", "p90", "lc rgb '#009E73' pt 5 lw 2.5"},
        {"p99_us", "p99", "lc rgb '#E69F00' pt 9 lw 2.5"},
        {"p999_us", "p99.9", "lc rgb '#D55E00' pt 4 lw 2.5"},
};

#define CURVES (sizeof(curves) / sizeof(curves[0]))

static double
curve_us(const json_t *row, size_t c)
{
	return json_number_value(json_object_get(row, curves[c].key));
}

/* In seconds, which gnuplot writes with the unit that suits them. */
static void
write_data(const json_t *rows, const char *op, FILE *out)
{
	json_t *row;
	size_t i;

	fprintf(out, "$%s << EOD\n", op);
	json_array_foreach (rows, i, row) {
		if (strcmp(json_string_value(json_object_get(row, "op")), op) != 0)
			continue;
		fprintf(out, "%g", json_number_value(json_object_get(row, "offered_per_s")));
		for (size_t c = 0; c < CURVES; c++)
			fprintf(out, " %g", curve_us(row, c) / 1e6);
		fputc('\n', out);
	}
	fputs("EOD\n", out);
}

/* The same for both panels, so that they can be compared; points have some room on either side. */
static void
write_scale(const json_t *rows, FILE *out)
{
	double least = INFINITY, most = 0;
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		least = fmin(least, curve_us(row, 0));
		most = fmax(most, curve_us(row, CURVES - 1));
	}
	fprintf(out, "set logscale y\nset format y '%%.0s %%cs'\nset yrange [%g:%g]\n",
	        least / 1.5e6, most * 1.5 / 1e6);
}

static void
write_panel(unsigned int nr, const char *op, FILE *out)
{
	const double left = 0.08 + nr * 0.48;

	fprintf(out,
	        "set lmargin at screen %.3f\nset rmargin at screen %.3f\nset title '%ss' font "
	        "',15'\nset xlabel 'offered, pages/s'\nset ylabel '%s'\nplot ",
	        left, left + 0.42, op, nr == 0 ? "from the intended time to completion" : "");
	for (size_t c = 0; c < CURVES; c++)
		fprintf(out, "%s$%s using 1:%zu with linespoints %s title '%s'", c > 0 ? ", " : "",
		        op, c + 2, curves[c].look, curves[c].title);
	fputs("\nunset label 1\nunset label 2\nunset key\n", out);
}

int
latency_plot(const json_t *rows, const char *path, const char *foot)
{
	FILE *out = plot_begin(
	        path, 1200, 600,
	        "Latency of pages of 4 KiB at fixed rates, open loop: lower is better", foot);

	if (out == NULL)
		return -EIO;
	write_data(rows, "store", out);
	write_data(rows, "load", out);
	write_scale(rows, out);
	fputs("set format x '%.0s%c'\nset xrange [0:*]\nset tmargin at screen 0.86\n"
	      "set bmargin at screen 0.21\nset key at screen 0.5,0.075 center center maxrows 1 "
	      "samplen 3.5\n",
	      out);
	write_panel(0, "store", out);
	write_panel(1, "load", out);
	return plot_end(out, path);
}
