#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Check that `make install` leaves enough for a user: a program is built with nothing but the installed
# files, found through the installed pkg-config file. TAP.
#
#   check-install.sh BUILDDIR PREFIX LIBDIR tools|library
set -u
build=$1
prefix=$2
libdir=$prefix/$3
what=$4
CC=${CC:-gcc}
root=${DMAH_ROOT:?}
stage=$(mktemp -d) || exit 1
trap 'rm -rf "$stage"' EXIT
n=0
bad=0

report() { # NAME STATUS TEXT
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "$3" | sed 's/^/# /'
		bad=1
	fi
}

echo '1..4'
text=$(DESTDIR=$stage meson install -C "$build" --no-rebuild 2>&1)
report 'meson install into a DESTDIR' $? "$text"

missing=
for h in "$root"/include/dmah/*.h; do
	[ -f "$stage$prefix/include/dmah/${h##*/}" ] || missing="$missing ${h##*/}"
done
[ -f "$stage$libdir/libdmah.a" ] || missing="$missing libdmah.a"
if [ "$what" = tools ]; then
	[ -x "$stage$prefix/bin/dmah" ] || missing="$missing bin/dmah"
	[ -f "$stage$prefix/share/man/man1/dmah.1" ] || missing="$missing dmah.1"
fi
[ -z "$missing" ]
report 'headers, library, command and man page are there' $? "missing:$missing"

# A thin archive would only name the objects of the build directory.
members=$(ar t "$stage$libdir/libdmah.a" 2>&1)
! head -c 7 "$stage$libdir/libdmah.a" | grep -q thin
report 'the archive holds its objects' $? "$members"

# The library alone cannot be linked to a program without a host; one object file can.
cat >"$stage/use.c" <<'C'
#include <dmah/dmah.h>
int use(struct dmah_device *dev, struct dmah *h);
int use(struct dmah_device *dev, struct dmah *h)
{
	return dmah_unmap(dev, h);
}
C
text=$(
	exec 2>&1
	export PKG_CONFIG_PATH="$stage$libdir/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$stage"
	cflags=$(pkg-config --cflags dmah) && libs=$(pkg-config --libs dmah) || exit 1
	# shellcheck disable=SC2086
	cd "$stage" && "$CC" -std=c11 -Wall -Wextra -Werror $cflags -c use.c -o use.o &&
		"$CC" -nostdlib -r -o whole.o use.o $libs && nm whole.o | grep -q ' T dmah_unmap$'
)
report 'a driver is built by pkg-config against the installed files' $? "$text"
exit $bad
