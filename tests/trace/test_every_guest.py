#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Boot a stock kernel, run the module that makes every dma event, and compare with the recordings in data/.

Four recorders run at once: the kernel's own trace file, dmah record --stacks as text and as trace.dat, and
trace-cmd with stacks. The trace file must be data/every_KERNEL.txt.xz but for times, process ids, the pages
of addresses and pointers, and must pass test_every.c. The recordings with stacks must tell the same, with the same
callers. --write replaces the files in data/ by the new recordings.
"""

import argparse
import base64
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "lab")]

import slim_dat  # noqa: E402
import vm  # noqa: E402

DATA = os.path.join(HERE, "data")

SCRIPT = """
T=/sys/kernel/tracing
cat $T/events/dma/*/format >/tmp/formats
echo 1 >$T/events/dma/enable
RECORD insmod /modules/every_dma_event.ko
echo "made $?"
echo 0 >$T/events/dma/enable
cat $T/trace >/tmp/every.txt
for f in every.txt formats FILES; do
	echo "begin $f"
	gzip -c /tmp/$f | base64
	echo "end $f"
done
true
"""


class Recorder:
    """A recorder with stacks: the name of its file, and its command line in front of the recorded command."""

    def __init__(self, name, command):
        self.name = name
        self.command = command


RECORDERS = [Recorder("stacks.txt", "dmah-record --stacks --output=/tmp/stacks.txt --"),
             Recorder("stacks.dat", "dmah-record --stacks --output=/tmp/stacks.dat --")]
# In an instance each, and in both versions of the file. -T is stacks.
RECORDERS += [Recorder("v%d.dat" % v, "trace-cmd record -q --file-version %d -B v%d -e dma -T -o /tmp/v%d.dat" % (v, v, v))
              for v in (6, 7)]


def normal(line):
    """Returns an event of the trace file without what differs from boot to boot, or None for another line."""
    m = re.match(r" *\S.*-\d+ +\[\d+\] \S+ +[\d.]+: (.*)", line)
    if not m:
        return None
    # An allocation of pages takes what pieces there are.
    event = re.sub(r"^(dma_(?:alloc|free)_sgt: .* phys_addrs=)\S+", r"\1{PIECES}", m.group(1))
    return re.sub(r"\b(\w+_addrs?)=(\S+)", address, event)


def address(field):
    """A field of addresses without their pages: the offset within a page is the module's."""
    key, value = field.groups()
    if key == "virt_addr":
        return key + "=POINTER"
    return "%s=%s" % (key, re.sub(r"\b(?:0x)?[0-9a-f]+\b", page, value))


def page(address):
    """An address without its page. All ones is an error, and stays."""
    text = address.group()
    return text if text.endswith("f" * 16) else "PAGE" + text.removeprefix("0x")[-3:].rjust(3, "0")


class Guest:
    """One boot, and the files that came out of it."""

    def __init__(self, record, kernel, out):
        self.kernel = vm.Kernel(kernel)
        trace_cmd = shutil.which("trace-cmd")
        if not trace_cmd:
            raise vm.Error("trace-cmd is not installed (scripts/deps.sh test installs it)")
        made = vm.build(self.kernel, os.path.join(HERE, "every"),
                        os.path.join(vm.BUILD, "module", "every", self.kernel.release))
        # No bounce buffers: the last map is above its device's mask and must fail.
        machine = vm.Machine(self.kernel, iommu="strict", swiotlb="noforce", devices=["edu"], modules=made,
                             programs=[record, trace_cmd])
        script = SCRIPT.replace("RECORD", " ".join(r.command for r in RECORDERS))
        script = script.replace("FILES", " ".join(r.name for r in RECORDERS))
        self.boot = machine.boot(script, "every-" + kernel)
        self.files = {}
        name = None
        for line in self.boot.output:
            if line.startswith("begin "):
                name, data = line[6:], []
            elif name and line == "end " + name:
                path = os.path.join(out, name)
                with open(path + ".gz", "wb") as f:
                    f.write(base64.b64decode("".join(data)))
                subprocess.run(["gzip", "-d", "-f", path + ".gz"], check=True)
                self.files[name], name = path, None
            elif name:
                data.append(line)

    def read(self, name):
        """The lines of a text file."""
        with open(self.files[name], errors="replace") as f:
            return f.read().splitlines()


def bundled(kernel):
    """The lines of a recording in data/."""
    with lzma.open(os.path.join(DATA, "every_%s.txt.xz" % kernel), "rt") as f:
        return f.read().splitlines()


def events(lines):
    """The normalised events of a trace file."""
    return [e for e in map(normal, lines) if e]


def named(formats):
    """The names of the events that a kernel has, from the text of their formats."""
    return {m.group(1) for m in (re.match(r"name: (\S+)", line) for line in formats) if m}


def profile(dmah, path):
    """The figures of each caller of a recording: those that do not depend on the time."""
    done = subprocess.run([dmah, "profile", "--json", path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stderr
    return json.dumps(without_times(json.loads(done.stdout)), sort_keys=True, indent=1)


def without_times(value):
    """Leave out the members that times are in."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items()
                if not re.search(r"lifetime|over_time|seconds|time|file|trace", k)}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def xz(path, data):
    """Write a compressed file."""
    with open(path, "wb") as f:
        f.write(lzma.compress(data, preset=9))


def write(guest, kernel):
    """Replace the recordings in data/."""
    def read(name):
        with open(guest.files[name], "rb") as f:
            return f.read()

    xz(os.path.join(DATA, "every_%s.txt.xz" % kernel), read("every.txt"))
    if kernel != "7.3":
        return
    xz(os.path.join(DATA, "callers_7.3.txt.xz"), read("stacks.txt"))
    names = set(re.findall(r"^ => (\S+)", read("stacks.txt").decode(), re.M))
    for name, to in (("stacks.dat", "callers_7.3.dat.xz"), ("v6.dat", "callers_7.3_trace_cmd.dat.xz")):
        xz(os.path.join(DATA, to), slim_dat.slim(read(name), names))


def judge(tap, guest, dmah, test_every, kernel, out):
    """The cases of one kernel."""
    new, old = events(guest.read("every.txt")), events(bundled(kernel))
    differ = ["event %d: bundled %s" % (n, a) + "\n          recorded %s" % b
              for n, (a, b) in enumerate(zip(old, new), 1) if a != b]
    tap.case(len(new) == len(old) and not differ, "every event is that of data/every_%s.txt.xz" % kernel,
             notes=["%d events, bundled %d" % (len(new), len(old))] + "\n".join(differ[:20]).splitlines())
    seen = {e.partition(":")[0] for e in new}
    missing = sorted(named(guest.read("formats")) - seen)
    tap.case(not missing, "the module makes each event that the kernel has", notes=missing)
    if test_every:
        fields(tap, guest, test_every, kernel, out)
    done = subprocess.run([dmah, "check", "--final", "--json", guest.files["every.txt"]], capture_output=True,
                          text=True, check=False)
    tap.case(done.returncode == 0, "the right calls of the module give no error",
             notes=(done.stdout + done.stderr).splitlines()[:40])
    figures = {r.name: profile(dmah, guest.files[r.name]) for r in RECORDERS}
    first = figures["stacks.txt"]
    tap.case('"caller"' in first or '"callers"' in first, "the text with stacks names callers", notes=first.splitlines()[:40])
    for name, text in figures.items():
        if name != "stacks.txt":
            tap.case(text == first, name + " tells the same as stacks.txt, by caller",
                     notes=[a + "   |   " + b for a, b in zip(text.splitlines(), first.splitlines()) if a != b][:20])


def fields(tap, guest, test_every, kernel, out):
    """Run test_every.c on the new recording; the other kernel's stays as it is."""
    data = os.path.join(out, "data")
    shutil.copytree(DATA, data)
    with open(guest.files["every.txt"], "rb") as f:
        xz(os.path.join(data, "every_%s.txt.xz" % kernel), f.read())
    done = subprocess.run([test_every], env=dict(os.environ, DMAH_TEST_DATA=data, CMOCKA_MESSAGE_OUTPUT="TAP"),
                          capture_output=True, text=True, check=False)
    tap.case(done.returncode == 0, "each field and attribute of the new recording is read (test_every.c)",
             notes=(done.stdout + done.stderr).splitlines()[-20:])


def run(tap, args, kernel):
    """One kernel."""
    with tempfile.TemporaryDirectory(prefix="dmah-every-") as out:
        guest = Guest(os.path.abspath(args.record), kernel, out)
        want = {"every.txt", "formats"} | {r.name for r in RECORDERS}
        good = guest.boot.ok and "made 0" in guest.boot.output and set(guest.files) == want
        tap.case(good, "linux %s boots and makes the events" % guest.kernel.release,
                 notes=[guest.boot.why] + guest.boot.output[:40] + guest.boot.tail())
        if good and args.write:
            write(guest, kernel)
        if good:
            judge(tap, guest, os.path.abspath(args.dmah), args.test, kernel, out)


def main():
    """Run. Return: the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="replace the recordings in data/")
    parser.add_argument("--test", metavar="TEST_EVERY", help="the program of test_every.c")
    parser.add_argument("dmah", help="the command")
    parser.add_argument("record", help="the static dmah-record")
    parser.add_argument("kernel", nargs="+", help="6.12, 7.3")
    args = parser.parse_args()
    tap = vm.Tap()
    for kernel in args.kernel:
        run(tap, args, kernel)
    return tap.done()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except vm.Error as err:
        print("Bail out! %s" % err)
        sys.exit(1)
