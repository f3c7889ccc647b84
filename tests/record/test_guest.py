#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""dmah record inside a stock kernel: NVMe and network traffic, recorded there, checked and replayed here.

    test_guest.py RECORD DMAH KERNEL IOMMU

RECORD is the static dmah-record, DMAH the command. Two or three recorders run at once, one inside
the other, so that one workload is recorded as text and as trace.dat, and on 6.12 from probes and
from the kernel's own events: all must tell the same.
"""

import base64
import binascii
import hashlib
import json
import lzma
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

import vm  # noqa: E402

FILE = 200 * 1428 + 100     # bytes that come by TFTP, in packets of 1,428

# Recorded: the drivers' whole life, from bind to unbind.
WORK = """
set -e
echo "$NVME" >/sys/bus/pci/drivers/nvme/bind
echo "$NIC" >/sys/bus/pci/drivers/e1000e/bind
i=0; while [ ! -b /dev/nvme0n1 ] || [ ! -e /sys/class/net/eth0 ]; do
	i=$((i + 1)); [ $i -lt 200 ]; sleep 0.1
done
dd if=/dev/zero of=/dev/nvme0n1 bs=128k count=20 oflag=direct 2>/dev/null
dd if=/dev/nvme0n1 of=/dev/null bs=4k count=100 iflag=direct 2>/dev/null
dd if=/dev/nvme0n1 of=/dev/null bs=512 count=50 iflag=direct 2>/dev/null
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
i=0; while [ "$(cat /sys/class/net/eth0/carrier 2>/dev/null)" != 1 ]; do
	i=$((i + 1)); [ $i -lt 200 ]; sleep 0.1
done
tftp -g -b 1428 -r file -l /tmp/file 10.0.2.2
ifconfig eth0 down
echo "$NIC" >/sys/bus/pci/drivers/e1000e/unbind
echo "$NVME" >/sys/bus/pci/drivers/nvme/unbind
sha256sum </tmp/file >/tmp/sum
"""

BEGIN = """
NVME=$(cd /sys/bus/pci/drivers/nvme && echo *:*)
NIC=$(cd /sys/bus/pci/drivers/e1000e && echo *:*)
export NVME NIC
echo "$NIC" >/sys/bus/pci/drivers/e1000e/unbind
echo "$NVME" >/sys/bus/pci/drivers/nvme/unbind
echo "devices $NVME $NIC"
T=/sys/kernel/tracing
left() {
	echo "left $1 $(ls $T/instances | wc -l) $(grep -c . $T/kprobe_events)"
}
give() {
	for f; do
		echo "begin $f $(sha256sum <"/tmp/$f")"
		base64 "/tmp/$f"
		echo "end $f"
	done
}
"""

# Signals and SIGKILL, buffers that are too small, and no tracefs at all
ENDS = """
dmah-record --source=kprobes --output=/tmp/x.txt 2>/tmp/x.err &
p=$!
i=0; while ! grep -q 1 $T/instances/dmah-$p/tracing_on 2>/dev/null; do
	i=$((i + 1)); [ $i -lt 200 ] || break; sleep 0.1
done
left during
kill -TERM $p; wait $p; echo "term $?"
left term
dmah-record --source=kprobes --output=/tmp/x.txt 2>/tmp/x.err &
p=$!
i=0; while ! grep -q 1 $T/instances/dmah-$p/tracing_on 2>/dev/null; do
	i=$((i + 1)); [ $i -lt 200 ] || break; sleep 0.1
done
kill -KILL $p; wait $p
i=0; while grep -q . $T/kprobe_events || [ -n "$(ls $T/instances)" ]; do
	i=$((i + 1)); [ $i -lt 200 ] || break; sleep 0.1
