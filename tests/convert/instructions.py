#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Instructions of a driver for each packet, as it is and converted.

    instructions.py [--json FILE] DMAH KERNEL [DRIVER...]

QEMU counts instructions (-icount shift=0), and the kernel's function_graph tracer measures the driver's functions that start and end
a transfer, with everything that they call, by that count. A network driver's work is one ping of 1,400 bytes at a time: a packet out
and a packet in. A disk's are the writes and reads of direct.c. The number is the sum over these functions, divided by the calls of
the first; the kernel's timer interrupts are in it.
"""

import argparse
import json
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "lab")]

import vm  # noqa: E402
from disk import FIND, Disk  # noqa: E402
from drivers import DISK, DRIVERS, NET  # noqa: E402
from vm import dmah, kernels, source  # noqa: E402

PINGS = 400
SCRIPT = """
T=/sys/kernel/tracing
wait_for() { i=0; while ! eval "$1"; do i=$((i + 1)); [ $i -lt 300 ] || return 1; sleep 0.1; done; }
""" + FIND + """
net_ready() {
	wait_for '[ -n "$(ls /sys/bus/pci/devices/'$dev'/net 2>/dev/null)" ]'
	net=$(ls /sys/bus/pci/devices/$dev/net)
	ifconfig $net 10.0.2.15 netmask 255.255.255.0 up
	wait_for '[ "$(cat /sys/class/net/'$net'/carrier 2>/dev/null)" = 1 ]'
	ping -c 20 -i 0.02 -s 1400 -q 10.0.2.2 >/dev/null
}
net_work() { ping -c PINGS -i 0.01 -s 1400 -q 10.0.2.2 | grep received; }
net_end() { ifconfig $net down; }
disk_ready() { wait_for '[ -n "$(disk)" ]'; sleep 2; }
disk_work() { direct /dev/$(basename $(disk)) /data; }
disk_end() { :; }
measure() { # VARIANT DRIVER BUS KIND FUNCTION,... MODULE...
	variant=$1; driver=$2; bus=$3; kind=$4; functions=$(echo $5 | tr , ' ')
	shift 5
	for m; do insmod /drivers/$variant/$m.ko || return; done
	wait_for '[ -n "$(ls -d /sys/bus/pci/drivers/'$bus'/*:* 2>/dev/null)" ]'
	dev=$(cd /sys/bus/pci/drivers/$bus && echo *:*)
	${kind}_ready
	echo 0 >$T/tracing_on; echo 8192 >$T/buffer_size_kb; echo x86-tsc >$T/trace_clock
	# Only these functions call the tracer, so that the tracer's own instructions hardly count.
	echo 1 >$T/max_graph_depth; : >$T/set_ftrace_filter
	for f in $functions; do echo $f >>$T/set_ftrace_filter; done
	echo function_graph >$T/current_tracer; : >$T/trace; echo 1 >$T/tracing_on
	echo "begin $variant $driver"
	${kind}_work
	echo 0 >$T/tracing_on
	grep -v '^#' $T/trace | grep ' us ' | sed 's/^[^|]*) *//'
	echo "end"
	echo nop >$T/current_tracer; : >$T/set_ftrace_filter
	${kind}_end
	all=; for m; do all="$m $all"; done
	rmmod $all
}
"""


def table(rows):
    """The rows of docs/converting.md."""
    out = ["| driver | variant | instructions for each packet or request | of these: function, calls, instructions each | commit |",
           "|---|---|---|---|---|"]
    base = {(r["driver"], r["kernel"]): r["each"] for r in rows if r["variant"] == "original"}
    for r in rows:
        before = base.get((r["driver"], r["kernel"]))
        share = " (%d %%)" % round(100 * r["each"] / before) if before and r["variant"] != "original" else ""
        out.append("| %s (%s) | %s | %s%s | %s | %s |" % (
            r["driver"], r["kernel"], r["variant"], format(r["each"], ","), share,
            ", ".join("%s %d %s" % (f, c, format(n, ",")) for f, c, n in r["functions"]), r.get("commit", "")))
    return out


def main():
    """Run. Return: the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    parser.add_argument("dmah", help="the command")
    parser.add_argument("kernel", choices=["6.12", "7.3"])
    parser.add_argument("driver", nargs="*", help="default: e1000e")
    args = parser.parse_args()
    names = args.driver or ["e1000e"]
    kernel = kernels.Kernel(args.kernel, whole=any(DRIVERS[n].needs for n in names))
    series = source.Source(args.kernel)
    ko = dmah.Dmah(kernel)
    passes = any(DRIVERS[n].iommu != "strict" for n in names)
    variants = ["original", "plain"] + ["pool"] * (args.kernel == "7.3" and not passes)
    with tempfile.TemporaryDirectory(prefix="dmah-instructions-") as work:
        files, needs, qemu, programs = {"modules/dmah.ko": "@" + ko.ko}, set(), [], []
        disks = Disk(work)
        script = SCRIPT.replace("PINGS", str(PINGS)) + "insmod /modules/dmah.ko\n"
        for n, name in enumerate(names):
            driver = DRIVERS[name]
            for variant in variants:
                if variant == "original":
                    folder = driver.copy(series, os.path.join(work, variant, name))
                else:
                    folder, _ = driver.convert(os.path.abspath(args.dmah), series, variant, work)
                built = "plain" if variant == "pool" else variant
                made, wanted, _ = driver.build(kernel, folder, os.path.join(work, "build", built, name),
                                               None if variant == "original" else ko)
                script += driver.before + "\n" if driver.kind == DISK else ""
                files.update({"drivers/%s/%s.ko" % (variant, m): data for m, data in made.items()})
                needs |= wanted
                script += "measure %s\n" % " ".join((variant, name, driver.bus, driver.kind, ",".join(driver.functions)) + tuple(made))
            if driver.kind == NET:
                qemu += ["-netdev", "user,restrict=on,id=n%d" % n] + driver.qemu(n, "netdev=n%d" % n)
            else:
                disks.add(driver, n)
        if any(DRIVERS[n].kind == DISK for n in names):
            qemu += disks.args
            files.update(disks.files)
            programs = disks.programs(HERE)
        machine = vm.Machine(kernel, iommu="passthrough" if passes else "lazy", devices=[], modules=sorted(needs), files=files, qemu=qemu,
                             programs=programs, icount="shift=0", append="no_timer_check",
                             emulated_by=vm.Newer() if any(DRIVERS[n].newer for n in names) else vm.System())
        result = machine.boot(script + "true\n", "instructions-%s" % args.kernel)
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
    rows = []
    for key, functions in sums.items():
        variant, name = key.split()
        calls = functions.get(DRIVERS[name].functions[0], [0])[0]
        if calls:
            rows.append({"driver": name, "kernel": args.kernel, "variant": variant,
                         "each": round(sum(v for _, v in functions.values()) / calls),
                         "functions": [[f, c, round(v / c)] for f, (c, v) in sorted(functions.items())]})
    if not result.ok or len(rows) != len(variants) * len(names):
        print("instructions.py: %s" % (result.why or "%d of %d rows" % (len(rows), len(variants) * len(names))), file=sys.stderr)
        print("\n".join(result.output[-40:]), file=sys.stderr)
        return 1
    print("\n".join(table(rows)))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except vm.Error as err:
        sys.exit("instructions.py: %s" % err)
