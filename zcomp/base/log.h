/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZC_LOG_H
#define ZC_LOG_H

/**
 * @file
 * Log lines to standard error: "zcompd: warning: text". Any thread. Never on the data path.
 */

enum zc_log_level {
	ZC_LOG_ERROR,
	ZC_LOG_WARNING,
	ZC_LOG_INFO,
	ZC_LOG_DEBUG,
};

/** Sets the name in front of each line and the last level that is printed (default: INFO). */
void zc_log_init(const char *program, enum zc_log_level max_level);

/** Prints one line, whole even when several threads print. @p fmt ends without a newline. */
void zc_log(enum zc_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define zc_err(...)   zc_log(ZC_LOG_ERROR, __VA_ARGS__)
#define zc_warn(...)  zc_log(ZC_LOG_WARNING, __VA_ARGS__)
#define zc_info(...)  zc_log(ZC_LOG_INFO, __VA_ARGS__)
#define zc_debug(...) zc_log(ZC_LOG_DEBUG, __VA_ARGS__)

#endif
