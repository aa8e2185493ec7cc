/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef ZCL_H
#define ZCL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * libzcl: the client of zcompd, which keeps pages compressed in shared memory.
 *
 * A disk is a named store of pages. Loads are synchronous: the calling thread decompresses from
 * memory that it may only read, and needs no service. Stores are asynchronous: they go through a
 * queue, and come back as completions.
 *
 * Errors: every fallible function returns 0 or a count, or a negative errno. Any of them answers
 * -EPERM in a forked child, where only loads go on; handles may be closed there. What needs the
 * service answers -ECONNRESET once the service is gone, until zcl_reconnect() has found it again.
 *
 * Threads: struct zcl and struct zcl_disk may be used from any thread; a queue by one thread at a
 * time. A handle is closed when nobody uses it any more, in any order: what was made from it lives
 * on, but has no service once struct zcl is closed.
 *
 * Option structs start with `sz`, which the caller sets to sizeof: less than the first version's
 * size is -EINVAL; non-zero bytes behind what this library knows are -E2BIG; a null pointer means
 * all defaults. Flags that this library does not know are -EINVAL.
 */

#define ZCL_VERSION_MAJOR 0
#define ZCL_VERSION_MINOR 1
#define ZCL_VERSION_PATCH 0
/** Of this header; zcl_version() tells that of the library. */
#define ZCL_VERSION (ZCL_VERSION_MAJOR << 16 | ZCL_VERSION_MINOR << 8 | ZCL_VERSION_PATCH)

#if defined(__GNUC__)
#define ZCL_API __attribute__((visibility("default")))
#else
#define ZCL_API
#endif

struct zcl;       /**< a connection to the service */
struct zcl_disk;  /**< an open disk */
struct zcl_queue; /**< stores and discards to one disk */

/* Connection */

/** The server may also be the user `zcl_opts.user`, not only root or the caller. */
#define ZCL_ALLOW_USER 0x1u

struct zcl_opts {
	size_t sz;
	int timeout_ms; /**< for an answer of the service; 0 = 10 s, -1 = for ever */
	uint32_t flags; /**< ZCL_ALLOW_USER */
	uint32_t user;  /**< a uid; counts with ZCL_ALLOW_USER only */
};

/**
 * Connects to the service. Its user must be root, the caller's effective user, or the one that
 * @p opts allows.
 *
 * @param path of its socket. NULL: $ZCOMPD_SOCKET; $XDG_RUNTIME_DIR/zcompd.sock where that is set;
 *             /run/zcompd/zcompd.sock for root; else /dev/shm/zcompd-UID/sock, in a directory that
 *             must be the caller's own. A privileged program ignores the environment.
 * @param opts or NULL
 * @param out  the caller's, for zcl_close()
 * @return 0, -EINVAL, -E2BIG, -ENAMETOOLONG, -ENOENT (no socket there), -ECONNREFUSED (nobody
 *         listens), -EACCES (socket or server of a user who is not allowed), -EPROTO (not zcompd,
 *         or of a version that this library does not know), -ETIME, -ECONNRESET, -EMFILE, -ENOMEM
 */
ZCL_API int zcl_connect(const char *path, const struct zcl_opts *opts, struct zcl **out);

/**
 * Finds the service again after -ECONNRESET. Handles and mappings stay as they are, and so does all
 * that was acknowledged. On a connection that lives it only renews what was lost, so that several
 * threads may call it.
 *
 * A queue is made anew behind its handle, with its borrowed buffers as they are, by the next call
 * that uses it after its lost operations have been reaped. The numbers of zcl_fd() and
 * zcl_queue_fd() stay, but epoll has forgotten them: add them again, a queue's after zcl_arm().
 *
 * @param timeout_ms to look for a service that listens; 0 = look once, -1 = for ever
 * @return 0; -ETIME (no service); -ESTALE, -EACCES (connected, but an open disk is no longer the
 *         same one, or no longer allowed: loads from it go on, its queues have this error; the
 *         other disks can be used); -EINVAL; other errors of zcl_connect() but those of a missing
 *         service
 */
