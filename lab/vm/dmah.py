# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""This project's own module, dmah.ko, for a fetched kernel."""

import fcntl
import os
import zlib

from . import cache, module


class Dmah:
    """dmah.ko as ports/linux/build.sh builds it. Several runs may ask for it at one time.

    ko:      the module, without debug information
    symvers: for KBUILD_EXTRA_SYMBOLS of a module that builds on it
    include: the directory with linux/dmah.h
    """

    def __init__(self, kernel, source=None):
        """source: the root of the tree to build; this one where None."""
        root = source or cache.ROOT
        self.kernel = kernel
        # Objects of one tree are not newer than the sources of another: each has a directory.
        name = "dmah" if source is None else "dmah-%08x" % zlib.crc32(os.path.abspath(source).encode())
        self.out = os.path.join(cache.BUILD, "module", name, kernel.release)
        self.ko = os.path.join(self.out, "ko", "dmah.ko")
        self.symvers = os.path.join(self.out, "Module.symvers")
        self.include = os.path.join(root, "ports", "linux", "include")
        os.makedirs(os.path.dirname(self.ko), exist_ok=True)
        with open(os.path.join(self.out, ".lock"), "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.make(os.path.join(root, "ports", "linux", "build.sh"))

    def make(self, script):
        arch, prefix = module.cross(self.kernel.arch)
        argv = ["sh", script, self.out, self.kernel.headers, "ARCH=" + arch,
                "CROSS_COMPILE=" + prefix, "-j%d" % (os.cpu_count() or 1)]
        module.make(argv, os.path.join(self.out, "make.log"),
                    "building dmah.ko for linux " + self.kernel.release)
        # Beside and then over: another run may be reading it.
        module.strip(prefix, os.path.join(self.out, "dmah.ko"), self.ko + ".new")
        os.rename(self.ko + ".new", self.ko)
