#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# Makes test/perf/results/{goals,latency}.{json,svg} and bench.json. See usage() below.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/../common.sh"

usage()
{
	cat <<-'EOT'
	Usage: test/perf/goals.sh [--quick DIR] [ZRAM-DEVICE]
	Builds, makes a corpus of 64 MiB that is removed afterwards, and runs zcomp-perf --ptest goals and
	latency, and the benches, with it into test/perf/results: JSON and figures. Some 10 minutes, in
	which nothing else should run. Kernel zram is measured, too, where a device of it is named, such
	as /dev/zram0: set up for lz4 and as much as the corpus, empty, and used by nobody. --quick shows
	in 2 minutes that it works, not how fast it is, and writes into DIR.
	EOT
}

out=$top/test/perf/results
targets=codec,service
quick=()
while (($# > 0)); do
	case $1 in
	--quick) quick=(--quick) out=${2-} && shift ;;
	-h | --help) usage && exit ;;
	/*) targets=codec,service,zram:$1 ;;
	*) usage >&2 && exit 2 ;;
	esac
	shift || break
done
[[ -n $out ]] || { usage >&2 && exit 2; }

packages_need "${packages_build[@]}" "${packages_test[@]}" "${packages_plot[@]}"
configure "$top/build" -Dbuildtype=release
build "$top/build" service/zcompd test/perf/zcomp-perf test/perf/procpages
mkdir -p "$out"
tmp=$(mktemp -d /dev/shm/zcomp-perf.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
"$top/test/perf/corpus.sh" "$tmp/corpus"
for ptest in goals latency; do
	options=("${quick[@]}")
	[[ $ptest == latency ]] || options+=(--target "$targets")
	"$top/build/test/perf/zcomp-perf" --ptest "$ptest" --input-file "$tmp/corpus" "${options[@]}" \
		--json "$out/$ptest.json" --svg "$out/$ptest.svg"
done
"$top/test/perf/bench/run.sh" --out "$out" --input-file "$tmp/corpus"
