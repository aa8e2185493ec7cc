/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The table of codecs. A new one is a line here and a file of its own. */

#include "codec/codec.h"

#include <string.h>

static const struct zcodec *const codecs[] = {
        [ZCODEC_NULL] = &zcodec_null,
        [ZCODEC_LZ4] = &zcodec_lz4,
        [ZCODEC_DEFLATE] = &zcodec_deflate,
};

#define NR_CODECS (sizeof(codecs) / sizeof(codecs[0]))

_Static_assert(NR_CODECS == ZCODEC_IDS, "each id has its place");

const struct zcodec *
zcodec_by_name(const char *name)
{
	for (size_t i = 0; i < NR_CODECS; i++) {
		if (codecs[i] != NULL && strcmp(codecs[i]->name, name) == 0)
			return codecs[i];
	}
	return NULL;
}

const struct zcodec *
zcodec_by_id(unsigned int id)
{
	return id < NR_CODECS ? codecs[id] : NULL;
}
