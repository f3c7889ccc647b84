#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Build the library and the command in build/release, without tests; leave the command at build/dmah.
#
#   scripts/build.sh [--prefix DIR]
set -eu
dir=build/release
log=build/log/release.log
prefix=/usr/local
[ "${1-}" = --prefix ] && prefix=$2

mkdir -p build/log
fail() {
	tail -40 "$log" >&2
	echo "build.sh: the build failed; the whole log is in $log" >&2
	exit 1
}

if [ -f "$dir/build.ninja" ]; then
	meson configure "$dir" -Dprefix="$prefix" >"$log" 2>&1 || fail
else
	rm -rf "$dir"
	# Leave out assertions: the library is timed, not the checks of the port that it runs on.
	meson setup "$dir" -Dprefix="$prefix" -Dtests=disabled -Dtools=enabled -Db_ndebug=true >"$log" 2>&1 || fail
fi
ninja -C "$dir" -j "${JOBS:-2}" >>"$log" 2>&1 || fail
install -m 755 "$dir/tools/dmah" build/dmah.new
mv -f build/dmah.new build/dmah
