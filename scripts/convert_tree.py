#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Convert a whole kernel tree, and print the tables of docs/converting.md.

    convert_tree.py DMAH SERIES [--jobs N] [--patch FILE] [--json FILE] [--compile S] [--draw N] [--seed S]

The source is Debian's package of that series (lab/vm/source.py); it is only read. --compile checks the
files of the patch by the compiler (convert_compile.py). --draw prints converted sites at random.
--json FILE keeps the command's report, or reads it where the file exists: the tables without the work.
"""

import argparse
import collections
import json
import os
import random
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "lab"))
sys.path.insert(0, os.path.join(ROOT, "tools"))

import convert_compile  # noqa: E402
from convert.rules import POOL, RULES, SCATTER  # noqa: E402
from vm import source  # noqa: E402

# Parts of the tree with drivers. kernel/dma and mm implement the API; include/ declares it.
FOLDERS = ["arch", "block", "crypto", "drivers", "fs", "lib", "net", "samples", "sound"]


# The implementations of the API, of page pools and of XSK pools.
IMPLEMENTATIONS = ("drivers/iommu/", "kernel/dma/", "include/linux/dma", "net/core/page_pool", "net/xdp/",
                   "include/net/page_pool", "include/net/xsk", "include/net/xdp")


def counted(path):
    """Returns true for a site that the rate is of: not in the API's own implementation."""
    return not path.startswith(IMPLEMENTATIONS)


def single(site):
    """Returns true for a site of a mapping of its own: not of a page pool's, an XSK pool's or a list's."""
    words = re.findall(r"\w+", site["address"])
    return site["rule"] not in ("from_pool", "from_scatterlist") and not (POOL | SCATTER) & set(words)


def percent(a, b):
    return "%.1f %%" % (100.0 * a / b) if b else "-"


def table(head, rows):
    print("| %s |\n|%s" % (" | ".join(head), "---|" * len(head)))
    for row in rows:
        print("| %s |" % " | ".join(str(x) for x in row))
    print()


def run(args, tree):
    if args.json and os.path.exists(args.json):
        with open(args.json) as f:
            return json.load(f)
    command = [args.dmah, "convert", "--json", "--kernel", tree, "--jobs", str(args.jobs)]
    command += ["--patch", args.patch] if args.patch else ["--dry-run"]
    command += [os.path.join(tree, f) for f in FOLDERS]
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit("convert_tree.py: dmah convert failed with status %d" % done.returncode)
    report = json.loads(done.stdout)
    report["seconds"] = time.monotonic() - start
    if args.json:
        with open(args.json, "w") as f:
            json.dump(report, f)
    return report


def tables(report):
    sites = [s for s in report["sites"] if counted(s["file"])]
    files = collections.defaultdict(lambda: [0, 0])
    folders = collections.defaultdict(lambda: [0, 0])
    for s in sites:
        parts = s["file"].split("/")
        for group, key in ((files, s["file"]), (folders, "/".join(parts[:3 if parts[1] == "net" else 2]))):
            group[key][0] += 1
            group[key][1] += s["rule"] is None
    good = sum(s["rule"] is None for s in sites)
    whole = sum(a == b for a, b in files.values())
    none = sum(b == 0 for _, b in files.values())
    unmaps = [s for s in sites if "unmap" in s["call"]]
    syncs = [s for s in sites if "sync" in s["call"]]
    converted = lambda some: sum(s["rule"] is None for s in some)
    alone = [s for s in sites if single(s)]
    own = {s["file"] for s in alone}
    own_whole = sum(all(s["rule"] is None for s in alone if s["file"] == f) for f in own)
    table(["", "all", "converted", "share"], [
        ["sites without those of page pools, XSK pools and scatterlists", len(alone), converted(alone),
         percent(converted(alone), len(alone))],
        ["files whole without those sites", len(own), own_whole, percent(own_whole, len(own))],
        ["sites", len(sites), good, percent(good, len(sites))],
        ["unmaps", len(unmaps), converted(unmaps), percent(converted(unmaps), len(unmaps))],
        ["syncs", len(syncs), converted(syncs), percent(converted(syncs), len(syncs))],
        ["files whole", len(files), whole, percent(whole, len(files))],
        ["files in part", len(files), len(files) - whole - none, percent(len(files) - whole - none, len(files))],
        ["files not", len(files), none, percent(none, len(files))]])
    print("Maps converted: %d; of %d the driver asks for the result later or never. Length and direction are "
          "proven from the\nsource for %d converted sites, not for %d.\n" % (
              report["maps"], report["maps_unchecked"], good - report["unproven"], report["unproven"]))
    rules = collections.Counter(s["rule"] for s in sites if s["rule"])
    table(["left", "share", "rule", "reason"],
          [[n, percent(n, len(sites)), "`%s`" % r, RULES[r]] for r, n in rules.most_common()])
    table(["folder", "sites", "converted", "share"],
          [[f, a, b, percent(b, a)] for f, (a, b) in sorted(folders.items(), key=lambda x: -x[1][0])[:16]])
    for place in sorted({s["place"] for s in sites if s["rule"] == "direction"}):
        print("- directions differ: %s" % place)
    for name, n in sorted(report["unknown_calls"].items()):
        print("- not known: %s(), %d calls" % (name, n))


def draw(report, number, seed):
    """Print converted sites at random, to be read against the original."""
    good = sorted((s["file"], s["line"], s["call"]) for s in report["sites"] if s["rule"] is None and counted(s["file"]))
    print("\n%d of %d converted sites, seed %d:\n" % (min(number, len(good)), len(good), seed))
    for path, line, call in sorted(random.Random(seed).sample(good, min(number, len(good)))):
        print("- %s:%d %s" % (path, line, call))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("dmah")
    p.add_argument("series", choices=sorted(source.SUITES))
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    p.add_argument("--compile", type=int, default=0, metavar="S", help="compile what was converted, for so many seconds")
    p.add_argument("--draw", type=int, default=0, metavar="N", help="print so many converted sites at random")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--patch")
    p.add_argument("--json")
    args = p.parse_args()
    args.dmah = os.path.abspath(args.dmah)
    tree = source.Source(args.series).dir
    report = run(args, tree)
    if "seconds" in report:
        print("Linux %s, %.0f s with %d processes\n" % (args.series, report["seconds"], args.jobs))
    tables(report)
    if args.draw:
        draw(report, args.draw, args.seed)
    if args.compile and args.patch:
        real = os.path.realpath(tree)
        return 1 if convert_compile.summary(real, convert_compile.read(real, args.patch), args.series, args.jobs,
                                            args.compile, args.seed) else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
