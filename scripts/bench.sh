#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Build the benchmark in build/bench, with Linux's own code beside the library where its source can be had, run it, and
# leave its rows and report in build/report.
#
#   scripts/bench.sh [options of dmah-bench]
set -eu
log=build/log/bench.log
# shellcheck source=scripts/bench-setup.sh
. scripts/bench-setup.sh

peer=
if [ -f bench/peers/linux/build.sh ]; then
	if version=$(sh bench/peers/linux/build.sh "$dir/peer" 2>build/log/bench-peer.log) &&
		[ -f "$dir/peer/liblinux-peer.a" ]; then
		peer=$PWD/$dir/peer/liblinux-peer.a
		echo "Linux's own code: $version"
	else
		echo "bench.sh: Linux's own code cannot be built (build/log/bench-peer.log says why)"
	fi
fi
# The flags of Linux's code, which is written for them, for both sides.
meson configure "$dir" -Dlinux_peer="$peer" -Dc_args='-fno-strict-aliasing -fwrapv' >"$log" 2>&1 || fail
ninja -C "$dir" -j "${JOBS:-2}" bench/dmah-bench >>"$log" 2>&1 || fail

# Check that Linux's own code maps rightly before comparing with it.
selftest=$dir/peer/linux-peer-selftest
tap=build/log/bench-check.tap
: >"$tap"
if [ -n "$peer" ] && [ -x "$selftest" ]; then
	CMOCKA_MESSAGE_OUTPUT=TAP "$selftest" >"$tap" 2>&1 || true
	if grep -q '^not ok' "$tap" || ! grep -q '^ok' "$tap"; then
		echo "bench.sh: Linux's own code fails its self test: $tap" >&2
		exit 1
	fi
fi

case " $* " in
*' --smoke '*)
	# Run every case once, checked and not timed, and the self test of Linux's own code.
	"$dir/bench/dmah-bench" "$@" >>"$tap" 2>&1 || true
	grep '^not ok' "$tap" || true
	passed=$(grep -c '^ok' "$tap" || true)
	failed=$(grep -c '^not ok' "$tap" || true)
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" = 0 ] && [ "$passed" -gt 100 ]
	exit
	;;
# Without times, write only the files that the options ask for.
*' --only-instructions '*) exec "$dir/bench/dmah-bench" "$@" ;;
esac
status=0
"$dir/bench/dmah-bench" --json "$out/bench.json" --report "$out/bench.html" "$@" || status=$?
echo "rows:   $PWD/$out/bench.json"
echo "report: $PWD/$out/bench.html"
exit $status
