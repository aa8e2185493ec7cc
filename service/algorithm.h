/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_ALGORITHM_H
#define ZD_ALGORITHM_H

#include "ipc/arena.h"

/**
 * Reads an algorithm as people write it: up to four codecs by priority, each with its level, as in
 * "lz4" or "lz4:level=1,null".
 * @param why     what is wrong with it, when something is
 * @param why_len bytes of room at @p why
 * @return 0, or -EINVAL
 */
int zd_algorithm_parse(const char *text, struct zarena_codec codecs[ZARENA_CODECS], char *why,
                       size_t why_len);

#endif
