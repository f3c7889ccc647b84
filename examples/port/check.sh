#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# Compare the output of the example with the expected one. Usage: check.sh PROGRAM EXPECTED. Prints TAP.
echo 1..1
if out=$("$1") && [ "$out" = "$(cat "$2")" ]; then
	echo 'ok 1 - the example port prints the expected output'
else
	echo 'not ok 1 - the example port prints the expected output'
	printf '%s\n' "$out" | sed 's/^/# /'
fi
