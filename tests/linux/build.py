# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""dmah.ko and its self-test, built for one kernel."""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

import vm  # noqa: E402


class Built:
    """Both modules, and what make said of each."""

    def __init__(self, kernel):
        dmah = vm.Dmah(kernel)
        self.dmah = dmah.ko
        self.dmah_log = os.path.join(dmah.out, "make.log")
        out = os.path.join(vm.BUILD, "module", "dmah_test", kernel.release)
        self.test_log = os.path.join(out, "make.log")
        self.test = vm.build(kernel, os.path.join(HERE, "module"), out,
                             also=["ports/linux/include"], log=self.test_log,
                             args=["KBUILD_EXTRA_SYMBOLS=" + dmah.symvers])[0]


def warnings(log):
    """The compiler's and modpost's complaints in a log of make."""
    with open(log, errors="replace") as f:
        return [l.rstrip() for l in f if re.search(r"\bwarning:|^WARNING:", l)]
