/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/* What zcomp-perf refuses, in which words, and with which exit status. The first argument is the
 * program. */

#include "test_util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

#define ARGS_MAX 16

static const char *program;
static char corpus[] = "/dev/shm/zcomp-perf-test-XXXXXX";

struct outcome {
	int status;
	char said[16384]; /* on both streams */
};

static void
become_program(const char *const *args, int out)
{
	const char *argv[ARGS_MAX + 2] = {program};

	for (unsigned int i = 0; i < ARGS_MAX && args[i] != NULL; i++)
		argv[i + 1] = strcmp(args[i], "CORPUS") == 0 ? corpus : args[i];
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execv(program, (char **)(uintptr_t)argv);
	_exit(127);
}

static void
run(const char *const *args, struct outcome *o)
{
	int fds[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		become_program(args, fds[1]);
	close(fds[1]);
	while ((n = read(fds[0], o->said + len, sizeof(o->said) - 1 - len)) > 0)
		len += (size_t)n;
	o->said[len] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	o->status = WEXITSTATUS(status);
}

static void
expect(const char *const *args, int status, const char *said)
{
	struct outcome o;

	run(args, &o);
	if (o.status != status || strstr(o.said, said) == NULL)
		fail_msg("wanted status %d and '%s', got %d and '%s'", status, said, o.status,
		         o.said);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
test_help(void **state)
{
	(void)state;
	expect(ARGS("--help"), 0, "  throughput ");
	expect(ARGS("--help"), 0, "  streams ");
	expect(ARGS("--help"), 0, "  latency ");
	expect(ARGS("--help"), 0, "  goals ");
	expect(ARGS("--help"), 0, "  service ");
	expect(ARGS("--help"), 0, "  zram:/dev/zramN ");
	expect(ARGS("--version"), 0, "zcomp-perf ");
}

static void
test_values(void **state)
{
	static const char *const table[][3] = {
	        {"--ptest", "speed",
	         "no 'speed'; there are: throughput verify pmd-cyclecount streams"},
	        {"--target", "lzo", "no 'lzo'; there are: codec pmd zcomp service zram:/dev/zramN"},
	        {"--target", "zram", "no 'zram'; there are"},
	        {"--target", "zram:zram0", "no 'zram:zram0'; there are"},
	        {"--target", "zram:/a,zram:/b", "'zram:/b' is there twice"},
	        {"--target", "codec,", "no ''; there are"},
	        {"--target", "codec,codec", "'codec' is there twice"},
	        {"--algo", "zstd", "no 'zstd'; there are: lz4 deflate null"},
	        {"--compress-level", "0", "'0' is not a number from 1 to 65536"},
	        {"--compress-level", "fast", "'fast' is not a number"},
	        {"--seg-sz", "8192", "'8192' is not a power of two from 256 to 4096"},
	        {"--seg-sz", "1000", "'1000' is not a power of two"},
	        {"--seg-sz", "128", "'128' is not a power of two"},
	        {"--operation", "both", "no 'both'; there are: comp decomp comp_and_decomp"},
	        {"--huffman-enc", "some", "no 'some'; there are: dynamic fixed default"},
	        {"--window-sz", "7", "'7' is not a number from 8 to 16"},
	        {"--max-num-sgl-segs", "0", "'0' is not a number from 1 to 16"},
	        {"--burst-sz", "257", "'257' is not a number from 1 to 256"},
	        {"--burst-sz", "0", "'0' is not a number from 1 to 256"},
	        {"--num-iter", "10", "10 is less than 11"},
	        {"--num-iter", "1000", "'1000' is not a number from 1 to 999"},
	        {"--extended-input-sz", "1023K", "'1023K' is not a size from 1048576"},
	        {"--extended-input-sz", "many", "'many' is not a size"},
	        {"--rates", "10,200", "'10,200' is not a list of up to 16 percents"},
	        {"--mix", "1:2", "'1:2' is not three shares up to 1000"},
	        {"--dist", "normal", "no 'normal'; there are: uniform zipf"},
	        {"--no-such-option", "1", "unrecognized option"},
	};

	(void)state;
	for (size_t i = 0; i < TEST_NR(table); i++)
		expect(ARGS("--input-file", "CORPUS", table[i][0], table[i][1]), 2, table[i][2]);
	expect(ARGS("--target", "codec"), 2, "--input-file is needed");
	expect(ARGS("--input-file", "CORPUS", "codec"), 2, "'codec' is no option");
}

static void
test_of_no_use(void **state)
{
	(void)state;
	expect(ARGS("--input-file", "CORPUS", "--target", "codec", "--burst-sz", "8"), 2,
	       "--burst-sz: neither ptest throughput nor target codec has a use for it");
	expect(ARGS("--input-file", "CORPUS", "--target", "codec", "--socket", "s"), 2,
	       "--socket: neither ptest throughput nor target codec");
	expect(ARGS("--input-file", "CORPUS", "--target", "codec", "--zcompd", "z"), 2,
	       "--zcompd: neither");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "verify", "--num-iter", "20"), 2,
	       "--num-iter: neither ptest verify nor target codec, service");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "streams", "--target", "codec"), 2,
	       "--target: ptest streams has no use for it");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "streams", "--socket", "s"), 2,
	       "--socket: ptest streams has no use for it");
	expect(ARGS("--input-file", "CORPUS", "--target", "codec", "--svg", "s"), 2,
	       "--svg: neither ptest throughput nor target codec");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "latency", "--num-iter", "20"), 2,
	       "--num-iter: ptest latency has no use for it");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "latency", "--target", "codec"), 2,
	       "--target: ptest latency has no use for it");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "mixed", "--rates", "5"), 2,
	       "--rates: ptest mixed has no use for it");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "scale", "--svg", "s"), 2,
	       "--svg: ptest scale has no use for it");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "idle", "--dist", "zipf"), 2,
	       "--dist: ptest idle has no use for it");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "goals", "--csv", "c"), 2,
	       "--csv: neither ptest goals nor target codec, service");
	expect(ARGS("--input-file", "CORPUS", "--mix", "1:1:1"), 2,
	       "--mix: neither ptest throughput nor target codec, service");
	expect(ARGS("--input-file", "CORPUS", "--socket", "s", "--zcompd", "z"), 2,
	       "--zcompd: no service is started with --socket");
}

