/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * What benches work on: pages, their objects, a disk; each made when the first bench asks for it,
 * and kept until the end. The main thread alone enters.
 */

#include "bench_env.h"

#include <errno.h>
#include <fcntl.h>
#include <lz4.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/same.h"
#include "codec/codec.h"

#define BOUND         ((uint32_t)LZ4_COMPRESSBOUND(BENCH_PAGE))
#define GENERATED_LEN (16u << 20) /* what is more repeats it */
#define POPULATE_MAX  1000u       /* tries of one store */

struct bench_env {
	const char *input_file;
	uint64_t len;
	cpu_set_t cpus; /* that the process was given */
	int peer_cpu;
	struct corpus corpus;
	struct bench_objects objects;
	struct bench_disk disks[BENCH_DISKS];
	uint8_t *zeros;
	bool has_corpus, has_objects, has_disks[BENCH_DISKS];
};

static int
next_cpu(const cpu_set_t *cpus, int cpu)
{
	while (++cpu < CPU_SETSIZE) {
		if (CPU_ISSET(cpu, cpus))
			return cpu;
	}
	return -1;
}

static int
pin(struct bench_env *env)
{
	cpu_set_t own;
	int first;

	if (sched_getaffinity(0, sizeof(env->cpus), &env->cpus) < 0)
		return -errno;
	first = next_cpu(&env->cpus, -1);
	env->peer_cpu = next_cpu(&env->cpus, first);
	CPU_ZERO(&own);
	CPU_SET(first, &own);
	return sched_setaffinity(0, sizeof(own), &own) < 0 ? -errno : 0;
}

int
bench_env_create(const char *input_file, uint64_t len, struct bench_env **out)
{
	struct bench_env *env = (struct bench_env *)calloc(1, sizeof(*env));
	int ret;

	if (env == NULL)
		return -ENOMEM;
	env->input_file = input_file;
	env->len = len;
	ret = pin(env);
	if (ret != 0) {
		free(env);
		return ret;
	}
	*out = env;
	return 0;
}

void
bench_env_destroy(struct bench_env *env)
{
	if (env == NULL)
		return;
	for (unsigned int i = 0; i < BENCH_DISKS; i++) {
		if (!env->has_disks[i])
			continue;
		zreader_fini(&env->disks[i].reader);
		zstore_close(env->disks[i].store);
	}
	if (env->has_objects) {
		munmap(env->objects.places, env->objects.map_len);
		free(env->objects.table);
	}
	if (env->zeros != NULL)
		munmap(env->zeros, env->len);
	if (env->has_corpus)
		corpus_fini(&env->corpus);
	free(env);
}

unsigned int
bench_env_nr_cpus(const struct bench_env *env)
{
	return (unsigned int)CPU_COUNT(&env->cpus);
}

int
bench_env_peer_cpu(const struct bench_env *env)
{
	return env->peer_cpu;
}

static int
fail(const char *what, int err)
{
	zc_err("%s: %s", what, strerror(-err));
	return err;
}

/* The generated pages go through a file, so that they are cut and repeated as others are. */
static int
generate(struct bench_env *env)
{
	int fd = memfd_create("bench", MFD_CLOEXEC), ret;
	char path[32];

	if (fd < 0)
		return fail("memfd", -errno);
	ret = bench_pages_write(fd, GENERATED_LEN);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (ret == 0)
		ret = corpus_read(&env->corpus, path, env->len);
	else
		fail("generated pages", ret);
	close(fd);
	return ret;
}

int
bench_env_corpus(struct bench_env *env, const struct corpus **out)
{
	int ret = 0;

	if (!env->has_corpus)
		ret = env->input_file != NULL ? corpus_read(&env->corpus, env->input_file, env->len)
		                              : generate(env);
	if (ret != 0)
		return ret;
	env->has_corpus = true;
	*out = &env->corpus;
	return 0;
}

