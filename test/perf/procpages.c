/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */

/*
 * procpages: writes the resident private pages of a process to a file: real data to store.
 *
 * A run is up to 16 pages that follow each other in memory. When there are more pages than
 * wanted, whole runs are drawn at random, by a seed, and written in the order of their addresses:
 * neighbours stay neighbours. The process is not stopped: a page is what it was when it was read.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN     16
#define ENTRIES 512
#define PRESENT ((uint64_t)1 << 63)

struct run {
	uint64_t page; /* address / page size */
	uint32_t nr;
};

struct runs {
	struct run *at;
	size_t nr, room;
	uint64_t pages;
};

struct process {
	const char *pid;
	size_t page_size;
	int pagemap;
	int mem;
};

static int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
complain(const char *fmt, ...)
{
	va_list ap;

	fputs("procpages: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -EINVAL;
}

static int
cannot_open(const char *pid, const char *path, int err)
{
	char dir[32];

	snprintf(dir, sizeof(dir), "/proc/%s", pid);
	if (err == ENOENT && access(dir, F_OK) != 0)
		return complain("there is no process %s", pid);
	if (err == ESRCH)
		return complain("process %s has no memory: a kernel thread, or it has ended", pid);
	if (err == EACCES || err == EPERM)
		return complain(
		        "not permitted to read the memory of process %s: it must be your own, "
		        "or you root; with kernel.yama.ptrace_scope=1 it must allow you by "
		        "PR_SET_PTRACER",
		        pid);
	return complain("%s: %s", path, strerror(err));
}

static int
open_proc(const char *pid, const char *name, int *fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd >= 0 ? 0 : cannot_open(pid, path, errno);
}

/* Makes the last run longer where the page follows it. */
static int
add_page(struct runs *runs, uint64_t page)
{
	struct run *last = runs->nr > 0 ? &runs->at[runs->nr - 1] : NULL;

	runs->pages++;
	if (last != NULL && last->page + last->nr == page && last->nr < RUN) {
		last->nr++;
		return 0;
	}
	if (runs->nr == runs->room) {
		size_t room = runs->room * 2 + 1024;
		struct run *at = reallocarray(runs->at, room, sizeof(*at));

		if (at == NULL)
			return complain("no memory for %zu runs of pages", room);
		runs->at = at;
		runs->room = room;
	}
	runs->at[runs->nr++] = (struct run){.page = page, .nr = 1};
	return 0;
}

static int
add_mapping(const struct process *proc, struct runs *runs, uint64_t page, uint64_t end)
{
	uint64_t entries[ENTRIES], nr, i;
	ssize_t len;
	int ret = 0;

	while (ret == 0 && page < end) {
		nr = end - page < ENTRIES ? end - page : ENTRIES;
		len = pread(proc->pagemap, entries, nr * sizeof(entries[0]),
		            (off_t)(page * sizeof(entries[0])));
		if (len < (ssize_t)sizeof(entries[0]))
			break; /* Unmapped meanwhile, or the process has ended. */
		nr = (uint64_t)len / sizeof(entries[0]);
		for (i = 0; i < nr && ret == 0; i++) {
			if ((entries[i] & PRESENT) != 0)
				ret = add_page(runs, page + i);
		}
		page += nr;
	}
	return ret;
}

/* Private mappings, of nothing or of a file. The kernel's own ones are no data of the process. */
static int
find_runs(const struct process *proc, struct runs *runs)
{
	char path[64], perms[5], *line = NULL;
	uint64_t start, end;
	size_t size = 0;
	FILE *maps;
	int ret = 0;

	snprintf(path, sizeof(path), "/proc/%s/maps", proc->pid);
	maps = fopen(path, "re");
	if (maps == NULL)
		return cannot_open(proc->pid, path, errno);
	while (ret == 0 && getline(&line, &size, maps) > 0) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, perms) != 3)
			continue;
		if (perms[0] != 'r' || perms[3] != 'p' || strstr(line, " [v") != NULL)
			continue;
		ret = add_mapping(proc, runs, start / proc->page_size, end / proc->page_size);
	}
	free(line);
	fclose(maps);
	if (ret == 0 && runs->nr == 0)
		ret = complain("process %s has no resident private page: has it ended?", proc->pid);
	return ret;
}

/* splitmix64 */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int
compare_runs(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return (x->page > y->page) - (x->page < y->page);
}

