/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The zcompd authors
 */

/*
 * What the service loads and what it refuses: files, their folders, and backends in them. Each test
 * has a folder of its own with the backend "one", which is right.
 */

#include "plugin_dir.h"

#include <dlfcn.h>
#include <errno.h>

#include "backends.h"
#include "comp/module.h"
#include "plugin.h"

#define ONE    "libzcomp_backend_one.so"
#define NOBODY 65534

static struct plugin_dir dir;
static unsigned int nr_fds;

static int
set_up(void **state)
{
	(void)state;
	plugin_dir_init(&dir);
	plugin_copy(&dir, "TEST_PLUGINS", ONE);
	nr_fds = test_open_fds();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	assert_int_equal(test_open_fds(), nr_fds);
	plugin_dir_fini(&dir);
	return 0;
}

static void
refused(const char *file, int ret)
{
	struct zd_plugin plugin;

	assert_int_equal(zd_plugin_open(plugin_path(&dir, file), &plugin), ret);
	assert_int_equal(test_open_fds(), nr_fds);
}

static void
loads(const char *path)
{
	const struct zcomp_backend_module *module;
	struct zd_plugin plugin;

	assert_int_equal(zd_plugin_open(path, &plugin), 0);
	module = (const struct zcomp_backend_module *)dlsym(plugin.handle, ZCOMP_BACKEND_SYMBOL);
	assert_non_null(module);
	assert_string_equal(module->ops->name, "one");
	zd_plugin_close(&plugin);
}

static void
test_loads(void **state)
{
	int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	loads(plugin_path(&dir, ONE));
	/* Again, and from where we are. */
	assert_true(cwd >= 0);
	assert_int_equal(chdir(dir.path), 0);
	loads("./" ONE);
	loads(ONE);
	assert_int_equal(fchdir(cwd), 0);
	close(cwd);
	/* Whoever may read it. */
	assert_int_equal(chmod(plugin_path(&dir, ONE), 0400), 0);
	assert_int_equal(chmod(dir.path, 0500), 0);
	loads(plugin_path(&dir, ONE));
	assert_int_equal(chmod(dir.path, 0700), 0);
}

/* Two that are loaded at once are two, whatever descriptors they came by. */
static void
test_two(void **state)
{
	struct zd_plugin one, abi;

	(void)state;
	plugin_copy(&dir, "TEST_PLUGINS", "libzcomp_backend_abi.so");
	assert_int_equal(zd_plugin_open(plugin_path(&dir, ONE), &one), 0);
	assert_int_equal(zd_plugin_open(plugin_path(&dir, "libzcomp_backend_abi.so"), &abi), 0);
	assert_ptr_not_equal(one.handle, abi.handle);
	assert_ptr_not_equal(dlsym(one.handle, ZCOMP_BACKEND_SYMBOL),
	                     dlsym(abi.handle, ZCOMP_BACKEND_SYMBOL));
	zd_plugin_close(&abi);
	zd_plugin_close(&one);
}

static void
test_no_file(void **state)
{
	char name[300];

	(void)state;
	refused("nosuch.so", -ENOENT);
	refused("nosuch/x.so", -ENOENT);
	refused(ONE "/x.so", -ENOTDIR);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(zd_plugin_open(name, &(struct zd_plugin){0}), -ENAMETOOLONG);
	assert_int_equal(symlink("nosuch.so", plugin_path(&dir, "dangling.so")), 0);
	refused("dangling.so", -ENOENT);
	assert_int_equal(symlink("loop.so", plugin_path(&dir, "loop.so")), 0);
	refused("loop.so", -ELOOP);
	if (geteuid() != 0) {
		assert_int_equal(chmod(plugin_path(&dir, ONE), 0), 0);
		refused(ONE, -EACCES);
	}
}

static void
test_no_regular_file(void **state)
{
	(void)state;
	assert_int_equal(mkdir(plugin_path(&dir, "folder.so"), 0700), 0);
	refused("folder.so", -ENOEXEC);
	/* Nobody ever writes to it: to wait for that would be for ever. */
	assert_int_equal(mkfifo(plugin_path(&dir, "fifo.so"), 0600), 0);
	refused("fifo.so", -ENOEXEC);
	assert_int_equal(zd_plugin_open("/dev/null", &(struct zd_plugin){0}), -ENOEXEC);
}

