/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The curves, by a gnuplot that reads a script with the data in it. Three panels side by side, one
 * legend below them. The colours are those of Okabe and Ito, which the colour-blind can tell apart,
 * with a purple of Tol's for their yellow; curves that lie upon one another are told apart by their
 * points.
 */

#include <errno.h>
#include <stdio.h>

#include "plot.h"
#include "streams.h"

#define DEPTH    256u
#define SHOWN_US 50.0
#define HIGHEST  5e6 /* pages/s, of the scale; more where there is more */

struct panel {
	const char *title;
	const char *xlabel;
	const char *xrange;
	const char *xtics;
	bool by_depth;
	unsigned int engines; /* 0 = as many as the depth */
};

static const struct panel panels[] = {
        {"256 engines: the device takes all it gets", "device latency for a page, us", "[1.6:250]",
         "(2,5,10,20,50,100,200)", false, 0},
        {"4 engines: what beats software?", "device latency for a page, us", "[1.6:250]",
         "(2,5,10,20,50,100,200)", false, 4},
        {"Queue depth, 50 us, engines = depth", "queue depth", "[0.8:320]", "(1,8,32,128,256)",
         true, 0},
};

#define PANELS (sizeof(panels) / sizeof(panels[0]))

/* By mode: colour, kind of points, dashes. */
static const char *const looks[STREAMS_MODES_MAX] = {
        "lc rgb '#000000' pt 0 lw 2.5 dt (8,4)",
        "lc rgb '#D55E00' pt 7 lw 2.5",
        "lc rgb '#CC79A7' pt 9 lw 2",
        "lc rgb '#56B4E9' pt 5 lw 2",
        "lc rgb '#999999' pt 1 lw 2",
        "lc rgb '#0072B2' pt 4 lw 2",
        "lc rgb '#009E73' pt 6 lw 2.5",
        "lc rgb '#882255' pt 2 lw 2",
        "lc rgb '#E69F00' pt 8 lw 2.5",
};

static bool
is_shown(const struct panel *panel, const struct streams_device_opts *dev)
{
	unsigned int engines = panel->engines != 0 ? panel->engines : dev->depth;

	return dev->null && dev->engines == engines &&
	       (panel->by_depth ? dev->latency_us == SHOWN_US : dev->depth == DEPTH);
}

/* A block with the panel's points: x, then a column for each mode. @return how many */
static unsigned int
write_data(const struct streams_found *found, unsigned int nr, FILE *out)
{
	const struct panel *panel = &panels[nr];
	unsigned int rows = 0;

	fprintf(out, "$panel%u << EOD\n", nr);
	for (unsigned int i = 0; i < found->nr_points; i++) {
		const struct streams_point *p = &found->points[i];

		if (!is_shown(panel, &p->device))
			continue;
		fprintf(out, "%g", panel->by_depth ? p->device.depth : p->device.latency_us);
		for (unsigned int m = 0; m < STREAMS_MODES_MAX; m++)
			fprintf(out, " %.1f", p->results[m].pages_per_s);
		fputc('\n', out);
		rows++;
	}
	fputs("EOD\n", out);
	return rows;
}

/* The same for all panels, so that they can be compared. */
static double
highest(const struct streams_found *found)
{
	double most = HIGHEST;

	for (unsigned int i = 0; i < found->nr_points; i++) {
		for (unsigned int m = 0; m < STREAMS_MODES_MAX; m++) {
			double rate = found->points[i].results[m].pages_per_s;

			/* The point itself takes some room. */
			if (1.2 * rate > most)
				most = 1.2 * rate;
		}
	}
	return most;
}

/* The first plot is out of range: without any, gnuplot has no axes to draw. */
static void
write_panel(unsigned int nr, unsigned int rows, FILE *out)
{
	const struct panel *panel = &panels[nr];
	const double width = 0.27, left = 0.065 + nr * 0.32;

	fprintf(out,
	        "set lmargin at screen %.3f\nset rmargin at screen %.3f\nset title \"%s\" font "
	        "',15'\n"
	        "set xlabel \"%s\"\nset ylabel \"%s\"\nset xrange %s\nset xtics %s\nplot 1 "
	        "notitle",
	        left, left + width, panel->title, panel->xlabel, nr == 0 ? "pages/s" : "",
	        panel->xrange, panel->xtics);
	for (unsigned int m = 0; m < STREAMS_MODES_MAX && rows > 0; m++)
		fprintf(out, ", $panel%u using 1:%u with linespoints %s", nr, m + 2, looks[m]);
	fputs("\nunset label 1\nunset label 2\n", out);
}

/* A plot of nothing, whose key is the legend. */
static void
write_legend(FILE *out)
{
	fputs("unset title\nunset border\nunset tics\nunset xlabel\nunset ylabel\n"
	      "set lmargin at screen 0.03\nset rmargin at screen 0.97\nset tmargin at screen 0.18\n"
	      "set bmargin at screen 0.05\nunset logscale\nset xrange [0:1]\nset yrange [0:1]\n"
	      "set key center center maxrows 2 samplen 3.5 spacing 1.3 font ',14' noenhanced\nplot "
	      "2 notitle",
	      out);
	for (unsigned int m = 0; m < STREAMS_MODES_MAX; m++)
		fprintf(out, ", keyentry with linespoints %s title '%s'", looks[m],
		        streams_modes[m].name);
	fputc('\n', out);
}

int
streams_plot(const struct streams_found *found, const char *path, const char *foot)
{
	FILE *out = plot_begin(path, 1440, 640,
	                       "Pages compressed each second by one CPU and a modelled device: "
	                       "higher is better",
	                       foot);
	unsigned int rows[PANELS];

	if (out == NULL)
		return -EIO;
	for (unsigned int i = 0; i < PANELS; i++)
		rows[i] = write_data(found, i, out);
	fprintf(out,
	        "set logscale xy\nset format y '%%.0s%%c'\nset yrange [3e3:%g]\nset key off\n"
	        "set tmargin at screen 0.86\nset bmargin at screen 0.29\n",
	        highest(found));
	for (unsigned int i = 0; i < PANELS; i++)
		write_panel(i, rows[i], out);
	write_legend(out);
	return plot_end(out, path);
}
