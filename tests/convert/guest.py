#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Drivers of Linux that the command alone converted, built against dmah.ko and run in a stock kernel.

    guest.py DMAH RECORD KERNEL [DRIVER...]

The source comes from Debian's package at test time. Each driver is converted with --checked and without, built without a
warning that the original does not give, and loaded: a file comes by TFTP and by TCP and another goes out by TCP, each with its sum
compared; packets of 3,000 bytes go out and come back; the interface goes up and down; its rings change their sizes; each
fifth map fails for a while (inject/); the driver unbinds and binds again. Then no call may have been reported as misuse, nothing
may be live, and the recorded DMA events must be right by dmah check. Where the kernel has pool mode the driver runs in that, too.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "lab")]

import vm  # noqa: E402
from drivers import DRIVERS, VARIANTS  # noqa: E402
from vm import dmah, kernels, source  # noqa: E402

FILE = 100 * 1428 + 77      # bytes that come by TFTP
STREAM = 400000             # bytes that go each way by TCP
ROUNDS = 20                 # up and down
SHORT_ROUNDS = 3

SCRIPT = """
wait_for() { i=0; while ! eval "$1"; do i=$((i + 1)); [ $i -lt 300 ] || return 1; sleep 0.1; done; }
D=/sys/kernel/debug/dmah
P=/sys/module/dmah_inject/parameters
net() { ls /sys/bus/pci/devices/$dev/net 2>/dev/null; }
carrier() { wait_for '[ "$(cat /sys/class/net/$(net)/carrier 2>/dev/null)" = 1 ]'; }
up() {
	wait_for '[ -n "$(net)" ]' || return 1
	ifconfig $(net) 10.0.2.15 netmask 255.255.255.0 up || return 1
	carrier
}
sum() { sha256sum | cut -d' ' -f1; }
get() { rm -f /tmp/file; tftp -g -b 1428 -r file -l /tmp/file 10.0.2.2; echo "$1 $(sum </tmp/file)"; }
stats() { [ -e $D/$dev/stats ] && sed "s/^/$1: /" $D/$dev/stats; }
use() {
	up && get first
	echo "in $(nc 10.0.2.100 1 </dev/null | sum)"
	echo "out $(nc 10.0.2.101 1 </stream)"
	ping -c 3 -s 3000 10.0.2.2 >/tmp/ping; echo "ping $(grep -c 'bytes from' /tmp/ping)"
	n=0; while [ $n -lt ROUNDS ]; do ifconfig $(net) down; ifconfig $(net) up || break; n=$((n + 1)); done
	echo "rounds $n"
	if [ "$1" = rings ]; then
		for size in 96 256 80 128; do carrier; ring $(net) $size $size && get ring; done
	fi
	carrier; echo $dev >$P/device; echo $HANDLES >$P/handles; echo 5 >$P/every
	ping -c 30 -i 0.05 -s 3000 10.0.2.2 >/tmp/ping
	ifconfig $(net) down; ifconfig $(net) up
	ping -c 10 -i 0.05 10.0.2.2 >/tmp/ping
	echo 0 >$P/every; echo "failed $(cat $P/failed)"
	ifconfig $(net) down; stats failing; ifconfig $(net) up
	carrier && get again
	stats up
	ifconfig $(net) down
	stats down
	echo $dev >/sys/bus/pci/drivers/$DRIVER/unbind && echo $dev >/sys/bus/pci/drivers/$DRIVER/bind && echo "bound again"
	up && get rebound
	stats rebound
	ifconfig $(net) down
	stats end
	rmmod $DRIVER && echo "removed"
}
run() { # VARIANT DRIVER RINGS
	echo "variant $1 $2"
	DRIVER=$2
	HANDLES=0; [ $1 = pool ] && HANDLES=1
	insmod /drivers/$1/$2.ko || { echo "no insmod"; return; }
	wait_for '[ -n "$(ls -d /sys/bus/pci/drivers/$DRIVER/*:* 2>/dev/null)" ]'
	dev=$(cd /sys/bus/pci/drivers/$2 && echo *:*)
	use $3
}
run "$@" 2>&1
"""

BOOT = """
insmod /modules/dmah.ko || exit 9
insmod /modules/dmah_inject.ko || exit 8
record() { # VARIANT DRIVER RINGS
	# its progress would stand in the lines of the script
	dmah-record --output=/tmp/t.txt.xz --buffer=16M -- sh /use "$@" 2>/tmp/record.err
	grep -v " events$" /tmp/record.err
	echo; echo "begin $1 $2"; base64 /tmp/t.txt.xz; echo "end $1 $2"
}
"""


