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

# Build the code of one version of Linux; its library is in $peer, which is empty where it cannot be built.
build_peer() { # SERIES FOLDER [PREFIX]
	peer=
	if version=$(LINUX_PEER_SERIES=${LINUX_PEER_SERIES:-$1} sh bench/peers/linux/build.sh "$dir/$2" $3 2>"build/log/bench-$2.log") &&
		[ -f "$dir/$2/liblinux-peer.a" ]; then
		peer=$PWD/$dir/$2/liblinux-peer.a
		echo "Linux's own code: $version"
	else
		echo "bench.sh: Linux $1's own code cannot be built (build/log/bench-$2.log says why)"
	fi
}

peer73=
if [ -f bench/peers/linux/build.sh ]; then
	build_peer 7.3 peer73 linux73
	peer73=$peer
	build_peer 6.12 peer ''
fi
# The flags of Linux's code, which is written for them, for both sides.
configure() { # COMMAND...
	"$@" "$dir" -Dlinux_peer="$peer" -Dlinux73_peer="$peer73" \
		-Dc_args='-fno-strict-aliasing -fwrapv -ftls-model=local-exec' >"$log" 2>&1
}
# A folder that was set up before an option was new must be set up again.
configure meson configure || configure meson setup --reconfigure || fail
ninja -C "$dir" -j "${JOBS:-2}" bench/dmah-bench >>"$log" 2>&1 || fail

# Check that Linux's own code maps rightly before comparing with it.
tap=build/log/bench-check.tap
: >"$tap"
for folder in ${peer:+peer} ${peer73:+peer73}; do
	[ -x "$dir/$folder/linux-peer-selftest" ] || continue
	CMOCKA_MESSAGE_OUTPUT=TAP "$dir/$folder/linux-peer-selftest" >"$tap.$folder" 2>&1 || true
	cat "$tap.$folder" >>"$tap"
	if grep -q '^not ok' "$tap.$folder" || ! grep -q '^ok' "$tap.$folder"; then
		echo "bench.sh: Linux's own code fails its self test: $tap.$folder" >&2
		exit 1
	fi
done

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
