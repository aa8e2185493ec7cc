/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * A backend as a shared object, as small as one can be: one stream for each lcore, compressed by
 * the codec when it is submitted. Built once as it is to be, and with one macro changed for each
 * way to be wrong.
 */

#include <errno.h>
#include <stdlib.h>

#include "comp/module.h"

#ifndef MODULE_ABI
#define MODULE_ABI ZCOMP_BACKEND_ABI
#endif
#ifndef MODULE_SIZE
#define MODULE_SIZE sizeof(struct zcomp_backend_module)
#endif
#ifndef MODULE_CODEC
#define MODULE_CODEC "null"
#endif
#ifndef MODULE_POLL
#define MODULE_POLL one_poll
#endif

#define LCORES_MAX 8u

struct one_strm {
	struct managed_zstrm zstrm;
	bool is_out;
	bool is_done;
};

struct one {
	struct zcomp_params params;
	struct one_strm strms[LCORES_MAX];
	char *bufs;
};

#ifdef MODULE_UNDEFINED
void nobody_has_this(void);
#endif

static void
one_release(void *priv)
{
	struct one *one = priv;

	free(one->bufs);
	free(one);
}

static int
one_setup(struct zcomp_params *params, void **priv)
{
	struct one *one = calloc(1, sizeof(*one));

#ifdef MODULE_UNDEFINED
	nobody_has_this();
#endif
	if (one == NULL)
		return -ENOMEM;
	one->params = *params;
	one->bufs = aligned_alloc(64, 3 * (size_t)params->page_size * LCORES_MAX);
	if (params->nr_lcores > LCORES_MAX || params->codec->ctx_len() > 0 || one->bufs == NULL) {
		one_release(one);
		return -ENOTSUP;
	}
	for (unsigned int i = 0; i < LCORES_MAX; i++) {
		struct zcomp_strm *strm = &one->strms[i].zstrm.strm;

		strm->src = one->bufs + 3 * (size_t)i * params->page_size;
		strm->dst = (char *)strm->src + params->page_size;
		strm->dst_len = 2 * params->page_size;
	}
	params->depth = 1;
	params->zstrm_mgmt = true;
	*priv = one;
	return 0;
}

static struct managed_zstrm *
one_get(void *priv, unsigned int lcore)
{
	struct one_strm *s = &((struct one *)priv)->strms[lcore];

	if (s->is_out)
		return NULL;
	s->is_out = true;
	return &s->zstrm;
}

static void
one_put(void *priv, struct managed_zstrm *zstrm)
{
	((struct one *)priv)->strms[zstrm->strm.lcore].is_out = false;
}

static unsigned int
one_submit(void *priv, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct one *one = priv;
	struct zcomp_strm *strm = strms[0];

	(void)nr;
	strm->result = one->params.codec->compress(NULL, one->params.level, strm->src,
	                                           one->params.page_size, strm->dst, strm->dst_len);
	one->strms[lcore].is_done = true;
	return 1;
}

static __attribute__((unused)) unsigned int
one_poll(void *priv, unsigned int lcore, struct zcomp_strm **strms, unsigned int nr)
{
	struct one_strm *s = &((struct one *)priv)->strms[lcore];

	if (nr == 0 || !s->is_done)
		return 0;
	s->is_done = false;
	strms[0] = &s->zstrm.strm;
	return 1;
}

static const struct zcomp_ops one_ops = {
        .name = "one",
        .setup_params = one_setup,
        .release_params = one_release,
        .get_stream = one_get,
        .put_stream = one_put,
        .submit = one_submit,
        .poll = MODULE_POLL,
};

#ifdef MODULE_HIDDEN
extern const struct zcomp_backend_module another_name;
const struct zcomp_backend_module another_name = {
#else
const struct zcomp_backend_module zcomp_backend_module = {
#endif
        .abi = MODULE_ABI,
        .size = MODULE_SIZE,
        .codec = MODULE_CODEC,
        .ops = &one_ops,
};
