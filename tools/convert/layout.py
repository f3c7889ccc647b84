# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The layout of the lines that the edits write."""

import re

WIDTH = 80
EMPTY = "(struct dmah){ }"


def column(text):
    """The column that a line's text ends at, tabs of 8."""
    n = 0
    for c in text[text.rfind("\n") + 1:]:
        n = n + 8 - n % 8 if c == "\t" else n + 1
    return n


def indent(n):
    return "\t" * (n // 8) + " " * (n % 8)


def flat(text):
    """An argument on one line, where no // comment forbids it."""
    return text if "//" in text else re.sub(r"\s*\n\s*", " ", text).strip()


def layout(before, name, args):
    """A call's text, its arguments aligned behind "(" where the line would be too long."""
    whole = "%s(%s)" % (name, ", ".join(args))
    start = column(before) + len(name) + 1
    if column(before) + len(whole) + 2 <= WIDTH or "\n" in whole or start > WIDTH - 20:
        return whole
    lines, at = [[]], start
    for i, a in enumerate(args):
        if lines[-1] and at + len(a) + 2 > WIDTH:
            lines.append([])
            at = start
        lines[-1].append(a + ("," if i + 1 < len(args) else ""))
        at += len(a) + 2
    return name + "(" + ("\n" + indent(start)).join(" ".join(l) for l in lines) + ")"
