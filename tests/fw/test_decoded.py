#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Real tables against models of their decoded texts: test_decoded.py DMAH DATA"""

import glob
import os
import re
import sys

sys.dont_write_bytecode = True

import build
import decoded
import fw


def expect(name):
    with open(fw.data(name)) as f:
        return f.read()


def judge(files, model, buses, ranges=()):
    """Ask for every function of some buses."""
    functions = [bus << 8 | devfn for bus in buses for devfn in range(256)]
    answers, _ = fw.ask(files, functions)
    translated = 0
    for function, a in zip(functions, answers):
        want = model.answer(function)
        assert a.requester == fw.name_of(function), a
        assert (a.unit, a.ids) == (want or (None, [])), (files, a, want)
        assert a.reserved == (list(ranges) if want else []), a
        translated += want is not None
    return translated


def units_of(files):
    return [(u["kind"], fw.number(u["base"]) if "base" in u else u["bdf"])
            for u in fw.listing(*files)["iommus"]]


def dmar_texts():
    names = glob.glob(fw.data("dmar-*.expect"))
    assert len(names) == 5, names
    for name in sorted(names):
        text = expect(os.path.basename(name))
        model = decoded.Dmar(text)
        table = name.replace(".expect", ".bin")
        assert units_of([table]) == model.units, name
        # bus 0 and those of root bridges that the commands have
        assert judge([table], model, [0, 0x20, 0x40], [fw.MSI_X86]), name
        [unit] = fw.listing(table)["iommus"]
        width = int(re.search(r"host_address_width (\d+)", text).group(1))
        remap = int(re.search(r"flags (0x\w+)", text).group(1), 16) & 1
        assert unit["phys_bits"] == width, (name, unit)
        assert ("intremap" in unit["flags"]) == bool(remap), (name, unit)


# The bridges of dmar-topo and viot-topo, and ivrs-topo's aliases: how QEMU's command line joins them.
TOPO = ["00:03.0=1-2", "01:00.0=2,express-to-pci", "00:04.0=3", "00:04.1=4", "00:1e.0=5-6,pci",
        "05:01.0=6,pci"]


def dmar_bridges():
    """Behind bridges: the ids that Linux sees too."""
    table = fw.data("dmar-topo.bin")
    vtd = ("vtd", 0xfed90000)
    for who, want in (("01:00.0", 0x100), ("02:04.0", 0x200), ("02:05.0", 0x200), ("03:00.0", 0x300),
                      ("04:00.0", 0x400), ("05:01.0", 0xf0), ("06:02.0", 0xf0), ("00:1e.0", 0xf0),
                      ("00:08.0", 0x40)):
        a = fw.one(table, who, TOPO)
        assert (a.unit, a.ids) == (vtd, [want]), a
    assert fw.one(table, "07:00.0", TOPO).unit is None
    assert fw.one(table, "00:07.0", TOPO).unit is None


def dmar_estimate():
    """Without bus numbers: a warning, and nobody else's bus."""
    table = fw.data("dmar-bypass-pxb.bin")
    [a], err = fw.ask(table, ["21:00.0"])
    assert a.unit == ("vtd", 0xfed90000) and "warning: DMAR, offset 0x30: " in err, (a, err)
    for who in ("01:00.0", "1f:00.0", "40:00.0", "41:00.0"):
        [a], err = fw.ask(table, [who])
        assert a.unit is None and not err, (a, err)
    # with bus numbers there is nothing to estimate
    [a], err = fw.ask(table, ["22:00.0"], ["20:00.0=21"])
    assert a.unit is None and not err, (a, err)
    [a], err = fw.ask(table, ["21:00.0"], ["20:00.0=21"])
    assert a.ids == [0x2100] and not err, (a, err)
    for bus in range(1, 7):
        assert fw.one(fw.data("dmar-topo.bin"), bus << 8).unit, bus


