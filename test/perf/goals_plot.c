/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The bars of ptest goals. They begin at 1, where a goal is just reached, and all grow to the right
 * as it becomes better: where less is better, a bar is what was wanted over what was reached. What
 * is beyond the ends of the scale is cut there, and told by the numbers beside it.
 */

#include "goals_plot.h"

#include <errno.h>
#include <math.h>

#include "pairing.h"
#include "plot.h"

#define BEST  4.0 /* the ends of the scale: so many times what is wanted, or as much worse */
#define ROW   22u /* points, of a bar and the room to the next */
#define ABOVE 75u /* points, above all bars */
#define BELOW 90u

/* Okabe and Ito's blue and vermilion; pale, where the pairs spread too much. */
static const char *const colours[2][2] = {{"#D55E00", "#EEBF99"}, {"#0072B2", "#99C7E0"}};

static bool
is_reached(const struct goal *g)
{
	return goal_verdict(g)[0] == 'r';
}

static double
end_of_bar(const struct goal *g)
{
	double ratio = g->reached / g->def->wanted;

	/* A difference may be nothing, or less. */
	if (g->def->at_most)
		ratio = ratio > 0 ? 1 / ratio : BEST;
	return fmin(fmax(ratio, 1 / BEST), BEST);
}

static void
write_words(const struct goal *g, unsigned int row, FILE *out)
{
	fprintf(out,
	        "set label \"%s\" at screen 0.01, first %u font ',12' noenhanced\n"
	        "set label \"%s\" at screen 0.32, first %u font ',12' tc rgb '#555555' noenhanced\n"
	        "set label '%s %.3g' at screen 0.92, first %u font ',12' tc rgb '#555555'\n",
	        g->def->what, row, g->def->against, row,
	        g->def->at_most ? "<=" : ">=", g->def->wanted, row);
}

/* The number has the colour, too: the bar of a goal that is just reached is too short for it. */
static void
write_bar(const struct goal *g, unsigned int row, FILE *out)
{
	const char *const *colour = colours[is_reached(g)];

	if (!g->measured) {
		fprintf(out,
		        "set label 'not measured' at 1.05, first %u font ',12' tc rgb '#555555'\n",
		        row);
		return;
	}
	fprintf(out,
	        "set object rectangle from 1, first %g to %g, first %g fs solid noborder fc rgb "
	        "'%s'\n"
	        "set label '%.3g' at screen 0.905, first %u right font ',12' tc rgb '%s'\n",
	        row - 0.34, end_of_bar(g), row + 0.34, colour[g->spread > PAIRING_SPREAD],
	        g->reached, row, colour[0]);
}

/* A plot of nothing, whose key is the legend. */
static void
write_legend(FILE *out)
{
	fprintf(out,
	        "set key at screen 0.5,0.065 center center maxrows 1 samplen 2\n"
	        "set style fill solid noborder\nplot -2 notitle, "
	        "keyentry with boxes lc rgb '%s' title 'missed', "
	        "keyentry with boxes lc rgb '%s' title 'reached', "
	        "keyentry with boxes lc rgb '#CCCCCC' title 'pale: pairs spread above %.0f %%'\n",
	        colours[0][0], colours[1][0], 100 * PAIRING_SPREAD);
}

int
goals_plot(const struct goal_list *goals, const char *path, const char *foot)
{
	const unsigned int height = ABOVE + ROW * goals->nr + BELOW;
	FILE *out = plot_begin(path, 1200, height,
	                       "What is reached of what is wanted: the right side is better", foot);

	if (out == NULL)
		return -EIO;
	fprintf(out,
	        "set lmargin at screen 0.51\nset rmargin at screen 0.84\n"
	        "set tmargin at screen %g\nset bmargin at screen %g\n"
	        "set logscale x\nset xrange [%g:%g]\nset yrange [%u-0.5:-0.5]\n"
	        "set border 1\nunset ytics\nset xtics font ',12' ('1/4 or less' 0.25, '1/2' 0.5, "
	        "'as wanted' 1, '2 times' 2, '4 times or more' 4)\n"
	        "set arrow from 1, graph 0 to 1, graph 1 nohead front lw 1.5\n"
	        "set label 'reached' at screen 0.905, graph 1 right offset 0,0.7 font ',12'\n"
	        "set label 'wanted' at screen 0.92, graph 1 offset 0,0.7 font ',12'\n",
	        1 - (double)ABOVE / height, (double)BELOW / height, 1 / BEST, BEST, goals->nr);
	for (unsigned int i = 0; i < goals->nr; i++) {
		write_words(&goals->goals[i], i, out);
		write_bar(&goals->goals[i], i, out);
	}
	write_legend(out);
	return plot_end(out, path);
}
