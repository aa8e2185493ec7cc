#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# Installs what is missing, builds, runs the tests. The last line: N passed, N failed, N skipped.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/common.sh"

usage()
{
	cat <<-'EOT'
	Usage: test/run.sh [--quick] [--werror] [--sanitize KIND]
	  --quick          only the suites unit, dpdk and style
	  --werror         warnings are errors
	  --sanitize KIND  address: everything, with the address and undefined-behaviour sanitizers;
	                   thread: what needs no DPDK, with clang's thread sanitizer
	Without options: everything but benchmarks and suite long, in build/.
	EOT
}

dir=$top/build
packages=("${packages_build[@]}" "${packages_test[@]}")
options=(-Dbuildtype=release)
suites=(--no-suite long)
multiplier=1
wrapper=()

sanitize()
{
	dir=$top/build-$1
	packages+=("${packages_sanitize[@]}")
	options=(-Dbuildtype=debugoptimized -Db_lundef=false)
	multiplier=5
	export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
	export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
	case $1 in
	address)
		options+=("-Db_sanitize=address,undefined")
		;;
	thread)
		export CC=clang
		options+=(-Db_sanitize=thread -Ddpdk=disabled)
		# Its shadow memory has no place where addresses are too random.
		if setarch -R true 2>/dev/null; then
			wrapper=(setarch -R)
		fi
		;;
	*)
		die "--sanitize $1: address or thread"
		;;
	esac
}

# What meson's log says, as the last line; a test that did not come to an end has failed.
count()
{
	/usr/bin/python3 - "$1" <<-'EOT'
	import json, sys
	seen = {"passed": 0, "failed": 0, "skipped": 0}
	kind = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}
	with open(sys.argv[1], encoding="utf-8") as log:
	    for line in log:
	        seen[kind.get(json.loads(line)["result"], "failed")] += 1
	print(", ".join(f"{number} {word}" for word, number in seen.items()))
	sys.exit(seen["failed"] > 0 or seen["passed"] == 0)
	EOT
}

give_up()
{
	echo "$1: nothing was tested" >&2
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}

while (($# > 0)); do
	case $1 in
	--quick) suites=(--suite unit --suite dpdk --suite style) ;;
	--werror) werror=true ;;
	--sanitize) sanitize "${2-}" && shift ;;
	-h | --help) usage && exit ;;
	*) usage >&2 && exit 2 ;;
	esac
	shift
done
options+=(-Dwerror="${werror-false}")

packages_need "${packages[@]}" || give_up "packages could not be installed"
step "building in ${dir#"$top"/}"
configure "$dir" "${options[@]}" || give_up "meson failed"
build "$dir" || give_up "the build failed"

step "testing"
log=$dir/meson-logs/testlog.json
rm -f "$log"
status=0
"${wrapper[@]}" meson test -C "$dir" --no-rebuild --print-errorlogs --timeout-multiplier "$multiplier" \
	"${suites[@]}" || status=$?
[[ -s $log ]] || give_up "meson ran no test"
counted=0
line=$(count "$log") || counted=$?
printf '%s\n' "$line"
exit $((status != 0 || counted != 0))
