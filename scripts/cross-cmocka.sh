#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Build cmocka for a machine that Debian has no cmocka package for in a cross-installable form.
#
#   scripts/cross-cmocka.sh aarch64|armhf|riscv64
#
# The source package of the distribution is fetched by name, once, through an apt configuration of
# our own below build/cmocka/apt (the system's lists and sources are not touched, root is not needed),
# and its one C file is compiled into a static library with a pkg-config file:
#
#   build/cmocka/ARCH/lib/pkgconfig/cmocka.pc
set -eu

arch=${1:?usage: cross-cmocka.sh aarch64|armhf|riscv64}
case $arch in
aarch64) triplet=aarch64-linux-gnu bits=64 ;;
armhf) triplet=arm-linux-gnueabihf bits=32 ;;
riscv64) triplet=riscv64-linux-gnu bits=64 ;;
*)
	echo "cross-cmocka.sh: unknown architecture '$arch'" >&2
	exit 2
	;;
esac

top=$PWD/build/cmocka
src=$top/src
out=$top/$arch
[ -f "$out/lib/pkgconfig/cmocka.pc" ] && exit 0
mkdir -p "$top"

# The distribution's own first source of packages, as a source of source packages.
source_list() {
	mkdir -p "$1"
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -f "$f" ] || continue
		# the first stanza (lines up to an empty one) that offers binary packages
		awk '
			function flush() {
				if (stanza != "" && deb && !off) { printf "%s", stanza; done = 1; exit }
				stanza = ""; deb = 0; off = 0
			}
			/^[ \t]*$/ { flush(); next }
			/^#/ { next }
			tolower($1) == "types:" { deb = / deb( |$)/; $0 = "Types: deb-src" }
			tolower($1) == "enabled:" { off = tolower($2) == "no" }
			{ stanza = stanza $0 "\n" }
			END { if (!done) flush() }
		' "$f" >"$1/dmah.sources"
		[ -s "$1/dmah.sources" ] && return
	done
	rm -f "$1/dmah.sources"
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -f "$f" ] || continue
		awk '/^deb[ \t]/ { sub(/^deb/, "deb-src"); print; exit }' "$f" >"$1/dmah.list"
		[ -s "$1/dmah.list" ] && return
	done
	echo "cross-cmocka.sh: found no source of packages in /etc/apt" >&2
	exit 1
}

private_apt() {
	apt-get -q -o Dir::State="$apt/state" -o Dir::State::status=/var/lib/dpkg/status \
		-o Dir::Cache="$apt/cache" -o Dir::Etc::sourcelist=/dev/null \
		-o Dir::Etc::sourceparts="$apt/sources" -o Acquire::Languages=none \
		-o Acquire::Retries=3 -o APT::Sandbox::User="$(id -un)" "$@" </dev/null
}

fetch() {
	apt=$top/apt
	rm -rf "$apt" "$top/download"
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$top/download"
	source_list "$apt/sources"
	echo "source packages come from:"
	cat "$apt"/sources/*
	private_apt update
	# --only-source: cmocka by name, whatever binary packages may be called
	(cd "$top/download" && private_apt source --download-only --only-source cmocka)
	set -- "$top"/download/cmocka_*.orig.tar.*
	case $1 in
	*.asc) shift ;;
	esac
	rm -rf "$src.new"
	mkdir -p "$src.new"
	tar -x -f "$1" -C "$src.new" --strip-components=1
	rm -rf "$apt" "$src"
	mv "$src.new" "$src"
}

[ -f "$src/src/cmocka.c" ] || fetch

# Write the answers that its CMake would have found on a Linux with glibc or musl.
rm -rf "$out"
mkdir -p "$out/lib/pkgconfig" "$out/obj"
{
	for h in assert dlfcn inttypes malloc memory setjmp signal stdarg stddef stdint stdio stdlib \
		strings string sys_stat sys_types time unistd; do
		echo "HAVE_${h}_H"
	done | tr '[:lower:]' '[:upper:]'
	for f in struct_timespec calloc exit fprintf free longjmp siglongjmp malloc memcpy memset \
		printf setjmp signal snprintf strcmp strcpy vsnprintf strsignal clock_gettime \
		gcc_thread_local_storage clock_realtime; do
		echo "HAVE_$f"
	done | tr '[:lower:]' '[:upper:]'
} | sed 's/.*/#define & 1/' >"$out/obj/config.h"
echo "#define WORDS_SIZEOF_VOID_P $((bits / 8))" >>"$out/obj/config.h"

"$triplet-gcc" -std=gnu99 -O2 -g -w -fPIC -DHAVE_CONFIG_H -I"$out/obj" -I"$src/include" \
	-c "$src/src/cmocka.c" -o "$out/obj/cmocka.o"
"$triplet-ar" rcs "$out/lib/libcmocka.a" "$out/obj/cmocka.o"
version=$(sed -n 's/^project(cmocka VERSION \([0-9.]*\).*/\1/p' "$src/CMakeLists.txt")
cat >"$out/lib/pkgconfig/cmocka.pc" <<PC
Name: cmocka
Description: unit test framework, built for $triplet by scripts/cross-cmocka.sh
Version: ${version:-0}
Libs: -L$out/lib -lcmocka
Cflags: -I$src/include
PC
