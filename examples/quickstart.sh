#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# Builds zcompd and sends the pages of a process or a file through it. See usage() below.
set -euo pipefail
# shellcheck source=test/common.sh
. "$(dirname "$0")/../test/common.sh"

usage()
{
	cat <<-'EOT'
	Usage: examples/quickstart.sh [FILE | PID]
	Installs what is missing, builds in build/, and starts a zcompd of its own, as the calling user,
	without hugepages and configuration. Two processes store all pages of FILE, or of process PID,
	or of a python3 that the script starts; a third one loads them back; both are compared byte by
	byte. Prints a table and stops zcompd. Exit status 0: everything came back identical.
	Of a process with more than 1 GiB, a sample of 1 GiB is taken.
	EOT
}

build=$top/build
sample_pages=262144 # of a larger process, a sample of this many is taken
heap_pid='' service_pid=''

cleanup()
{
	local status=$? pid

	if [[ $status == 1 && -n $service_pid ]]; then
		echo "zcompd said:" >&2
		tail -n 10 "$run/log" >&2
	fi
	for pid in $service_pid $heap_pid; do
		process_stop "$pid" || true
	done
	rm -rf "$run" "$tmp"
}

build_all()
{
	packages_need "${packages_build[@]}"
	step "building in build/ (under a minute the first time)"
	configure "$build" -Dbuildtype=release
	build "$build" service/zcompd service/zcompctl examples/zcp test/perf/procpages
}

pages_of_process()
{
	local pid=$1

	"$build/test/perf/procpages" --max-pages "$sample_pages" "$pid" "$tmp/pages" >"$tmp/procpages"
	source_text="process $pid ($(<"/proc/$pid/comm"))"
	pages_file=$tmp/pages
}

# A process with a real heap: it says when the heap is there, then waits.
pages_of_python()
{
	local said

	step "starting a python3 with a heap"
	mkfifo "$tmp/in" "$tmp/out"
	PYTHONHASHSEED=0 /usr/bin/python3 "$top/test/perf/heap.py" <"$tmp/in" >"$tmp/out" &
	heap_pid=$!
	exec {in}>"$tmp/in" {out}<"$tmp/out"
	read -r said <&"$out" || die "python3 did not come up"
	[[ $said == ready ]] || die "python3 said: $said"
	pages_of_process "$heap_pid"
	exec {in}>&- {out}<&-
	wait "$heap_pid"
	heap_pid=''
}

take_pages()
{
	if [[ -z $1 ]]; then
		pages_of_python
	elif [[ -f $1 ]]; then
		[[ -s $1 && -r $1 ]] || die "$1: empty, or not readable"
		source_text=$1
		pages_file=$1
	elif [[ $1 =~ ^[0-9]+$ ]]; then
		pages_of_process "$1"
	else
		die "$1: neither a file nor the number of a process"
	fi
	size=$(stat -L -c %s "$pages_file")
	pages=$(((size + 4095) / 4096))
}

zcp()
{
	"$build/examples/zcp" --socket "$run/sock" --stats "$@"
}

# Two processes, half of the pages each. A single page cannot be shared out.
store()
{
	local half=$((pages / 2)) first status=0

	step "storing $pages pages of $source_text from two processes"
	zcp --first "$half" put "$pages_file" quickstart >"$tmp/put1" &
	first=$!
	if ((half > 0)); then
		zcp --count "$half" put "$pages_file" quickstart >"$tmp/put2" || status=$?
	fi
	if ! wait "$first" || ((status != 0)); then
		die "not all pages could be stored"
	fi
}

load_and_compare()
{
	step "loading them back in a third process"
	zcp --size "$size" get quickstart "$tmp/back" >"$tmp/get"
	cmp -- "$pages_file" "$tmp/back" || die "what came back is DIFFERENT"
}

ask()
{
	"$build/service/zcompctl" --socket "$run/sock" --json "$@"
}

# table PUT... GET STAT INFO: from what zcp --stats and zcompctl --json said.
table()
{
	/usr/bin/python3 - "$@" <<-'EOT'
	import json, sys

	def pairs(line):
	    return {key: float(value) for key, value in (item.split("=") for item in line.split())}

	*puts, get, stat, info = sys.argv[1:]
	puts, get = [pairs(put) for put in puts], pairs(get)
	stat, info = json.loads(stat), json.loads(info)
	pages, data = stat["pages_stored"], stat["orig_data_size"]
	managed, percpu = (sum(s[kind] for s in info["streams"]) for kind in ("managed", "percpu"))
	streams = max(managed + percpu, 1)
	stores = sum(put["pages"] for put in puts) / max(put["seconds"] for put in puts)
	mib = 1 << 20

	def row(name, value, unit, note=""):
	    print(f"  {name:<22}{value:>14} {unit:<6}{note}".rstrip())

	print()
	row("pages", f"{pages:,}", "", f"{data / mib:.1f} MiB")
	row("same-filled", f"{stat['same_pages']:,}", "", f"{stat['same_pages'] / pages:.1%} of the pages")
	row("huge", f"{stat['huge_pages']:,}", "", f"{stat['huge_pages'] / pages:.1%}, incompressible")
	row("compression ratio", f"{data / max(stat['compr_data_size'], 1):.2f}", "",
	    f"{stat['compr_data_size'] / mib:.1f} MiB of compressed data")
	row("memory used", f"{stat['mem_used'] / mib:.1f}", "MiB", f"{stat['mem_used'] / data:.1%} of the data")
	row("stores", f"{stores:,.0f}", "/s", f"by {len(puts)} processes, reading the file included")
	row("loads", f"{get['loads_per_s']:,.0f}", "/s", "by 1 thread, writing the file left out")
	row("load p50", f"{get['load_p50_ns']:,.0f}", "ns")
	row("load p99", f"{get['load_p99_ns']:,.0f}", "ns")
	row("managed streams", f"{managed / streams:.1%}", "", f"{managed:,} of {streams:,} compressions")
	row("per-lcore streams", f"{percpu / streams:.1%}", "", f"{percpu:,}")
	print()
	EOT
}

main()
{
	local puts=()

	build_all
	take_pages "$1"
	step "starting zcompd"
	service_start "$run" "$build/service/zcompd"
	ask create quickstart "$((pages * 4))K" >/dev/null
	store
	load_and_compare
	mapfile -t puts < <(cat "$tmp"/put?)
	table "${puts[@]}" "$(<"$tmp/get")" "$(ask stat quickstart)" "$(ask info)"
	process_stop "$service_pid" || die "zcompd did not stop cleanly: status $?"
	service_pid=''
	echo "All $pages pages came back identical; zcompd has stopped."
}

if (($# > 1)) || [[ ${1-} == -* ]]; then
	usage
	[[ ${1-} == -h || ${1-} == --help ]] && exit 0
	exit 2
fi
run=$(mktemp -d /dev/shm/zcompd-quickstart.XXXXXX)
tmp=$(mktemp -d)
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
main "${1-}"
