/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Log lines. The only mutable global of the base library: who prints, and how much. */

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char *log_program = "zcompd";
static enum zc_log_level log_max_level = ZC_LOG_INFO;

void
zc_log_init(const char *program, enum zc_log_level max_level)
{
	log_program = program;
	log_max_level = max_level;
}

void
zc_log(enum zc_log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error: ", "warning: ", "", "debug: "};
	char line[1024];
	va_list args;
	int head, len;

	if (level > log_max_level)
		return;
	/* The name may be argv[0], of any length. */
	head = snprintf(line, sizeof(line), "%.64s: %s", log_program, names[level]);
	va_start(args, fmt);
	len = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, fmt, args);
	va_end(args);
	len = len < 0 ? head : head + len;
	if (len > (int)sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	line[len] = '\n';
	/* One write, so that lines of several threads do not mix. Nothing helps if it fails. */
	if (write(STDERR_FILENO, line, (size_t)len + 1) < 0)
		return;
}
