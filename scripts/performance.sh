#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Measure everything that docs/performance.md quotes, in one run of one commit, and put the tables into it.
#
#   scripts/performance.sh                      all of it; wants an idle machine of two CPUs (20 minutes)
#   scripts/performance.sh --only-instructions  instructions and counts alone, which do not depend on the load
set -eu
document=docs/performance.md
out=build/report
traces='traces/nvme_lazy.txt.xz traces/e1000e_lazy.txt.xz'

case ${1-} in
'') how=--instructions ;;
--only-instructions) how=--only-instructions ;;
*)
	echo "performance.sh: unexpected argument: $1" >&2
	exit 2
	;;
esac
mkdir -p "$out"
sh scripts/build.sh
sh scripts/bench.sh $how --markdown "$out/bench.md"
# shellcheck disable=SC2086
build/dmah replay $how --markdown "$out/replay.md" $traces
commit=$(git -c safe.directory='*' describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
printf '<!-- run: commit -->\nCommit %s, %s.\n<!-- end -->\n' "$commit" "$(date -u +%Y-%m-%d)" >"$out/commit.md"
python3 scripts/quote.py $document "$out/bench.md" "$out/replay.md" "$out/commit.md"
echo "tables: $PWD/$document"
