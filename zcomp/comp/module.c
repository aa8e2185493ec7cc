/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The check of a loaded backend. Any thread; nothing is kept. */

#include "comp/module.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

/* @return the first thing that the front end would miss, or NULL */
static const char *
missing(const struct zcomp_ops *ops)
{
	const struct {
		const char *name;
		bool is_there;
	} members[] = {
	        {"name", ops->name != NULL},
	        {"setup_params", ops->setup_params != NULL},
	        {"get_stream", ops->get_stream != NULL},
	        {"put_stream", ops->put_stream != NULL},
	        {"submit", ops->submit != NULL},
	        {"poll", ops->poll != NULL},
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (!members[i].is_there)
			return members[i].name;
	}
	return NULL;
}

static int
content_check(const struct zcomp_backend_module *module, char *why, size_t len)
{
	if (module->codec == NULL || zcodec_by_name(module->codec) == NULL) {
		snprintf(why, len,
		         "its codec '%s' is unknown here; it must be one that disks can have",
		         module->codec != NULL ? module->codec : "");
		return -EINVAL;
	}
	if (module->ops == NULL || missing(module->ops) != NULL) {
		snprintf(why, len, "it has no ops%s%s, which every backend must have",
		         module->ops != NULL ? "->" : "",
		         module->ops != NULL ? missing(module->ops) : "");
		return -EINVAL;
	}
	if (module->ops->codec != NULL) {
		snprintf(why, len, "its ops->codec is set; a module names its codec, here '%s'",
		         module->codec);
		return -EINVAL;
	}
	if (module->ops->watches != NULL) {
		snprintf(why, len, "its ops->watches is set; the front end watches over modules");
		return -EINVAL;
	}
	return 0;
}

int
zcomp_module_check(const struct zcomp_backend_module *module, char *why, size_t len)
{
	/* First, for the rest is only laid out as we think if this is right. */
	if (module->abi != ZCOMP_BACKEND_ABI) {
		snprintf(why, len,
		         "it is built for ABI %u of backends, this is ABI %u: build it again",
		         module->abi, ZCOMP_BACKEND_ABI);
		return -ENOTSUP;
	}
	if (module->size < sizeof(*module)) {
		snprintf(why, len, "its module structure has %u bytes, %zu are wanted",
		         module->size, sizeof(*module));
		return -ENOTSUP;
	}
	return content_check(module, why, len);
}
