# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
# shellcheck shell=bash
#
# What the scripts share; to be sourced. packages.sh names what they install.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Debian's own meson and python3, whatever else PATH names first.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH LC_ALL=C.UTF-8
unset ZCOMPD_SOCKET PYTHONHOME PYTHONPATH

# shellcheck source=test/packages.sh
. "$top/test/packages.sh"

step()
{
	printf '== %s\n' "$*"
}

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# quietly COMMAND...: shows what it prints only when it fails.
quietly()
{
	local said status=0

	said=$("$@" 2>&1 </dev/null) || status=$?
	((status == 0)) || printf '%s\n' "$said" >&2
	return "$status"
}

# configure DIR OPTION...: sets up a build folder, or changes the options of the one there is.
configure()
{
	local dir=$1

	shift
	mkdir -p "$dir"
	if [[ ! -w $dir ]]; then
		echo "$dir belongs to $(stat -c %U "$dir"): remove it first" >&2
		return 1
	fi
	if [[ -f $dir/build.ninja ]]; then
		quietly flock "$dir" meson configure "$dir" "$@"
	else
		quietly flock "$dir" meson setup "$dir" "$top" "$@"
	fi
}

# build DIR [TARGET]...: the lock lets two scripts share a build folder.
build()
{
	local dir=$1

	shift
	quietly flock "$dir" ninja --quiet -C "$dir" "$@"
}

# service_start DIR ZCOMPD [ARGUMENT]...: starts a service with its socket and state in DIR, a
# folder on a tmpfs, and returns when it listens. Sets service_pid. Its words go to DIR/log.
service_start()
{
	local dir=$1 line said

	shift
	: >"$dir/log"
	mkfifo "$dir/said"
	"$@" --socket "$dir/sock" --state-dir "$dir/state" </dev/null >/dev/null 2>"$dir/said" &
	# shellcheck disable=SC2034 # the caller's
	service_pid=$!
	exec {said}<"$dir/said"
	while IFS= read -r -t 60 -u "$said" line; do
		printf '%s\n' "$line" >>"$dir/log"
		if [[ $line == "zcompd: ready"* ]]; then
			cat <&"$said" >>"$dir/log" &
			exec {said}<&-
			return 0
		fi
	done
	exec {said}<&-
	process_stop "$service_pid" || true
	service_pid=''
	echo "the service did not start:" >&2
	cat "$dir/log" >&2
	return 1
}

# process_stop PID: ends a child by SIGTERM, after 20 s by SIGKILL, and returns its exit status.
process_stop()
{
	kill -TERM "$1" 2>/dev/null || true
	timeout 20 tail -s 0.02 --pid="$1" -f /dev/null || kill -KILL "$1" 2>/dev/null || true
	wait "$1"
}
