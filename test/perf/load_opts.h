/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef LOAD_OPTS_H
#define LOAD_OPTS_H

#include <stdbool.h>

#define LOAD_RATES_MAX 16u

/** What a client asks for, and how often. */
struct load_opts {
	double rates[LOAD_RATES_MAX]; /**< percent of the closed loop, 0.1 to 100 */
	unsigned int nr_rates;
	unsigned int mix[3]; /**< shares of stores, loads and discards */
	bool zipf;           /**< pages by Zipf's law, else all alike */
};

/** Sets the defaults: 10, 25, 50, 75 and 90 %; 30:60:10; all pages alike. */
void load_opts_init(struct load_opts *opts);

/** @param text percents with commas between them, as 10,25,50 @return 0, -EINVAL */
int load_opts_rates(struct load_opts *opts, const char *text);

/**
 * @param text three shares, as 30:60:10, at most 1000 each, of which one is not 0
 * @return 0, -EINVAL
 */
int load_opts_mix(struct load_opts *opts, const char *text);

/** @param text uniform or zipf @return 0, -EINVAL */
int load_opts_dist(struct load_opts *opts, const char *text);

#endif
