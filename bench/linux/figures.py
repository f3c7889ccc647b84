# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""From what the machines said to figures: instructions of a call without the loop around it; the targets."""

# (case, what it is), in the order of the tables. The first is what all others are compared with.
CASES = [
    ("page", "`dma_map_page()`, `dma_unmap_page()`: by address"),
    ("page-in-order", "the same, the oldest mapping ends first"),
    ("page-first", "as the first, before any buffer of the device has bounced"),
    ("sg", "`dma_map_sg()` of one entry, its set-up included: the nearest to page-keyed"),
    ("attr", "by address, `DMA_ATTR_REQUIRE_COHERENT` given to map and unmap: nothing is looked up (7.x)"),
    ("iova-link", "`dma_iova_try_alloc()`, `_link()`, `_sync()`; `dma_iova_destroy()` (6.16 and later)"),
    ("wrap", "handles over the kernel's DMA API, each held against a record (the default)"),
    ("wrap-unchecked", "the same, `check=0`"),
    ("domain", "handles in a domain of the device's own, `check=0`"),
    ("domain-checked", "the same, `check=1` (the default): every sync is checked, and copies of handles are found"),
    ("domain-in-order", "as `domain`, the oldest mapping ends first"),
    ("domain-late", "as `domain`, `late=1`: lazy, entries are cleared by the flush"),
    ("batch-16", "as `domain`, unmapped 16 at a time: `dmah_unmap_start()`, `dmah_unmap_finish()`"),
    ("pool", "handles in slots of the default domain, `check=0`"),
    ("pool-announced", "the same, the IOMMU called at each map (`sync_map=1`), as where it caches absent entries"),
    ("pool-checked", "as `pool`, `check=1` (the default)"),
    ("pool-batch-16", "as `pool`, unmapped 16 at a time"),
    ("pool-batch-16-announced", "as `pool-announced`, unmapped 16 at a time"),
    ("ring-1", "ring with IOVAs of its own, in the device's own domain or the default one; popped one at a time"),
    ("ring-16", "ring, popped 16 at a time"),
    ("ring-16-late", "the same, `late=1`"),
    ("ring-32", "ring, popped 32 at a time"),
    ("ring-1-announced", "as `ring-1`, `sync_map=1`"),
    ("ring-16-announced", "as `ring-16`, `sync_map=1`"),
    ("ring-32-announced", "as `ring-32`, `sync_map=1`"),
]
PIECES = [
    ("piece-driver", "the IOMMU driver's `map_pages()`, `unmap_pages()` at fixed IOVAs, nothing flushed"),
    ("piece-driver-run-16", "the same, 16 neighbours in one `unmap_pages()`"),
    ("piece-driver-strict", "the same as the first, each unmap waited for: `iommu_iotlb_sync()`"),
    ("piece-iommu", "`iommu_map()`, `iommu_unmap_fast()` above those, nothing flushed"),
    ("piece-iova", "`alloc_iova_fast()`, `free_iova_fast()` alone"),
]
# A disk's requests: lists of 32 scattered pages but for the last.
IO_PAGES = 32
IO_CASES = [
    ("io-pages", "`dma_map_page()` of each page"),
    ("io-sg", "`dma_map_sg()` of the list, its set-up included"),
    ("io-link", "`dma_iova_try_alloc()`, `_link()` of each page, `_sync()`; `dma_iova_destroy()`: NVMe's driver, where a "
                "request has no gaps"),
    ("io-vec", "`dmah_map_bvecs()`, `dmah_unmap_vec()` in slots"),
]
IO_SINGLE = [("page", "`dma_map_page()`: NVMe's driver"), ("iova-link", "a range of one page"),
             ("pool", "`dmah_map_page()` in a slot"), ("io-vec-1", "`dmah_map_bvecs()` of one page")]
# No handle operation of these may look anything up. Those of wrap end in the kernel's own unmap.
DOMAIN = ["domain", "domain-in-order", "batch-16", "pool", "pool-batch-16", "ring-1", "ring-16", "ring-32"]
# Cases of kernels with pool mode alone.
POOL_ONLY = [c for c, _ in CASES if c.startswith("pool") or c.endswith("-announced")] + ["attr", "iova-link"]
OPS = ["map", "unmap", "sync_cpu", "sync_device"]
SIZES = [4096, 1522]
LOOKUPS = ["iommu_iova_to_phys", "intel_iommu_iova_to_phys", "arm_smmu_iova_to_phys", "arm_lpae_iova_to_phys"]
INVALIDATIONS = ["qi_submit_sync", "arm_smmu_cmdq_issue_cmdlist"]
BOUNCES = ["swiotlb_tbl_map_single"]


