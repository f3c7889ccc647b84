# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""An ACPI table that says a PCI Express port faces the outside of the machine.

Linux marks what is behind such a port untrusted: strict whatever the command line says, and granules
that a buffer fills only in part bounced. The property is ExternalFacingPort of a root port (_DSD with
the UUID below), as firmware has it for Thunderbolt. AML encodings: ACPI specification, section
"AML Grammar Definition".
"""

import struct
import uuid

EXTERNAL_FACING = uuid.UUID("efcc06cc-73ac-4bc3-bff0-76143807c389")


def length(data):
    """PkgLength and what it covers; it counts itself."""
    n = len(data) + 1
    if n <= 0x3f:
        return bytes([n]) + data
    n += 1
    assert n < 1 << 12
    return bytes([0x40 | (n & 0xf), n >> 4]) + data


def package(*elements):
    return b"\x12" + length(bytes([len(elements)]) + b"".join(elements))


def string(text):
    return b"\x0d" + text.encode() + b"\0"


def buffer(data):
    return b"\x11" + length(b"\x0a" + bytes([len(data)]) + data)


def name(text, value):
    return b"\x08" + text.encode() + value


def scope(path, terms):
    """path: four-letter names below the root."""
    segments = b"".join(p.ljust(4, "_").encode() for p in path)
    return b"\x10" + length(b"\\\x2f" + bytes([len(path)]) + segments + terms)


def table(signature, body, revision=2):
    head = struct.pack("<4sIBB6s8sI4sI", signature, 36 + len(body), revision, 0, b"DMAH  ",
                       b"DMAHVM  ", 1, b"DMAH", 1)
    data = bytearray(head + body)
    data[9] = -sum(data) & 0xff
    return bytes(data)


def external_port(slot):
    """An SSDT: the root port at that device number of QEMU's q35 is external facing."""
    one = b"\x01"
    properties = package(buffer(EXTERNAL_FACING.bytes_le),
                         package(package(string("ExternalFacingPort"), one)))
    return table(b"SSDT", scope(("_SB", "PCI0", "S%02X" % (slot << 3)), name("_DSD", properties)))
