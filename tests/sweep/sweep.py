#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Record real drivers of stock kernels under QEMU, and check the recordings.

Each driver (drivers.py) is loaded, used, unbound, bound, used, unloaded, loaded, used and unloaded (work.py) while dmah record
runs with stacks; dmah check --final reads the recording, so that a leak is an error. The output is a table for each kernel and
setting, the new errors below each row, and the totals: a driver that did not work, or that has a new error, has failed; one that this
QEMU has no device for, or this kernel no module, is skipped.

Settings: "iommu" is VT-d in strict mode, "swiotlb" is no IOMMU and swiotlb=force, "untrusted" is VT-d and the device behind a
port that faces the outside.
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
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "lab")]

import drivers  # noqa: E402
import vm  # noqa: E402
import work  # noqa: E402

SETTINGS = {
    "iommu": {"iommu": "strict"},
    "swiotlb": {"iommu": "off", "swiotlb": "force"},
    "untrusted": {"iommu": "strict", "untrusted": True, "swiotlb": "force"},
}
# The device's address on the root bus, which has others in the first and last slots (and an igb needs room behind it).
SLOT = 0x0c
ROOT_ADDRESS = "0000:00:%02x.0" % SLOT
PORT_ADDRESS = "0000:01:00.0"
ERRORS_SHOWN = 10


class NotThere(Exception):
    """This QEMU has no such device, or this kernel no such driver."""


class Sweep:
    """One kernel, one setting, one QEMU."""

    def __init__(self, kernel, setting, emulator, record, dmah, keep):
        self.kernel = vm.Kernel(kernel, whole=True)
        self.name = kernel
        self.setting = setting
        self.emulator = emulator
        self.record = record
        self.dmah = dmah
        self.keep = keep

    def has_device(self, device):
        """Returns true if QEMU knows a device."""
        argv = self.emulator.argv("amd64") + ["-device", device.split(",")[0] + ",help"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              env=dict(os.environ, **self.emulator.environment()))
        # The exit status is 0 for an unknown device, too.
        return done.returncode == 0 and b"not found" not in done.stdout + done.stderr

    def machine(self, driver, directory):
        """The machine with this driver's device."""
        for name in ("disk", "file"):
            with open(os.path.join(directory, name), "wb") as f:
                f.write(os.urandom(60000))
                if name == "disk":
                    f.truncate(64 << 20)
        device = driver.device + ",id=sweep"
        settings = SETTINGS[self.setting]
        if not settings.get("untrusted"):
            device += ",addr=0x%x" % SLOT
        try:
            files = self.kernel.module_files(driver.module)
        except vm.Error as err:
            raise NotThere(str(err)) from err
        ko = vm.module.file_name(files[-1]) if files else ""
        if not ko:
            raise NotThere("%s is built into the kernel" % driver.module)
        module = re.sub(r"\.ko$", "", ko).replace("-", "_")
        bdf = PORT_ADDRESS if settings.get("untrusted") else ROOT_ADDRESS
        files = {"work": work.script(driver.work, ko, module, bdf), "file": "@" + os.path.join(directory, "file")}
        machine = vm.Machine(self.kernel, devices=[device], modules=driver.also + [driver.module],
                             programs=[self.record], files=files, emulated_by=self.emulator,
                             append="oops=panic", qemu=[a.replace("DIR", directory) for a in driver.qemu], **settings)
        return machine, module

    def recording(self, driver):
        """Boot and use a driver. Return: the recording or None, and the lines of the console."""
        with tempfile.TemporaryDirectory(prefix="dmah-sweep-") as directory:
            machine, module = self.machine(driver, directory)
            # The machine loads all modules; the recording begins before the driver's first map.
            script = ("rmmod %s\ndmah-record --stacks --output=/tmp/t.txt.xz -- sh /work\necho recorded $?\n"
                      "echo begin\nbase64 /tmp/t.txt.xz\necho end\ntrue\n" % module)
            result = machine.boot(script, "sweep-%s-%s-%s" % (self.name, self.setting, driver.module))
        lines = list(result.output)
        if "begin" not in lines or "end" not in lines:
            return None, lines + result.tail()
        data = "".join(lines[lines.index("begin") + 1:lines.index("end")])
        return base64.b64decode(data), lines[:lines.index("begin")]

    def findings(self, driver, trace):
        """The findings of dmah check in a recording. Raises vm.Error where it cannot be read."""
        with tempfile.TemporaryDirectory(prefix="dmah-sweep-") as directory:
            path = os.path.join(self.keep or directory,
                                "%s-%s-%s.txt.xz" % (self.name, self.setting, driver.module))
            with open(path, "wb") as f:
                f.write(trace)
            done = subprocess.run([self.dmah, "check", "--json", "--final", path], capture_output=True, text=True,
                                  check=False)
        if done.returncode not in (0, 1):
            raise vm.Error("its recording cannot be read: " + done.stderr.strip())
        return json.loads(done.stdout)

    def row(self, driver):
        """Run one driver and print its row. Return: "passed", "failed" or "skipped"."""
        try:
            if driver.not_behind_iommu and SETTINGS[self.setting]["iommu"] != "off":
                raise NotThere(driver.not_behind_iommu)
            if not self.has_device(driver.device):
                raise NotThere("this QEMU has no %s" % driver.device.split(",")[0])
            trace, lines = self.recording(driver)
        except NotThere as why:
            print("| %s | not run: %s | | | |" % (driver.module, why), flush=True)
            return "skipped"
        if trace is None:
            print("| %s | no recording | | | |" % driver.module, flush=True)
            print("\n".join("    " + line for line in lines[-15:]), flush=True)
            return "failed"
        try:
            found = self.findings(driver, trace)
        except vm.Error as why:
            print("| %s | %s | | | |" % (driver.module, why), flush=True)
            return "failed"
        # The progress of dmah record may stand in the same line.
        used = sum(line.count("USED") for line in lines)
        events = next((line.split("dmah record: ")[1].split()[0] for line in lines if "dmah record: " in line), "?")
        errors = [f for f in found if f["severity"] == "error"]
        notes = sorted({f["kind"] for f in found if f["severity"] == "note"})
        new = [f for f in errors if f["kind"] not in driver.known]
        known = "" if len(new) == len(errors) else ", %d new" % len(new)
        print("| %s | %d of %d | %s | %d%s | %s |" % (driver.module, used, work.USES, events, len(errors), known,
                                                      ", ".join(notes)), flush=True)
        for f in new[:ERRORS_SHOWN]:
            print("    %s %s line %s: %s" % (f["kind"], f["device"], f["line"], f["text"]), flush=True)
        return "passed" if used == work.USES and not new else "failed"


def arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", action="append", help="a kernel of lab/vm with dma events (default: 6.12 and 7.3)")
    parser.add_argument("--setting", action="append", choices=list(SETTINGS), help="default: all")
    parser.add_argument("--qemu", choices=["system", "newer"], default="system", help="which QEMU (lab/vm/emulator.py)")
    parser.add_argument("--short", action="store_true", help="a few drivers of different kinds: " + ", ".join(drivers.SHORT))
    parser.add_argument("--keep", metavar="DIR", help="leave the recordings in DIR")
    parser.add_argument("--record", default="build/release/tools/record/dmah-record", help="the static dmah-record")
    parser.add_argument("--dmah", default="build/dmah", help="the command dmah")
    parser.add_argument("driver", nargs="*", help="only these")
    args = parser.parse_args()
    names = args.driver or (drivers.SHORT if args.short else [d.module for d in drivers.DRIVERS])
    unknown = set(names) - {d.module for d in drivers.DRIVERS}
    if unknown:
        parser.error("no such driver: " + ", ".join(sorted(unknown)))
    for path in (args.record, args.dmah):
        if not os.path.exists(path):
            parser.error("there is no %s (make build)" % path)
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    args.driver = [d for d in drivers.DRIVERS if d.module in names]
    return args


def main():
    """Sweep. Return: the exit status."""
    args = arguments()
    total = {"passed": 0, "failed": 0, "skipped": 0}
    emulator = vm.Newer() if args.qemu == "newer" else vm.System()
    for kernel in args.kernel or ["6.12", "7.3"]:
        for setting in args.setting or SETTINGS:
            try:
                sweep = Sweep(kernel, setting, emulator, os.path.abspath(args.record), os.path.abspath(args.dmah),
                              args.keep)
                print("\nLinux %s, %s\n\n| driver | used | events | errors | notes |\n|---|---|---|---|---|"
                      % (sweep.kernel.release, setting), flush=True)
                for driver in args.driver:
                    total[sweep.row(driver)] += 1
            except vm.Error as why:
                print("sweep.py: %s" % why, file=sys.stderr)
                return 2
    print("\n%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % total)
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