ZCL_API int zcl_reconnect(struct zcl *zc, int timeout_ms);

/** Closes the connection. Open disks can still be loaded from. Accepts NULL. */
ZCL_API void zcl_close(struct zcl *zc);

/**
 * @return the control connection's descriptor, for the caller's own epoll: a hang-up (EPOLLRDHUP)
 *         tells that the service is gone. Only to be waited for; the library's to close. -EPERM
 */
ZCL_API int zcl_fd(const struct zcl *zc);

/**
 * Sends a request of the administrator and waits for its answer, both JSON.
 * Request: {"cmd":"stat","disk":"x"}; reply: {"ok":true,...} or
 * {"ok":false,"error":-22,"message":"..."}. Until the reply to a "compact", which may take its
 * time, whatever else asks the service by @p zc waits, also after -ETIME.
 *
 * @param request a string, at most 65520 bytes
 * @param reply   gets a string
 * @param len     bytes of @p reply, with room for the terminating null byte
 * @return 0 when there is a reply, whatever it says; -E2BIG (request too long; or the reply does
 * not fit: it is lost, but what was asked for is done), -ETIME (it may be done later), -EPROTO,
 *         -ECONNRESET
 */
ZCL_API int zcl_admin(struct zcl *zc, const char *request, char *reply, size_t len);

/* Disks. Names: [A-Za-z0-9][A-Za-z0-9._-]{0,62} */

/**
 * Takes objects that clients have compressed themselves, which ZCL_QUEUE_COMPRESS needs. The
 * service looks at their codec and length only: whoever may store can so leave pages whose loads
 * answer -EBADMSG, and do no other harm. `precompressed=1` on command lines.
 */
#define ZCL_DISK_PRECOMP 0x1u

struct zcl_disk_opts {
	size_t sz;
	uint64_t pages; /**< 1 upwards */
	/** "lz4" or "deflate"; by priority "lz4:level=1,deflate:level=6"; NULL = default */
	const char *algorithm;
	uint64_t mem_limit; /**< bytes; 0 = none */
	uint32_t mode;      /**< as of chmod(2): r loads, w stores; 0 = 0600 */
	uint32_t flags;     /**< ZCL_DISK_PRECOMP */
	uint32_t page_size; /**< bytes, a power of two, 1024 to 65536; 0 = 4096 */
};

/**
 * Makes a disk. It lasts until it is removed.
 * @return 0, -EEXIST, -EINVAL, -E2BIG, -EACCES, -ENOMEM, -EDQUOT, -ENOSPC (the service has too many
 * combinations of algorithm, level and page size), -EOPNOTSUPP (its state is on hugetlbfs), -ETIME,
 * -EPROTO, -ECONNRESET
 */
ZCL_API int zcl_disk_create(struct zcl *zc, const char *name, const struct zcl_disk_opts *opts);

/**
 * Removes a disk and what it holds: -EBUSY while anybody has it open. Whoever lost its session and
 * still has it mapped gets -ENODEV from loads.
 * @return 0, -EINVAL (name), -ENOENT, -EBUSY, -EACCES, -ETIME, -EPROTO, -ECONNRESET
 */
ZCL_API int zcl_disk_remove(struct zcl *zc, const char *name);

/** Loads only: asks for permission `r`, not `rw`; no queue can be made. */
#define ZCL_OPEN_RDONLY 0x1u

struct zcl_open_opts {
	size_t sz;
	uint32_t page_size; /**< bytes, that the caller expects; 0 = 4096 */
	uint32_t flags;     /**< ZCL_OPEN_RDONLY */
};

/**
 * Opens a disk with pages of 4096 bytes for loads and stores.
 * @param out the caller's, for zcl_disk_close()
 * @return 0, -EINVAL (name, or another page size), -ENOENT, -EACCES, -ETIME, -EPROTO, -ECONNRESET,
 *         -EMFILE, -ENOMEM
 */
