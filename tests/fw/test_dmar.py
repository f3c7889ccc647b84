#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""DMAR tables built by hand: test_dmar.py DMAH DATA"""

import struct
import sys

sys.dont_write_bytecode = True

import fw
from build import (ACPI_DEVICE, BRIDGE, ENDPOINT, HPET, IOAPIC, acpi, andd, atsr, dmar, drhd, fix, patch, rhsa, rmrr,
                   satc, scope, sidp, sized)


def units_and_segments():
    """Two segments, a unit with one device, units with all others."""
    t = fw.put("t", dmar(drhd(0xfed90000, scope(ENDPOINT, "00:02.0")),
                         drhd(0xfed91000, everything=True, pages=2),
                         drhd(0xfee91000, scope(ENDPOINT, "00:02.0"), segment=1),
                         rhsa(0xfed91000, 3), sidp(scope(ENDPOINT, "00:02.0")), width=46, flags=7))
    for who, base in (("0000:00:02.0", 0xfed90000), ("0000:00:02.1", 0xfed91000), ("0000:7f:1f.7", 0xfed91000),
                      ("0001:00:02.0", 0xfee91000), ("0001:00:02.1", None), ("0002:00:02.0", None)):
        a = fw.one(t, who)
        assert a.unit == (("vtd", base) if base else None), a
        assert not base or a.ids == [int(who[5:7], 16) << 8 | int(who[8:10], 16) << 3 | int(who[11])], a
    units = fw.listing(t)["iommus"]
    assert [u["segment"] for u in units] == [0, 0, 1], units
    assert all(u["phys_bits"] == 46 for u in units), units
    assert units[1]["flags"] == ["all", "intremap", "x2apic_opt_out", "dma_opt_in"], units


def reserved_ranges():
    """RMRRs of a device, in its segment, and nobody else's."""
    t = fw.put("t", dmar(drhd(0xfed90000, everything=True), drhd(0xfed91000, everything=True, segment=5),
                         rmrr(0x7d900000, 0x7d9fffff, scope(ENDPOINT, "00:02.0")),
                         rmrr(0x7c000000, 0x7cffffff, scope(ENDPOINT, "00:14.0"), scope(ENDPOINT, "00:02.0")),
                         rmrr(0x10000, 0x1ffff, scope(ENDPOINT, "00:02.0"), segment=5)))
    big, small = (0x7c000000, 0x7cffffff, "identity"), (0x7d900000, 0x7d9fffff, "identity")
    assert fw.one(t, "00:02.0").reserved == [small, big, fw.MSI_X86]
    assert fw.one(t, "00:14.0").reserved == [big, fw.MSI_X86]
    assert fw.one(t, "00:15.0").reserved == [fw.MSI_X86]
    assert fw.one(t, "0005:00:02.0").reserved == [(0x10000, 0x1ffff, "identity"), fw.MSI_X86]


def reserved_behind_bridges():
    """A range for all devices behind a bridge, and one for a device on the way of two bridges."""
    t = fw.put("t", dmar(drhd(0xfed90000, everything=True),
                         rmrr(0x1000, 0x1fff, scope(BRIDGE, "00:03.0")),
                         rmrr(0x8000, 0x8fff, scope(ENDPOINT, "00:03.0/01.0/02.0"))))
    bridges = ["00:03.0=10-20", "10:01.0=18"]
    low, high = (0x1000, 0x1fff, "identity"), (0x8000, 0x8fff, "identity")
    for who, want in (("00:03.0", [low]), ("10:00.0", [low]), ("18:02.0", [low, high]), ("18:03.0", [low]),
                      ("20:1f.7", [low]), ("21:00.0", []), ("00:04.0", []), ("0f:00.0", [])):
        assert fw.one(t, who, bridges).reserved == want + [fw.MSI_X86], (who, fw.one(t, who, bridges))
    # no bus numbers: the range is not lost
    assert (0x8000, 0x8fff, "identity") in fw.one(t, "02:02.0").reserved


def nested_bridges():
    """A path through two bridges to a third: its whole subtree."""
    t = fw.put("t", dmar(drhd(0xfed90000, scope(BRIDGE, "00:03.0/01.0/02.0"), scope(BRIDGE, "40:00.0"))))
    bridges = ["00:03.0=10-20", "10:01.0=18-1f", "18:02.0=1a-1b", "40:00.0=41-42"]
    for who, found in (("18:02.0", 1), ("1a:00.0", 1), ("1b:1f.7", 1), ("1c:00.0", 0), ("10:01.0", 0),
                       ("00:03.0", 0), ("40:00.0", 1), ("42:00.0", 1), ("43:00.0", 0), ("40:01.0", 0)):
        assert bool(fw.one(t, who, bridges).unit) == bool(found), who


def senseless_range():
    """One senseless RMRR costs a warning, and neither the unit nor the other ranges."""
    for base, limit in ((0x2000, 0x1fff), (0x2000, 0x2000), (0, 0), (0x2000, 0)):
        t = fw.put("t", dmar(drhd(0xfed90000, everything=True), rmrr(base, limit, scope(ENDPOINT, "00:02.0")),
                             rmrr(0x7000, 0x7fff, scope(ENDPOINT, "00:02.0"))))
        [a], err = fw.ask(t, ["00:02.0"])
        assert a.unit and a.reserved == [(0x7000, 0x7fff, "identity"), fw.MSI_X86], a
        assert err.count("warning: DMAR, offset 0x48: ") == 1, err
    t = fw.put("t", dmar(drhd(0xfed90000, everything=True), rmrr(0x7010, 0x8fef, scope(ENDPOINT, "00:02.0"))))
    [a], err = fw.ask(t, ["00:02.0"])
    assert a.reserved[0] == (0x7000, 0x8fff, "identity") and "widened" in err, (a, err)


def on_no_bus():
    """ACPI devices: the scope has the id."""
    t = fw.put("t", dmar(drhd(0xfed90000, scope(IOAPIC, "f0:1f.7", 2), scope(HPET, "00:0f.0", 2),
                              scope(ACPI_DEVICE, "00:1e.3", 1), scope(ACPI_DEVICE, "00:1e.2", 2)),
                         andd(1, "\\_SB.PCI0.UA00"), andd(2, "\\_SB.PCI0.I2C0"), andd(3, "\\_SB.NONE")))
    assert fw.listing(t)["named"] == ["\\_SB.PCI0.UA00", "\\_SB.PCI0.I2C0", "\\_SB.NONE"]
    assert fw.one(t, "\\_SB.PCI0.UA00").ids == [0xf3]
    assert fw.one(t, "\\_SB.PCI0.I2C0").ids == [0xf2]
    assert fw.one(t, "\\_SB.NONE").unit is None
    assert fw.one(t, "\\_SB.PCI0").unit is None
    # the scope of an interrupt controller is no PCI function
    assert fw.one(t, "f0:1f.7").unit is None and fw.one(t, "00:0f.0").unit is None


def other_structures():
    """Structures of later versions are passed over."""
    t = fw.put("t", dmar(sized(9, bytes(20)), drhd(0xfed90000, everything=True), sized(0xffff, b""),
                         atsr(all_ports=True), satc(scope(ENDPOINT, "00:02.0"))))
    assert fw.one(t, "00:02.0").unit == ("vtd", 0xfed90000)


def aliases():
    """Ids of devices behind bridges that are not of one kind."""
    t = fw.put("t", dmar(drhd(0xfed90000, everything=True)))
    bridges = ["00:01.0=1-5", "01:00.0=2-5", "02:03.0=3-5,express-to-pci", "03:01.0=4,pci", "00:1e.0=8,pci"]
    for who, want in (("01:00.0", 0x100), ("02:03.0", 0x218), ("03:07.0", 0x300), ("04:02.0", 0x300),
                      ("08:04.5", 0xf0), ("00:1e.0", 0xf0), ("00:02.0", 0x10), ("09:00.0", 0x900)):
        assert fw.one(t, who, bridges).ids == [want], (who, fw.one(t, who, bridges))


GOOD = dmar(drhd(0xfed90000, scope(ENDPOINT, "00:02.0")), rmrr(0x1000, 0x1fff, scope(ENDPOINT, "00:02.0")))


