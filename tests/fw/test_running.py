#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""dmah tables on a machine: a /sys that this program makes: test_running.py DMAH DATA"""

import os
import struct
import sys

sys.dont_write_bytecode = True

import fw
from build import BRIDGE, ENDPOINT, bdf, dmar, drhd, rmrr, scope

ENDPOINT_TYPE, ROOT_PORT, UPSTREAM, DOWNSTREAM, TO_PCI = 0, 4, 5, 6, 7


def function(express=None, buses=None, acs=None, many=False):
    """4096 bytes of configuration space."""
    c = bytearray(4096)
    c[0:4] = struct.pack("<HH", 0x8086, 0x1234)
    c[0x0e] = (1 if buses else 0) | many << 7
    if buses:
        c[0x19], c[0x1a] = buses
    if express is not None:
        c[0x06] = 0x10
        c[0x34] = 0x40
        c[0x40] = 0x10
        c[0x42] = express << 4 | 2
    if acs is not None:
        c[0x100:0x104] = struct.pack("<I", 0x000d | 1 << 16)
        c[0x106] = acs
    return bytes(c)


def machine(name, functions, tables):
    root = os.path.join(fw.scratch, name)
    acpi = os.path.join(root, "sys/firmware/acpi/tables")
    os.makedirs(acpi)
    for table, content in tables.items():
        with open(os.path.join(acpi, table), "wb") as f:
            f.write(content)
    for who, config in functions.items():
        path = os.path.join(root, "sys/bus/pci/devices", fw.name_of(bdf(who)))
        os.makedirs(path)
        with open(os.path.join(path, "config"), "wb") as f:
            f.write(config)
    return "--root=" + root


def devices(root):
    return {d["requester"][5:]: d for d in fw.listing(root)["devices"]}


def groups_by_id():
    """Two devices behind an Express-to-PCI bridge, one of which has a range; one device that is bypassed."""
    root = machine("pci", {
        "00:00.0": function(), "00:02.0": function(), "00:03.0": function(ROOT_PORT, (1, 2), 0x1f),
        "01:00.0": function(TO_PCI, (2, 2)), "02:04.0": function(), "02:05.0": function(),
    }, {"DMAR": dmar(drhd(0xfed90000, scope(ENDPOINT, "00:02.0"), scope(BRIDGE, "00:03.0")),
                     rmrr(0x7d900000, 0x7d9fffff, scope(ENDPOINT, "00:02.0")))})
    d = devices(root)
    assert d["00:00.0"]["iommu"] is None and d["00:02.0"]["ids"] == ["0x10"], d
    assert d["02:04.0"]["ids"] == d["02:05.0"]["ids"] == ["0x200"], d
    assert d["02:05.0"]["group"] == d["02:04.0"]["group"] and "one id for both" in d["02:05.0"]["why"], d
    assert d["00:02.0"]["group"] == "0000:00:02.0" and d["00:02.0"]["why"] is None, d
    text = fw.tables(root)[1]
    assert "0000:00:00.0: bypassed: no table names it\n" in text, text
    assert "identity 0x7d900000-0x7d9fffff (the firmware lets it use these addresses)" in text, text
    assert "0000:02:05.0: vtd at 0xfed90000, id 0x200; in the group of 0000:" in text, text


def groups_by_path():
    """A root port without access control joins what is behind it; with it, and at a single function, nothing is joined."""
    root = machine("acs", {
        "00:1c.0": function(ROOT_PORT, (1, 1)), "01:00.0": function(ENDPOINT_TYPE),
        "00:1d.0": function(ROOT_PORT, (2, 2), 0x1f), "02:00.0": function(ENDPOINT_TYPE),
        "00:1e.0": function(ROOT_PORT, (3, 3), 0x1d), "03:00.0": function(ENDPOINT_TYPE, many=True),
        "03:00.1": function(ENDPOINT_TYPE, many=True),
    }, {"DMAR": dmar(drhd(0xfed90000, everything=True))})
    d = devices(root)
    assert d["01:00.0"]["group"] == "0000:00:1c.0" and "no access control" in d["01:00.0"]["why"], d["01:00.0"]
    assert d["02:00.0"]["group"] == "0000:02:00.0", d["02:00.0"]
    assert d["03:00.1"]["group"] == "0000:03:00.0" and "functions of one device" in d["03:00.1"]["why"], d["03:00.1"]
    assert d["03:00.0"]["group"] == "0000:03:00.0"


def no_tables():
    status, out, err = fw.tables("--root=" + os.path.join(fw.scratch, "nothing"))
    assert status == 2 and not out and "shows no tables" in err, err
    root = machine("none", {"00:02.0": function()}, {})
    assert devices(root)["00:02.0"]["iommu"] is None
    assert fw.tables(root)[1] == "no IOMMU\n0000:00:02.0: bypassed: no table names it\n"
    root = machine("broken", {}, {"DMAR": dmar(drhd(0))})
    assert fw.tables(root)[0] == 1


CASES = [groups_by_id, groups_by_path, no_tables]

if __name__ == "__main__":
    fw.main(CASES)
