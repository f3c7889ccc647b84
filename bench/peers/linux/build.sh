#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Make BUILD_DIR/liblinux-peer.a, Linux's own DMA-mapping code behind peer.h, and print the version
# of Linux that it holds.
#
#   build.sh BUILD_DIR [PREFIX]
#
# With PREFIX the library has no other symbols than the calls of peer.h, which then begin with PREFIX in place of "linux_peer":
# two versions of Linux can be linked into one program. LINUX_PEER_SERIES in the environment chooses the version (fetch.sh).
#
# The script fetches and unpacks the source first (fetch.sh), into build/cache of the source tree or
# the folder that LINUX_PEER_CACHE names. With libcmocka, it makes BUILD_DIR/linux-peer-selftest, too.
# Exit status 3: the source of Linux is not available.
#
# The library is under the GPL, version 2, as Linux is; so is every program that links it.
set -u
build=${1:?usage: build.sh BUILD_DIR [PREFIX]}
prefix=${2-}
here=$(cd "$(dirname "$0")" && pwd) || exit 1
cache=${LINUX_PEER_CACHE:-$here/../../../build/cache}
cc=${CC:-gcc}

source=$(sh "$here/fetch.sh" "$cache") || exit $?
mkdir -p "$build" || exit 1
build=$(cd "$build" && pwd) || exit 1
work=$build/linux-peer
log=$work.log
stamp=$build/built
# Nothing is newer than the last build, which was of this compiler, prefix and source.
if [ -f "$build/liblinux-peer.a" ] && [ "$(head -1 "$stamp" 2>/dev/null)" = "$cc $prefix $source" ] &&
	[ -z "$(find "$here" "$source" -type f -newer "$stamp" | head -1)" ]; then
	tail -1 "$stamp"
	exit 0
fi
rm -f "$stamp"
version=$(python3 "$here/extract.py" "$source" "$work") || exit 1
: >"$log"

# -fno-strict-aliasing and -fwrapv: Linux is written for them. Not position independent accesses to
# the thread's CPU: the library is for programs, as a kernel's per-CPU accesses are one instruction.
flags="-std=gnu11 -O2 -g -fno-strict-aliasing -fwrapv -ftls-model=local-exec -DNDEBUG"
include="-isystem $work/real -isystem $work/real/drivers/iommu -isystem $work/empty"
shim="-include $work/version.h -include $here/shim/shim.h"
# Warnings about Linux's code are for Linux, but what no shim declares must not link by accident.
theirs="-Werror=implicit-function-declaration -Werror=implicit-int"
ours="-Wall -Wextra -Werror -Wno-unused-parameter"

objects=
compile() { # OBJECT SOURCE FLAGS...
	o=$work/$1.o
	c=$2
	shift 2
	objects="$objects $o"
	# shellcheck disable=SC2086
	if ! $cc $flags "$@" -c -o "$o" "$c" >>"$log" 2>&1; then
		cat "$log" >&2
		echo "build.sh: $c does not compile; the log is $log" >&2
		exit 1
	fi
}

# Linux's files are compiled one by one, as in a kernel: nothing is inlined from one into another.
for f in lib/rbtree drivers/iommu/iova drivers/iommu/io-pgtable-arm drivers/iommu/intel/cache drivers/iommu/iommu-pages \
	drivers/iommu/generic_pt/fmt/iommu_vtdss; do
	[ -f "$work/real/$f.c" ] || continue
	# shellcheck disable=SC2086
	compile "$(basename $f)" "$work/real/$f.c" $theirs $shim $include
done
for f in map dma core arm vtd qi; do
	# shellcheck disable=SC2086
	compile "glue-$f" "$here/$f.c" $ours $shim $include -I "$work/gen"
done
for f in peer shim/memory; do
	# shellcheck disable=SC2086
	compile "glue-$(basename $f)" "$here/$f.c" $ours $shim $include
done

rm -f "$build/liblinux-peer.a" "$build/linux-peer-selftest"
if echo '#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>' | $cc -E -x c - >/dev/null 2>&1; then
	# shellcheck disable=SC2086
	$cc -std=gnu11 -O2 -g $ours -o "$build/linux-peer-selftest" "$here/selftest.c" \
		$objects -lcmocka -lpthread >>"$log" 2>&1 || {
		cat "$log" >&2
		echo "build.sh: selftest.c does not compile; the log is $log" >&2
		exit 1
	}
fi

if [ -n "$prefix" ]; then
	whole=$work/whole.o
	# shellcheck disable=SC2086
	ld -r -o "$whole" $objects >>"$log" 2>&1 &&
		nm "$whole" | sed -n "s/.* T \(linux_peer_\(.*\)\)\$/\1 ${prefix}_\2/p
			s/.* T \(linux_iova_\(.*\)\)\$/\1 ${prefix}_iova_\2/p" >"$work/names" &&
		objcopy --redefine-syms="$work/names" "$whole" >>"$log" 2>&1 &&
		cut -d' ' -f2 "$work/names" >"$work/global" &&
		objcopy --keep-global-symbols="$work/global" "$whole" >>"$log" 2>&1 || {
		cat "$log" >&2
		exit 1
	}
	objects=$whole
fi
# shellcheck disable=SC2086
ar rcs "$build/liblinux-peer.a" $objects >>"$log" 2>&1 || {
	cat "$log" >&2
	exit 1
}
printf '%s\n' "$cc $prefix $source" "$version" >"$stamp"
echo "$version"
