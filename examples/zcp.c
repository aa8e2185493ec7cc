/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */

/*
 * zcp: copies a file to a disk of zcompd and back, with threads and deep queues.
 * This file owns the command line, the file, the connection and the line of statistics.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zcp.h"

static const char usage_text[] =
        "Usage: zcp put [OPTION]... FILE DISK    store the pages of FILE in DISK\n"
        "       zcp get [OPTION]... DISK FILE    load the pages of DISK into FILE\n"
        "Page P of the disk is page P of the file; a short last page is filled up with zeros.\n"
        "  -s, --socket PATH  the service's socket (default: as libzcl finds it)\n"
        "  -t, --threads N    use N threads, 1 to 64 (default 1)\n"
        "  -d, --depth N      put: keep up to N pages in flight for each thread (default 256)\n"
        "      --first PAGE   begin with this page (default 0)\n"
        "      --count N      move N pages (default: up to the end)\n"
        "      --size BYTES   get: how long FILE becomes (default: all pages of the disk)\n"
        "      --create       put: make DISK, as large as FILE, when there is none\n"
        "      --stats        print one line of key=value at the end\n"
        "  -h, --help         print this\n"
        "Numbers take K, M and G.\n";

static int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
complain(const char *fmt, ...)
{
	va_list ap;

	fputs("zcp: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -EINVAL;
}

static int
parse_number(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	static const char units[] = "KMG";
	const char *unit;
	uint64_t number, factor = 1;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (*end != '\0' && (unit = strchr(units, *end)) != NULL) {
		factor = (uint64_t)1024 << 10 * (unit - units);
		end++;
	}
	if (text[0] < '0' || text[0] > '9' || *end != '\0')
		return complain("--%s %s: not a number (digits, then nothing, K, M or G)", option,
		                text);
	if (errno != 0 || number > max / factor || number * factor < min)
		return complain("--%s %s: must be %llu to %llu", option, text,
		                (unsigned long long)min, (unsigned long long)max);
	*value = number * factor;
	return 0;
}

enum { OPT_FIRST = 256, OPT_COUNT, OPT_SIZE, OPT_CREATE, OPT_STATS };

static const struct option long_options[] = {
        {"socket", required_argument, NULL, 's'},
        {"threads", required_argument, NULL, 't'},
        {"depth", required_argument, NULL, 'd'},
        {"first", required_argument, NULL, OPT_FIRST},
        {"count", required_argument, NULL, OPT_COUNT},
        {"size", required_argument, NULL, OPT_SIZE},
        {"create", no_argument, NULL, OPT_CREATE},
        {"stats", no_argument, NULL, OPT_STATS},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
};

static int
parse_option(struct zcp_opts *opts, int opt)
{
	uint64_t value = 0;
	int ret = 0;

	switch (opt) {
	case 's':
		opts->socket = optarg;
		break;
	case 't':
		ret = parse_number("threads", optarg, 1, ZCP_THREADS_MAX, &value);
		opts->threads = (unsigned int)value;
		break;
	case 'd':
		ret = parse_number("depth", optarg, 1, 4096, &value);
		opts->depth = (uint32_t)value;
		break;
	case OPT_FIRST:
		ret = parse_number("first", optarg, 0, INT64_MAX, &opts->first);
		break;
	case OPT_COUNT:
		ret = parse_number("count", optarg, 1, INT64_MAX, &opts->count);
		break;
	case OPT_SIZE:
		ret = parse_number("size", optarg, 1, INT64_MAX, &opts->size);
		break;
	case OPT_CREATE:
		opts->create = true;
		break;
	case OPT_STATS:
		opts->stats = true;
		break;
	case 'h':
		fputs(usage_text, stdout);
		exit(EXIT_SUCCESS);
	default:
		ret = -EINVAL;
	}
	return ret;
}

static int
parse_command_line(struct zcp_opts *opts, int argc, char **argv)
{
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "s:t:d:h", long_options, NULL)) != -1) {
		ret = parse_option(opts, opt);
		if (ret != 0)
			return ret;
	}
	if (argc - optind != 3)
		return complain("a command (put or get), a file and a disk are needed");
	opts->put = strcmp(argv[optind], "put") == 0;
	if (!opts->put && strcmp(argv[optind], "get") != 0)
		return complain("%s: no such command (put or get)", argv[optind]);
	opts->file = argv[optind + (opts->put ? 1 : 2)];
	opts->disk = argv[optind + (opts->put ? 2 : 1)];
	if (opts->put && opts->size != UINT64_MAX)
		return complain("--size goes with get only");
	if (!opts->put && (opts->create || opts->depth != 0))
		return complain("--create and --depth go with put only");
	return 0;
}

static int
open_file(struct zcp_job *job)
{
	const char *file = job->opts->file;
	struct stat st;

	job->fd = open(file, (job->opts->put ? O_RDONLY : O_WRONLY | O_CREAT) | O_CLOEXEC, 0666);
	if (job->fd < 0 || fstat(job->fd, &st) != 0)
		return complain("%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain("%s: not a regular file", file);
	if (job->opts->put && st.st_size == 0)
		return complain("%s: the file is empty, there is nothing to store", file);
	job->size = (uint64_t)st.st_size;
	return 0;
}

/* Another process may make the disk at the same time: that is as good. */
static int
create_disk(struct zcl *zc, const struct zcp_job *job)
{
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = (job->size + 4095) / 4096};
	int ret = zcl_disk_create(zc, job->opts->disk, &opts);

	if (ret == 0 || ret == -EEXIST)
		return 0;
	return complain("cannot make disk '%s' of %llu pages: %s (%d)", job->opts->disk,
	                (unsigned long long)opts.pages, zcl_strerror(ret), ret);
}

