/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* What errors mean here, and which version this is. Pure functions. */

#include "client/zcl.h"

#include <errno.h>
#include <string.h>

#define ERRNO_MAX 4095

static const struct {
	int err;
	const char *text;
} meanings[] = {
        {0, "success"},
        {E2BIG, "too long, or with options that this library does not know"},
        {EACCES, "permission denied"},
        {EAGAIN, "too many operations under way"},
        {EBADMSG, "the stored page is damaged"},
        {EBUSY, "in use"},
        {ECONNREFUSED, "no service listens on the socket"},
        {ECONNRESET, "the service is gone"},
        {EDQUOT, "quota exceeded"},
        {EEXIST, "exists already"},
        {EFBIG, "the page does not compress, and such pages are refused"},
        {EINTR, "interrupted by a signal"},
        {EINVAL, "invalid argument"},
        {EIO, "input or output error"},
        {EMFILE, "too many open files"},
        {ENODEV, "the disk was removed"},
        {ENOENT, "no such disk or socket"},
        {ENOMEM, "out of memory"},
        {ENOSPC, "the disk's memory limit is reached"},
        {EOPNOTSUPP, "not supported"},
        {EPERM, "not allowed in a forked child"},
        {EPROTO, "the service does not speak this protocol"},
        {ERANGE, "no such page"},
        {ESTALE, "the disk is no longer the one that was opened"},
        {ETIME, "no answer in time"},
};

const char *
zcl_strerror(int err)
{
	const char *text;

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (err == -meanings[i].err)
			return meanings[i].text;
	}
	text = err < 0 && err >= -ERRNO_MAX ? strerrordesc_np(-err) : NULL;
	return text != NULL ? text : "unknown error";
}

unsigned int
zcl_version(void)
{
	return ZCL_VERSION;
}
