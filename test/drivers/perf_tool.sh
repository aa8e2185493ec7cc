#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# The LZ4 driver under Debian 13's DPDK: builds it there with the driver tests, runs those, and has
# the stock dpdk-test-compress-perf load it, verify it and measure it. Debian 12's perf tool cannot
# ask for LZ4.
#
# Makes a root of the other release with mmdebstrap and removes it. It needs root and a Debian
# mirror, the one of this machine's own apt sources; exit status 77 where it has not got them. What
# it mounts lives in a mount namespace of its own, so nothing stays mounted whatever happens.
set -euo pipefail
self=$(realpath "$0")
# shellcheck source=test/common.sh
. "${self%/*}/../common.sh"

suite=trixie
driver=drivers/compress/lz4/librte_compress_lz4.so
tests=(test/drivers/test_lz4_{pmd,xfer,autotest,devargs,plugin})

skip()
{
	printf 'skipped: %s\n' "$*"
	exit 77
}

# The mirror that apt has for the release that runs here.
mirror_find()
{
	# shellcheck disable=SC1091
	. /etc/os-release
	# shellcheck disable=SC2016 # apt-get's variable, not the shell's
	apt-get indextargets --format '$(REPO_URI)' "Release: ${VERSION_CODENAME:-none}" \
		'Component: main' 'Created-By: Packages' 2>/dev/null | head -n 1
}

# in_root COMMAND...
in_root()
{
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 chroot "$root" "$@"
}

# Two lcores, on the same CPU where there is only one: the tool's main lcore does no work.
lcores()
{
	local cpus

	cpus=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
	echo "0@${cpus%%[,-]*},1@${cpus##*[,-]}"
}

# perf_tool MODE OPTION...: prints the tool's line of results: lcore, level, bytes, ratio in percent,
# Gbps of compression and of decompression.
perf_tool()
{
	local mode=$1 said

	shift
	if ! said=$(in_root dpdk-test-compress-perf -d "/build/$driver" --no-huge -m 512 --no-pci \
		--no-telemetry --lcores "$(lcores)" --file-prefix "perf-tool-$$" \
		--vdev "compress_lz4,mode=$mode" -- --driver-name compress_lz4 --algo lz4 \
		--input-file /corpus --num-iter 10 --compress-level 1,1 "$@" 2>&1); then
		printf '%s\n' "$said"
		die "dpdk-test-compress-perf failed with mode=$mode $*"
	fi
	printf '%-16s %-60s' "$mode" "$*"
	grep -E '^ *1( +[0-9.]+){5}$' <<<"$said" || {
		printf '\n%s\n' "$said"
		die "dpdk-test-compress-perf printed no result"
	}
}

# In the mount namespace.
inside()
{
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --bind /dev "$root/dev"

	step "building with DPDK $(in_root pkg-config --modversion libdpdk)"
	quietly in_root meson setup /build /src -Dbuildtype=debugoptimized -Dwerror=true
	quietly in_root ninja -C /build "$driver" "${tests[@]}"
	step "driver tests"
	quietly in_root meson test -C /build --no-rebuild -t 4 lz4_devargs lz4_plugin \
		lz4_{pmd,xfer,autotest}_{inline,thread,engines}
	step "dpdk-test-compress-perf"
	# More than 4 MiB would be more memzones than EAL has, for external mbufs.
	in_root sh -c 'cat /usr/bin/[a-z]* | head -c 4194304 >/corpus'
	for mode in inline thread thread,engines=2; do
		perf_tool "$mode" --seg-sz 4096 --max-num-sgl-segs 1
		perf_tool "$mode" --seg-sz 4096 --max-num-sgl-segs 1 --external-mbufs
		perf_tool "$mode" --seg-sz 1024 --max-num-sgl-segs 16
	done
}

if [[ ${1:-} == --inside ]]; then
	root=$2
	inside
	exit 0
fi

((EUID == 0)) || skip "only root can make a root"
for tool in mmdebstrap unshare chroot apt-get; do
	command -v "$tool" >/dev/null || skip "no $tool"
done
mirror=$(mirror_find)
[[ -n $mirror ]] || skip "apt knows no Debian mirror"

root=$(mktemp -d /var/tmp/zcompd-root.XXXXXX)
chmod 755 "$root"
trap 'rm -rf --one-file-system "$root"' EXIT
quietly /usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file \
	"${mirror%/}/dists/$suite/InRelease" "$root/InRelease" ||
	skip "the Debian mirror does not answer for $suite"
rm "$root/InRelease"

step "making a root of $suite"
packages=("${packages_build[@]}" "${packages_test[@]}" dpdk-dev)
quietly mmdebstrap --variant=apt --mode=root "--include=$(IFS=,; echo "${packages[*]}")" \
	"$suite" "$root" "$mirror"
mkdir "$root/src"
tar -C "$top" --exclude=./.git --exclude='./build*' -cf - . | tar -C "$root/src" -xf -
unshare --mount --propagation private "$self" --inside "$root"