static int
open_disk(struct zcl *zc, struct zcp_job *job)
{
	const char *name = job->opts->disk;
	int ret;

	if (job->opts->create) {
		ret = create_disk(zc, job);
		if (ret != 0)
			return ret;
	}
	ret = zcl_disk_open(zc, name, &job->disk);
	if (ret == -ENOENT)
		return complain("no disk '%s': make one with zcompctl create, or zcp put --create",
		                name);
	if (ret != 0)
		return complain("disk '%s': %s (%d)", name, zcl_strerror(ret), ret);
	job->page_size = zcl_disk_page_size(job->disk);
	return 0;
}

/* Which pages are to move, and how long the file of a get becomes. */
static int
find_range(struct zcp_job *job)
{
	const struct zcp_opts *opts = job->opts;
	uint64_t disk_pages = zcl_disk_pages(job->disk), pages;

	if (!opts->put)
		job->size = opts->size != UINT64_MAX ? opts->size : disk_pages * job->page_size;
	pages = (job->size - 1) / job->page_size + 1;
	if (opts->first >= pages ||
	    (opts->count != UINT64_MAX && opts->count > pages - opts->first))
		return complain("--first and --count reach beyond page %llu, the last one",
		                (unsigned long long)pages - 1);
	job->first = opts->first;
	job->end = opts->count != UINT64_MAX ? opts->first + opts->count : pages;
	if (job->end > disk_pages)
		return complain("page %llu is beyond disk '%s', which has %llu pages",
		                (unsigned long long)job->end - 1, opts->disk,
		                (unsigned long long)disk_pages);
	if (!opts->put && ftruncate(job->fd, (off_t)job->size) != 0)
		return complain("%s: %s", opts->file, strerror(errno));
	return 0;
}

static int
compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The rate of loads leaves out what writing the file takes. */
static void
print_load_times(const struct zcp_job *job)
{
	uint64_t i, pages = job->end - job->first, sum_ns = 0;

	for (i = 0; i < pages; i++)
		sum_ns += job->load_ns[i];
	qsort(job->load_ns, pages, sizeof(*job->load_ns), compare_u32);
	printf(" loads_per_s=%.0f load_p50_ns=%u load_p99_ns=%u",
	       (double)pages * 1e9 * job->opts->threads / (double)(sum_ns + 1),
	       job->load_ns[pages / 2], job->load_ns[pages - 1 - pages / 100]);
}

static void
print_stats(const struct zcp_job *job, const struct zcp_thread *threads, double seconds)
{
	uint64_t pages = job->end - job->first;
	struct zcp_counts all = {0};
	unsigned int i;

	for (i = 0; i < job->opts->threads; i++) {
		all.same += threads[i].counts.same;
		all.huge += threads[i].counts.huge;
		all.managed += threads[i].counts.managed;
		all.inlined += threads[i].counts.inlined;
	}
	printf("pages=%llu seconds=%.6f pages_per_s=%.0f", (unsigned long long)pages, seconds,
	       (double)pages / seconds);
	if (job->opts->put)
		printf(" same=%llu huge=%llu managed=%llu inline=%llu",
		       (unsigned long long)all.same, (unsigned long long)all.huge,
		       (unsigned long long)all.managed, (unsigned long long)all.inlined);
	else
		print_load_times(job);
	putchar('\n');
}

static int
transfer(struct zcl *zc, struct zcp_job *job)
{
	struct zcp_thread threads[ZCP_THREADS_MAX] = {0};
	double seconds;
	int ret;

	/* The file tells how large a disk to make; without a disk there is no file to make. */
	ret = job->opts->put ? open_file(job) : open_disk(zc, job);
	if (ret == 0)
		ret = job->opts->put ? open_disk(zc, job) : open_file(job);
	if (ret == 0)
		ret = find_range(job);
	if (ret != 0)
		return ret;
	if (!job->opts->put) {
		job->load_ns = calloc(job->end - job->first, sizeof(*job->load_ns));
		if (job->load_ns == NULL)
			return complain("no memory for the times of the loads");
	}
	ret = zcp_run(job, threads, &seconds);
	if (ret == 0 && job->opts->stats)
		print_stats(job, threads, seconds);
	return ret;
}

int
main(int argc, char **argv)
{
	struct zcp_opts opts = {.threads = 1, .count = UINT64_MAX, .size = UINT64_MAX};
	struct zcp_job job = {.opts = &opts, .fd = -1};
	struct zcl *zc = NULL;
	int ret;

	if (parse_command_line(&opts, argc, argv) != 0) {
		fputs("Try 'zcp --help'.\n", stderr);
		return 2;
	}
	ret = zcl_connect(opts.socket, NULL, &zc);
	if (ret == 0)
		ret = transfer(zc, &job);
	else
		complain("cannot reach zcompd%s%s: %s (%d); is it running?",
		         opts.socket != NULL ? " at " : "", opts.socket != NULL ? opts.socket : "",
		         zcl_strerror(ret), ret);
	free(job.load_ns);
	zcl_disk_close(job.disk);
	zcl_close(zc);
	if (job.fd >= 0 && close(job.fd) != 0 && ret == 0)
		ret = complain("%s: %s", opts.file, strerror(errno));
	return ret == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
