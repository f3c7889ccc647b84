#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Drivers of Linux that the command alone converted, built against dmah.ko and run in a stock kernel.

    guest.py DMAH RECORD KERNEL [DRIVER...]

The source comes from Debian's package at test time. Each driver is converted with --checked and without, built without a
warning that the original does not give, loaded, and used (net.py, disk.py), also while maps fail (inject/). Then no call may
have been reported as misuse, nothing may be live, and the recorded DMA events must be right by dmah check. Where the kernel has
pool mode the driver runs in that, too. With --original the driver as it is runs last, with the same failing maps: what dmah check
and the IOMMU find is said and fails no case.
"""

import argparse
import base64
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
from disk import SCRIPT as DISK_SCRIPT, Disk  # noqa: E402
from drivers import DISK, DRIVERS, NET, ORIGINAL, VARIANTS  # noqa: E402
from net import SCRIPT as NET_SCRIPT, Net  # noqa: E402
from vm import dmah, kernels, source  # noqa: E402

ROUNDS = 20                 # up and down, unbind and bind
SHORT_ROUNDS = 3
# Seconds of the guest's clock after which a driver counts as hung. The machine is ended then.
LIMIT = 900
# The same for an original that is known to hang (drivers.py: stuck).
STUCK_LIMIT = 300
USUAL = ("e1000", "e1000e", "igb", "e100", "tulip")

# The numbers of the IOMMU's and the kernel's complaints.
COUNTERS = """
faults() { dmesg -s 8388608 | grep -c 'DMAR: \\['; }
warnings() { dmesg -s 8388608 | grep -c 'WARNING:'; }
said() { echo "iommu $(($(faults) - $(cat /tmp/faulted)))"; echo "warnings $(($(warnings) - $(cat /tmp/warned)))"; }
"""

SCRIPT = COUNTERS + """
wait_for() { i=0; while ! eval "$1"; do i=$((i + 1)); [ $i -lt 300 ] || return 1; sleep 0.1; done; }
D=/sys/kernel/debug/dmah
P=/sys/module/dmah_inject/parameters
stats() { [ -e $D/$dev/stats ] && sed "s/^/$1: /" $D/$dev/stats; }
failing() { # EACH: so many maps until one fails; 0: none fails
	echo $dev >$P/device; echo $HANDLES >$P/handles
	[ $1 != 0 ] && before=$(cat $P/failed)
	echo $1 >$P/every
	[ $1 != 0 ] || echo "failed $(($(cat $P/failed) - before))"
}
rebind() { echo $dev >/sys/bus/pci/drivers/$DRIVER/unbind && echo $dev >/sys/bus/pci/drivers/$DRIVER/bind; }
""" + NET_SCRIPT + DISK_SCRIPT + """
run() { # VARIANT DRIVER BUS KIND RINGS STUCK HANDLES BEFORE MODULE...
	echo "variant $1 $2"
	DRIVER=$3; kind=$4; rings=$5; stuck=$6; HANDLES=$7; folder=/drivers/$1; before=$8
	shift 8
	[ -z "$before" ] || eval "$before"
	for m; do insmod $folder/$m.ko || { echo "no insmod"; return; }; done
	wait_for '[ -n "$(ls -d /sys/bus/pci/drivers/$DRIVER/*:* 2>/dev/null)" ]'
	dev=$(cd /sys/bus/pci/drivers/$DRIVER && echo *:*)
	echo "device $dev"
	faults >/tmp/faulted; warnings >/tmp/warned
	use_$kind $rings $stuck
	all=; for m; do all="$m $all"; done
	rmmod $all && echo "removed"
	said
}
run "$@" 2>&1
"""

BOOT = COUNTERS + """
insmod /modules/dmah.ko || exit 9
insmod /modules/dmah_inject.ko || exit 8
end() { echo; echo "begin $1 $2"; base64 /tmp/t.txt.xz; echo "end $1 $2"; }
record() { # SECONDS VARIANT DRIVER ...
	limit=$1
	shift
	rm -f /tmp/t.txt.xz /tmp/done
	# its progress would stand in the lines of the script
	{ dmah-record --output=/tmp/t.txt.xz --buffer=16M -- sh /use "$@" 2>/tmp/record.err; : >/tmp/done; } &
	n=0; while [ ! -e /tmp/done ] && [ $n -lt $limit ]; do sleep 1; n=$((n + 1)); done
	if [ ! -e /tmp/done ]; then
		# Tasks that wait for ever are listed in the kernel's log.
		echo; said
		echo "hung $1 $2"; echo w >/proc/sysrq-trigger
		exit 0
	fi
	grep -v " events$" /tmp/record.err
	end "$@"
}
"""


class Guest:
    """The drivers of one boot, in all their variants."""

    def __init__(self, args, tap, kernel, drivers, work):
        self.args = args
        self.tap = tap
        self.kernel = kernel
        self.work = work
        self.series = source.Source(args.kernel)
        self.ko = dmah.Dmah(kernel)
        self.iommu = drivers[0].iommu
        if any(d.iommu != self.iommu for d in drivers):
            raise vm.Error("these drivers need machines of their own")
        # Slots are entries of an IOMMU's tables.
        pool = args.kernel == "7.3" and self.iommu == "strict"
        self.variants = [v for v in args.variant or VARIANTS if v != "pool" or pool]
        self.rounds = SHORT_ROUNDS if args.short else ROUNDS
        if args.short:
            self.variants = ["checked"]
        self.kinds = {NET: Net(work), DISK: Disk(work)}
        self.used = []
        self.files = {}
        self.needs = set()
        self.script = BOOT
        self.last = ""
        self.newer = False
        self.names = []

    def add(self, driver):
        """Convert and build a driver."""
        usual = []
        if not self.args.short:
            original = driver.copy(self.series, os.path.join(self.work, "original", driver.name))
            made, needs, usual = driver.build(self.kernel, original, self.out("original", driver))
            if self.args.original:
                self.last += self.install(driver, ORIGINAL, made, needs)
        for variant in self.variants:
            folder, report = driver.convert(os.path.abspath(self.args.dmah), self.series, variant, self.work)
            self.tap.case(report["converted"] > 0, "%s, %s: %d of %d sites of its folder are converted" % (
                driver.name, variant, report["converted"], report["total"]))
            made, needs, warnings = driver.build(self.kernel, folder,
                                                 self.out("plain" if variant == "pool" else variant, driver), self.ko)
            new = [w for w in warnings if re.sub(r":\d+:\d+:", ":", w) not in [re.sub(r":\d+:\d+:", ":", u) for u in usual]]
            self.tap.case(not new, "%s, %s: compiles without a new warning" % (driver.name, variant), notes=new)
            self.script += self.install(driver, variant, made, needs)
        self.newer = self.newer or driver.newer
        self.names.append(driver.name)
        kind = self.kinds[driver.kind]
        kind.add(driver, len(self.names))
        if kind not in self.used:
            self.used.append(kind)

    def out(self, variant, driver):
        """The directory where a variant is built."""
        return os.path.join(self.work, "build", variant, driver.name)

    def install(self, driver, variant, made, needs):
        """Put the modules into the guest. Return: the line that runs the driver."""
        for name, data in made.items():
            self.files["drivers/%s/%s.ko" % (variant, name)] = data
        self.needs |= needs
        handles = driver.handles and variant != ORIGINAL or variant == "pool"
        rings = "rings" if driver.rings and not self.args.short else "-"
        stuck = driver.stuck and variant != ORIGINAL
        limit = min(self.args.limit, STUCK_LIMIT) if driver.stuck and variant == ORIGINAL else self.args.limit
        return "record %d %s %s %s %s %s %d %d '%s' %s\n" % (limit, variant, driver.name, driver.bus, driver.kind, rings, stuck, handles,
                                                        driver.before, " ".join(made))

    def boot(self):
        """Boot and run everything. Return: a Result."""
        inject = vm.build(self.kernel, os.path.join(HERE, "inject"),
                          os.path.join(vm.BUILD, "module", "inject", self.kernel.release))
        with open(self.ko.ko, "rb") as f:
            self.files["modules/dmah.ko"] = f.read()
        self.files["use"] = SCRIPT.replace("ROUNDS", str(self.rounds))
        qemu, programs = [], [os.path.abspath(self.args.record)]
        for kind in self.used:
            qemu += kind.args
            programs += kind.programs(HERE)
            self.files.update(kind.files)
        machine = vm.Machine(self.kernel, iommu=self.iommu, devices=[], modules=sorted(self.needs) + list(inject),
                             programs=programs, files=self.files, qemu=qemu,
                             emulated_by=vm.Newer() if self.newer else vm.System())
        return machine.boot(self.script + self.last + "true\n", "convert-%s-%s" % (self.args.kernel, "-".join(self.names)))


def numbers(lines, mark):
    """The counters that the guest printed behind a mark."""
    found = {}
    for line in lines:
        m = re.match(r"%s: (\w+) (\S+)" % mark, line)
        if m:
            found[m.group(1)] = int(m.group(2)) if m.group(2).isdigit() else m.group(2)
    return found


def number(lines, word):
    """The last number behind a word at a line's beginning, or None."""
    found = [int(m.group(1)) for m in (re.match(r"%s (\d+)$" % word, line) for line in lines) if m]
    return found[-1] if found else None


