#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Check that the folder that `make dist` leaves is all that a program needs, and that the version is one. TAP.
set -u
root=${DMAH_ROOT:?}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
. "$root/tests/packaging/tap.sh"
CC=${CC:-gcc}

text=$(python3 "$root/scripts/amalgamate.py" --dist "$work/dist" 2>&1)
report 'the folder is made' $? "$text"
text=$(cd "$work" && "$CC" -std=gnu11 -O2 -Wall -Wextra -Werror -Idist -o port dist/dmah.c \
	"$root/examples/port/main.c" "$root/examples/port/port.c" 2>&1)
report 'a program is built from it, without warnings' $? "$text"
text=$("$work/port") && [ "$text" = "$(cat "$root/examples/port/expected.txt")" ]
report 'the program prints the expected output' $? "$text"

cat >"$work/version.c" <<'C'
#include <dmah/version.h>
#include <stdio.h>
int main(void)
{
	printf("%s %d.%d.%d %d\n", DMAH_VERSION, DMAH_VERSION_MAJOR, DMAH_VERSION_MINOR, DMAH_VERSION_PATCH,
	       DMAH_VERSION_NUMBER);
	return 0;
}
C
"$CC" -I"$work/dist" -o "$work/version" "$work/version.c" && text=$("$work/version")
project=$(sed -n "s/^  version: '\(.*\)',/\1/p" "$root/meson.build")
number=$(echo "$project" | awk -F. '{ print $1 * 10000 + $2 * 100 + $3 }')
[ "$text" = "$project $project $number" ]
report 'dmah/version.h and meson.build name one version' $? "header: $text; meson.build: $project"
grep -q "^## $project" "$root/CHANGELOG.md"
report 'CHANGELOG.md has a section for that version' $? "no line '## $project'"
leave
