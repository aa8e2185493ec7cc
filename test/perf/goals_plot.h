/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef GOALS_PLOT_H
#define GOALS_PLOT_H

#include "goal.h"

/**
 * Draws a bar for each goal by gnuplot: how far it is from what is wanted.
 * @param foot a line below them
 * @return 0, -EIO
 */
int goals_plot(const struct goal_list *goals, const char *path, const char *foot);

#endif