class Guest:
    """The drivers of one boot, in all their variants."""

    def __init__(self, args, tap, kernel, work):
        self.args = args
        self.tap = tap
        self.kernel = kernel
        self.work = work
        self.series = source.Source(args.kernel)
        self.ko = dmah.Dmah(kernel)
        self.variants = [v for v in args.variant or VARIANTS if v != "pool" or args.kernel == "7.3"]
        self.rounds = SHORT_ROUNDS if args.short else ROUNDS
        if args.short:
            self.variants = ["checked"]
        self.files = {}
        self.needs = set()
        self.script = BOOT
        self.network = []
        self.newer = False
        self.names = []

    def add(self, driver):
        """Convert and build a driver."""
        usual = []
        if not self.args.short:
            original = driver.copy(self.series, os.path.join(self.work, "original", driver.name))
            _, usual = driver.build(self.kernel, original, os.path.join(self.work, "build", "original", driver.name))
        for variant in self.variants:
            folder, report = driver.convert(os.path.abspath(self.args.dmah), self.series, variant, self.work)
            self.tap.case(report["converted"] > 0, "%s, %s: %d of %d sites of its folder are converted" % (
                driver.name, variant, report["converted"], report["total"]))
            made, warnings = driver.build(self.kernel, folder, os.path.join(self.work, "build", variant, driver.name),
                                          self.ko)
            new = [w for w in warnings if re.sub(r":\d+:\d+:", ":", w) not in [re.sub(r":\d+:\d+:", ":", u) for u in usual]]
            self.tap.case(not new, "%s, %s: compiles without a new warning" % (driver.name, variant), notes=new)
            with open(made, "rb") as f:
                self.files["drivers/%s/%s.ko" % (variant, driver.name)] = f.read()
            self.needs.update(kernels.module_depends(made))
            self.script += "record %s %s %s\n" % (variant, driver.name,
                                                   "rings" if driver.rings and not self.args.short else "")
        self.newer = self.newer or driver.newer
        self.names.append(driver.name)
        n = len(self.network)
        fwd = "guestfwd=tcp:10.0.2.100:1-cmd:cat %s/stream,guestfwd=tcp:10.0.2.101:1-cmd:sh %s/sum" % (self.work, self.work)
        self.network += ["-netdev", "user,restrict=on,id=n%d,tftp=%s/tftp,%s" % (n, self.work, fwd),
                         "-device", "%s,netdev=n%d,romfile=" % (driver.device, n)]

    def boot(self):
        """Boot and run everything. Return: a Result, and the sums of the file and the stream."""
        os.mkdir(os.path.join(self.work, "tftp"))
        data, stream = os.urandom(FILE), os.urandom(STREAM)
        for name, content in (("tftp/file", data), ("stream", stream),
                              ("sum", b"head -c %d | sha256sum | cut -d' ' -f1\n" % STREAM)):
            with open(os.path.join(self.work, name), "wb") as f:
                f.write(content)
        ring = os.path.join(self.work, "ring")
        subprocess.run(["gcc", "-O2", "-static", "-o", ring, os.path.join(HERE, "ring.c")], check=True)
        inject = vm.build(self.kernel, os.path.join(HERE, "inject"),
                          os.path.join(vm.BUILD, "module", "inject", self.kernel.release))
        with open(self.ko.ko, "rb") as f:
            self.files["modules/dmah.ko"] = f.read()
        self.files.update({"use": SCRIPT.replace("ROUNDS", str(self.rounds)), "stream": "@" + os.path.join(self.work, "stream")})
        machine = vm.Machine(self.kernel, iommu="strict", devices=[], modules=sorted(self.needs - {"dmah"}) + list(inject),
                             programs=[os.path.abspath(self.args.record), ring], files=self.files, qemu=self.network,
                             emulated_by=vm.Newer() if self.newer else vm.System())
        result = machine.boot(self.script + "true\n", "convert-%s-%s" % (self.args.kernel, "-".join(self.names)))
        return result, hashlib.sha256(data).hexdigest(), hashlib.sha256(stream).hexdigest()


def numbers(lines, mark):
    """The counters that the guest printed behind a mark."""
    found = {}
    for line in lines:
        m = re.match(r"%s: (\w+) (\S+)" % mark, line)
        if m:
            found[m.group(1)] = int(m.group(2)) if m.group(2).isdigit() else m.group(2)
    return found