def lost_of(driver, lines):
    """The number of mappings that a driver lost itself while maps failed."""
    return numbers(lines, "failing").get("live", 0) if driver.loses else 0


def judge(guest, driver, variant, lines, case):
    """The cases of one variant of one driver. case(condition, text, more notes)"""
    guest.kinds[driver.kind].judge(case, driver, lines, guest.rounds, driver.rings and not guest.args.short)
    least = 10 if driver.kind == NET and not driver.stuck else 0
    failed = number(lines, "failed")
    case(failed is not None and failed > least, "maps failed", [str(failed)])
    case("bound again" in lines and "removed" in lines, "unbinds, binds, is removed")
    case(number(lines, "warnings") == 0, "the kernel warns of nothing")
    failing, up, down, rebound, end = (numbers(lines, m) for m in ("failing", "up", "down", "rebound", "end"))
    case(up.get("maps", 0) > (300 if driver.kind == NET else 0) and
         str(up.get("mode")).startswith("pool" if variant == "pool" else "wrap"), "it maps by handle", [str(up)])
    # In pool mode, and where maps fail at the handle, a map fails before dmah.ko counts it.
    counted = variant != "pool" and driver.kind == NET
    lost = lost_of(driver, lines)
    case((not counted or failing.get("failed_maps", 0) >= min(failed or 0, 5)) and failing.get("live", 99) <= driver.idle + lost,
         "failed maps leave nothing behind" + (" but what the driver loses" if driver.loses else ""), [str(failing)])
    # The checked form reports each unmap of a map that failed, where the driver never asks, or that the driver forgot.
    own = (failed or 0 if driver.untested else lost) if variant == "checked" else 0
    case(all(n.get("misuse", 0) <= own for n in (up, down, rebound, end)) and "misuse" in end,
         "no misuse" + (" but unmaps of maps that failed" if own else ""), [str(up), str(end)])
    case(all(n.get("maps", 0) == n.get("unmaps", -1) + n.get("live", 0) for n in (down, end)) and
         down.get("live") == driver.idle + lost and end.get("live") == driver.idle,
         "nothing is live when it is idle" if not driver.idle else "%d mapping is live while it is bound" % driver.idle,
         [str(down), str(end)])


