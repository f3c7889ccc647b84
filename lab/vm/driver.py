# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""A driver of Linux: copied from the source of Debian's package, converted to handles, built against dmah.ko."""

import json
import os
import shutil
import subprocess

from . import cache, module

# The converter's lines in the file with probe(), and a parameter for the first.
ATTACH = "DMAH_MODE_WRAP"
INCLUDE = "#include <linux/dmah.h>\n"
PARAMETER = "\nstatic int dma_mode = DMAH_MODE_WRAP;\nmodule_param(dma_mode, int, 0444);\n"


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

    def convert(self, command, args=()):
        """Convert by `dmah convert`. Return: the command's report."""
        done = subprocess.run([command, "convert", "--json", "--kernel", self.root, "--cache",
                               os.path.join(self.root, "cache")] + list(args) + [self.dir],
                              capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise cache.Error("dmah convert of %s: %s" % (self.folder, done.stderr))
        return json.loads(done.stdout)

    def ask_for_mode(self):
        """Have the driver attach in the mode that its parameter `dma_mode` has, an enum dmah_mode."""
        names = [os.path.join(self.folder, n) for n in sorted(os.listdir(self.dir)) if n.endswith(".c")]
        texts = {n: self.read(n) for n in names}
        if sum(t.count(ATTACH) for t in texts.values()) != 1:
            raise cache.Error("%s does not attach its device once" % self.folder)
        for name, text in texts.items():
            if ATTACH in text:
                self.write(name, text.replace(ATTACH, "dma_mode").replace(INCLUDE, INCLUDE + PARAMETER, 1))

    def build(self, kernel, ko, out, flags=()):
        """Build against dmah.ko (a Dmah). flags: the compiler's. Return: (the .ko, the compiler's warnings)."""
        args = ["KBUILD_EXTRA_SYMBOLS=" + ko.symvers, "KCFLAGS=" + " ".join(["-I" + ko.include] + list(flags))]
        made = module.build(kernel, self.dir, out, args=args)
        with open(os.path.join(out, "make.log"), errors="replace") as f:
            return made[0], [l.strip() for l in f if "warning:" in l]
