#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# test_streams.sh ZCOMP-PERF: ptest streams measures, whatever comes out: its report, its rows and its
# curves are complete, and neither a file of EAL's nor a thread stays behind.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/../common.sh"

perf=$1

make_corpus()
{
	cat "$top"/{zcomp/*,service,zcomp/*}/*.[ch] >"$tmp/corpus"
	head -c 200000 /dev/zero >>"$tmp/corpus"
	head -c 400000 /dev/urandom >>"$tmp/corpus"
}

check_report()
{
	/usr/bin/python3 - "$@" <<-'EOT'
	import csv, json, sys

	with open(sys.argv[1], encoding="utf-8") as file:
	    text = file.read()
	report = json.loads(text)
	assert sys.argv[3] not in text, "a folder is named"
	assert report["ptest"] == "streams" and report["quick"] is True and report["commit"]
	assert report["targets"] == {} and report["ratios"] == {}
	streams = report["streams"]
	modes = {"software", "percpu-device", "rfc-wait", "rfc-nowait", "try", "retry=50", "inline",
	         "spill=256", "adaptive"}
	assert set(streams["modes"]) == modes and all(streams["modes"].values())
	assert [(p["codec"], p["engines"]) for p in streams["points"]] == \
	    [("null", 256), ("null", 1), ("lz4", 256)]
	for point in streams["points"]:
	    assert point["depth"] == 256 and 0 <= point["late_share"] <= 1
	    assert set(point["modes"]) == modes
	    for name, mode in point["modes"].items():
	        assert mode["pages_per_s"] > 0 and mode["refused_per_page"] >= 0, name
	        assert 0 <= mode["managed_share"] <= 1, name
	        assert mode["refused_per_page"] == 0 or name == "try", name
	        loop = mode["open"]
	        # On a busy machine it may be that none was done in time.
	        assert 0 <= loop["sustained"] <= 1 and loop["victim_p99_us"] > 0, name
	        assert 0 < loop["p50_us"] <= loop["p99_us"], name
	        if loop["sustained"] > 0:
	            assert loop["cpu_us"] > 0, name
	    assert point["modes"]["software"]["managed_share"] == 0
	    assert point["modes"]["percpu-device"]["managed_share"] == 1
	    assert point["modes"]["try"]["managed_share"] == 1
	assert len(streams["goals"]) == 13
	for goal in streams["goals"]:
	    warned = any(w.startswith(goal["goal"] + ": spread ") for w in report["warnings"])
	    assert warned is (goal["spread"] > 0.15), goal
	    assert goal["reached"] > 0 and goal["wanted"] > 0 and goal["spread"] >= 0, goal
	    at_most = goal["is"] == "at most"
	    assert goal["met"] is (goal["reached"] <= goal["wanted"] if at_most
	                           else goal["reached"] >= goal["wanted"]), goal

	with open(sys.argv[2], encoding="utf-8", newline="") as file:
	    rows = list(csv.DictReader(file))
	assert len(rows) == 3 * len(modes)
	for row in rows:
	    point = streams["points"][rows.index(row) // len(modes)]
	    mode = point["modes"][row["mode"]]
	    assert (row["codec"], int(row["engines"])) == (point["codec"], point["engines"])
	    for key, value in (("pages_per_s", mode["pages_per_s"]),
	                       ("open_p99_us", mode["open"]["p99_us"]),
	                       ("open_victim_p99_us", mode["open"]["victim_p99_us"]),
	                       ("victim_idle_p99_us", streams["victim_idle_p99_us"])):
	        assert abs(float(row[key]) - value) <= 1e-5 * value, (key, row[key], value)
	EOT
}

# What librsvg or a browser would stumble upon, and every mode in the legend.
check_curves()
{
	/usr/bin/python3 - "$1" <<-'EOT'
	import sys, xml.etree.ElementTree
	text = "".join(xml.etree.ElementTree.parse(sys.argv[1]).getroot().itertext())
	for word in ("percpu-device", "rfc-nowait", "adaptive", "higher is better", "queue depth"):
	    assert word in text, word
	EOT
}

measure()
{
	local curves=() pid

	if command -v gnuplot >/dev/null; then
		curves=(--svg "$tmp/curves.svg")
	fi
	XDG_RUNTIME_DIR=$tmp "$perf" --force --quick --ptest streams --input-file "$tmp/corpus" \
		--json "$tmp/report.json" --csv "$tmp/rows.csv" "${curves[@]}" >"$tmp/table" &
	pid=$!
	wait "$pid" || die "zcomp-perf: status $?"
	grep -q '^timing .* 256 .*[0-9]' "$tmp/table" || die "no table"
	grep -q '^goal .*reached' "$tmp/table" || die "no goals"
	check_report "$tmp/report.json" "$tmp/rows.csv" "$tmp"
	if ((${#curves[@]} > 0)); then
		check_curves "$tmp/curves.svg"
	fi
	[[ ! -e /var/run/dpdk/zcomp-perf-$pid && ! -e $tmp/dpdk/zcomp-perf-$pid ]] ||
		die "EAL's folder is still there"
}

tmp=$(mktemp -d /dev/shm/zcomp-perf-test.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if (($(nproc) < 2)); then
	echo "one CPU: submitter and device cannot run at the same time"
	exit 77
fi
make_corpus
measure
