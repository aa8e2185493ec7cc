#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# test_perf.sh ZCOMP-PERF ZCOMPD: the measuring tool measures, whatever comes out: its report has all
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
	for target in ("codec", "service"):
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
	ratios = report["ratios"]["service/codec"]
	for key in ("stores_per_s", "load_us", "store_client_us"):
	    assert ratios[key]["value"] > 0 and len(ratios[key]["pairs"]) == 3, key
	assert isinstance(report["warnings"], list)
	EOT
}

own_service()
{
	"$perf" --force --quick --input-file "$tmp/corpus" --zcompd "$tmp/zcompd" \
		--json "$tmp/report.json" >"$tmp/table"
	grep -q '^stores/s .*[0-9]' "$tmp/table" || die "no table"
	check_report "$tmp/report.json" "$tmp" $(($(stat -c %s "$tmp/corpus") / 4096))
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
stopped
