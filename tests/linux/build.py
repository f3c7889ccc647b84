# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""dmah.ko, its self-test and the library's self-check, built for one kernel."""

import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

import vm  # noqa: E402


class Built:
    """The modules, and make's output for each.

    dmah:      dmah.ko
    test:      dmah_test.ko, the driver that uses it
    selfcheck: dmah_selfcheck.ko, the whole library in the kernel, or None
    churn:     dmah_churn.ko, random maps and unmaps, or None
    logs:      make's output, by module
    """

    def __init__(self, kernel, selfcheck=False, churn=False):
        dmah = vm.Dmah(kernel)
        self.logs = {"dmah.ko": os.path.join(dmah.out, "make.log")}
        self.dmah = dmah.ko
        self.symvers = dmah.symvers
        self.test = self.make(kernel, "dmah_test", "module", ["ports/linux/include"],
                              ["KBUILD_EXTRA_SYMBOLS=" + dmah.symvers])
        self.selfcheck = self.make(kernel, "dmah_selfcheck", "selfcheck",
                                   ["src", "include", "ports/linux"]) if selfcheck else None
        self.churn = self.make(kernel, "dmah_churn", "churn", ["ports/linux/include"],
                               ["KBUILD_EXTRA_SYMBOLS=" + dmah.symvers]) if churn else None

    def make(self, kernel, name, source, also, args=()):
        out = os.path.join(vm.BUILD, "module", name, kernel.release)
        log = self.logs[name + ".ko"] = os.path.join(out, "make.log")
        return vm.build(kernel, os.path.join(HERE, source), out, also=also, log=log, args=args)[0]


def unchecked(kernel, dmah):
    """(calls, warnings) of a module that ignores the results of calls: what it ignores, and what the compiler says."""
    source = os.path.join(HERE, "unchecked")
    out = os.path.join(vm.BUILD, "module", "dmah_unchecked", kernel.release)
    log = os.path.join(out, "make.log")
    # The compiler warns only of files that it compiles, so of none that an earlier run has compiled.
    shutil.rmtree(out, ignore_errors=True)
    vm.build(kernel, source, out, also=["ports/linux/include"], log=log,
             args=["KBUILD_EXTRA_SYMBOLS=" + dmah.symvers])
    with open(os.path.join(source, "dmah_unchecked.c")) as f:
        calls = [(n, re.match(r"\t(\w+)\(", line)) for n, line in enumerate(f, 1)]
    calls = {n: m.group(1) for n, m in calls if m}
    with open(log, errors="replace") as f:
        warned = {int(m.group(1)) for m in re.finditer(r"dmah_unchecked\.c:(\d+):.*-Wunused-result", f.read())}
    return calls, warned


def warnings(log):
    """The compiler's and modpost's complaints in a log of make."""
    with open(log, errors="replace") as f:
        return [l.rstrip() for l in f if re.search(r"\bwarning:|^WARNING:", l)]
