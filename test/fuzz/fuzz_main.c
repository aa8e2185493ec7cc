/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Runs a fuzz target where there is no libFuzzer: the seeds, then mutations of them from a fixed
 * random seed, so that each run does the same. Takes the options of libFuzzer that the tests use:
 *
 *     -seed_inputs=FILE,FILE...  what the mutations start from
 *     -runs=N                    inputs altogether
 *     -seed=N                    of the random numbers
 *     -max_len=N                 bytes of an input
 *     FILE...                    runs these alone, as libFuzzer does to reproduce a crash
 */

#include "fuzz.h"

#include <errno.h>

#include "test_util.h"

#define LEN_MAX 65536u

struct input {
	uint8_t *data;
	size_t len;
};

struct fuzzer {
	struct input *seeds;
	size_t nr_seeds;
	uint64_t runs;
	uint64_t random;
	size_t max_len;
	struct input input; /* the one under way, in memory of LEN_MAX bytes */
};

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(2);
}

static struct input
read_file(const char *path)
{
	struct input input = {(uint8_t *)fuzz_alloc(LEN_MAX), 0};
	FILE *file = fopen(path, "rbe");

	if (file == NULL)
		die(path, strerror(errno));
	input.len = fread(input.data, 1, LEN_MAX, file);
	if (ferror(file) != 0)
		die(path, "not a file that can be read");
	fclose(file);
	return input;
}

/* Runs an input from memory of its own length. */
static void
run(const struct input *input)
{
	struct fuzz_input whole = {input->data, input->len};
	uint8_t *copy = (uint8_t *)fuzz_rest(&whole);

	LLVMFuzzerTestOneInput(copy, input->len);
	free(copy);
}

/* @return a number below @p nr, which is not 0 */
static size_t
below(struct fuzzer *f, size_t nr)
{
	return (size_t)(test_random(&f->random) >> 16) % nr;
}

static void
insert(struct fuzzer *f, size_t at, const uint8_t *bytes, size_t len)
{
	struct input *in = &f->input;

	if (len > f->max_len - in->len)
		len = f->max_len - in->len;
	memmove(in->data + at + len, in->data + at, in->len - at);
	memcpy(in->data + at, bytes, len);
	in->len += len;
}

static void
overwrite_with_edge(struct fuzzer *f, size_t at)
{
	static const uint64_t edges[] = {0,   1,    7,    8,     15,    16,
	                                 255, 4095, 4096, 65535, 65536, 1u << 31};
	uint64_t edge = edges[below(f, TEST_NR(edges))];
	size_t width = (size_t)1 << below(f, 4);

	if (below(f, 2) != 0)
		edge = ~edge;
	if (at + width <= f->input.len)
		memcpy(f->input.data + at, &edge, width);
}

static void
mutate(struct fuzzer *f)
{
	struct input *in = &f->input;
	size_t at = below(f, in->len + 1);
	size_t len = below(f, below(f, 64) + 1);
	const struct input *other = &f->seeds[below(f, f->nr_seeds)];
	uint8_t noise[64];

	switch (below(f, 6)) {
	case 0:
	case 1:
		if (at < in->len)
			in->data[at] ^= (uint8_t)(1u << below(f, 8));
		break;
	case 2:
		overwrite_with_edge(f, at);
		break;
	case 3:
		if (len > in->len - at)
			len = in->len - at;
		memmove(in->data + at, in->data + at + len, in->len - at - len);
		in->len -= len;
		break;
	case 4:
		test_random_fill(&f->random, noise, sizeof(noise));
		insert(f, at, noise, len);
		break;
	default:
		if (len < other->len)
			insert(f, at, other->data + below(f, other->len - len), len);
		break;
	}
}

static void
run_all(struct fuzzer *f)
{
	for (uint64_t i = 0; i < f->runs; i++) {
		size_t seed = i < f->nr_seeds ? i : below(f, f->nr_seeds);
		struct input *in = &f->input;

		in->len = f->seeds[seed].len < f->max_len ? f->seeds[seed].len : f->max_len;
		memcpy(in->data, f->seeds[seed].data, in->len);
		if (i >= f->nr_seeds) {
			for (size_t n = 1 + below(f, 8); n > 0; n--)
				mutate(f);
		}
		run(in);
	}
	printf("%llu runs, %zu seeds\n", (unsigned long long)f->runs, f->nr_seeds);
}

static void
add_seed(struct fuzzer *f, struct input seed)
{
	f->seeds = (struct input *)realloc(f->seeds, (f->nr_seeds + 1) * sizeof(f->seeds[0]));
	FUZZ_CHECK(f->seeds != NULL);
	f->seeds[f->nr_seeds++] = seed;
}

static void
add_seeds(struct fuzzer *f, char *list)
{
	for (char *rest, *path = strtok_r(list, ",", &rest); path != NULL;
	     path = strtok_r(NULL, ",", &rest))
		add_seed(f, read_file(path));
}

static void
option(struct fuzzer *f, char *arg)
{
	char *value = strchr(arg, '=');

	if (value == NULL)
		die(arg, "-name=value");
	*value++ = '\0';
	if (strcmp(arg, "-seed_inputs") == 0)
		add_seeds(f, value);
	else if (strcmp(arg, "-runs") == 0)
		f->runs = strtoull(value, NULL, 10);
	else if (strcmp(arg, "-seed") == 0)
		f->random = strtoull(value, NULL, 10);
	else if (strcmp(arg, "-max_len") == 0)
		f->max_len = strtoull(value, NULL, 10);
	else
		die(arg, "only libFuzzer knows this");
	if (f->max_len > LEN_MAX)
		die(arg, "more than an input can have");
}

int
main(int argc, char **argv)
{
	struct fuzzer f = {.max_len = 4096};
	bool files = false;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-') {
			option(&f, argv[i]);
		} else {
			struct input input = read_file(argv[i]);

			run(&input);
			free(input.data);
			files = true;
		}
	}
	if (!files) {
		/* Always one to mutate: the empty input. */
		add_seed(&f, (struct input){(uint8_t *)fuzz_alloc(0), 0});
		f.input.data = (uint8_t *)fuzz_alloc(LEN_MAX);
		run_all(&f);
		free(f.input.data);
	}
	for (size_t i = 0; i < f.nr_seeds; i++)
		free(f.seeds[i].data);
	free(f.seeds);
	return 0;
}
