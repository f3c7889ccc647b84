#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""dmah.ko in dom0 of Xen 4.17 on arm64, beside a second domain: what module/ finds, as TAP.

    test_xen.py dom0|swiotlb [TREE]

swiotlb: with swiotlb=force, so that all that the DMA API maps bounces. TREE: the source tree that dmah.ko is built from,
where it is not this one: a broken copy, to see the suite fail.
"""

import sys

import xen
from xen import vm


def main(which, source=None):
    tap = vm.Tap()
    force = int({"dom0": False, "swiotlb": True}[which])
    boot = xen.boot(force, xen.modules(source), "xen-" + which)
    for case in boot.cases():
        tap.case(case.verdict, case.name, case.remark, case.notes)
    print("# the boot took %.0f s" % boot.seconds)
    tap.case(xen.plans(boot) == len(xen.ROUNDS), "every round came to its end", notes=boot.tail())
    return tap.done()


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3 or sys.argv[1] not in ("dom0", "swiotlb"):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    try:
        sys.exit(main(*sys.argv[1:]))
    except vm.Error as err:
        print("Bail out! %s" % err)
        sys.exit(1)
