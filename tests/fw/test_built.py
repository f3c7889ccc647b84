#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""IVRS, IORT, VIOT, RIMT and device trees built by hand, for what no firmware here emits: test_built.py DMAH DATA"""

import os
import struct
import sys

sys.dont_write_bytecode = True

import fw
from build import (Tree, acpi, acpi_device, alias, cells, every, iort, its_group, ivhd, ivmd, ivrs, madt, madt_frame,
                   madt_its, mapping, mmio_endpoint, named_component, patch, pci_range, rimt, rimt_iommu, rimt_map,
                   rimt_platform, rimt_rc, rmr, root_complex, select, smmuv2, smmuv3, span, special, virtio_mmio,
                   virtio_pci, viot, wide)

HT = (0xfd00000000, 0xffffffffff, "reserved")
AMD = [fw.MSI_X86, HT]


def ids(files, who, bridges=()):
    a = fw.one(files, who, bridges)
    return a.unit and (a.unit[1], a.ids)


# ---- IVRS ----

def ivrs_units():
    """Two units in one segment, one in another; the highest block of each counts."""
    t = fw.put("t", ivrs(
        ivhd(0x10, 0xfd100000, span("00:00.3", "3f:1f.7"), features=0x44, flags=0x10),
        ivhd(0x10, 0xfd200000, span("40:00.0", "7f:1f.7"), device="40:00.2"),
        ivhd(0x11, 0xfd100000, span("00:00.3", "1f:1f.7"), efr=0x29d3, efr2=5, flags=0x30),
        ivhd(0x40, 0xfd300000, every(), device="00:00.2", segment=1, efr=7)))
    assert ids(t, "1f:1f.7") == (0xfd100000, [0x1fff])
    assert ids(t, "20:00.0") is None, "only the block of type 0x11 counts"
    assert ids(t, "00:00.2") is None and ids(t, "40:00.2") is None and ids(t, "0001:00:00.2") is None
    assert ids(t, "40:00.0") == (0xfd200000, [0x4000])
    assert ids(t, "0001:40:00.0") == (0xfd300000, [0x4000])
    assert ids(t, "80:00.0") is None and ids(t, "0002:00:01.0") is None
    units = fw.listing(t)["iommus"]
    assert [(u["base"], u["segment"], u["hw_features"], u["hw_features2"]) for u in units] == [
        ("0xfd200000", 0, "0x0", "0x0"), ("0xfd100000", 0, "0x29d3", "0x5"), ("0xfd300000", 1, "0x7", "0x0")], units
    assert units[1]["flags"] == ["coherent", "iotlb"], units


def ivrs_aliases():
    t = fw.put("t", ivrs(ivhd(0x11, 0xfd100000, span("00:01.0", "0f:1f.7"), alias("02:04.0", "02:00.0"),
                              alias("03:00.0", "00:1e.0"), select("03:00.1"))))
    for who, want in (("02:04.0", 0x200), ("02:04.1", 0x221), ("03:00.0", 0xf0), ("03:00.1", 0x301)):
        assert ids(t, who) == (0xfd100000, [want]), who
    # the bridges that the machine has say the rest
    assert ids(t, "05:02.0", ["00:04.0=5,pci"]) == (0xfd100000, [0x20])


def ivrs_memory():
    """Unity, exclusion and reserved ranges, for one device, a range, and all."""
    t = fw.put("t", ivrs(ivhd(0x11, 0xfd100000, span("00:01.0", "0f:1f.7"), alias("02:04.0", "02:00.0")),
                         ivmd(0x21, 7, 0x10000, 0x2000, "00:02.0"), ivmd(0x21, 8, 0x20000, 0x1000, "00:03.0"),
                         ivmd(0x22, 3, 0x30000, 0x1000, "00:02.0", "00:04.0"), ivmd(0x20, 0, 0x40000, 0x1000),
                         ivmd(0x21, 7, 0x50000, 0x1000, "02:00.0"), ivmd(0x20, 7, 0x60000, 0x1000, segment=1)))
    everyone = (0x40000, 0x40fff, "reserved")
    part = (0x30000, 0x30fff, "identity")
    for who, want in (("00:02.0", [(0x10000, 0x11fff, "identity"), part, everyone]),
                      ("00:03.0", [(0x20000, 0x20fff, "identity"), part, everyone]),
                      ("00:04.0", [part, everyone]), ("00:04.1", [everyone]),
                      ("02:04.0", [everyone, (0x50000, 0x50fff, "identity")])):
        assert fw.one(t, who).reserved == want + AMD, (who, fw.one(t, who))


def ivrs_senseless_memory():
    """Each senseless range costs one warning, and nothing else."""
    for start, length in ((0, 1), (0, 0), (0x1000, 0), (0xfffffffffffff000, 0x2000), (0x5000, 0xfff)):
        t = fw.put("t", ivrs(ivmd(0x21, 8, start, length, "00:02.0"), ivhd(0x11, 0xfd100000, every()),
                             ivmd(0x21, 7, 0x7000, 0x1000, "00:02.0")))
        [a], err = fw.ask(t, ["00:02.0"])
        assert a.unit == ("amdvi", 0xfd100000) and a.reserved == [(0x7000, 0x7fff, "identity")] + AMD, a
        assert err.count("warning: IVRS, offset 0x40: ") == 1 and err.count("\n") == 1, err


