# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The tables of a run: once as lists, printed as Markdown and as HTML."""

import html
import re

import cpus
import packets
from figures import BOUNCES, CASES, INVALIDATIONS, IO_CASES, IO_PAGES, IO_SINGLE, LOOKUPS, OPS, PIECES, POOL_ONLY, Run, pool_targets, targets

NAMES = {"lazy": "lazy", "strict": "strict", "untrusted": "untrusted device", "off": "IOMMU off"}


class Table:
    """name: of its place in docs/evidence.md. rows: lists of strings; "" where there is nothing. text: columns on the
    left that are words."""

    def __init__(self, name, title, head, text=1, note=""):
        self.name = name
        self.title = title
        self.head = head
        self.text = text
        self.note = note
        self.rows = []

    def markdown(self):
        bars = ["---"] * self.text + ["---:"] * (len(self.head) - self.text)
        lines = ["| " + " | ".join(cells) + " |" for cells in [self.head, bars] + self.rows]
        # A bare bar would be a column.
        return "\n".join(lines) + ("\n\n" + self.note if self.note else "") + "\n"

    def as_html(self):
        out = ['<div class="scroll"><table>\n<tr>']
        for n, cell in enumerate(self.head):
            out.append("<th%s>%s</th>" % (' class="t"' if n < self.text else "", inline(cell)))
        out.append("</tr>\n")
        for row in self.rows:
            out.append("<tr>")
            for n, cell in enumerate(row):
                kind = ["t"] if n < self.text else []
                if self.head[n] == "met":
                    kind = ["t", cell.split()[0]]
                out.append("<td%s>%s</td>" % (' class="%s"' % " ".join(kind) if kind else "", inline(cell)))
            out.append("</tr>\n")
        out.append("</table></div>\n")
        if self.note:
            out.append('<p class="note">%s</p>\n' % inline(self.note))
        return "".join(out)


