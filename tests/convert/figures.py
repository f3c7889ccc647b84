#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""A converted driver's source beside the original: lines, arguments of DMA calls, fields, tests of a map's result.

    figures.py DMAH KERNEL [DRIVER...]

The rows are those of docs/converting.md. Counted is the whole folder, or the one file, of drivers.py. dmah_addr() and
dmah_mapped() are no calls here: they read the handle as the original reads its member.
"""

import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "lab")]

import vm  # noqa: E402
from drivers import DRIVERS, sources  # noqa: E402
from vm import source  # noqa: E402

CALL = re.compile(r"\b(dma_(?:map|unmap)_(?:single|page)(?:_attrs)?|dma_sync_single\w*|dma_mapping_error|skb_frag_dma_map|"
                  r"dma_unmap_(?:addr|len)(?:_set)?|dmah_(?!addr\b|mapped\b)\w+)\s*\(")
FIELD = re.compile(r"^\s+(?:dma_addr_t|struct dmah)\s+\w+(?:\[[^]]*\])?(?:,\s*\w+)*;|\bDEFINE_DMA_UNMAP_(?:ADDR|LEN)\b", re.M)
TEST = re.compile(r"\bdma_mapping_error\s*\(|\bif\s*\(\s*dmah_map_\w+\s*\(|=\s*dmah_map_\w+\s*\(")


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
    """Arguments, fields and tests of all files."""
    texts = [text for _, text in sources(folder)]
    return [sum(arguments(t) for t in texts), sum(len(FIELD.findall(t)) for t in texts), sum(len(TEST.findall(t)) for t in texts)]


def main():
    """Print the rows. Return: the exit status."""
    command, kernel = sys.argv[1:3]
    series = source.Source(kernel)
    print("| driver | sites, converted | lines | call arguments | fields | tests of a map's result |\n|---|---|---|---|---|---|")
    for name in sys.argv[3:] or DRIVERS:
        driver = DRIVERS[name]
        with tempfile.TemporaryDirectory(prefix="dmah-figures-") as work:
            before = driver.copy(series, os.path.join(work, "original"))
            after, report = driver.convert(os.path.abspath(command), series, "plain", work)
            diff = subprocess.run(["git", "diff", "--no-index", "--numstat", before, after], capture_output=True, text=True,
                                  check=False).stdout
            added, removed = (sum(int(line.split("\t")[n]) for line in diff.splitlines()) for n in (0, 1))
            pairs = ["%d to %d" % pair for pair in zip(counts(before), counts(after))]
        print("| %s (%s) | %d, %d | +%d, -%d | %s |" % (name, kernel, report["total"], report["converted"], added, removed,
                                                        " | ".join(pairs)), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except vm.Error as err:
        sys.exit("figures.py: %s" % err)
