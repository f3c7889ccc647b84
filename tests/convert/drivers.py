# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The drivers that are converted and run: their source, QEMU's device, and how they are converted and built."""

import json
import os
import re
import shutil
import subprocess

from vm import cache, module

# "checked" compares lengths and directions at run time; "pool" is the plain conversion with another mode in the
# call that attaches the device, for kernels that have pool mode.
VARIANTS = {"checked": ["--checked"], "plain": [], "pool": []}
INTEL = "drivers/net/ethernet/intel/"


class Driver:
    """One driver.

    name:   of its module
    folder: in the kernel's source
    device: QEMU's
    one:    the module is this one file of the folder
    newer:  only the newer QEMU has the device
    rings:  the sizes of its rings can be set
    """

    def __init__(self, name, folder, device, one="", newer=False, rings=True):
        self.name = name
        self.folder = folder
        self.device = device
        self.one = one
        self.newer = newer
        self.rings = rings

    def copy(self, series, into):
        """Put the driver's source into a tree of its own. Return: its folder there."""
        folder = os.path.join(into, self.folder)
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        if not self.one:
            shutil.copytree(series.path(self.folder), folder)
            return folder
        os.makedirs(folder)
        shutil.copy(series.path(self.folder, self.one), folder)
        with open(os.path.join(folder, "Makefile"), "w") as f:
            f.write("obj-m += %s.o\n" % self.name)
        return folder

    def convert(self, command, series, variant, work):
        """Convert the driver in a tree below work. Return: its folder there, the report."""
        root = os.path.join(work, variant, self.name)
        folder = self.copy(series, root)
        done = subprocess.run([command, "convert", "--json", "--kernel", root, "--cache",
                               os.path.join(work, "cache-" + self.name)] + VARIANTS[variant] + [folder],
                              capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise cache.Error("dmah convert of %s: %s" % (self.name, done.stderr))
        if variant == "pool":
            for path, text in sources(folder):
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text.replace("DMAH_MODE_WRAP", "DMAH_MODE_POOL"))
        return folder, json.loads(done.stdout)

    def build(self, kernel, folder, out, ko=None):
        """Build the module. Return: the .ko, the lines of warnings."""
        args = ["KBUILD_EXTRA_SYMBOLS=" + ko.symvers, "KCFLAGS=-I" + ko.include] if ko else []
        made = [m for m in module.build(kernel, folder, out, args=args) if os.path.basename(m) == self.name + ".ko"]
        with open(os.path.join(out, "make.log"), errors="replace") as f:
            return made[0], [line.strip() for line in f if "warning:" in line]


def sources(folder):
    """Yield the path and text of each C file."""
    for path, _, names in os.walk(folder):
        for name in sorted(names):
            if re.search(r"\.[ch]$", name):
                full = os.path.join(path, name)
                with open(full, encoding="utf-8", errors="surrogateescape") as f:
                    yield full, f.read()


DRIVERS = {d.name: d for d in (
    Driver("e1000", INTEL + "e1000", "e1000"),
    Driver("e1000e", INTEL + "e1000e", "e1000e"),
    Driver("igb", INTEL + "igb", "igb", newer=True),
    Driver("e100", INTEL.rstrip("/"), "i82559er", one="e100.c"),
    Driver("tulip", "drivers/net/ethernet/dec/tulip", "tulip", rings=False),
)}
