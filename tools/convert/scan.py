# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""A count of the calls by text alone, which knows nothing of the parser.

The converter counts the sites of each file before and after its edits with it. Where its own count
differs, the group is reverted: a call that the parser did not see is not passed over in silence.
"""

import re

from .rules import MAPS, SITES

HIDE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
SITE = re.compile(r"\b(%s)\s*\(" % "|".join(sorted(SITES, key=len, reverse=True)))
MAP = re.compile(r"\b(%s)\s*\(" % "|".join(sorted(MAPS, key=len, reverse=True)))
HANDLE = re.compile(r"\bdmah_(unmap(?:_attrs|_expect)?|sync_for_(?:cpu|device)(?:_expect)?)\s*\(")
DECLARES = re.compile(r"^(?!\s*(return|else|case)\b)\s*(static|extern|inline|const|struct|void|int|bool"
                      r"|dma_addr_t)\b[^=;(]*$")


def hidden(text):
    """The text with comments and the contents of strings blanked; offsets stay."""
    return HIDE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def has_sites(text):
    """Returns true if a text has calls that unmap or sync."""
    return "dma_" in text and SITE.search(text) is not None and bool(calls(text))


def calls(text, pattern=SITE):
    """(line, name, in a macro) of each call, but declarations of functions of that name."""
    text = hidden(text)
    macros = [(m.start(), m.end()) for m in re.finditer(r"^[ \t]*#[ \t]*define\b(?:\\\r?\n|[^\n])*", text,
                                                        re.M)]
    out = []
    for m in pattern.finditer(text):
        start = text.rfind("\n", 0, m.start()) + 1
        macro = any(a <= m.start() < b for a, b in macros)
        if not macro and DECLARES.match(text[start:m.start()]):
            continue
        out.append((text.count("\n", 0, m.start()) + 1, m.group(1), macro))
    return out
