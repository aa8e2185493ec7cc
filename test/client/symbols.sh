#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The zcompd authors
#
# What the library exports is what its header declares, and the version map says so: no more, no less.
# usage: symbols.sh LIBRARY HEADER MAP
set -eu

exported=$(nm -D --defined-only "$1" | awk '$2 == "T" { print $3 }' | sort)
declared=$(grep -o '^ZCL_API .*' "$2" | sed 's/(.*//; s/.*[ *]//' | sort)
mapped=$(sed -n 's/^\t\(zcl_[a-z_]*\);$/\1/p' "$3")

if [ "$(echo "$mapped" | sort)" != "$mapped" ]; then
	echo "$3: names are not sorted"
	exit 1
fi
if [ "$declared" != "$mapped" ]; then
	echo "declared in $2, but not in $3, or the other way round:"
	printf '%s\n%s\n' "$declared" "$mapped" | sort | uniq -u
	exit 1
fi
wrong=$(echo "$exported" | grep -v '@@LIBZCL_[0-9.]*$' || true)
if [ -n "$wrong" ] || [ "$(echo "$exported" | sed 's/@@.*//')" != "$declared" ]; then
	echo "exported by $1, but not declared with ZCL_API or without a version, or the other way round:"
	echo "$wrong"
	printf '%s\n%s\n' "$declared" "$(echo "$exported" | sed 's/@@.*//')" | sort | uniq -u
	exit 1
fi
