#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
"""A process with a real heap, about 130 MiB, the same each time: records, text, syntax trees,
numbers, digests and unused buffers. Says "ready" and waits for the end of its input."""

import array
import ast
import ctypes
import glob
import hashlib
import json
import os
import random
import sys

PR_SET_PTRACER = 0x59616D61


def records(rng, count):
	first = ["Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Tony", "Radia"]
	return [
		{
			"id": number,
			"name": f"{rng.choice(first)} {rng.randrange(10**6):06d}",
			"mail": f"user{number}@example.org",
			"scores": [rng.randrange(1000) for _ in range(6)],
			"place": (rng.uniform(-90, 90), rng.uniform(-180, 180)),
			"active": rng.random() < 0.7,
		}
		for number in range(count)
	]


def syntax_trees(count):
	folder = os.path.dirname(os.__file__)
	trees = []
	for name in sorted(glob.glob(os.path.join(folder, "*.py")))[:count]:
		with open(name, encoding="utf-8") as source:
			trees.append(ast.parse(source.read()))
	return trees


def main():
	# Where only ancestors may read a process's memory, let any process of this user do it.
	ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
	rng = random.Random(1)
	people = records(rng, 50000)
	text = json.dumps(people)
	heap = [
		people,
		text,
		json.loads(text),
		syntax_trees(60),
		array.array("d", (rng.gauss(0, 1) for _ in range(500000))),
		array.array("i", (rng.randrange(4096) for _ in range(1000000))),
		{hashlib.sha256(str(i).encode()).digest(): i for i in range(60000)},
		rng.randbytes(2 << 20),
		bytearray(b"\0" * (8 << 20)),
	]
	print("ready", flush=True)
	sys.stdin.read()
	return len(heap) == 0


if __name__ == "__main__":
	sys.exit(main())
