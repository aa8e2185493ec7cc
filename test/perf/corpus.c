/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* The corpus: a file's pages in memory of our own, and the random order of loads. */

#include "corpus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/same.h"

static int
open_file(const char *path, uint64_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int ret = -errno;

		zc_err("--input-file: %s: %s", path, strerror(-ret));
		if (fd >= 0)
			close(fd);
		return ret;
	}
	*len = (uint64_t)st.st_size;
	if (S_ISREG(st.st_mode) && *len >= CORPUS_LEN_MIN && *len <= CORPUS_LEN_MAX)
		return fd;
	if (!S_ISREG(st.st_mode))
		zc_err("--input-file: %s is not a regular file", path);
	else
		zc_err("--input-file: %s has %llu bytes; 1 MiB to 1 TiB can be measured", path,
		       (unsigned long long)*len);
	close(fd);
	return -EINVAL;
}

static int
allocate(struct corpus *c)
{
	void *mem = mmap(NULL, (uint64_t)c->nr * PERF_PAGE_SIZE, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	c->pages = mem == MAP_FAILED ? NULL : (uint8_t *)mem;
	c->order = (uint32_t *)calloc(c->nr, sizeof(*c->order));
	if (c->pages != NULL && c->order != NULL)
		return 0;
	zc_err("no memory for %u pages: a smaller --extended-input-sz may help", c->nr);
	return -ENOMEM;
}

static int
read_pages(const struct corpus *c, int fd, const char *path)
{
	uint64_t once = c->file_pages < c->nr ? c->file_pages : c->nr;
	uint64_t len = once * PERF_PAGE_SIZE, got = 0;

	while (got < len) {
		ssize_t n = read(fd, c->pages + got, len - got);

		if (n > 0) {
			got += (uint64_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		zc_err("--input-file: %s: %s", path, n < 0 ? strerror(errno) : "it has shrunk");
		return n < 0 ? -errno : -EIO;
	}
	for (uint64_t page = once; page < c->nr; page++)
		memcpy(c->pages + page * PERF_PAGE_SIZE,
		       c->pages + page % c->file_pages * PERF_PAGE_SIZE, PERF_PAGE_SIZE);
	return 0;
}

/* Fisher and Yates, by a generator with a fixed seed: the same order in each run. */
static void
shuffle(uint32_t *order, uint32_t nr)
{
	uint64_t state = 1;

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t j;

		state = state * 6364136223846793005u + 1442695040888963407u;
		j = (uint32_t)(((state >> 32) * (i + 1)) >> 32);
		order[i] = order[j];
		order[j] = i;
	}
}

static void
describe(struct corpus *c, const char *path)
{
	const char *slash = strrchr(path, '/');

	snprintf(c->name, sizeof(c->name), "%s", slash != NULL ? slash + 1 : path);
	for (uint64_t page = 0; page < c->nr; page++) {
		const uint8_t *content = c->pages + page * PERF_PAGE_SIZE;
		uint64_t word;

		c->same_filled += zc_same_filled(content, PERF_PAGE_SIZE, &word);
		for (uint32_t off = 0; off < PERF_PAGE_SIZE; off += sizeof(word)) {
			memcpy(&word, content + off, sizeof(word));
			c->crc32c = zc_crc32c_word_sw(c->crc32c, word);
		}
	}
}

int
corpus_read(struct corpus *c, const char *path, uint64_t extended_len)
{
	uint64_t len = 0;
	int fd, ret;

	memset(c, 0, sizeof(*c));
	fd = open_file(path, &len);
	if (fd < 0)
		return fd;
	c->file_pages = (uint32_t)(len / PERF_PAGE_SIZE);
	c->nr = extended_len == 0 ? c->file_pages : (uint32_t)(extended_len / PERF_PAGE_SIZE);
	ret = allocate(c);
	if (ret == 0)
		ret = read_pages(c, fd, path);
	close(fd);
	if (ret != 0) {
		corpus_fini(c);
		return ret;
	}
	shuffle(c->order, c->nr);
	describe(c, path);
	return 0;
}

void
corpus_fini(struct corpus *c)
{
	if (c->pages != NULL)
		munmap(c->pages, (uint64_t)c->nr * PERF_PAGE_SIZE);
	free(c->order);
	memset(c, 0, sizeof(*c));
}