def dmar_qemu11():
    """Scopes by the bytes of the decoded text, eight for each."""
    blocks = re.split(r"^== ", expect("qemu11-decoded.txt"), flags=re.M)[1:]
    seen = 0
    for block in blocks:
        machine, text = block.split("\n", 1)
        found = re.search(r"DRHD len \w+: (\w+)", text)
        if not found:
            continue
        body = bytes.fromhex(found.group(1))
        model = decoded.Dmar("")
        unit = ("vtd", int.from_bytes(body[4:12], "little"))
        for i in range(12, len(body), 8):
            kind, length, _, _, _, bus, device, function = body[i:i + 8]
            assert length == 8
            if kind in (1, 2):
                model.scopes[bus << 8 | device << 3 | function] = unit
        table = fw.data("qemu11-%s-DMAR.bin" % machine)
        assert units_of([table]) == [unit]
        assert judge([table], model, [0, 0x10, 0x40], [fw.MSI_X86]) == len(model.scopes)
        seen += 1
    assert seen == 4, seen


def blocks():
    """QEMU 11's machines and their decoded texts."""
    found = re.split(r"^== ", expect("qemu11-decoded.txt"), flags=re.M)[1:]
    return [tuple(b.split("\n", 1)) for b in found]


AMD_RANGES = [fw.MSI_X86, (0xfd00000000, 0xffffffffff, "reserved")]


def ivrs_text():
    text = expect("ivrs-plain.expect")
    model = decoded.Ivrs(text)
    table = fw.data("ivrs-plain.bin")
    assert units_of([table]) == model.units == [("amdvi", 0xfed80000)], model.units
    assert judge([table], model, [0, 1], AMD_RANGES) == len(model.ids) - 1 == 5
    [unit] = fw.listing(table)["iommus"]
    assert (unit["bdf"], unit["phys_bits"], unit["hw_features"]) == ("0000:00:01.0", 40, "0x44"), unit


def ivrs_qemu11():
    """The block with the higher type, with alias ranges."""
    seen = 0
    for machine, text in blocks():
        if not text.startswith("IVRS"):
            continue
        head, *entries = text[text.index("type 11"):].splitlines()
        base, own = re.search(r"base (\w+)", head).group(1), re.search(r"devid (\w+)", head).group(1)
        model = decoded.Ivrs.of_entries(("amdvi", int(base, 16)), int(own, 16), [e.strip() for e in entries])
        table = fw.data("qemu11-%s-IVRS.bin" % machine)
        assert units_of([table]) == model.units, machine
        assert judge([table], model, range(6), AMD_RANGES) == len(model.ids) - 1, machine
        [unit] = fw.listing(table)["iommus"]
        assert (unit["hw_features"], unit["hw_features2"], unit["offset"]) == (
            "0x29d3", "0x0", int(re.search(r"@(\w+) type 11", text).group(1), 16)), unit
        seen += 1
    assert seen == 3, seen


def ivrs_zen5():
    """A real laptop's IVRS, of which 0xd6 bytes are known: the error is that it ends, the unit is there."""
    table = fw.data("ivrs-zen5-first-d6.bin")
    [a], err = fw.ask(table, ["00:02.0"], status=1)
    assert a.unit == ("amdvi", 0xfd100000) and a.ids == [0x10], a
    assert "error: IVRS, offset 0xd6: truncated" in err, err
    assert fw.one(table, "ff:01.0", status=1).ids == [0xa5]
    assert fw.one(table, "00:00.2", status=1).unit is None
    [unit] = fw.listing(table, status=1)["iommus"]
    assert (unit["bdf"], unit["hw_features"]) == ("0000:00:00.2", "0x246577efa2254afa"), unit


