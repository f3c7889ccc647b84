#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Check the Meson lines of docs/porting.md, and a plain dependency('dmah'), in a project that has the library as a
# subproject: src/ alone is compiled, the options reach both sides, and the program runs. TAP.
set -u
root=${DMAH_ROOT:?}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
. "$root/tests/packaging/tap.sh"

mkdir -p "$work/subprojects"
ln -s "$root" "$work/subprojects/dmah"
cp "$root"/examples/port/*.[ch] "$work"
cp "$work/port.c" "$work/host.c"
lines=$(sed -n '/^```meson$/,/^```$/p' "$root/docs/porting.md" | grep -v '^```')
[ -n "$lines" ]
report 'docs/porting.md has Meson lines' $?
printf '%s\n' "project('kernel', 'c', default_options: ['c_std=gnu11'])" "$lines" >"$work/meson.build"

build() { # DIR ARGUMENTS...
	dir=$1
	shift
	text=$(cd "$work" && { meson setup "$@" "$dir" && ninja -C "$dir" && "$dir/kernel"; } 2>&1)
}
build build
report 'the lines of docs/porting.md find and build the library, and the program runs' $? "$text"
compiled=$(find "$work/build" -name '*.o' | sed 's,.*/,,' | grep -vE '^(main|port|host)\.c\.o$' | wc -l)
listed=$(grep -vc '^#' "$root/src/sources.txt")
[ "$compiled" = "$listed" ]
report 'src/ alone is compiled' $? "$compiled objects; src/sources.txt lists $listed files"
cat >"$work/meson.build" <<'MESON'
project('kernel', 'c', default_options: ['c_std=gnu11'])
dmah = dependency('dmah', version: '>=0.2', fallback: 'dmah')
executable('kernel', 'main.c', 'port.c', dependencies: dmah)
MESON
build options -Ddmah:check=true -Ddmah:host_args=-DDMAH_HOST_LOCK_WORDS=2 -Ddmah:amalgamation=true
nm "$work/options/kernel" 2>&1 | grep -q ' T dmah_domain_init_with_check_locks_2$'
report 'options of the library reach the parent' $? "$text"
leave
