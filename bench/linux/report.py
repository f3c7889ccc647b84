# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The reports: Markdown, and one HTML file that needs nothing else; both begin with what their figures mean."""

import os
import shutil
import subprocess
import tempfile

import tables
from figures import CASES, Run
from tables import inline

# As in bench/report.c and tools/replay/report.c.
STYLE = ("body{font:15px/1.5 sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}"
         "table{border-collapse:collapse;font-size:13px;margin:1rem 0}"
         "th,td{padding:.15rem .6rem;text-align:right;white-space:nowrap}"
         "th{border-bottom:2px solid #888}th.t,td.t{text-align:left}"
         "tr.first td{border-top:1px solid #bbb}td.yes{background:#d9f0d3}td.no{background:#fdd0c2}"
         ".note{color:#555}.scroll{overflow-x:auto}svg{max-width:100%;height:auto}")

MEANING = [
    "Stock Debian kernels run on QEMU's models of Intel's IOMMU and the SMMUv3 with `-icount shift=0`, where the machine's "
    "clock counts instructions: the same at each run, whatever else this computer does. Each boot first times a loop of a "
    "known number of instructions; on arm64 the counter ticks once in 16.",
    "256 buffers are mapped. 16 of them (32 in `ring-32`) are unmapped in a pseudo-random order that is the same for all, "
    "or the oldest first, and the same buffers are mapped anew; the clock is read around each half. Interrupts stay on: "
    "what the timer of a flush queue does is in it.",
    "A figure is the mean of all calls, with what the call needs of its caller, less the loop around it (`loop` in the "
    "table of every row).",
    "Lookups and invalidations are counted by kprobes on the kernel's functions, in a run of its own after all that is "
    "measured: a probe takes instructions itself.",
    "`sg` is what a stock kernel has that is nearest to an API by page: unmap is given the page and need not look it up.",
    "The bound is the library alone, in a process: the page tables of VT-d written in memory, an invalidation in 16 bytes; "
    "no kernel, and nobody to wait for. In it one mapping is ended and one made in turn.",
]
NOT = [
    "Instructions are not cycles. Cache misses, locked instructions, and the uncached writes to an IOMMU's registers cost "
    "hundreds of cycles and count as one.",
    "No hardware is waited for: QEMU's IOMMU has done an invalidation by the next instruction. Strict modes look cheaper "
    "than they are, for all APIs alike; what saves invalidations is worth more than is seen here.",
    "One CPU: no contention for the queue of invalidations, the locks of an IOVA allocator or page table; no cache lines "
    "that move between CPUs.",
    "One device, edu, that never does DMA while this is measured; nothing of what a driver, a disk or a network gains.",
    "No mitigations of speculation that QEMU's CPU does not ask for; no debug options but Debian's own.",
]

COLOURS = {"map": "#80b1d3", "unmap": "#1f4e79", "sync_cpu": "#80b1d3", "sync_device": "#1f4e79"}


# ---- plots ----

