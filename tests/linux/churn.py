#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Slots under random maps and unmaps in a stock kernel: a day of the machine's clock, no memory, a small limit, a busy disk.

    churn.py [KERNEL] [--hours N] [--iommu strict|lazy]

In the machine of the day the clock counts instructions and jumps when nothing runs, so a day takes minutes.
"""

import argparse
import hashlib
import os
import re
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import build  # noqa: E402
import vm  # noqa: E402

CHURN = """
insmod /modules/dmah.ko pool_mib=%(mib)d || exit 9
insmod /modules/dmah_churn.ko %(words)s || exit 8
rmmod dmah_churn
rmmod dmah || exit 7
echo "done %(mib)d %(words)s"
"""

# The disk's driver maps by the kernel's DMA API, in the same domain and of the same IOVAs.
DISK = """
insmod /modules/dmah.ko || exit 9
dev=$(cd /sys/bus/pci/drivers/nvme && echo *:*)
insmod /modules/dmah_churn.ko device=$dev beside=1 || exit 8
for n in 1 2 3; do
	dd if=/data of=/dev/nvme0n1 bs=128k oflag=direct 2>/dev/null
	dd if=/dev/nvme0n1 bs=4k count=BLOCKS iflag=direct 2>/dev/null | sha256sum | sed "s/^/small $n /"
	dd if=/dev/nvme0n1 bs=512k count=LARGE iflag=direct 2>/dev/null | sha256sum | sed "s/^/large $n /"
done
rmmod dmah_churn
"""
BYTES = 8 << 20


def judge(tap, what, result, needed):
    """KTAP lines of the module, by what it was loaded with."""
    cases = vm.parse([vm.stamped(l).replace("dmah_churn: ", "") for l in result.messages])
    for case in cases:
        tap.case(case.verdict, "%s: %s" % (what, case.name), case.remark, case.notes)
    tap.case(result.ok, "%s: boots, runs, powers off" % what, notes=[result.why] if result.ok else result.tail())
    notes = [vm.stamped(l) for l in result.messages if "dmah_churn: #" in l]
    for line in notes:
        print("# " + line)
    tap.case(len(cases) == needed, "%s: %d results" % (what, needed), notes=["%d came" % len(cases)])
    bad = [l for l in map(vm.stamped, result.messages)
           if re.search(r"BUG:|WARNING:|Oops|Call Trace:|DMAR: \[|general protection", l)]
    tap.case(not bad, "%s: the kernel complained of nothing" % what, notes=bad[:20])


def main():
    parser = argparse.ArgumentParser(description="Churn slots in a stock kernel.")
    parser.add_argument("kernel", nargs="?", default="7.3", choices=list(vm.KERNELS))
    parser.add_argument("--hours", type=int, default=24, help="of the machine's clock (24)")
    parser.add_argument("--iommu", default="lazy", choices=["strict", "lazy"])
    args = parser.parse_args()
    tap = vm.Tap()
    try:
        kernel = vm.Kernel(args.kernel)
        modules = build.Built(kernel, churn=True)
        kos = [modules.dmah, modules.churn]
        script = CHURN % {"mib": 256, "words": "hours=%d" % args.hours}
        script += CHURN % {"mib": 256, "words": "starve=20 seed=2"}
        # All slots are taken most of the time: the kernel's call maps the rest.
        script += CHURN % {"mib": 4, "words": "hours=1 seed=3"}
        machine = vm.Machine(kernel, iommu=args.iommu, devices=["edu"], icount="shift=3,sleep=off", modules=kos)
        result = machine.boot(script, "churn-%s-%s" % (args.kernel, args.iommu))
        judge(tap, "churn", result, 12)
        data = hashlib.shake_256(b"disk").digest(BYTES)
        want = hashlib.sha256(data).hexdigest()
        script = DISK.replace("BLOCKS", str(BYTES // 4096)).replace("LARGE", str(BYTES // (512 << 10)))
        machine = vm.Machine(kernel, iommu=args.iommu, devices=["nvme"], modules=["nvme"] + kos, files={"data": data})
        result = machine.boot(script, "churn-disk-%s-%s" % (args.kernel, args.iommu))
        judge(tap, "beside NVMe", result, 5)
        lines = ["%s %d %s  -" % (size, n, want) for size in ("small", "large") for n in (1, 2, 3)]
        missing = [l for l in lines if l not in result.output]
        tap.case(not missing, "beside NVMe: %d MiB written three times are read back, in small and large pieces" % (BYTES >> 20),
                 notes=missing + result.output[-10:])
    except vm.Error as err:
        print("Bail out! %s" % str(err).replace("\n", "\n# "))
        return 1
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