def ivrs_acpi_devices():
    t = fw.put("t", ivrs(ivhd(0x40, 0xfd100000, acpi_device("AMDI0020", "ID00", "00:14.5"),
                              acpi_device("AMDI0095", 7, "00:14.6"), acpi_device("NOUID", None, "00:14.7"),
                              special(1, 0x21, "00:14.0"), select("00:01.0"))))
    assert fw.listing(t)["named"] == ["AMDI0020:ID00", "AMDI0095:7", "NOUID:"]
    for who, want in (("AMDI0020:ID00", 0xa5), ("AMDI0095:7", 0xa6), ("NOUID:", 0xa7)):
        assert ids(t, who) == (0xfd100000, [want]), who
    assert ids(t, "AMDI0020:ID01") is None and ids(t, "00:14.5") is None
    assert ids(t, "00:01.0") == (0xfd100000, [8])


def ivrs_hostile():
    good = ivrs(ivhd(0x10, 0xfd100000, select("00:01.0"), select("00:02.0")))
    fw.refused(patch(good, 50, struct.pack("<H", 0)), "IVRS", 48, "fixed")
    fw.refused(patch(good, 50, struct.pack("<H", 23)), "IVRS", 48, "fixed")
    fw.refused(patch(good, 50, struct.pack("<H", 500)), "IVRS", 48, "beyond")
    fw.refused(good[:60], "IVRS", 60, "truncated")
    fw.refused(ivrs(b"\x10\0"), "IVRS", 48, "truncated")
    fw.refused(patch(good, 76, b"\x48"), "IVRS", 76, "beyond")
    fw.refused(ivrs(ivhd(0x40, 0xfd100000, acpi_device("A", "BCD", "00:01.0")[:-1])), "IVRS", 88, "beyond")
    fw.refused(ivrs(ivhd(0x10, 0, every())), "IVRS", 56, "base")
    fw.refused(ivrs(ivhd(0x10, 0xfd101000, every())), "IVRS", 56, "base")
    fw.refused(ivrs(ivhd(0x10, 0xfd100000, span("00:01.0", "00:02.0")[:4], select("00:03.0"))), "IVRS", 76, "no end")
    fw.refused(ivrs(ivhd(0x10, 0xfd100000, span("00:01.0", "00:02.0")[:4])), "IVRS", 76, "no end")
    fw.refused(ivrs(ivhd(0x10, 0xfd100000, span("00:02.0", "00:01.0"))), "IVRS", 76, "in front")
    fw.refused(ivrs(ivhd(0x10, 0xfd100000, span("00:02.0", "00:03.0")[4:])), "IVRS", 72, "not begun")
    fw.refused(ivrs(ivhd(0x10, 0xfd100000, every()), ivhd(0x10, 0xfd100000, device="00:00.3")), "IVRS", 84, "overlap")
    fw.refused(ivrs(ivhd(0x10, 0xfd100000, every()), ivhd(0x10, 0xfd200000, select("00:01.0"), device="00:00.3")),
               "IVRS", 76, "overlap")
    fw.refused(ivrs(ivhd(0x10, 0xfd100000, every()), ivhd(0x11, 0xfd200000, every())), "IVRS", 84, "disagree")
    fw.refused(ivrs(ivhd(0x10, 0xfd100000), ivhd(0x10, 0xfd100000)), "IVRS", 72, "overlap")


# ---- IORT: the group of ITSs is at 48, the SMMU behind it ----

def iort_units():
    """An SMMUv3 and an SMMUv2, root complexes of two segments, and functions that pass both by."""
    its, v3 = its_group(0), smmuv3(0x2b400000, mapping(0, 0x10000, 0, 48), flags=0)
    v3_at = 48 + len(its)
    v2_at = v3_at + len(v3)
    t = fw.put("t", iort(
        its, v3, smmuv2(0x2b500000, span=0x20000, coherent=True),
        root_complex(mapping(0, 0x100, 0x1000, v3_at), mapping(0x100, 0x100, 0x8000, v2_at), mapping(0x200, 0x100, 0, 48)),
        root_complex(mapping(0, 0x10000, 0x20000, v3_at), segment=3)))
    for who, want in (("00:02.0", (0x2b400000, [0x1010])), ("01:02.0", (0x2b500000, [0x8010])), ("02:00.0", None),
                      ("03:00.0", None), ("0003:ff:1f.7", (0x2b400000, [0x2ffff])), ("0001:00:00.0", None)):
        assert ids(t, who) == want, (who, ids(t, who))
    v3u, v2u = fw.listing(t)["iommus"]
    assert (v3u["kind"], v2u["kind"], v2u["interrupts"], v2u["flags"]) == ("smmuv3", "smmuv2", [34, 35, 0, 0],
                                                                           ["coherent"]), v2u
    assert v3u["flags"] == [], v3u


