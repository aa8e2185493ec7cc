#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# test_corpus.sh PROCPAGES: what procpages takes of a process, and what corpus.sh makes of it.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/../common.sh"

procpages=$1
pid=''

cleanup()
{
	[[ -z $pid ]] || process_stop "$pid" || true
	rm -rf "$tmp"
}

# A process with 64 pages that can be told apart.
start_process()
{
	mkfifo "$tmp/in" "$tmp/out"
	/usr/bin/python3 -c '
import ctypes, mmap, sys
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)
memory = mmap.mmap(-1, 64 * 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for page in range(64):
    memory.write((b"page%012d" % page) * 256)
print("ready", flush=True)
sys.stdin.read()' <"$tmp/in" >"$tmp/out" &
	pid=$!
	exec {in}>"$tmp/in" {out}<"$tmp/out"
	read -r _ <&"$out" || die "the process did not come up"
}

# must_fail MESSAGE COMMAND...
must_fail()
{
	local message=$1 said

	shift
	if said=$("$@" 2>&1); then
		die "$*: should have failed"
	fi
	[[ $said == *"$message"* ]] || die "$*: said '$said', not '$message'"
}

all_pages_are_there()
{
	"$procpages" "$pid" "$tmp/all"
	/usr/bin/python3 - "$tmp/all" <<-'EOT'
	import sys
	with open(sys.argv[1], "rb") as pages:
	    data = pages.read()
	assert len(data) % 4096 == 0
	assert data.find(b"".join((b"page%012d" % page) * 256 for page in range(64))) % 4096 == 0
	EOT
}

samples_are_repeatable()
{
	"$procpages" --max-pages 100 --seed 5 "$pid" "$tmp/one"
	"$procpages" --max-pages 100 --seed 5 "$pid" "$tmp/two"
	"$procpages" --max-pages 100 --seed 6 "$pid" "$tmp/other"
	[[ $(stat -c %s "$tmp/one") == 409600 ]] || die "100 pages were asked for"
	cmp "$tmp/one" "$tmp/two"
	! cmp -s "$tmp/one" "$tmp/other" || die "another seed, the same pages"
}

tmp=$(mktemp -d)
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
start_process
all_pages_are_there
samples_are_repeatable
must_fail "there is no process 4194305" "$procpages" 4194305 "$tmp/none"
must_fail "Usage:" "$procpages" "$pid"
must_fail "Usage:" "$procpages" --max-pages 1x "$pid" "$tmp/none"
must_fail "/none/none: No such file" "$procpages" "$pid" /none/none
must_fail "1 to 256 MiB" "$top/test/perf/corpus.sh" --size 0 "$tmp/none"
exec {in}>&- {out}<&-

"$top/test/perf/corpus.sh" --size 2 --procpages "$procpages" "$tmp/corpus"
[[ $(stat -c %s "$tmp/corpus") == $((2 << 20)) ]] || die "2 MiB were asked for"
