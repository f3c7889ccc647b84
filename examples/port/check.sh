#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# Whether the example prints what it should. Usage: check.sh PROGRAM EXPECTED; the answer is TAP.
echo 1..1
if out=$("$1") && [ "$out" = "$(cat "$2")" ]; then
	echo 'ok 1 - the example port prints what it should'
else
	echo 'not ok 1 - the example port prints what it should'
	printf '%s\n' "$out" | sed 's/^/# /'
fi
