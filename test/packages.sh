# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
# shellcheck shell=bash disable=SC2034
#
# The Debian packages that the scripts install, and how; to be sourced, by common.sh.

# libdpdk-dev brings the drivers too, whose names have a version in them: librte-mempool-ring, which
# every mempool needs, and compress_isal and compress_zlib.
packages_build=(gcc libc6-dev pkgconf meson ninja-build libdpdk-dev libisal-dev
	liblz4-dev libjansson-dev libnuma-dev libcmocka-dev)
packages_test=(dpdk-dev g++ libbenchmark-dev)
# For curves; the tests do without.
packages_plot=(gnuplot-nox)
packages_sanitize=(clang libclang-rt-dev llvm)
packages_fresh=(mmdebstrap)

# packages_missing PACKAGE...: prints those that are not installed.
packages_missing()
{
	local there

	there=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null) || true
	printf '%s\n' "$@" | grep -vxF -f <(sed -n 's/ installed$//p' <<<"$there") || true
}

# packages_need PACKAGE...: installs what is missing. Needs root and the network only then.
packages_need()
{
	local missing apt=(apt-get -qq -o DPkg::Lock::Timeout=120)

	if ! command -v dpkg-query >/dev/null; then
		echo "not a Debian: whether these are there is not looked up: $*" >&2
		return 0
	fi
	mapfile -t missing < <(packages_missing "$@")
	((${#missing[@]} > 0)) || return 0
	if ((EUID != 0)); then
		echo "packages are missing: ${missing[*]}" >&2
		echo "as root: apt-get install --no-install-recommends ${missing[*]}" >&2
		return 1
	fi
	step "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	# A foreign source that does not answer is no reason to give up.
	quietly "${apt[@]}" update || true
	quietly "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
}
