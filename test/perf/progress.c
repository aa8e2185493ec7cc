/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The progress line. Main thread only. */

#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#define ERASE "\033[K" /* from the cursor to the end of the line */

void
progress_show(const char *what, unsigned int done, unsigned int of)
{
	/* The cursor goes back to the beginning, so that an error is written over it. */
	if (isatty(STDERR_FILENO) != 0)
		fprintf(stderr, ERASE "%s: %u of %u\r", what, done, of);
}

void
progress_end(void)
{
	if (isatty(STDERR_FILENO) != 0)
		fputs(ERASE, stderr);
}
