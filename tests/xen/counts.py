#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Counts for each mapping call on Xen: hypercalls for cache maintenance, lookups of machine frames, maintenance
that names another page than the mapped one. Counted by probes on the kernel's functions, in dom0 of Xen 4.17 on arm64.

    counts.py [--instructions] [--json]
"""

import argparse
import json
import sys

import xen
from xen import vm

WHERE = {"self-grant": "dom0's own page, granted to itself", "other-domain": "a page of another domain"}
VIEW = {"own-page": "the page itself", "alias-A": "first mapping of the grant",
        "alias-B": "second mapping of the grant", "bare": "where the kernel has no mapping"}


def believed(boot):
    """The boot's own verdict, as an error."""
    failed = [c.name for c in boot.cases() if c.verdict == "not ok"]
    if failed or xen.plans(boot) != 1:
        raise vm.Error("the figures cannot be believed: %s\n%s"
                       % ("; ".join(failed) or "the module did not come to its end", "\n".join(boot.tail())))
    return boot


def instructions(kos):
    """Instructions per call, Xen's too, by (where, view, api, op)."""
    # One CPU: the counter would count another's instructions too.
    boot = believed(xen.boot(0, kos, "xen-instructions", rounds=[(0, 1)], ticks=1, icount="shift=0",
                             cpus=1))
    return {(t["where"], t["view"], t["api"], t["op"]): round(t["ticks"] * 1e9 / t["hz"] / t["calls"])
            for t in xen.rows(boot, "ticks")}


def measure(with_instructions):
    """Boot and count. Return: what is printed, as a dict."""
    kos = xen.modules()
    # A device that is not coherent, mappings that are not recorded.
    boot = believed(xen.boot(0, kos, "xen-counts", rounds=[(0, 1)]))
    ins = instructions(kos) if with_instructions else {}
    rows = []
    for c in xen.rows(boot, "count"):
        key = (c["where"], c["view"], c["api"], c["op"])
        rows.append({"memory": c["where"], "view": c["view"], "api": c["api"], "op": c["op"],
                     "calls": c["ops"],
                     "cache_hypercalls": c["flushes"] / c["ops"], "p2m_lookups": c["p2m"] / c["ops"],
                     "maintenance": c["named"] / c["ops"], "wrong_page": c["elsewhere"] / c["ops"]})
        if with_instructions:
            rows[-1]["instructions"] = ins[key]
    rows.sort(key=lambda r: (r["memory"] != "self-grant", r["view"] == "bare",
                             r["view"] != "own-page", r["view"]))
    kernel = vm.Kernel(xen.KERNEL)
    return {"kernel": kernel.release, "kernel_version": kernel.version,
            "xen_version": vm.Extra("xen-hypervisor-4.17-arm64", "arm64").version,
            "arch": kernel.arch, "device": "edu, not coherent", "unit": "per call", "rows": rows}


def table(result):
    print("Xen %s, Linux %s, %s; %s" % (result["xen_version"], result["kernel"], result["device"],
                                        result["unit"]))
    columns = [("hypercalls", "cache_hypercalls"), ("lookups", "p2m_lookups"),
               ("maintenance", "maintenance"), ("wrong page", "wrong_page")]
    if "instructions" in result["rows"][0]:
        columns.append(("instructions", "instructions"))
    last = None
    for r in result["rows"]:
        what = (r["memory"], r["view"])
        if what != last:
            print("\n%s, %s" % (WHERE[r["memory"]], VIEW[r["view"]]))
            print("  %-14s %-16s" % ("api", "call") + "".join("%13s" % name for name, _ in columns))
            last = what
        print("  %-14s %-16s" % (r["api"], r["op"]) + "".join("%13g" % r[key] for _, key in columns))


def main():
    parser = argparse.ArgumentParser(prog="counts.py", description=__doc__.split("\n\n", maxsplit=1)[0],
                                     epilog="Exit status: 0, 2 where it could not be counted.")
    parser.add_argument("--instructions", action="store_true",
                        help="a second boot, under -icount shift=0: instructions per call of 4096 bytes, "
                        "dom0's and Xen's together")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    try:
        result = measure(args.instructions)
    except vm.Error as err:
        print("counts.py: %s" % err, file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(result, indent=1))
    else:
        table(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
