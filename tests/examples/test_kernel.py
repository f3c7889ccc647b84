#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Builds the example kernel for one architecture, boots it under QEMU, and judges its console.

    test_kernel.py x86|arm64|riscv64|x86-amd BUILD_DIRECTORY

x86-amd is the kernel for x86 behind AMD's IOMMU, as QEMU 11 models it: it says which device a fault is of, and no more.
"""

import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True

from tap import Tap  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
KERNEL = os.path.normpath(os.path.join(HERE, "..", "..", "examples", "kernel"))
# The most that the host port may take, in lines of code: host.c and the architecture's host.c.
PORT_LINES = 150
# Longer than a busy machine needs: the kernel takes half a second.
SECONDS = 300

STEPS = [
    "find device and IOMMU in the firmware's tables",
    "take the IOMMU over",
    "set up a domain",
    "attach the device",
    "enable translation",
    "DMA both ways, mapped by handle",
    "the fault is named and the buffer is intact",
    "tear down",
]
FAULT = re.compile(r"^fault interrupt: write to 0x([0-9a-f]+) by edu \((00:01\.0|stream 0x8)\): "
                   r"unmapped \d+ (us|ms|s) ago, was 0x[0-9a-f]+\+2048 "
                   r"mapped by transfer\+0x[0-9a-f]+$")


def run(argv, **more):
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS, check=False, **more)
        return done.returncode, done.stdout.decode("utf-8", "replace").replace("\r", "")
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode("utf-8", "replace")
        return -1, text + "\n(no end after %d s)" % SECONDS


def code_lines(path):
    """The lines of a C file that are neither blank nor comment."""
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    return sum(1 for line in text.splitlines() if line.strip())


def boot(arch, kernel, **env):
    return run(["sh", os.path.join(KERNEL, "run.sh"), arch, kernel], env=dict(os.environ, **env))


def judge_amd(tap, build):
    status, text = run(["make", "-s", "-C", KERNEL, "ARCH=x86", "BUILD=" + os.path.abspath(build)])
    if not tap.ok(status == 0, "the kernel builds without warnings", text):
        return
    status, console = boot("x86", os.path.join(build, "x86", "kernel.elf"), IOMMU="amd")
    tap.ok(status == 0 and console.rstrip().endswith("passed"), "the kernel passes", console)
    at = [console.find("\n%s: done\n" % step) for step in STEPS]
    tap.ok(-1 not in at and at == sorted(at), "each step is done, in order", console)
    tap.ok("\nfirmware: amdvi at 0xfed80000 " in console, "the unit is that of the IVRS", console)
    faults = [line for line in console.splitlines() if line.startswith("fault interrupt: ")]
    tap.ok(len(faults) == 1 and "by edu (00:" in faults[0], "the fault interrupt names the device, once", console)


def judge_fault(tap, console):
    faults = [line for line in console.splitlines() if line.startswith("fault interrupt: ")]
    stray = re.search(r"^stray DMA: the device writes to 0x([0-9a-f]+)", console, re.M)
    named = FAULT.match(faults[0]) if faults else None
    tap.ok(len(faults) == 1 and named,
           "the fault interrupt names device, mapping and function, once",
           "\n".join(faults) or console)
    tap.ok(named and stray and named.group(1) == stray.group(1),
           "the fault is at the address of the stray DMA", console)


def main():
    arch, build = sys.argv[1:3]
    tap = Tap()
    if arch == "x86-amd":
        judge_amd(tap, build)
        return tap.done()
    status, text = run(["make", "-s", "-C", KERNEL, "ARCH=" + arch,
                        "BUILD=" + os.path.abspath(build)])
    if not tap.ok(status == 0, "the kernel builds without warnings", text):
        return tap.done()
    kernel = os.path.join(build, arch, "kernel.elf")
    status, console = boot(arch, kernel)
    tap.ok(status == 0 and console.rstrip().endswith("passed"), "the kernel passes", console)
    at = [console.find("\n%s: done\n" % step) for step in STEPS]
    tap.ok(-1 not in at and at == sorted(at), "each step is done, in order", console)
    judge_fault(tap, console)
    # Without an IOMMU the kernel must fail, and the status must say so.
    status, console = boot(arch, kernel, IOMMU="no")
    tap.ok(status == 1 and "passed" not in console, "without an IOMMU it fails", console)
    lines = sum(code_lines(os.path.join(KERNEL, f)) for f in ("host.c", arch + "/host.c"))
    tap.ok(lines <= PORT_LINES, "the host port has at most %d lines" % PORT_LINES,
           "%d lines" % lines)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
