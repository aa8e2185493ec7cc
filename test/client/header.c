/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * The installed header alone, in C and in C++, against the shared library: programs outside are
 * compiled against these names, types and members, so none may go or change. Nothing is run.
 */

#include <zcl.h>

int header_names(void);
int header_members(void);

/* Refers to a function by its exact type: whatever else it were would not compile. */
#define HAS(type_ret, name, args)                  \
	do {                                       \
		type_ret(*f) args = name;          \
		found += f != (type_ret(*) args)0; \
	} while (0)

int
header_names(void)
{
	int found = 0;

	HAS(int, zcl_connect, (const char *, const struct zcl_opts *, struct zcl **));
	HAS(int, zcl_reconnect, (struct zcl *, int));
	HAS(void, zcl_close, (struct zcl *));
	HAS(int, zcl_fd, (const struct zcl *));
	HAS(int, zcl_admin, (struct zcl *, const char *, char *, size_t));
	HAS(int, zcl_disk_create, (struct zcl *, const char *, const struct zcl_disk_opts *));
	HAS(int, zcl_disk_remove, (struct zcl *, const char *));
	HAS(int, zcl_disk_open, (struct zcl *, const char *, struct zcl_disk **));
	HAS(int, zcl_disk_open_opts,
	    (struct zcl *, const char *, const struct zcl_open_opts *, struct zcl_disk **));
	HAS(void, zcl_disk_close, (struct zcl_disk *));
	HAS(uint64_t, zcl_disk_pages, (const struct zcl_disk *));
	HAS(uint32_t, zcl_disk_page_size, (const struct zcl_disk *));
	HAS(int, zcl_disk_stat, (struct zcl_disk *, struct zcl_disk_stat *));
	HAS(int, zcl_load, (struct zcl_disk *, uint64_t, void *));
	HAS(int, zcl_load_many,
	    (struct zcl_disk *, const uint64_t *, void *const *, int *, unsigned int));
	HAS(int, zcl_load_range, (struct zcl_disk *, uint64_t, uint32_t, uint32_t, void *));
	HAS(int, zcl_queue_create,
	    (struct zcl_disk *, const struct zcl_queue_opts *, struct zcl_queue **));
	HAS(void, zcl_queue_destroy, (struct zcl_queue *));
	HAS(uint32_t, zcl_queue_depth, (const struct zcl_queue *));
	HAS(int, zcl_store, (struct zcl_queue *, uint64_t, const void *, uint64_t));
	HAS(void *, zcl_buf_get, (struct zcl_queue *));
	HAS(void, zcl_buf_put, (struct zcl_queue *, void *));
	HAS(int, zcl_store_buf, (struct zcl_queue *, uint64_t, void *, uint64_t));
	HAS(int, zcl_store_range,
	    (struct zcl_queue *, uint64_t, uint32_t, uint32_t, const void *, uint64_t));
	HAS(int, zcl_discard, (struct zcl_queue *, uint64_t, uint64_t, uint64_t));
	HAS(int, zcl_submit, (struct zcl_queue *));
	HAS(int, zcl_reap, (struct zcl_queue *, struct zcl_cqe *, unsigned int));
	HAS(int, zcl_wait, (struct zcl_queue *, unsigned int, int));
	HAS(int, zcl_queue_fd, (const struct zcl_queue *));
	HAS(int, zcl_arm, (struct zcl_queue *));
	HAS(int, zcl_store_sync, (struct zcl_queue *, uint64_t, const void *));
	HAS(int, zcl_discard_sync, (struct zcl_queue *, uint64_t, uint64_t));
	HAS(const char *, zcl_strerror, (int));
	HAS(unsigned int, zcl_version, (void));
	return found;
}

/* Members in the order of the interface; the first version of a struct never gets smaller. */
int
header_members(void)
{
	struct zcl_opts opts = {sizeof(opts), -1, ZCL_ALLOW_USER, 0};
	struct zcl_disk_opts disk = {sizeof(disk), 1, "lz4", 0, 0, 0, 0};
	struct zcl_open_opts open = {sizeof(open), 4096, ZCL_OPEN_RDONLY};
	struct zcl_queue_opts queue = {sizeof(queue), 256, 0};
	struct zcl_cqe cqe = {1, 0, ZCL_CQE_SAME | ZCL_CQE_HUGE | ZCL_CQE_MANAGED | ZCL_CQE_INLINE};
	struct zcl_disk_stat st;

	st.sz = sizeof(st);
	st.pages = st.pages_stored = st.orig_data_size = st.compr_data_size = st.mem_used = 0;
	st.mem_limit = st.mem_used_max = st.same_pages = st.huge_pages = st.huge_pages_since = 0;
	st.pages_compacted = st.bd_count = st.bd_reads = st.bd_writes = st.failed_loads = 0;
	st.failed_stores = st.discards = ZCL_VERSION;
	st.page_size = st.reserved = 0;
	st.algorithm[63] = '\0';
	return opts.timeout_ms + (int)disk.mem_limit + (int)disk.mode + (int)disk.flags +
	       (int)open.flags + (int)queue.depth + cqe.res + (int)cqe.flags + (int)st.discards;
}

int
main(void)
{
	return header_names() == 34 && header_members() != 0 && sizeof(struct zcl_opts) >= 16 &&
	                       sizeof(struct zcl_disk_opts) == 48 &&
	                       sizeof(struct zcl_open_opts) == 16 &&
	                       sizeof(struct zcl_queue_opts) == 16 &&
	                       sizeof(struct zcl_cqe) == 16 && sizeof(struct zcl_disk_stat) == 216
	               ? 0
	               : 1;
}
