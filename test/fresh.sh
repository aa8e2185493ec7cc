#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# Proves the two commands of the README on a fresh machine: makes a bare Debian 12 root, copies the
# tracked files in, and runs the quickstart and the quick tests there, as root, then as a user
# without privileges and without network. Leaves nothing behind.
# The last line: N passed, N failed, N skipped. Exit status 77: this host cannot.
set -euo pipefail
exec </dev/null
# shellcheck source=test/common.sh
. "$(dirname "$0")/common.sh"

suite=bookworm
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
git=(git -c "safe.directory=*" -C "$top")
passed=0 failed=0 skipped=0

skip()
{
	echo "skipped: $*"
	echo "0 passed, 0 failed, 1 skipped"
	exit 77
}

# debian_sources CODENAME: where this host gets that Debian from, turned to the suite wanted. apt
# knows what it has verified to be Debian's; foreign sources are left out.
debian_sources()
{
	# shellcheck disable=SC2016 # apt replaces these
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		"Created-By: Packages" "Origin: Debian" "Component: main" |
		sed -nE "s#^(.*) $1(-updates|-security)? main\$#deb [signed-by=$keyring] \\1 $suite\\2 main#p" |
		sort -u
}

check_host()
{
	local codename missing uri

	((EUID == 0)) || skip "only root can make a root file system"
	command -v apt-get >/dev/null || skip "this is not a Debian"
	unshare --mount --pid --net --fork true 2>/dev/null || skip "name spaces are not permitted"
	quietly "${git[@]}" rev-parse --git-dir || skip "not a git clone: which files are tracked?"
	missing=$(packages_missing "${packages_fresh[@]}")
	[[ -z $missing ]] || packages_need "${packages_fresh[@]}" || skip "no $missing here"
	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	[[ -n $(debian_sources "$codename") ]] || quietly apt-get -qq update || true
	debian_sources "$codename" >"$work/sources.list"
	uri=$(sed -nE "s#^deb \[.*\] (.*) $suite main\$#\\1dists/$suite/InRelease#p" "$work/sources.list")
	[[ -n $uri ]] || skip "apt has no source of Debian's"
	quietly /usr/lib/apt/apt-helper download-file "$uri" "$work/InRelease" ||
		skip "the package archive cannot be reached"
}

make_root()
{
	step "making a bare Debian 12 root"
	quietly mmdebstrap --variant=apt "$suite" "$root" "$work/sources.list"
	mkdir "$root/src"
	"${git[@]}" ls-files -z | tar -C "$top" --null -T - -cf - |
		tar -C "$root/src" --no-same-owner -xf -
}

# inside USER:GROUP NAMESPACES COMMAND...: runs a command in the root's /src. Mounts and processes
# end with it. Keeps what it says in $work/said.
inside()
{
	local user=$1 namespaces=$2

	shift 2
	# shellcheck disable=SC2016 # for the shell inside
	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child bash -ec '
		root=$1 user=$2 namespaces=$3
		shift 3
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
		exec unshare $namespaces chroot --userspec="$user" --groups= "$root" \
			env -i HOME=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			${http_proxy:+http_proxy="$http_proxy"} \
			bash -c "cd /src && exec \"\$@\"" inside "$@"
	' fresh "$root" "$user" "$namespaces" "$@" 2>&1 | tee "$work/said"
}

# prove WHO USER:GROUP NAMESPACES: both commands.
prove()
{
	local who=$1 status

	shift
	step "$who, at $SECONDS s: examples/quickstart.sh"
	if inside "$@" examples/quickstart.sh; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
	step "$who, at $SECONDS s: test/run.sh --quick"
	status=0
	inside "$@" test/run.sh --quick || status=$?
	if [[ $(tail -n 1 "$work/said") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + BASH_REMATCH[3]))
		((status == 0 || BASH_REMATCH[2] > 0)) || failed=$((failed + 1))
	else
		failed=$((failed + 1))
	fi
}

work=$(mktemp -d "${TMPDIR:-/var/tmp}/zcompd-fresh.XXXXXX")
root=$work/root
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

check_host
if make_root; then
	prove "root" 0:0 ""
	# What root has built becomes the user's, as is all that the user can write.
	chown -R 65534:65534 "$root/src"
	prove "a user without network" 65534:65534 --net
else
	failed=1
fi
step "done, at $SECONDS s"
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0))
