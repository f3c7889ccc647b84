# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Two CPUs that map and unmap at once on one device, beside one that does so alone; the kernel's API beside handles.

Two machines for each mode. In one the clock counts instructions, and QEMU runs the CPUs in turns. In the other QEMU has a
thread for each CPU, so that they contend for locks, and the clock is the host's; what is compared are medians of rounds in
which all cases take turns. A second load there counts waits for spinlocks.
"""

import re
import statistics

import boots
from boots import ICOUNT, MODES, Trouble, vm

KERNEL = "7.3"
MACHINES = ["lazy", "strict"]
CASES = ["page", "pool", "pool-batch-16", "ring-16", "flush"]
ROUNDS = 101
PASSES = 4
COUNTED = 5     # rounds in which instructions or waits are counted

SCRIPT = """
set -e
sleep 5
insmod /modules/dmah.ko check=0
insmod /modules/dmah_cost.ko cpus=%d passes=%d
rmmod dmah_cost
insmod /modules/dmah_cost.ko cpus=%d passes=%d probes=1
rmmod dmah_cost
rmmod dmah
"""


def parse(lines):
    """{(case, CPUs, probed): [row]}"""
    found = {}
    for line in lines:
        m = re.match(r"dmah-cost: (cpus|failed|unavailable) (.*)$", line)
        if not m:
            continue
        w = boots.words(m.group(2))
        if m.group(1) != "cpus" or not w["clocks"]:
            raise Trouble("two CPUs: " + line)
        found.setdefault((w["case"], w["cpus"], w["probed"]), []).append(w)
    return found


def figures(counted, timed):
    """One row of each case.

    instructions: of a pair, with one CPU and with two
    rate:         pairs that two CPUs end in a second, over those that one does: median of the rounds, and the quartiles
    waits:        for a spinlock, of 1,000 pairs by two CPUs
    clocks:       of the host for a pair, with one CPU and with two; to be compared with those of other rows alone
    """
    rows = {}
    for case in CASES:
        pair = [statistics.median(w["clocks"] / w["pairs"] for w in counted[case, n, 0]) for n in (1, 2)]
        rates = [2 * one["clocks"] / two["clocks"] for one, two in zip(timed[case, 1, 0], timed[case, 2, 0])]
        quartiles = statistics.quantiles(rates, n=4)
        waits = sum(w["waits"] for w in timed[case, 2, 1]) * 1000 / sum(w["pairs"] for w in timed[case, 2, 1])
        clocks = [statistics.median(w["clocks"] / w["pairs"] for w in timed[case, n, 0]) for n in (1, 2)]
        rows[case] = {"instructions": [round(x, 1) for x in pair], "rate": round(statistics.median(rates), 3),
                      "quartiles": [round(quartiles[0], 3), round(quartiles[2], 3)], "waits": round(waits, 2),
                      "clocks": [round(x, 1) for x in clocks], "rounds": len(rates)}
    return rows


def measure(kernel_name=KERNEL, modes=None):
    """Boot each mode twice. Return: {mode: {case: row}}."""
    kernel = vm.Kernel(kernel_name)
    made = boots.modules(kernel)
    found = {}
    for mode in modes or MACHINES:
        lines = []
        for icount, rounds in ((ICOUNT, COUNTED), (None, ROUNDS)):
            machine = vm.Machine(kernel, icount=icount, cpus=2, modules=made, **MODES[mode])
            result = machine.boot(SCRIPT % (rounds, PASSES, COUNTED, PASSES),
                                  "cpus-%s-%s-%s" % (kernel_name, mode, "icount" if icount else "threads"))
            if not result.ok:
                raise Trouble("two CPUs, %s %s: %s\n%s" % (kernel_name, mode, result.why, "\n".join(result.tail(15))))
            lines.append(parse(result.text().split("\n")))
        found[mode] = figures(*lines)
    return found
