# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Instructions per packet of e1000e: as Debian has it, and converted to handles, receiving and sending by TCP.

The driver's source comes from Debian's package. Small edits (drivers/*.edits) put the clock around its poll and its
transmit, in all variants alike.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile

from boots import HERE, ICOUNT, MODES, ROOT, Trouble, vm
from vm import driver, source

sys.path.insert(0, ROOT)

from linux.series import edit  # noqa: E402

FOLDER = "drivers/net/ethernet/intel/e1000e"
KERNEL = "7.3"
BYTES = 4 << 20
SEGMENT = 1448    # bytes of a packet of TCP; a call of transmit has up to 64 KiB
# build: (whether it is converted, edits beside the counters)
BUILDS = {
    "stock": (False, []),
    "attr": (False, ["attr"]),
    "handles": (True, []),
    "batch": (True, ["batch"]),
}
# (variant, what it is, build, parameters: dma_mode is an enum dmah_mode)
VARIANTS = [
    ("page", "e1000e as it is: by address", "stock", ""),
    ("attr", "the same, `DMA_ATTR_REQUIRE_COHERENT` given to map and unmap: nothing is looked up", "attr", ""),
    ("wrap", "converted by `dmah convert`, wrap mode, `check=0`", "handles", "dma_mode=0"),
    ("pool", "the same, pool mode", "handles", "dma_mode=4"),
    ("pool-batch", "the same, and receive buffers that are done are unmapped up to 16 at a time (20 lines by hand)",
     "batch", "dma_mode=4"),
]
# Modes of boots.MODES that are measured.
MACHINES = ["lazy", "strict"]

SCRIPT = """
set -e
wait_for() { i=0; while ! eval "$1"; do i=$((i + 1)); [ $i -lt 300 ] || return 1; sleep 0.1; done; }
insmod /modules/dmah.ko check=0
sleep 5
show() {
	echo -n "packets $1"
	for p in clock_poll polls received clock_send sends clock_nested; do
		echo -n " $p=$(cat /sys/module/e1000e/parameters/$p)"
	done
	echo
}
run() { # VARIANT BUILD PARAMETERS
	v=$1
	insmod /drivers/$2/e1000e.ko $3
	wait_for '[ -e /sys/class/net/eth0 ]'
	ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
	wait_for '[ "$(cat /sys/class/net/eth0/carrier 2>/dev/null)" = 1 ]'
	sleep 3
	show "$v start"
	echo "sum $v receive $(nc 10.0.2.100 80 </dev/null | sha256sum)"
	show "$v receive"
	echo "sum $v send $(nc 10.0.2.100 81 </data)"
	show "$v send"
	ifconfig eth0 down
	rmmod e1000e
}
"""
FIELDS = ("clock_poll", "polls", "received", "clock_send", "sends", "clock_nested")


def build(convert, kernel, series, ko, name, work):
    """The driver's .ko of BUILDS[name]."""
    converted, edits = BUILDS[name]
    d = driver.Driver(series, FOLDER, os.path.join(work, name))
    if converted:
        d.convert(convert)
        d.ask_for_mode()
    for what in edits + ["count"]:
        with open(os.path.join(HERE, "drivers", "e1000e.%s.edits" % what)) as f:
            rules = edit.parse(f.read(), "e1000e.%s.edits" % what)
        for path, text in edit.apply(rules, d.read).items():
            d.write(path, text)
    made, warnings = d.build(kernel, ko, os.path.join(work, "build", name))
    if warnings:
        raise Trouble("e1000e, %s: %s" % (name, warnings[0]))
    return made


def script_file(path, text):
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)


def network(work, data):
    """QEMU's arguments: a network of this process's own, where port 80 gives the data and port 81 sums what comes."""
    with open(os.path.join(work, "data"), "wb") as f:
        f.write(data)
    give, take = os.path.join(work, "give"), os.path.join(work, "take")
    script_file(give, "exec cat %s\n" % os.path.join(work, "data"))
    script_file(take, "head -c %d | sha256sum\n" % len(data))
    return ["-netdev", "user,id=n,restrict=on,guestfwd=tcp:10.0.2.100:80-cmd:%s,guestfwd=tcp:10.0.2.100:81-cmd:%s"
            % (give, take), "-device", "e1000e,netdev=n"]


def figures(name, found):
    """Rows of one variant: instructions for a packet, from the counters before and after each direction.

    poll: of poll, where packets come and acknowledgements go, for each packet received
    send: of transmit and of poll, where buffers are given back and acknowledgements come, for each SEGMENT bytes
    """
    delta = [{k: b[k] - a[k] for k in FIELDS} for a, b in zip(found, found[1:])]
    receive, send = delta
    if receive["received"] < BYTES // 1500 or not send["sends"]:
        raise Trouble("e1000e, %s: %d packets came and %d went" % (name, receive["received"], send["sends"]))
    return {
        "variant": name,
        "received": receive["received"], "polls": receive["polls"],
        "poll": round(receive["clock_poll"] / receive["received"], 1),
        "sent": send["sends"],
        "send": round((send["clock_send"] + send["clock_poll"] - send["clock_nested"]) * SEGMENT / BYTES, 1),
    }


def parse(lines, want):
    """{variant: row} from what the guest printed."""
    counters, sums = {}, {}
    for line in lines:
        m = re.match(r"packets (\S+) (\w+) (.*)", line)
        if m:
            counters.setdefault(m.group(1), []).append(
                {k: int(v) for k, v in (w.split("=") for w in m.group(3).split())})
        m = re.match(r"sum (\S+) (\w+) (\w+)", line)
        if m:
            sums[m.group(1), m.group(2)] = m.group(3)
    rows = {}
    for name, _, _, _ in VARIANTS:
        for what in ("receive", "send"):
            if sums.get((name, what)) != want:
                raise Trouble("e1000e, %s: what it was to %s is not what came" % (name, what))
        rows[name] = figures(name, counters[name])
    return rows


def command():
    """The path of `dmah`, built."""
    done = subprocess.run(["sh", os.path.join(ROOT, "scripts", "build.sh")], cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise Trouble("the command cannot be built: " + done.stderr.decode(errors="replace").strip()[-200:])
    return os.path.join(ROOT, "build", "dmah")


def measure(kernel_name=KERNEL, modes=None):
    """Boot each mode once. Return: {mode: {variant: row}}."""
    kernel = vm.Kernel(kernel_name)
    series = source.Source(kernel_name.split("-", maxsplit=1)[0])
    ko = vm.Dmah(kernel)
    convert = command()
    data = hashlib.shake_256(b"packets").digest(BYTES)
    want = hashlib.sha256(data).hexdigest()
    found = {}
    with tempfile.TemporaryDirectory(prefix="dmah-packets-") as work:
        files = {"data": data}
        needs = set()
        for name in BUILDS:
            made = build(convert, kernel, series, ko, name, work)
            files["drivers/%s/e1000e.ko" % name] = "@" + made
            needs.update(vm.kernels.module_depends(made))
        files["modules/dmah.ko"] = "@" + ko.ko
        for mode in modes or MACHINES:
            machine = vm.Machine(kernel, icount=ICOUNT, devices=[], modules=sorted(needs - {"dmah"}), files=files,
                                 qemu=network(work, data), **MODES[mode])
            runs = "".join("run %s %s %s\n" % (name, made, words) for name, _, made, words in VARIANTS)
            result = machine.boot(SCRIPT + runs, "packets-%s-%s" % (kernel_name, mode))
            if not result.ok:
                raise Trouble("packets, %s %s: %s\n%s" % (kernel_name, mode, result.why, "\n".join(result.tail(15))))
            found[mode] = parse(result.output, want)
    return found