ZCL_API int zcl_disk_open(struct zcl *zc, const char *name, struct zcl_disk **out);

/** Opens a disk as @p opts say. @return as zcl_disk_open(), and -E2BIG */
ZCL_API int zcl_disk_open_opts(struct zcl *zc, const char *name, const struct zcl_open_opts *opts,
                               struct zcl_disk **out);

/** Unmaps and forgets. No load of it is under way. Accepts NULL. */
ZCL_API void zcl_disk_close(struct zcl_disk *disk);

/** @return pages of the disk, as it was opened */
ZCL_API uint64_t zcl_disk_pages(const struct zcl_disk *disk);

/** @return bytes of a page */
ZCL_API uint32_t zcl_disk_page_size(const struct zcl_disk *disk);

/** Counters with the names and meanings of zram; sizes in bytes. */
struct zcl_disk_stat {
	size_t sz;
	uint32_t page_size;
	uint32_t reserved;
	uint64_t pages;           /**< that the disk has */
	uint64_t pages_stored;    /**< that hold something */
	uint64_t orig_data_size;  /**< of the stored pages, uncompressed */
	uint64_t compr_data_size; /**< of their objects */
	uint64_t mem_used;        /**< memory of the objects, fragmentation included */
	uint64_t mem_limit;       /**< 0 = none */
	uint64_t mem_used_max;
	uint64_t same_pages;       /**< filled with one word: no memory of their own */
	uint64_t huge_pages;       /**< incompressible, stored as they are */
	uint64_t huge_pages_since; /**< the same, ever */
	uint64_t pages_compacted;
	uint64_t bd_count; /**< pages on the backing store */
	uint64_t bd_reads;
	uint64_t bd_writes;
	uint64_t failed_loads; /**< -EBADMSG and -EIO; of clients only this handle's own count */
	uint64_t failed_stores;
	uint64_t discards;
	char algorithm[64]; /**< as at creation */
};

/**
 * Reads a disk's counters from shared memory: needs no service. They are read one by one.
 * @param st `sz` is set by the caller; bytes that this library does not know are set to 0
 * @return 0, -EINVAL (sz), -ENODEV (disk removed)
 */
ZCL_API int zcl_disk_stat(struct zcl_disk *disk, struct zcl_disk_stat *st);

/*
 * Loads: any thread, no queue, no service, no lock, no memory; async-signal-safe and re-entrant,
 * also in a forked child. A load returns a whole page: the last completed store, or one under way;
 * a page never stored, or discarded, reads as zeros. Up to 16 KiB of stack are used, 160 KiB where
 * pages are larger than 4096 bytes; on a disk with deflate 112 KiB more, which is more than most
 * alternate signal stacks have.
 */

/**
 * Loads a page.
 * @param dst a page of any alignment; its content is undefined after an error
 * @return 0, -ERANGE (no such page), -EBADMSG (damaged), -ENODEV (disk removed), -EIO (the page is
 *         on the backing store and cannot be read)
 */
ZCL_API int zcl_load(struct zcl_disk *disk, uint64_t page, void *dst);

/**
 * Loads @p nr pages, each as zcl_load() does, all of them whatever happens to one.
 * @param res gets what zcl_load() returns for each
 * @return how many were loaded
 */
ZCL_API int zcl_load_many(struct zcl_disk *disk, const uint64_t *pages, void *const *dst, int *res,
                          unsigned int nr);

/**
 * Loads @p len bytes of a page, from byte @p off of it on.
 * @return as zcl_load(), and -EINVAL where the range is empty or not inside a page
 */
ZCL_API int zcl_load_range(struct zcl_disk *disk, uint64_t page, uint32_t off, uint32_t len,
                           void *dst);

/*
 * Queues. An operation is staged, submitted, completed by the service, and reaped. One more can be
 * staged as long as fewer than `depth` are not yet reaped. Two operations on one page through one
 * queue take effect in the order of submission; completions of different pages come in any order.
 */