def iort_one_too_many():
    """The count that is one too many: the id at the end of a range is that of the range that starts there."""
    its, v3 = its_group(0), smmuv3(0x2b400000)
    v3_at = 48 + len(its)
    for maps in ((mapping(0, 0x101, 0, v3_at), mapping(0x100, 0x100, 0, 48)),
                 (mapping(0x100, 0x100, 0, 48), mapping(0, 0x101, 0, v3_at))):
        t = fw.put("t", iort(its, v3, root_complex(*maps)))
        assert ids(t, "00:1f.7") == (0x2b400000, [0xff])
        assert ids(t, "01:00.0") is None
    # no other range starts there: the id is of the range that ends
    t = fw.put("t", iort(its, v3, root_complex(mapping(0, 0x101, 0, v3_at))))
    assert ids(t, "01:00.0") == (0x2b400000, [0x100])


def iort_named():
    its, v3 = its_group(0), smmuv3(0x2b400000)
    v3_at = 48 + len(its)
    t = fw.put("t", iort(its, v3, named_component("\\_SB.GPU0", mapping(0, 1, 0x40, v3_at, True),
                                                  mapping(1, 1, 0x44, v3_at, True)),
                         named_component("\\_SB.NET0", mapping(0, 3, 0x50, v3_at)),
                         named_component("\\_SB.RAW0", mapping(0, 1, 0x50, 48, True))))
    assert fw.listing(t)["named"] == ["\\_SB.GPU0", "\\_SB.NET0", "\\_SB.RAW0"]
    assert ids(t, "\\_SB.GPU0") == (0x2b400000, [0x40, 0x44])
    assert ids(t, "\\_SB.NET0") == (0x2b400000, [0x50, 0x51, 0x52])
    assert ids(t, "\\_SB.RAW0") is None and ids(t, "\\_SB.GPU") is None


def iort_rmr():
    """Memory that streams use already: of one, of a range, of another SMMU."""
    a, b = smmuv3(0x2b400000), smmuv3(0x2b600000)
    a_at, b_at = 48, 48 + len(a)
    t = fw.put("t", iort(a, b, root_complex(mapping(0, 0x100, 0x1000, a_at), mapping(0x100, 0x100, 0, b_at)),
                         rmr([(0x80000000, 0x10000), (0x90000000, 0x1000), (0, 1)], mapping(0, 1, 0x1010, a_at, True)),
                         rmr([(0xa0000000, 0x1000)], mapping(0, 8, 0x1010, a_at)),
                         rmr([(0xb0000000, 0x1000)], mapping(0, 1, 0x10, b_at, True))))
    one, more = (0x80000000, 0x8000ffff, "identity"), (0x90000000, 0x90000fff, "identity")
    some = (0xa0000000, 0xa0000fff, "identity")
    [x, y, z, w], err = fw.ask(t, ["00:02.0", "00:02.7", "01:02.0", "00:03.0"])
    assert x.reserved == [one, more, some] and y.reserved == [some], (x, y)
    assert z.reserved == [(0xb0000000, 0xb0000fff, "identity")] and w.reserved == [], (z, w)
    assert err.count("warning: IORT") == 1 and "left out" in err, err


def iort_doorbells():
    its, v3 = its_group(7, 8), smmuv3(0x2b400000, mapping(0, 0x10000, 0, 48))
    t = fw.put("t", iort(its, v3, root_complex(mapping(0, 0x10000, 0, 48 + len(its)))))
    m = fw.put("m", madt(madt_its(8, 0x8080000), madt_its(9, 0x8180000), madt_frame(0x9000000)))
    assert fw.one(t, "00:02.0").reserved == []
    assert fw.one([t, m], "00:02.0").reserved == [(0x8090000, 0x8090fff, "msi"), (0x9000000, 0x9000fff, "msi")]
    fw.refused(madt(b"\x0f\x10" + bytes(14)), "APIC", 44, "length")
    fw.refused(madt(b"\x0f\0"), "APIC", 44, "length")
    fw.refused(madt(b"\x0f\xff"), "APIC", 44, "beyond")


def iort_smmuv2_ids():
    """Stream ids of an SMMUv2 have 16 bits. A count that is one too many is known."""
    v2 = smmuv2(0x2b500000)
    for m, wrong in ((mapping(0, 0x10000, 0, 48), False), (mapping(0, 0x10001, 0, 48), False),
                     (mapping(0, 0x10000, 2, 48), True), (mapping(0, 1, 0x10000, 48, True), True),
                     (mapping(0, 0x100, 0xff01, 48), False), (mapping(0, 0x100, 0xff02, 48), True)):
        t = iort(v2, root_complex(m))
        if wrong:
            fw.refused(t, "IORT", 48 + len(v2) + 36, "16 bits")
        else:
            assert fw.one(fw.put("t", t), "00:00.1").unit == ("smmuv2", 0x2b500000)


