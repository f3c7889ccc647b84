# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""This project's own module, dmah.ko, for a fetched kernel."""

import fcntl
import os
import subprocess
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
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        log = os.path.join(self.out, "make.log")
        with open(log, "w") as f:
            f.write("$ %s\n" % " ".join(argv))
            f.flush()
            status = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=f, env=env,
                                    stderr=subprocess.STDOUT, check=False).returncode
        if status != 0:
            with open(log, errors="replace") as f:
                end = "".join(f.readlines()[-40:])
            raise cache.Error("building dmah.ko for linux %s failed (%s):\n%s"
                              % (self.kernel.release, log, end))
        # Beside and then over: another run may be reading it.
        subprocess.run([prefix + "strip", "--strip-debug", "-o", self.ko + ".new",
                        os.path.join(self.out, "dmah.ko")], check=True, stdin=subprocess.DEVNULL)
        os.rename(self.ko + ".new", self.ko)
