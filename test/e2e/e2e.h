/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_E2E_H
#define TEST_E2E_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "test_util.h"

#include "zcl.h"

/**
 * @file
 * A zcompd of the test's own: its socket, its state directory and its EAL prefix are nobody else's.
 * The programs are named by the environment: ZCOMPD and ZCOMPCTL.
 *
 * All functions assert by cmocka, so they are for the test's own thread. What runs in other
 * processes checks by E2E_CHECK(). Processes that a test leaves behind die with it.
 */

#define E2E_PAGE    4096u
#define E2E_WAIT_MS 60000 /**< far beyond what anything takes: for what would else never end */

struct e2e {
	char dir[64]; /**< on tmpfs; everything is below it */
	char socket[96];
	char state[96];       /**< the state directory */
	char prefix[48];      /**< of EAL's files, which are below dir */
	uid_t uid;            /**< of the next service; 0 = the test's own */
	unsigned int nofile;  /**< descriptors that the next service may have; 0 = as the test */
	pid_t pid;            /**< of the service; 0 when there is none */
	unsigned int threads; /**< that it started with */
	int log_fd;           /**< where its standard error comes out; -1 */
	size_t log_len;
	char log[1 << 16];
};

/** cmocka setup: a directory, no service. *state becomes a struct e2e *. */
int e2e_setup(void **state);

/** cmocka setup: the same, and a service with default options. */
int e2e_setup_started(void **state);

/** cmocka teardown: stops the service, if there is one, with all checks; removes everything. */
int e2e_teardown(void **state);

/**
 * Starts the service and waits until it is ready.
 * @param args its arguments, NULL behind the last; or NULL
 */
void e2e_start(struct e2e *e, const char *const *args);

/** @return whether a user can run the service where it was built; the test is root's */
bool e2e_program_for(uid_t uid);

/** @return whether a service can have that device: whether its driver is installed */
bool e2e_has_device(const char *name);

/**
 * Starts the service in vain: asserts its exit status, and that @p says is in what it said.
 * Options that say where its socket and its state are come before @p args.
 */
void e2e_start_fails(struct e2e *e, const char *const *args, int status, const char *says);

/** SIGTERM. It ends with status 0, its socket is gone, and only arenas and the lock are left. */
void e2e_stop(struct e2e *e);

/** The first half of e2e_stop(): asks the service to end. */
void e2e_terminate(struct e2e *e);

/** The other half: waits for the end, with the checks. */
void e2e_stop_wait(struct e2e *e);

/** SIGKILL. The socket stays, as it does when a service crashes. */
void e2e_kill(struct e2e *e);

/** @return what the service has said so far, a string */
const char *e2e_log(struct e2e *e);

struct e2e_result {
	int status; /**< exit status, or 256 plus the signal */
	char out[1 << 16];
	char err[1 << 14];
};

/** Runs a program to its end, without input. @param argv NULL behind the last */
void e2e_run(struct e2e_result *r, const char *const *argv);

/** Runs zcompctl at the service's socket. @param args NULL behind the last, at most 12 */
void e2e_ctl(struct e2e *e, struct e2e_result *r, const char *const *args);

/** @return a connection */
struct zcl *e2e_connect(struct e2e *e);

/** Makes a disk of so many pages of 4 KiB and opens it. */
struct zcl_disk *e2e_disk(struct zcl *zc, const char *name, uint64_t pages);

struct zcl_queue *e2e_queue(struct zcl_disk *disk, uint32_t depth);

/** Removes a disk once the service has noticed that nobody has it open any more. */
void e2e_remove(struct zcl *zc, const char *name);

/** Waits until so many completions are there, takes them, and asserts that they are successes. */
void e2e_reap_ok(struct zcl_queue *q, unsigned int nr);

/**
 * @param reply of zcl_admin()
 * @return the number of that key in the first place where it stands
 */
uint64_t e2e_number(const char *reply, const char *key);

/** @return that number of the reply to a request */
uint64_t e2e_ask(struct zcl *zc, const char *request, const char *key);

/**
 * @return how many descriptors the service has open, once the threads are gone that close some; one
 *         that a client keeps from that is waited for in vain, for a moment
 */
unsigned int e2e_service_fds(const struct e2e *e);

/** @return two CPUs for --workers, or twice the only one; until the next call */
const char *e2e_two_cpus(void);

/**
 * Forks; the child runs @p fn and ends with what it returns. It may not use cmocka.
 * @return the child
 */
pid_t e2e_fork(int (*fn)(void *arg), void *arg);

/** Waits for a child's end. @return as struct e2e_result */
int e2e_wait(pid_t pid);

/** In a child: ends it with status 1 and a message unless the condition holds. */
#define E2E_CHECK(cond)                                                                        \
	do {                                                                                   \
		if (!(cond)) {                                                                 \
			fprintf(stderr, "%s:%d: process %d: not so: %s\n", __FILE__, __LINE__, \
			        (int)getpid(), #cond);                                         \
			_exit(1);                                                              \
		}                                                                              \
	} while (0)

#endif