def iort_hostile():
    its, v3 = its_group(0), smmuv3(0x2b400000, mapping(0, 0x10000, 0, 48))
    v3_at = 48 + len(its)
    good = iort(its, v3, root_complex(mapping(0, 0x100, 0, v3_at)))
    rc_at = v3_at + len(v3)
    fw.refused(patch(good, 49, struct.pack("<H", 0)), "IORT", 48, "fixed")
    fw.refused(patch(good, v3_at + 1, struct.pack("<H", 4000)), "IORT", v3_at, "beyond")
    fw.refused(good[:v3_at + 8], "IORT", v3_at + 8, "truncated")
    fw.refused(patch(good, 36, struct.pack("<I", 9)), "IORT", 36, "count")
    fw.refused(patch(good, 36, struct.pack("<I", 0xffffffff)), "IORT", 36, "count")
    fw.refused(patch(good, 40, struct.pack("<I", 0)), "IORT", 40, "first node")
    fw.refused(patch(good, 40, struct.pack("<I", 0x10000)), "IORT", 40, "first node")
    fw.refused(patch(good, 64, struct.pack("<I", 0x40000001)), "IORT", 64, "ITS ids")
    for offset, value in ((8, 100), (8, 0xffffffff), (12, 0xfffffff0), (12, 4)):
        fw.refused(patch(good, rc_at + offset, struct.pack("<I", value)), "IORT", rc_at + 8, "mappings")
    map_at = rc_at + 36
    for to, word in ((0, "no node"), (49, "no node"), (0xffffffff, "no node"), (rc_at, "loop")):
        fw.refused(patch(good, map_at + 12, struct.pack("<I", to)), "IORT", map_at, word)
    fw.refused(patch(good, v3_at + 68 + 12, struct.pack("<I", v3_at)), "IORT", v3_at + 68, "loop")
    fw.refused(patch(good, map_at, struct.pack("<I", 0xffffffff)), "IORT", map_at, "32 bits")
    fw.refused(iort(smmuv3(0x1000), smmuv3(0x2000, mapping(0, 1, 0, 48))), "IORT", 48 + 68 + 68, "loop")
    fw.refused(iort(smmuv3(0x1000), root_complex(), root_complex(mapping(0, 1, 0, 48 + 68))), "IORT",
               48 + 68 + 36 + 36, "neither")
    fw.refused(iort(its, v3, root_complex(mapping(0, 0x100, 0, v3_at), mapping(0x80, 0x100, 0, v3_at))), "IORT",
               map_at + 20, "overlap")
    fw.refused(iort(its, v3, root_complex(mapping(0, 0x102, 0, v3_at), mapping(0x100, 0x100, 0, v3_at))), "IORT",
               map_at + 20, "overlap")
    fw.refused(iort(smmuv3(0)), "IORT", 64, "base")
    fw.refused(iort(smmuv3(0x1000), smmuv3(0x1000)), "IORT", 48 + 68 + 16, "overlap")
    name_at = 48 + 29
    t = bytearray(iort(named_component("AAAAAAAAAA")))
    for i in range(name_at, len(t)):
        t[i] = 0x41
    fw.refused(patch(bytes(t), 9, b"\0"), "IORT", name_at, "no end")
    r = iort(smmuv3(0x1000), rmr([(0x1000, 0x1000)], mapping(0, 1, 0, 48, True)))
    at = 48 + 68
    fw.refused(patch(r, at + 20, struct.pack("<I", 99)), "IORT", at + 20, "memory ranges")
    fw.refused(patch(r, at + 24, struct.pack("<I", 0xffffffff)), "IORT", at + 20, "memory ranges")


# ---- VIOT ----

def viot_nodes():
    """Ranges over segments, endpoints with registers, virtio-iommus of both forms."""
    t = fw.put("t", viot(virtio_pci("00:05.0", 2), virtio_mmio(0xa000000),
                         pci_range("00:00.0", "00:1f.7", 48, 0x100, 0, 2), pci_range("10:00.0", "1f:1f.7", 64, 0x5000),
                         mmio_endpoint(0xb000000, 0x77, 64)))
    pci, mmio = "0002:00:05.0", 0xa000000
    for who, want in (("00:01.0", (pci, [0x108])), ("0001:00:01.0", (pci, [0x10108])), ("0002:00:06.0", (pci, [0x20130])),
                      ("0002:00:05.0", None), ("00:05.0", (pci, [0x128])), ("0003:00:01.0", None), ("01:00.0", None),
                      ("10:00.0", (mmio, [0x5000])), ("1f:1f.7", (mmio, [0x5fff])), ("0001:10:00.0", None),
                      ("mmio@b000000", (mmio, [0x77])), ("mmio@b000001", None)):
        assert ids(t, who) == want, (who, ids(t, who))
    assert fw.listing(t)["named"] == ["mmio@b000000"]


def viot_hostile():
    good = viot(virtio_pci("00:05.0"), pci_range("00:00.0", "00:1f.7", 48))
    fw.refused(patch(good, 50, struct.pack("<H", 0)), "VIOT", 48, "fields")
    fw.refused(patch(good, 66, struct.pack("<H", 23)), "VIOT", 64, "fields")
    fw.refused(patch(good, 66, struct.pack("<H", 999)), "VIOT", 64, "beyond")
    fw.refused(patch(good, 36, struct.pack("<H", 3)), "VIOT", 36, "count")
    fw.refused(patch(good, 38, struct.pack("<H", 8)), "VIOT", 38, "first node")
    fw.refused(patch(good, 38, struct.pack("<H", 9999)), "VIOT", 38, "first node")
    for to in (0, 49, 64, 0xffff):
        fw.refused(patch(good, 80, struct.pack("<H", to)), "VIOT", 64, "output")
    fw.refused(patch(good, 76, struct.pack("<H", 0xffff)), "VIOT", 64, "in front")
    fw.refused(good[:70], "VIOT", 70, "truncated")
    fw.refused(viot(virtio_pci("00:05.0"), pci_range("00:00.0", "00:1f.7", 48), pci_range("00:1f.7", "01:00.0", 48)),
               "VIOT", 88, "overlap")
    fw.refused(viot(virtio_mmio(0)), "VIOT", 48, "base")
    fw.refused(viot(virtio_mmio(1), mmio_endpoint(5, 1, 48), mmio_endpoint(5, 2, 48)), "VIOT", 88, "overlap")


