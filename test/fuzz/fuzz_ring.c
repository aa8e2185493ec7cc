/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* One side of a ring against a peer that writes any index at any time. */

#include "fuzz.h"

#include "ipc/ring.h"

#define WORDS 4u

struct side {
	uint32_t own_idx;
	uint32_t peer_idx;
	uint64_t *entries;
	struct zring ring;
};

static void
check_count(const struct side *s, int count)
{
	FUZZ_CHECK(count == -EPROTO || (count >= 0 && (uint32_t)count <= s->ring.size));
	FUZZ_CHECK(s->own_idx == s->ring.own);
}

static void
produce(struct side *s, uint32_t want)
{
	const uint64_t words[WORDS] = {1, 2, 3, 4};
	int room = zring_reserve(&s->ring, want);

	check_count(s, room);
	for (uint32_t i = 0; i < want && (int)i < room; i++)
		zring_write(&s->ring, i, words, WORDS);
	if (room > 0)
		zring_commit(&s->ring, want < (uint32_t)room ? want : (uint32_t)room);
}

static void
consume(struct side *s, uint32_t want)
{
	uint64_t words[WORDS];
	int held = zring_peek(&s->ring, want);

	check_count(s, held);
	for (uint32_t i = 0; i < want && (int)i < held; i++)
		zring_read(&s->ring, i, words, WORDS);
	if (held > 0)
		zring_release(&s->ring, want < (uint32_t)held ? want : (uint32_t)held);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	uint8_t kind = (uint8_t)fuzz_number(&in, 1);
	uint32_t size = 1u << kind % 8;
	struct side s = {.own_idx = (uint32_t)fuzz_number(&in, 4)};

	s.peer_idx = s.own_idx;
	s.entries = (uint64_t *)fuzz_alloc(size * WORDS * sizeof(uint64_t));
	memset(s.entries, 0, size * WORDS * sizeof(uint64_t));
	zring_init(&s.ring, &s.own_idx, &s.peer_idx, s.entries, size);
	s.ring.own = s.ring.peer = s.own_idx;
	while (in.len > 0) {
		uint8_t op = (uint8_t)fuzz_number(&in, 1);

		/* An index near ours, any index, or a step of ours. */
		if (op % 4 == 0)
			s.peer_idx = s.own_idx + (uint32_t)(int8_t)fuzz_number(&in, 1);
		else if (op % 4 == 1)
			s.peer_idx = (uint32_t)fuzz_number(&in, 4);
		else if (kind < 128)
			produce(&s, op / 4);
		else
			consume(&s, op / 4);
	}
	free(s.entries);
	return 0;
}
