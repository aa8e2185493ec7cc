/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Finding the service again. Any thread. The lock is held for one attempt at a time, so that other
 * threads hear -ECONNRESET meanwhile instead of waiting.
 *
 * An attempt renews what is not there: the session, then each disk that it does not have open, held
 * against the nonce of what is mapped. Queues renew themselves, in their own threads: the epoch,
 * raised last, tells them that it may be worth a try.
 */

#include "client/zcl.h"

#include <errno.h>
#include <poll.h>

#include "client/client_private.h"

#define RETRY_MS 10

/* Whether another attempt may find what this one did not. */
static bool
worth_retry(int ret)
{
	return ret == -ENOENT || ret == -ECONNREFUSED || ret == -ECONNRESET || ret == -ETIME;
}

/* Opens what is not open. One disk that is refused does not keep the others closed.
 * @return 0, also where disks are refused, or why the session is of no use */
static int
reopen_disks(struct zcl *zc, int *refused)
{
	int ret;

	for (struct zcl_disk *disk = zc->disks; disk != NULL; disk = disk->next) {
		ret = disk->open_error == 0 ? 0 : client_disk_reopen(disk);
		if (worth_retry(ret) || ret == -EPROTO)
			return ret;
		if (ret != 0)
			*refused = ret;
	}
	return 0;
}

static int
attempt(struct zcl *zc)
{
	int refused = 0, ret;

	ret = client_lock(zc);
	if (ret != 0)
		return ret;
	if (client_hung_up(zc->sock))
		ret = client_session_start(zc);
	if (ret == 0)
		ret = reopen_disks(zc, &refused);
	if (ret == 0) {
		zc_store_relaxed(zc->epoch, *zc->epoch + 1);
		ret = refused;
	}
	client_unlock(zc);
	return ret;
}

int
zcl_reconnect(struct zcl *zc, int timeout_ms)
{
	uint64_t deadline;
	int ret, left;

	if (timeout_ms < -1)
		return -EINVAL;
	deadline = client_deadline(timeout_ms);
	for (;;) {
		ret = attempt(zc);
		if (!worth_retry(ret))
			return ret;
		left = client_left_ms(deadline);
		if (left == 0)
			return -ETIME;
		poll(NULL, 0, left > 0 && left < RETRY_MS ? left : RETRY_MS);
	}
}
