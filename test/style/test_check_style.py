# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
"""check_style.py on small trees: a good one, and for each rule one that breaks it."""

import os
import shlex
import sys
import tempfile
import unittest

import check_style

CC = shlex.split(sys.argv.pop(1)) if len(sys.argv) > 1 else []

HEAD = "/* SPDX-License-Identifier: BSD-3-Clause */\n/* Copyright (c) 2026 The zcompd authors */\n"
LOADED = "static int\nf(int *p)\n{\n%s\treturn zc_load_acquire(p);\n}\n"


def function(lines):
	return "int\nlong_one(int a,\n         int b)\n{\n" + "\ta += b;\n" * (lines - 4) + "}\n"


class CheckStyle(unittest.TestCase):
	def faults(self, files, cc=()):
		with tempfile.TemporaryDirectory() as root:
			for path, text in files.items():
				os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
				with open(os.path.join(root, path), "w", encoding="utf-8") as f:
					f.write(text)
			return check_style.check_tree(root, list(cc))

	def good(self, path, text):
		self.assertEqual(self.faults({path: HEAD + text}), [])

	def bad(self, path, text, line, words):
		faults = self.faults({path: HEAD + text})
		self.assertEqual(len(faults), 1, faults)
		self.assertTrue(faults[0].startswith(f"{path}:{line + 2}: "), faults)
		self.assertIn(words, faults[0])

	def test_head(self):
		self.assertEqual(len(self.faults({"zcomp/base/a.c": "int a;\n"})), 2)
		self.assertEqual(len(self.faults({"zcomp/meson.build": "\n"})), 1)
		head = HEAD.replace("/*", "#").replace(" */", "")
		self.assertEqual(self.faults({"test/a.sh": "#!/bin/sh\n" + head}), [])
		self.assertEqual(self.faults({"test/a.sh": head}), [])

	def test_columns(self):
		self.good("zcomp/base/a.c", "\t/*" + "x" * 88 + "*/\n")
		self.bad("zcomp/base/a.c", "\n\t/*" + "x" * 89 + "*/\n", 2, "101 columns")

	def test_file_length(self):
		self.good("zcomp/base/a.c", "\n" * 898)
		self.bad("zcomp/base/a.c", "\n" * 899, 899, "901 lines")
		self.bad("zcomp/base/a.h", "\n" * 499, 499, "501 lines")

	def test_function_length(self):
		self.good("zcomp/base/a.c", function(70) + "struct a {\n" + "\tint a;\n" * 80 + "};\n")
		self.bad("zcomp/base/a.c", "struct a {\n};\n" + function(71), 4, "long_one() has 71 lines")
		self.bad("zcomp/base/a.h", "int b(int c,\n      int d);\n" + function(72), 4, "72 lines")
		python = "def f():\n" + "\tpass\n" * 70
		head = HEAD.replace("/*", "#").replace(" */", "")
		self.assertIn("f() has 71", self.faults({"test/a.py": head + python})[0])

	def test_pairs(self):
		self.bad("zcomp/base/a.c", LOADED % "", 4, "zc_load_acquire")
		self.bad("zcomp/base/a.c", LOADED % "\t/* Pears with g(). */\n", 5, "zc_load_acquire")
		self.good("zcomp/base/a.c", LOADED % "\t/* Pairs with g(). */\n")
		self.good("zcomp/base/a.c", LOADED % "\t/* It certainly pairs\n\t * with g(). */\n")
		self.good("zcomp/base/a.c", "/* Pairs with g(). */\n" + LOADED % ("\tp++;\n" * 20))
		self.bad("zcomp/base/a.c", "/* Pairs with g(). */\nint a;\n" + LOADED % ("\tp++;\n" * 20),
		         26, "zc_load_acquire")
		self.bad("zcomp/base/a.c", "int a = __ATOMIC_SEQ_CST;\n", 1, "__ATOMIC_SEQ_CST")
		self.good("zcomp/base/a.c", "int a = __ATOMIC_RELAXED; /* zc_load_acquire */\n")
		self.good("zcomp/base/atomic.h", "#define a __ATOMIC_SEQ_CST\n")

	def test_todo(self):
		word = "TO" + "DO"
		self.bad("zcomp/base/a.c", f"/* {word}: more */\n", 1, "without an issue")
		self.good("zcomp/base/a.c", f"/* {word}(#12): more */\n")

	def test_layers(self):
		def includes(path, header):
			return self.faults({path: HEAD + f"#include {header}\n"})

		for path, header in (
		        ("zcomp/base/a.c", '"ipc/ring.h"'),
		        ("zcomp/ipc/a.h", '"codec/codec.h"'),
		        ("zcomp/codec/a.c", '"ipc/slot.h"'),
		        ("zcomp/comp/a.c", '"store/store.h"'),
		        ("zcomp/store/a.c", '"ipc/shm.h"'),
		        ("zcomp/client/a.c", '"store/store.h"'),
		        ("zcomp/client/a.c", "<rte_eal.h>"),
		        ("zcomp/comp/zcomp.c", "<rte_mbuf.h>"),
		        ("zcomp/store/a.c", "<lz4.h>"),
		        ("drivers/compress/a/a.c", '"base/log.h"'),
		        ("service/session.c", '"client/zcl.h"'),
		        ("service/zcompctl.c", '"ipc/wire.h"'),
		        ("examples/a.c", '"client/zcl.h"'),
		        ("zcomp/ipc/a.c", '"../base/log.h"'),
		        ("zcomp/new/a.c", '"base/log.h"')):
			self.assertEqual(len(includes(path, header)), 1, (path, header))
		for path, header in (
		        ("zcomp/ipc/a.c", '"base/log.h"'),
		        ("zcomp/comp/backend_compressdev.c", "<rte_mbuf.h>"),
		        ("zcomp/store/a.c", '"ipc/arena.h"'),
		        ("zcomp/client/a.c", '"ipc/reader.h"'),
		        ("drivers/compress/a/a.c", "<rte_mbuf.h>"),
		        ("service/session.c", '"store/store.h"'),
		        ("service/zcompctl.c", '"client/zcl.h"'),
		        ("examples/a.c", "<zcl.h>"),
		        ("test/store/a.c", '"client/zcl.h"')):
			self.assertEqual(includes(path, header), [], (path, header))

	def test_top_level(self):
		readme = "`zcomp/base` and `test`.\n"
		good = {"README.md": readme, "test/x": "", "zcomp/x": "", ".ci/run": "", "build/x": ""}
		self.assertEqual(self.faults(good), [])
		self.assertIn("notes.txt:1: ", self.faults(good | {"notes.txt": ""})[0])
		self.assertIn("lib:1: ", self.faults(good | {"lib/x": ""})[0])
		self.assertIn("service/", self.faults(good | {"service/x": ""})[0])

	@unittest.skipIf(not CC, "no compiler was named")
	def test_headers_alone(self):
		good = {"zcomp/base/a.h": HEAD + "#include <stdint.h>\nstatic uint32_t a;\n"}
		bad = {"zcomp/base/b.h": HEAD + "static uint32_t b;\n"}
		self.assertEqual(self.faults(good, CC), [])
		faults = self.faults(good | bad, CC)
		self.assertEqual(len(faults), 1, faults)
		self.assertIn("zcomp/base/b.h:1: does not compile alone", faults[0])


if __name__ == "__main__":
	unittest.main()
