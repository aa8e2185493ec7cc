/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Any text as a size, a number, a name and a list; the first byte is the list's separator. */

#include "fuzz.h"

#include <errno.h>

#include "base/parse.h"

static void
check_size(char *text, size_t len)
{
	static const char units[] = "KMGTkmgt";
	uint64_t size = 42, number;
	int ret = zc_parse_size(text, &size);
	unsigned int shift = 0;

	FUZZ_CHECK(ret == 0 || ret == -EINVAL || ret == -ERANGE);
	FUZZ_CHECK(ret == 0 || size == 42);
	if (ret != 0)
		return;
	/* The same without its unit is a number, and nothing was lost on the left. */
	if (strchr(units, text[len - 1]) != NULL) {
		shift = 10 * (unsigned int)((strchr(units, text[len - 1]) - units) % 4 + 1);
		text[len - 1] = '\0';
	}
	FUZZ_CHECK(zc_parse_u64(text, UINT64_MAX, &number) == 0);
	FUZZ_CHECK(size >> shift == number && size == number << shift);
}

static void
check_number(const char *text)
{
	uint64_t number = 42;
	char printed[32];
	int ret = zc_parse_u64(text, UINT64_MAX, &number);

	FUZZ_CHECK(ret == 0 || ret == -EINVAL || ret == -ERANGE);
	if (ret != 0)
		return;
	FUZZ_CHECK(number == 0 || zc_parse_u64(text, number - 1, &number) == -ERANGE);
	/* It prints as it was, but for zeros in front. */
	text += strspn(text, "0");
	snprintf(printed, sizeof(printed), "%llu", (unsigned long long)number);
	FUZZ_CHECK(strcmp(number != 0 ? printed : "", text) == 0);
}

static void
check_name(const char *text, size_t len)
{
	if (!zc_name_valid(text))
		return;
	FUZZ_CHECK(len >= 1 && len <= 63);
	FUZZ_CHECK(text[0] != '.' && text[0] != '-' && strchr(text, '/') == NULL);
}

/* Every byte of the list comes out once: in a key, in a value, or as what stands between them. */
static void
check_list(char *text, size_t len, char sep)
{
	size_t seen = 0;
	char *list = text;
	char *key, *value;

	while ((key = zc_next_pair(&list, sep, &value)) != NULL) {
		FUZZ_CHECK(key == text + seen);
		FUZZ_CHECK(strchr(key, '=') == NULL);
		seen += strlen(key) + 1;
		if (value != NULL) {
			FUZZ_CHECK(value == text + seen);
			seen += strlen(value) + 1;
		}
		FUZZ_CHECK(seen <= len + 1);
	}
	FUZZ_CHECK(seen >= len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	char sep = (char)fuzz_number(&in, 1);
	char *text = (char *)fuzz_alloc(in.len + 1);

	if (sep == '\0' || sep == '=')
		sep = ',';
	memcpy(text, in.data, in.len);
	text[in.len] = '\0';
	len = strlen(text);
	check_number(text);
	check_name(text, len);
	check_list(text, len, sep);
	memcpy(text, in.data, in.len);
	check_size(text, len);
	free(text);
	return 0;
}