def inline(text):
    """Markdown's code in HTML."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text, quote=False))


def number(n):
    if n is None:
        return "-"
    if abs(n) < 99.95:
        return "%.1f" % (n + 0.0)
    return "{:,.0f}".format(n)


def count(n):
    if n is None:
        return "-"
    return "0" if n == 0 else "%.3f" % n


def percent(x):
    return "-" if x is None else "%.0f %%" % (100 * x)


# Cases without those that equal their neighbour where nothing is timed.
SHORT = [c for c, _ in CASES if not c.endswith(("-in-order", "-first", "-late"))]

# ---- the tables ----

def table_targets(run):
    t = Table("targets", "Targets", ["target", "wanted", "by address", "by handle", "", "met"], 2,
              "Instructions, or calls for each call; all from this run.")
    for x in targets(run):
        t.rows.append([x.what, x.wants, number(x.theirs), number(x.ours), x.note, x.verdict])
    return t


def table_pool_targets(run):
    t = Table("targets-7.3", "Targets of pool mode", ["target", "wanted", "by address", "by handle", "", "met"], 2,
              "Instructions, from this run; of two CPUs, how many times the pairs of one CPU they end.")
    for x in pool_targets(run):
        t.rows.append([x.what, x.wants, number(x.theirs), number(x.ours), x.note, x.verdict])
    return t


def table_machines(run):
    t = Table("machines", "Machines", ["machine", "kernel", "Debian's version", "instructions in a clock",
                                       "calibration off by", "seconds"], 3)
    for m in run.data["machines"]:
        t.rows.append([m["name"], m["release"], m["version"], str(m["instructions_per_clock"]),
                       "%.2f %%" % (100 * m["calibration_off"]), "%.0f" % m["seconds"]])
    return t


def reasons(run, machines, cases):
    """Returns a note on missing measurements, with the reasons."""
    found = {}
    for m in machines:
        for case, _ in cases:
            if run.cost(m, case, "map") is None and m in run.machines:
                found.setdefault(run.why(m, case), []).append("%s on %s" % (case, m))
    return "  ".join("Not there: %s: %s." % (", ".join(v), why) for why, v in found.items())


def table_pairs(run, kernel, size):
    """map, unmap and both of every case, on every machine of a kernel."""
    machines = [m for m in run.machines if m.rsplit("-", 1)[0] == kernel]
    head = ["case"]
    for m in machines:
        mode = NAMES[m.rsplit("-", 1)[1]]
        head += [mode + ": map", "unmap", "both", "of page"]
    t = Table("pairs-%s-%d" % (kernel, size), "Linux %s, map and unmap of %s bytes, instructions"
              % (kernel, "{:,}".format(size)), head)
    has_pool = any(run.cost(m, "pool", "map", size) is not None for m in machines)
    cases = [c for c in CASES if c[0] not in POOL_ONLY or has_pool]
    for case, _ in cases:
        row = ["`%s`" % case]
        for m in machines:
            row += [number(run.cost(m, case, op, size)) for op in ("map", "unmap", "pair")]
            row.append(percent(run.ratio(m, case, "pair", size)))
        # page-first is there for whole pages alone
        if any(c != "-" for c in row[1:]) or not (has_pool or case.endswith("-first")):
            t.rows.append(row)
    t.note = reasons(run, machines, [c for c in cases if any("`%s`" % c[0] == r[0] for r in t.rows)])
    return t


def table_syncs(run, kernel=None):
    t = Table("syncs" + ("-" + kernel if kernel else ""), "Syncs, instructions", ["machine", "case", "4,096 bytes: for_cpu", "for_device",
                                               "1,522 bytes: for_cpu", "for_device"], 2,
              "An untrusted device's buffers of 1,522 bytes bounce, and for_cpu copies them (the copy's instructions are "
              "in it); those of 4,096 do not. Rings popped 16 at a time.")
    for m in run.machines:
        if kernel and m.rsplit("-", 1)[0] != kernel:
            continue
        for case in SHORT + ["page-first"]:
            row = [number(run.cost(m, case, op, size)) for size in (4096, 1522) for op in OPS[2:]]
            if any(c != "-" for c in row):
                t.rows.append([m, "`%s`" % case] + row)
    return t


def table_counts(run):
    t = Table("counts", "Calls of the kernel's functions for each call, 4,096 bytes",
              ["machine", "case", "lookups: map", "unmap", "for_cpu", "for_device", "invalidations: map", "unmap"], 2,
              "Lookups: `iommu_iova_to_phys()` or the walk of the IOMMU's driver below it, whichever was called more. "
              "Invalidations: `qi_submit_sync()`, `arm_smmu_cmdq_issue_cmdlist()`; timers of the kernel's other flush "
              "queues are in it where they ran meanwhile.")
    for m in run.machines:
        for case in SHORT:
            row = [count(run.hits(m, case, op, LOOKUPS)) for op in OPS]
            row += [count(run.hits(m, case, op, INVALIDATIONS)) for op in OPS[:2]]
            if any(c != "-" for c in row):
                t.rows.append([m, "`%s`" % case] + row)
    return t


def table_bounces(run):
    t = Table("bounces", "Bounce slots taken of the kernel, and lookups, for each call, 1,522 bytes, untrusted device",
              ["machine", "case", "slots: map", "lookups: map", "unmap", "for_cpu", "for_device"], 2,
              "Domain mode bounces into slots of its own.")
    for m in run.machines:
        if not m.endswith("-untrusted"):
            continue
        for case in SHORT:
            row = [count(run.hits(m, case, "map", BOUNCES, 1522))]
            row += [count(run.hits(m, case, op, LOOKUPS, 1522)) for op in OPS]
            if any(c != "-" for c in row):
                t.rows.append([m, "`%s`" % case] + row)
    return t


def table_pieces(run):
    """Splits the instructions of domain mode: the part of the IOMMU's driver, and the rest."""
    t = Table("pieces", "What a module cannot go below: pieces by themselves, instructions, 4,096 bytes",
              ["machine", "piece", "map", "unmap", "both", "of page"], 2,
              "No API: nothing is checked, recorded or flushed, but in `piece-driver-strict`. A lookup is one "
              "`iommu_iova_to_phys()`. The last rows are `domain` and `ring-16` less the driver's part.")
    for m in run.machines:
        for case, _ in PIECES:
            if run.cost(m, case, "map") is not None:
                t.rows.append([m, "`%s`" % case] + [number(run.cost(m, case, op)) for op in ("map", "unmap", "pair")]
                              + [percent(run.ratio(m, case, "pair"))])
        lookup = run.cost(m, "piece-driver", "sync_cpu")
        if lookup is not None:
            t.rows.append([m, "a lookup", "", number(lookup), "", ""])
        below = "piece-driver" if m.endswith("-lazy") else "piece-driver-strict"
        for case, piece in (("domain", below), ("ring-16", "piece-driver-run-16")):
            if piece != below and not m.endswith("-lazy"):
                continue
            rest = [(run.cost(m, case, op), run.cost(m, piece, op)) for op in ("map", "unmap", "pair")]
            if all(None not in pair for pair in rest):
                t.rows.append([m, "`%s` less `%s`" % (case, piece)] + [number(a - b) for a, b in rest] + [""])
    return t


