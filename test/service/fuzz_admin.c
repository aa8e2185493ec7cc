/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Any bytes as a request of the administrator: the reply is JSON, and an error says what is wrong.
 * The first byte chooses who asks and how much room the reply has.
 *
 * The disks are real, below /dev/shm, and made anew after an input that changed them. They have no
 * memory for pages, and large ones are refused here, so that no input takes the machine's.
 */

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <jansson.h>

#include "admin.h"
#include "base/log.h"
#include "zd.h"

#define PAGES_MAX 4096u
#define ROOM_MAX  (ZWIRE_MSG_MAX - sizeof(struct zwire_hdr))
#define ROOM_MIN  200u

int __real_zstore_create(int dirfd, const struct zstore_opts *opts, struct zstore **out);
int __wrap_zstore_create(int dirfd, const struct zstore_opts *opts, struct zstore **out);
int __wrap_zstore_populate(struct zstore *st, uint64_t now_ns);

static char dir[] = "/dev/shm/zcompd-fuzz-XXXXXX";
static struct zd zd;

int
__wrap_zstore_create(int dirfd, const struct zstore_opts *opts, struct zstore **out)
{
	return opts->pages > PAGES_MAX ? -ENOMEM : __real_zstore_create(dirfd, opts, out);
}

int
__wrap_zstore_populate(struct zstore *st, uint64_t now_ns)
{
	(void)st;
	(void)now_ns;
	return 0;
}

/* Two disks, one of them open somewhere. */
static void
start(void)
{
	static const char *const texts[] = {"a=64K,mode=0640", "b=1M,page_size=16K,mem_limit=1M"};
	struct zd_creds owner = {.uid = 1234, .gid = 1234};
	struct zcomp_policy policy = {.kind = ZCOMP_POLICY_INLINE};

	memset(&zd.compressors, 0, sizeof(zd.compressors));
	zd.compressors.nr_lcores = 1;
	FUZZ_CHECK(zd_disks_init(&zd.disks, zd.state_fd, &zd.compressors, &policy) == 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct zd_disk_opts opts;
		char why[ZD_WHY_LEN];

		FUZZ_CHECK(zd_disk_opts_parse(&opts, texts[i], why) == 0);
		FUZZ_CHECK(zd_disk_create(&zd.disks, &opts, &owner, why) == 0);
	}
	zd_disk_find(&zd.disks, "b")->refs = 1;
}

static void
finish(void)
{
	struct zd_disk *disk;

	LIST_FOREACH (disk, &zd.disks.all, link)
		zstore_remove(disk->store);
	zd_disks_fini(&zd.disks);
	zd_compressors_fini(&zd.compressors);
}

static void
leave(void)
{
	finish();
	close(zd.state_fd);
	rmdir(dir);
}

static void
init(void)
{
	FUZZ_CHECK(mkdtemp(dir) != NULL);
	zd.state_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	zc_log_init("fuzz", ZC_LOG_ERROR);
	start();
	atexit(leave);
}

/* @return whether there are other disks than start() made */
static bool
changed(void)
{
	struct zd_disk *disk;
	unsigned int nr = 0;

	LIST_FOREACH (disk, &zd.disks.all, link)
		nr++;
	return nr != 2 || !LIST_EMPTY(&zd.disks.removed);
}

static void
check_reply(const char *text, size_t len, int ret)
{
	json_t *reply = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const char *message = json_string_value(json_object_get(reply, "message"));
	json_int_t error = json_integer_value(json_object_get(reply, "error"));

	FUZZ_CHECK(json_is_object(reply));
	FUZZ_CHECK(ret <= 0 && ret > -4096);
	FUZZ_CHECK(json_is_boolean(json_object_get(reply, "ok")));
	FUZZ_CHECK(json_is_true(json_object_get(reply, "ok")) == (ret == 0));
	FUZZ_CHECK(error == ret);
	FUZZ_CHECK(ret == 0 || (message != NULL && message[0] != '\0'));
	json_decref(reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uid_t users[] = {0, 1234, 4321, 4321};
	struct zd_creds who = {.pid = 1};
	static char text[ROOM_MAX];
	struct zd_disk *later = NULL;
	size_t used, room;
	int ret;

	if (zd.state_fd == 0)
		init();
	if (len == 0 || len - 1 > sizeof(text))
		return 0;
	who.uid = users[data[0] & 3];
	who.gid = (data[0] & 3) == 3 ? 1234 : 4321;
	used = len - 1;
	room = (data[0] & 4) != 0 && used <= ROOM_MIN ? ROOM_MIN : sizeof(text);
	memcpy(text, data + 1, used);
	ret = zd_admin(&zd, &who, text, &used, room, &later);
	if (later != NULL) {
		FUZZ_CHECK(ret == 0 && later->compacting && later->compact_asked);
		used = room = sizeof(text);
		zd_admin_compacted(later, 0, text, &used);
	}
	FUZZ_CHECK(used > 0 && used <= room);
	check_reply(text, used, ret);
	if (changed()) {
		finish();
		start();
	}
	return 0;
}