# ---- RIMT ----

def rimt_nodes():
    """A unit with registers and one that is a PCI function, platform devices, two segments."""
    a, b = rimt_iommu(0x3010000, wires=(36, 37, 38, 39)), rimt_iommu(device="00:01.0", segment=1)
    b_at = 48 + len(a)
    t = fw.put("t", rimt(a, b, rimt_rc(rimt_map(0, 0x100, 0x100, 48), rimt_map(0x200, 0x10, 0, 48)),
                         rimt_rc(rimt_map(0, 0x10000, 0, b_at), segment=1),
                         rimt_platform("\\_SB.DMA0", rimt_map(0, 2, 0x900, 48))))
    for who, want in (("00:02.0", (0x3010000, [0x110])), ("00:1f.7", (0x3010000, [0x1ff])), ("01:00.0", None),
                      ("02:00.0", (0x3010000, [0])), ("02:01.7", (0x3010000, [0xf])), ("02:02.0", None),
                      ("0001:00:02.0", ("0001:00:01.0", [0x10])), ("0001:00:01.0", None), ("0002:00:00.0", None),
                      ("\\_SB.DMA0", (0x3010000, [0x900, 0x901]))):
        assert ids(t, who) == want, (who, ids(t, who))
    assert fw.listing(t)["iommus"][0]["interrupts"] == [36, 37, 38, 39]


def rimt_hostile():
    good = rimt(rimt_iommu(0x3010000), rimt_rc(rimt_map(0, 0x100, 0, 48)))
    rc = 48 + 40
    fw.refused(patch(good, 50, struct.pack("<H", 0)), "RIMT", 48, "fixed")
    fw.refused(patch(good, rc + 2, struct.pack("<H", 0xfff0)), "RIMT", rc, "beyond")
    fw.refused(patch(good, 36, struct.pack("<I", 3)), "RIMT", 36, "count")
    fw.refused(patch(good, 40, struct.pack("<I", 0)), "RIMT", 40, "first node")
    fw.refused(good[:rc + 4], "RIMT", rc + 4, "truncated")
    fw.refused(patch(good, rc + 18, struct.pack("<H", 2)), "RIMT", rc, "mappings")
    fw.refused(patch(good, rc + 16, struct.pack("<H", 8)), "RIMT", rc, "mappings")
    fw.refused(patch(good, rc + 20 + 12, struct.pack("<I", rc)), "RIMT", rc + 20, "no IOMMU")
    fw.refused(patch(good, rc + 20 + 4, struct.pack("<I", 0)), "RIMT", rc + 20, "no ids")
    fw.refused(patch(good, rc + 20, struct.pack("<I", 0xffffffff)), "RIMT", rc + 20, "32 bits")
    fw.refused(patch(good, 48 + 36, struct.pack("<H", 1)), "RIMT", 48, "interrupts")
    fw.refused(rimt(rimt_iommu(0)), "RIMT", 48, "base")
    fw.refused(rimt(rimt_iommu(0x1000), rimt_iommu(0x1000)), "RIMT", rc, "overlap")
    fw.refused(rimt(rimt_iommu(0x1000), rimt_rc(rimt_map(0, 16, 0, 48), rimt_map(15, 16, 0, 48))), "RIMT", rc + 40,
               "overlap")


# ---- device trees ----

def smmu_node(name, phandle, base, compatible="arm,smmu-v3", ncells=1, **props):
    p = {"compatible": compatible, "reg": wide(base) + wide(0x20000), "#iommu-cells": cells(ncells),
         "phandle": cells(phandle)}
    p.update(props)
    return Tree(name, p)


def host(name, segment, *children, **props):
    p = {"device_type": "pci", "#address-cells": cells(3), "#size-cells": cells(2), "linux,pci-domain": cells(segment)}
    p.update({k.replace("__", "-"): v for k, v in props.items()})
    return Tree(name, p, *children)


def root(*children):
    return Tree("", {"#address-cells": cells(2), "#size-cells": cells(2), "compatible": "test"}, *children)


