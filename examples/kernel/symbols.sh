#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
# Print the table of functions of a linked kernel as assembly, for symbol_of(). Usage: symbols.sh NM KERNEL
echo '.section .symbols, "a"; .balign 8; .globl symbols; symbols:'
[ -z "$2" ] || "$1" -n "$2" | awk '$2 ~ /^[tT]$/ { printf ".quad 0x%s, %df\n", $1, NR; names = names sprintf("%d: .asciz \"%s\"\n", NR, $3) }
	END { print ".quad 0, 0"; printf "%s", names }'
[ -n "$2" ] || echo '.quad 0, 0'
echo '.section .note.GNU-stack, "", %progbits'
