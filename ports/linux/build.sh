#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Build dmah.ko out of the source tree.
#
#   ports/linux/build.sh [OUT [KERNEL [make's arguments...]]]
#
#   OUT     where: dmah.ko, Module.symvers and include/linux/dmah.h will be there; build/linux/VERSION where empty
#   KERNEL  the kernel's build directory or its version; that of the running kernel where empty
#   make's arguments: ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- for another machine, W=1 ...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-}
kernel=${2:-}
[ -n "$kernel" ] || kernel=$(uname -r)
[ $# -lt 2 ] && shift $# || shift 2

case $kernel in
*/*) ;;
*) kernel=/lib/modules/$kernel/build ;;
esac
[ -f "$kernel/Makefile" ] || {
	echo "build.sh: $kernel holds no kernel headers: on Debian they are in linux-headers-VERSION" >&2
	exit 2
}
kernel=$(cd "$kernel" && pwd)
[ -n "$out" ] || out=$root/build/linux/$(basename "$kernel" | sed 's/^linux-headers-//')
mkdir -p "$out"
out=$(cd "$out" && pwd)

# Links to the sources, so that objects of several kernels never meet; links of files that are gone go too.
find "$out" -type l ! -exec test -e {} \; -delete
find "$here" -type f \( -name '*.[ch]' -o -name Kbuild \) -printf '%P\n' | while read -r f; do
	mkdir -p "$out/$(dirname "$f")"
	ln -sf "$here/$f" "$out/$f"
done
(cd "$root" && find src include -type f -name '*.[ch]') | while read -r f; do
	mkdir -p "$out/lib/$(dirname "$f")"
	ln -sf "$root/$f" "$out/lib/$f"
done

# Every name of the library's public headers gets a prefix, but for the host contract's: see library.h.
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
exec make -C "$kernel" M="$out" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules
