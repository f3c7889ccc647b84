# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Build firmware tables by hand, from the specifications."""

import struct


def acpi(signature, body, revision=1, checksum=True):
    """An ACPI table: the header of 36 bytes, and the body."""
    t = bytearray(signature.encode() + struct.pack("<IBB6s8sI4sI", 36 + len(body), revision, 0, b"TEST  ",
                                                   b"TESTTEST", 1, b"TEST", 1) + body)
    if checksum:
        t[9] = -sum(t) & 0xff
    return bytes(t)


def fix(table):
    """The table with its checksum right again."""
    t = bytearray(table)
    t[9] = 0
    t[9] = -sum(t) & 0xff
    return bytes(t)


def patch(table, offset, content):
    return fix(table[:offset] + content + table[offset + len(content):])


def bdf(text):
    """00:02.0 or 20:00.0"""
    bus, rest = text.split(":")
    device, function = rest.split(".")
    return int(bus, 16) << 8 | int(device, 16) << 3 | int(function)


# ---- DMAR: Intel Virtualization Technology for Directed I/O, chapter 8 ----

ENDPOINT, BRIDGE, IOAPIC, HPET, ACPI_DEVICE = 1, 2, 3, 4, 5


def scope(kind, path, number=0):
    """A device scope: "00:03.0" or, through bridges, "00:03.0/01.0"."""
    hops = path.split("/")
    bus, hops[0] = hops[0].split(":")
    body = b"".join(bytes(int(x, 16) for x in h.split(".")) for h in hops)
    return struct.pack("<BBHBB", kind, 6 + len(body), 0, number, int(bus, 16)) + body


def dmar(*structures, width=39, flags=1):
    return acpi("DMAR", bytes([width - 1, flags]) + bytes(10) + b"".join(structures))


def sized(kind, body):
    return struct.pack("<HH", kind, 4 + len(body)) + body


def drhd(base, *scopes, segment=0, everything=False, pages=0):
    return sized(0, struct.pack("<BBHQ", everything, pages, segment, base) + b"".join(scopes))


def rmrr(base, limit, *scopes, segment=0):
    return sized(1, struct.pack("<HHQQ", 0, segment, base, limit) + b"".join(scopes))


def atsr(*scopes, segment=0, all_ports=False):
    return sized(2, struct.pack("<BBH", all_ports, 0, segment) + b"".join(scopes))


def rhsa(base, domain):
    return sized(3, struct.pack("<IQI", 0, base, domain))


def andd(number, name):
    return sized(4, bytes(3) + bytes([number]) + name.encode() + b"\0")


def satc(*scopes, segment=0):
    return sized(5, struct.pack("<BBH", 1, 0, segment) + b"".join(scopes))


def sidp(*scopes, segment=0):
    return sized(6, struct.pack("<HH", 0, segment) + b"".join(scopes))
