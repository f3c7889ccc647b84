#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Measures the cost of DMA mapping in stock kernels, by address, by page and by handle: boots them and reports.

Writes evidence.json, evidence.md, evidence.html and plots to build/report.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import boots  # noqa: E402
import cpus  # noqa: E402
import figures  # noqa: E402
import native  # noqa: E402
import packets  # noqa: E402
import report  # noqa: E402
import tables  # noqa: E402
from boots import ROOT, Trouble, vm  # noqa: E402

PASSES = 60
PROBED = 10
XEN = os.path.join(ROOT, "tests", "xen", "counts.py")


def say(text):
    if sys.stderr.isatty():
        print("\r\033[K" + text, end="", file=sys.stderr, flush=True)


def project_version():
    with open(os.path.join(ROOT, "meson.build")) as f:
        version = re.search(r"version: '([^']*)'", f.read()).group(1)
    git = subprocess.run(["git", "-c", "safe.directory=*", "describe", "--always", "--dirty", "--abbrev=12"],
                         cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         check=False)
    return version + (" (%s)" % git.stdout.decode().strip() if git.returncode == 0 else "")


def xen_counts():
    """Returns the output of tests/xen/counts.py, or {"why": the reason that there is none}."""
    if not os.path.exists(XEN):
        return {"why": "there is no tests/xen/counts.py"}
    try:
        out = subprocess.run([sys.executable, XEN, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=False, timeout=2 * vm.TIMEOUT)
    except subprocess.TimeoutExpired:
        return {"why": "tests/xen/counts.py did not end within %d s" % (2 * vm.TIMEOUT)}
    if out.returncode != 0:
        why = (out.stderr or out.stdout).decode(errors="replace").strip().split("\n")
        return {"why": "tests/xen/counts.py failed: " + why[0]}
    return json.loads(out.stdout)


def measure(machines, passes, probed, more=True, source=None, jobs=None, traffic=True, two=False):
    """A whole run. more: Xen and the bound too. traffic: a driver's packets too. two: two CPUs at once, too.

    Return: what evidence.json holds.
    """
    kernels = list(dict.fromkeys(k for k, _ in machines))
    version = project_version()
    for kernel in kernels:
        # Each build has all CPUs.
        say("fetching and building for %s" % kernel)
        boots.modules(vm.Kernel(kernel), source)
    found = {}
    with concurrent.futures.ThreadPoolExecutor(jobs or min(os.cpu_count() or 1, 4)) as pool:
        work = {pool.submit(boots.boot, k, m, passes, probed, source): "%s-%s" % (k, m) for k, m in machines}
        if more:
            work[pool.submit(xen_counts)] = "xen"
            work[pool.submit(native.measure, boots.LIVE)] = "native"
        if traffic:
            work[pool.submit(packets.measure)] = "packets"
        for n, future in enumerate(concurrent.futures.as_completed(work), 1):
            found[work[future]] = future.result()
            say("%d of %d: %s" % (n, len(work), work[future]))
    if two:
        # Two CPUs at once want the host for themselves.
        say("two CPUs at once")
        found["cpus"] = cpus.measure()
    say("")
    qemu = native.version("qemu-system-x86_64") or native.version("qemu-system-aarch64")
    data = {"dmah": version, "qemu": qemu, "passes": passes, "live": boots.LIVE,
            "unit": "instructions of a call, net of the loop around it",
            "machines": [figures.machine_dict(found["%s-%s" % m]) for m in machines]}
    if more:
        data["xen"], data["native"] = found["xen"], found["native"]
    if traffic:
        data["packets"] = found["packets"]
    if two:
        data["cpus"] = found["cpus"]
    data["targets"] = [{"what": t.what, "wanted": t.wants, "by_address": t.theirs, "by_handle": t.ours, "met": t.met,
                        "note": t.note} for t in figures.targets(figures.Run(data))]
    return data


def quote(data, path, kernel=None):
    """Put a run's tables between the marks of a document: <!-- run: NAME --> and <!-- end -->.

    kernel: those of this kernel alone, which the run measured; the others stay as they are.
    """
    with open(path) as f:
        text = f.read()
    blocks = {t.name: t.markdown() for t in tables.all_tables(data)}
    blocks["versions"] = blocks["versions-7.3"] = tables.versions(data) + "\n"
    if kernel:
        blocks = {n: b for n, b in blocks.items() if "-%s-" % kernel in n or n.endswith("-" + kernel)}
        blocks["versions-" + kernel] = tables.versions(data) + "\n"
    used = set()

    def block(m):
        if m.group(2) not in blocks and kernel:
            return m.group(0)
        if m.group(2) not in blocks:
            raise Trouble("%s: this run has no %s (it has %s)" % (path, m.group(2), ", ".join(sorted(blocks))))
        used.add(m.group(2))
        return m.group(1) + "\n" + blocks[m.group(2)] + m.group(3)

    text = re.sub(r"(<!-- run: (\S+) -->)\n.*?(<!-- end -->)", block, text, flags=re.S)
    if not used:
        raise Trouble("%s has no place for a run" % path)
    report.put(path, text)


def summary(data):
    run = figures.Run(data)
    for t in (tables.table_targets(run),) + tuple(tables.table_pairs(run, k, 4096) for k in
                                                  dict.fromkeys(m["kernel"] for m in data["machines"])):
        widths = [max(len(r[n]) for r in [t.head] + t.rows) for n in range(len(t.head))]
        print("\n" + t.title)
        for row in [t.head] + t.rows:
            cells = [c.ljust(w) if n < t.text else c.rjust(w) for n, (c, w) in enumerate(zip(row, widths))]
            print("  " + "  ".join(cells).rstrip().replace("`", ""))


def main():
    names = ["%s-%s" % m for m in boots.MACHINES]
    parser = argparse.ArgumentParser(prog="evidence.py", description=__doc__.split("\n\n", maxsplit=1)[0],
                                     epilog="Exit status: 0; 1 where something could not be measured, whatever the "
                                            "figures are; 2 on wrong usage.")
    parser.add_argument("--only", action="append", metavar="MACHINE", choices=names,
                        help="measure on this machine (--list), and neither Xen nor packets nor the bound")
    parser.add_argument("--packets", action="store_true", help="with --only: count a network driver's packets, too")
    parser.add_argument("--cpus", action="store_true", help="with --only: measure two CPUs that map at once, too")
    parser.add_argument("--passes", type=int, default=PASSES, metavar="N", help="over all mappings (%d)" % PASSES)
    parser.add_argument("--jobs", type=int, metavar="N", help="machines at one time (one for each CPU, at most 4)")
    parser.add_argument("--output", default=os.path.join(ROOT, "build", "report"), metavar="DIR",
                        help="where the reports go (build/report)")
    parser.add_argument("--from", dest="source", metavar="FILE", help="measure nothing: report a run's evidence.json")
    parser.add_argument("--quote", metavar="FILE", help="put the tables into a document too (docs/evidence.md)")
    parser.add_argument("--json", action="store_true", help="print the run as JSON")
    parser.add_argument("--list", action="store_true", help="list the machines")
    parser.add_argument("--version", action="version", version="dmah " + project_version())
    args = parser.parse_args()
    if args.list:
        print("\n".join(names))
        return 0
    if args.passes < 1 or (args.jobs is not None and args.jobs < 1):
        parser.error("a number below 1")
    start = time.monotonic()
    try:
        os.makedirs(args.output, exist_ok=True)
        if args.source:
            with open(args.source) as f:
                data = json.load(f)
        else:
            machines = [m for m in boots.MACHINES if not args.only or "%s-%s" % m in args.only]
            data = measure(machines, args.passes, PROBED, more=not args.only, jobs=args.jobs,
                           traffic=args.packets or not args.only, two=args.cpus or not args.only)
            report.put(os.path.join(args.output, "evidence.json"), json.dumps(data, indent=1) + "\n")
        report.write(data, args.output)
        if args.quote:
            kernels = {m["kernel"] for m in data["machines"]}
            whole = len(data["machines"]) == len(boots.MACHINES)
            if not whole and len(kernels) != 1:
                parser.error("a document quotes a whole run, or all machines of one kernel")
            quote(data, args.quote, None if whole else kernels.pop())
    except (Trouble, vm.Error, OSError, ValueError) as err:
        print("evidence.py: %s" % err, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(data, indent=1))
        return 0
    summary(data)
    print("\n%s\nreport: %s (.md, .json)" % (tables.versions(data), os.path.join(args.output, "evidence.html")))
    if not args.source:
        print("took %.0f s" % (time.monotonic() - start))
    return 0


if __name__ == "__main__":
    sys.exit(main())
