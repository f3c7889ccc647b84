# SPDX-License-Identifier: GPL-2.0-only
"""The source of Linux, from Debian's package linux-source-KERNEL, beside the system.

The package stays in the cache of lab/vm. Writing patches needs only the few files that they change,
taken from the archive each time that list grows; building needs all of it, unpacked once.
"""

import glob
import os
import re
import shutil
import subprocess

from lab.vm import apt, cache

# Kernel: suite of Debian. A kernel that is not here is looked for in all suites.
SUITES = (apt.NEXT_BACKPORTS, apt.BACKPORTS, apt.RELEASE)


class Source:
    """The source of one kernel version, for instance "7.3"."""

    def __init__(self, kernel):
        if not re.match(r"[0-9]+\.[0-9]+$", kernel):
            raise cache.Error("KERNEL=%s: give a version as in linux-source-7.3" % kernel)
        self.kernel = kernel
        self.package = "linux-source-" + kernel
        self.dir = cache.made("source/" + self.package, self.fetch)
        self.tar = glob.glob(os.path.join(self.dir, "usr", "src", self.package + ".tar.*"))[0]
        self.work = os.path.join(cache.top(), "series", kernel)
        os.makedirs(self.work, exist_ok=True)

    def fetch(self, into):
        for suite in SUITES:
            archive = apt.Archive("amd64", suite)
            archive.refresh()
            try:
                archive.fields(self.package)
            except cache.Error:
                continue
            archive.unpack([self.package], into, ["./usr/share"])
            if not glob.glob(os.path.join(into, "usr", "src", self.package + ".tar.*")):
                raise cache.Error("%s holds no archive of the source" % self.package)
            return
        raise cache.Error("Debian's archive (%s) has no %s" % (", ".join(SUITES), self.package))

    def untar(self, into, paths=()):
        """Unpack the archive, or these paths of it, without its first directory. A path that is
        not there is left out."""
        members = ["%s/%s" % (self.package, p) for p in paths]
        out = subprocess.run(["tar", "-x", "-f", self.tar, "-C", into, "--no-same-owner",
                              "--strip-components=1"] + members, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        text = out.stdout.decode(errors="replace")
        bad = [l for l in text.splitlines() if l and "Not found in archive" not in l
               and "Exiting with failure status" not in l]
        if out.returncode != 0 and (bad or not paths):
            raise cache.Error("%s cannot be unpacked:\n  %s" % (self.tar, "\n  ".join(bad)))

    def files(self, paths):
        """Returns a directory that holds these files as the package has them."""
        into = os.path.join(self.work, "pristine")
        listed = os.path.join(into, ".asked")
        with cache.lock("series-pristine-" + self.kernel):
            asked = set()
            if os.path.exists(listed):
                with open(listed) as f:
                    asked = set(f.read().split())
            if not set(paths) <= asked:
                wanted = asked | set(paths)
                shutil.rmtree(into, ignore_errors=True)
                os.makedirs(into)
                self.untar(into, sorted(wanted))
                with open(listed, "w") as f:
                    f.write("\n".join(sorted(wanted)) + "\n")
        return into

    def tree(self, suffix=""):
        """Returns the directory of the whole source. Builds change the files of the series in it.

        suffix: names a tree that shares the files of the first one, by hard links
        """
        path = os.path.join(self.work, "linux" + suffix)
        first = self.tree() if suffix else None
        with cache.lock("series-tree-" + self.kernel):
            if not os.path.exists(os.path.join(path, "Makefile")):
                new = path + ".new"
                shutil.rmtree(new, ignore_errors=True)
                if first:
                    shutil.copytree(first, new, symlinks=True, copy_function=os.link)
                else:
                    os.makedirs(new)
                    self.untar(new)
                os.rename(new, path)
        return path
