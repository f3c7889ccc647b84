#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""bench/linux's scripts on consoles made by hand: what is not measured is never a figure. TAP; boots nothing."""

import os
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench", "linux"))

import boots  # noqa: E402
import evidence  # noqa: E402
import figures  # noqa: E402
import tables  # noqa: E402
from boots import Trouble, vm  # noqa: E402


def row(case, op, per_call, size=4096, calls=512):
    clocks = per_call * calls
    return "dmah-cost: row case=%s size=%d op=%s calls=%d clocks=%d least=%d most=%d" % (
        case, size, op, calls, clocks, per_call * 256, per_call * 256)


def hits(case, op, n, of="iommu_iova_to_phys"):
    return "dmah-cost: count case=%s size=4096 op=%s calls=512 of=%s hits=%d" % (case, op, of, n)


def console(domain="lazy", clocks=2000000, ends=boots.LOADS, more=()):
    """A run in which by address costs 1,000 + 1,000, domain 500 + 500, a ring 400 + 401."""
    lines = ["something else", "dmah-cost: machine kernel=x domain=%s untrusted=0" % domain,
             "dmah-cost: calibrate instructions=2000000 clocks=%d" % clocks]
    for op in ("map", "unmap"):
        lines += [row("loop", op, 10), row("page", op, 1010), row("domain", op, 510)]
    lines += [row("ring-16", "map", 410), row("ring-16", "unmap", 411)]
    lines += [hits("page", "unmap", 512), hits("domain", "map", 0), hits("domain", "unmap", 0)]
    lines += ["dmah-cost: unavailable case=sg size=4096 error=-5 why=it is = not here"]
    return lines + list(more) + ["dmah-cost: end"] * ends


def data(**settings):
    machine = boots.parse("6.1", "lazy", console(**settings))
    return {"dmah": "x", "qemu": "x", "passes": 2, "live": 256, "machines": [figures.machine_dict(machine)]}


def refused(f, *words):
    try:
        f()
    except Trouble as err:
        return all(w in str(err) for w in words)
    return False


def consoles(tap):
    parse = lambda **s: boots.parse("6.1", "lazy", console(**s))
    tap.case(refused(lambda: parse(domain="strict"), "domain is strict"), "a machine of another mode is refused")
    tap.case(refused(lambda: parse(clocks=1500000), "does not count instructions"), "a clock that counts time is refused")
    tap.case(refused(lambda: parse(more=["dmah-cost: calibrate instructions=2000000 clocks=125000"]), "unit"),
             "a clock that changes its unit is refused")
    tap.case(refused(lambda: parse(ends=boots.LOADS - 1), "did not come to its end"), "half a run is refused")
    tap.case(refused(lambda: parse(more=["dmah-cost: failed case=page size=4096 error=-12"]), "page", "-12"),
             "a map that failed is no figure")
    tap.case(refused(lambda: parse(more=["dmah-cost: news of=x"]), "what is this"), "a line of another kind is refused")
    late = [row("domain-late", op, 300) for op in ("map", "unmap")]
    m = parse(more=late)
    tap.case(("domain-late", 4096, "map") not in m.rows and "domain-late" in m.unavailable,
             "late domains that were not late have no figures")
    m = parse(more=late + ["edu: dmah: own domain, lazy, entries cleared late, IOVAs 0 to 1"])
    tap.case(("domain-late", 4096, "map") in m.rows, "and those that were have")
    m = boots.parse("6.1", "lazy", console(clocks=125500))
    tap.case(m.scale == 16 and 0 < m.deviation < 0.01, "sixteen instructions in a clock are found")


def judged(tap):
    run = figures.Run(data())
    tap.case(run.cost("6.1-lazy", "page", "pair") == 2000 and run.cost("6.1-lazy", "domain", "pair") == 1000,
             "the loop is taken off")
    tap.case(run.cost("6.1-lazy", "sg", "map") is None and run.why("6.1-lazy", "sg") == "it is = not here",
             "what is not there says why")
    by = {t.what: t for t in figures.targets(run)}
    pick = lambda *words: next(t for what, t in by.items() if all(w in what for w in words))
    tap.case(pick("domain mode, 6.1 lazy").verdict == "yes", "half is half")
    tap.case(pick("ring", "6.1 lazy").verdict == "no", "one instruction too many is missed")
    tap.case(pick("domain mode, 6.12").verdict == "not measured", "a kernel that was not booted is not measured")
    tap.case(pick("hypercalls").verdict == "not measured", "nor is Xen")
    tap.case(pick("lookups", "domain and pool mode").verdict == "yes" and pick("wrap").verdict == "not measured",
             "no lookup is none, no count is not measured")
    run = figures.Run(data(more=[hits("ring-1", "unmap", 1)]))
    found = next(t for t in figures.targets(run) if "lookups" in t.what)
    tap.case(found.met is False and "ring-1" in found.note, "one lookup in 512 calls is missed, and named")


def written(tap):
    d = data()
    text = "\n".join(t.markdown() for t in tables.all_tables(d))
    tap.case("sg on 6.1-lazy" in text and "it is = not here" in text, "tables say what is not there, and why")
    tap.case("not measured: not in this run" in text, "and what was not measured")
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "doc.md")
        with open(path, "w") as f:
            f.write("<!-- run: nothing -->\nx\n<!-- end -->\n")
        tap.case(refused(lambda: evidence.quote(d, path), "nothing"), "a document that asks for no table is refused")
        with open(path) as f:
            tap.case("x" in f.read(), "and left as it was")


def main():
    tap = vm.Tap()
    consoles(tap)
    judged(tap)
    written(tap)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
