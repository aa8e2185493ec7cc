/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* A zcompd on two nodes that are not there. TEST_NUMA is the errno of each call; 0 = they work. */

#include <stdlib.h>

#include "numa_mock.h"

__attribute__((constructor)) static void
set_up(void)
{
	const char *err = getenv("TEST_NUMA");

	mock_numa_reset();
	mock_numa.loud = true;
	if (err != NULL)
		mock_numa.set_mempolicy_err = mock_numa.mbind_err = atoi(err);
}
