/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Backends from shared objects: looked up, checked, handed to the compressors. Main lcore. */

#include "backends.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "comp/module.h"

#define WHY_LEN 256

/* @return the module's export, or NULL after an error line */
static const struct zcomp_backend_module *
module_of(const struct zd_plugin *plugin, const char *path, int *ret)
{
	const struct zcomp_backend_module *module =
	        (const struct zcomp_backend_module *)dlsym(plugin->handle, ZCOMP_BACKEND_SYMBOL);
	char why[WHY_LEN];

	if (module == NULL) {
		zc_err("%s is not used: it exports no %s, as backends do", path,
		       ZCOMP_BACKEND_SYMBOL);
		*ret = -ENOEXEC;
		return NULL;
	}
	*ret = zcomp_module_check(module, why, sizeof(why));
	if (*ret == 0)
		return module;
	zc_err("%s is not used: %s", path, why);
	return NULL;
}

static int
find(const char *dir, const char *spec, char *path, size_t len)
{
	int n = strchr(spec, '/') != NULL
	                ? snprintf(path, len, "%s", spec)
	                : snprintf(path, len, "%s/libzcomp_backend_%s.so", dir, spec);

	if (n < (int)len)
		return 0;
	zc_err("--backend: '%.40s...' is longer than a path can be", spec);
	return -ENAMETOOLONG;
}

int
zd_backends_load(struct zd_backends *b, const char *dir, const char *spec,
                 struct zd_compressors *compressors)
{
	const struct zcomp_backend_module *module;
	struct zd_plugin plugin;
	char path[PATH_MAX];
	int ret;

	if (b->nr == ZD_BACKENDS_MAX) {
		zc_err("--backend '%s': more than %u", spec, ZD_BACKENDS_MAX);
		return -E2BIG;
	}
	ret = find(dir, spec, path, sizeof(path));
	if (ret != 0)
		return ret;
	ret = zd_plugin_open(path, &plugin);
	if (ret == -ENOENT)
		zc_err("--backend '%s': there is no %s", spec, path);
	if (ret != 0)
		return ret;
	module = module_of(&plugin, path, &ret);
	if (module == NULL) {
		zd_plugin_close(&plugin);
		return ret;
	}
	zd_compressors_add_backend(compressors, module->ops, zcodec_by_name(module->codec));
	b->plugins[b->nr++] = plugin;
	zc_info("backend %s: codec %s, from %s", module->ops->name, module->codec, path);
	return 0;
}

void
zd_backends_fini(struct zd_backends *b)
{
	while (b->nr > 0)
		zd_plugin_close(&b->plugins[--b->nr]);
}