done
left kill
dmah-record --json --source=kprobes --buffer=8 --output=/tmp/small.txt.xz -- sh /work 2>/tmp/small.err
echo "small $?"
grep -q -e --buffer /tmp/small.err && echo "small warned"
left small
give small.txt.xz
umount $T; umount /sys/kernel/debug/tracing 2>/dev/null; umount /sys/kernel/debug
dmah-record --list
echo "unmounted $?"
"""


class Guest:
    """One boot and what came out of it."""

    def __init__(self, record, dmah, name, iommu):
        self.dmah = dmah
        self.dir = tempfile.TemporaryDirectory(prefix="dmah-record-")
        os.mkdir(self.path("tftp"))
        self.file = os.urandom(FILE)
        with open(self.path("tftp/file"), "wb") as f:
            f.write(self.file)
        self.kprobes = name == "6.1"
        machine = vm.Machine(
            name, iommu=iommu, devices=["nvme", "e1000e"], cpus=2, modules=["nvme", "e1000e"],
            programs=[record], files={"work": WORK},
            netdev="user,restrict=on,tftp=" + self.path("tftp"), timeout=300,
            # on a busy host the kernel may not see the timer tick in the time that it waits for it
            append="no_timer_check")
        self.boot = machine.boot(self.script(iommu), "record-%s-%s" % (name, iommu))
        self.files = {}
        self.lines = []
        self.sort()

    def script(self, iommu):
        if self.kprobes:
            run = ["k.dat.xz", "k.txt.xz"]
            source = ["auto", "auto"]
        else:
            run = ["k.txt.xz", "e.dat.zst", "e.txt.xz"]
            source = ["kprobes", "auto", "events"]
        command = "sh /work"
        for f, s in reversed(list(zip(run, source))):
            command = "dmah-record --json --buffer=16M --source=%s --output=/tmp/%s -- %s" % (s, f, command)
        # Progress on a terminal would land inside another recorder's JSON.
        script = BEGIN + "dmah-record --list --json\necho list $?\n" + command + \
            " >/tmp/outer 2>/tmp/inner\necho recorded $?\ncat /tmp/inner /tmp/outer\n" + \
            "echo \"file $(cat /tmp/sum)\"\nleft recorded\ngive %s\n" % " ".join(run)
        return script + (ENDS if iommu == "lazy" else "") + "true\n"

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def sort(self):
        """Files come as base64 between two lines."""
        name = want = None
        data = []
        for line in self.boot.output:
            words = line.split()
            if line.startswith("begin "):
                name, want, data = words[1], words[2], []
            elif name and line == "end " + name:
                try:
                    content = base64.b64decode("".join(data), validate=True)
                except binascii.Error:
                    content = b""
                if hashlib.sha256(content).hexdigest() == want:
                    self.files[name] = self.path(name)
                    with open(self.path(name), "wb") as f:
                        f.write(content)
                name = None
            elif name:
                data.append(line)
            else:
                self.lines.append(line)

    def has(self, line):
        return line in self.lines

    def objects(self):
        """The JSON objects among the lines, in their order."""
        text, found, at = "\n".join(self.lines), [], 0
        while True:
            at = text.find("{\n", at)
            if at < 0:
                return found
            try:
                value, at = json.JSONDecoder().raw_decode(text, at)
                found.append(value)
            except ValueError:
                at += 1

    def run(self, *args):
        return subprocess.run([self.dmah] + list(args), capture_output=True, text=True, check=False,
                              timeout=120)

    def notes(self):
        return self.lines[-60:] + self.boot.tail()


def translated(path):
    """Of a text from probes: maps whose physical address is what the IOMMU's own event in the call says."""
    calls, same, other = {}, 0, 0
    with lzma.open(path, "rt", errors="replace") as f:
        for line in f:
            m = re.match(r"^ *.+-(\d+) +\[\d+\] \S+ +[\d.]+: (\w+): (.*)", line)
            if not m:
                continue
            pid, event, rest = m.groups()
            if event == "dmah_map_page":
                v = dict(w.split("=", 1) for w in rest.split() if "=" in w)
                calls[pid] = ((int(v["page"], 16) - int(v["vmemmap"], 16)) // 64 * 4096 + int(v["off"], 16)) & ~0xfff
            elif event == "map" and calls.get(pid) is not None:
                if int(re.search(r"paddr=(\w+)", rest).group(1), 16) == calls.pop(pid):
                    same += 1
                else:
                    other += 1
            elif event == "dmah_map_page_ret":
                calls.pop(pid, None)
    return same, other


def beside(text):
    """Of an exposure, what does not depend on the order of two CPUs' events: unmaps, maps, bytes."""
    return re.findall(r" of (\d+) unmaps .* (\d+) of (\d+) maps exposed (\d+) bytes", text)


def replayed(tap, g, name, iommu):
    """A recording through check and replay; returns what it says of its calls."""
    r = g.run("check", "--json", "--final", "--from-start=yes", g.files[name])
    findings = json.loads(r.stdout or "null") or []
    errors = [f["text"] for f in findings if f["severity"] == "error"]
    tap.case(r.returncode == 0 and not errors, name + ": no misuse is found in clean drivers",
             notes=errors[:20] + r.stderr.splitlines())
    text = g.run("check", g.files[name]).stdout
    head = re.match(r".*: (\d+) DMA events of 2 devices", text)
    # 20 lists at least, 150 reads, 200 packets in, each mapped and unmapped
    tap.case(bool(head) and int(head.group(1)) > 2 * (20 + 150 + 200), name + ": both devices, all traffic",
             notes=text.splitlines()[:3])
    r = g.run("replay", "--json", "--repeat=1", g.files[name])
    rows = json.loads(r.stdout or "null") or []
    tap.case(r.returncode == 0 and rows and all(x["wrong"] == 0 and x["stale"] == 0 for x in rows),
             name + ": replayed on every machine, nothing wrong, nothing stale",
             notes=r.stderr.splitlines()[:20] + [str(x) for x in rows if x["wrong"] or x["stale"]][:10])
    tap.case(bool(rows) and all(x["unmatched"] == 0 for x in rows), name + ": every end has its beginning",
             notes=[str(x) for x in rows if x["unmatched"]][:3] + text.splitlines()[:1])
    return sorted((x["machine"], x["mode"], x["api"], x["lookup"], x["ops"]) for x in rows), \
        sorted(beside(f["text"]) for f in findings if f["kind"] == "exposure")


def main(record, dmah, name, iommu):
    tap = vm.Tap()
    where = "%s, IOMMU %s: " % (name, iommu)
    plain = tap.case
    tap.case = lambda verdict, what, **how: plain(bool(verdict), where + what, **how)
    g = Guest(record, dmah, name, iommu)
    objects = g.objects()
    tap.case(g.boot.ok, "boots", notes=[g.boot.why] + g.notes())
    tap.case(objects and objects[0].get("possible") and g.has("list 0") and
             (objects[0]["missing_events"] is None) != g.kprobes and
             objects[0]["missing_kprobes"] is None and objects[0]["kernel"].startswith(name),
             "--list says what there is", notes=g.notes())
    tap.case(g.has("file %s  -" % hashlib.sha256(g.file).hexdigest()), "the file came over the network",
             notes=g.notes())
    done = objects[1:3 if g.kprobes else 4]
    sources = ["kprobes", "kprobes"] if g.kprobes else ["events", "events", "kprobes"]
    tap.case(g.has("recorded 0") and [o.get("source") for o in done] == sources and
             all(o["lost"] == 0 and o["missed"] == 0 and o["without"] == "" and
                 o["command_status"] == 0 for o in done),
             "everything is recorded", notes=[str(o) for o in done] + g.notes())
    tap.case(g.has("left recorded 0 0"), "nothing is left in the kernel", notes=g.notes())
    names = ["k.dat.xz", "k.txt.xz"] if g.kprobes else ["k.txt.xz", "e.dat.zst", "e.txt.xz"]
    missing = [n for n in names if n not in g.files]
    tap.case(not missing, "the recordings came out whole", notes=missing + g.notes())
    if missing:
        return tap.done()
    replays = [replayed(tap, g, n, iommu) for n in names]
    tap.case(all(t == replays[0] for t in replays), "all recordings tell the same", notes=[str(t)[-600:] for t in replays])
    if iommu != "off":
        same, other = translated(g.files["k.txt.xz"])
        tap.case(same > 300 and not other, "physical addresses are the IOMMU's (%d)" % same,
                 notes=["%d same, %d not" % (same, other)])
    if iommu == "lazy":
        ends(tap, g)
    return tap.done()


def ends(tap, g):
    probes = [l.split() for l in g.lines if l.startswith("left during ")]
    tap.case(len(probes) == 1 and probes[0][2] == "1" and int(probes[0][3]) > 15,
             "while it records there are an instance and probes", notes=g.notes())
    tap.case(g.has("term 1") and g.has("left term 0 0"), "SIGTERM takes all of it away", notes=g.notes())
    tap.case(g.has("left kill 0 0"), "SIGKILL, too", notes=g.notes())
    small = [o for o in g.objects() if o.get("output") == "/tmp/small.txt.xz"]
    tap.case(len(small) == 1 and small[0]["lost"] > 0 and g.has("small 0") and g.has("small warned") and
             g.has("left small 0 0"), "a buffer that is too small is said", notes=g.notes())
    if "small.txt.xz" in g.files:
        r = g.run("check", "--json", g.files["small.txt.xz"])
        findings = json.loads(r.stdout or "null") or []
        tap.case(r.returncode == 0 and any(f["kind"] == "lost-events" for f in findings),
                 "what it lost is no misuse", notes=[str(f) for f in findings if f["severity"] == "error"][:5])
        r = g.run("replay", "--json", "--repeat=1", g.files["small.txt.xz"])
        tap.case(r.returncode == 0, "and can be replayed", notes=r.stderr.splitlines()[:10])
    else:
        tap.case(False, "the recording with losses came out whole", notes=g.notes())
    tap.case(g.has("unmounted 2") and any("mount -t tracefs" in l for l in g.lines),
             "without tracefs it says how to get it", notes=g.notes())


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except vm.Error as err:
        print("Bail out! %s" % err)
        sys.exit(1)