/* Those of devices: target pmd has a use for all of them. */
static void
test_of_devices(void **state)
{
	static const char *const table[][2] = {
	        {"--driver-name", "compress_lz4"},
	        {"--seg-sz", "1024"},
	        {"--max-num-sgl-segs", "4"},
	        {"--huffman-enc", "fixed"},
	        {"--window-sz", "15"},
	        {"--external-mbufs", NULL},
	};
	char said[128];

	(void)state;
	for (size_t i = 0; i < TEST_NR(table); i++) {
		snprintf(said, sizeof(said), "%s: neither ptest verify nor target codec has a use",
		         table[i][0]);
		expect(ARGS("--input-file", "CORPUS", "--ptest", "verify", "--target", "codec",
		            table[i][0], table[i][1]),
		       2, said);
	}
	expect(ARGS("--input-file", "CORPUS", "--target", "zcomp", "--seg-sz", "1024"), 2,
	       "--seg-sz: neither ptest throughput nor target zcomp has a use for it");
	expect(ARGS("--input-file", "CORPUS", "--target", "zram:/dev/zram0", "--burst-sz", "8"), 2,
	       "--burst-sz: neither ptest throughput nor target zram has a use for it");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "verify", "--operation", "comp"), 2,
	       "--operation: neither ptest verify");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "streams", "--algo", "lz4"), 2,
	       "--algo: ptest streams has no use for it");
	expect(ARGS("--input-file", "CORPUS", "--target", "pmd", "--seg-sz", "512",
	            "--max-num-sgl-segs", "4"),
	       2, "--seg-sz: 512 makes 8 segments of a page; --max-num-sgl-segs is 4");
	expect(ARGS("--input-file", "CORPUS", "--target", "pmd", "--huffman-enc", "fixed"), 2,
	       "--huffman-enc: algorithm lz4 has no Huffman codes");
	expect(ARGS("--input-file", "CORPUS", "--algo", "deflate", "--compress-level", "10"), 2,
	       "'10' is not a number from 1 to 9");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "pmd-cyclecount", "--target", "codec"), 2,
	       "--target: ptest pmd-cyclecount has a use for pmd alone");
	expect(ARGS("--input-file", "CORPUS", "--ptest", "pmd-cyclecount", "--target", "pmd,codec"),
	       2, "--target: ptest pmd-cyclecount has a use for pmd alone");
}

