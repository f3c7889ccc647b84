#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Each public header compiles alone, from C11 and from C++17, with every warning an error. TAP.
set -u
cd "${DMAH_ROOT:-.}" || exit 1
CC=${CC:-gcc}
CXX=${CXX:-g++}
headers=$(find include/dmah -name '*.h' | LC_ALL=C sort)
# shellcheck disable=SC2086
set -- $headers
if [ $# -eq 0 ]; then
	echo '1..1'
	echo 'not ok 1 - include/dmah has headers'
	exit 1
fi
echo "1..$(($# * 2))"
n=0
bad=0

# report NAME COMMAND...: one line of TAP; what the command says follows as comments
report() {
	name=$1
	shift
	n=$((n + 1))
	if out=$("$@" 2>&1); then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "$out" | sed 's/^/# /'
		bad=1
	fi
}

# The header is named by an #include, as a user would: "#pragma once in main file" and unused
# static functions are then judged as in real use. It comes twice, which the guard must bear, and
# before anything else, so that it cannot lean on another header. One declaration follows, because
# C forbids a program without any, and <dmah/version.h> has only macros.
alone() {
	lang=$1
	header=$2
	shift 2
	printf '#include <%s>\n#include <%s>\nextern int program;\n' "${header#include/}" "${header#include/}" |
		"$@" -x "$lang" -Iinclude -fsyntax-only -
}

for h in $headers; do
	report "$h, C11" alone c "$h" "$CC" -std=c11 -Wall -Wextra -Werror -pedantic
	report "$h, C++17" alone c++ "$h" "$CXX" -std=c++17 -Wall -Wextra -Werror
done
exit $bad
