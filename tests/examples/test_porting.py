#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Compares docs/porting.md with the sources: code, functions, figures."""

import os
import re
import shutil
import sys

sys.dont_write_bytecode = True

import stack  # noqa: E402
from tap import Tap  # noqa: E402

ROOT = stack.ROOT
COMPILERS = ["gcc", "aarch64-linux-gnu-gcc", "arm-linux-gnueabihf-gcc", "riscv64-linux-gnu-gcc"]
BLOCK = re.compile(r"^<!-- (examples/\S+) -->\n```c\n(.*?)^```$", re.M | re.S)
KERNEL = ["main.c", "host.c", "x86/host.c", "arm64/host.c", "x86/iommu.c", "x86/vtd.c", "x86/amdvi.c", "arm64/iommu.c"]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def check_code(tap, guide):
    """Every block of code is in the file that its comment names."""
    blocks = BLOCK.findall(guide)
    wrong = ["%s: %s" % (path, code.splitlines()[0]) for path, code in blocks
             if code not in read(path)]
    unnamed = guide.count("\n```c\n") - len(blocks)
    tap.ok(len(blocks) >= 10 and not wrong and not unnamed, "code is that of the example",
           "\n".join(wrong + ["%d blocks of C without a file" % unnamed]))


def check_host(tap, guide):
    """Every function of the contract has a row, and its header an example and a context."""
    header = read("include/dmah/host.h")
    names = re.findall(r"^#ifndef (dmah_host_\w+)$", header, re.M)
    missing = [n for n in names if not re.search(r"^\| `%s` \|" % n, guide, re.M)]
    tap.ok(names and not missing, "every host function has a row", "\n".join(missing))
    count = re.search(r"provides these (\d+) functions", header)
    stated = re.search(r"the (\d+) host functions", guide)
    tap.ok(count and stated and int(count.group(1)) == int(stated.group(1)) == len(names),
           "their number is right", "%d functions" % len(names))
    docs = dict(re.findall(r"^/\*\*\n \* (dmah_host_\w+)\(\) - (.*?)^ \*/", header, re.M | re.S))
    bare = [n for n in names if n not in docs or "Example:" not in docs[n]]
    tap.ok(not bare, "every host function has a worked example in its header", "\n".join(bare))


def check_walk(tap, guide):
    """Every function of the example's kernel part is named."""
    names = set()
    for path in KERNEL:
        names |= set(re.findall(r"^(?:static )?[\w *()]*?\b(\w+)\([^;]*\)\n\{",
                                read("examples/kernel/" + path), re.M))
    small = {"fill", "holds", "step", "host_rmb"}
    missing = sorted(n for n in names - small if not re.search(r"\b%s\b" % n, guide))
    tap.ok(len(names) > 30 and not missing, "the guide names every function of the example",
           "\n".join(missing))


def limits(guide):
    """[(functions or a class, bytes)] of the table of stack."""
    table = guide.split("<!-- stack:")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (.*?) \| ([\d,]+) \|$", table, re.M)
    return [(text, int(size.replace(",", ""))) for text, size in rows]


def row_of(name, rows):
    """The row of a function: the one that names it, else by its kind."""
    for text, size in rows:
        if "`%s`" % name in text:
            return text, size
    sync = "syncs by" if re.search("addr|page", name) else "all"
    kinds = [(r"sync", lambda t: t.startswith(sync)),
             (r"map|replace|ring_(push|pop)|coherent", lambda t: t.startswith("map,"))]
    for pattern, test in kinds:
        if re.search(pattern, name):
            return [(t, s) for t, s in rows if test(t)][0]
    return rows[-1]


def check_stack(tap, guide):
    rows = limits(guide)
    calls = stack.call_graph("gcc", ["-O2"])
    for cc in COMPILERS:
        if not shutil.which(cc):
            continue
        wrong = []
        for name, (size, path) in stack.measure(cc, ["-O2"], calls).items():
            text, limit = row_of(name, rows)
            if size > limit:
                wrong.append("%s: %d bytes, more than %d (%s): %s" % (name, size, limit, text,
                                                                      " > ".join(path)))
        tap.ok(not wrong, "stack, %s" % cc, "\n".join(wrong))


def main():
    tap = Tap()
    guide = read("docs/porting.md")
    check_code(tap, guide)
    check_host(tap, guide)
    check_walk(tap, guide)
    check_stack(tap, guide)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
