#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# test_zram.sh ZCOMP-PERF: target zram beside the codec, over /dev/zram0, which is set up for that and
# reset, whatever happens. Needs root, and that nobody uses the device.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/../common.sh"

perf=$1
dev=/dev/zram0
sys=/sys/block/zram0

skip()
{
	echo "$1"
	exit 77
}

cleanup()
{
	rm -rf "$tmp"
	echo 1 >$sys/reset
}

set_up()
{
	echo 1 >$sys/reset
	echo "$1" >$sys/comp_algorithm
	echo "$2" >$sys/disksize
}

# refused TEXT: by measuring as it is.
refused()
{
	local status=0

	"$perf" --force --ptest verify --input-file "$tmp/corpus" \
		--target zram:$dev >"$tmp/said" 2>&1 || status=$?
	((status == 1)) && grep -q "$1" "$tmp/said" || die "wanted '$1', got $(cat "$tmp/said")"
}

unused()
{
	local orig

	read -r orig _ <$sys/mm_stat
	((orig == 0)) || die "$orig bytes are still stored"
}

refusals()
{
	refused 'zram0 is not set up: echo lz4 >/sys/block/zram0/comp_algorithm; echo 2097152 >'
	set_up lzo 8M
	refused 'zram0 compresses with lzo, the others with lz4'
	set_up lz4 1M
	refused 'zram0 has 1048576 bytes, the corpus 2097152'
	set_up lz4 8M
	# Held as mount and swapon do, without what else they do.
	/usr/bin/python3 - "$perf" "$tmp/corpus" $dev <<-'EOT' || die "not refused while it is held"
	import os, subprocess, sys

	os.open(sys.argv[3], os.O_RDWR | os.O_EXCL)
	out = subprocess.run([sys.argv[1], "--force", "--input-file", sys.argv[2], "--target",
	                      "zram:" + sys.argv[3]], stderr=subprocess.PIPE, text=True)
	assert out.returncode == 1, out
	assert "zram0 is in use: mounted, swap, or held by another" in out.stderr, out
	EOT
}

data()
{
	head -c 65536 /dev/urandom >"$tmp/data"
	dd if="$tmp/data" of=$dev bs=4096 oflag=direct status=none
	refused "holds [0-9]* bytes, which would be lost; if nobody needs them: blkdiscard $dev, or echo 1 >"
	cmp -n 65536 "$tmp/data" $dev || die "$dev was written to"
	blkdiscard $dev
	"$perf" --force --ptest verify --input-file "$tmp/corpus" --target zram:$dev >/dev/null
}

side_by_side()
{
	"$perf" --quick --force --input-file "$tmp/corpus" --target codec,zram:$dev \
		--json "$tmp/report.json" >"$tmp/table"
	unused
	/usr/bin/python3 - "$tmp/report.json" <<-'EOT'
	import json, sys

	with open(sys.argv[1], encoding="utf-8") as file:
	    report = json.load(file)
	assert "codec,zram:zram0" in report["command"] and "/dev/" not in str(report), report
	zram = report["targets"]["zram"]
	for key in ("stores_per_s", "loads_per_s", "load_p99_us", "same_store_us", "same_load_us"):
	    assert zram[key]["value"] > 0, key
	assert 1 < zram["compression_ratio"]["value"] < 100
	assert zram["mem_used_bytes"]["value"] > 100000
	assert report["ratios"]["zram/codec"]["stores_per_s"]["value"] > 0
	EOT
}

((EUID == 0)) || skip "not root"
[[ -b $dev && -w $sys/reset ]] || skip "no $dev that can be reset"
exec 9<$sys
flock 9
[[ $(<$sys/initstate) == 0 ]] || skip "$dev is in use"
grep -qw lz4 $sys/comp_algorithm && grep -qw lzo $sys/comp_algorithm || skip "no lz4 or no lzo"
tmp=$(mktemp -d /dev/shm/zcomp-perf-test.XXXXXX)
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
cat "$top"/zcomp/*/*.[ch] >"$tmp/corpus"
head -c 300000 /dev/zero >>"$tmp/corpus"
cat "$top"/{zcomp/*,service,test/*}/*.[ch] >>"$tmp/corpus"
truncate -s 2M "$tmp/corpus"
refusals
set_up lz4 8M
side_by_side
data
unused