def tree_maps():
    """iommu-map-mask, several units and hosts, a unit that is switched off."""
    t = fw.put("t", root(
        smmu_node("iommu@1", 1, 0x10000000), smmu_node("iommu@2", 2, 0x20000000, "arm,mmu-500"),
        smmu_node("iommu@3", 3, 0x30000000, status="disabled"),
        host("pcie@0", 0, iommu__map=cells(0, 1, 0x100, 0x10, 0x10, 2, 0x4000, 8, 0x18, 3, 0, 8), iommu__map__mask=cells(0xff)),
        host("pcie@1", 1, iommu__map=cells(0, 2, 0, 0x10000)),
        host("pcie@2", 2, iommus=cells(1, 0x77))).blob())
    for who, want in (("00:00.0", (0x10000000, [0x100])), ("00:01.7", (0x10000000, [0x10f])),
                      ("05:01.7", (0x10000000, [0x10f])), ("00:02.0", (0x20000000, [0x4000])),
                      ("00:03.0", None), ("00:04.0", None), ("0001:34:02.0", (0x20000000, [0x3410])),
                      ("0002:12:00.0", (0x10000000, [0x77])), ("0003:00:00.0", None)):
        assert ids(t, who) == want, (who, ids(t, who))
    units = fw.listing(t)["iommus"]
    assert [u["kind"] for u in units] == ["smmuv3", "smmuv2"], units
    assert units[0]["flags"] == ["noncoherent"], units


def tree_devices():
    """iommus of platform devices behind a bus that translates, and reserved-memory."""
    t = fw.put("t", root(
        Tree("soc", {"#address-cells": cells(1), "#size-cells": cells(1), "ranges": cells(0, 8, 0, 0x10000000)},
             Tree("iommu@1000", {"compatible": "arm,smmu-v2", "reg": cells(0x1000, 0x1000), "#iommu-cells": cells(2),
                                 "phandle": cells(1)}),
             Tree("dma@2000", {"iommus": cells(1, 0x10, 0x7f, 1, 0x18, 0), "phandle": cells(2)}),
             Tree("off@3000", {"iommus": cells(1, 0x20, 0), "status": "disabled"})),
        Tree("reserved-memory", {"#address-cells": cells(2), "#size-cells": cells(2), "ranges": None},
             Tree("fb@8", {"reg": wide(0x80000000) + wide(0x10000), "iommu-addresses": cells(2, 0x80000000, 0x10000)}),
             Tree("no@9", {"iommu-addresses": cells(2, 0x90000000, 0x1000)}))).blob())
    a = fw.one(t, "/soc/dma@2000")
    assert a.unit == ("smmuv2", 0x800001000) and a.ids == [0x10, 0x18], a
    assert a.reserved == [(0x80000000, 0x8000ffff, "identity"), (0x90000000, 0x90000fff, "reserved")], a
    assert ids(t, "/soc/off@3000") is None and ids(t, "/soc/dma@2") is None
    assert fw.listing(t)["named"] == ["/soc/dma@2000"]


def tree_identity():
    """iommu-addresses: identity only where address and length are those of the region's own memory."""
    bus = {"#address-cells": cells(2), "#size-cells": cells(2), "ranges": None}

    def reserved(*regions):
        t = fw.put("t", root(smmu_node("iommu@1", 1, 0x10000000), Tree("gpu@4", {"iommus": cells(1, 4), "phandle": cells(4)}),
                             Tree("dma@5", {"iommus": cells(1, 5), "phandle": cells(5)}),
                             Tree("reserved-memory", bus, *regions)).blob())
        return [fw.one(t, name).reserved for name in ("/gpu@4", "/dma@5")]

    def region(reg, *entries):
        p = {"iommu-addresses": b"".join(cells(who) + wide(start) + wide(size) for who, start, size in entries)}
        if reg:
            p["reg"] = wide(reg[0]) + wide(reg[1])
        return Tree("r@0", p)

    at = 0x80000000
    whole = [(at, at + 0xffff, "identity")]
    assert reserved(region((at, 0x10000), (4, at, 0x10000))) == [whole, []]
    assert reserved(region((at, 0x10000), (4, at, 0x10000), (5, at, 0x10000))) == [whole, whole]
    # beyond the region's memory, a part of it, another address: nothing that the device may be given
    for start, size in ((at, 0x20000), (at, 0x8000), (at + 0x1000, 0x1000), (0, 0x1000)):
        want = [(start, start + size - 1, "reserved")]
        assert reserved(region((at, 0x10000), (5, start, size))) == [[], want], (start, size)
        assert reserved(region(None, (5, start, size))) == [[], want], (start, size)
    # two regions; one with no length, one that wraps round
    assert reserved(region((at, 0x10000), (4, at, 0x10000)), region(None, (4, 0x1000, 0x1000)), region(None, (4, 0, 0)),
                    region(None, (4, 0xfffffffffffff000, 0x2000))) == [whole + [(0x1000, 0x1fff, "reserved")], []]


def tree_identity_of_buses():
    """Entries of iommu-addresses are as long as addresses and sizes on the bus of the device that each names."""
    narrow = Tree("bus@6", {"#address-cells": cells(1), "#size-cells": cells(1), "ranges": None},
                  Tree("dma@6", {"iommus": cells(1, 6), "phandle": cells(6)}))
    gpu = Tree("gpu@4", {"iommus": cells(1, 4), "phandle": cells(4)})
    wide_entry, narrow_entry = cells(4) + wide(0x80000000) + wide(0x10000), cells(6, 0x90000000, 0x1000)
    for entries in (wide_entry + narrow_entry, narrow_entry + wide_entry, narrow_entry + narrow_entry + wide_entry + wide_entry):
        t = fw.put("t", root(smmu_node("iommu@1", 1, 0x10000000), gpu, narrow,
                             Tree("reserved-memory", {"#address-cells": cells(2), "#size-cells": cells(2), "ranges": None},
                                  Tree("r@0", {"iommu-addresses": entries}))).blob())
        a, b = fw.one(t, "/gpu@4").reserved, fw.one(t, "/bus@6/dma@6").reserved
        assert set(a) == {(0x80000000, 0x8000ffff, "reserved")}, a
        assert set(b) == {(0x90000000, 0x90000fff, "reserved")}, b


