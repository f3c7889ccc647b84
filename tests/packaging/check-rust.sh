#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Check that the library can be called from other languages: each inline function of the headers is a symbol of the
# archive, and the example in Rust runs. TAP.
#
#   check-rust.sh LIBDMAH.A [CFLAGS...]
set -u
root=${DMAH_ROOT:?}
archive=$1
shift
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
. "$root/tests/packaging/tap.sh"

nm -g --defined-only "$archive" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >"$work/symbols"
inline=$(sed -n 's/^DMAH_INLINE .*[ *]\(dmah_[a-z0-9_]*\)(.*/\1/p' "$root"/include/dmah/*.h | sort -u)
[ "$(echo "$inline" | wc -l)" -ge 9 ]
report 'the headers have inline functions' $? "$inline"
missing=$(echo "$inline" | while read -r f; do grep -qx "$f" "$work/symbols" || echo "$f"; done)
[ -z "$missing" ]
report 'each inline function is a symbol of the archive' $? "$missing"
plain=$(grep -n '^static inline' "$root"/include/dmah/*.h)
[ -z "$plain" ]
report 'no public header has an inline function that is not DMAH_INLINE' $? "$plain"

# Debian's compiler, whatever else may be on the path.
rustc=/usr/bin/rustc
[ -x $rustc ] || rustc=rustc
text=$(
	exec 2>&1
	set -e
	for f in examples/rust/setup.c examples/port/port.c; do
		gcc -std=gnu11 -Wall -Wextra -Werror -I"$root/include" "$@" -c "$root/$f" -o "$work/$(basename "$f" .c).o"
	done
	$rustc --edition 2021 -D warnings -C link-arg="$work/setup.o" -C link-arg="$work/port.o" \
		-C link-arg="$archive" -o "$work/example" "$root/examples/rust/main.rs"
)
report 'a Rust program links with the archive' $? "$text"
text=$("$work/example" 2>&1)
report 'the Rust program runs: every function of the handle API' $? "$text"
leave
