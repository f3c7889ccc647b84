#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Replay the clean bundled traces (all but those of the driver that is wrong on purpose) and leave
# report and plot in build/report.
set -eu
out=build/report
mkdir -p "$out"
set --
for t in traces/*.xz; do
	case $t in
	traces/buggy_*) ;;
	*) set -- "$@" "$t" ;;
	esac
done
status=0
build/dmah replay --report "$out/replay.html" --plot "$out/replay.svg" "$@" || status=$?
[ -f "$out/replay.html" ] && echo "report: $PWD/$out/replay.html"
[ -f "$out/replay.svg" ] && echo "plot:   $PWD/$out/replay.svg"
if [ $status -ne 0 ]; then
	echo "dmah replay: exit status $status" >&2
fi
exit $status