#define VERIFY "--force", "--input-file", "CORPUS", "--ptest", "verify", "--target"

static void
test_devices(void **state)
{
	(void)state;
	expect(ARGS(VERIFY, "pmd,zcomp"), 0, "pages verified");
	expect(ARGS(VERIFY, "pmd,zcomp", "--driver-name", "compress_lz4,mode=thread", "--burst-sz",
	            "1", "--compress-level", "3"),
	       0, "pages verified");
	expect(ARGS(VERIFY, "pmd", "--seg-sz", "256", "--max-num-sgl-segs", "16"), 0,
	       "pages verified");
	expect(ARGS(VERIFY, "pmd", "--seg-sz", "1024", "--external-mbufs", "--window-sz", "16"), 0,
	       "pages verified");
	expect(ARGS(VERIFY, "pmd", "--driver-name", "compress_sim,compress_only=1"), 0,
	       "pages verified");
	expect(ARGS(VERIFY, "codec", "--algo", "deflate", "--compress-level", "2"), 0,
	       "pages verified");
	expect(ARGS(VERIFY, "codec", "--algo", "null"), 0, "verify, null level 0");
}

static void
test_bad_devices(void **state)
{
	(void)state;
	expect(ARGS(VERIFY, "pmd", "--driver-name", "compress_none,a=b"), 1,
	       "--driver-name: no driver takes 'compress_none_pmd' with 'a=b'");
	expect(ARGS(VERIFY, "zcomp", "--driver-name",
	            "compress_lz4_of_a_name_that_is_longer_than_the_63_bytes_of_eal"),
	       1, "is too long a name");
	expect(ARGS(VERIFY, "pmd", "--window-sz", "15"), 1,
	       "target pmd: --window-sz: the device has 16 to 16");
	expect(ARGS(VERIFY, "pmd", "--algo", "deflate"), 1, "does not do deflate");
	expect(ARGS(VERIFY, "zcomp", "--algo", "null"), 1, "target zcomp: compress_lz4_zcomp with");
	expect(ARGS(VERIFY, "pmd", "--driver-name", "compress_sim", "--seg-sz", "1024"), 1,
	       "target pmd: --seg-sz: the device does not take chains");
	expect(ARGS(VERIFY, "pmd", "--driver-name", "compress_sim,error_one_in=100"), 1,
	       "the device says status");
	expect(ARGS(VERIFY, "zcomp", "--driver-name", "compress_sim,error_one_in=100"), 1,
	       "target zcomp: page 99: the device's result is");
	expect(ARGS(VERIFY, "zram:/dev/no-such-device"), 1, "No such file");
	expect(ARGS(VERIFY, "zram:/dev/null"), 1, "target zram: /dev/null is no zram device");
	expect(ARGS(VERIFY, "zram:/dev/null", "--algo", "lz4", "--compress-level", "2"), 2,
	       "--compress-level: neither ptest verify nor target zram");
	expect(ARGS(VERIFY, "codec,zram:/dev/null", "--compress-level", "2"), 1,
	       "target zram: --compress-level: the kernel's is not 2");
}

