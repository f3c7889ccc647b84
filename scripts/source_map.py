#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Check docs/source-map.md, the page that names the tests of each source file. Findings, one a line:

  - a source file below src/, drivers/, lab/, tools/, ports/, bench/ or examples/ that no row covers;
  - a row that covers no file;
  - a suite that no meson.build declares.

A row's first cell names files and folders (`src/pt/`, all below it), the second suites.
"""

import os
import re
import sys

sys.dont_write_bytecode = True

import tree

PLACES = ("src/", "drivers/", "lab/", "tools/", "ports/", "bench/", "examples/", "include/")
ROW = re.compile(r"^\| ((?:`[^`]+`(?:, )?)+) \| ([^|]*) \|", re.MULTILINE)


def check(root):
    names = tree.files(root)
    sources = [f for f in names if f.startswith(PLACES) and f.endswith((".c", ".h", ".py", ".rs"))]
    builds = "".join(tree.read(root, f) for f in names if f.endswith("meson.build"))
    declared = set(re.findall(r"'([\w-]+)'", " ".join(re.findall(r"suite:[^\n]*", builds))))
    findings = []
    covered = {}
    page = "docs/source-map.md"
    if page not in names:
        return ["%s is missing" % page]
    for left, right in ROW.findall(tree.read(root, page)):
        for pattern in re.findall(r"`([^`]+)`", left):
            found = [f for f in sources if f == pattern or (pattern.endswith("/") and f.startswith(pattern))]
            if not found:
                findings.append("%s: %s is no source file" % (page, pattern))
            covered.update((f, right) for f in found)
        suites = re.findall(r"`([^`]+)`", right)
        if not suites:
            findings.append("%s: no suite for %s" % (page, left))
        findings += ["%s: there is no suite %s" % (page, s) for s in suites if s not in declared]
    for f in sources:
        # A header of the library belongs to the file of its name.
        if f not in covered and not (f.startswith("src/") and f.endswith(".h")):
            findings.append("%s: no row covers it in %s" % (f, page))
    return findings


def main():
    findings = check(sys.argv[1] if len(sys.argv) > 1 else tree.ROOT)
    for line in findings:
        print(line)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
