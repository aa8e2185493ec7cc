#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# test_bench.sh ZCOMP-BENCH MIN-TIME: every bench runs, as short as can be, whatever comes out; the
# report that is kept has all fields, and no name or folder of the host; a wrong command line and a
# file that is not there are refused.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/../../common.sh"

bench=$1 min_time=$2
results=$top/test/perf/bench/results.py

check_report()
{
	/usr/bin/python3 - "$@" <<-'EOT'
	import json, os, re, sys

	with open(sys.argv[1], encoding="utf-8") as file:
	    text = file.read()
	report = json.loads(text)
	assert sys.argv[2] not in text, "a folder is named"
	assert "host_name" not in text and "executable" not in text
	assert report["commit"] == "0123abcd" and report["context"]["corpus"] == "pages"
	assert report["context"]["corpus_bytes"] == 2 << 20
	assert list(report["host"]) == ["cpu", "cpus", "arch", "kernel", "compiler", "build"]
	assert all(report["host"].values())
	seen = set()
	for bench in report["benchmarks"]:
	    assert not bench.get("error_occurred"), bench
	    assert bench["real_time"] > 0 and bench["items_per_second"] > 0, bench
	    seen.add(bench["name"].split("/")[0])
	groups = {"object", "pool", "ring", "same", "slot_load", "store", "submit"}
	assert seen == groups, seen
	for name, ratio in report["ratios"].items():
	    assert ratio["time"] >= 0 and ratio["against"].split("/")[0] == name.split("/")[0]
	wanted = {"slot_load/load_random", "store/zcomp_commit", "submit/store"}
	if len(os.sched_getaffinity(0)) > 1:
	    wanted.add("ring/round_trip")
	assert wanted <= set(report["ratios"]), report["ratios"]
	EOT
}

every_bench()
{
	cat "$top"/{zcomp,test}/*/*.[ch] >"$tmp/pages"
	"$bench" --input-file "$tmp/pages" --extended-input-sz 2M --benchmark_min_time="$min_time" \
		--benchmark_out="$tmp/raw.json" --benchmark_out_format=json >"$tmp/table"
	/usr/bin/python3 -B "$results" "$tmp/raw.json" "$tmp/bench.json" 0123abcd >"$tmp/table"
	grep -q '^slot_load/load_random .*[0-9] slot_load/decode_random$' "$tmp/table" || die "no table"
	check_report "$tmp/bench.json" "$tmp"
}

# The pages that are there without a file.
generated()
{
	"$bench" --extended-input-sz 1M --benchmark_min_time="$min_time" \
		--benchmark_filter='^slot_load/' >"$tmp/table"
	grep -q '^slot_load/load_random .*[0-9]' "$tmp/table" || die "no table"
}

# As run.sh does it: medians and spreads, in the order of the benches.
repeated()
{
	"$bench" --extended-input-sz 1M --benchmark_min_time="$min_time" --benchmark_filter='^pool/' \
		--benchmark_repetitions=3 --benchmark_enable_random_interleaving=true \
		--benchmark_report_aggregates_only=true --benchmark_out="$tmp/raw.json" \
		--benchmark_out_format=json >"$tmp/table"
	/usr/bin/python3 -B "$results" "$tmp/raw.json" "$tmp/bench.json" 0123abcd >"$tmp/table"
	/usr/bin/python3 - "$tmp/bench.json" <<-'EOT'
	import json, sys

	with open(sys.argv[1], encoding="utf-8") as file:
	    benches = json.load(file)["benchmarks"]
	kinds = [(b["run_name"], b["aggregate_name"]) for b in benches]
	names = ("pool/overwrite_steady", "pool/alloc_free_same")
	assert kinds == [(name, kind) for name in names for kind in ("median", "cv")], kinds
	EOT
}

# refused STATUS WORDS ARGUMENT...
refused()
{
	local status=0 wanted=$1 words=$2

	shift 2
	"$bench" "$@" >"$tmp/table" 2>"$tmp/said" || status=$?
	((status == wanted)) || die "$*: status $status instead of $wanted"
	grep -q -e "$words" "$tmp/said" || die "$*: does not say '$words'"
}

tmp=$(mktemp -d /dev/shm/zcomp-bench-test.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
every_bench
generated
repeated
refused 2 "--extended-input-sz '1000': a size of 1M or more" --extended-input-sz 1000
refused 2 "'more' is no option" more
refused 1 "$tmp/none: No such file" --input-file "$tmp/none" --benchmark_filter=same/pages_hot