def table_budget(run):
    """Compares half of the API by address with the part that a module can change."""
    t = Table("budget", "Half of the API by address, and what of it is the driver's, lazy, instructions of a pair",
              ["machine", "by address", "half", "the IOMMU driver's part", "left to the module", "`domain` takes",
               "the kernel's allocator of IOVAs alone"])
    for m in run.machines:
        values = [run.cost(m, case, "pair") for case in ("page", "piece-driver", "domain", "piece-iova")]
        if not m.endswith("-lazy") or None in values:
            continue
        page, driver, domain, iova = values
        t.rows.append([m] + [number(v) for v in (page, page / 2, driver, page / 2 - driver, domain - driver, iova)])
    return t


def table_native(run):
    native = run.data.get("native") or {}
    t = Table("native", "The bound: the library itself on the VT-d format, under callgrind",
              ["case", "mode", "order", "unmap + map, instructions", "net of the loop"], 3)
    rows = native.get("rows")
    if not rows:
        t.rows.append(["not measured: " + native.get("why", "not in this run"), "", "", "-", "-"])
        return t
    loops = {r["order"]: r["instructions"] for r in rows if r["case"] == "harness"}
    for r in rows:
        if r["backend"] in ("vtd", "none"):
            net = r["instructions"] - loops[r["order"]] if r["order"] in loops and r["case"] != "harness" else None
            t.rows.append(["`%s`" % r["case"], r["mode"], r["order"], number(r["instructions"]), number(net)])
    return t


def table_xen(run):
    xen = run.data.get("xen") or {}
    ops = ["map", "sync_for_device", "sync_for_cpu", "unmap"]
    t = Table("xen", "Xen on arm64, dom0, a device that is not coherent: calls for each call",
              ["memory", "view", "api", "hypercalls: map", "for_device", "for_cpu", "unmap", "frame lookups: map",
               "another page: map", "for_device", "for_cpu", "unmap"], 3)
    if not xen.get("rows"):
        t.rows.append(["not measured: " + xen.get("why", "not in this run"), "", ""] + ["-"] * 9)
        return t
    found = {}
    for r in xen["rows"]:
        found.setdefault((r["memory"], r["view"], r["api"]), {})[r["op"]] = r
    for key, by_op in found.items():
        pick = lambda op, what: count(by_op[op][what]) if op in by_op else "-"
        t.rows.append(list(key[:2]) + ["`%s`" % key[2]] + [pick(op, "cache_hypercalls") for op in ops] +
                      [pick("map", "p2m_lookups")] + [pick(op, "wrong_page") for op in ops])
    t.note = ("Another page: cache maintenance that names other memory than what was mapped. Xen %s, Linux %s."
              % (xen["xen_version"], xen["kernel_version"]))
    return t


def table_packets(run):
    """A network driver's instructions, all of its poll and its transmit, for each packet."""
    found = run.data["packets"]
    head = ["e1000e"]
    for mode in found:
        head += [NAMES[mode] + ": receive", "of page", "send", "of page", "calls"]
    t = Table("packets-" + packets.KERNEL, "Linux %s, e1000e: instructions for a packet" % packets.KERNEL, head,
              note="Receive: of poll for each packet of 1,514 bytes that came, acknowledgements included. Send: of transmit and "
              "of poll for each %s bytes that went; a call of transmit has up to 64 KiB, and `calls` says how many there "
              "were for %d MiB: TCP decides that by the time that passes. %s"
              % ("{:,}".format(packets.SEGMENT), packets.BYTES >> 20,
                 " ".join("`%s`: %s." % (v[0], v[1]) for v in packets.VARIANTS)))
    for name, _, _, _ in packets.VARIANTS:
        row = ["`%s`" % name]
        for rows in found.values():
            for key in ("poll", "send"):
                row += [number(rows[name][key]), percent(rows[name][key] / rows["page"][key])]
            row.append("{:,}".format(rows[name]["sent"]))
        t.rows.append(row)
    return t