static void
test_files(void **state)
{
	(void)state;
	expect(ARGS("--force", "--input-file", "/dev/shm/no/such/file"), 1, "No such file");
	expect(ARGS("--force", "--input-file", "/dev/shm"), 1, "not a regular file");
	expect(ARGS("--force", "--input-file", program, "--json", "/dev/shm/no/such/file"), 1,
	       "--json: /dev/shm/no/such/file: No such file");
	expect(ARGS("--force", "--input-file", "CORPUS", "--zcompd", "/dev/shm/no/such/file"), 1,
	       "No such file");
	expect(ARGS("--force", "--input-file", "CORPUS", "--zcompd", "/bin/false"), 1,
	       "ended before it was ready");
	expect(ARGS("--force", "--input-file", "CORPUS", "--socket", "/dev/shm/no/such/file"), 1,
	       "/dev/shm/no/such/file");
	expect(ARGS("--force", "--input-file", "CORPUS", "--ptest", "streams", "--quick", "--csv",
	            "/dev/shm/no/such/file"),
	       1, "--csv: /dev/shm/no/such/file: No such file");
	expect(ARGS("--force", "--input-file", "CORPUS", "--target", "codec", "--csv",
	            "/dev/shm/no/such/file"),
	       1, "--csv: /dev/shm/no/such/file: No such file");
	expect(ARGS("--force", "--input-file", "CORPUS", "--ptest", "goals", "--quick", "--algo",
	            "deflate"),
	       1, "ptest goals: they are set for lz4");
	if (system("gnuplot --version >/dev/null 2>&1") == 0)
		expect(ARGS("--force", "--input-file", "CORPUS", "--ptest", "goals", "--quick",
		            "--svg", "/dev/shm/no/such/file"),
		       1, "--svg: /dev/shm/no/such/file: No such file");
	assert_int_equal(truncate(corpus, 1000000), 0);
	expect(ARGS("--force", "--input-file", "CORPUS"), 1,
	       "has 1000000 bytes; 1 MiB to 1 TiB can be measured");
	assert_int_equal(truncate(corpus, 1 << 20), 0);
}

static void
test_without_gnuplot(void **state)
{
	static const char *const drawn[] = {"streams", "latency", "goals"};
	char *path = getenv("PATH");

	(void)state;
	assert_non_null(path);
	path = strdup(path);
	assert_int_equal(setenv("PATH", "/dev/shm/no/such/folder", 1), 0);
	for (size_t i = 0; i < TEST_NR(drawn); i++)
		expect(ARGS("--force", "--input-file", "CORPUS", "--ptest", drawn[i], "--quick",
		            "--svg", "/dev/shm/no/such/file"),
		       1, "--svg: there is no gnuplot; Debian's package is gnuplot-nox");
	assert_int_equal(setenv("PATH", path, 1), 0);
	free(path);
}

static void
test_too_few_cpus(void **state)
{
	cpu_set_t all, one;
	int cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	expect(ARGS("--force", "--input-file", "CORPUS"), 1,
	       "2 threads must run at the same time, and there is 1 CPU");
	expect(ARGS("--force", "--input-file", "CORPUS", "--ptest", "streams", "--quick"), 1,
	       "2 threads must run at the same time, and there is 1 CPU");
	expect(ARGS("--force", "--input-file", "CORPUS", "--ptest", "goals", "--quick"), 1,
	       "2 threads must run at the same time, and there is 1 CPU");
	expect(ARGS("--force", "--input-file", "CORPUS", "--target", "codec", "--quick"), 0,
	       "stores/s");
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void
test_build(void **state)
{
	(void)state;
	if (host_build_flaw() == NULL)
		skip();
	expect(ARGS("--input-file", "CORPUS", "--target", "codec", "--quick"), 1,
	       host_build_flaw());
}

static int
make_corpus(void **state)
{
	int fd = mkstemp(corpus);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	return close(fd);
}

static int
remove_corpus(void **state)
{
	(void)state;
	return unlink(corpus);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_help),      cmocka_unit_test(test_values),
	        cmocka_unit_test(test_of_no_use), cmocka_unit_test(test_of_devices),
	        cmocka_unit_test(test_devices),   cmocka_unit_test(test_bad_devices),
	        cmocka_unit_test(test_files),     cmocka_unit_test(test_too_few_cpus),
	        cmocka_unit_test(test_build),     cmocka_unit_test(test_without_gnuplot),
	};

	if (argc != 2)
		return 1;
	program = argv[1];
	return cmocka_run_group_tests(tests, make_corpus, remove_corpus);
}
