/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The zcompd authors */

/* Stores one page in zcompd and loads it back. Needs nothing but a running service. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zcl.h>

static int
failed(const char *what, int err)
{
	fprintf(stderr, "hello: %s: %s\n", what, zcl_strerror(err));
	return 1;
}

static int
store_and_load(struct zcl_disk *disk, struct zcl_queue *queue)
{
	char page[4096] = "Hello, compressed world!", back[4096] = "";
	struct zcl_cqe cqe = {};
	int ret;

	/* The page is copied: it may be reused at once. 42 comes back in the completion. */
	if ((ret = zcl_store(queue, 7, page, 42)) != 0)
		return failed("zcl_store", ret);
	if ((ret = zcl_wait(queue, 1, 10000)) < 0)
		return failed("zcl_wait", ret);
	if ((ret = zcl_reap(queue, &cqe, 1)) != 1 || cqe.res != 0)
		return failed("the store", ret < 0 ? ret : cqe.res);

	/* A load is a read of shared memory: no queue, no message to the service. */
	if ((ret = zcl_load(disk, 7, back)) != 0)
		return failed("zcl_load", ret);
	printf("page 7, user data %d: %s\n", (int)cqe.user_data, back);
	return memcmp(page, back, sizeof(page)) != 0 ? failed("another page came back", -EIO) : 0;
}

static int
use_disk(struct zcl *zc, const char *name)
{
	struct zcl_disk *disk = NULL;
	struct zcl_queue *queue = NULL;
	int ret, status;

	if ((ret = zcl_disk_open(zc, name, &disk)) != 0)
		status = failed("zcl_disk_open", ret);
	else if ((ret = zcl_queue_create(disk, NULL, &queue)) != 0)
		status = failed("zcl_queue_create", ret);
	else
		status = store_and_load(disk, queue);
	zcl_queue_destroy(queue); /* Both take NULL. */
	zcl_disk_close(disk);
	return status;
}

int
main(void)
{
	struct zcl_disk_opts opts = {.sz = sizeof(opts), .pages = 64};
	struct zcl *zc = NULL;
	char name[32];
	int ret, status;

	if ((ret = zcl_connect(NULL, NULL, &zc)) != 0)
		return failed("zcl_connect (is zcompd running?)", ret);
	snprintf(name, sizeof(name), "hello-%d", (int)getpid());
	if ((ret = zcl_disk_create(zc, name, &opts)) != 0) {
		status = failed("zcl_disk_create", ret);
	} else {
		status = use_disk(zc, name);
		if ((ret = zcl_disk_remove(zc, name)) != 0)
			status = failed("zcl_disk_remove", ret);
	}
	zcl_close(zc);
	return status;
}