static void
test_no_object(void **state)
{
	static const char text[] = "#!/bin/sh\necho this is a script\n";
	char head[64];
	int fd;

	(void)state;
	plugin_write(&dir, "script.so", text, sizeof(text));
	refused("script.so", -ENOEXEC);
	plugin_write(&dir, "empty.so", "", 0);
	refused("empty.so", -ENOEXEC);
	fd = open(plugin_path(&dir, ONE), O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, head, sizeof(head)), sizeof(head));
	close(fd);
	plugin_write(&dir, "short.so", head, sizeof(head));
	refused("short.so", -ENOEXEC);
	/* It wants a function that nobody has: found at once, not at the first call. */
	plugin_copy(&dir, "TEST_PLUGINS", "libzcomp_backend_undefined.so");
	refused("libzcomp_backend_undefined.so", -ENOEXEC);
}

static void
test_writable_file(void **state)
{
	static const mode_t modes[] = {0664, 0646, 0666, 0620, 04722};

	(void)state;
	for (size_t i = 0; i < TEST_NR(modes); i++) {
		assert_int_equal(chmod(plugin_path(&dir, ONE), modes[i]), 0);
		refused(ONE, -EPERM);
	}
	assert_int_equal(chmod(plugin_path(&dir, ONE), 0755), 0);
	loads(plugin_path(&dir, ONE));
}

static void
test_writable_folder(void **state)
{
	static const mode_t modes[] = {0770, 0707, 0777, 01777};

	(void)state;
	for (size_t i = 0; i < TEST_NR(modes); i++) {
		assert_int_equal(chmod(dir.path, modes[i]), 0);
		refused(ONE, -EPERM);
	}
	assert_int_equal(chmod(dir.path, 0755), 0);
	loads(plugin_path(&dir, ONE));
}

/* A link is as good as what it leads to, and so are the two folders. */
static void
test_links(void **state)
{
	struct plugin_dir other;
	char target[256];

	(void)state;
	plugin_dir_init(&other);
	plugin_copy(&other, "TEST_PLUGINS", ONE);
	snprintf(target, sizeof(target), "%s/%s", other.path, ONE);
	assert_int_equal(symlink(target, plugin_path(&dir, "link.so")), 0);
	loads(plugin_path(&dir, "link.so"));
	assert_int_equal(chmod(plugin_path(&other, ONE), 0775), 0);
	refused("link.so", -EPERM);
	assert_int_equal(chmod(plugin_path(&other, ONE), 0755), 0);
	assert_int_equal(chmod(other.path, 0777), 0);
	refused("link.so", -EPERM);
	assert_int_equal(chmod(other.path, 0755), 0);
	assert_int_equal(chmod(dir.path, 0777), 0);
	refused("link.so", -EPERM);
	assert_int_equal(chmod(dir.path, 0755), 0);
	loads(plugin_path(&dir, "link.so"));
	plugin_dir_fini(&other);
}

/* A stranger owns the file, or the folder. */
static void
test_owners(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("only root gives files away\n");
		skip();
	}
	assert_int_equal(chown(plugin_path(&dir, ONE), NOBODY, NOBODY), 0);
	refused(ONE, -EPERM);
	assert_int_equal(chown(plugin_path(&dir, ONE), 0, NOBODY), 0);
	assert_int_equal(chown(dir.path, NOBODY, 0), 0);
	refused(ONE, -EPERM);
	assert_int_equal(chown(dir.path, 0, 0), 0);
	loads(plugin_path(&dir, ONE));
	/* Root's are good for everybody, and everybody's own. */
	assert_int_equal(chmod(dir.path, 0755), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	loads(plugin_path(&dir, ONE));
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown(plugin_path(&dir, ONE), NOBODY, 0), 0);
	assert_int_equal(chown(dir.path, NOBODY, 0), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	loads(plugin_path(&dir, ONE));
	assert_int_equal(seteuid(0), 0);
}

/* The backends: by name and by path, and all that is refused. */

static void
test_backends(void **state)
{
	struct zd_compressors c = {.nr_lcores = 1};
	struct zd_backends b = {.nr = 0};

	(void)state;
	assert_int_equal(zd_backends_load(&b, dir.path, "one", &c), 0);
	assert_int_equal(zd_backends_load(&b, "/nowhere", plugin_path(&dir, ONE), &c), 0);
	assert_int_equal(b.nr, 2);
	assert_int_equal(c.nr_backends, 2);
	assert_string_equal(c.backends[0].ops->name, "one");
	assert_ptr_equal(c.backends[0].codec, &zcodec_null);
	zd_backends_fini(&b);
	assert_int_equal(b.nr, 0);
	zd_backends_fini(&b);
}

