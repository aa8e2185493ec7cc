#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# install.sh BUILD SANITIZERS BACKEND-TEST COMPILER...: installs a build below a folder of its own, compiles the
# examples against what is installed, in C, one of them in C++ too, and runs them with the installed service; the
# backend among them by the program that tests it.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/../common.sh"

builddir=$1 sanitizers=$2 backend_test=$3 cc=("${@:4}")
flags=(-Wall -Wextra -Werror)
[[ $sanitizers == none ]] || flags+=("-fsanitize=$sanitizers")
service_pid=''

cleanup()
{
	[[ -z $service_pid ]] || process_stop "$service_pid" || true
	rm -rf "$run" "$tmp"
}

# one PATTERN: the only installed file of that name; where it lies depends on the prefix.
one()
{
	local found

	found=$(find "$tmp/root" -not -type d -name "$1")
	[[ -n $found && $found != *$'\n'* ]] || die "$1 is to be installed once, found: ${found:-nothing}"
	printf '%s\n' "$found"
}

# compile OUTPUT COMPILER...: with the flags of the installed library.
compile()
{
	local output=$1

	shift
	# shellcheck disable=SC2046 # words, as pkg-config means them
	"$@" "${flags[@]}" $(pkg-config --cflags --libs libzcl) -pthread -o "$output"
}

install_and_compile()
{
	local pc

	DESTDIR=$tmp/root quietly meson install -C "$builddir" --no-rebuild
	pc=$(one libzcl.pc)
	export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$tmp/root
	LD_LIBRARY_PATH=$(dirname "$(one libzcl.so)")
	export LD_LIBRARY_PATH
	compile "$tmp/hello" "${cc[@]}" -std=c11 -D_DEFAULT_SOURCE "$top/examples/hello.c"
	compile "$tmp/zcp" "${cc[@]}" -std=gnu11 -D_GNU_SOURCE "$top"/examples/zcp*.c
	if [[ $sanitizers == none ]] && command -v g++ >/dev/null; then
		compile "$tmp/hello++" g++ -Wno-missing-field-initializers -x c++ \
			"$top/examples/hello.c" -x none
	fi
}

# As zcomp/README.md says, but that nothing may be left undefined unless a sanitizer leaves something.
compile_backend()
{
	local strict=("-Wl,-z,defs") lib=libzcomp_backend_lz4hc.so

	[[ $sanitizers == none ]] || strict=()
	# shellcheck disable=SC2046 # words, as pkg-config means them
	"${cc[@]}" "${flags[@]}" "${strict[@]}" -std=c11 -pedantic -O2 -shared -fPIC \
		$(pkg-config --cflags zcompd-backend) -o "$tmp/$lib" \
		"$top/examples/backend/backend_lz4hc.c" -llz4 -pthread
	BACKEND_DIR=$(pkg-config --variable=backenddir zcompd-backend)
	export BACKEND_DIR
	[[ $BACKEND_DIR == "$tmp"/root/*/zcompd/backends ]] || die "backenddir is $BACKEND_DIR"
	install -D -t "$BACKEND_DIR" "$tmp/$lib"
}

run_backend()
{
	local said

	ZCOMPD=$(one zcompd) ZCOMPCTL=$(one zcompctl)
	export ZCOMPD ZCOMPCTL
	"$backend_test"
	# Installed or not, where everybody may write it is refused.
	chmod go+w "$BACKEND_DIR"
	if said=$(timeout 30 "$ZCOMPD" --socket "$run/sock" --state-dir "$run/state" \
	                    --backend "$BACKEND_DIR/libzcomp_backend_lz4hc.so" 2>&1); then
		die "zcompd started with a backend from a folder that everybody may write to"
	fi
	[[ $said == *"$BACKEND_DIR has mode"* ]] || die "zcompd said: $said"
}

run_examples()
{
	local size

	service_start "$run" "$(one zcompd)"
	export ZCOMPD_SOCKET=$run/sock
	for hello in "$tmp"/hello*; do
		[[ $("$hello") == *"Hello, compressed world!"* ]] || die "${hello##*/} did not say hello"
	done
	# Text, zeros, noise and a short last page.
	cat "$top"/examples/*.c >"$tmp/file"
	head -c 1000000 /dev/zero >>"$tmp/file"
	head -c 1000003 /dev/urandom >>"$tmp/file"
	size=$(stat -c %s "$tmp/file")
	"$tmp/zcp" -t 2 -d 64 --create --stats put "$tmp/file" round-trip
	"$tmp/zcp" -t 2 --size "$size" --stats get round-trip "$tmp/back"
	cmp "$tmp/file" "$tmp/back"
	"$(one zcompctl)" remove round-trip
	process_stop "$service_pid" || die "zcompd stopped with status $?"
	service_pid=''
}

run=$(mktemp -d /dev/shm/zcompd-install.XXXXXX)
tmp=$(mktemp -d)
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
install_and_compile
compile_backend
run_examples
run_backend
