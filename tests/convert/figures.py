#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""A converted driver's source beside the original: lines, arguments of DMA calls, fields, tests of a map's result.

    figures.py [--json FILE] DMAH KERNEL [DRIVER...]

The rows are those of docs/converting.md. Counted is the whole folder, or the files that drivers.py names. dmah_addr() and
dmah_mapped() are no calls here: they read the handle as the original reads its member. Resets are assignments of 0, or of an idle
handle, to what holds an address. The second table has the sites of QEMU's devices' drivers that are left, each with its reason.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "lab")]

import vm  # noqa: E402
from drivers import DRIVERS, LEFT, Driver, sources  # noqa: E402
from vm import source  # noqa: E402

CALL = re.compile(r"\b(dma_(?:map|unmap)_(?:single|page)(?:_attrs)?|dma_sync_single\w*|dma_mapping_error|skb_frag_dma_map|"
                  r"dma_unmap_(?:addr|len)(?:_set)?|dmah_(?!addr\b|mapped\b)\w+)\s*\(")
FIELD = re.compile(r"^\s+(?:dma_addr_t|struct dmah)\s+\w+(?:\[[^]]*\])?(?:,\s*\w+)*;|\bDEFINE_DMA_UNMAP_(?:ADDR|LEN)\b", re.M)
TEST = re.compile(r"\bdma_mapping_error\s*\(|!\s*dmah_mapped\s*\(|\bif\s*\(\s*dmah_map_\w+\s*\(|=\s*dmah_map_\w+\s*\(")
NAME = re.compile(r"^\s+(?:dma_addr_t|struct dmah)\s+(\w+)(?:\[[^]]*\])?;", re.M)


def arguments(text):
    """The number of arguments of all DMA calls of single buffers."""
    total = 0
    for m in CALL.finditer(text):
        depth, commas, empty = 1, 0, True
        for c in text[m.end():]:
            if c in "([{":
                depth += 1
            elif c in ")]}":
                depth -= 1
                if not depth:
                    break
            elif c == "," and depth == 1:
                commas += 1
            empty = empty and c.isspace()
        total += 0 if empty else commas + 1
    return total


def counts(folder):
    """Arguments, fields, tests and resets of all files."""
    texts = [text for _, text in sources(folder)]
    names = sorted({n for t in texts for n in NAME.findall(t)})
    reset = re.compile(r"(?:->|\.)(?:%s)(?:\[[^]]*\])?\s*=\s*(?:0\s*;|\(struct dmah\)\s*\{)" % "|".join(names or ["-"]))
    return [sum(arguments(t) for t in texts)] + [sum(len(e.findall(t)) for t in texts) for e in (FIELD, TEST, reset)]


def row(command, series, kernel, name):
    """The figures of one driver, as a dictionary."""
    driver = DRIVERS[name]
    with tempfile.TemporaryDirectory(prefix="dmah-figures-") as work:
        before = driver.copy(series, os.path.join(work, "original"))
        after, report = driver.convert(os.path.abspath(command), series, "plain", work)
        diff = subprocess.run(["git", "diff", "--no-index", "--numstat", before, after], capture_output=True, text=True,
                              check=False).stdout
        added, removed = (sum(int(line.split("\t")[n]) for line in diff.splitlines()) for n in (0, 1))
        return {"driver": name, "kernel": kernel, "total": report["total"], "converted": report["converted"], "added": added,
                "removed": removed, "pairs": list(zip(counts(before), counts(after))), "left": left(report)}


def left(report):
    """[file, line, call, reason] of each site that is left."""
    return [[os.path.basename(s["file"]), s["line"], s["call"], s["rule"]] for s in report["sites"] if s["rule"]]


def not_run(command, series, kernel, name):
    """A driver of LEFT, as a dictionary."""
    folder, files = LEFT[name]
    with tempfile.TemporaryDirectory(prefix="dmah-figures-") as work:
        _, report = Driver(name, folder, "", files=files).convert(os.path.abspath(command), series, "plain", work)
        return {"driver": name, "kernel": kernel, "total": report["total"], "converted": report["converted"],
                "left": left(report)}


def table(rows):
    """The first table."""
    out = ["| driver | sites, converted | lines | call arguments | fields | tests of a map's result | resets |",
           "|---|---|---|---|---|---|---|"]
    for r in rows:
        out.append("| %s (%s) | %d, %d | +%d, -%d | %s |" % (
            r["driver"], r["kernel"], r["total"], r["converted"], r["added"], r["removed"],
            " | ".join("%d to %d" % tuple(p) for p in r["pairs"])))
    return out


def left_table(rows, reasons):
    """The second table: one line for each driver, file and reason."""
    out = ["| driver | sites, converted | left: file and lines | reason |", "|---|---|---|---|"]
    for r in rows:
        groups = {}
        for file, line, _, rule in r["left"]:
            groups.setdefault((file, rule), []).append(line)
        name = "%s (%s) | %d, %d" % (r["driver"], r["kernel"], r["total"], r["converted"])
        if not r["total"]:
            out.append("| %s | | its buffers are scatterlists, coherent memory, or mapped by another module |" % name)
        for (file, rule), lines in groups.items():
            out.append("| %s | %s: %s | %s [`%s`] |" % (name, file, ", ".join(map(str, sorted(lines))),
                                                         reasons.get(rule, rule), rule))
    return out


def main():
    """Print the rows. Return: the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("dmah", help="the command")
    parser.add_argument("kernel", choices=["6.12", "7.3"])
    parser.add_argument("driver", nargs="*", help="default: all")
    args = parser.parse_args()
    series = source.Source(args.kernel)
    runs = [name for name, d in DRIVERS.items() if not d.series or args.kernel in d.series]
    rows = [row(args.dmah, series, args.kernel, name) for name in args.driver or runs]
    others = [] if args.driver else [not_run(args.dmah, series, args.kernel, name) for name in LEFT if name not in runs]
    sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
    from convert.rules import RULES  # pylint: disable=import-outside-toplevel
    print("\n".join(table(rows) + [""] + left_table([r for r in rows if r["left"]] + others, RULES)))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"rows": rows, "others": others}, f, indent=1)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except vm.Error as err:
        sys.exit("figures.py: %s" % err)
