#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Instructions of a driver for each packet, as it is and converted.

    instructions.py DMAH KERNEL [DRIVER...]

QEMU counts instructions (-icount shift=0), and the kernel's function_graph tracer measures the driver's transmit and poll functions
with everything that they call, by that count. The work is one ping of 1,400 bytes at a time: a packet out and a packet in.
The number is the sum over both functions, divided by the number of pings; the kernel's timer interrupts are in it.
"""

import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "lab")]

import vm  # noqa: E402
from drivers import DRIVERS  # noqa: E402
from vm import dmah, kernels, source  # noqa: E402

PINGS = 400
FUNCTIONS = {"e1000": ("e1000_xmit_frame", "e1000_clean"), "e1000e": ("e1000_xmit_frame", "e1000e_poll"),
             "igb": ("igb_xmit_frame", "igb_poll")}

SCRIPT = """
T=/sys/kernel/tracing
wait_for() { i=0; while ! eval "$1"; do i=$((i + 1)); [ $i -lt 300 ] || return 1; sleep 0.1; done; }
measure() { # VARIANT DRIVER FUNCTION...
	insmod /drivers/$1/$2.ko || return
	wait_for '[ -n "$(ls -d /sys/bus/pci/drivers/'$2'/*:* 2>/dev/null)" ]'
	dev=$(cd /sys/bus/pci/drivers/$2 && echo *:*)
	wait_for '[ -n "$(ls /sys/bus/pci/devices/$dev/net 2>/dev/null)" ]'
	net=$(ls /sys/bus/pci/devices/$dev/net)
	ifconfig $net 10.0.2.15 netmask 255.255.255.0 up
	wait_for '[ "$(cat /sys/class/net/'$net'/carrier 2>/dev/null)" = 1 ]'
	ping -c 20 -i 0.02 -s 1400 -q 10.0.2.2 >/dev/null
	echo 0 >$T/tracing_on; echo 8192 >$T/buffer_size_kb; echo x86-tsc >$T/trace_clock
	# Only these two functions call the tracer, so that the tracer's own instructions hardly count.
	echo 1 >$T/max_graph_depth; echo $3 >$T/set_ftrace_filter; echo $4 >>$T/set_ftrace_filter
	echo function_graph >$T/current_tracer; : >$T/trace; echo 1 >$T/tracing_on
	echo "begin $1 $2"
	ping -c PINGS -i 0.01 -s 1400 -q 10.0.2.2 | grep received
	echo 0 >$T/tracing_on
	grep -v '^#' $T/trace | grep ' us ' | sed 's/^[^|]*) *//'
	echo "end"
	echo nop >$T/current_tracer; : >$T/set_ftrace_filter
	ifconfig $net down; rmmod $2
}
"""


def main():
    """Run. Return: the exit status."""
    command, kernel_name = sys.argv[1:3]
    names = sys.argv[3:] or ["e1000e"]
    kernel = kernels.Kernel(kernel_name)
    series = source.Source(kernel_name)
    ko = dmah.Dmah(kernel)
    variants = ["original", "plain"] + ["pool"] * (kernel_name == "7.3")
    with tempfile.TemporaryDirectory(prefix="dmah-instructions-") as work:
        files, needs, network = {"modules/dmah.ko": "@" + ko.ko}, set(), []
        script = SCRIPT.replace("PINGS", str(PINGS)) + "insmod /modules/dmah.ko\n"
        for n, name in enumerate(names):
            driver = DRIVERS[name]
            for variant in variants:
                if variant == "original":
                    folder = driver.copy(series, os.path.join(work, variant, name))
                else:
                    folder, _ = driver.convert(os.path.abspath(command), series, variant, work)
                made, _ = driver.build(kernel, folder, os.path.join(work, "build", variant, name),
                                       None if variant == "original" else ko)
                files["drivers/%s/%s.ko" % (variant, name)] = "@" + made
                needs.update(kernels.module_depends(made))
                script += "measure %s %s %s %s\n" % ((variant, name) + FUNCTIONS[name])
            network += ["-netdev", "user,restrict=on,id=n%d" % n, "-device", "%s,netdev=n%d,romfile=" % (driver.device, n)]
        machine = vm.Machine(kernel, iommu="lazy", devices=[], modules=sorted(needs - {"dmah"}), files=files, qemu=network,
                             icount="shift=0", append="no_timer_check",
                             emulated_by=vm.Newer() if any(DRIVERS[n].newer for n in names) else vm.System())
        result = machine.boot(script + "true\n", "instructions-%s" % kernel_name)
    sums, current = {}, None
    for line in result.output:
        if line.startswith("begin "):
            current = line[6:]
            sums[current] = {}
        elif line.startswith("end"):
            current = None
        m = re.match(r"[!+#*@$ ]*([\d.]+) us +\| +(\w+)", line) if current else None
        if m:
            calls = sums[current].setdefault(m.group(2), [0, 0.0])
            calls[0] += 1
            calls[1] += float(m.group(1)) * 1000
    if not result.ok or not sums:
        print("instructions.py: " + result.why, file=sys.stderr)
        print("\n".join(result.output[-40:]), file=sys.stderr)
        return 1
    print("| driver (%s) | variant | instructions for each ping | of these: function, calls, instructions each |\n|---|---|---|---|"
          % kernel_name)
    for key, functions in sums.items():
        variant, name = key.split()
        print("| %s | %s | %d | %s |" % (name, variant, sum(v for _, v in functions.values()) / PINGS, ", ".join(
            "%s %d %d" % (f, c, v / c) for f, (c, v) in sorted(functions.items()))))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except vm.Error as err:
        sys.exit("instructions.py: %s" % err)