def hostile_lengths():
    fw.refused(GOOD[:20], "DMAR", 20, "truncated")
    fw.refused(GOOD[:60], "DMAR", 60, "truncated")
    fw.refused(patch(GOOD, 4, struct.pack("<I", 47)), "DMAR", 4, "length")
    fw.refused(patch(GOOD, 4, struct.pack("<I", 0)), "DMAR", 4, "length")
    fw.refused(patch(GOOD, 4, struct.pack("<I", 0xffffffff)), "DMAR", 4, "length")
    fw.refused(patch(GOOD, 50, struct.pack("<H", 0)), "DMAR", 48, "length")
    fw.refused(patch(GOOD, 50, struct.pack("<H", 3)), "DMAR", 48, "length")
    fw.refused(patch(GOOD, 50, struct.pack("<H", 15)), "DMAR", 48, "fixed")
    fw.refused(patch(GOOD, 50, struct.pack("<H", 0xffff)), "DMAR", 48, "beyond")
    fw.refused(patch(GOOD, 74, struct.pack("<H", 23)), "DMAR", 72, "fixed")
    for length, word in ((0, "one hop"), (6, "one hop"), (7, "one hop"), (9, "beyond"), (255, "beyond")):
        fw.refused(patch(GOOD, 65, bytes([length])), "DMAR", 64, word)
    odd = scope(ENDPOINT, "00:02.0/01.0")
    fw.refused(dmar(drhd(0xfed90000, odd[:1] + b"\x09" + odd[2:])), "DMAR", 64, "odd")
    fw.refused(dmar(drhd(0xfed90000, scope(ENDPOINT, "00:02.0"), b"\1\2\3")), "DMAR", 72, "truncated")
    fw.refused(dmar(drhd(0xfed90000), b"\0\0\4"), "DMAR", 64, "truncated")
    fw.refused(dmar(sized(4, b"\0\0\0\1\\_SB.X")), "DMAR", 56, "end")


def hostile_values():
    fw.refused(GOOD[:9] + bytes([GOOD[9] ^ 0x55 or 1]) + GOOD[10:], "DMAR", 9, "checksum")
    fw.refused(dmar(drhd(0)), "DMAR", 56, "base")
    fw.refused(dmar(drhd(0xfed90800)), "DMAR", 56, "base")
    fw.refused(dmar(drhd(0x1000), drhd(0x1000)), "DMAR", 72, "overlap")
    fw.refused(dmar(drhd(0x1000, everything=True), drhd(0x2000, everything=True)), "DMAR", 68, "overlap")
    fw.refused(dmar(drhd(0x1000, scope(ENDPOINT, "00:02.0")), drhd(0x2000, scope(ENDPOINT, "00:02.0"))), "DMAR", 72,
               "overlap")
    fw.refused(acpi("DMAR", bytes(12 + 0x40000)), "DMAR", 4, "256 KiB")
    # all in front of the error is shown
    assert fw.listing(fw.put("t", GOOD[:72]), status=1)["iommus"][0]["base"] == "0xfed90000"


def hostile_bytes():
    """Each byte of a table changed, and each length of it: an answer or an error, and never more."""
    for i in range(0, len(GOOD), 3):
        for value in (0, 0xff, GOOD[i] ^ 1):
            status, _, err = fw.tables("--requester=00:02.0", fw.put("h", patch(GOOD, i, bytes([value]))))
            assert status in (0, 1) or i < 4, (i, value, err)
            assert (status == 1) == ("error:" in err) or i < 4, (i, value, err)
    for n in range(36, len(GOOD), 7):
        assert fw.tables(fw.put("h", GOOD[:n]))[0] == 1, n


def unfinished_checksum():
    t = bytearray(GOOD)
    t[9] = 0
    status, _, err = fw.tables(fw.put("t", bytes(t)))
    assert status == 0 and "warning: DMAR, offset 0x9: " in err, err
    assert fix(bytes(t)) == GOOD


CASES = [units_and_segments, reserved_ranges, reserved_behind_bridges, nested_bridges, senseless_range, on_no_bus,
         other_structures, aliases, hostile_lengths, hostile_values, hostile_bytes, unfinished_checksum]

if __name__ == "__main__":
    fw.main(CASES)
