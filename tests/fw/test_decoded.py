#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Real tables against models of their decoded texts: test_decoded.py DMAH DATA"""

import glob
import os
import re
import sys

sys.dont_write_bytecode = True

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


CASES = [dmar_texts, dmar_bridges, dmar_estimate, dmar_qemu11]

if __name__ == "__main__":
    fw.main(CASES)
