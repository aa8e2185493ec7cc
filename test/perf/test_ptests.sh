#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# test_ptests.sh ZCOMP-PERF ZCOMPD: the ptests over a service (latency, mixed, scale, idle, goals)
# measure, whatever comes out: reports and rows are complete and agree, and nothing stays behind.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/../common.sh"

perf=$1 zcompd=$2
service_pid=''

cleanup()
{
	[[ -z $service_pid ]] || process_stop "$service_pid" || true
	rm -rf "$tmp"
}

make_files()
{
	cat "$top"/{zcomp/*,service,zcomp/*}/*.[ch] >"$tmp/corpus"
	head -c 300000 /dev/zero >>"$tmp/corpus"
	head -c 600000 /dev/urandom >>"$tmp/corpus"
	# Says who it is, and where its socket is, before it becomes the service.
	cat >"$tmp/zcompd" <<-EOT
		#!/bin/sh
		echo "\$\$ \$2" >>"$tmp/started"
		exec "$zcompd" "\$@"
	EOT
	chmod +x "$tmp/zcompd"
}

# measure PTEST OPTION...: leaves report.json, and no service.
measure()
{
	local pid socket

	: >"$tmp/started"
	"$perf" --force --quick --ptest "$1" --input-file "$tmp/corpus" --zcompd "$tmp/zcompd" \
		--json "$tmp/report.json" "${@:2}" >"$tmp/table" || die "ptest $1: status $?"
	[[ -s $tmp/started ]] || die "ptest $1 has started no service"
	while read -r pid socket; do
		[[ ! -d /proc/$pid ]] || die "ptest $1: the service still runs"
		[[ ! -e ${socket%/*} ]] || die "ptest $1: the service's folder is still there"
	done <"$tmp/started"
}

# check PTEST: reads assertions about `rows`, `goals` and `part`, from standard input.
check()
{
	/usr/bin/python3 - "$tmp" "$1" 3<&0 <<-'EOT'
	import csv, json, os, sys

	with open(sys.argv[1] + "/report.json", encoding="utf-8") as file:
	    text = file.read()
	report = json.loads(text)
	assert sys.argv[1] not in text, "a folder is named"
	assert report["ptest"] == sys.argv[2] and report["quick"] is True
	part = report[sys.argv[2]]
	rows, goals = part.get("rows"), part.get("goals")
	for goal in goals or []:
	    assert goal["wanted"] > 0 and goal["what"] and goal["against"], goal
	    if goal["verdict"] == "not measured":
	        assert goal["note"] and "reached" not in goal, goal
	        continue
	    met = goal["reached"] <= goal["wanted"] if goal["is"] == "at most" \
	        else goal["reached"] >= goal["wanted"]
	    assert goal["verdict"] == ("reached" if met else "missed"), goal
	    assert goal["spread"] >= 0 and goal["trusted"] is (goal["spread"] <= 0.15), goal
	if os.path.exists(sys.argv[1] + "/rows.csv"):
	    with open(sys.argv[1] + "/rows.csv", encoding="utf-8", newline="") as file:
	        written = list(csv.DictReader(file))
	    assert [list(row) for row in written] == [list(row) for row in rows]
	    for row, wanted in zip(written, rows):
	        for key, value in wanted.items():
	            if value is None:
	                assert row[key] == "", key
	            elif isinstance(value, str):
	                assert row[key] == value, key
	            else:
	                assert abs(float(row[key]) - value) <= abs(value) / 1000, key
	with open(3, encoding="utf-8") as file:
	    exec(file.read())
	EOT
	rm -f "$tmp/rows.csv"
}

# words SVG WORD...: what librsvg or a browser would stumble upon, and that the words are there.
words()
{
	/usr/bin/python3 - "$@" <<-'EOT'
	import sys, xml.etree.ElementTree
	text = "".join(xml.etree.ElementTree.parse(sys.argv[1]).getroot().itertext())
	for word in sys.argv[2:]:
	    assert word in text, word
	EOT
}

latency()
{
	local curves=()

	if command -v gnuplot >/dev/null; then
		curves=(--svg "$tmp/curves.svg")
	fi
	measure latency --rates 5,50 --csv "$tmp/rows.csv" "${curves[@]}"
	grep -q '^ *op .*p999_us' "$tmp/table" || die "no table"
	check latency <<-'EOT'
	assert [(r["op"], r["percent"]) for r in rows] == \
	    [("store", 5), ("store", 50), ("load", 5), ("load", 50)]
	for r in rows:
	    assert r["offered_per_s"] > 0 and 0 < r["done_per_s"], r
	    assert 0 < r["p50_us"] <= r["p90_us"] <= r["p99_us"] <= r["p999_us"], r
	    assert r["p999_us"] <= r["max_us"], r
	assert abs(rows[1]["offered_per_s"] / rows[0]["offered_per_s"] - 10) < 0.01
	assert abs(rows[3]["offered_per_s"] / rows[2]["offered_per_s"] - 10) < 0.01
	EOT
	if ((${#curves[@]} > 0)); then
		words "$tmp/curves.svg" p99.9 "lower is better" stores loads "from the intended time"
	fi
}

mixed()
{
	measure mixed --mix 1:3:0 --dist zipf --burst-sz 3 --csv "$tmp/rows.csv"
	check mixed <<-'EOT'
	assert [(r["op"], r["share"]) for r in rows] == [("store", 1), ("load", 3), ("discard", 0)]
	for r in rows:
	    assert r["pages"] == "zipf"
	    if r["share"] == 0:
	        assert r["per_s"] == 0, r
	        continue
	    assert r["per_s"] > 0 and 0 < r["p50_us"] <= r["p90_us"] <= r["p99_us"] <= r["p999_us"], r
	assert 2 < rows[1]["per_s"] / rows[0]["per_s"] < 4.5
	EOT
	measure mixed
	check mixed <<-'EOT'
	assert [r["share"] for r in rows] == [30, 60, 10] and all(r["per_s"] > 0 for r in rows)
	assert rows[0]["pages"] == "uniform"
	EOT
}

scale()
{
	measure scale --csv "$tmp/rows.csv"
	check scale <<-'EOT'
	loads = [r for r in rows if r["op"] == "loads"]
	assert loads[0]["threads"] == 1 and loads[-1]["threads"] == min(report["host"]["cpus"], 64)
	assert all(r["per_s"] > 0 for r in loads)
	stores = [r for r in rows if r["op"] == "stores"]
	assert max(r["workers"] for r in stores) <= report["host"]["cpus"] - 1
	points = [(r["clients"], r["queues_each"]) for r in stores if r["workers"] == 1]
	assert points == [(1, 1), (2, 1), (4, 1), (16, 1), (64, 1), (1, 4), (1, 16)]
	assert all(r["threads"] == r["clients"] * r["queues_each"] for r in stores)
	assert [g["key"] for g in goals] == ["loads_threads", "fairness", "idle_clients"]
	EOT
}

idle()
{
	measure idle --csv "$tmp/rows.csv"
	check idle <<-'EOT'
	values = {r["figure"]: r["value"] for r in rows}
	assert len(values) == 7 and values["rte_eal_init()"] > 0
	assert 0 < values["resident memory of zcompd"] < 1024
	assert values["resident memory of arenas and queues"] > 0
	assert values["eventfd wake-up, p50"] > 0
	assert [g["key"] for g in goals] == ["idle_cpu", "idle_wake", "idle_memory", "idle_start"]
	assert all(g["verdict"] != "not measured" for g in goals)
	EOT
}

goals()
{
	local bars=()

	if command -v gnuplot >/dev/null; then
		bars=(--svg "$tmp/bars.svg")
	fi
	measure goals "${bars[@]}"
	grep -q '^23 goals: .*not measured' "$tmp/table" || die "no count"
	check goals <<-'EOT'
	left_out = {g["key"] for g in goals if g["verdict"] == "not measured"}
	assert left_out == {"stores_zram", "stores_zram_stretch", "client_store", "client_store_buf",
	                    "same_filled", "load_p50", "load_p99", "victim"}, left_out
	assert all("zram:/dev/zramN" in g["note"] for g in goals if g["key"] in left_out)
	assert len({g["key"] for g in goals}) == len(goals) == 23
	EOT
	if ((${#bars[@]} > 0)); then
		words "$tmp/bars.svg" "as wanted" "CPU of zcompd at rest" "<= 0.5" "not measured" \
			"kernel zram doing the same" missed
	fi
}

running_service()
{
	mkdir "$tmp/service"
	export RUNTIME_DIRECTORY=$tmp/service
	service_start "$tmp/service" "$zcompd"
	for ptest in latency mixed scale idle; do
		"$perf" --force --quick --ptest "$ptest" --input-file "$tmp/corpus" \
			--socket "$tmp/service/sock" --json "$tmp/report.json" >/dev/null
		[[ -z $(find "$tmp/service/state" -name '*.slots') ]] || die "a disk stays behind"
	done
	check idle <<-'EOT'
	assert goals[-1]["key"] == "idle_start" and goals[-1]["verdict"] == "not measured"
	assert goals[1]["verdict"] != "not measured"
	assert goals[2]["reached"] > 0 and goals[2]["reached"] < 1024
	EOT
	process_stop "$service_pid" || die "zcompd stopped with status $?"
	service_pid=''
}

tmp=$(mktemp -d /dev/shm/zcomp-perf-test.XXXXXX)
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
if (($(nproc) < 2)); then
	echo "one CPU: client and worker cannot run at the same time"
	exit 77
fi
make_files
latency
mixed
scale
idle
goals
running_service