def check(args, work, name, data, device):
    """Check a recorded trace. Return: its events, the errors of the device, standard error of the command."""
    path = os.path.join(work, name.replace(" ", "-") + ".txt.xz")
    with open(path, "wb") as f:
        f.write(base64.b64decode("".join(data)))
    command = os.path.abspath(args.dmah)
    done = subprocess.run([command, "check", "--final", "--json", path], capture_output=True, text=True, check=False)
    try:
        found = [f for f in json.loads(done.stdout or "[]") if f["severity"] == "error" and f["device"] in (device, None)]
    except ValueError:
        found = [{"kind": "unreadable", "text": done.stdout[:200]}]
    head = subprocess.run([command, "check", path], capture_output=True, text=True, check=False).stdout
    return int((re.search(r"(\d+) DMA events", head) or [0, 0])[1]), found, done.stderr


def sections(output):
    """Split the output. Return: the lines of each variant of each driver, their recorded traces, the set of those that hung."""
    text, data, hung, found, inside = {}, {}, set(), None, None
    for line in output:
        if line.startswith("variant "):
            found, inside = line[8:], None
        elif line.startswith("begin "):
            inside, found = line[6:], None
        elif line.startswith("end "):
            inside = None
        elif line.startswith("hung "):
            hung.add(line[5:])
        elif inside:
            data.setdefault(inside, []).append(line)
        elif found:
            text.setdefault(found, []).append(line.strip())
    return text, data, hung