def machine_dict(m):
    """Returns the results of a boots.Machine, net of the loop."""
    rows = []
    for (case, size, op), w in m.rows.items():
        # Pieces are measured with whole pages alone, where the loop is the same.
        loop = m.rows["loop", size, op]
        net = w["clocks"] / w["calls"] - (loop["clocks"] / loop["calls"] if case != "loop" else 0)
        per_pass = m.live / m.scale
        rows.append({"case": case, "size": size, "op": op, "calls": w["calls"],
                     "instructions": round(net * m.scale, 2),
                     "gross": round(w["clocks"] / w["calls"] * m.scale, 2),
                     "least": round(w["least"] / per_pass, 2), "most": round(w["most"] / per_pass, 2)})
    counts = [{"case": case, "size": size, "op": op, "of": of, "per_call": round(n, 4)}
              for (case, size, op, of), n in m.counts.items()]
    return {"name": m.name, "kernel": m.kernel, "mode": m.mode, "release": m.release, "version": m.version,
            "instructions_per_clock": m.scale, "calibration_off": m.deviation, "seconds": round(m.seconds, 1),
            "rows": rows, "counts": counts, "unavailable": m.unavailable,
            "probes": {k: v == 0 for k, v in m.probes.items()}}


class Run:
    """A run as it is in evidence.json, to look things up in."""

    def __init__(self, data):
        self.data = data
        self.machines = {m["name"]: m for m in data["machines"]}
        self.row = {}
        self.count = {}
        for m in data["machines"]:
            for r in m["rows"]:
                self.row[m["name"], r["case"], r["size"], r["op"]] = r
            for c in m["counts"]:
                self.count[m["name"], c["case"], c["size"], c["op"], c["of"]] = c["per_call"]

    def cost(self, machine, case, op, size=4096):
        """Instructions of a call, None where there is no such row. "pair" is map and unmap."""
        if op == "pair":
            both = [self.cost(machine, case, o, size) for o in ("map", "unmap")]
            return None if None in both else sum(both)
        r = self.row.get((machine, case, size, op))
        return r["instructions"] if r else None

    def ratio(self, machine, case, op, size=4096):
        ours, theirs = self.cost(machine, case, op, size), self.cost(machine, "page", op, size)
        return ours / theirs if ours is not None and theirs else None

    def hits(self, machine, case, op, functions, size=4096):
        """Calls of the most called of some functions, for each call; None where none was counted."""
        found = [self.count[machine, case, size, op, f] for f in functions
                 if (machine, case, size, op, f) in self.count]
        return max(found) if found else None

    def why(self, machine, case):
        """Why there is no row."""
        m = self.machines.get(machine)
        return "not in this run" if m is None else m["unavailable"].get(case, "no such call")


# ---- targets ----

class Target:
    """met: True, False, or None where the run does not say."""

    def __init__(self, what, wants, theirs, ours, met, note=""):
        self.what = what
        self.wants = wants
        self.theirs = theirs
        self.ours = ours
        self.met = met
        self.note = note

    @property
    def verdict(self):
        return {True: "yes", False: "no", None: "not measured"}[self.met]


def ratio_target(run, kernel, case, what, most, mode="lazy"):
    machine = "%s-%s" % (kernel, mode)
    theirs, ours = run.cost(machine, "page", "pair"), run.cost(machine, case, "pair")
    known = theirs is not None and ours is not None
    return Target("%s, %s %s, map + unmap of 4 KiB" % (what, kernel, mode), "<= %.0f %% of by address" % (100 * most),
                  theirs, ours, ours <= most * theirs if known else None,
                  "%.1f %%" % (100 * ours / theirs) if known else run.why(machine, case))