def judge(tap, guest, driver, variant, lines, sums):
    """The cases of one variant of one driver."""
    name = "%s, %s" % (driver.name, variant)
    file, stream = sums
    for what in ("first", "again", "rebound"):
        tap.case("%s %s" % (what, file) in lines, "%s: a file arrives by TFTP: %s" % (name, what), notes=lines[-60:])
    tap.case("in " + stream in lines and "out " + stream in lines, "%s: streams arrive in both directions" % name, notes=lines[-60:])
    tap.case("ping 3" in lines, "%s: packets of 3,000 bytes go out and come back" % name, notes=lines[-60:])
    tap.case("rounds %d" % guest.rounds in lines, "%s: up and down %d times" % (name, guest.rounds))
    if driver.rings and not guest.args.short:
        tap.case(lines.count("ring " + file) == 4, "%s: four ring sizes" % name, notes=lines[-60:])
    failed = [int(line.split()[1]) for line in lines if line.startswith("failed ")]
    tap.case(bool(failed) and failed[0] > 10, "%s: maps failed" % name, notes=[str(failed)])
    tap.case("bound again" in lines and "removed" in lines, "%s: unbinds, binds, is removed" % name)
    failing, up, down, rebound, end = (numbers(lines, m) for m in ("failing", "up", "down", "rebound", "end"))
    tap.case(up.get("maps", 0) > 300 and str(up.get("mode")).startswith("pool" if variant == "pool" else "wrap"),
             "%s: it maps by handle" % name, notes=[str(up)])
    # In pool mode a map fails before dmah.ko counts it.
    tap.case((variant == "pool" or failing.get("failed_maps", 0) > 5) and failing.get("live") == 0,
             "%s: failed maps leave nothing behind" % name, notes=[str(failing)])
    tap.case(all(n.get("misuse") == 0 for n in (up, down, rebound, end)), "%s: no misuse" % name, notes=[str(up), str(end)])
    tap.case(all(n.get("maps", 0) == n.get("unmaps", -1) and n.get("live") == 0 for n in (down, end)),
             "%s: nothing is live when the interface is down" % name, notes=[str(down), str(end)])


def traces(tap, args, output, work):
    """The recorded events of each variant are right by dmah check."""
    name, data = None, []
    for line in output:
        if line.startswith("begin "):
            name, data = line[6:], []
        elif name and line == "end " + name:
            path = os.path.join(work, name.replace(" ", "-") + ".txt.xz")
            with open(path, "wb") as f:
                f.write(base64.b64decode("".join(data)))
            done = subprocess.run([os.path.abspath(args.dmah), "check", "--final", "--json", path], capture_output=True, text=True,
                                  check=False)
            found = [f for f in json.loads(done.stdout or "[]") if f["severity"] == "error"]
            head = subprocess.run([os.path.abspath(args.dmah), "check", path], capture_output=True, text=True, check=False).stdout
            events = int((re.search(r"(\d+) DMA events", head) or [0, 0])[1])
            tap.case(done.returncode == 0 and not found and events > 10,
                     "%s: its %d DMA events are right by dmah check --final" % (name, events),
                     notes=[done.stderr] + [str(f) for f in found[:20]])
            name = None
        elif name:
            data.append(line)


def main():
    """Run. Return: the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="only the checked form, up and down %d times, no other ring sizes"
                        % SHORT_ROUNDS)
    parser.add_argument("--variant", action="append", choices=list(VARIANTS), help="default: all")
    parser.add_argument("dmah", help="the command")
    parser.add_argument("record", help="the static dmah-record")
    parser.add_argument("kernel", choices=["6.12", "7.3"])
    parser.add_argument("driver", nargs="*", help="default: " + ", ".join(DRIVERS))
    args = parser.parse_args()
    tap = vm.Tap()
    kernel = kernels.Kernel(args.kernel)
    with tempfile.TemporaryDirectory(prefix="dmah-convert-") as work:
        guest = Guest(args, tap, kernel, work)
        wanted = [DRIVERS[name] for name in args.driver or DRIVERS]
        for driver in wanted:
            guest.add(driver)
        result, *sums = guest.boot()
        tap.case(result.ok, "the machine runs to its end", notes=[result.why] + result.tail())
        text, found = {}, None
        for line in result.output:
            if line.startswith("variant "):
                found = line[8:]
            elif line.startswith("begin "):
                found = None
            elif found:
                text.setdefault(found, []).append(line.strip())
        for driver in wanted:
            for variant in guest.variants:
                judge(tap, guest, driver, variant, text.get("%s %s" % (variant, driver.name), []), sums)
        traces(tap, args, result.output, work)
        reports = [line for line in result.messages if re.search(r"dmah.*(misuse|leak|mapped twice|copy)|DMA-API", line)]
        tap.case(not reports, "neither the module nor the kernel reports anything", notes=reports[:40])
    return tap.done()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except vm.Error as err:
        print("Bail out! %s" % err)
        sys.exit(1)
