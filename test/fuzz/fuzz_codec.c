/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Every codec: any bytes as a compressed page, and any page there and back again. */

#include "fuzz.h"

#include <errno.h>

#include "codec/codec.h"

#define IDS_MAX 16u

static void
check_decompress(const struct zcodec *codec, const struct fuzz_input *in, uint32_t page_len)
{
	void *src = fuzz_rest(in);
	void *page = fuzz_alloc(page_len);
	int ret = codec->decompress(src, (uint32_t)in->len, page, page_len);

	FUZZ_CHECK(ret == 0 || ret == -EBADMSG);
	free(src);
	free(page);
}

static void
check_round_trip(const struct zcodec *codec, const struct fuzz_input *in, uint32_t room)
{
	size_t ctx_len = (codec->ctx_len() + 63) & ~(size_t)63;
	void *ctx = aligned_alloc(64, ctx_len != 0 ? ctx_len : 64);
	void *page = fuzz_rest(in);
	uint32_t len = (uint32_t)in->len;
	void *object = fuzz_alloc(room);
	void *copy = fuzz_alloc(len);
	int n;

	FUZZ_CHECK(ctx != NULL);
	n = codec->compress(ctx, codec->level_default, page, len, object, room);
	FUZZ_CHECK(n == -ENOSPC || (n > 0 && (uint32_t)n <= room));
	if (n > 0) {
		FUZZ_CHECK(codec->decompress(object, (uint32_t)n, copy, len) == 0);
		FUZZ_CHECK(memcmp(copy, page, len) == 0);
		/* The exact length or nothing. */
		FUZZ_CHECK(codec->decompress(object, (uint32_t)n, copy, len - 1) == -EBADMSG);
	}
	free(ctx);
	free(page);
	free(object);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	uint32_t other_len = (uint32_t)fuzz_number(&in, 2) + 1;

	for (unsigned int id = 0; id < IDS_MAX; id++) {
		const struct zcodec *codec = zcodec_by_id(id);

		if (codec == NULL || in.len == 0 || in.len > 65536)
			continue;
		check_decompress(codec, &in, other_len);
		check_round_trip(codec, &in, other_len);
		check_round_trip(codec, &in, 2 * 65536);
	}
	return 0;
}
