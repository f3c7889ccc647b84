#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Print the table of functions that symbol_of() reads, as assembly.
#
#   symbols.sh              an empty table, for the first link
#   symbols.sh NM KERNEL    the functions of the kernel that was linked with the empty table
echo '.section .symbols, "a"; .balign 8; .globl symbols; symbols:'
if [ $# = 2 ]; then
	"$1" -n "$2" | awk '
		$2 ~ /^[tT]$/ {
			printf ".quad 0x%s, %df\n", $1, NR
			names = names sprintf("%d: .asciz \"%s\"\n", NR, $3)
		}
		END { print ".quad 0, 0"; printf "%s", names }'
else
	echo '.quad 0, 0'
fi
echo '.section .note.GNU-stack, "", %progbits'
