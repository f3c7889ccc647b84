# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Linux's source, unpacked from a Debian package beside the system."""

import glob
import os
import subprocess
import tempfile

from . import apt, cache, kernels

# series: the suite that has its linux-source package
SUITES = {"6.1": apt.RELEASE, "6.12": apt.RELEASE, "7.3": apt.NEXT_BACKPORTS}


class Source:
    """The source of a series ("6.12"): what the package has but its documentation. It is only read.

    dir: the tree
    version: of the package
    """

    def __init__(self, series, again=False):
        if series not in SUITES:
            raise cache.Error("no source of linux %s (there are %s)" % (series, ", ".join(SUITES)))
        self.series = series
        self.dir = cache.made("source/" + series, self.fill, again)

    def fill(self, into):
        archive = apt.Archive("amd64", SUITES[self.series])
        archive.refresh()
        package = "linux-source-" + self.series
        with tempfile.TemporaryDirectory(prefix=".source.", dir=cache.top()) as work:
            archive.unpack([package], work)
            tars = glob.glob(os.path.join(work, "usr", "src", package + ".tar*"))
            if len(tars) != 1:
                raise cache.Error("%s has no usr/src/%s.tar.xz" % (package, package))
            done = subprocess.run(["tar", "-x", "-f", tars[0], "-C", into, "--strip-components=1",
                                   "--no-same-owner", "--exclude=*/Documentation"],
                                  stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                raise cache.Error("%s cannot be unpacked: %s" % (os.path.basename(tars[0]),
                                                                 done.stderr.strip()))
        kernels.write_info(into, version=archive.fields(package)["Version"])

    def path(self, *parts):
        return os.path.join(self.dir, *parts)
