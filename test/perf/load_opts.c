/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* What a client asks for, read off the command line. */

#include "load_opts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

#define SHARE_MAX 1000u

void
load_opts_init(struct load_opts *opts)
{
	*opts = (struct load_opts){
	        .rates = {10, 25, 50, 75, 90},
	        .nr_rates = 5,
	        .mix = {30, 60, 10},
	};
}

int
load_opts_rates(struct load_opts *opts, const char *text)
{
	unsigned int nr = 0;

	while (nr < LOAD_RATES_MAX) {
		char *end;
		double rate = strtod(text, &end);

		if (end == text || !(rate >= 0.1 && rate <= 100))
			return -EINVAL;
		opts->rates[nr++] = rate;
		if (*end == '\0') {
			opts->nr_rates = nr;
			return 0;
		}
		if (*end != ',')
			return -EINVAL;
		text = end + 1;
	}
	return -EINVAL;
}

int
load_opts_mix(struct load_opts *opts, const char *text)
{
	char copy[32], *rest = copy;
	unsigned int mix[3];

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	for (unsigned int i = 0; i < 3; i++) {
		char *share = strsep(&rest, ":");
		uint64_t value;

		if (share == NULL || zc_parse_u64(share, SHARE_MAX, &value) != 0)
			return -EINVAL;
		mix[i] = (unsigned int)value;
	}
	if (rest != NULL || mix[0] + mix[1] + mix[2] == 0)
		return -EINVAL;
	memcpy(opts->mix, mix, sizeof(mix));
	return 0;
}

int
load_opts_dist(struct load_opts *opts, const char *text)
{
	opts->zipf = strcmp(text, "zipf") == 0;
	return opts->zipf || strcmp(text, "uniform") == 0 ? 0 : -EINVAL;
}
