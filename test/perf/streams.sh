#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# Makes test/perf/results/streams.{json,csv,svg}. See usage() below.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/../common.sh"

usage()
{
	cat <<-'EOT'
	Usage: test/perf/streams.sh [FILE]
	Builds, and runs zcomp-perf --ptest streams with the pages of FILE (default: a corpus that
	test/perf/corpus.sh makes, and that is removed afterwards) into test/perf/results: JSON, CSV and
	curves. Some 5 minutes, in which nothing else should run.
	EOT
}

case ${1-} in
-*)
	usage
	[[ $1 == --help ]] && exit 0
	exit 2
	;;
esac
if (($# > 1)); then
	usage >&2
	exit 2
fi
packages_need "${packages_build[@]}" "${packages_plot[@]}"
configure "$top/build" -Dbuildtype=release
build "$top/build" test/perf/zcomp-perf test/perf/procpages
tmp=$(mktemp -d /dev/shm/zcomp-perf.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
corpus=${1-$tmp/corpus}
if (($# == 0)); then
	"$top/test/perf/corpus.sh" --size 32 "$corpus"
fi
results=$top/test/perf/results
mkdir -p "$results"
"$top/build/test/perf/zcomp-perf" --ptest streams --input-file "$corpus" --json "$results/streams.json" \
	--csv "$results/streams.csv" --svg "$results/streams.svg"
