/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Random numbers. What they come from is the caller's; nothing is kept here. */

#include "zipf.h"

#include <math.h>

uint64_t
zipf_random(uint64_t *state)
{
	/* SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators". */
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

double
zipf_unit(uint64_t *state)
{
	return (double)(zipf_random(state) >> 11) * 0x1p-53;
}

void
zipf_init(struct zipf *z, uint64_t nr, double theta)
{
	double two = pow(0.5, theta);

	z->nr = nr;
	z->theta = theta;
	z->alpha = 1 / (1 - theta);
	z->zeta = 0;
	for (uint64_t i = 1; i <= nr; i++)
		z->zeta += pow((double)i, -theta);
	z->second = 1 + two;
	z->eta = (1 - pow(2 / (double)nr, 1 - theta)) / (1 - z->second / z->zeta);
}

uint64_t
zipf_next(const struct zipf *z, uint64_t *state)
{
	double u = zipf_unit(state), uz = u * z->zeta;
	uint64_t rank;

	if (uz < 1)
		return 0;
	/* With two ranks, eta has no meaning. */
	if (uz < z->second || z->nr == 2)
		return 1;
	rank = (uint64_t)((double)z->nr * pow(z->eta * u - z->eta + 1, z->alpha));
	return rank < z->nr ? rank : z->nr - 1;
}
