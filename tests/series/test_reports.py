#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Which lines of a boot's console count as reports of a sanitizer about the series."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from lab import vm  # noqa: E402
from linux.series import boot, traffic, variant  # noqa: E402


class Console:
    """A boot's Result, as far as reports() reads it."""

    def __init__(self, *lines):
        self.messages = list(lines)
        self.output = []


# (line, it is a report of the series)
LINES = (
    ("e1000e 0000:00:02.0 eth0: NIC Link is Up", False),
    ("BUG: KASAN: slab-out-of-bounds in tick_nohz_stop_tick+0x1/0x2", True),
    ("WARNING: possible circular locking dependency detected", True),
    ("BUG: KCSAN: data-race in iommu_dma_unmap_slot / iommu_dma_map_slot", True),
    ("BUG: KCSAN: data-race in ktime_get / iommu_dma_batch_slot", True),
    ("BUG: KCSAN: data-race in put_pending+0x10/0x20 / fq_flush_timeout+0x10/0x20", True),
    ("BUG: KCSAN: data-race in churn [series_test]", True),
    ("BUG: KCSAN: data-race in tick_sched_do_timer / tick_nohz_stop_tick", False),
    # Part of a name is not that name.
    ("BUG: KCSAN: data-race in xiommu_dma_map_slot / iommu_dma_map_slots", False),
)


def main():
    tap = vm.Tap()
    for line, counts in LINES:
        verdict = boot.reports(Console("before", line, "after")).verdict
        tap.case(verdict == ("not ok" if counts else "ok"), "%s: %s" % ("counts" if counts else "does not count", line))
    case = boot.reports(Console(*[l for l, _ in LINES]))
    tap.case(len(case.notes) == sum(counts for _, counts in LINES), "all that count are shown")
    other = boot.reports(Console(*[l for l, counts in LINES if not counts]))
    tap.case(other.name.endswith("in other functions (2)"), "races of others are counted: %s" % other.name)
    fault = "qemu-system-arm: virtio_iommu_translate permission error on 0x%s(1): allowed=2"
    for addr, wrong in (("11ffff", True), ("11fffe", False), ("120000", False)):
        tap.case(traffic.neighbour(["ok 1 - file 1", fault % addr]) == wrong,
                 "a fault at 0x%s is %s" % (addr, "QEMU's own" if wrong else "a report"))
    for kind in variant.ALL.values():
        text = kind.options()
        for name, option in (("KASAN", "CONFIG_KASAN=y"), ("lockdep", "CONFIG_PROVE_LOCKING=y"), ("KCSAN", "CONFIG_KCSAN=y")):
            tap.case((option in text) == (name in kind.sanitizers), "%s: a control for %s, if it has that" % (kind.name, name))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