def results(guest, drivers, result, tap):
    """Judge all variants. Return: for each, what docs/converting.md says about it."""
    text, data, hung = sections(result.output)
    rows = []
    for driver in drivers:
        for variant in guest.variants + [ORIGINAL] * guest.args.original:
            name = "%s %s" % (variant, driver.name)
            lines, good = text.get(name, []), []

            def case(right, what, notes=(), lines=lines, good=good, variant=variant, driver=driver):
                good.append(bool(right))
                if variant != ORIGINAL:
                    tap.case(right, "%s, %s: %s" % (driver.name, variant, what), notes=list(notes) + lines[-60:])

            events, errors = None, []
            if variant != ORIGINAL:
                judge(guest, driver, variant, lines, case)
            else:
                guest.kinds[driver.kind].judge(case, driver, lines, guest.rounds, driver.rings and not guest.args.short)
            if name in data:
                events, errors, said = check(guest.args, guest.work, name, data[name],
                                             next((line[7:] for line in lines if line.startswith("device ")), None))
                lost = lost_of(driver, lines) if variant != ORIGINAL else 0
                errors = [e for e in errors if not (lost and e["kind"] == "live-at-end")]
                # In pool mode only coherent memory is the kernel's.
                case(not errors and events > (1 if variant == "pool" else 10), "its %d DMA events are right by dmah check --final" % events,
                     [said] + [str(f) for f in errors[:20]])
            else:
                case(False, "its DMA events were recorded")
            rows.append({"kernel": guest.args.kernel, "driver": driver.name, "variant": variant, "right": all(good) and bool(good),
                         "hung": name in hung, "reached": name in text, "events": events, "errors": len(errors),
                         "kinds": sorted({f["kind"] for f in errors}),
                         "iommu": number(lines, "iommu"), "warnings": number(lines, "warnings"),
                         "failed": number(lines, "failed"), "lost": lost_of(driver, lines), "misuse": numbers(lines, "up").get("misuse"),
                         "maps": numbers(lines, "up").get("maps"), "syncs": numbers(lines, "up").get("syncs")})
    return rows


def main():
    """Run. Return: the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="only the checked form, up and down %d times, no other ring sizes"
                        % SHORT_ROUNDS)
    parser.add_argument("--variant", action="append", choices=list(VARIANTS), help="default: all")
    parser.add_argument("--original", action="store_true", help="run the driver as it is, too")
    parser.add_argument("--limit", type=int, default=LIMIT, metavar="S", help="seconds until a driver counts as hung (%d)" % LIMIT)
    parser.add_argument("--json", metavar="FILE", help="write what was found of each variant there")
    parser.add_argument("dmah", help="the command")
    parser.add_argument("record", help="the static dmah-record")
    parser.add_argument("kernel", choices=["6.12", "7.3"])
    parser.add_argument("driver", nargs="*", choices=list(DRIVERS) + [[]], help="default: " + ", ".join(USUAL))
    args = parser.parse_args()
    tap = vm.Tap()
    drivers = [DRIVERS[name] for name in args.driver or USUAL]
    # The usual tree of a kernel lacks the modules of disks, and most others.
    kernel = kernels.Kernel(args.kernel, whole=any(d.needs for d in drivers))
    with tempfile.TemporaryDirectory(prefix="dmah-convert-") as work:
        guest = Guest(args, tap, kernel, drivers, work)
        for driver in drivers:
            guest.add(driver)
        result = guest.boot()
        tap.case(result.ok, "the machine runs to its end", notes=[result.why] + result.tail())
        rows = results(guest, drivers, result, tap)
        loses = any(d.loses for d in drivers)
        reports = [line for line in result.messages if re.search(r"dmah.*(misuse|leak|mapped twice|copy)|DMA-API", line)
                   and not (loses and re.search(r"dmah: .*leaked", line))]
        tap.case(not reports, "neither the module nor the kernel reports anything", notes=reports[:40])
        if args.json:
            with open(args.json, "w") as f:
                json.dump({"rows": rows, "reports": reports[:40], "seconds": round(result.seconds)}, f, indent=1)
    return tap.done()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except vm.Error as err:
        print("Bail out! %s" % err)
        sys.exit(1)