def zen5_whole():
    """The same table with the rest that the report tells of, and the IVMD that costs others the whole IOMMU."""
    with open(fw.data("ivrs-zen5-first-d6.bin"), "rb") as f:
        real = f.read()[:0xc8]
    rest = build.ivmd(0x21, 7, 0x7d900000, 0x100000, "00:0c.0") + build.ivmd(0x21, 8, 0, 1, "c3:00.7")
    rest += build.ivhd(0x40, 0xfd100000, build.span("00:00.3", "ff:1f.6"), build.alias_span("ff:00.0", "ff:1f.7", "00:14.5"),
                       build.special(2, 0, "00:14.0"), build.special(1, 0x21, "00:14.0"),
                       *[build.acpi_device("AMDI0020", "\\_SB..ID0%d" % n, "00:14.5") for n in range(4)],
                       device="00:00.2", flags=0x30, efr=0x246577efa2254afa)
    body = bytearray(real + rest)
    body[4:8] = len(body).to_bytes(4, "little")
    table = fw.put("zen5", build.fix(bytes(body)))
    [a, b, c], err = fw.ask(table, ["00:0c.0", "c3:00.7", "ff:02.0"])
    unity = (0x7d900000, 0x7d9fffff, "identity")
    assert a.unit == b.unit == c.unit == ("amdvi", 0xfd100000), (a, b, c)
    assert a.reserved == [unity] + AMD_RANGES and b.reserved == AMD_RANGES, (a, b)
    assert c.ids == [0xa5], c
    assert err.count("warning") == 1 and "warning: IVRS, offset 0xf8: " in err and "error" not in err, err
    assert fw.listing(table)["named"] == ["AMDI0020:\\_SB..ID0%d" % n for n in range(4)]
    assert fw.one(table, "AMDI0020:\\_SB..ID02").ids == [0xa5]


def iort_texts():
    names = sorted(glob.glob(fw.data("iort-*.expect")))
    assert len(names) == 7, names
    for name in names:
        model = decoded.Iort(expect(os.path.basename(name)))
        table = name.replace(".expect", ".bin")
        if name.endswith("smmuv3-pxb-unenumerated.expect"):
            # Read before buses had numbers: two ranges overlap.
            status, _, err = fw.tables(table)
            assert status == 1 and "error: IORT, offset 0xd8: overlap" in err, err
            continue
        assert units_of([table]) == model.units, name
        assert bool(judge([table], model, [0, 1, 0x20, 0x21, 0x22, 0x40])) == (
            bool(model.units) and "bypass.expect" not in name), name
        for unit in fw.listing(table)["iommus"]:
            assert unit["interrupts"] == [106, 109, 107, 108] and "coherent" in unit["flags"], unit


def iort_qemu11():
    seen = 0
    for machine, text in blocks():
        if not text.startswith("IORT"):
            continue
        smmus, maps, rc = {}, [], False
        for line in text.splitlines():
            found = re.match(r" @(\w+) type (\d)\S* .*: (\w+)", line)
            if found:
                rc = found.group(2) == "2"
                if found.group(2) == "4":
                    smmus[int(found.group(1), 16)] = (
                        "smmuv3", int.from_bytes(bytes.fromhex(found.group(3))[:8], "little"))
            found = re.match(r"    map in (\w+) num (\w+) out (\w+) ref (\w+)", line)
            if found and rc:
                first, more, out, to = (int(x, 16) for x in found.groups())
                maps.append([first, first + more, out, to])
        model = decoded.Iort.of_maps(smmus, maps)
        table = fw.data("qemu11-%s-IORT.bin" % machine)
        assert units_of([table]) == model.units, machine
        assert judge([table], model, [0, 1, 7, 8, 9]) == 256 * len(smmus), machine
        seen += 1
    assert seen == 3, seen
    # with the MADT the doorbell of the ITS is known
    files = [fw.data("qemu11-arm-smmu-IORT.bin"), fw.data("qemu11-arm-smmu-APIC.bin")]
    assert fw.one(files, "00:01.0").reserved == [(0x8090000, 0x8090fff, "msi")]
    assert fw.one(files, "01:00.0").unit is None


def viot_texts():
    names = sorted(glob.glob(fw.data("viot-*.expect")))
    assert len(names) == 4, names
    for name in names:
        model = decoded.Viot(expect(os.path.basename(name)))
        table = name.replace(".expect", ".bin")
        assert units_of([table]) == model.units, name
        assert judge([table], model, [0, 6, 7, 0x20, 0x21, 0x22, 0x41]), name
    # Arm's machine has both tables; the IORT names no SMMU.
    both = [fw.data("iort-virt-viommu.bin"), fw.data("viot-virt-viommu.bin")]
    assert judge(both, decoded.Viot(expect("viot-virt-viommu.expect")), [0, 1]) == 255