def sync_target(run, kernel, case="domain"):
    machine = kernel + "-untrusted"
    found = [run.cost(machine, case, op) for op in OPS[2:]]
    theirs = [run.cost(machine, "page", op) for op in OPS[2:]]
    if None in found or None in theirs:
        return Target("sync, untrusted device, %s" % kernel, "<= 60 instructions", None, None, None,
                      run.why(machine, case))
    return Target("sync by handle, untrusted device, 4 KiB (not bounced), %s" % kernel, "<= 60 instructions",
                  max(theirs), max(found), max(found) <= 60, "the dearer of for_cpu and for_device")


def lookup_target(run, cases, what, note):
    worst, where, seen, theirs = 0, "", 0, []
    for machine, case, size, op, of in run.count:
        if of not in LOOKUPS or op not in OPS:
            continue
        n = run.count[machine, case, size, op, of]
        if case in cases:
            seen += 1
            if n > worst:
                worst, where = n, "%s, %s, %s of %d bytes" % (machine, case, op, size)
        elif case == "page":
            theirs.append(n)
    return Target(what, "0 for each call", max(theirs) if theirs else None, worst if seen else None,
                  worst == 0 if seen else None, where or note)


def hypercall_target(run):
    xen = run.data.get("xen") or {}
    rows = xen.get("rows")
    what = "hypercalls for cache maintenance by handle, Xen, where the kernel has a mapping of the page"
    if not rows:
        return Target(what, "0 for each call", None, None, None, xen.get("why", "not in this run"))
    ours = [r for r in rows if r["api"].startswith("dmah") and r["view"] != "bare"]
    theirs = [r for r in rows if not r["api"].startswith("dmah") and r["view"] != "bare"]
    if not ours or not theirs:
        return Target(what, "0 for each call", None, None, None, "no such rows")
    most = lambda some: max(r["cache_hypercalls"] for r in some)
    return Target(what, "0 for each call", most(theirs), most(ours), most(ours) == 0,
                  "the most of %d kinds of call" % len(ours))


def pool_targets(run):
    """Of kernels with pool mode."""
    found = []
    for case, what in (("pool", "pool mode"), ("pool-announced", "the same, the IOMMU called at each map")):
        found.append(ratio_target(run, "7.3", case, what, 0.12))
        found.append(ratio_target(run, "7.3", case, what, 0.35, "strict"))
    for case, what in (("ring-32", "ring, popped 32 at a time"), ("ring-32-announced", "the same, the IOMMU called at each map")):
        found.append(ratio_target(run, "7.3", case, what, 0.08))
    found.append(sync_target(run, "7.3", "pool"))
    for mode, case in (("lazy", "pool"), ("strict", "pool"), ("strict", "pool-batch")):
        rows = (run.data.get("packets") or {}).get(mode)
        if rows:
            theirs, ours = rows["page"]["poll"], rows[case]["poll"]
            found.append(Target("e1000e receives a packet, `%s`, 7.3 %s: instructions in poll" % (case, mode),
                                "<= 55 % of by address", theirs, ours, ours <= 0.55 * theirs,
                                "%.1f %%" % (100 * ours / theirs)))
    for mode, rows in (run.data.get("cpus") or {}).items():
        for case in ("pool", "pool-batch-16", "ring-16"):
            theirs, ours = rows["page"]["rate"], rows[case]["rate"]
            found.append(Target("two CPUs at once, `%s`, 7.3 %s: pairs in a time, of those of one CPU" % (case, mode),
                                "as by address, its lower quartile at least", theirs, ours, ours >= rows["page"]["quartiles"][0],
                                "%.2f and %.2f" % (theirs, ours)))
    return found


def targets(run):
    found = []
    for kernel in ("6.1", "6.12"):
        found.append(ratio_target(run, kernel, "domain", "domain mode", 0.5))
    for kernel in ("6.1", "6.12"):
        found.append(ratio_target(run, kernel, "ring-16", "ring, popped 16 at a time", 0.4))
    for kernel in ("6.1", "6.12"):
        found.append(sync_target(run, kernel))
    found.append(lookup_target(run, DOMAIN, "lookups of an address in domain and pool mode, all machines, sizes and calls",
                               "the most of all rows"))
    found.append(lookup_target(run, ["wrap", "wrap-unchecked"], "the same in wrap mode", ""))
    if found[-1].met is False:
        found[-1].note += ": by the kernel's own DMA API, which wrap calls"
    found.append(hypercall_target(run))
    return found
