# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
"""Checks the house rules that a compiler does not: one line "file:line: wrong; right" for each fault.

check_style.py [--cc "COMPILER ARG..."] [ROOT]

Reads the tree as it lies there, needs no git. Without --cc, headers are not compiled. The exit
status is 1 when there is a fault.
"""

import argparse
import ast
import bisect
import concurrent.futures
import os
import re
import shlex
import shutil
import subprocess
import sys

FOLDERS = ("drivers", "examples", "service", "test", "zcomp")
TOP_FILES = ("LICENSE", "README.md", "meson.build", "meson_options.txt")

COLUMNS_MAX = 100
FUNCTION_MAX = 70
FILE_MAX = 900
HEADER_MAX = 500

SOURCES = (".c", ".h", ".cc", ".py", ".sh")
MESON = ("meson.build", "meson_options.txt")

# What files may include of zcomp/, beside the files of their own folder; the longest name counts.
LAYERS = (
    ("zcomp/base/", ("base/",)),
    ("zcomp/ipc/", ("ipc/", "base/")),
    ("zcomp/codec/", ("codec/", "base/")),
    ("zcomp/comp/", ("comp/", "codec/", "base/")),
    ("zcomp/store/", ("store/", "comp/", "base/", "ipc/arena.h", "ipc/slot.h", "ipc/object.h")),
    ("zcomp/client/", ("client/", "ipc/", "codec/", "base/")),
    ("drivers/", ()),
    ("service/", ("base/", "ipc/", "codec/", "comp/", "store/")),
    ("service/zcompctl", ("client/",)),
    ("examples/", ()),
    ("test/", ("",)),
)

LAYER = re.compile(r"(?:base|ipc|codec|comp|store|client)/")

# Libraries that are not libc: how their headers are called, and which files may include them.
LIBRARIES = (
    ("DPDK", re.compile(r"rte_|bus_vdev_driver\.h|ethdev_driver\.h"),
     re.compile(r"zcomp/comp/[^/]*compressdev|drivers/|service/(?!zcompctl)|test/")),
    ("liblz4", re.compile(r"lz4"), re.compile(r"zcomp/codec/|drivers/|examples/backend/|test/")),
    ("codec libraries", re.compile(r"zstd|zdict|zlib|isa-l|igzip|lzo/|lzma|libdeflate|snappy"),
     re.compile(r"zcomp/codec/|drivers/|test/")),
    ("jansson", re.compile(r"jansson"), re.compile(r"service/|test/")),
    ("cmocka", re.compile(r"cmocka"), re.compile(r"test/")),
    ("libnuma", re.compile(r"numa"), re.compile(r"service/|test/")),
)

ORDERED = re.compile(
    r"\bzc_(?:load_acquire|store_release|fence_\w+|xchg_(?:acquire|acq_rel)|cas_acquire)\b"
    r"|\b__ATOMIC_(?:ACQUIRE|RELEASE|ACQ_REL|SEQ_CST|CONSUME)\b"
    r"|\b(?:rte_)?memory_order_(?:acquire|release|acq_rel|seq_cst|consume)\b"
    r"|\brte_(?:smp_|io_)?[rw]?mb\b")
PAIRS = re.compile(r"\bpairs?\s+with\b|\bno\s+partner\b", re.IGNORECASE)
PAIRS_LINES = 8  # above; below, to the end of the statement

FUNCTION = re.compile(r"(?:[A-Za-z_][\w\s*]*[\s*])?([A-Za-z_]\w*)\s*\(")
UNNUMBERED = re.compile(r"\b(?:TO[D]O|FIX[M]E)\b(?!\s*\(?#\d+)")
COPYRIGHT = re.compile(r"Copyright \(c\) \d{4}(?:-\d{4})? The zcompd authors")
INCLUDE = re.compile(r"^\s*#\s*include\s+([<\"])([^>\"]+)[>\"]")


class File:
	"""A source file; for C also its text without comments and strings, and its comments alone."""

	def __init__(self, root, path):
		self.path = path
		with open(os.path.join(root, path), encoding="utf-8") as f:
			self.text = f.read()
		self.lines = self.text.splitlines()
		self.name = os.path.basename(path)
		self.kind = os.path.splitext(path)[1]
		self.is_c = self.kind in (".c", ".h", ".cc")
		self.code, self.comments = self.lines, [""] * len(self.lines)
		if self.is_c:
			self.code, self.comments = split_c(self.text)


TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


def split_c(text):
	"""Returns the lines of the code and those of the comments, each with the other blanked."""
	def blank(part):
		return re.sub(r"[^\n]", " ", part)

	code, comments, at = [], [], 0
	for token in TOKEN.finditer(text):
		is_comment = token.group().startswith("/")
		code += [text[at:token.start()], blank(token.group())]
		comments += [blank(text[at:token.start()]),
		             token.group() if is_comment else blank(token.group())]
		at = token.end()
	code.append(text[at:])
	comments.append(blank(text[at:]))
	return "".join(code).split("\n"), "".join(comments).split("\n")


