/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The software backends, one for each codec: the front end's per-lcore streams are all that they
 * need, so they are data.
 */

#include <stddef.h>
#include <string.h>

#include "comp/zcomp.h"

const struct zcomp_ops zcomp_backend_lz4 = {.name = "lz4", .codec = &zcodec_lz4};
const struct zcomp_ops zcomp_backend_deflate = {.name = "deflate", .codec = &zcodec_deflate};
const struct zcomp_ops zcomp_backend_null = {.name = "null", .codec = &zcodec_null};

const struct zcomp_ops *
zcomp_backend_by_name(const char *name)
{
	static const struct zcomp_ops *const backends[] = {
	        &zcomp_backend_lz4,
	        &zcomp_backend_deflate,
	        &zcomp_backend_null,
	};

	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	}
	return NULL;
}
