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


# ---- IVRS: AMD I/O Virtualization Technology Specification, chapter 5 ----

def ivrs(*blocks, info=0x2800):
    return acpi("IVRS", struct.pack("<IQ", info, 0) + b"".join(blocks))


def ivhd(kind, base, *entries, device="00:00.2", segment=0, flags=0, efr=0, efr2=0, features=0, cap=0x40):
    body = struct.pack("<HHQHHI", bdf(device), cap, base, segment, 0, features)
    if kind != 0x10:
        body += struct.pack("<QQ", efr, efr2)
    body += b"".join(entries)
    return struct.pack("<BBH", kind, flags, 4 + len(body)) + body


def every():
    return struct.pack("<BHB", 1, 0, 0)


def select(device):
    return struct.pack("<BHB", 2, bdf(device), 0)


def span(first, last):
    return struct.pack("<BHB", 3, bdf(first), 0) + struct.pack("<BHB", 4, bdf(last), 0)


def alias(device, to):
    return struct.pack("<BHBBHB", 0x42, bdf(device), 0, 0, bdf(to), 0)


def alias_span(first, last, to):
    return struct.pack("<BHBBHB", 0x43, bdf(first), 0, 0, bdf(to), 0) + struct.pack("<BHB", 4, bdf(last), 0)


def special(kind, handle, device):
    return struct.pack("<BHBBHB", 0x48, 0, 0, handle, bdf(device), kind)


def acpi_device(hid, uid, device):
    form = 0 if uid is None else 1 if isinstance(uid, int) else 2
    body = b"" if uid is None else struct.pack("<Q", uid) if form == 1 else uid.encode()
    return struct.pack("<BHB8s8sBB", 0xf0, bdf(device), 0, hid.encode(), b"", form, len(body)) + body


def ivmd(kind, flags, start, length, device="00:00.0", last="00:00.0", segment=0):
    return struct.pack("<BBHHHHHIQQ", kind, flags, 32, bdf(device), bdf(last), segment, 0, 0, start, length)


# ---- IORT: Arm DEN 0049E ----

def mapping(first, count, output, to, single=False):
    """@count ids; @to: an offset."""
    return struct.pack("<IIIII", first, count - 1, output, to, single)


def node(kind, body, maps=(), revision=3):
    size = 16 + len(body) + 20 * len(maps)
    return struct.pack("<BHBIII", kind, size, revision, 0, len(maps), 16 + len(body) if maps else 0) + body + b"".join(maps)


def its_group(*ids):
    return node(0, struct.pack("<I", len(ids)) + b"".join(struct.pack("<I", i) for i in ids))


def named_component(name, *maps, coherent=False):
    text = name.encode() + b"\0"
    text += bytes(-(13 + len(text)) % 4)
    return node(1, struct.pack("<IIHBBB", 0, coherent, 0, 0, 0, 48) + text, maps)


def root_complex(*maps, segment=0, ats=False, coherent=True):
    return node(2, struct.pack("<IHBBIIB3x", coherent, 0, 0, 3, ats, segment, 64), maps)


def smmuv2(base, *maps, span=0x10000, model=1, coherent=False, irq=(34, 35)):
    return node(3, struct.pack("<QQIIIIIII", base, span, model, coherent << 1, 60, 0, 0, 0, 0) +
                struct.pack("<IIII", irq[0], 4, irq[1], 4), maps)


def smmuv3(base, *maps, flags=1, model=0, irq=(106, 107, 109, 108)):
    return node(4, struct.pack("<QIIQIIIIIII", base, flags, 0, 0, model, *irq, 0, 0), maps, 4)


def rmr(ranges, *maps):
    head = 28
    body = struct.pack("<III", 0, len(ranges), head)
    body += b"".join(struct.pack("<QQI", base, length, 0) for base, length in ranges)
    return node(6, body, maps)


def iort(*nodes):
    return acpi("IORT", struct.pack("<III", len(nodes), 48, 0) + b"".join(nodes))


def madt(*structures):
    return acpi("APIC", bytes(8) + b"".join(structures))


def madt_its(number, base):
    return struct.pack("<BBHIQI", 15, 20, 0, number, base, 0)


def madt_frame(base):
    return struct.pack("<BBHIQIHH", 13, 24, 0, 0, base, 0, 0, 0)


# ---- VIOT: ACPI specification, section 5.2.33 ----

def viot(*nodes):
    return acpi("VIOT", struct.pack("<HHQ", len(nodes), 48, 0) + b"".join(nodes), 0)


def pci_range(first, last, to, number=0, segment=0, last_segment=None):
    return struct.pack("<BBHIHHHHH6x", 1, 0, 24, number, segment, segment if last_segment is None else last_segment,
                       bdf(first), bdf(last), to)


def mmio_endpoint(base, number, to):
    return struct.pack("<BBHIQH6x", 2, 0, 24, number, base, to)


def virtio_pci(device, segment=0):
    return struct.pack("<BBHHHQ", 3, 0, 16, segment, bdf(device), 0)


def virtio_mmio(base):
    return struct.pack("<BBHIQ", 4, 0, 16, 0, base)


# ---- RIMT: RISC-V IO Mapping Table Specification, chapter 2 ----

def rimt(*nodes):
    return acpi("RIMT", struct.pack("<III", len(nodes), 48, 0) + b"".join(nodes))


def rimt_map(first, count, output, to):
    return struct.pack("<IIIII", first, count, output, to, 0)


def rimt_iommu(base=0, device=None, segment=0, wires=()):
    body = struct.pack("<8sQIIHHHH", b"RSCV0004", base, device is not None, 0, segment, bdf(device) if device else 0,
                       len(wires), 40)
    body += b"".join(struct.pack("<II", w, 1) for w in wires)
    return struct.pack("<BBHHH", 0, 1, 8 + len(body), 0, 0) + body


def rimt_rc(*maps, segment=0, flags=0):
    body = struct.pack("<IHHHH", flags, 0, segment, 20, len(maps)) + b"".join(maps)
    return struct.pack("<BBHHH", 1, 1, 8 + len(body), 0, 0) + body


def rimt_platform(name, *maps):
    text = name.encode() + b"\0"
    text += bytes(-len(text) % 4)
    body = struct.pack("<HH", 12 + len(text), len(maps)) + text + b"".join(maps)
    return struct.pack("<BBHHH", 2, 1, 8 + len(body), 0, 0) + body


# ---- device trees: Devicetree Specification, chapter 5 ----

def cells(*values):
    return b"".join(struct.pack(">I", v) for v in values)


def wide(value):
    """Two cells."""
    return struct.pack(">Q", value)


class Tree:
    """A node: properties (bytes, text, or None for empty) and children."""

    def __init__(self, name="", props=None, *children):
        self.name = name
        self.props = props or {}
        self.children = children

    def flatten(self, strings):
        out = cells(1) + self.name.encode() + b"\0"
        out += bytes(-len(out) % 4)
        for name, value in self.props.items():
            if isinstance(value, str):
                value = value.encode() + b"\0"
            value = value or b""
            if name not in strings:
                strings[name] = sum(len(s) + 1 for s in strings)
            out += cells(3, len(value), strings[name]) + value + bytes(-len(value) % 4)
        return out + b"".join(c.flatten(strings) for c in self.children) + cells(2)

    def blob(self):
        strings = {}
        body = self.flatten(strings) + cells(9)
        text = b"".join(s.encode() + b"\0" for s in strings)
        at = 40 + 16
        return cells(0xd00dfeed, at + len(body) + len(text), at, at + len(body), 40, 17, 16, 0, len(text), len(body)) + \
            bytes(16) + body + text