def tree_smmuv2_ids():
    """Ids and masks of an SMMUv2 have 16 bits; those of an SMMUv3 32."""
    def tree(compatible, ncells, **props):
        return fw.put("t", root(smmu_node("i", 1, 0x10000000, compatible, ncells), host("p", 0, **props)).blob())

    for props, ncells in (({"iommu__map": cells(0, 1, 0x10, 0xfff1)}, 1), ({"iommus": cells(1, 0x10000)}, 1),
                          ({"iommus": cells(1, 0xffffffff)}, 1), ({"iommus": cells(1, 1, 0x10000)}, 2)):
        status, _, err = fw.tables(tree("arm,smmu-v2", ncells, **props))
        assert status == 1 and "16 bits" in err and "error: DT, offset 0x" in err, err
        assert fw.tables(tree("arm,smmu-v3", ncells, **props))[0] == 0
    assert fw.one(tree("arm,smmu-v2", 1, iommu__map=cells(0, 1, 0, 0x10000)), "ff:1f.7").ids == [0xffff]
    assert fw.one(tree("arm,smmu-v2", 2, iommus=cells(1, 0xffff, 0xffff)), "00:01.0").ids == [0xffff]


def tree_mirrored():
    """NVIDIA's: one unit; or two that are written alike, which the listing says."""
    for regs, flags in ((1, ["noncoherent"]), (2, ["noncoherent", "mirrored"])):
        reg = b"".join(wide(0x10000000 * (i + 1)) + wide(0x1000000) for i in range(regs))
        t = fw.put("t", root(smmu_node("i", 1, 0, "nvidia,smmu-500", reg=reg)).blob())
        assert [(u["kind"], u["flags"]) for u in fw.listing(t)["iommus"]] == [("smmuv2", flags)], fw.listing(t)


def tree_bounds():
    """Trees that would cost minutes if each reference and each name were followed to its end."""
    smmus = [smmu_node("i%d" % n, n + 1, 0x1000 * (n + 1)) for n in range(193)]
    devices = [Tree("d%d" % n, {"iommus": cells(1, n)}) for n in range(1025)]
    for nodes, word in ((smmus, "192 IOMMUs"), (smmus[:1] + devices, "1024 devices"),
                        (smmus[:1] + [Tree("d", {"iommus": cells(1, 2) * 65})], "64 entries")):
        status, _, err = fw.tables(fw.put("t", root(*nodes).blob()))
        assert status == 1 and word in err and "error: DT, offset 0x" in err, err
    t = fw.put("t", root(*smmus[:192], *devices[:1023], Tree("d", {"iommus": cells(192, 2) * 64})).blob())
    assert fw.one(t, "/d").ids == [2] and fw.one(t, "/d1022").ids == [1022]
    # a name of 1 MiB, for each of 40,000 properties
    long = {"n" * 0x100000: b""}
    t = fw.put("t", root(smmus[0], Tree("d", {"iommus": cells(1, 7)}), Tree("x", {}, *[Tree("y", long)] * 40000)).blob())
    assert os.path.getsize(t) < 0x200000 and fw.one(t, "/d").ids == [7]


def tree_other_units():
    """RISC-V's unit and virtio-iommu as PCI functions: not translated by themselves."""
    for compatible, kind in (("riscv,pci-iommu", "riscv"), ("virtio,pci-iommu", "virtio")):
        t = fw.put("t", root(host("pcie@0", 4, Tree("iommu@2,0", {
            "compatible": compatible, "reg": cells(0x1000, 0, 0, 0, 0), "#iommu-cells": cells(1), "phandle": cells(1)}),
            iommu__map=cells(0, 1, 0, 0x10000))).blob())
        assert ids(t, "0004:00:01.0") == ("0004:00:02.0", [8]) and ids(t, "0004:00:02.0") is None
        assert fw.one(t, "0004:00:01.0").unit[0] == kind
    t = fw.put("t", root(smmu_node("iommu@1", 1, 0x3010000, "riscv,iommu"),
                         host("pcie@0", 0, iommu__map=cells(0, 1, 0, 0x10000))).blob())
    assert fw.one(t, "00:01.0").unit == ("riscv", 0x3010000)


