#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Boots a stock kernel with dmah.ko and its self-test on one machine, and judges what came.

    run.py build KERNEL     the module and the self-test build without warnings
    run.py NAME             of the machines in machines.py; run.py --list prints them

Every mode of the module is tried in one boot, then what a driver may leave behind: a mapping at
unbind, a device that stays attached. TAP on the standard output; the console, with the kernel's messages
of the whole boot at its end, in build/log/vm.

While working on the module, a boot of one mode and some cases is enough:

    tests/linux/run.py 6.1-strict --mode domain --only "DMA after"

DMAH_TEST_CASE in the environment, a pattern as tests/filter.c takes it, narrows a boot likewise.
"""

import argparse
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import build  # noqa: E402
import machines  # noqa: E402
import vm  # noqa: E402

# Virtual time is instructions: a transfer of edu, 100 ms, ends when the CPU has nothing else to do.
# For one CPU: with two, the kernel of x86-64 does not come up.
ICOUNT = "shift=3,sleep=off"
# The CPUs take turns: with a thread each, 6.12 was seen to die on QEMU 7.2 before it had started
# anything.
SMP = ["-accel", "tcg,thread=single"]
SECTION = "dmah-section:"

STEP = """
section() { echo "%s $*" >/dev/kmsg; }
""" % SECTION

MODE = """
section %(mode)s
insmod /modules/dmah_test.ko %(parameters)s %(only)s
section books %(mode)s
for d in /sys/kernel/debug/dmah/*/; do echo "debugfs $d"; cat "$d"/*; done
rmmod dmah_test
"""

# A driver that forgets a mapping, then one that forgets its device: the module must not go.
LEAVE = """
section leak
insmod /modules/dmah_test.ko %(parameters)s leave=mapping
rmmod dmah_test
section pinned
insmod /modules/dmah_test.ko %(parameters)s leave=device
rmmod dmah_test
section unload
if rmmod dmah 2>/tmp/rmmod; then echo "dmah went"; else echo "dmah stayed: $(cat /tmp/rmmod)"; fi
grep -q '^dmah ' /proc/modules && echo "dmah is there"
"""

# The deadline of lazy slots does not come: what was unmapped translates until a flush.
LATE = """
rmmod dmah
insmod /modules/dmah.ko lazy_ms=3600000 || exit 9
section late
insmod /modules/dmah_test.ko %(parameters)s late=1 only="control:"
rmmod dmah_test
"""

# The library itself runs in the kernel where the module with all of it loads; that module needs no
# device.
SELFCHECK = """
insmod /modules/dmah_selfcheck.ko || exit 7
rmmod dmah_selfcheck || exit 7
"""

FIRST = """
insmod /modules/dmah.ko || exit 9
section loaded
rmmod dmah || exit 8
insmod /modules/dmah.ko || exit 9
"""


def selfchecked(setting, only):
    """True where the boot runs the whole library too: with all of its cases."""
    return setting.kernel in machines.SELFCHECK and not only


def wanted(pattern):
    """The text that all cases have which a pattern for "mode: name" matches; None for every case."""
    text = max(pattern.split(": ")[-1].replace("?", " ").split("*"), key=len)
    return text.strip() or None


def script(setting, modes, only):
    text = STEP + (SELFCHECK if selfchecked(setting, only) else "") + FIRST
    for mode in modes:
        text += MODE % {"mode": mode, "parameters": setting.parameters(mode),
                        "only": 'only="%s"' % only if only else ""}
    if setting.late(modes, only):
        text += LATE % {"parameters": setting.parameters("pool")}
    if not only:
        text += LEAVE % {"parameters": setting.parameters(modes[-1])}
    return text


def sections(messages):
    """The kernel's messages, by the section of the script in which they came."""
    found = {"": []}
    name = ""
    for line in messages:
        text = vm.stamped(line)
        if text.startswith(SECTION):
            name = text[len(SECTION):].strip()
            found[name] = []
        else:
            found[name].append(text)
    return found


ANY = "any address"
REFUSED = re.compile(r"# refused write at (0x[0-9a-f]+): (.*)")


def fault(arch, lines):
    """The granule of the first write that the IOMMU reports in these lines, None where there is none."""
    for n, line in enumerate(lines):
        if arch == "amd64":
            m = re.search(r"DMAR: \[DMA Write.*fault addr (0x[0-9a-f]+)", line)
            if m:
                return int(m.group(1), 16) >> 12
            # QEMU's model of AMD's IOMMU reports each fault with address 0.
            if "AMD-Vi: Event logged [IO_PAGE_FAULT" in line:
                return ANY
        elif re.search(r"arm-smmu-v3 \S+ event 0x[0-9a-f]+ received", line):
            # The four words of the event follow, one a line; the third is the input address.
            words = [re.search(r"arm-smmu-v3 \S+\s+(0x[0-9a-f]{16})$", l) for l in lines[n + 1:n + 5]]
            if len(words) == 4 and all(words):
                return int(words[2].group(1), 16) >> 12
    return None


def unreported(arch, text):
    """Of the writes that the self-test announced as refused, those that no report of that granule follows."""
    found = []
    marks = [n for n, l in enumerate(text) if REFUSED.match(l)]
    for n, end in zip(marks, marks[1:] + [len(text)]):
        address, what = REFUSED.match(text[n]).groups()
        if fault(arch, text[n:end]) not in (int(address, 16) >> 12, ANY):
            found.append("%s (%s)" % (address, what))
    return len(marks), found


def judge_mode(tap, kernel, mode, text):
    """The cases of one mode, and the reports of the IOMMU that belong to them."""
    cases = vm.parse(text)
    for case in cases:
        tap.case(case.verdict, "%s: %s" % (mode, case.name), case.remark, case.notes)
    if not cases:
        tap.case(False, "%s: the self-test ran" % mode, notes=text[-40:])
        return
    announced, missing = unreported(kernel.arch, text)
    if announced:
        tap.case(not missing, "%s: the IOMMU reported each of the writes that were refused" % mode,
                 notes=["not reported: " + ", ".join(missing)])


def judge_books(tap, mode, output):
    """debugfs after all cases: nothing is live."""
    text = "\n".join(output)
    tap.case("/sys/kernel/debug/dmah/" in text and re.search(r"\bmaps\b", text),
             "%s: debugfs has the device's counters" % mode, notes=output[-40:])


def judge_leave(tap, found, result):
    leak = found.get("leak", [])
    tap.case(any("leak" in l and "dmah" in l for l in leak),
             "a mapping that is live at unbind is reported as leaked", notes=leak)
    tap.case(any("dmah_test_forgets" in l for l in leak), "and who made it", notes=leak)
    output = "\n".join(result.output)
    unload = found.get("pinned", []) + found.get("unload", []) + result.output[-20:]
    tap.case("dmah stayed" in output and "dmah is there" in output and "dmah went" not in output,
             "the module cannot be unloaded while a device is attached", notes=unload)


def judge_announced(tap, setting, messages):
    """Slots whose entries the module writes announce them where the IOMMU says that it wants that, and nowhere else."""
    # A case lets each allocation of an attach fail in turn: a register that cannot be mapped is one that is not known.
    text = [vm.stamped(l) for l in messages]
    slots = [l for before, l in zip([""] + text, text) if "dmah: slots in its default domain" in l and
             "keep their entries" in l and "ioremap memtype_reserve failed" not in before]
    tap.case(slots and all(("announce them" in l) == setting.announced for l in slots),
             "new entries are %sannounced to this IOMMU" % ("" if setting.announced else "not "), notes=slots)


def judge_kernel(tap, messages):
    """Nothing that the kernel itself complains of."""
    bad = [l for l in map(vm.stamped, messages)
           if re.search(r"BUG:|WARNING:|Oops|Call Trace:|unsafe|inconsistent lock|UBSAN|general protection", l)]
    tap.case(not bad, "the kernel complained of nothing", notes=bad[:20])


def build_kernel(tap, name):
    kernel = vm.Kernel(name)
    try:
        built = build.Built(kernel, selfcheck=name in machines.SELFCHECK)
    except vm.Error as err:
        tap.case(False, "linux %s: builds" % name, notes=str(err).splitlines())
        return
    for what, log in built.logs.items():
        said = build.warnings(log)
        tap.case(not said, "linux %s: %s builds without warnings" % (name, what), notes=said)
    calls, warned = build.unchecked(kernel, built)
    silent = [calls[n] for n in sorted(set(calls) - warned)]
    tap.case(calls and not silent, "linux %s: the compiler warns of each of %d results that are ignored" % (name, len(calls)),
             notes=["no warning: " + ", ".join(silent)])


def run(tap, setting, modes, only):
    kernel = vm.Kernel(setting.kernel)
    built = build.Built(kernel, selfcheck=selfchecked(setting, only))
    machine = vm.Machine(kernel, iommu=setting.iommu, untrusted=setting.untrusted,
                         swiotlb=setting.swiotlb, devices=["edu"] * 3, cpus=setting.cpus,
                         caching=setting.caching, iommu_device=setting.device, append=setting.append,
                         emulated_by=vm.Newer() if setting.device else None,
                         icount=ICOUNT if setting.cpus == 1 else None,
                         qemu=SMP if setting.cpus > 1 else [],
                         modules=[m for m in (built.dmah, built.test, built.selfcheck) if m])
    result = machine.boot(script(setting, modes, only), "linux-" + setting.name)
    tap.case(result.ok, "boots, loads the module, powers off" if result.ok else result.why,
             notes=result.tail())
    found = sections(result.messages)
    for mode in modes + (["late"] if setting.late(modes, only) else []):
        judge_mode(tap, kernel, mode, found.get(mode, []))
    if not only:
        judge_books(tap, modes[0], result.output)
        judge_leave(tap, found, result)
    if setting.entries:
        judge_announced(tap, setting, result.messages)
    judge_kernel(tap, result.messages)


def main():
    parser = argparse.ArgumentParser(description="Boot a stock kernel with dmah.ko and its self-test.",
                                     epilog="Machines: " + " ".join(s.name for s in machines.SETTINGS))
    parser.add_argument("name", nargs="?", help='a machine, or "build" and a kernel')
    parser.add_argument("kernel", nargs="?", choices=list(vm.KERNELS))
    parser.add_argument("--list", action="store_true", help="print the machines")
    parser.add_argument("--mode", action="append", choices=list(machines.MODES), help="this mode only")
    parser.add_argument("--only", metavar="TEXT", help="only the cases that have this in their name")
    args = parser.parse_args()
    if args.list:
        print("\n".join(s.name for s in machines.SETTINGS))
        return 0
    tap = vm.Tap()
    try:
        if args.name == "build" and args.kernel:
            build_kernel(tap, args.kernel)
        else:
            setting = machines.find(args.name)
            only = args.only or wanted(os.environ.get("DMAH_TEST_CASE", "")) or setting.only
            run(tap, setting, args.mode or setting.modes(), only)
    except KeyError:
        parser.error("no machine %s (--list prints them)" % args.name)
    except vm.Error as err:
        print("Bail out! %s" % str(err).replace("\n", "\n# "))
        return 1
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
