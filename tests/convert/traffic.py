#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Network drivers that were converted to handles, under load in a stock kernel: what a machine does to a driver.

    traffic.py DMAH KERNEL [DRIVER...]

Bytes come and go by TCP, and their sums are compared. Meanwhile rings are resized, and in the middle of a transfer the
driver is unbound, removed, and the device taken away and found again. On 7.3 handles are slots, lazy and strict. On older
kernels the device has a domain of its own, lazy and strict; its rings of descriptors are in that, too (DMAH_COHERENT).
"""

import hashlib
import os
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lab")]

import vm  # noqa: E402
from vm import driver, source  # noqa: E402

BYTES = 4 << 20
# name: (directory, its file where others share the directory, QEMU's device, whether ethtool resizes its rings)
DRIVERS = {
    "e1000e": ("drivers/net/ethernet/intel/e1000e", None, "e1000e", True),
    "8139cp": ("drivers/net/ethernet/realtek", "8139cp.c", "rtl8139", False),
}
# enum dmah_mode
MODES = {"domain": 1, "domain-strict": 2, "pool": 4, "pool-strict": 5}

SCRIPT = """
wait_for() { i=0; while ! eval "$1"; do i=$((i + 1)); [ $i -lt 600 ] || return 1; sleep 0.1; done; }
insmod /modules/dmah.ko || exit 9
run() { # DRIVER MODE NUMBER RESIZES
	echo "run $1 $2"
	where=/sys/bus/pci/drivers/$1
	load() { insmod /drivers/$1.ko dma_mode=$3 || { echo "no insmod"; return 1; }; }
	load $*
	dev=$(cd $where && echo *:*)
	net() { ls /sys/bus/pci/devices/$dev/net 2>/dev/null; }
	number() { cat /sys/class/net/$(net)/statistics/$1 2>/dev/null || echo 0; }
	up() {
		wait_for '[ -n "$(net)" ]' || return 1
		ifconfig $(net) 10.0.2.15 netmask 255.255.255.0 up || return 1
		wait_for '[ "$(cat /sys/class/net/$(net)/carrier 2>/dev/null)" = 1 ]' || return 1
		# Some seconds may pass from the carrier to the first packet.
		wait_for 'ping -c 1 -W 1 10.0.2.2 >/dev/null'
	}
	# QEMU's network refuses a connection now and then, when one before it was cut off.
	again() { n=0; until nc 10.0.2.100 $1 <$2 >/tmp/got; do n=$((n + 1)); [ $n -lt 5 -a ! -s /tmp/got ] || break; done; }
	get() { again 80 /dev/null; echo "$1 $(sha256sum </tmp/got)"; }
	put() { again 81 /data; echo "$1 $(cat /tmp/got)"; }
	stats() { sed "s/^/$1: /" /sys/kernel/debug/dmah/$dev/stats; }
	# A transfer is under way when this returns.
	begin() {
		start=$(number rx_packets)
		nc 10.0.2.100 80 </dev/null >/dev/null & load=$!
		wait_for '[ $(number rx_packets) -gt $((start + 100)) ]'
	}
	up && get received && put sent
	stats up
	if [ $4 = 1 ]; then
		nc 10.0.2.100 80 </dev/null | sha256sum >/tmp/sum & load=$!
		start=$(number rx_packets)
		wait_for '[ $(number rx_packets) -gt $((start + 100)) ]'
		ethtool -G $(net) rx 512 tx 512 && echo "resized $(ethtool -g $(net) | grep -c '512$')"
		wait $load
		echo "resizing $(cat /tmp/sum)"
		wait_for 'ping -c 1 -W 1 10.0.2.2 >/dev/null'
	fi
	n=0; while [ $n -lt 10 ]; do ifconfig $(net) down; ifconfig $(net) up || break; n=$((n + 1)); done
	echo "rounds $n"
	up && get rounds
	ifconfig $(net) down
	stats down
	up
	begin && echo $dev >$where/unbind && echo "unbound under load"
	kill $load; wait $load
	echo $dev >$where/bind
	up && get bound
	begin && rmmod $1 && echo "removed under load"
	kill $load; wait $load
	load $*
	up && get loaded
	begin && echo 1 >/sys/bus/pci/devices/$dev/remove && [ ! -e /sys/bus/pci/devices/$dev ] && echo "taken away under load"
	kill $load; wait $load
	echo 1 >/sys/bus/pci/rescan
	up && get found && put again
	stats end
	ifconfig $(net) down
	rmmod $1 && echo "removed"
}
"""


def convert(command, series, name, work):
    """A driver, converted by the command, that attaches in the mode of its parameter dma_mode."""
    folder, single, _, _ = DRIVERS[name]
    d = driver.Driver(series, folder, os.path.join(work, name), {name: single} if single else None)
    report = d.convert(command)
    if report["converted"] != report["total"]:
        raise vm.Error("%s: only %d of %d sites are converted" % (name, report["converted"], report["total"]))
    d.ask_for_mode()
    return d


def script_file(path, text):
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def network(work, names, data):
    """QEMU's arguments: each card has a network of its own, where port 80 gives the data and port 81 sums what comes."""
    with open(os.path.join(work, "data"), "wb") as f:
        f.write(data)
    give = script_file(os.path.join(work, "give"), "exec cat %s\n" % os.path.join(work, "data"))
    take = script_file(os.path.join(work, "take"), "head -c %d | sha256sum\n" % len(data))
    argv = []
    for n, name in enumerate(names):
        argv += ["-netdev", "user,id=n%d,restrict=on,guestfwd=tcp:10.0.2.100:80-cmd:%s,guestfwd=tcp:10.0.2.100:81-cmd:%s"
                 % (n, give, take), "-device", "%s,netdev=n%d" % (DRIVERS[name][2], n)]
    return argv


