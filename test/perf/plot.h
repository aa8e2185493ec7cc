/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef PLOT_H
#define PLOT_H

#include <stdio.h>

/**
 * @file
 * A gnuplot that draws what is written to it. Main thread only.
 */

/**
 * Finds out at the beginning, so that nobody waits for what cannot be drawn.
 * @param path NULL: no figure is wanted
 * @return 0; -ENOENT, which is told: there is no gnuplot; -errno: @p path cannot be written
 */
int plot_check(const char *path);

/**
 * Starts gnuplot, for a figure of @p width by @p height points, written to @p path as SVG.
 * @param title above it
 * @param foot  a line below it, with no quotation mark and no backslash
 * @return the caller's, for plot_end(); NULL, which is told
 */
FILE *plot_begin(const char *path, unsigned int width, unsigned int height, const char *title,
                 const char *foot);

/** @return 0; -EIO, which is told: gnuplot has failed */
int plot_end(FILE *out, const char *path);

struct target_env;

/** Says what stands below a figure: the machine and the build. */
void plot_foot(const struct target_env *env, char *out, size_t len);

#endif