def table_io(run, kernel):
    """A disk's requests of 4 KiB and of 128 KiB."""
    machines = [m for m in run.machines if m.rsplit("-", 1)[0] == kernel]
    head = ["request", "mapped by"]
    for m in machines:
        head += [NAMES[m.rsplit("-", 1)[1]] + ": map", "unmap", "both", "of the first"]
    t = Table("io-" + kernel, "Linux %s, a disk's requests, instructions" % kernel, head, 2)
    for size, pages, cases in (("4 KiB", 1, IO_SINGLE), ("128 KiB", IO_PAGES, IO_CASES)):
        for case, what in cases:
            row = [size, what]
            for m in machines:
                first, both = (run.cost(m, c, "pair") for c in (cases[0][0], case))
                row += [number(None if x is None else pages * x) for x in (run.cost(m, case, op) for op in ("map", "unmap", "pair"))]
                row.append(percent(both / first if both is not None and first else None))
            t.rows.append(row)
    return t


def table_cpus(run):
    """Two CPUs at once, and one alone."""
    found = run.data["cpus"]
    head = ["both CPUs on one device"]
    for mode in found:
        head += [NAMES[mode] + ": instructions, 1 CPU", "2 CPUs", "grows by", "rate of 2 CPUs", "quartiles",
                 "pairs, of page's", "waits"]
    t = Table("cpus-" + cpus.KERNEL, "Linux %s, two CPUs that map and unmap at once" % cpus.KERNEL, head,
              note="Instructions of a map and unmap of 4 KiB, the loop included. Rate: pairs that two CPUs end in a time, over "
              "those of one CPU (2 is the most): the median of %d rounds in which all cases take turns, where QEMU has a thread "
              "for each CPU. Pairs, of page's: how many two CPUs end there in the time in which they end 100 by address. Waits: calls of the spinlock's slow path for 1,000 pairs there, in the whole machine. `flush`: no mapping, one page's `iommu_iotlb_sync()` alone."
              % next(iter(found.values()))[cpus.CASES[0]]["rounds"])
    for case in cpus.CASES:
        row = ["`%s`" % case]
        for rows in found.values():
            r = rows[case]
            one, two = r["instructions"]
            row += [number(one), number(two), percent(two / one - 1), "%.2f" % r["rate"],
                    "%.2f to %.2f" % tuple(r["quartiles"]), percent(rows["page"]["clocks"][1] / r["clocks"][1]),
                    "%.1f" % r["waits"]]
        t.rows.append(row)
    return t


def table_every(run):
    t = Table("every", "Every row", ["machine", "case", "bytes", "call", "calls", "instructions", "with the loop",
                                     "least of a pass", "most"], 2)
    for m in run.data["machines"]:
        for r in m["rows"]:
            t.rows.append([m["name"], "`%s`" % r["case"], "{:,}".format(r["size"]), r["op"],
                           "{:,}".format(r["calls"])] + [number(r[k]) for k in ("instructions", "gross", "least", "most")])
    return t


def case_table():
    t = Table("cases", "Cases", ["case", "what is called"], 2)
    t.rows = [["`%s`" % name, what] for name, what in CASES + PIECES]
    return t


def all_tables(data):
    """Of a run as it is in evidence.json."""
    run = Run(data)
    found = [table_targets(run), table_pool_targets(run), case_table()]
    kernels = list(dict.fromkeys(m["kernel"] for m in data["machines"]))
    for size in (4096, 1522):
        found += [table_pairs(run, k, size) for k in kernels]
    if any(m.startswith("7.3") for m in run.machines):
        found += [table_syncs(run, "7.3"), table_io(run, "7.3")]
    if run.data.get("packets"):
        found.append(table_packets(run))
    if run.data.get("cpus"):
        found.append(table_cpus(run))
    found += [table_syncs(run), table_counts(run), table_bounces(run), table_pieces(run), table_budget(run),
              table_native(run), table_xen(run), table_machines(run), table_every(run)]
    return found


def versions(data):
    """One line that says with what."""
    native, xen = data.get("native") or {}, data.get("xen") or {}
    words = ["dmah " + data["dmah"]]
    words += ["Linux %s (%s)" % (r, v) for r, v in
              dict.fromkeys((m["release"], m["version"]) for m in data["machines"])]
    words += [data["qemu"]]
    words += ["Xen " + xen["xen_version"]] if "xen_version" in xen else []
    words += [w for w in (native.get("valgrind"), native.get("compiler")) if w]
    return "; ".join(words) + "; %d passes over %d live mappings, one CPU." % (data["passes"], data["live"])
