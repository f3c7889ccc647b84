#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Makes data/tc_nvme_lazy.txt.xz, the reference that test_dat.c compares the trace.dat reader with.

    trace-cmd report -R -i FILE.dat | raw2text.py | xz -9e > data/tc_nvme_lazy.txt.xz

-R prints the raw fields of each record, arrays as bytes. From those this writes the lines that
tracefs would have printed (the formats are in Linux's include/trace/events/dma.h), one for each
record, so that a line's number is the record's. Needs trace-cmd, which the build does not; run once.
"""
import re
import struct
import sys

DIRS = ["BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE", "NONE"]
ATTRS = {1: "WEAK_ORDERING", 2: "WRITE_COMBINE", 4: "NO_KERNEL_MAPPING", 5: "SKIP_CPU_SYNC",
         6: "FORCE_CONTIGUOUS", 7: "ALLOC_SINGLE_PAGES", 8: "NO_WARN", 9: "PRIVILEGED"}


def attrs(value):
    value = int(value, 16)
    return "|".join(name for bit, name in ATTRS.items() if value >> bit & 1)


def array(text, code):
    data = bytes(int(b, 16) for b in text.split(", ")) if text else b""
    return "{" + ",".join("0x%x" % v for (v,) in struct.iter_unpack(code, data)) + "}"


def payload(name, rest):
    f = dict(re.findall(r"(\w+)=(ARRAY\[[^]]*\]|\S*)", rest))
    for key, value in f.items():
        if value.startswith("ARRAY["):
            f[key] = array(value[6:-1], "<I" if key == "lengths" else "<Q")
    out = [f["device"], "dir=" + DIRS[int(f["dir"])]]
    if name == "dma_map_sg":
        shown = [len(f[k].split(",")) for k in ("phys_addrs", "dma_addrs")]
        out.append("nents=%d/%s ents=%d/%s" % (shown[0], f["full_nents"], shown[1], f["full_ents"]))
        out.append("dma_addrs=%s sizes=%s phys_addrs=%s" %
                   (f["dma_addrs"], f["lengths"], f["phys_addrs"]))
    elif name == "dma_unmap_sg":
        out.append("phys_addrs=" + f["addrs"])
    else:
        out.append("dma_addr=%s size=%s" % (f.get("dma_addr", f.get("addr")), f["size"]))
        if "phys_addr" in f:
            out.append("phys_addr=" + f["phys_addr"])
        if "virt_addr" in f:
            out.append("virt_addr=%016x" % int(f["virt_addr"], 16))
        if "flags" in f:
            out.append("flags=0x%x" % int(f["flags"]))
    if "attrs" in f:
        out.append("attrs=" + attrs(f["attrs"]))
    return " ".join(out)


for line in sys.stdin:
    m = re.match(r"( *\S.*-\d+) +\[(\d+)\] +(\d+\.\d+): (\w+): +(.*)", line)
    if not m:
        continue
    head, cpu, time, name, rest = m.groups()
    body = payload(name, rest) if name.startswith("dma_") else "-"
    print("%s [%s] ..... %s: %s: %s" % (head, cpu, time, name, body))