static void
test_backends_refused(void **state)
{
	static const struct {
		const char *name;
		int ret;
	} cases[] = {
	        {"abi", -ENOTSUP}, {"size", -ENOTSUP},   {"codec", -EINVAL},
	        {"ops", -EINVAL},  {"hidden", -ENOEXEC}, {"undefined", -ENOEXEC},
	};
	struct zd_compressors c = {.nr_lcores = 1};
	struct zd_backends b = {.nr = 0};
	char name[64], path[5000];

	(void)state;
	for (size_t i = 0; i < TEST_NR(cases); i++) {
		snprintf(name, sizeof(name), "libzcomp_backend_%s.so", cases[i].name);
		plugin_copy(&dir, "TEST_PLUGINS", name);
		assert_int_equal(zd_backends_load(&b, dir.path, cases[i].name, &c), cases[i].ret);
	}
	assert_int_equal(zd_backends_load(&b, dir.path, "nosuch", &c), -ENOENT);
	assert_int_equal(zd_backends_load(&b, dir.path, "/no/such/backend", &c), -ENOENT);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(zd_backends_load(&b, dir.path, path, &c), -ENAMETOOLONG);
	assert_int_equal(chmod(plugin_path(&dir, ONE), 0777), 0);
	assert_int_equal(zd_backends_load(&b, dir.path, "one", &c), -EPERM);
	assert_int_equal(b.nr, 0);
	assert_int_equal(c.nr_backends, 0);
}

static void
test_too_many_backends(void **state)
{
	struct zd_compressors c = {.nr_lcores = 1};
	struct zd_backends b = {.nr = 0};

	(void)state;
	for (unsigned int i = 0; i < ZD_BACKENDS_MAX; i++)
		assert_int_equal(zd_backends_load(&b, dir.path, "one", &c), 0);
	assert_int_equal(zd_backends_load(&b, dir.path, "one", &c), -E2BIG);
	assert_int_equal(b.nr, ZD_BACKENDS_MAX);
	zd_backends_fini(&b);
}

/* Backends have the streams of their codec, by turns, and of no other. */
static void
test_compressors(void **state)
{
	struct zd_compressors c = {.nr_lcores = 1};
	struct zd_backends b = {.nr = 0};
	struct zcomp_strm *strms[3];
	struct zcomp *comp;

	(void)state;
	assert_int_equal(zd_backends_load(&b, dir.path, "one", &c), 0);
	assert_int_equal(zd_backends_load(&b, dir.path, "one", &c), 0);
	assert_int_equal(zd_compressors_get(&c, &zcodec_null, 0, 4096), 0);
	comp = c.entries[0].comp;
	assert_string_equal(zcomp_name(comp), "one");
	/* Each has one stream. */
	for (unsigned int i = 0; i < 3; i++)
		strms[i] = zcomp_stream_get(comp, 0, ZSTRM_ONLY_MGMT);
	assert_non_null(strms[0]);
	assert_non_null(strms[1]);
	assert_null(strms[2]);
	zcomp_stream_put(strms[0]);
	zcomp_stream_put(strms[1]);
	assert_int_equal(zd_compressors_get(&c, &zcodec_lz4, 1, 4096), 1);
	assert_false(zcomp_managed(c.entries[1].comp));
	zd_compressors_fini(&c);
	zd_backends_fini(&b);
}

#define PLUGIN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	        PLUGIN_TEST(test_loads),
	        PLUGIN_TEST(test_two),
	        PLUGIN_TEST(test_no_file),
	        PLUGIN_TEST(test_no_regular_file),
	        PLUGIN_TEST(test_no_object),
	        PLUGIN_TEST(test_writable_file),
	        PLUGIN_TEST(test_writable_folder),
	        PLUGIN_TEST(test_links),
	        PLUGIN_TEST(test_owners),
	        PLUGIN_TEST(test_backends),
	        PLUGIN_TEST(test_backends_refused),
	        PLUGIN_TEST(test_too_many_backends),
	        PLUGIN_TEST(test_compressors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
