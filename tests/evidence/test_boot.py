#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""One kernel, few repeats: what must be true of any run of bench/linux, as TAP.

    test_boot.py [TREE]

TREE: the source tree that dmah.ko is built from, where it is not this one: a broken copy, to see this fail.
"""

import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench", "linux"))

import evidence  # noqa: E402
import figures  # noqa: E402
import report  # noqa: E402
from boots import LIVE, Trouble, vm  # noqa: E402

MACHINE = "6.12-lazy"
PASSES = 3
SYNCS = ("sync_cpu", "sync_device")
# The kernel's own function for each call of the DMA API, on a trusted device that is coherent.
LOOKED_UP = {"page": {"map": 0, "unmap": 1}, "sg": {"map": 0, "unmap": 0}, "wrap": {"map": 0, "unmap": 1}}


def rows(tap, run):
    missing, odd = [], []
    for case in [c for c, _ in figures.CASES if c not in figures.POOL_ONLY]:
        sizes = [4096] if case == "page-first" else figures.SIZES
        for size in sizes:
            for op in ("map", "unmap"):
                if run.cost(MACHINE, case, op, size) is None:
                    missing.append("%s, %s of %d: %s" % (case, op, size, run.why(MACHINE, case)))
    for case, _ in figures.PIECES:
        if run.cost(MACHINE, case, "pair") is None:
            missing.append(case)
    tap.case(not missing, "every case was measured with every size", notes=missing)
    for key, r in run.row.items():
        if r["calls"] != PASSES * LIVE or not r["least"] <= r["gross"] <= r["most"]:
            odd.append("%s: %s" % (key, r))
    tap.case(not odd, "each call was made for each mapping in each pass", notes=odd)
    # A map or unmap that did its work is no loop; and none takes a hundred thousand instructions.
    odd = ["%s: %s" % (k, r["instructions"]) for k, r in run.row.items()
           if k[3] in ("map", "unmap") and k[1] != "loop" and not 20 < r["instructions"] < 1e5]
    odd += ["%s: %s" % (k, r["instructions"]) for k, r in run.row.items() if k[1] == "loop" and r["gross"] > 20]
    tap.case(not odd, "the figures are those of calls that work, and of a loop that does not", notes=odd)


def counts(tap, run):
    m = run.machines[MACHINE]
    tap.case(m["probes"].get("iommu_iova_to_phys") and m["probes"].get("intel_iommu_iova_to_phys"),
             "lookups are counted, at both levels", notes=[str(m["probes"])])
    wrong = []
    for case, ops in LOOKED_UP.items():
        for op, want in ops.items():
            for size in figures.SIZES:
                got = run.hits(MACHINE, case, op, figures.LOOKUPS, size)
                if got != want:
                    wrong.append("%s, %s of %d: %s lookups and not %d" % (case, op, size, got, want))
    tap.case(not wrong, "the DMA API looks up where it must: the probes count", notes=wrong)
    seen = [k for k in run.count if k[1] in figures.DOMAIN and k[4] in figures.LOOKUPS]
    wrong = ["%s: %s" % (k, run.count[k]) for k in seen if run.count[k]]
    wrong += ["%s has no count" % c for c in figures.DOMAIN
              if c not in figures.POOL_ONLY and not any(k[1] == c for k in seen)]
    tap.case(not wrong, "no handle or ring of a domain looks anything up", notes=wrong)
    wrong = ["%s, %s: %s" % (case, op, run.hits(MACHINE, case, op, ["alloc_iova_fast"]))
             for case, op, want in (("page", "map", 1), ("page", "unmap", 0), ("domain", "map", 0),
                                    ("ring-16", "map", 0))
             if run.hits(MACHINE, case, op, ["alloc_iova_fast"]) != want]
    tap.case(not wrong, "the kernel's allocator of IOVAs has the DMA API's, and none of a domain's", notes=wrong)
    lazy = run.hits(MACHINE, "page", "unmap", figures.INVALIDATIONS)
    strict = run.hits(MACHINE, "piece-driver-strict", "unmap", figures.INVALIDATIONS)
    tap.case(lazy < 0.1 and strict >= 1, "unmaps are lazy where they should be, and waited for where they should be",
             notes=["%s, %s invalidations each" % (lazy, strict)])


def reports(tap, data, where):
    report.put(os.path.join(where, "evidence.json"), json.dumps(data))
    report.write(data, where)
    texts = []
    for name in ("evidence.md", "evidence.html"):
        with open(os.path.join(where, name)) as f:
            texts.append(f.read())
    missing = [c for c, _ in figures.CASES + figures.PIECES for t in texts if c not in t]
    for (machine, case, size, op), r in evidence.figures.Run(data).row.items():
        if op in ("map", "unmap") and size == 4096 and case != "loop":
            shown = evidence.tables.number(r["instructions"])
            missing += ["%s %s: %s" % (case, op, shown) for t in texts if shown not in t]
    tap.case(not missing, "the reports have every case and its figures", notes=missing[:20])
    tap.case(all("do not prove" in t for t in texts), "and say what they do not prove")
    doc = os.path.join(where, "doc.md")
    report.put(doc, "a\n<!-- run: targets -->\nold\n<!-- end -->\nb\n")
    evidence.quote(data, doc)
    with open(doc) as f:
        text = f.read()
    tap.case("old" not in text and "| domain mode, 6.12 lazy" in text and text.startswith("a\n") and
             text.endswith("<!-- end -->\nb\n"), "a document quotes them", notes=text.split("\n"))


def main(source=None):
    tap = vm.Tap()
    kernel, mode = MACHINE.rsplit("-", 1)
    data = evidence.measure([(kernel, mode)], PASSES, 1, more=False, source=source)
    tap.case(True, "%s boots, and its clock counts instructions" % MACHINE)
    run = figures.Run(data)
    rows(tap, run)
    counts(tap, run)
    with tempfile.TemporaryDirectory() as where:
        reports(tap, data, where)
    return tap.done()


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:2]))
    except (Trouble, vm.Error) as err:
        print("Bail out! %s" % str(err).replace("\n", "\n# "))
        sys.exit(1)
