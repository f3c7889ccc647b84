# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Boots Xen with dom0 and a second domain, and runs tests/xen's module in both."""

import os
import re
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "lab"))

import vm  # noqa: E402

KERNEL = "6.1-arm64"
# dmah.ko with and without records; the second time only what depends on that.
ROUNDS = [(1, 0), (0, 1)]


def modules(source=None):
    """dmah.ko and the tests' modules. source: another tree to build dmah.ko from."""
    kernel = vm.Kernel(KERNEL)
    dmah = vm.Dmah(kernel, source)
    return [dmah.ko] + vm.build(
        kernel, os.path.join(HERE, "module"),
        os.path.join(vm.BUILD, "module", "xen", kernel.release),
        also=["ports/linux/include"], args=["KBUILD_EXTRA_SYMBOLS=" + dmah.symvers])


def boot(force, kos, name, rounds=None, ticks=0, **settings):
    """One boot with all tests in it. Return: vm.Result.

    force: the kernel runs with swiotlb=force. ticks: time the calls instead. settings: of vm.XenMachine.
    """
    machine = vm.XenMachine(KERNEL, devices=["edu"], modules=kos, swiotlb="force" if force else None,
                            guest="insmod /modules/xen_guest.ko && sleep 100000",
                            **settings)
    script = ["set -e"]
    for records, brief in rounds or ROUNDS:
        script += ["insmod /modules/dmah.ko check=%d" % records,
                   "insmod /modules/dmah_xen.ko guest=1 force=%d records=%d brief=%d ticks=%d"
                   % (force, records, brief, ticks),
                   "rmmod dmah_xen", "rmmod dmah"]
    return machine.boot("\n".join(script), name)


def plans(result):
    """How many plans came: one for each time that the module ended."""
    return sum(1 for line in result.text().split("\n") if re.match(r"1\.\.[1-9]", line))


def rows(result, kind):
    """The lines "dmah-xen-KIND key=value ...": a list of dicts; what looks like a number is one."""
    found = []
    for line in result.text().split("\n"):
        if line.startswith("dmah-xen-%s " % kind):
            found.append({k: int(v) if v.isdigit() else v
                          for k, v in (word.split("=", 1) for word in line.split()[1:])})
    return found
