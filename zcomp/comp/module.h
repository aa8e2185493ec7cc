/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZCOMP_MODULE_H
#define ZCOMP_MODULE_H

#include <stddef.h>
#include <stdint.h>

#include "comp/zcomp.h"

/**
 * @file
 * A backend as a shared object: what it exports, and what the service checks before it is used.
 *
 * A module is built against the installed headers alone and needs no symbol of the service: the
 * codec's functions come by params->codec. It may link libraries of its own. Its ops serve all
 * disks whose algorithm is its codec, so the results are in that codec's format: clients decompress
 * them by the codec.
 */

/**
 * What a module was built for. Counts up whenever struct zcomp_backend_module, zcomp_ops,
 * zcomp_params, zcomp_strm, managed_zstrm or zcodec changes what it lays out or promises.
 */
#define ZCOMP_BACKEND_ABI 1u

/** The name of what a module exports, for dlsym(3). */
#define ZCOMP_BACKEND_SYMBOL "zcomp_backend_module"

struct zcomp_backend_module {
	uint32_t abi;      /**< ZCOMP_BACKEND_ABI; keeps its place in all versions */
	uint32_t size;     /**< of this structure */
	const char *codec; /**< the name of the codec whose format the backend writes */
	/** All functions are there but release_params, which may be; codec and watches are NULL. */
	const struct zcomp_ops *ops;
};

/** A module defines it; the service finds it by name. */
extern __attribute__((visibility("default")))
const struct zcomp_backend_module zcomp_backend_module;

/**
 * The service's check of a module that it has loaded. Any thread.
 * @param why @p len bytes: after an error what was found and what would be right
 * @return 0, -ENOTSUP (built for another ABI, or smaller than this one's structure), -EINVAL (ops
 *         that are not complete, a codec that is not there)
 */
int zcomp_module_check(const struct zcomp_backend_module *module, char *why, size_t len);

#endif
