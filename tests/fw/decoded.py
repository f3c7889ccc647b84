# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Models of real tables, made from their decoded texts and never from the tables' bytes.

A model answers for a PCI function: (unit, ids), or None where no unit translates it.
"""

import re


def words(line):
    """The texts behind the words of a line."""
    parts = line.split()
    return dict(zip(parts, parts[1:]))


def bdf(text):
    bus, device, function = re.match(r"(\w+):(\w+)\.(\d)", text).groups()
    return int(bus, 16) << 8 | int(device, 16) << 3 | int(function)


class Dmar:
    """Endpoints and bridges on the buses that the text names; bridges alone where they have no bus numbers."""

    def __init__(self, text):
        self.units = []
        self.scopes = {}
        for line in text.splitlines():
            w = words(line)
            if line.startswith("DRHD"):
                assert (w["segment"], w["include_pci_all"]) == ("0", "0"), line
                self.units.append(("vtd", int(w["base"], 16)))
            elif " scope type " in line and w["type"] in ("1", "2"):
                bus, path = re.search(r"bus (\w\w) path (\w\w\.\d)", line).groups()
                self.scopes[bdf("%s:%s" % (bus, path))] = self.units[-1]

    def answer(self, function):
        unit = self.scopes.get(function)
        return (unit, [function]) if unit else None


class Ivrs:
    """Devices by their own lines; "NAME uses ALIAS" for ranges. The IOMMU's own function is no device of its."""

    def __init__(self, text):
        self.units = []
        self.own = None
        self.ids = {}
        for line in text.splitlines():
            found = re.match(r"IVHD type 0x10 .* iommu (\S+) .* base (0x\w+) segment 0", line)
            if found:
                self.own = bdf(found.group(1))
                self.units.append(("amdvi", int(found.group(2), 16)))
            found = re.match(r"  select (\S+) ", line)
            if found:
                self.ids[bdf(found.group(1))] = bdf(found.group(1))

    @classmethod
    def of_entries(cls, unit, own, entries):
        """Device entries as the decoded text prints them: hexadecimal bytes, one a line."""
        model = cls("")
        model.units, model.own = [unit], own
        start = None
        for e in map(bytes.fromhex, entries):
            device = e[1] | e[2] << 8
            to = e[5] | e[6] << 8 if len(e) == 8 else None
            if e[0] == 0x02:
                model.ids[device] = device
            elif e[0] in (0x03, 0x43):
                start = (device, to)
            elif e[0] == 0x04:
                for i in range(start[0], device + 1):
                    model.ids[i] = i if start[1] is None else start[1]
        return model

    def answer(self, function):
        if function == self.own or function not in self.ids:
            return None
        return self.units[0], [self.ids[function]]


class Iort:
    """Nodes by their offsets. An id at the end of one range and the start of another is the latter's."""

    def __init__(self, text):
        self.smmus = {}
        self.maps = []
        for line in text.splitlines():
            found = re.match(r"(\w+) @(0x\w+) ", line)
            if found:
                kind = found.group(1)
                if kind == "smmuv3":
                    self.smmus[int(found.group(2), 16)] = ("smmuv3", int(re.search(r"base (0x\w+)", line).group(1), 16))
            found = re.match(r"  map in (\w+)-(\w+) out (\w+) ref (\w+)", line)
            if found and kind == "root_complex":
                self.maps.append([int(x, 16) for x in found.groups()])

    @classmethod
    def of_maps(cls, smmus, maps):
        model = cls("")
        model.smmus, model.maps = smmus, maps
        return model

    @property
    def units(self):
        return list(self.smmus.values())

    def answer(self, function):
        hits = [m for m in self.maps if m[0] <= function <= m[1]]
        starts = [m for m in hits if m[0] == function]
        if not hits:
            return None
        first, _, out, ref = (starts or hits)[0]
        return (self.smmus[ref], [out + function - first]) if ref in self.smmus else None


class Viot:
    """Ranges of endpoints; the virtio-iommu itself is none."""

    def __init__(self, text):
        self.nodes = {}
        self.ranges = []
        for line in text.splitlines():
            found = re.match(r"virtio_iommu_pci @(\w+) segment 0 bdf (\S+)", line)
            if found:
                self.nodes[int(found.group(1), 16)] = ("virtio", "0000:" + found.group(2))
            found = re.match(r"pci_range @\w+ segment 0-0 (\S+)-(\S+) endpoint_start (\w+) output (\w+)", line)
            if found:
                first, last, number, to = found.groups()
                self.ranges.append((bdf(first), bdf(last), int(number, 16), int(to, 16)))

    @property
    def units(self):
        return list(self.nodes.values())

    def answer(self, function):
        if any(bdf(u[1][5:]) == function for u in self.units):
            return None
        for first, last, number, to in self.ranges:
            if first <= function <= last:
                return self.nodes[to], [number + function - first]
        return None


class Map:
    """A list of (first, count, output, unit)."""

    def __init__(self, units, entries):
        self.units = units
        self.entries = entries

    def answer(self, function):
        for first, count, out, unit in self.entries:
            if first <= function < first + count:
                return unit, [out + function - first]
        return None
