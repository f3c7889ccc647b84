#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Boots one stock kernel with each setting of its IOMMU and looks at what a real DMA does there.

    test_boot.py KERNEL
"""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

import vm  # noqa: E402

# Text that the kernel's messages must have after a DMA that the IOMMU refused.
REFUSED = {"amd64": "DMAR: [DMA Write", "arm64": "arm-smmu-v3"}


def main(name):
    tap = vm.Tap()
    kernel = vm.Kernel(name)
    ko = vm.build(kernel, os.path.join(HERE, "stock"),
                  os.path.join(vm.BUILD, "module", "stock", kernel.release))
    settings = [("strict", False), ("off", False)]
    if kernel.arch == "amd64":
        # strict, though the command line says lazy
        settings.append(("lazy", True))
    for iommu, untrusted in settings:
        where = "%s, IOMMU %s%s" % (name, iommu, ", untrusted device" if untrusted else "")
        machine = vm.Machine(kernel, iommu=iommu, untrusted=untrusted, devices=["edu"], modules=ko)
        script = "insmod /modules/stock.ko blocked=%d" % (iommu != "off")
        if untrusted:
            # of DMA and DMA-FQ, the lazy one
            script += '\ntest "$(cat /sys/bus/pci/drivers/stock/0*/iommu_group/type)" = DMA'
        boot = machine.boot(script,
                            "stock-%s-%s%s" % (name, iommu, "-untrusted" if untrusted else ""))
        cases = boot.cases()
        for case in cases:
            tap.case(case.verdict, "%s: %s" % (where, case.name), case.remark,
                     case.notes + boot.tail())
        tap.case(len(cases) == 3, "%s: three results came" % where, notes=boot.tail())
        logged = REFUSED[kernel.arch] in boot.text() if iommu == "off" else \
            any(REFUSED[kernel.arch] in l and ("fault" in l or "event" in l) for l in boot.messages)
        tap.case(logged == (iommu != "off"),
                 "%s: the IOMMU's log has the refused DMA just where there is one" % where,
                 notes=boot.tail())

    if name == "6.1":
        wrong(tap, kernel, name)
    return tap.done()


def wrong(tap, kernel, name):
    """A boot that goes wrong must say so."""
    boot = vm.Machine(kernel).boot("exit 3", "stock-%s-exit" % name)
    tap.case(not boot.ok and boot.status == 3 and "3" in boot.why, name + ": a failed script is seen",
             notes=boot.tail())
    boot = vm.Machine(kernel).boot("echo c >/proc/sysrq-trigger", "stock-%s-panic" % name)
    tap.case(not boot.ok and boot.status is None and ("panic" in boot.why or "BUG" in boot.why or
                                                      "Unable" in boot.why),
             name + ": a panic is seen", notes=[boot.why] + boot.tail())
    boot = vm.Machine(kernel, timeout=10).boot("while :; do :; done", "stock-%s-hang" % name)
    tap.case(not boot.ok and "end within" in boot.why, name + ": a machine that hangs is ended",
             notes=[boot.why] + boot.tail())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except vm.Error as err:
        print("Bail out! %s" % err)
        sys.exit(1)