def tree_hostile():
    good = root(smmu_node("iommu@1", 1, 0x10000000), host("pcie@0", 0, iommu__map=cells(0, 1, 0, 0x10000))).blob()
    assert fw.one(fw.put("t", good), "00:01.0").unit
    fw.refused(good[:30], "DT", 30, "truncated")
    fw.refused(good[:100], "DT", 4, "truncated")
    for offset, value, word in ((4, 8, "length"), (4, 0x7fffffff, "2 MiB"), (20, 16, "version"), (24, 99, "version"),
                                (8, 0x7ffffffc, "structure"), (8, 57, "structure"), (36, 0xffffffff, "structure"),
                                (12, 0xffffffff, "strings"), (32, 0x7fffffff, "strings")):
        at = {36: 8, 24: 20, 32: 12}.get(offset, offset)
        fw.refused(good[:offset] + cells(value) + good[offset + 4:], "DT", at, word)
    fw.refused(good[:56] + cells(7) + good[60:], "DT", 56, "unknown token")
    # the first property: its length, then its name
    fw.refused(good[:68] + cells(0x7fffffff) + good[72:], "DT", 64, "property")
    fw.refused(good[:72] + cells(0x7fffffff) + good[76:], "DT", 64, "name")
    fw.refused(good[:36] + cells(40) + good[40:], "DT", 96, "truncated")
    deep = Tree("x")
    for _ in range(40):
        deep = Tree("x", {}, deep)
    status, _, err = fw.tables(fw.put("t", deep.blob()))
    assert status == 1 and "32 deep" in err, err
    for bad, word in ((cells(0, 9, 0, 16), "no IOMMU"), (cells(0, 1, 0), "multiple of 16"), (cells(0, 1, 0, 0), "no ids"),
                      (cells(0xffffffff, 1, 0, 2), "32 bits"), (cells(0, 1, 0, 16, 8, 1, 0, 16), "overlap")):
        t = fw.put("t", root(smmu_node("i", 1, 0x1000), host("p", 0, iommu__map=bad)).blob())
        status, _, err = fw.tables(t)
        assert status == 1 and "error: DT, offset 0x" in err and word in err, (word, err)
    for bad in (cells(9, 1), cells(1), cells(1, 2, 3), cells(1, 2) + b"\0"):
        status, _, err = fw.tables(fw.put("t", root(smmu_node("i", 1, 0x1000), Tree("d", {"iommus": bad})).blob()))
        assert status == 1 and "iommus" in err, (bad, err)
    status, _, err = fw.tables(fw.put("t", root(Tree("bus", {}, smmu_node("i", 1, 0x1000))).blob()))
    assert status == 1 and "registers" in err, err


def hostile_bytes():
    """Bytes of each kind of table changed: an answer or an error."""
    its = its_group(0)
    for t in (ivrs(ivhd(0x40, 0xfd100000, acpi_device("A", "B", "00:01.0"), select("00:02.0"))),
              iort(its, smmuv3(0x1000), root_complex(mapping(0, 256, 0, 48 + len(its)))),
              viot(virtio_pci("00:05.0"), pci_range("00:00.0", "00:1f.7", 48)),
              rimt(rimt_iommu(0x3010000), rimt_rc(rimt_map(0, 0x100, 0, 48))),
              root(smmu_node("i", 1, 0x1000), host("p", 0, iommu__map=cells(0, 1, 0, 16))).blob()):
        for i in range(10, len(t), 11):
            for value in (0, 0xff):
                changed = t[:i] + bytes([value]) + t[i + 1:]
                if t[0] != 0xd0:
                    changed = patch(changed, i, bytes([value]))
                status, _, err = fw.tables("--requester=00:02.0", fw.put("h", changed))
                assert status in (0, 1) and (status == 1) == ("error:" in err), (i, value, status, err)


def command_line():
    """Exit status 2 for wrong use; 0 for tables that say nothing of IOMMUs."""
    good = fw.put("t", viot(virtio_pci("00:05.0"), pci_range("00:00.0", "00:1f.7", 48)))
    assert fw.tables("--help")[0] == 0 and "Exit status" in fw.tables("--help")[1]
    for args in (("--bogus",), ("/no/such/file",), ("--requester=00:20.0", good), ("--requester=00:1f.8", good),
                 ("--requester=100:00.0", good), ("--requester=10000:00:00.0", good), ("--requester=", good),
                 ("--requester=0000:00:02", good), ("--bridge=00:01.0", good), ("--bridge=02:01.0=1-2", good),
                 ("--bridge=00:01.0=3-2", good), ("--bridge=00:01.0=1", ), ("--root=/", good), (good, good),
                 (fw.put("x", b"no table"),), (fw.put("x", b""),), (fw.put("x", b"TEXT is no table"),)):
        status, out, err = fw.tables(*args)
        assert status == 2 and err and not out, (args, status, out, err)
    status, out, err = fw.tables(fw.put("x", acpi("FACP", bytes(100))))
    assert status == 0 and out == "no IOMMU\n" and "says nothing of IOMMUs" in err, (out, err)
    assert fw.one(good, "00:02.0").requester == "0000:00:02.0"
    assert fw.tables("--requester=0:0:2.0", good)[1] == fw.tables("--json", "--requester=0000:00:02.0", good)[1]


CASES = [ivrs_units, ivrs_aliases, ivrs_memory, ivrs_senseless_memory, ivrs_acpi_devices, ivrs_hostile, iort_units,
         iort_one_too_many, iort_named, iort_rmr, iort_doorbells, iort_smmuv2_ids, iort_hostile, viot_nodes, viot_hostile, rimt_nodes,
         rimt_hostile, tree_maps, tree_devices, tree_identity, tree_identity_of_buses, tree_smmuv2_ids, tree_mirrored, tree_bounds,
         tree_other_units, tree_hostile, hostile_bytes, command_line]

if __name__ == "__main__":
    fw.main(CASES)
