#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Make BUILD_DIR/liblinux-iova-SERIES.so: Linux's IOVA allocator with its steps counted (iova_steps.h). Prints the file's path.
#
#   iova.sh BUILD_DIR SERIES
#
# The source is fetched as build.sh does. Exit status 3: it is not available.
set -u
build=${1:?usage: iova.sh BUILD_DIR SERIES}
series=${2:?usage: iova.sh BUILD_DIR SERIES}
here=$(cd "$(dirname "$0")" && pwd) || exit 1
cache=${LINUX_PEER_CACHE:-$here/../../../build/cache}
cc=${CC:-gcc}

source=$(LINUX_PEER_SERIES=$series sh "$here/fetch.sh" "$cache") || exit $?
mkdir -p "$build" || exit 1
build=$(cd "$build" && pwd) || exit 1
work=$build/iova-$series
log=$work.log
python3 "$here/extract.py" --iova "$source" "$work" >/dev/null || exit 1
so=$build/liblinux-iova-$series.so

# Linux's own files may warn; what no shim declares must not link by accident.
flags="-std=gnu11 -O2 -g -fPIC -fvisibility=hidden -fno-strict-aliasing -fwrapv -DNDEBUG -Werror=implicit-function-declaration
	-include $work/version.h -include $here/shim/shim.h -isystem $work/real -isystem $work/empty"
# shellcheck disable=SC2086
$cc $flags -include "$here/iova_count.h" -c -o "$work/iova.o" "$work/real/drivers/iommu/iova.c" >"$log" 2>&1 &&
	$cc $flags -shared -o "$so.new" "$work/iova.o" "$work/real/lib/rbtree.c" "$here/iova_steps.c" \
		"$here/shim/memory.c" -lpthread >>"$log" 2>&1 || {
	cat "$log" >&2
	echo "iova.sh: Linux's iova.c does not compile; the log is $log" >&2
	exit 1
}
mv "$so.new" "$so" || exit 1
echo "$so"
