# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
"""Makes the report that is kept of what Google Benchmark wrote.

results.py IN OUT COMMIT

It has the kind of host, the commit, medians and spreads, and how benches compare with those they
are labelled against. What is not known here, as host name and path of the program, is left out.
Prints the same as a table.
"""

import json
import sys

HOST = ("cpu", "cpus", "arch", "kernel", "compiler", "build")
CONTEXT = ("date", "mhz_per_cpu", "caches", "load_avg", "library_version", "corpus",
           "corpus_bytes")
BENCH = ("name", "run_name", "run_type", "aggregate_name", "aggregate_unit", "repetitions",
         "iterations", "real_time", "cpu_time", "time_unit", "items_per_second",
         "bytes_per_second", "label", "error_occurred", "error_message")
NUMBERS = ("cpus", "corpus_bytes")
AGAINST = "against "
SPREAD = 0.15  # above it a figure is not to be trusted


def pick(source, keys):
	return {key: int(source[key]) if key in NUMBERS else source[key]
	        for key in keys if key in source}


def bench_name(bench):
	return bench["run_name"].removesuffix("/real_time")


def rates(benches, aggregate):
	"""Items a second by bench: the aggregate of the repetitions; without any, what there is."""
	return {bench_name(b): b["items_per_second"] for b in benches
	        if b.get("aggregate_name", "median") == aggregate and "items_per_second" in b}


def ratios(benches):
	"""How long an item takes, in items of the bench that it is compared with; of the medians."""
	medians = rates(benches, "median")
	labels = {bench_name(b): b.get("label", "") for b in benches}
	out = {}
	for name, rate in medians.items():
		against = labels[name].removeprefix(AGAINST)
		if against in medians:
			out[name] = {"against": against, "time": round(medians[against] / rate, 3)}
	return out


def print_table(report):
	spreads = rates(report["benchmarks"], "cv")
	print(f"{'':28}{'ns an item':>12}{'spread':>9}   time against")
	for name, rate in rates(report["benchmarks"], "median").items():
		line = f"{name:28}{1e9 / rate:12.1f}"
		if name in spreads:
			mark = "!" if spreads[name] > SPREAD else " "
			line += f"{100 * spreads[name]:7.1f} %{mark}"
		if name in report["ratios"]:
			ratio = report["ratios"][name]
			line += f"{ratio['time']:7.3f} {ratio['against']}"
		print(line.rstrip())
	if any(spread > SPREAD for spread in spreads.values()):
		print(f"! spread above {100 * SPREAD:.0f} %: not to be trusted")


def main():
	source, target, commit = sys.argv[1:]
	with open(source, encoding="utf-8") as file:
		raw = json.load(file)
	context = raw["context"]
	# Interleaved runs are reported as they ended.
	benches = sorted((b for b in raw["benchmarks"]
	                  if b.get("aggregate_name", "median") in ("median", "cv")),
	                 key=lambda bench: bench["family_index"])
	report = {
		"program": "zcomp-bench",
		"commit": commit,
		"host": pick(context, HOST),
		"context": pick(context, CONTEXT),
		"ratios": ratios(benches),
		"benchmarks": [pick(bench, BENCH) for bench in benches],
	}
	with open(target, "w", encoding="utf-8") as file:
		json.dump(report, file, indent=2)
		file.write("\n")
	print_table(report)


if __name__ == "__main__":
	main()