def numbers(lines, mark):
    return {m.group(1): m.group(2) for m in (re.match(r"%s: (\w+) (\S+)" % mark, l) for l in lines) if m}


def judge(tap, name, resizes, mode, lines, want):
    """The cases of one driver in one mode."""
    last = lines[-30:]
    sums = ["received", "sent", "rounds", "bound", "loaded", "found", "again"] + (["resizing"] if resizes else [])
    bad = [s for s in sums if "%s %s  -" % (s, want) not in lines]
    tap.case(not bad, "%s: %d transfers of %d bytes arrive whole" % (name, len(sums), BYTES), notes=bad + last)
    if resizes:
        tap.case("resized 2" in lines, "%s: ethtool -G while packets come" % name, notes=last)
    tap.case("rounds 10" in lines, "%s: up and down 10 times" % name, notes=last)
    for what in ("unbound", "removed", "taken away"):
        tap.case(what + " under load" in lines, "%s: %s while packets come" % (name, what), notes=last)
    up, down, end = (numbers(lines, m) for m in ("up", "down", "end"))
    tap.case(up.get("mode") == mode and int(up.get("maps", 0)) > 2000, "%s: its mappings are of mode %s" % (name, mode),
             notes=[str(up)])
    tap.case(down.get("live") == "0" and down.get("maps") == down.get("unmaps"),
             "%s: nothing is live when the interface is down" % name, notes=[str(down)])
    tap.case(all(n.get("misuse") == "0" for n in (up, down, end)), "%s: no misuse" % name, notes=[str(up), str(end)])
    tap.case("removed" in lines, "%s: goes" % name, notes=last)


def main():
    command, kernel_name = sys.argv[1:3]
    pool = kernel_name.startswith("7.")
    names = sys.argv[3:] or list(DRIVERS)
    tap = vm.Tap()
    try:
        ethtool = shutil.which("ethtool") or shutil.which("ethtool", path="/usr/sbin:/sbin")
        if not ethtool:
            raise vm.Error("ethtool is not installed (scripts/deps.sh test installs it)")
        kernel = vm.Kernel(kernel_name)
        series = source.Source(kernel_name)
        ko = vm.Dmah(kernel)
        asked = ["pool", "pool-strict"] if pool else ["domain", "domain-strict"]
        wanted = {m: m if m.endswith("strict") else m + "-lazy" for m in asked}
        with tempfile.TemporaryDirectory(prefix="dmah-traffic-") as work:
            files, needs, script = {"modules/dmah.ko": "@" + ko.ko}, set(), SCRIPT
            for name in names:
                d = convert(os.path.abspath(command), series, name, work)
                made, warnings = d.build(kernel, ko, os.path.join(work, "build", name), flags=["-DDMAH_COHERENT"])
                tap.case(not warnings, "%s compiles without a warning" % name, notes=warnings)
                files["drivers/%s.ko" % name] = "@" + made
                needs.update(vm.kernels.module_depends(made))
                for mode in asked:
                    script += "run %s %s %d %d\n" % (name, mode, MODES[mode], DRIVERS[name][3])
            data = hashlib.shake_256(b"traffic").digest(BYTES)
            files["data"] = data
            machine = vm.Machine(kernel, iommu="lazy", devices=[], modules=sorted(needs - {"dmah"}), files=files,
                                 programs=[ethtool], qemu=network(work, names, data))
            result = machine.boot(script + "true\n", "traffic-%s" % kernel_name)
        tap.case(result.ok, "boots, runs, powers off" if result.ok else result.why, notes=result.tail())
        text, found = {}, None
        for line in result.output:
            if line.startswith("run "):
                found = line[4:]
            elif found:
                text.setdefault(found, []).append(line.strip())
        want = hashlib.sha256(data).hexdigest()
        for name in names:
            for mode in asked:
                judge(tap, "%s, %s" % (name, mode), DRIVERS[name][3], wanted[mode], text.get("%s %s" % (name, mode), []), want)
        messages = [vm.stamped(l) for l in result.messages]
        said = [l for l in messages if "dmah" in l and re.search(r"misuse|leak|mapped twice|copy|not live", l)]
        tap.case(not said, "the module reports nothing", notes=said[:40])
        bad = [l for l in messages if re.search(r"BUG:|WARNING:|Oops|Call Trace:|DMAR: \[|general protection|unsafe", l)]
        tap.case(not bad, "neither the kernel nor the IOMMU complained of anything", notes=bad[:20])
    except vm.Error as err:
        print("Bail out! %s" % str(err).replace("\n", "\n# "))
        return 1
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
