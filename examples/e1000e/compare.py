#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Count what handles change in a driver's receive path, in the sources beside this file.

Prints a table. With --write, the table goes into README.md. With --check, a TAP test compares the
table in README.md with the sources.
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(HERE, "README.md")
BEGIN = "<!-- compare.py writes from here -->\n"
END = "<!-- to here -->\n"
# Bytes of a field on a 64-bit host.
BYTES = {"dmah_phys_t": 8, "dmah_addr_t": 8, "struct dmah": 32}


def source(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        text = f.read()
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def lines(text):
    return sum(1 for line in text.splitlines() if line.strip() and not line.startswith("#"))


def arguments(text, at):
    """Return the arguments of a call whose opening parenthesis is just before @at."""
    depth, out = 1, [""]
    while depth:
        c = text[at]
        depth += {"(": 1, ")": -1}.get(c, 0)
        if c == "," and depth == 1:
            out.append("")
        elif depth:
            out[-1] += c
        at += 1
    return [" ".join(a.split()) for a in out]


def calls(text):
    """Return (act, arguments) for each call that maps, unmaps or syncs."""
    out = []
    for found in re.finditer(r"\bdmah_(?:addr_)?(map|unmap|sync)\w*\(", text):
        out.append((found.group(1), arguments(text, found.end())))
    return out


def fields(text, form):
    body = re.search(r"struct slot_by_%s \{(.*?)\};" % form, text, re.S).group(1)
    return [f.rsplit(None, 1)[0].strip() for f in body.split(";") if f.strip()]


def count(form):
    head, body = source("rx_by_%s.h" % form), source("rx_by_%s.c" % form)
    # dmah_mapped() does not map: leave it out of the count.
    made = calls(body.replace("dmah_mapped", "is_mapped"))
    again = [a for what, args in made if what != "map" for a in args
             if a == "E1000E_BUFFER" or re.match(r"DMAH_(TO|FROM)_DEVICE$", a)]
    idle = re.findall(r"\bDMAH_BAD_ADDR\b|\bdmah_mapped\b", body)
    slot = fields(head, form)

    def most(which):
        return max(len(args) for what, args in made if what == which)

    return [("lines", lines(head) + lines(body)),
            ("calls that map, unmap and sync", len(made)),
            ("arguments of a map", most("map")),
            ("arguments of an unmap", most("unmap")),
            ("arguments of a sync", most("sync")),
            ("length or direction stated again after the map", len(again)),
            ("places that set or test \"not mapped\"", len(idle)),
            ("fields of a slot", len(slot)),
            ("bytes of a slot", sum(BYTES[t] for t in slot))]


def table():
    rows = ["| | by address | by handle |", "|---|---|---|"]
    for (what, before), (_, after) in zip(count("address"), count("handle")):
        rows.append("| %s | %d | %d |" % (what, before, after))
    return "\n".join(rows) + "\n"


def main():
    with open(README, encoding="utf-8") as f:
        text = f.read()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    if sys.argv[1:] == ["--check"]:
        same = text[begin:end] == table()
        print("1..1\n%s 1 - the table in examples/e1000e/README.md is what compare.py counts"
              % ("ok" if same else "not ok"))
        sys.exit(0 if same else 1)
    if sys.argv[1:] == ["--write"]:
        with open(README, "w", encoding="utf-8") as f:
            f.write(text[:begin] + table() + text[end:])
    elif sys.argv[1:]:
        sys.exit("usage: compare.py [--check | --write]")
    print(table(), end="")


if __name__ == "__main__":
    main()