def functions(file):
	"""Yields (name, first line, last line) of each function, counted from 1."""
	if file.kind == ".py":
		for node in ast.walk(ast.parse(file.text)):
			if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
				yield node.name, node.lineno, node.end_lineno
		return
	name, first, inside = None, 0, False
	for nr, line in enumerate(file.code, 1):
		start = FUNCTION.match(line)
		if inside:
			if line.startswith("}"):
				yield name, first, nr
				inside = False
		elif start is not None:
			name, first = start.group(1), nr
			inside = line.rstrip().endswith("{")
		elif name is not None and line.startswith("{"):
			inside = True
		if not inside and line.rstrip().endswith((";", "}")):
			name = None


def check_head(file):
	lines = file.lines
	first = 1 if lines and lines[0].startswith("#!") else 0
	if len(lines) <= first or "SPDX-License-Identifier: BSD-3-Clause" not in lines[first]:
		yield first + 1, "no licence; SPDX-License-Identifier: BSD-3-Clause"
	if file.name not in MESON and not (
	        len(lines) > first + 1 and COPYRIGHT.search(lines[first + 1])):
		yield first + 2, "no copyright; Copyright (c) YEAR The zcompd authors"


def check_sizes(file):
	limit = HEADER_MAX if file.kind == ".h" else FILE_MAX
	if len(file.lines) > limit:
		yield limit + 1, f"{len(file.lines)} lines; a file has at most {limit}, so divide it"
	for nr, line in enumerate(file.lines if file.is_c else [], 1):
		width = len(line.expandtabs(8))
		if width > COLUMNS_MAX:
			yield nr, f"{width} columns; at most {COLUMNS_MAX}, a tab is 8"
	for name, first, last in functions(file):
		if last - first + 1 > FUNCTION_MAX:
			yield first, (f"{name}() has {last - first + 1} lines; at most {FUNCTION_MAX}, so"
			              " give a part of it a name")


def comment_above(file, nr):
	"""The comment that ends above line nr, with nothing but the return type in between."""
	text, nr = [], nr - 1
	while nr > 0 and re.search(r"[^;}\s]\s*$", file.code[nr - 1]):
		nr -= 1
	while nr > 0 and file.comments[nr - 1].strip() and not file.code[nr - 1].strip():
		text.insert(0, file.comments[nr - 1])
		nr -= 1
	return text


def check_pairs(file):
	if not file.is_c or file.path == "zcomp/base/atomic.h":
		return
	starts = sorted((first, last) for _, first, last in functions(file))
	for nr, line in enumerate(file.code, 1):
		found = ORDERED.search(line)
		if found is None:
			continue
		end = next((i for i, rest in enumerate(file.code[nr - 1:], nr) if ";" in rest), nr)
		near = file.comments[max(0, nr - 1 - PAIRS_LINES):end]
		at = bisect.bisect_right(starts, (nr, sys.maxsize)) - 1
		if at >= 0 and starts[at][1] >= nr:
			near = comment_above(file, starts[at][0]) + near
		if not PAIRS.search(re.sub(r"[\s*]+", " ", " ".join(near))):
			yield nr, (f"{found.group()} without its partner; a comment above it: Pairs with"
			           " FUNCTION()")


def check_todo(file):
	for nr, line in enumerate(file.lines, 1):
		found = UNNUMBERED.search(line)
		if found is not None:
			yield nr, f"{found.group()} without an issue; {found.group()}(#NUMBER)"


def check_includes(file):
	if not file.is_c:
		return
	fitting = [entry for entry in LAYERS if file.path.startswith(entry[0])]
	if not fitting:
		yield 1, "in a folder that is no layer; LAYERS in test/style/check_style.py says which are"
		return
	allowed = max(fitting, key=lambda entry: len(entry[0]))[1]
	for nr, line in enumerate(file.lines, 1):
		found = INCLUDE.match(line)
		if found is None:
			continue
		header = found.group(2)
		if ".." in header:
			yield nr, f"includes {header}; name it from a folder that is searched"
		elif LAYER.match(header) and not header.startswith(allowed):
			may = ", ".join(allowed) or "nothing"
			yield nr, f"includes {header}; of zcomp this folder may use {may}"
		for name, pattern, where in LIBRARIES:
			if pattern.match(header) and not where.match(file.path):
				yield nr, f"includes {header}; {name} is for {where.pattern}"


RULES = (check_head, check_sizes, check_pairs, check_todo, check_includes)


