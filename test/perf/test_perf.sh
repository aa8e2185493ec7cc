#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# test_perf.sh ZCOMP-PERF ZCOMPD: the measuring tool measures, whatever comes out: its reports have all
# fields, its service ends with it, also when it is stopped, and nothing stays behind.
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
	# Says where its socket is before it becomes the service.
	cat >"$tmp/zcompd" <<-EOT
		#!/bin/sh
		echo "\$\$ \$2" >"$tmp/started"
		exec "$zcompd" "\$@"
	EOT
	chmod +x "$tmp/zcompd"
}

# gone PID SOCKET: neither the service nor its folder is there any more.
gone()
{
	[[ ! -d /proc/$1 ]] || die "the service still runs"
	[[ ! -e ${2%/*} ]] || die "the service's folder is still there"
}

check_report()
{
	/usr/bin/python3 - "$@" <<-'EOT'
	import json, sys

	with open(sys.argv[1], encoding="utf-8") as file:
	    text = file.read()
	report = json.loads(text)
	pages = int(sys.argv[3])
	assert sys.argv[2] not in text, "a folder is named"
	assert report["ptest"] == "throughput" and report["quick"] is True
	assert report["corpus"]["pages"] == pages and report["corpus"]["page_size"] == 4096
	assert 70 <= report["corpus"]["same_filled"] <= 80
	for key in ("cpu", "cpus", "arch", "kernel", "compiler", "build"):
	    assert report["host"][key], key
	known = ["arch", "build", "compiler", "cpu", "cpus", "kernel", "line_ns"]
	assert sorted(report["host"]) == known, "nothing else, and no name"
	assert report["host"]["line_ns"]["before"] > 0 and report["host"]["line_ns"]["after"] > 0
	assert "--input-file" in report["command"] and "corpus" in report["command"]
	for target in ("codec", "pmd", "zcomp", "service"):
	    figures = report["targets"][target]
	    for key in ("stores_per_s", "store_us", "store_client_us", "loads_per_s", "load_us"):
	        figure = figures[key]
	        assert 0 < figure["min"] <= figure["value"] <= figure["max"], (target, key)
	        assert figure["spread"] >= 0 and len(figure["pairs"]) == 3, (target, key)
	    for key in ("load_p50_us", "load_p90_us", "load_p99_us", "load_p999_us"):
	        assert figures[key]["value"] > 0, (target, key)
	    assert figures["compression_ratio"]["value"] > 1, target
	assert report["targets"]["service"]["mem_used_bytes"]["value"] > 300000
	assert 0 <= report["targets"]["service"]["managed_share"]["value"] <= 1
	for name in ("pmd/codec", "zcomp/codec", "service/codec"):
	    ratios = report["ratios"][name]
	    for key in ("stores_per_s", "load_us", "store_client_us"):
	        assert ratios[key]["value"] > 0 and len(ratios[key]["pairs"]) == 3, key
	for key in ("same_store_us", "same_store_client_us", "same_load_us"):
	    assert report["targets"]["service"][key]["value"] > 0, key
	    assert key not in report["targets"]["codec"], key
	assert isinstance(report["warnings"], list)

	import csv
	with open(sys.argv[4], encoding="utf-8", newline="") as file:
	    rows = list(csv.DictReader(file))
	parts = [report["targets"], report["ratios"]]
	assert len(rows) == sum(len(figures) for part in parts for figures in part.values())
	for row in rows:
	    part = report["ratios" if "/" in row["target"] else "targets"]
	    figure = part[row["target"]][row["figure"]]
	    for column in ("value", "min", "max", "spread"):
	        assert (row[column] == "") is (column not in figure), row
	        if column in figure:
	            assert abs(float(row[column]) - figure[column]) <= 1e-4 * abs(figure[column]), row
	EOT
}

own_service()
{
	"$perf" --force --quick --target codec,pmd,zcomp,service --input-file "$tmp/corpus" \
		--zcompd "$tmp/zcompd" --json "$tmp/report.json" --csv "$tmp/rows.csv" >"$tmp/table"
	grep -q '^stores/s .*[0-9]' "$tmp/table" || die "no table"
	check_report "$tmp/report.json" "$tmp" $(($(stat -c %s "$tmp/corpus") / 4096)) "$tmp/rows.csv"
	read -r pid socket <"$tmp/started"
	gone "$pid" "$socket"
}

running_service()
{
	mkdir "$tmp/service"
	service_start "$tmp/service" "$zcompd"
	"$perf" --force --ptest verify --input-file "$tmp/corpus" --extended-input-sz 2M --burst-sz 7 \
		--socket "$tmp/service/sock" --json - >"$tmp/report.json" 2>"$tmp/table"
	grep -q '^pages verified *1024 *1024 ' "$tmp/table" || die "no table"
	/usr/bin/python3 -m json.tool "$tmp/report.json" >/dev/null
	[[ -z $(find "$tmp/service/state" -name '*.slots') ]] || die "a disk stays behind"
	process_stop "$service_pid" || die "zcompd stopped with status $?"
	service_pid=''
}

# cycles OPERATION PREFIXES: what is measured is what is asked for.
cycles()
{
	"$perf" --force --quick --ptest pmd-cyclecount --operation "$1" --input-file "$tmp/corpus" \
		--driver-name compress_lz4,mode=thread --json - >"$tmp/report.json" 2>"$tmp/table"
	grep -q ' cycles/op .*[0-9]' "$tmp/table" || die "no table"
	/usr/bin/python3 - "$tmp/report.json" "$2" <<-'EOT'
	import json, sys

	with open(sys.argv[1], encoding="utf-8") as file:
	    figures = json.load(file)["targets"]["pmd"]
	wanted = {"comp_size_bytes", "compression_ratio"}
	for direction in sys.argv[2].split(","):
	    for call in ("enqueue", "dequeue"):
	        wanted |= {f"{direction}_{call}_cycles", f"{direction}_{call}_retries_per_op"}
	        assert figures[f"{direction}_{call}_cycles"]["min"] > 0
	        assert figures[f"{direction}_{call}_retries_per_op"]["min"] >= 0
	assert set(figures) == wanted, figures
	assert figures["compression_ratio"]["value"] > 1
	EOT
}

operations()
{
	cycles comp comp
	cycles decomp decomp
	cycles comp_and_decomp comp,decomp
	"$perf" --force --quick --target codec --operation decomp --input-file "$tmp/corpus" >"$tmp/table"
	grep -q '^loads/s ' "$tmp/table" || die "no loads"
	! grep -q '^stores/s ' "$tmp/table" || die "stores, though only loads are wanted"
}

# deflate DRIVER OPTION...: with drivers of DPDK's, where they are installed.
deflate()
{
	local status=0

	"$perf" --force --ptest verify --target pmd,zcomp --algo deflate --driver-name "$@" \
		--input-file "$tmp/corpus" >"$tmp/table" 2>&1 || status=$?
	((status == 0)) || grep -q 'no driver takes' "$tmp/table" ||
		die "deflate with $1: $(cat "$tmp/table")"
}

# On a terminal there is a line of progress, which goes; and none in a file.
progress()
{
	"$perf" --force --quick --target codec --input-file "$tmp/corpus" 2>"$tmp/said" >/dev/null
	[[ ! -s $tmp/said ]] || die "progress in a file"
	/usr/bin/python3 - "$perf" --force --quick --target codec --input-file "$tmp/corpus" <<-'EOT'
	import os, pty, sys

	try:
	    pid, fd = pty.fork()
	except OSError as error:
	    print(f"the progress on a terminal is not looked at: {error}")
	    sys.exit()
	if pid == 0:
	    os.execv(sys.argv[1], sys.argv[1:])
	said = b""
	try:
	    while part := os.read(fd, 65536):
	        said += part
	except OSError:
	    pass
	assert os.waitpid(pid, 0)[1] == 0
	assert b"\033[Kstores: 0 of 3\r" in said and b"\033[Kloads: 2 of 3\r" in said, said
	last = said.rindex(b" of 3\r") + 6
	assert said[last:].startswith(b"\033[K") and b"stores/s" in said[last:], said
	EOT
}

stopped()
{
	local pid socket status=0

	rm "$tmp/started"
	mkfifo "$tmp/started"
	"$perf" --force --num-iter 999 --input-file "$tmp/corpus" --zcompd "$tmp/zcompd" >/dev/null &
	read -r pid socket <"$tmp/started"
	process_stop $! || status=$?
	((status == 143)) || die "stopped with status $status instead of SIGTERM"
	gone "$pid" "$socket"
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
own_service
running_service
operations
deflate compress_isal
deflate compress_zlib --external-mbufs --huffman-enc fixed --compress-level 3
progress
stopped
