/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef LATENCY_PLOT_H
#define LATENCY_PLOT_H

#include <jansson.h>

/**
 * Draws the percentiles over the offered rates by gnuplot.
 * @param foot a line below them
 * @return 0, -EIO
 */
int latency_plot(const json_t *rows, const char *path, const char *foot);

#endif