def is_build(root, name):
	return os.path.isdir(os.path.join(root, name, "meson-private"))


def check_top(root):
	"""The top level: nothing but what is meant to be there, and all of it in README.md."""
	readme = ""
	if os.path.exists(os.path.join(root, "README.md")):
		with open(os.path.join(root, "README.md"), encoding="utf-8") as f:
			readme = f.read()
	for name in sorted(os.listdir(root)):
		is_dir = os.path.isdir(os.path.join(root, name))
		if name.startswith(".") or is_build(root, name) or re.match(r"build(?:-|$)", name):
			continue
		if name not in (FOLDERS if is_dir else TOP_FILES):
			yield f"{name}:1: not of the top level; put it into one of {', '.join(FOLDERS)}"
		elif is_dir and readme and not re.search(rf"(?<![\w/]){name}[/`]", readme):
			yield f"README.md:1: does not say what {name}/ is for; name it `{name}`"


def find_files(root):
	for folder in FOLDERS:
		for where, dirs, names in os.walk(os.path.join(root, folder)):
			dirs[:] = [d for d in dirs if d != "__pycache__" and not is_build(where, d)]
			for name in names:
				if os.path.splitext(name)[1] in SOURCES or name in MESON:
					yield os.path.relpath(os.path.join(where, name), root)
	for name in MESON:
		if os.path.exists(os.path.join(root, name)):
			yield name


def pkg_config_cflags(package):
	"""A package's compiler flags, or None where it is not installed."""
	if shutil.which("pkg-config") is None:
		return None
	run = subprocess.run(["pkg-config", "--cflags", package], capture_output=True, text=True,
	                     check=False)
	return shlex.split(run.stdout) if run.returncode == 0 else None


class Headers:
	"""Compiles each header with nothing before it."""

	NEED_DPDK = re.compile(r"drivers/|service/|test/(?:comp|drivers|e2e|perf|service)/")

	def __init__(self, root, cc, headers):
		self.root = root
		self.cc = cc
		self.headers = headers
		self.dpdk = pkg_config_cflags("libdpdk")
		self.folders = sorted({os.path.dirname(h) for h in headers})

	def include_dirs(self, header):
		own = os.path.dirname(header)
		if header.startswith("test/"):
			# The headers of other tests, and of whatever it tests.
			return [own, "zcomp", "service"] + self.folders
		if header.startswith("examples/") or os.path.basename(header) == "zcl.h":
			return [own, "zcomp/client"]
		return [own, "drivers/common"] if header.startswith("drivers/") else [own, "zcomp"]

	def compile(self, command, header):
		command = command + ["-fsyntax-only", "-D_GNU_SOURCE"]
		command += ["-I" + os.path.join(self.root, d) for d in self.include_dirs(header)]
		if self.NEED_DPDK.match(header):
			command += self.dpdk + ["-DALLOW_EXPERIMENTAL_API", "-DALLOW_INTERNAL_API"]
		run = subprocess.run(command + ["-"], input=f'#include "{header}"\n', text=True,
		                     cwd=self.root, capture_output=True, check=False)
		if run.returncode == 0:
			return None
		why = next((line for line in run.stderr.splitlines() if "error:" in line), run.stderr)
		return f"{header}:1: does not compile alone; it includes what it needs: {why.strip()}"

	def check(self):
		jobs = []
		cxx = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
		with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
			for header in self.headers:
				if self.dpdk is None and self.NEED_DPDK.match(header):
					continue
				command = self.cc + ["-std=gnu11", "-x", "c"]
				jobs.append(pool.submit(self.compile, command, header))
				if os.path.basename(header) == "zcl.h" and cxx is not None:
					command = [cxx, "-std=c++11", "-x", "c++"]
					jobs.append(pool.submit(self.compile, command, header))
			return [job.result() for job in jobs if job.result() is not None]


def check_tree(root, cc):
	faults = list(check_top(root))
	headers = []
	for path in sorted(find_files(root)):
		file = File(root, path)
		for rule in RULES:
			faults += [f"{path}:{nr}: {what}" for nr, what in rule(file)]
		if file.kind == ".h":
			headers.append(path)
	if cc:
		faults += Headers(root, cc, headers).check()
	return faults


def main():
	here = os.path.dirname(os.path.abspath(__file__))
	parser = argparse.ArgumentParser(description="Checks the house rules.")
	parser.add_argument("--cc", default="", help="the C compiler, for headers alone")
	parser.add_argument("root", nargs="?", default=os.path.join(here, "..", ".."))
	options = parser.parse_args()
	faults = check_tree(os.path.abspath(options.root), shlex.split(options.cc))
	for fault in faults:
		print(fault)
	if faults:
		print(f"{len(faults)} faults")
	return 1 if faults else 0


if __name__ == "__main__":
	sys.exit(main())
