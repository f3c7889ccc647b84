#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Drivers of Linux that the command alone converted, built against dmah.ko and run in a stock kernel.

    guest.py DMAH KERNEL [DRIVER...]

The source comes from Debian's package at test time. Each driver is converted twice, with --checked and
without, built without a new warning, and loaded: a file comes by TFTP and its sum is compared, packets
go out and come back, the interface goes up and down, the driver unbinds and binds again. Then no call
may have been reported as misuse, and nothing may be live.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

import vm  # noqa: E402
from vm import cache, dmah, kernels, module, source  # noqa: E402

FILE = 300 * 1428 + 77      # bytes that come by TFTP
ROUNDS = 20                 # up and down

# name: (directory, QEMU's device, module)
DRIVERS = {
    "e1000e": ("drivers/net/ethernet/intel/e1000e", "e1000e", "e1000e"),
    "e1000": ("drivers/net/ethernet/intel/e1000", "e1000", "e1000"),
    "e100": ("drivers/net/ethernet/intel", "i82559er", "e100"),
}

SCRIPT = """
wait_for() { i=0; while ! eval "$1"; do i=$((i + 1)); [ $i -lt 300 ] || return 1; sleep 0.1; done; }
insmod /modules/dmah.ko || exit 9
run() { # VARIANT DRIVER
	echo "variant $1 $2"
	insmod /drivers/$1/$2.ko || { echo "no insmod"; return; }
	dev=$(cd /sys/bus/pci/drivers/$2 && echo *:*)
	net() { ls /sys/bus/pci/devices/$dev/net 2>/dev/null; }
	up() {
		wait_for '[ -n "$(net)" ]' || return 1
		ifconfig $(net) 10.0.2.15 netmask 255.255.255.0 up || return 1
		wait_for '[ "$(cat /sys/class/net/$(net)/carrier 2>/dev/null)" = 1 ]'
	}
	get() { rm -f /tmp/file; tftp -g -b 1428 -r file -l /tmp/file 10.0.2.2; echo "$1 $(sha256sum </tmp/file)"; }
	up && get first
	ping -c 3 -s 3000 10.0.2.2 >/tmp/ping; echo "ping $(grep -c 'bytes from' /tmp/ping)"
	n=0; while [ $n -lt ROUNDS ]; do ifconfig $(net) down; ifconfig $(net) up || break; n=$((n + 1)); done
	echo "rounds $n"
	wait_for '[ "$(cat /sys/class/net/$(net)/carrier 2>/dev/null)" = 1 ]' && get again
	sed 's/^/up: /' /sys/kernel/debug/dmah/$dev/stats
	ifconfig $(net) down
	sed 's/^/down: /' /sys/kernel/debug/dmah/$dev/stats
	echo $dev >/sys/bus/pci/drivers/$2/unbind && echo $dev >/sys/bus/pci/drivers/$2/bind && echo "bound again"
	up && get rebound
	sed 's/^/rebound: /' /sys/kernel/debug/dmah/$dev/stats
	ifconfig $(net) down
	rmmod $2 && echo "removed"
}
"""


