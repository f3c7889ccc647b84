#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Build dmah.ko out of the source tree.
#
#   ports/linux/build.sh [OUT [KERNEL [make's arguments...]]]
#
#   OUT     gets dmah.ko, Module.symvers and include/linux/dmah.h; build/linux/RELEASE where empty
#   KERNEL  the kernel's build directory; its release, as uname -r prints it; or 6.1, 6.12, 7.3, 6.1-arm64, 6.12-arm64,
#           7.3-arm64, the newest of those in Debian 12 and 13. The running kernel where empty. Headers that are not installed are fetched
#           from Debian's archive and unpacked in build/vm.
#   make's arguments: ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- for another machine, W=1 ...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-}
kernel=${2:-}
if [ $# -lt 2 ]; then shift $#; else shift 2; fi

fail() {
	printf 'build.sh: %s\n' "$@" >&2
	exit 2
}

supported() {
	fail "$1" \
		"dmah.ko builds for Linux 6.1 to 6.12 and 6.16 to 7.3, on x86-64 and arm64. To build for another kernel than the running one:" \
		"  make linux-module KERNEL=6.1     Debian 12's kernel, package linux-image-amd64 (arm64: KERNEL=6.1-arm64)" \
		"  make linux-module KERNEL=6.12    the same from bookworm-backports (arm64: KERNEL=6.12-arm64)" \
		"  make linux-module KERNEL=7.3     the same from trixie-backports (arm64: KERNEL=7.3-arm64)" \
		"  make linux-module KERNEL=DIR     any other: the directory of its headers, from its package linux-headers-RELEASE"
}

# Returns true for the versions that the module supports. $1: a release, for instance
# 6.1.0-28-amd64.
in_range() {
	major=${1%%.*}
	minor=${1#*.}
	minor=${minor%%[!0-9]*}
	case $major$minor in *[!0-9]* | '') return 1 ;; esac
	case $major in
	6) [ "$minor" -ge 1 ] && { [ "$minor" -le 12 ] || [ "$minor" -ge 16 ]; } ;;
	7) [ "$minor" -le 3 ] ;;
	*) false ;;
	esac
}

# Fetches the headers of a name or release. Sets kernel, and machine to what make must know for a
# foreign architecture.
fetch() {
	command -v python3 >/dev/null 2>&1 || fail "python3 is needed to fetch a kernel's headers"
	found=$(python3 "$root/lab/vm" headers "$1") || return 1
	kernel=${found% *}
	case ${found##* }-$(uname -m) in
	amd64-x86_64 | arm64-aarch64) ;;
	arm64-*) machine='ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-' ;;
	amd64-*) machine='ARCH=x86 CROSS_COMPILE=x86_64-linux-gnu-' ;;
	esac
}

machine=
case $kernel in
*/*)
	[ -f "$kernel/Makefile" ] ||
		fail "$kernel holds no kernel headers: on Debian they are in linux-headers-RELEASE"
	;;
*)
	which=${kernel:+Linux $kernel}
	which=${which:-The running kernel, Linux $(uname -r),}
	release=${kernel:-$(uname -r)}
	in_range "$release" || supported "$which is not supported."
	kernel=/lib/modules/$release/build
	if [ ! -f "$kernel/Makefile" ]; then
		fetch "$release" || supported "$which has no headers here, and none could be fetched."
	fi
	;;
esac
kernel=$(cd "$kernel" && pwd -P)
version=$(make -s -C "$kernel" kernelversion 2>/dev/null | tail -n 1) || version=
[ -z "$version" ] || in_range "$version" || supported "$kernel has the headers of Linux $version, which is not supported."
[ -n "$out" ] || out=$root/build/linux/$(basename "$kernel" | sed 's/^linux-headers-//')
mkdir -p "$out"
out=$(cd "$out" && pwd)

# Links to the sources, so that objects of several kernels never meet; links of files that are gone
# go too.
find "$out" -type l ! -exec test -e {} \; -delete
find "$here" -type f \( -name '*.[ch]' -o -name Kbuild \) -printf '%P\n' | while read -r f; do
	mkdir -p "$out/$(dirname "$f")"
	ln -sf "$here/$f" "$out/$f"
done
(cd "$root" && find src/iova src/base include -type f -name '*.[ch]') | while read -r f; do
	mkdir -p "$out/lib/$(dirname "$f")"
	ln -sf "$root/$f" "$out/lib/$f"
done

# Every name of the library's public headers gets a prefix, but for the host contract's: library.h
# says why.
names=$(cat "$root"/include/dmah/*.h | grep -oE '\bdmah(_[a-z0-9_]*[a-z0-9])?\b' | grep -v '^dmah_host_' |
	LC_ALL=C sort -u)
{
	echo '/* SPDX-License-Identifier: GPL-2.0-only */'
	echo "$names" | sed 's/.*/#define & library_&/'
} >"$out/library_names.new"
{
	echo '/* SPDX-License-Identifier: GPL-2.0-only */'
	echo "$names" | sed 's/.*/#undef &/'
} >"$out/library_names_end.new"
for f in library_names library_names_end; do
	cmp -s "$out/$f.new" "$out/$f.h" || cp "$out/$f.new" "$out/$f.h"
	rm "$out/$f.new"
done

# Debian's kernels ask for BTF that a module outside of their tree cannot have.
# The caller's ARCH and CROSS_COMPILE come last and win.
# shellcheck disable=SC2086
make -j"${JOBS:-$(nproc)}" -C "$kernel" M="$out" CONFIG_DEBUG_INFO_BTF_MODULES= $machine "$@" modules
echo "dmah.ko, Module.symvers and include/linux/dmah.h are in $out"