def render(script, height):
    """SVG from gnuplot, None where it is not installed or fails."""
    if not shutil.which("gnuplot"):
        return None
    with tempfile.TemporaryDirectory() as work:
        out = os.path.join(work, "plot.svg")
        head = ("set terminal svg size 1100,%d enhanced font 'sans,11' background rgb 'white'\nset output '%s'\n"
                "set grid ytics lc rgb '#dddddd'\nset border 3\nset tics nomirror scale 0.5\n"
                "set key outside right center Left reverse samplen 1.5\nset lmargin 9\nset rmargin 26\n"
                "set style data histogram\nset style fill solid 0.9\nset boxwidth 0.8\nset yrange [0:*]\n"
                "set ylabel 'instructions'\nset xtics font 'sans,9'\n" % (height, out))
        done = subprocess.run(["gnuplot"], input=(head + script).encode(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False)
        try:
            with open(out) as f:
                text = f.read()
        except OSError:
            return None
    return text if done.returncode == 0 and "<svg" in text else None


def panel(run, machine, cases, ops, size, title, stacked):
    """Bars of some calls, one group for each case that there is."""
    lines = []
    for case in cases:
        values = [run.cost(machine, case, op, size) for op in ops]
        if None not in values:
            lines.append('"%s" %s' % (case.replace("-", "-\\n", 1), " ".join("%.2f" % max(v, 0) for v in values)))
    if not lines:
        return ""
    text = "$d << EOD\n%s\nEOD\nset title '%s'\nset style histogram %s\nplot " % (
        "\n".join(lines), title, "rowstacked" if stacked else "clustered gap 1")
    text += ", ".join("$d using %d%s lc rgb '%s' title '%s'" % (n + 2, ":xtic(1)" if n == 0 else "", COLOURS[op],
                                                               op.replace("_", "\\_for\\_"))
                      for n, op in enumerate(ops))
    return text + "\n"


def plots(data):
    """{name: (title, SVG or None)}"""
    run = Run(data)
    cases = [c for c, _ in CASES if c not in ("page-first", "page-in-order", "domain-in-order")]
    found = {}
    for mode in ("lazy", "strict", "untrusted"):
        machines = [m for m in run.machines if m.endswith("-" + mode)]
        panels = [p for p in (panel(run, m, cases, ("map", "unmap"), 4096, m.replace("_", "\\_"), True)
                              for m in machines) if p]
        if panels:
            found["pairs-" + mode] = ("Map and unmap of 4 KiB, %s" % tables.NAMES[mode],
                                      many(panels, 330))
    panels = []
    for m in [m for m in run.machines if m.endswith("-untrusted")]:
        for size in (4096, 1522):
            panels.append(panel(run, m, cases, ("sync_cpu", "sync_device"), size,
                                "%s, %d bytes, %s" % (m, size, "bounced" if size < 4096 else "not bounced"), False))
    panels = [p for p in panels if p]
    if panels:
        found["syncs"] = ("Syncs, untrusted device", many(panels, 250))
    return found


def many(panels, height):
    return render("set multiplot layout %d,1\n%sunset multiplot\n" % (len(panels), "".join(panels)),
                  height * len(panels))


# ---- the files ----

def markdown(data, drawn):
    out = ["# What DMA mapping costs in stock kernels\n", tables.versions(data) + "\n", "## What the figures mean\n"]
    out += ["- " + line for line in MEANING]
    out += ["\n## What they do not prove\n"] + ["- " + line for line in NOT] + [""]
    for t in tables.all_tables(data):
        out.append("## %s\n" % t.title)
        out.append(t.markdown())
        if t.name == "cases":
            for name, (title, svg) in drawn.items():
                out.append("![%s](evidence-%s.svg)\n" % (title, name) if svg else
                           "(No plot of %s: gnuplot is not installed.)\n" % title)
    return "\n".join(out)


def page(data, drawn):
    out = ['<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
           "<title>DMA mapping: what it costs in kernels</title>\n<style>%s</style>\n</head>\n<body>\n" % STYLE,
           "<h1>DMA mapping: what it costs in stock kernels</h1>\n",
           '<p class="note">%s</p>\n' % inline(tables.versions(data))]
    for title, lines in (("What the figures mean", MEANING), ("What they do not prove", NOT)):
        out.append("<h2>%s</h2>\n<ul>\n%s</ul>\n" % (title, "".join("<li>%s</li>\n" % inline(l) for l in lines)))
    for t in tables.all_tables(data):
        out.append("<h2>%s</h2>\n%s" % (inline(t.title), t.as_html()))
        if t.name == "cases":
            for title, svg in drawn.values():
                out.append("<h2>%s</h2>\n%s\n" % (inline(title), svg[svg.index("<svg"):] if svg else
                                                '<p class="note">No plot: gnuplot is not installed.</p>'))
    return "".join(out) + "</body>\n</html>\n"


def write(data, directory):
    """evidence.md, evidence.html and the plots; evidence.json is written by who measured."""
    drawn = plots(data)
    for name, (_, svg) in drawn.items():
        if svg:
            put(os.path.join(directory, "evidence-%s.svg" % name), svg)
    put(os.path.join(directory, "evidence.md"), markdown(data, drawn))
    put(os.path.join(directory, "evidence.html"), page(data, drawn))


def put(path, text):
    """Whole or not at all."""
    with open(path + ".new", "w") as f:
        f.write(text)
    os.replace(path + ".new", path)
