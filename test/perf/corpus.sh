#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# Makes the corpus of the benchmarks. See usage() below.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/../common.sh"

usage()
{
	cat <<-'EOT'
	Usage: test/perf/corpus.sh [--size MIB] [--seed N] [--procpages PROGRAM] FILE
	Fills FILE with MIB, 1 to 256 (default 64), of real pages, in runs of up to 16 neighbours, drawn
	by the seed N (default 1): text of /usr/share, programs of /usr/bin, and the resident memory of
	processes that it starts itself: perl, awk, gnuplot and node where they are installed, and
	python3 for the rest. Prints what FILE is made of. PROGRAM is procpages of a build (default:
	build/test/perf/procpages).
	EOT
}

mib=64 seed=1 procpages=$top/build/test/perf/procpages file=''
pid='' # of the process that is being read

cleanup()
{
	[[ -z $pid ]] || process_stop "$pid" || true
	rm -rf "$tmp"
}

pages_of()
{
	echo $(($(stat -c %s "$1") / 4096))
}

# append NAME: adds the pages taken to the corpus and says so.
append()
{
	printf '%-30s %7d pages\n' "$1" "$(pages_of "$tmp/pages")"
	cat "$tmp/pages" >>"$file"
}

# files NAME PAGES FOLDER KIND: runs of pages of a folder's files; KIND is text or programs.
files()
{
	/usr/bin/python3 - "$2" "$3" "$4" "$seed" "$tmp/pages" <<-'EOT'
	import os, random, sys

	PAGE, RUN, PASSES = 4096, 16, 8
	wanted, folder, kind, seed, out = sys.argv[1:]
	wanted, rng = int(wanted), random.Random(int(seed))

	def fits(head):
	    return head[:4] == b"\x7fELF" if kind == "programs" else b"\0" not in head

	paths = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
	paths = sorted(path for path in paths if os.path.isfile(path) and not os.path.islink(path))
	with open(out, "wb") as pages:
	    for path in PASSES * rng.sample(paths, len(paths)):
	        count = os.path.getsize(path) // PAGE
	        if wanted == 0 or count == 0 or not os.access(path, os.R_OK):
	            continue
	        with open(path, "rb") as source:
	            if not fits(source.read(PAGE)):
	                continue
	            nr = min(RUN, count, wanted)
	            source.seek(rng.randrange(count - nr + 1) * PAGE)
	            wanted -= pages.write(source.read(nr * PAGE)) // PAGE
	EOT
	append "$1"
}

# process NAME PAGES INPUT COMMAND...: pages of a process that, perhaps after a line of input, says
# something once its memory is filled, and waits for more input.
process()
{
	local name=$1 pages=$2 input=$3

	shift 3
	if ! command -v "$1" >/dev/null; then
		printf '%-30s not installed\n' "$name"
		return
	fi
	rm -f "$tmp/in" "$tmp/out"
	mkfifo "$tmp/in" "$tmp/out"
	"$@" <"$tmp/in" >"$tmp/out" 2>&1 &
	pid=$!
	exec {in}>"$tmp/in" {out}<"$tmp/out"
	[[ -z $input ]] || printf '%s\n' "$input" >&"$in"
	read -r _ <&"$out" || die "$name ended before it could be read"
	"$procpages" --seed "$seed" --max-pages "$pages" "$pid" "$tmp/pages" >"$tmp/said"
	exec {in}>&- {out}<&-
	process_stop "$pid" || true
	pid=''
	append "$name"
}

# shellcheck disable=SC2016 # the programs' own variables
make()
{
	local all=$((mib * 256))
	local tenth=$((all / 10))

	: >"$file"
	files "text of /usr/share" $((all * 15 / 100)) /usr/share text
	files "programs of /usr/bin" $((all * 15 / 100)) /usr/bin programs
	process "perl: a hash of strings" "$tenth" "" perl -e '
		srand 1; $| = 1;
		$h{"key$_"} = {number => $_, text => "line $_ of " . int rand 1e6} for 1 .. 80000;
		print "ready\n"; <STDIN>'
	process "awk: an array of lines" "$tenth" "" awk 'BEGIN {
		srand(1)
		for (i = 0; i < 300000; i++) line[i] = "entry " i " weighs " int(rand() * 1000000)
		print "ready"; fflush(); getline }'
	process "gnuplot: a curve" "$tenth" \
		'set terminal dumb; set output "/dev/null"; set samples 300000; plot sin(x)*exp(-x); print 1' \
		gnuplot
	process "node: objects and strings" "$tenth" "" node -e '
		const list = [];
		for (let i = 0; i < 150000; i++) list.push({id: i, name: "user" + i, tags: [i % 7, i % 11]});
		globalThis.text = JSON.stringify(list); globalThis.list = list;
		process.stdin.resume(); console.log("ready");'
	PYTHONHASHSEED=0 process "python3: objects, text, trees" $((all - $(pages_of "$file"))) "" \
		/usr/bin/python3 "$top/test/perf/heap.py"
	printf '%-30s %7d pages, %d MiB, seed %s: %s\n' "all" "$(pages_of "$file")" \
		$(($(pages_of "$file") / 256)) "$seed" "$file"
}

while (($# > 0)); do
	case $1 in
	--size) mib=${2-} && shift ;;
	--seed) seed=${2-} && shift ;;
	--procpages) procpages=${2-} && shift ;;
	-h | --help) usage && exit ;;
	-*) usage >&2 && exit 2 ;;
	*) file=$1 ;;
	esac
	shift || break
done
if ! [[ $mib =~ ^[1-9][0-9]{0,2}$ ]] || ((mib > 256)); then
	die "--size '$mib': 1 to 256 MiB"
fi
[[ $seed =~ ^[0-9]{1,18}$ ]] || die "--seed '$seed': a number"
[[ -n $file ]] || { usage >&2 && exit 2; }
[[ -x $procpages ]] || die "$procpages is not there: build first (ninja -C build), or --procpages"
tmp=$(mktemp -d)
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
make
