/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* Who may do what on something of an owner, a group and a mode: the whole table of chmod(2). */

#include "test_util.h"

#include <sys/socket.h>
#include <unistd.h>

#include "creds.h"

enum who {
	OWNER,
	MEMBER,     /* by the first group */
	MEMBER_TOO, /* by a supplementary one */
	STRANGER,
	NR_WHO,
};

#define OTHER_GROUP 4711u
#define OWNER_GROUP 4712u

/* Users that are neither root nor the one who runs the test. */
static uid_t
user(unsigned int nr)
{
	return geteuid() + 100 + nr;
}

static struct zd_creds
creds_of(enum who who)
{
	struct zd_creds c = {.uid = user(1), .gid = OTHER_GROUP};

	if (who == OWNER)
		c.uid = user(0);
	if (who == MEMBER)
		c.gid = OWNER_GROUP;
	c.groups[c.nr_groups++] = OTHER_GROUP + 100;
	if (who == MEMBER_TOO)
		c.groups[c.nr_groups++] = OWNER_GROUP;
	/* Not one of its groups: behind their number. */
	c.groups[c.nr_groups] = OWNER_GROUP;
	return c;
}

static void
test_whole_table(void **state)
{
	static const unsigned int shifts[NR_WHO] = {6, 3, 3, 0};

	(void)state;
	for (unsigned int who = 0; who < NR_WHO; who++) {
		struct zd_creds c = creds_of((enum who)who);

		for (unsigned int mode = 0; mode <= 0777; mode++) {
			for (unsigned int want = 0; want <= 7; want++) {
				bool may = (mode >> shifts[who] & want) == want;

				assert_int_equal(zd_creds_may(&c, user(0), OWNER_GROUP, mode, want),
				                 may);
			}
		}
	}
}

/* The owner is judged by the owner's bits alone, also where the group's would allow it. */
static void
test_owner_in_the_group(void **state)
{
	struct zd_creds c = creds_of(OWNER);

	(void)state;
	c.gid = OWNER_GROUP;
	assert_false(zd_creds_may(&c, user(0), OWNER_GROUP, 0066, 4));
	assert_true(zd_creds_may(&c, user(0), OWNER_GROUP, 0400, 4));
}

static void
test_privileged(void **state)
{
	struct zd_creds root = {.uid = 0, .gid = 0}, self;

	(void)state;
	zd_creds_of_self(&self);
	assert_int_equal(self.pid, getpid());
	assert_int_equal(self.uid, geteuid());
	assert_int_equal(self.gid, getegid());
	assert_true(zd_creds_privileged(&root));
	assert_true(zd_creds_privileged(&self));
	assert_true(zd_creds_may(&root, user(0), OWNER_GROUP, 0, 6));
	assert_true(zd_creds_may(&self, user(0), OWNER_GROUP, 0, 6));
	for (unsigned int who = 0; who < NR_WHO; who++) {
		struct zd_creds c = creds_of((enum who)who);

		assert_false(zd_creds_privileged(&c));
	}
}

static void
test_peer(void **state)
{
	struct zd_creds peer, self;
	gid_t groups[1024];
	int socks[2], nr;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, socks), 0);
	memset(&peer, 0xff, sizeof(peer));
	assert_int_equal(zd_creds_of_peer(socks[0], &peer), 0);
	zd_creds_of_self(&self);
	assert_int_equal(peer.pid, self.pid);
	assert_int_equal(peer.uid, self.uid);
	assert_int_equal(peer.gid, self.gid);
	nr = getgroups(TEST_NR(groups), groups);
	assert_true(nr >= 0);
	if (nr <= ZD_GROUPS_MAX) {
		assert_int_equal(peer.nr_groups, nr);
		assert_memory_equal(peer.groups, groups, (size_t)nr * sizeof(groups[0]));
	} else {
		assert_int_equal(peer.nr_groups, 0);
	}
	close(socks[0]);
	close(socks[1]);
	assert_true(zd_creds_of_peer(socks[0], &peer) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_whole_table),
	        cmocka_unit_test(test_owner_in_the_group),
	        cmocka_unit_test(test_privileged),
	        cmocka_unit_test(test_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