/**
 * Stores may compress in the caller's thread while the service is saturated: while it leaves more
 * than a fourth of the queue, or more than 64 operations, untaken. A queue so shallow that the
 * service takes all of it at a time (32 operations) seldom does. Everything else stays as it is;
 * completions of such stores have ZCL_CQE_CLIENT. Only on a disk made with ZCL_DISK_PRECOMP.
 */
#define ZCL_QUEUE_COMPRESS 0x1u

struct zcl_queue_opts {
	size_t sz;
	uint32_t depth; /**< rounded up to a power of two, at most 4096; 0 = 256 */
	uint32_t flags; /**< ZCL_QUEUE_COMPRESS */
};

/**
 * Makes a queue with `depth` page buffers. Its memory is not inherited by a forked child. Called by
 * the thread that is to use the queue, it has memory of the NUMA node where that thread runs.
 * @param opts or NULL
 * @param out  the caller's, for zcl_queue_destroy()
 * @return 0, -EINVAL, -E2BIG, -EACCES (no permission `w`, or ZCL_OPEN_RDONLY), -EOPNOTSUPP
 * (ZCL_QUEUE_COMPRESS, and the disk was not made for it, or this library lacks its codec), -EDQUOT
 * (the client's quota), -ESTALE (see zcl_reconnect()), -ETIME, -EPROTO, -ECONNRESET, -EMFILE,
 * -ENOMEM
 */
ZCL_API int zcl_queue_create(struct zcl_disk *disk, const struct zcl_queue_opts *opts,
                             struct zcl_queue **out);

/**
 * Destroys a queue. What was submitted may still take effect, what is only staged does not; nobody
 * will be told. Accepts NULL.
 */
ZCL_API void zcl_queue_destroy(struct zcl_queue *q);

/** @return operations that the queue holds, a power of two */
ZCL_API uint32_t zcl_queue_depth(const struct zcl_queue *q);

/**
 * Stages a store. @p src is copied: the caller may reuse it at once. A queue whose service was lost
 * and found again is made anew here, and in every other call: that may give the errors of
 * zcl_queue_create().
 * @param src       a page of any alignment; 8-byte aligned is faster
 * @param user_data comes back in the completion
 * @return 0, -EAGAIN (`depth` operations are not yet reaped), -ERANGE (no such page), -ECONNRESET
 */
ZCL_API int zcl_store(struct zcl_queue *q, uint64_t page, const void *src, uint64_t user_data);

/**
 * Borrows one of the queue's page buffers, to be filled in place. It counts against `depth`.
 * @return a page, aligned to its size (at most 4096), content undefined; or NULL
 */
ZCL_API void *zcl_buf_get(struct zcl_queue *q);

/** Gives a borrowed buffer back unused. NULL and what is not borrowed are ignored. */
ZCL_API void zcl_buf_put(struct zcl_queue *q, void *buf);

/**
 * Stages a store of a borrowed buffer, without a copy.
 * @param buf of zcl_buf_get(). Taken: it is the queue's again. Refused: it stays the caller's
 * @return as zcl_store(), but never -EAGAIN for want of an operation; -EINVAL (not a borrowed
 * buffer of this queue)
 */
ZCL_API int zcl_store_buf(struct zcl_queue *q, uint64_t page, void *buf, uint64_t user_data);

/**
 * Stages a store of @p len bytes at byte @p off of a page. So far whole pages only.
 * @return as zcl_store(), and -EINVAL (the range is empty or not inside a page), -EOPNOTSUPP (it is
 *         less than a page)
 */
ZCL_API int zcl_store_range(struct zcl_queue *q, uint64_t page, uint32_t off, uint32_t len,
                            const void *src, uint64_t user_data);

/**
 * Stages a discard: the pages will read as zeros. A range is not atomic.
 * @return as zcl_store(); -ERANGE where a page is not the disk's; -EINVAL (@p nr is 0)
 */
