#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Measure everything that docs/performance.md and README.md quote, in one run of one commit, and put the tables into them.
#
#   scripts/performance.sh                      all of it; wants an idle machine of two CPUs (20 minutes)
#   scripts/performance.sh --short              times each row for a third as long (6 minutes)
#   scripts/performance.sh --only-instructions  instructions and counts alone, which do not depend on the load
set -eu
out=build/report
traces='traces/nvme_lazy.txt.xz traces/e1000e_lazy.txt.xz'

case ${1-} in
'' | --short | --only-instructions) ;;
*)
	echo "performance.sh: unexpected argument: $1" >&2
	exit 2
	;;
esac
mkdir -p "$out"
sh scripts/build.sh
# Build all first: then neither of the two lines of work below finds anything to build.
{ sh scripts/bench.sh --rows && sh scripts/lockup.sh --help; } >"$out/build.log" 2>&1 || {
	tail -20 "$out/build.log" >&2
	exit 1
}
# Count on both CPUs, which no count depends on; then time on an idle machine.
# shellcheck disable=SC2086
{
	build/dmah replay --only-instructions --markdown "$out/replay.md" $traces &&
		sh scripts/lockup.sh --markdown "$out/lockup.md" &&
		python3 bench/strict_model.py --markdown "$out/model.md"
} >"$out/beside.log" 2>&1 &
beside=$!
{
	sh scripts/bench.sh --only-instructions --json "$out/counts.json" --markdown "$out/bench.md" &&
		python3 bench/profile.py build/bench/bench/dmah-bench --markdown "$out/profile.md"
} >"$out/counts.log" 2>&1 || {
	tail -20 "$out/counts.log" >&2
	exit 1
}
wait $beside || {
	tail -20 "$out/beside.log" >&2
	exit 1
}
case ${1-} in
--only-instructions) ;;
*) sh scripts/bench.sh ${1-} --counts "$out/counts.json" --markdown "$out/bench.md" ;;
esac
commit=$(git -c safe.directory='*' describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
printf '<!-- run: commit -->\nCommit %s, %s.\n<!-- end -->\n' "$commit" "$(date -u +%Y-%m-%d)" >"$out/commit.md"
for document in docs/performance.md README.md; do
	python3 scripts/quote.py $document "$out/bench.md" "$out/replay.md" "$out/model.md" "$out/lockup.md" "$out/profile.md" \
		"$out/commit.md"
	echo "tables: $PWD/$document"
done
