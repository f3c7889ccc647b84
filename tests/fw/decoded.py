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
