# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""A driver of Linux: copied from the source of Debian's package, converted to handles, built against dmah.ko."""

import json
import os
import shutil
import subprocess

from . import cache, module

ATTACH = "DMAH_MODE_WRAP"   # in the call that the converter puts into probe()


class Driver:
    """A copy of one driver.

    root:  the top of the copy, as if it were a kernel's tree
    dir:   the driver's own directory in it
    """

    def __init__(self, series, folder, root, only=None):
        """series: a Source; folder: in the tree; only: {module: its file} where others share the directory."""
        self.folder = folder
        self.root = root
        self.dir = os.path.join(root, folder)
        os.makedirs(os.path.dirname(self.dir), exist_ok=True)
        if not only:
            shutil.copytree(series.path(folder), self.dir)
            return
        os.makedirs(self.dir)
        for name, path in only.items():
            shutil.copy(series.path(folder, path), self.dir)
            with open(os.path.join(self.dir, "Makefile"), "a") as f:
                f.write("obj-m += %s.o\n" % name)

    def read(self, path):
        """The text of a file, named from the tree's top; None where there is none."""
        full = os.path.join(self.root, path)
        if not os.path.exists(full):
            return None
        with open(full, encoding="utf-8", errors="surrogateescape") as f:
            return f.read()

    def write(self, path, text):
        with open(os.path.join(self.root, path), "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write(text)

    def convert(self, command, mode=None, args=()):
        """Convert by `dmah convert`. mode: of dmah_attach(), where not wrap. Return: the command's report."""
        done = subprocess.run([command, "convert", "--json", "--kernel", self.root, "--cache",
                               os.path.join(self.root, "cache")] + list(args) + [self.dir],
                              capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise cache.Error("dmah convert of %s: %s" % (self.folder, done.stderr))
        if mode:
            self.attach(mode)
        return json.loads(done.stdout)

    def attach(self, mode):
        """Have the driver ask for another mode."""
        calls = 0
        for name in sorted(os.listdir(self.dir)):
            text = self.read(os.path.join(self.folder, name)) if name.endswith(".c") else ""
            if ATTACH in text:
                calls += text.count(ATTACH)
                self.write(os.path.join(self.folder, name), text.replace(ATTACH, mode))
        if calls != 1:
            raise cache.Error("%s attaches its device %d times, not once" % (self.folder, calls))

    def build(self, kernel, ko, out):
        """Build against dmah.ko (a Dmah). Return: (the .ko, the compiler's warnings)."""
        args = ["KBUILD_EXTRA_SYMBOLS=" + ko.symvers, "KCFLAGS=-I" + ko.include]
        made = module.build(kernel, self.dir, out, args=args)
        with open(os.path.join(out, "make.log"), errors="replace") as f:
            return made[0], [l.strip() for l in f if "warning:" in l]
