/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * Log lines as they reach standard error, which is a pipe while a test captures. Nothing is
 * asserted then: cmocka prints to standard error too.
 */

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "test_util.h"

#include "base/log.h"

#define LINES_EACH 500

struct capture {
	int saved;
	int from;
};

static struct capture
capture_start(void)
{
	struct capture c;
	int ends[2];

	fflush(stderr);
	assert_int_equal(pipe(ends), 0);
	c.saved = dup(STDERR_FILENO);
	assert_true(c.saved >= 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	c.from = ends[0];
	return c;
}

/* Puts standard error back. The pipe has no writer then, so that reading it comes to an end. */
static void
capture_stop(const struct capture *c)
{
	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
}

static size_t
capture_read(struct capture *c, char *text, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len - 1 && (n = read(c->from, text + got, len - 1 - got)) > 0)
		got += (size_t)n;
	text[got] = '\0';
	close(c->from);
	return got;
}

static void
test_levels(void **state)
{
	static const char *const expected[] = {
	        "prog: error: e 1\n",
	        "prog: error: e 1\nprog: warning: w two\n",
	        "prog: error: e 1\nprog: warning: w two\nprog: i\n",
	        "prog: error: e 1\nprog: warning: w two\nprog: i\nprog: debug: \n",
	};

	(void)state;
	for (int level = ZC_LOG_ERROR; level <= ZC_LOG_DEBUG; level++) {
		struct capture c = capture_start();
		char text[256];

		zc_log_init("prog", (enum zc_log_level)level);
		zc_err("e %d", 1);
		zc_warn("w %s", "two");
		zc_info("i");
		zc_debug("%s", "");
		capture_stop(&c);
		capture_read(&c, text, sizeof(text));
		assert_string_equal(text, expected[level]);
	}
}

/* A line that is too long loses its end, never its newline, and never the one after it. */
static void
test_long_message(void **state)
{
	char message[4096];
	char text[8192];

	(void)state;
	zc_log_init("prog", ZC_LOG_INFO);
	for (size_t len = 990; len < sizeof(message); len = len < 1040 ? len + 1 : len * 2) {
		struct capture c = capture_start();
		size_t got, kept;

		memset(message, 'm', len);
		message[len] = '\0';
		zc_info("%s", message);
		zc_info("next");
		capture_stop(&c);
		got = capture_read(&c, text, sizeof(text));
		kept = strspn(text + strlen("prog: "), "m");
		assert_memory_equal(text, "prog: m", strlen("prog: m"));
		assert_true(kept == len || kept >= 1000);
		assert_string_equal(text + strlen("prog: ") + kept, "\nprog: next\n");
		assert_int_equal(got, strlen(text));
	}
}

/* The name may be argv[0], and that may be anything. */
static void
test_long_program(void **state)
{
	char name[3000];
	char text[8192];
	struct capture c;
	size_t got;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	zc_log_init(name, ZC_LOG_INFO);
	c = capture_start();
	zc_warn("text");
	capture_stop(&c);
	zc_log_init("prog", ZC_LOG_INFO);
	got = capture_read(&c, text, sizeof(text));
	assert_non_null(strstr(text, ": warning: text\n"));
	assert_int_equal(text[0], 'n');
	assert_true(got < 1024);
}

static void *
print_lines(void *arg)
{
	char fill = *(const char *)arg;
	char body[301];

	memset(body, fill, sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	for (int i = 0; i < LINES_EACH; i++)
		zc_info("%s", body);
	return NULL;
}

static void *
print_from_two(void *arg)
{
	static const char fills[] = "ab";
	const struct capture *c = (const struct capture *)arg;
	pthread_t threads[2];

	for (size_t i = 0; i < TEST_NR(threads); i++)
		pthread_create(&threads[i], NULL, print_lines, (void *)(uintptr_t)&fills[i]);
	for (size_t i = 0; i < TEST_NR(threads); i++)
		pthread_join(threads[i], NULL);
	capture_stop(c);
	return NULL;
}

static void
test_lines_stay_whole(void **state)
{
	static char text[2 * LINES_EACH * 310];
	unsigned int nr[2] = {0, 0};
	struct capture c;
	pthread_t printer;
	char *line, *rest;

	(void)state;
	zc_log_init("p", ZC_LOG_INFO);
	c = capture_start();
	pthread_create(&printer, NULL, print_from_two, &c);
	capture_read(&c, text, sizeof(text));
	pthread_join(printer, NULL);
	for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		char fill[] = {line[3], '\0'};

		assert_memory_equal(line, "p: ", 3);
		assert_true(fill[0] == 'a' || fill[0] == 'b');
		assert_int_equal(strlen(line), 303);
		assert_int_equal(strspn(line + 3, fill), 300);
		nr[fill[0] - 'a']++;
	}
	assert_int_equal(nr[0], LINES_EACH);
	assert_int_equal(nr[1], LINES_EACH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_levels),
	        cmocka_unit_test(test_long_message),
	        cmocka_unit_test(test_long_program),
	        cmocka_unit_test(test_lines_stay_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
