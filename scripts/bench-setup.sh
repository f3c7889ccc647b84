#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Set up build/bench, in which the benchmark and its search are built. Read by scripts that have "$log" and "set -eu"; gives
# them "$dir", "$out" and fail().
dir=build/bench
out=build/report
mkdir -p build/log "$out"

fail() {
	tail -40 "$log" >&2
	echo "${0##*/}: the build failed; the whole log is in $log" >&2
	exit 1
}

if [ ! -f "$dir/build.ninja" ]; then
	rm -rf "$dir"
	# Leave out the assertions of the port that the library runs on: they are not to be timed.
	# In a kernel neither the library nor Linux's code is position-independent.
	meson setup "$dir" -Dtests=disabled -Dtools=disabled -Db_ndebug=true \
		-Db_staticpic=false -Db_pie=false >"$log" 2>&1 || fail
fi
