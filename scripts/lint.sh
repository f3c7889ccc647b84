#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Check the source text without compiling it.
#
#   scripts/lint.sh          findings on the terminal, last line as in `make test`
#   scripts/lint.sh --tap    the same as TAP
#   scripts/lint.sh --fix    put every C file into the project's style
set -u
cd "${DMAH_ROOT:-.}" || exit 1
[ -f .clang-format ] || {
	echo "lint.sh: run it at the top of the source tree" >&2
	exit 2
}
mode=${1:---text}

clang_format=
for c in clang-format-14 clang-format; do
	command -v $c >/dev/null 2>&1 && clang_format=$c && break
done
if [ "$mode" = --fix ]; then
	[ -n "$clang_format" ] || {
		echo "lint.sh: clang-format-14 is not installed" >&2
		exit 2
	}
fi

# Files of the source tree that match a pattern: what git tracks or would track; in an unpacked
# archive everything outside build/.
files() {
	if [ -e .git ] && command -v git >/dev/null 2>&1 &&
		git -c safe.directory='*' ls-files -co --exclude-standard >/dev/null 2>&1; then
		git -c safe.directory='*' ls-files -co --exclude-standard
	else
		find . -path ./build -prune -o -path ./.git -prune -o -type f -print | sed 's,^\./,,'
	fi | LC_ALL=C sort | grep -E "$1" | while read -r f; do
		[ -f "$f" ] && echo "$f"
	done
}

C='\.(c|h|inc|cc)$'
SOURCE='(\.(c|h|inc|cc|py|sh|build|ini|1|S|awk|gp|gnuplot)|(^|/)(Makefile|meson_options\.txt|run|\.clang-format))$'

if [ "$mode" = --fix ]; then
	files "$C" | xargs -r -d '\n' $clang_format -i --style=file
	exit
fi

n=0
bad=0
say() { # NAME FINDINGS
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "$2" | sed 's/^/# /'
		bad=$((bad + 1))
	fi
}

style() {
	[ -n "$clang_format" ] || {
		echo "clang-format-14 is not installed"
		return
	}
	# The file and line of each deviation is enough; the text can be had from make format.
	files "$C" | xargs -r -d '\n' -n 20 $clang_format --dry-run --style=file 2>&1 |
		grep -E '^[^ ].*:[0-9]+:[0-9]+: ' | cut -d: -f1,2 | uniq | head -60
}

licence() {
	files "$SOURCE" | while read -r f; do
		head -3 "$f" | grep -q 'SPDX-License-Identifier: ' || echo "$f: no SPDX line"
	done
}

whitespace() {
	files "$SOURCE|\.(md|txt|html)$" |
		grep -vE '^LICENSES/|^traces/|/(corpus|data|cases)/' | xargs -r -d '\n' \
		grep -nE '[[:space:]]$' -- /dev/null | cut -d: -f1,2 | sed 's/$/: white space at the end/'
}

scripts() {
	files '(\.sh|^\.ci/run)$' | while read -r f; do
		case $(head -1 "$f") in
		*bash) bash -n "$f" 2>&1 ;;
		*) sh -n "$f" 2>&1 ;;
		esac
		[ -x "$f" ] || echo "$f: is not executable"
	done
	# compile() and not py_compile: nothing is to be left in the tree
	files '\.py$' | while read -r f; do
		python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$f" \
			2>&1 | tail -1
	done
}

# A folder of tests that tests/meson.build does not name would never run.
suites() {
	for f in tests/*/meson.build; do
		[ -f "$f" ] || continue
		d=${f#tests/}
		d=${d%/meson.build}
		grep -qE "'$d('|/)" tests/meson.build || echo "tests/meson.build does not name $d"
	done
}

tap() {
	echo '1..8'
	say 'C files are in the style of .clang-format (make format does it)' "$(style)"
	say 'every source file names its licence' "$(licence)"
	say 'no white space at the end of a line' "$(whitespace)"
	say 'scripts parse and are executable' "$(scripts)"
	say 'every folder of tests is run' "$(suites)"
	say 'includes follow the table of ARCHITECTURE.md' "$(python3 scripts/layers.py 2>&1)"
	say 'comments and documents keep to the language of CONTRIBUTING.md' "$(python3 scripts/language.py 2>&1)"
	say 'docs/source-map.md names the tests of every source file' "$(python3 scripts/source_map.py 2>&1)"
	[ $bad = 0 ]
}

if [ "$mode" = --tap ]; then
	tap
	exit
fi
text=$(tap | sed -n 's/^not ok [0-9]* - /FAILED: /p; s/^ok [0-9]* - /ok: /p; s/^# /  /p')
echo "$text"
failed=$(echo "$text" | grep -c '^FAILED: ')
echo "$(echo "$text" | grep -c '^ok: ') passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