def viot_qemu11():
    seen = 0
    for machine, text in blocks():
        if not text.startswith("VIOT"):
            continue
        pci, area = [bytes.fromhex(x) for x in re.findall(r"type \d len \w+: (\w+)", text)]
        own = pci[2] | pci[3] << 8
        last = area[10] | area[11] << 8
        unit = ("virtio", fw.name_of(own))
        model = decoded.Map([unit], [(0, own, 0, unit), (own + 1, last - own, own + 1, unit)])
        table = fw.data("qemu11-%s-VIOT.bin" % machine)
        assert units_of([table]) == [unit]
        assert judge([table], model, [0, 4, 5]) == 255 + (256 if last > 0x400 else 0), machine
        seen += 1
    assert seen == 3, seen


def rimt_qemu11():
    want = {"riscv-sys": (("riscv", 0x3010000), 0, 0x10000), "riscv-sys-imsic": (("riscv", 0x3010000), 0, 0x10000),
            "riscv-2pci": (("riscv", "0000:00:02.0"), 0x11, 0xffef)}
    for machine, (unit, first, count) in want.items():
        text = dict(blocks())[machine]
        # the text's own bytes: base or function, then the mapping
        node, rc = [bytes.fromhex(x) for x in re.findall(r": (\w{60,})", text)]
        assert int.from_bytes(node[8:16], "little") == (unit[1] if "sys" in machine else 0), text
        assert [int.from_bytes(rc[i:i + 4], "little") for i in (12, 16, 20)] == [first, count, first], text
        model = decoded.Map([unit], [(first, count, first, unit)])
        table = fw.data("qemu11-%s-RIMT.bin" % machine)
        assert units_of([table]) == [unit]
        assert judge([table], model, [0, 1, 0xff]), machine


SMMU = ("smmuv3", 0x9050000)


def trees():
    """As dtc prints them: <0 &smmu 0 0x10000>, and 0 to 0x10 and 0x11 to 0xffff of the virtio-iommu."""
    ITS, FRAME = (0x8090000, 0x8090fff, "msi"), (0x8020000, 0x8020fff, "msi")
    for name, ranges in (("gicv3", [ITS]), ("gicv2", [FRAME]), ("highmemoff", [FRAME]), ("noits", [])):
        table = fw.data("dtb-virt-smmuv3-%s.bin" % name)
        assert units_of([table]) == [SMMU], name
        model = decoded.Map([SMMU], [(0, 0x10000, 0, SMMU)])
        assert judge([table], model, [0, 1, 0xf], ranges) == 768
        # bus-range
        assert bool(fw.one(table, "10:00.0").unit) == (name != "highmemoff"), name
        [unit] = fw.listing(table)["iommus"]
        assert unit["interrupts"] == [106, 109, 107, 108] and unit["flags"] == ["coherent"], unit
    assert judge([fw.data("dtb-virt-noiommu.bin")], decoded.Map([], []), [0]) == 0
    assert units_of([fw.data("dtb-virt-noiommu.bin")]) == []
    table = fw.data("dtb-virt-smmuv3-bypass.bin")
    assert units_of([table]) == [SMMU] and fw.one(table, "00:01.0").unit is None
    unit = ("virtio", "0000:00:02.0")
    table = fw.data("dtb-virt-viommu.bin")
    assert units_of([table]) == [unit]
    assert judge([table], decoded.Map([unit], [(0, 0x10, 0, unit), (0x11, 0xffef, 0x11, unit)]), [0, 1], [ITS]) == 511


CASES = [dmar_texts, dmar_bridges, dmar_estimate, dmar_qemu11, ivrs_text, ivrs_qemu11, ivrs_zen5, zen5_whole, iort_texts,
         iort_qemu11, viot_texts, viot_qemu11, rimt_qemu11, trees]

if __name__ == "__main__":
    fw.main(CASES)
