/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef PROGRESS_H
#define PROGRESS_H

/**
 * @file
 * The progress line: on standard error where that is a terminal, nowhere else. It is rewritten in
 * place, and what else is printed goes over it. Main thread, never while something is measured.
 */

/** Says that @p done steps of @p of are done, and of what. */
void progress_show(const char *what, unsigned int done, unsigned int of);

/** Takes the line away. */
void progress_end(void);

#endif