ZCL_API int zcl_discard(struct zcl_queue *q, uint64_t page, uint64_t nr, uint64_t user_data);

/**
 * Publishes what is staged. A full staging area publishes itself.
 * @return operations that this call has published, -ECONNRESET (they will be reaped as lost)
 */
ZCL_API int zcl_submit(struct zcl_queue *q);

#define ZCL_CQE_SAME    0x1u  /**< same-filled: takes no memory of its own */
#define ZCL_CQE_HUGE    0x2u  /**< incompressible: stored as it is */
#define ZCL_CQE_MANAGED 0x4u  /**< went through a managed stream */
#define ZCL_CQE_INLINE  0x8u  /**< a managed stream was wanted, a per-lcore one served */
#define ZCL_CQE_CLIENT  0x10u /**< compressed in the client, see ZCL_QUEUE_COMPRESS */

/**
 * A completion. `res` is 0: the page is in the arena, and every later load by anybody sees it or
 * something newer. Else the page's old content stays: -ENOSPC (the disk's limit), -ENOMEM, -EDQUOT
 * (the client's quota), -EFBIG (incompressible, refused), -EAGAIN (policy `try`: no stream), -EIO;
 * or, after -ECONNRESET, the operation took effect wholly or not at all, and never will later.
 */
struct zcl_cqe {
	uint64_t user_data;
	int32_t res;
	uint32_t flags; /**< ZCL_CQE_* */
};

/**
 * Takes up to @p nr completions. Makes no system call while there are some. Once the service is
 * gone: what it had completed, then -ECONNRESET for each operation that was staged or under way.
 * @return how many, 0 if there is none, -ECONNRESET once all are out
 */
ZCL_API int zcl_reap(struct zcl_queue *q, struct zcl_cqe *cqes, unsigned int nr);

/**
 * Submits what is staged, then waits until @p nr completions can be reaped.
 * @param nr         at most the operations not yet reaped
 * @param timeout_ms 0 = look only, -1 = for ever
 * @return completions that can be reaped: @p nr or more, or fewer when the time is up; -ETIME
 * (none), -EINTR (a signal handler ran), -EINVAL (@p nr, @p timeout_ms), -ECONNRESET (as
 * zcl_reap())
 */
ZCL_API int zcl_wait(struct zcl_queue *q, unsigned int nr, int timeout_ms);

/**
 * @return the descriptor that becomes readable at the next completion after zcl_arm(), and hangs up
 *         when the service is gone. Only to be waited for; the library's to close. -EPERM
 */
ZCL_API int zcl_queue_fd(const struct zcl_queue *q);

/**
 * Submits what is staged, and asks for zcl_queue_fd() to become readable at the next completion.
 * Holds until the next zcl_reap().
 * @return 0, 1 if completions already wait (then reap them: nothing is armed), -ECONNRESET
 */
ZCL_API int zcl_arm(struct zcl_queue *q);

/**
 * Stores, and waits for it up to zcl_opts.timeout_ms. Completions of other operations stay for the
 * next zcl_reap().
 * @return as zcl_store(), or `res` of the completion (-EAGAIN may be either: the queue is full, or
 *         the disk's policy is `try`); -ETIME: it may still take effect, and counts
 *         against `depth` until then
 */
ZCL_API int zcl_store_sync(struct zcl_queue *q, uint64_t page, const void *src);

/** Discards, and waits for it. @return as zcl_discard(), or as zcl_store_sync() */
ZCL_API int zcl_discard_sync(struct zcl_queue *q, uint64_t page, uint64_t nr);

/* Everything else; any thread. */

/**
 * @param err negative errno, as this library returns it, or 0
 * @return what it means here, in English, without a full stop. Static; async-signal-safe
 */
ZCL_API const char *zcl_strerror(int err);

/** @return ZCL_VERSION of the library */
ZCL_API unsigned int zcl_version(void);

#ifdef __cplusplus
}
#endif

#endif
