#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Search for workloads in which one call of an IOVA allocator takes many steps: in Linux's own code, of each series whose source
# can be had, and in this library. docs/performance.md says what was found.
#
#   scripts/lockup.sh                    the search at length (4 minutes of CPU); build/report/lockup.txt
#   scripts/lockup.sh --short            a short search, and the published trace replayed: for a test
#   scripts/lockup.sh --markdown FILE    the table of docs/performance.md
#   scripts/lockup.sh [options]          of dmah-lockup
set -eu
log=build/log/lockup.log
trace=bench/lockup/smallest.txt
# shellcheck source=scripts/bench-setup.sh
. scripts/bench-setup.sh
ninja -C "$dir" -j "${JOBS:-2}" bench/dmah-lockup >>"$log" 2>&1 || fail

libraries=
for series in 7.3 6.12; do
	if so=$(sh bench/peers/linux/iova.sh "$dir/peer" $series 2>>"$log"); then
		libraries="$libraries $so"
	else
		echo "lockup.sh: without Linux $series, whose source is not available ($log says why)"
	fi
done
case ${1-} in
'')
	# shellcheck disable=SC2086
	"$dir/bench/dmah-lockup" --starts 16 --changes 100 --mappings 512 --scale --trace "$out/lockup-smallest.txt" $libraries |
		tee "$out/lockup.txt"
	;;
--markdown)
	# shellcheck disable=SC2086
	"$dir/bench/dmah-lockup" --starts 6 --changes 80 --mappings 8192 --scale --markdown "$2" $libraries
	;;
--short)
	# shellcheck disable=SC2086
	"$dir/bench/dmah-lockup" --replay $trace $libraries
	# shellcheck disable=SC2086
	"$dir/bench/dmah-lockup" --starts 4 --changes 40 --mappings 512 $libraries
	;;
*)
	# shellcheck disable=SC2086
	"$dir/bench/dmah-lockup" "$@" $libraries
	;;
esac
