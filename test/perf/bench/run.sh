#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# Runs all benches and keeps the figures. See usage() below.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/../../common.sh"

usage()
{
	cat <<-'EOT'
	Usage: test/perf/bench/run.sh [--out DIR] [--input-file FILE]
	Installs what is missing, builds into build/, runs all benches 11 times each, interleaved, and
	writes their medians, the kind of host and the commit to DIR/bench.json (default:
	test/perf/results). FILE has the pages to work on (test/perf/corpus.sh makes one); without it
	they are generated. It takes about a minute, on a machine that does nothing else.
	EOT
}

out=$top/test/perf/results
input=()

# The commit that was measured; "+" where files differ from it.
commit()
{
	local git=(git -c "safe.directory=*" -C "$top") id

	if ! id=$("${git[@]}" rev-parse HEAD 2>/dev/null); then
		echo unknown
	elif [[ -n $("${git[@]}" status --porcelain --untracked-files=no -- . ':!test/perf/results') ]]; then
		echo "$id+"
	else
		echo "$id"
	fi
}

while (($# > 0)); do
	case $1 in
	--out) out=${2-} && shift ;;
	--input-file) input=(--input-file "${2-}") && shift ;;
	-h | --help) usage && exit ;;
	*) usage >&2 && exit 2 ;;
	esac
	shift || break
done
[[ -n $out && ${input[1]-x} != "" ]] || { usage >&2 && exit 2; }

packages_need "${packages_build[@]}" "${packages_test[@]}" || die "packages could not be installed"
step "building in build"
configure "$top/build" -Dbuildtype=release -Dbenchmarks=enabled
build "$top/build" test/perf/bench/zcomp-bench
mkdir -p "$out"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
step "measuring, for about a minute"
"$top/build/test/perf/bench/zcomp-bench" "${input[@]}" --benchmark_repetitions=11 \
	--benchmark_enable_random_interleaving=true --benchmark_report_aggregates_only=true \
	--benchmark_out="$tmp/raw.json" --benchmark_out_format=json >"$tmp/table"
/usr/bin/python3 -B "$top/test/perf/bench/results.py" "$tmp/raw.json" "$out/bench.json" "$(commit)"
step "kept in $out/bench.json"