static void *
map(uint64_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

uint8_t *
bench_env_zeros(struct bench_env *env, uint32_t *nr_pages)
{
	if (env->zeros == NULL) {
		env->zeros = (uint8_t *)map(env->len);
		/* Else all of it is the kernel's one page of zeros. */
		if (env->zeros != NULL)
			memset(env->zeros, 0, env->len);
	}
	*nr_pages = (uint32_t)(env->len / BENCH_PAGE);
	return env->zeros;
}

void *
bench_lz4_state(void)
{
	return aligned_alloc(64, ((size_t)LZ4_sizeofState() + 63) / 64 * 64);
}

struct zobj_id
bench_object_id(const struct bench_object *object)
{
	return (struct zobj_id){{1, 2}, object->page, object->len, ZSLOT_OBJ, 0};
}

/* Compresses all pages, keeps the objects that no disk stores raw. Their table is by page yet. */
static void
compress_all(struct bench_objects *o, const struct corpus *c, void *lz4)
{
	uint32_t nr = 0;
	uint64_t off = 0, word;
	char buf[BOUND];

	for (uint32_t page = 0; page < c->nr; page++) {
		const uint8_t *content = corpus_content(c, page, 0);
		struct bench_object *object = &o->table[page];
		struct zobj_id id;

		*object = (struct bench_object){off, 0, page};
		if (zc_same_filled(content, BENCH_PAGE, &word))
			continue;
		object->len = (uint32_t)LZ4_compress_fast_extState(
		        lz4, (const char *)content, buf, BENCH_PAGE, (int)sizeof(buf), BENCH_LEVEL);
		if (object->len > BENCH_PAGE * 3 / 4) {
			object->len = 0;
			continue;
		}
		id = bench_object_id(object);
		zobj_write(o->places + off / sizeof(uint64_t), buf, &id);
		off += zobj_place_len(object->len);
		nr++;
	}
	o->nr = nr;
}

/* Brings the objects there are into the order of loads. */
static int
shuffle(struct bench_objects *o, const struct corpus *c)
{
	struct bench_object *table = (struct bench_object *)calloc(c->nr, sizeof(*table));
	uint32_t nr = 0;

	if (table == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nr; i++) {
		if (o->table[c->order[i]].len != 0)
			table[nr++] = o->table[c->order[i]];
	}
	free(o->table);
	o->table = table;
	return nr > 0 ? 0 : -ENODATA;
}

int
bench_env_objects(struct bench_env *env, const struct bench_objects **out)
{
	struct bench_objects *o = &env->objects;
	const struct corpus *c;
	void *lz4;
	int ret = bench_env_corpus(env, &c);

	*out = o;
	if (ret != 0 || env->has_objects)
		return ret;
	o->map_len = (uint64_t)c->nr * BENCH_PAGE;
	o->places = (uint64_t *)map(o->map_len);
	o->table = (struct bench_object *)calloc(c->nr, sizeof(*o->table));
	lz4 = bench_lz4_state();
	ret = o->places == NULL || o->table == NULL || lz4 == NULL ? -ENOMEM : 0;
	if (ret == 0) {
		compress_all(o, c, lz4);
		ret = shuffle(o, c);
	}
	free(lz4);
	env->has_objects = ret == 0;
	if (ret == 0)
		return 0;
	if (o->places != NULL)
		munmap(o->places, o->map_len);
	free(o->table);
	*o = (struct bench_objects){0};
	return fail(ret == -ENODATA ? "no page compresses" : "objects", ret);
}

int
bench_disk_put(struct bench_disk *disk, struct zstore_put *put)
{
	int ret = zstore_put(disk->store, put);

	for (unsigned int i = 0; ret == -EAGAIN && i < POPULATE_MAX; i++) {
		ret = zstore_populate(disk->store, zc_now_ns());
		if (ret == 0)
			ret = zstore_put(disk->store, put);
	}
	return ret;
}

/* Files without names: nothing stays behind, whatever becomes of the program. */
static int
make_disk(struct bench_disk *disk, uint64_t pages)
{
	struct zstore_opts opts = {.name = "bench",
	                           .pages = pages,
	                           .page_size = BENCH_PAGE,
	                           .algorithm = "lz4",
	                           .codecs = {{.id = ZCODEC_LZ4, .level = BENCH_LEVEL}},
	                           .mode = 0600};
	char dir[] = "/dev/shm/zcomp-bench-XXXXXX";
	int dirfd, fds[2], ret;

	if (mkdtemp(dir) == NULL)
		return -errno;
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = dirfd < 0 ? -errno : zstore_create(dirfd, &opts, &disk->store);
	if (ret == 0) {
		unlinkat(dirfd, "bench.slots", 0);
		unlinkat(dirfd, "bench.objs", 0);
	}
	if (dirfd >= 0)
		close(dirfd);
	rmdir(dir);
	if (ret != 0)
		return ret;
	ret = zstore_open_readonly(disk->store, fds);
	if (ret == 0) {
		ret = zreader_init(&disk->reader, fds[0], fds[1]);
		close(fds[0]);
		if (ret != 0)
			close(fds[1]);
	}
	if (ret != 0)
		zstore_close(disk->store);
	return ret;
}

static int
fill_disk(struct bench_disk *disk, const struct corpus *c, void *lz4)
{
	char buf[BOUND];
	int ret = 0;

	for (uint32_t page = 0; page < c->nr && ret == 0; page++) {
		const uint8_t *content = corpus_content(c, page, 0);
		struct zstore_put put = {0};
		uint64_t word;
		int len = LZ4_compress_fast_extState(lz4, (const char *)content, buf, BENCH_PAGE,
		                                     (int)sizeof(buf), BENCH_LEVEL);

		if (zc_same_filled(content, BENCH_PAGE, &word))
			zstore_put_same(&put, page, word);
		else if ((uint32_t)len < zstore_huge_len(disk->store))
			zstore_put_object(&put, page, 0, buf, (uint32_t)len);
		else
			zstore_put_raw(disk->store, &put, page, content);
		ret = bench_disk_put(disk, &put);
	}
	return ret;
}

int
bench_env_disk(struct bench_env *env, enum bench_disk_use use, struct bench_disk **out)
{
	const struct corpus *c;
	void *lz4;
	int ret = bench_env_corpus(env, &c);

	*out = &env->disks[use];
	if (ret != 0 || env->has_disks[use])
		return ret;
	lz4 = bench_lz4_state();
	ret = lz4 == NULL ? -ENOMEM : make_disk(*out, c->nr);
	if (ret == 0) {
		ret = fill_disk(*out, c, lz4);
		if (ret != 0) {
			zreader_fini(&(*out)->reader);
			zstore_close((*out)->store);
		}
	}
	env->has_disks[use] = ret == 0;
	free(lz4);
	return ret == 0 ? 0 : fail("a disk in /dev/shm", ret);
}
