/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TARGET_PMD_H
#define TARGET_PMD_H

#include "pmd.h"
#include "target.h"

/** @return whether the device decompresses @param t target_pmd */
bool target_pmd_decompresses(const struct target *t);

/**
 * Compresses all pages once, as ops->store() does, or decompresses all that is stored.
 * @param t target_pmd
 * @param counts of the driver's calls; is added to
 * @return 0, as pmd_run()
 */
int target_pmd_sweep(struct target *t, enum pmd_direction direction, struct pmd_counts *counts);

#endif
