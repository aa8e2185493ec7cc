/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Policies: their text, and their decisions. There is no state here but what the caller keeps in
 * its wish; estimates are the watch's.
 */

#include "comp/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

static const struct {
	const char *name;
	uint32_t arg_max; /* 0: it has none */
} kinds[ZCOMP_POLICY_KINDS] = {
        [ZCOMP_POLICY_INLINE] = {"inline", 0},
        [ZCOMP_POLICY_TRY] = {"try", 0},
        [ZCOMP_POLICY_RETRY] = {"retry", ZCOMP_RETRY_US_MAX},
        [ZCOMP_POLICY_SPILL] = {"spill", ZCOMP_SPILL_MAX},
        [ZCOMP_POLICY_SOFTWARE] = {"software", 0},
        [ZCOMP_POLICY_ADAPTIVE] = {"adaptive", 0},
};

int
zcomp_policy_parse(const char *text, struct zcomp_policy *out)
{
	const char *arg = strchr(text, '=');
	size_t len = arg != NULL ? (size_t)(arg - text) : strlen(text);
	unsigned int i = 0;
	uint64_t value = 0;

	while (i < ZCOMP_POLICY_KINDS &&
	       (strlen(kinds[i].name) != len || memcmp(kinds[i].name, text, len) != 0))
		i++;
	if (i == ZCOMP_POLICY_KINDS || (arg != NULL) != (kinds[i].arg_max != 0))
		return -EINVAL;
	if (arg != NULL && (zc_parse_u64(arg + 1, kinds[i].arg_max, &value) != 0 || value == 0))
		return -EINVAL;
	*out = (struct zcomp_policy){(enum zcomp_policy_kind)i, (uint32_t)value};
	return 0;
}

void
zcomp_policy_format(const struct zcomp_policy *policy, char *text)
{
	if (kinds[policy->kind].arg_max != 0)
		snprintf(text, ZCOMP_POLICY_LEN, "%s=%u", kinds[policy->kind].name, policy->arg);
	else
		snprintf(text, ZCOMP_POLICY_LEN, "%s", kinds[policy->kind].name);
}

/*
 * Whether the device would be done with this page before the lcore itself with this one and those
 * behind it: with more waiting the device gains, for they go on while it works.
 */
static bool
device_is_sooner(struct zcomp *comp, unsigned int lcore, const struct zcomp_want *want)
{
	struct zcomp_expected expected = zcomp_expected(comp, lcore);
	uint64_t software_ns = expected.software_ns * (1 + (uint64_t)want->waiting);
	bool tried;

	if (expected.managed_ns <= software_ns)
		return true;
	tried = expected.managed_ns <= software_ns + expected.faded_ns;
	zcomp_expected_fade(comp, lcore, tried);
	return tried;
}

/*
 * Whether a device that takes no more has enough to do for as long as the lcore is at a page of its
 * own. If so that page costs nothing, however many wait; if not, the device would run dry. One that
 * has nothing gets its pages only when the caller submits the streams that it has taken.
 */
static bool
device_stays_busy(const struct zcomp *comp, unsigned int lcore)
{
	struct zcomp_expected expected = zcomp_expected(comp, lcore);

	if (expected.idle && expected.managed_ns != 0)
		return false;
	return expected.backlog_ns == 0 || expected.backlog_ns > expected.software_ns;
}

/* No managed stream is to be had now. @return ZCOMP_GRANTED: the lcore is to do it itself */
static enum zcomp_verdict
without_managed(struct zcomp *comp, unsigned int lcore, struct zcomp_want *want)
{
	uint64_t now_ns;

	switch (want->policy.kind) {
	case ZCOMP_POLICY_TRY:
		return ZCOMP_REFUSED;
	case ZCOMP_POLICY_RETRY:
		now_ns = zcomp_now_ns(comp);
		if (want->since_ns == 0)
			want->since_ns = now_ns;
		return now_ns - want->since_ns < want->policy.arg * UINT64_C(1000) ? ZCOMP_WAIT
		                                                                   : ZCOMP_GRANTED;
	case ZCOMP_POLICY_SPILL:
		return want->spilled < want->policy.arg ? ZCOMP_SPILL : ZCOMP_GRANTED;
	case ZCOMP_POLICY_ADAPTIVE:
		return device_stays_busy(comp, lcore) ? ZCOMP_GRANTED : ZCOMP_WAIT;
	default:
		return ZCOMP_GRANTED;
	}
}

static bool
wants_managed(struct zcomp *comp, unsigned int lcore, const struct zcomp_want *want)
{
	if (want->policy.kind == ZCOMP_POLICY_ADAPTIVE)
		return device_is_sooner(comp, lcore, want);
	return want->policy.kind != ZCOMP_POLICY_SOFTWARE;
}

enum zcomp_verdict
zcomp_stream_ask(struct zcomp *comp, unsigned int lcore, struct zcomp_want *want,
                 struct zcomp_strm **out)
{
	enum zcomp_verdict verdict;

	if (wants_managed(comp, lcore, want)) {
		*out = want->full ? NULL : zcomp_stream_get(comp, lcore, ZSTRM_ONLY_MGMT);
		if (*out != NULL)
			return ZCOMP_GRANTED;
		verdict = zcomp_healthy(comp, lcore) ? without_managed(comp, lcore, want)
		                                     : ZCOMP_GRANTED;
		if (verdict != ZCOMP_GRANTED)
			return verdict;
	}
	*out = zcomp_stream_get(comp, lcore, ZSTRM_DEFAULT);
	return *out != NULL ? ZCOMP_GRANTED : ZCOMP_WAIT;
}