/* Keeps a random choice of runs, max_pages in all. */
static void
sample(struct runs *runs, uint64_t max_pages, uint64_t seed)
{
	uint64_t pages = 0;
	size_t i, other;
	struct run swap;

	if (runs->pages <= max_pages)
		return;
	for (i = 0; pages < max_pages; i++) {
		other = i + next_random(&seed) % (runs->nr - i);
		swap = runs->at[i];
		runs->at[i] = runs->at[other];
		runs->at[other] = swap;
		if (runs->at[i].nr > max_pages - pages)
			runs->at[i].nr = (uint32_t)(max_pages - pages);
		pages += runs->at[i].nr;
	}
	runs->nr = i;
	qsort(runs->at, runs->nr, sizeof(*runs->at), compare_runs);
}

static int
write_all(int fd, const char *buf, size_t len)
{
	ssize_t nr;

	while (len > 0) {
		nr = write(fd, buf, len);
		if (nr < 0 && errno != EINTR)
			return -errno;
		if (nr > 0) {
			buf += nr;
			len -= (size_t)nr;
		}
	}
	return 0;
}

/* Page by page, as far as they can be read: a device's page cannot, and one may have gone. */
static int
copy_runs(const struct process *proc, const struct runs *runs, int out, uint64_t *copied)
{
	char *buf = malloc(RUN * proc->page_size);
	uint32_t page, got;
	int ret = 0;
	size_t i;

	if (buf == NULL)
		return -ENOMEM;
	for (i = 0; i < runs->nr && ret == 0; i++) {
		got = 0;
		for (page = 0; page < runs->at[i].nr; page++) {
			off_t addr = (off_t)((runs->at[i].page + page) * proc->page_size);

			if (pread(proc->mem, buf + got * proc->page_size, proc->page_size, addr) ==
			    (ssize_t)proc->page_size)
				got++;
		}
		*copied += got;
		ret = write_all(out, buf, got * proc->page_size);
	}
	free(buf);
	return ret;
}

static int
copy_process(const struct process *proc, const char *file, uint64_t max_pages, uint64_t seed)
{
	struct runs runs = {0};
	uint64_t resident, copied = 0;
	int out = -1, ret;

	ret = find_runs(proc, &runs);
	if (ret != 0)
		goto end;
	resident = runs.pages;
	sample(&runs, max_pages, seed);
	out = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0) {
		ret = complain("%s: %s", file, strerror(errno));
		goto end;
	}
	ret = copy_runs(proc, &runs, out, &copied);
	if (close(out) != 0 && ret == 0)
		ret = -errno;
	if (ret != 0)
		complain("%s: %s", file, strerror(-ret));
	else if (copied == 0)
		ret = complain("no page of process %s could be read: has it ended?", proc->pid);
	else
		printf("pages=%" PRIu64 " resident=%" PRIu64 " runs=%zu\n", copied, resident,
		       runs.nr);
end:
	free(runs.at);
	return ret;
}

static bool
parse_u64(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static int
usage(void)
{
	fputs("Usage: procpages [--max-pages N] [--seed S] PID FILE\n"
	      "Writes the resident private pages of process PID to FILE; when they are more than "
	      "N,\n"
	      "a random sample of runs of 16 pages, the same for the same seed (default 1).\n",
	      stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	static const struct option long_options[] = {
	        {"max-pages", required_argument, NULL, 'n'},
	        {"seed", required_argument, NULL, 's'},
	        {NULL, 0, NULL, 0},
	};
	struct process proc = {
	        .page_size = (size_t)sysconf(_SC_PAGESIZE), .pagemap = -1, .mem = -1};
	uint64_t max_pages = UINT64_MAX, seed = 1, pid;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == '?' || !parse_u64(optarg, opt == 'n' ? &max_pages : &seed))
			return usage();
	}
	if (argc - optind != 2 || max_pages == 0 || !parse_u64(argv[optind], &pid))
		return usage();
	proc.pid = argv[optind];
	ret = open_proc(proc.pid, "pagemap", &proc.pagemap);
	if (ret == 0)
		ret = open_proc(proc.pid, "mem", &proc.mem);
	if (ret == 0)
		ret = copy_process(&proc, argv[optind + 1], max_pages, seed);
	if (proc.pagemap >= 0)
		close(proc.pagemap);
	if (proc.mem >= 0)
		close(proc.mem);
	return ret == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
