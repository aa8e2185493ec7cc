/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* A table of objects. Main thread only. */

#include "objects.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/log.h"

int
objects_init(struct objects *o, uint32_t nr)
{
	void *mem = mmap(NULL, (uint64_t)nr * OBJECTS_ROOM, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	o->nr = nr;
	o->mem = mem == MAP_FAILED ? NULL : (char *)mem;
	o->lens = (uint32_t *)calloc(nr, sizeof(*o->lens));
	if (o->mem != NULL && o->lens != NULL)
		return 0;
	zc_err("no memory for %u objects", nr);
	return -ENOMEM;
}

void
objects_fini(struct objects *o)
{
	if (o->mem != NULL)
		munmap(o->mem, (uint64_t)o->nr * OBJECTS_ROOM);
	free(o->lens);
}

uint64_t
objects_bytes(const struct objects *o)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < o->nr; i++)
		bytes += o->lens[i];
	return bytes;
}
