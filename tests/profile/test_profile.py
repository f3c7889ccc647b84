#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""dmah profile against counts that are made here, by another way: test_profile.py DMAH TRACES DATA"""

import html.parser
import json
import lzma
import os
import random
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

from vm.ktap import Tap  # noqa: E402

DMAH, TRACES = map(os.path.abspath, sys.argv[1:3])
DIRS = {"TO_DEVICE": "to_device", "FROM_DEVICE": "from_device", "BIDIRECTIONAL": "bidirectional"}


def run(*args):
    done = subprocess.run([DMAH, "profile", *args], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def profile(text):
    path = os.path.join(scratch, "trace.txt")
    with open(path, "w") as f:
        f.write(text)
    status, out, err = run("--json", path)
    assert status == 0, err
    return json.loads(out)


class Model:
    """A driver that maps buffers of its slots, each slot at its own IOVA."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.lines = []
        self.us = 1000000
        self.live = {}
        self.count = {}
        self.pages = {}

    def add(self, key, n=1):
        self.count[key] = self.count.get(key, 0) + n

    def event(self, text, caller):
        self.us += self.r.randrange(1, 2000)
        head = "  drv-7 [000] ..... %d.%06d: " % divmod(self.us, 1000000)
        self.lines.append(head + text)
        self.lines.append(head + "<stack trace>")
        self.lines.append(" => dma_map_page_attrs")
        self.lines.append(" => " + caller)

    def map(self, slot):
        size = self.r.choice([64, 1500, 4096, 9000])
        phys = 0x100000 + 0x10000 * self.r.randrange(8) + self.r.choice([0, 0x40])
        dma = 0xf0000000 + 0x10000 * slot + phys % 4096
        direction = self.r.choice(list(DIRS))
        caller = self.r.choice(["rx", "tx"])
        self.event("dma_map_page: d dir=%s dma_addr=%x size=%d phys_addr=%x attrs=" % (
            direction, dma, size, phys), caller)
        pages = range(phys // 4096, (phys + size - 1) // 4096 + 1)
        self.add(("again", caller), pages[0] in self.pages)
        for page in pages:
            self.add(("pages", caller), page not in self.pages)
            self.pages[page] = self.pages.get(page, 0) + 1
        for key in ("maps", direction, ("size", size.bit_length() - 1)):
            self.add((key, caller))
        self.add(("bytes", caller), size)
        self.live[slot] = (dma, size, direction, caller, self.us)
        self.peak = max(getattr(self, "peak", 0), len(self.live))

    def unmap(self, slot):
        dma, size, direction, caller, since = self.live.pop(slot)
        self.event("dma_unmap_page: d dir=%s dma_addr=%x size=%d attrs=" % (direction, dma, size),
                   "free")
        life = self.us - since
        self.add(("unmaps", caller))
        self.add((("life", len(str(life)) if life else 0), caller))

    def sync(self, slot):
        dma, size, direction, _, _ = self.live[slot]
        self.event("dma_sync_single_for_cpu: d dir=%s dma_addr=%x size=%d" % (direction, dma, size),
                   "poll")
        self.add(("syncs", "poll"))

    def step(self):
        slot = self.r.randrange(20)
        if slot not in self.live:
            self.map(slot)
        elif self.r.random() < 0.3:
            self.sync(slot)
        else:
            self.unmap(slot)

    def sum(self, key, caller=None):
        return sum(n for (k, c), n in self.count.items() if k == key and caller in (None, c))


def compare(m, got, caller):
    for key in ("maps", "bytes", "unmaps", "syncs", "pages"):
        assert got[key] == m.sum(key, caller), (caller, key, got[key], m.sum(key, caller))
    assert got["mapped_again"] == m.sum("again", caller), (caller, got)
    assert got["lookups"] == got["unmaps"], got
    for d, name in DIRS.items():
        assert got["directions"][name] == m.sum(d, caller), (caller, d)
    for i, n in enumerate(got["sizes_log2"]):
        assert n == m.sum(("size", i), caller), (caller, "size", i)
    for i, n in enumerate(got["lifetimes_log10_us"]):
        assert n == m.sum(("life", i), caller), (caller, "life", i, n)


def random_driver():
    for seed in range(20):
        m = Model(seed)
        for _ in range(400):
            m.step()
        p = profile("\n".join(m.lines) + "\n")
        [d] = p["devices"]
        assert p["events"] == len(m.lines) // 4 and d["device"] == "d", p
        compare(m, d, None)
        assert {c["caller"] for c in d["callers"]} <= {"rx", "tx", "poll", "free"}, d["callers"]
        for c in d["callers"]:
            if c["caller"] in ("rx", "tx"):
                compare(m, c, c["caller"])
        assert d["live_peak"] == m.peak == max(d["live_over_time"]), d["live_peak"]
        assert d["live_at_end"] == len(m.live) <= d["live_over_time"][-1], d["live_at_end"]
        assert d["hottest_page_maps"] == max(m.pages.values()), d


MAP = " a-1 [000] ..... %d.0: dma_map_page: d dir=FROM_DEVICE dma_addr=%x size=%d phys_addr=%x attrs=\n"
UNMAP = " a-1 [000] ..... %d.0: dma_unmap_page: d dir=FROM_DEVICE dma_addr=%x size=%d attrs=\n"


def kinds():
    text = (MAP % (1, 0x1100, 64, 0x5200) +     # bounced: another offset
            " a-1 [000] ..... 2.0: dma_map_sg: e dir=TO_DEVICE nents=3/3 ents=1/1 dma_addrs={0xff000} "
            "sizes={0x3000} phys_addrs={0x7000,0x8000,0x9000} attrs=\n"
            " a-1 [000] ..... 3.0: dma_alloc: e dir=BIDIRECTIONAL dma_addr=fc000 size=8192 "
            "virt_addr=0000000012345678 flags=GFP_KERNEL attrs=\n" +
            MAP % (4, 2 ** 64 - 1, 4096, 0x5000) +
            " a-1 [000] ..... 5.0: dma_unmap_sg: e dir=TO_DEVICE phys_addrs={0x7000,0x8000,0x9000} "
            "attrs=\n")
    d, e = profile(text)["devices"]
    assert (d["maps"], d["failed"], d["bounced"], d["bounced_bytes"]) == (1, 1, 1, 64), d["maps"]
    assert (e["maps"], e["lists"], e["allocations"], e["bounced"]) == (1, 1, 1, 0), e["maps"]
    assert (e["list_entries"], e["list_segments"]) == (3, 1), e["list_entries"]
    assert (e["bytes"], e["allocated_bytes"]) == (0x3000, 8192), e["bytes"]
    assert e["lookups"] == 0 and e["unmaps"] == 1 and e["live_at_end"] == 1, e["unmaps"]
    # three seconds: between one and ten
    assert e["lifetimes_log10_us"] == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0], e["lifetimes_log10_us"]


def missing_unmap():
    """An IOVA that is given out again ends the mapping that had it."""
    [d] = profile(MAP % (1, 0xff000, 64, 0x5000) + MAP % (2, 0xff000, 64, 0x6000))["devices"]
    assert d["live_at_end"] == 1 and d["live_peak"] <= 2, d
    # without translation both stay
    [d] = profile(MAP % (1, 0x5000, 64, 0x5000) + MAP % (2, 0x5000, 64, 0x5000))["devices"]
    assert d["live_at_end"] == 2, d


class Page(html.parser.HTMLParser):
    """Every element is closed, and nothing is fetched from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        assert tag not in ("script", "iframe", "img"), tag
        for key, value in attrs:
            assert key not in ("src", "onclick") and not (value or "").startswith("http"), attrs
        if tag not in ("meta", "line", "path", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag


def figures_of_page(text, trace):
    """The page has the figures of --json, written for people, and explains its words."""
    rows = re.findall(r"<tr><td>([^<]+)</td><td>([^<]+)</td><td class=\"text\">", text)
    status, out, _ = run(trace, "--json")
    assert status == 0
    devices = json.loads(out)["devices"]
    mark = "Calls of the driver"
    assert text.count(mark) == len(devices), text.count(mark)
    keys = {"maps": "maps", "allocations": "allocations", "failed": "failed", "syncs": "syncs", "pages": "pages",
            "unmaps and frees": "unmaps", "hottest page": "hottest_page_maps", "at the end": "live_at_end",
            "kept mappings save": "kept_saves_instructions", "lookups": "lookups",
            "lookups cost": "lookup_instructions", "maps of part of a page": "maps_exposing"}
    for name, key in keys.items():
        values = [value for row, value in rows if row == name]
        assert values == ["{:,}".format(d[key]) for d in devices], (name, values, [d[key] for d in devices])
    again = [value for row, value in rows if row == "mapped again"]
    assert again == ["{:,} ({:.0f} %)".format(d["mapped_again"], 100 * d["mapped_again"] / d["maps"])
                     for d in devices], again
    mapped = [value for row, value in rows if row == "mapped in all"]
    assert mapped == ["%.1f MiB" % (d["bytes"] / (1 << 20)) for d in devices], mapped
    assert "<dt>IOMMU</dt>" in text and "12 mappings and allocations are live at the end" in text, text
    # axes end at round numbers that are not below the largest value
    ends = [[int(n.replace(",", "")) for n in re.findall(r'text-anchor="end">([\d,]+)</text>', plot)]
            for plot in text.split("<svg")[1:]]
    ends = [e for e in ends if e]
    peaks = [d["live_peak"] for d in devices]
    assert [e[2] >= p for e, p in zip(ends[::3], peaks)] == [True] * len(peaks), (ends, peaks)
    assert all(e[0] == 0 and 2 * e[1] == e[2] and len(str(e[2]).rstrip("0")) <= 2 for e in ends), ends


def report():
    path = os.path.join(scratch, "p.html")
    status, out, err = run(os.path.join(TRACES, "smp4_nvme_e1000e_lazy.txt.xz"), "--report=" + path)
    assert status == 0 and not err, err
    assert "device 0000:00:03.0" in out and "lookups" in out, out
    with open(path) as f:
        text = f.read()
    page = Page()
    page.feed(text)
    assert not page.open, page.open
    # two plots over time, and two of bars, for each of the two devices
    assert page.seen.count("svg") == 8, page.seen.count("svg")
    assert text.count("<h2") == 2 and "0000:00:04.0" in text, text[:500]
    figures_of_page(text, os.path.join(TRACES, "smp4_nvme_e1000e_lazy.txt.xz"))
    # a name cannot become a part of the page
    evil = os.path.join(scratch, "evil.txt")
    with open(evil, "w") as f:
        f.write((MAP % (1, 0xff000, 64, 0x5000)).replace(": d ", ": <script>&\" "))
    assert run(evil, "--report=" + path)[0] == 0
    with open(path) as f:
        text = f.read()
    assert "<script>" not in text and "&lt;script&gt;&amp;" in text, text
    Page().feed(text)
    assert run(evil, "--report=/dev/full")[0] == 2
    assert run(evil, "--report=/no/such/dir/p.html")[0] == 2


def usage():
    assert run("--help")[0] == 0
    for args in ((), ("a", "b"), ("--bogus",), ("/no/such/file",)):
        status, out, err = run(*args)
        assert status == 2 and err and not out, (args, err)


def same_as_check():
    """The exposure is that of dmah check, which has tests of its own."""
    name = os.path.join(TRACES, "e1000e_lazy.txt.xz")
    d = json.loads(run("--json", name)[1])["devices"][0]
    out = subprocess.run([DMAH, "check", name], capture_output=True, text=True).stdout
    m = re.search(r"(\d+) of (\d+) unmaps .*, (\d+) of them for writing; (\d+) of \d+ maps exposed (\d+)",
                  out)
    want = [d["unmaps_in_reach"], d["maps"], d["unmaps_writable"], d["maps_exposing"],
            d["bytes_beside"]]
    assert [int(x) for x in m.groups()] == want, (m, want)
    with lzma.open(name, "rt") as f:
        maps = sum(": dma_map_" in line for line in f)
    assert d["maps"] == maps, (d["maps"], maps)


def main():
    tap = Tap()
    for case in (random_driver, kinds, missing_unmap, report, usage, same_as_check):
        try:
            case()
            tap.case(True, case.__name__)
        except AssertionError as e:
            tap.case(False, case.__name__, notes=("%s: %r" % (case.__name__, e)).splitlines())
    return tap.done()


with tempfile.TemporaryDirectory(prefix="dmah-test-") as scratch:
    sys.exit(main())
