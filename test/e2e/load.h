/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */
#ifndef TEST_LOAD_H
#define TEST_LOAD_H

#include <poll.h>

#include "e2e.h"

/**
 * @file
 * A load for services that meet something meanwhile: two client processes that store, overwrite,
 * discard and load pages of all kinds, as deep as their queues are, until they are told to end.
 *
 * Each client knows of each of its pages which versions a load may find: the last one that was
 * acknowledged, or one that is under way. It checks that at each load, that completions of a page
 * come in its order, and at its end that each page is exactly what was acknowledged last.
 */

#define LOAD_CLIENTS   2u
#define LOAD_PAGES     192u /**< of a client; the next one has those behind */
#define LOAD_DEPTH     256u
#define LOAD_UNDER_WAY 4u /**< operations on one page at a time */

struct load_page {
	uint64_t submitted, completed;
	uint64_t stamps[LOAD_UNDER_WAY + 1]; /**< of the versions from `completed` on; 0 = zeros */
};

/** In memory that the test shares with the client's process, which alone writes to it. */
struct load_client {
	char socket[96];
	char disk[32];
	unsigned int id;
	uint64_t seed;
	uint64_t ops; /**< the least that it does in a run */
	int told;     /**< where it hears that it may end */
	uint64_t done, managed, inlined, software, huge,
	        refused; /**< stores, by their completion */
	struct load_page pages[LOAD_PAGES];
};

struct load {
	struct load_client *clients;
	pid_t pids[LOAD_CLIENTS];
	int told;
};

/** @param disks for each client, of LOAD_CLIENTS * LOAD_PAGES pages; the two may be the same */
void load_init(struct load *l, struct e2e *e, const char *const disks[LOAD_CLIENTS]);

/** Starts the clients, which go on with the pages as the run before has left them. */
void load_start(struct load *l, uint64_t ops);

/** Tells the clients that they may end. They do, with success, when all is acknowledged. */
void load_end(struct load *l);

/** The test itself loads what the clients have stored. After load_end(). */
void load_check(struct load *l, struct zcl *zc);

void load_fini(struct load *l);

/** @return the sum of both clients' numbers; @p member of struct load_client. After load_end(). */
#define LOAD_SUM(l, member) ((l)->clients[0].member + (l)->clients[1].member)

/**
 * Asks the service for a number of `info`.
 * @param list "devices", "workers" or "streams"
 * @return the sum over the list
 */
uint64_t load_number(struct zcl *zc, const char *list, const char *key);

/** @return that number of one in the list */
uint64_t load_number_of(struct zcl *zc, const char *list, size_t at, const char *key);

/** Asserts that no client has failed. */
void load_assert_running(const struct load *l);

/** Waits until it is so; meanwhile no client may fail. For what the service's numbers tell. */
#define LOAD_AWAIT(l, cond)                                                 \
	do {                                                                \
		unsigned int left_ms = E2E_WAIT_MS;                         \
		while (!(cond)) {                                           \
			load_assert_running(l);                             \
			if (left_ms-- == 0)                                 \
				fail_msg("%s: not so, not in time", #cond); \
			poll(NULL, 0, 1);                                   \
		}                                                           \
	} while (0)

#endif
