/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef SERVICE_PROC_H
#define SERVICE_PROC_H

#include <stddef.h>
#include <sys/types.h>

#include "perf.h"

/** A zcompd of our own: its process, and the folder of its socket and state. */
struct service_proc {
	pid_t pid; /**< 0 = none */
	int said;  /**< what it writes to standard error */
	char dir[48];
	char socket[64];
};

/**
 * Starts zcompd with one worker on place->worker_cpu and waits until it listens.
 * @param program its path; NULL = the one installed or built beside this program
 * @return 0, -ENOENT (no program), -ETIME, -EINTR (the user wants to stop), -EIO (it ended), -errno
 */
int service_proc_start(struct service_proc *p, const struct perf_place *place, const char *program);

/**
 * The same with @p nr_workers workers, on the CPUs that follow the first one.
 * @return as service_proc_start(), -ENOSPC (fewer CPUs)
 */
int service_proc_start_workers(struct service_proc *p, const struct perf_place *place,
                               const char *program, unsigned int nr_workers);

/** Ends it, passes on what it complained of, removes its folder. Also after a failed start. */
void service_proc_stop(struct service_proc *p);

#endif
