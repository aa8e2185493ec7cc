/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZD_BACKENDS_H
#define ZD_BACKENDS_H

#include "compressors.h"
#include "plugin.h"

/** Backends from shared objects (comp/module.h). Main lcore. All zeros = none. */
struct zd_backends {
	struct zd_plugin plugins[ZD_BACKENDS_MAX];
	unsigned int nr;
};

/**
 * Loads a backend, checks it and adds it to the compressors.
 * @param dir  where names are looked up, as libzcomp_backend_NAME.so
 * @param spec a name, or with a '/' in it a path
 * @return 0, or after an error line: -E2BIG (ZD_BACKENDS_MAX are there), -ENOENT, -ENAMETOOLONG,
 *         -ENOEXEC (it exports no backend), what zcomp_module_check() or zd_plugin_open() says
 */
int zd_backends_load(struct zd_backends *b, const char *dir, const char *spec,
                     struct zd_compressors *compressors);

/** Unloads all. The compressors are gone. */
void zd_backends_fini(struct zd_backends *b);

#endif
