/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Compaction in the background, and at once where a session asks for it and waits. A step has a
 * limit of time, so that the main lcore goes on with all else; what is done is the store's.
 */

#include "compact.h"

#include <errno.h>

#include "base/clock.h"
#include "session.h"
#include "zd.h"

#define STEP_SLOTS 512u /* some microseconds: how exactly a limit is kept */
#define STEP_MS    10
#define QUIET_NS   500000u
#define BUSY_NS    50000u
#define ASKED_NS   1000000u /* others of the main lcore's clients wait so long */

void
zd_compact_look(struct zd *zd)
{
	struct zd_disk *disk;

	LIST_FOREACH (disk, &zd->disks.all, link) {
		if (!disk->compacting)
			disk->compacting = zstore_wants_compact(disk->store);
	}
}

/* @return whether no worker has done anything since the last step */
static bool
quiet(struct zd *zd)
{
	uint64_t ops = 0, before = zd->compact.ops;

	for (unsigned int i = 0; i < zd->nr_workers; i++)
		ops += zc_load_relaxed(&zd->workers[i]->stats.ops);
	zd->compact.ops = ops;
	return ops == before;
}

/* The disk whose turn it is: one that is asked for. NULL: none. */
static struct zd_disk *
next_disk(struct zd *zd)
{
	struct zd_disk *disk, *found = NULL;

	LIST_FOREACH (disk, &zd->disks.all, link) {
		if (disk->compacting && (found == NULL || disk->compact_asked))
			found = disk;
	}
	return found;
}

static void
answer(struct zd *zd, struct zd_disk *disk, int error)
{
	disk->compacting = false;
	if (disk->compact_asked)
		zd_session_compacted(zd, disk, error);
	disk->compact_asked = false;
}

/* Who waits for a disk that was removed waits for nothing. */
static void
answer_removed(struct zd *zd)
{
	struct zd_disk *disk;

	LIST_FOREACH (disk, &zd->disks.removed, link)
		answer(zd, disk, -ENODEV);
}

int
zd_compact_run(struct zd *zd, uint64_t now_ns)
{
	uint64_t limit_ns, since_ms = (now_ns - zd->compact.step_ns) / 1000000;
	struct zd_disk *disk = next_disk(zd);
	bool more = true;

	answer_removed(zd);
	if (disk == NULL)
		return -1;
	if (!disk->compact_asked && since_ms < STEP_MS)
		return STEP_MS - (int)since_ms;
	limit_ns = quiet(zd) ? QUIET_NS : BUSY_NS;
	if (disk->compact_asked)
		limit_ns = ASKED_NS;
	zd->compact.step_ns = now_ns;
	while (more && zc_now_ns() - now_ns < limit_ns)
		more = zstore_compact(disk->store, STEP_SLOTS);
	if (!more)
		answer(zd, disk, 0);
	disk = next_disk(zd);
	if (disk == NULL)
		return -1;
	return disk->compact_asked ? 0 : STEP_MS;
}
