/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The open loop. The clock is the caller's, so that it can be tested with any. */

#include "openloop.h"

#include <errno.h>

int
openloop_run(struct openloop *o)
{
	const double gap_ns = 1e9 / o->rate;
	uint64_t start = o->now(o->arg);

	while (o->done < o->nr) {
		uint64_t now = o->now(o->arg);
		int ret = 0;

		while (ret == 0 && o->begun < o->nr) {
			uint64_t due = start + (uint64_t)((double)o->begun * gap_ns);

			if (due > now)
				break;
			ret = o->begin(o->arg, o, due);
			if (ret == 0)
				o->begun++;
		}
		if (ret == 0 || ret == -EAGAIN)
			ret = o->poll(o->arg, o);
		if (ret != 0)
			return ret;
	}
	o->elapsed_ns = o->now(o->arg) - start;
	return 0;
}