class Driver:
    """One driver, converted into a directory of its own."""

    def __init__(self, name, series, work):
        self.name = name
        self.folder, self.device, self.module = DRIVERS[name]
        self.series = series
        self.work = work

    def convert(self, command, variant):
        """Copy the driver, convert it there. Return the report."""
        root = os.path.join(self.work, variant, self.name)
        into = os.path.join(root, self.folder)
        os.makedirs(os.path.dirname(into))
        files = self.series.path(self.folder)
        if self.name == "e100":
            os.makedirs(into)
            shutil.copy(os.path.join(files, "e100.c"), into)
            with open(os.path.join(into, "Makefile"), "w") as f:
                f.write("obj-m += e100.o\n")
        else:
            shutil.copytree(files, into)
        args = ["--checked"] if variant == "checked" else []
        done = subprocess.run([command, "convert", "--json", "--kernel", root, "--cache",
                               os.path.join(self.work, "cache")] + args + [into],
                              capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise cache.Error("dmah convert of %s: %s" % (self.name, done.stderr))
        self.dir = into
        return json.loads(done.stdout)

    def build(self, kernel, ko, variant):
        """(the .ko, lines of warnings)"""
        out = os.path.join(self.work, "build", variant, self.name)
        args = ["KBUILD_EXTRA_SYMBOLS=" + ko.symvers, "KCFLAGS=-I" + ko.include]
        made = module.build(kernel, self.dir, out, args=args)
        with open(os.path.join(out, "make.log"), errors="replace") as f:
            warnings = [l.strip() for l in f if "warning:" in l]
        return made[0], warnings


def numbers(lines, mark):
    """The counters that the guest printed behind a mark."""
    found = {}
    for line in lines:
        m = re.match(r"%s: (\w+)\W+(\d+)" % mark, line)
        if m:
            found[m.group(1)] = int(m.group(2))
    return found


def judge(tap, name, lines, want):
    """The cases of one variant of one driver."""
    for what in ("first", "again", "rebound"):
        tap.case("%s %s  -" % (what, want) in lines, "%s: the file arrives: %s" % (name, what), notes=lines[-60:])
    tap.case("ping 3" in lines, "%s: packets go out and come back" % name, notes=lines[-60:])
    tap.case("rounds %d" % ROUNDS in lines, "%s: up and down %d times" % (name, ROUNDS))
    tap.case("bound again" in lines and "removed" in lines, "%s: unbinds, binds, is removed" % name)
    up, down, rebound = (numbers(lines, m) for m in ("up", "down", "rebound"))
    tap.case(up.get("maps", 0) > 300, "%s: it maps by handle" % name, notes=[str(up)])
    tap.case(all(n.get("misuse") == 0 for n in (up, down, rebound)), "%s: no misuse" % name,
             notes=[str(up), str(rebound)])
    tap.case(down.get("maps", 0) == down.get("unmaps", -1) and down.get("live") == 0,
             "%s: nothing is live when the interface is down" % name, notes=[str(down)])


def main():
    command, kernel_name = sys.argv[1:3]
    names = sys.argv[3:] or ["e1000e", "e1000"]
    tap = vm.Tap()
    kernel = kernels.Kernel(kernel_name)
    series = source.Source(kernel_name)
    ko = dmah.Dmah(kernel)
    with tempfile.TemporaryDirectory(prefix="dmah-convert-") as work:
        files, script = {}, SCRIPT.replace("ROUNDS", str(ROUNDS))
        needs = set()
        for name in names:
            d = Driver(name, series, work)
            for variant in ("checked", "plain"):
                report = d.convert(os.path.abspath(command), variant)
                tap.case(report["converted"] > 0, "%s, %s: %d of %d sites converted" % (
                    name, variant, report["converted"], report["total"]))
                made, warnings = d.build(kernel, ko, variant)
                tap.case(not warnings, "%s, %s: compiles without a warning" % (name, variant), notes=warnings)
                with open(made, "rb") as f:
                    files["drivers/%s/%s.ko" % (variant, d.module)] = f.read()
                needs.update(kernels.module_depends(made))
                script += "run %s %s\n" % (variant, d.module)
        os.mkdir(os.path.join(work, "tftp"))
        data = os.urandom(FILE)
        with open(os.path.join(work, "tftp", "file"), "wb") as f:
            f.write(data)
        with open(ko.ko, "rb") as f:
            files["modules/dmah.ko"] = f.read()
        net = []
        for i, name in enumerate(names):
            net += ["-netdev", "user,restrict=on,id=n%d,tftp=%s" % (i, os.path.join(work, "tftp")),
                    "-device", "%s,netdev=n%d" % (DRIVERS[name][1], i)]
        machine = vm.Machine(kernel, iommu="strict", devices=[], modules=sorted(needs - {"dmah"}),
                             files=files, qemu=net)
        result = machine.boot(script + "true\n", "convert-%s" % kernel_name)
        text, found = {}, None
        for line in result.output:
            if line.startswith("variant "):
                found = line[8:]
            elif found:
                text.setdefault(found, []).append(line.strip())
        want = hashlib.sha256(data).hexdigest()
        for name in names:
            for variant in ("checked", "plain"):
                judge(tap, "%s, %s" % (name, variant), text.get("%s %s" % (variant, DRIVERS[name][2]), []), want)
        reports = [l for l in result.messages if "dmah" in l and re.search(r"misuse|leak|mapped twice|copy", l)]
        tap.case(not reports, "the module reports nothing", notes=reports[:40])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
