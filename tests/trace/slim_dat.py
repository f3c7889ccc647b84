#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Make a trace.dat of version 6 small enough for a test: leave out the kernel's symbols but for some functions.

    slim_dat.py IN OUT NAME...

The layout is that of trace-cmd.dat.v6(5). A reader takes the nearest symbol below an address, so all functions of the
recording's stacks must be among the names.
"""

import struct
import sys

MAGIC = b"\x17\x08\x44tracing"


class Reader:
    """A place in the bytes of a file."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        """The next bytes."""
        if self.at + count > len(self.data):
            raise ValueError("the file ends at %d" % len(self.data))
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form):
        """The next number, in the file's byte order."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self):
        """The next text that a zero byte ends."""
        end = self.data.index(b"\0", self.at)
        text = self.take(end - self.at)
        self.take(1)
        return text

    def file(self, form="Q"):
        """The next file: a length and its bytes."""
        return self.take(self.number(self.order + form))

    order = "<"


def wanted(symbols, names):
    """The lines of the functions, and of the symbol behind each: a function ends there."""
    keep = []
    for line in sorted(symbols, key=lambda line: int(line.split()[0], 16)):
        if line.split()[2].decode() in names or (keep and keep[-1][0]):
            keep.append((line.split()[2].decode() in names, line))
    return b"".join(line for _, line in keep)


def slim(data, names):
    """Returns the bytes of the smaller file."""
    r = Reader(data)
    if r.take(len(MAGIC)) != MAGIC or r.text() != b"6":
        raise ValueError("no trace.dat of version 6")
    r.order = "<>"[r.take(1)[0]]
    r.take(1)
    page = r.number(r.order + "I")
    for name in (b"header_page", b"header_event"):
        if r.text() != name:
            raise ValueError("there is no " + name.decode())
        r.file()
    for _ in range(r.number(r.order + "I")):
        r.file()
    for _ in range(r.number(r.order + "I")):
        r.text()
        for _ in range(r.number(r.order + "I")):
            r.file()
    begin = r.at
    symbols = r.file("I")
    end = r.at
    keep = wanted(symbols.splitlines(True), names)
    # printk formats and tasks, the number of CPUs, options
    r.file("I")
    r.file()
    cpus = r.number(r.order + "I")
    buffers = []
    if r.text() == b"options  ":
        while option := r.number(r.order + "H"):
            value = r.take(r.number(r.order + "I"))
            # 3 is BUFFER: the place of an instance's "flyrecord" and CPUs
            if option == 3:
                buffers.append((r.at - len(value), struct.unpack(r.order + "Q", value[:8])[0]))
        if r.text() != b"flyrecord":
            raise ValueError("there is no flyrecord")
    places = [r.at] + [place + len(b"flyrecord\0") for _, place in buffers]

    def page_of(at):
        return struct.unpack_from(r.order + "Q", data, at)[0]

    # All pages stand behind the places of the pages.
    first = min(page_of(place + 16 * n) for place in places for n in range(cpus))
    text = struct.pack(r.order + "I", len(keep)) + keep
    shift = len(text) - (end - begin)
    head = bytearray(data[:begin] + text + data[end:first].rstrip(b"\0"))
    head += b"\0" * (max(places) + 16 * cpus + shift - len(head))
    head += b"\0" * (-len(head) % page)
    moved = len(head) - first
    for place in places:
        for at in range(place, place + 16 * cpus, 16):
            struct.pack_into(r.order + "Q", head, at + shift, page_of(at) + moved)
    for at, place in buffers:
        struct.pack_into(r.order + "Q", head, at + shift, place + shift)
    return bytes(head) + data[first:]


def main():
    """Run. Return: the exit status."""
    with open(sys.argv[1], "rb") as f:
        data = slim(f.read(), set(sys.argv[3:]))
    with open(sys.argv[2], "wb") as f:
        f.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
