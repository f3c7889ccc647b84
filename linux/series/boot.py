# SPDX-License-Identifier: GPL-2.0-only
"""Boots kernels of the series under QEMU: KUnit, the test module on edu, figures."""

import os
import re

from lab.vm import ktap, machine, xen

from . import series

# Lines of reports that no test provokes: of KASAN, KCSAN, lockdep, and of the checks of lists and of sleeping.
REPORT = re.compile(r"BUG: |possible (circular|recursive) locking|lock inversion|inconsistent lock state|"
                    r"suspicious RCU usage|list_(add|del) corruption|Unable to handle|Oops|held lock freed")
# The name of a function at the line on which its definition begins.
DEFINED = re.compile(r"^[a-z][\w *]*?\b(\w+)\(", re.M)
KUNIT = "kunit.enable=1 kunit.autorun=1"


class ArmMachine(machine.Machine):
    """A Machine of QEMU's type virt with a 32-bit CPU, and virtio's IOMMU if any."""

    def program(self):
        return ["qemu-system-arm"]

    def board(self):
        return (["-machine", "virt,highmem=off", "-cpu", "cortex-a15"]
                + (["-device", "virtio-iommu-pci"] if self.iommu != "off" else []))


# Debian's architecture: {name: settings of lab.vm.Machine}, and "module": parameters of the test module.
# An x86 kernel with so little memory makes no bounce buffers but by force; that changes nothing about
# mappings behind an IOMMU. Without an IOMMU it makes all of them bounce.
MACHINES = {
    "amd64": {
        "strict": dict(iommu="strict", swiotlb="force", append=KUNIT, cpus=2),
        "lazy": dict(iommu="lazy", swiotlb="force", cpus=2),
        "caching": dict(iommu="strict", swiotlb="force", caching=True),
        "untrusted": dict(iommu="strict", swiotlb="force", untrusted=True),
        "untrusted-lazy": dict(iommu="lazy", swiotlb="force", untrusted=True),
        "passthrough": dict(iommu="passthrough"),
        "off": dict(iommu="off"),
        "bounced": dict(iommu="off", swiotlb="force", append=KUNIT),
    },
    "armhf": {
        "coherent": dict(append=KUNIT),
        "incoherent": dict(module="incoherent=1"),
        "off": dict(iommu="off"),
    },
    "arm64": {
        "strict": dict(iommu="strict", append=KUNIT, cpus=2),
        "lazy": dict(iommu="lazy", cpus=2),
        "incoherent": dict(iommu="strict", module="incoherent=1"),
        "bounced": dict(iommu="off", swiotlb="force", append=KUNIT),
        "xen": dict(xen=True),
        "xen-bounced": dict(xen=True, swiotlb="force"),
    },
}
# Those that instructions are counted on, and the one for traffic.
BENCH = {"amd64": ["strict", "lazy", "untrusted"], "armhf": ["coherent", "incoherent"],
         "arm64": ["strict", "lazy", "incoherent"]}
TRAFFIC = {"amd64": "strict", "armhf": "coherent", "arm64": "strict"}
CLASSES = {"amd64": machine.Machine, "armhf": ArmMachine, "arm64": machine.Machine}


def computer(image, name, **more):
    """Returns a machine of MACHINES and the parameters of the test module."""
    settings = dict(MACHINES[image.arch][name])
    parameters = settings.pop("module", "")
    return CLASSES[image.arch](kernel=image, **dict(settings, **more)), parameters


def check(image, name, parameters=""):
    """Boot a machine of MACHINES: KUnit at boot, then the test module. Returns the Result."""
    if "xen" in MACHINES[image.arch][name]:
        return on_xen(image, name)
    m, more = computer(image, name, devices=["edu"], modules=[image.module("series_test")])
    return m.boot("insmod /modules/series_test.ko %s %s\n" % (more, parameters), "series-%s-%s" % (image.name, name))


def on_xen(image, name):
    """Boot the kernel as dom0 of Xen, and as a second domain that grants a page. Returns the Result."""
    swiotlb = MACHINES[image.arch][name].get("swiotlb")
    m = xen.XenMachine(image, devices=["edu"], modules=[image.module("series_xen"), image.module("xen_guest")],
                       swiotlb=swiotlb, guest="insmod /modules/xen_guest.ko && sleep 100000")
    return m.boot("insmod /modules/series_xen.ko force=%d\n" % bool(swiotlb), "series-%s-%s" % (image.name, name))


def functions():
    """Returns the names of the functions that the series adds, and of the test module's."""
    names = set()
    for top in ("patches", "module"):
        for where, _, files in os.walk(os.path.join(series.HERE, top)):
            for name in files:
                if name.endswith((".c", ".h")) or name.startswith("edits"):
                    names.update(DEFINED.findall(series.read(os.path.join(where, name))))
    return names


def reports(result):
    """Returns the case that says if a sanitizer, or the kernel itself, has reported anything.

    A data race counts if a function of the series or of the test module is in it. Linux has others, which are counted.
    """
    found = [l for l in result.messages + result.output if REPORT.search(l)]
    races = [l for l in found if "BUG: KCSAN: data-race in " in l]
    ours = functions() if races else ()
    others = [l for l in races if not set(re.findall(r"\w+", l.partition("data-race in ")[2])) & ours]
    found = [l for l in found if l not in others]
    name = "no sanitizer reports anything"
    if others:
        name += ", but for data races in other functions (%d)" % len(others)
    return ktap.Case(name, "not ok" if found else "ok", notes=found[:20])


def control(image):
    """Boot a kernel with sanitizers and make faults on purpose. Returns the cases that say if each is reported."""
    if not image.kind.sanitizers:
        return []
    m, _ = computer(image, "lazy", devices=["edu"], modules=[image.module("series_test")], append="", cpus=2)
    result = m.boot("insmod /modules/series_test.ko control=1\n", "series-%s-control" % image.name)
    text = "\n".join(result.messages + result.output)
    return [ktap.Case("control: %s reports a fault made on purpose" % name, "ok" if re.search(line, text) else "not ok")
            for name, line in image.kind.sanitizers.items()]


def bench(image, name):
    """Boot a machine that counts instructions. Returns the Result and {(size, api, call): figure}."""
    m, parameters = computer(image, name, devices=["edu"], icount="shift=0", modules=[image.module("series_test")],
                             append="", cpus=1)
    # For the first seconds other threads of the kernel run in between.
    result = m.boot("sleep 5\ninsmod /modules/series_test.ko bench=1 %s\n" % parameters,
                    "series-bench-%s-%s" % (image.name, name))
    figures = {}
    for line in result.messages:
        found = re.search(r"series: figure (\S+) (.*) (\w+) (\d+)$", line)
        if found:
            figures[found.group(1), found.group(2), found.group(3)] = int(found.group(4))
    return result, figures


def map_benchmark(image, name, seconds=1):
    """Run the kernel's own benchmark on edu. Returns the Result and {mode: (map, unmap)} in microseconds."""
    m, _ = computer(image, name, devices=["edu"], icount="shift=0", append="", cpus=1,
                    files={"bin/dma_map_benchmark": "@" + os.path.join(image.dir, "dma_map_benchmark")})
    result = m.boot("""sleep 5
for d in /sys/bus/pci/devices/*; do
	[ "$(cat $d/vendor)$(cat $d/device)" = 0x12340x11e8 ] || continue
	echo dma_map_benchmark >$d/driver_override
	echo ${d##*/} >/sys/bus/pci/drivers_probe
done
dma_map_benchmark -m 0 -s %(s)d -d 2 || exit 1
# Kernels before the last patch do not know this mode.
dma_map_benchmark -m 2 -s %(s)d -d 2
true
""" % {"s": seconds}, "series-map_benchmark-%s-%s" % (image.name, name))
    figures = {}
    for line in result.output:
        found = re.match(r"dma mapping benchmark\((\w+)\)", line)
        if found:
            mode = found.group(1)
        found = re.match(r"average (map|unmap) latency\(us\):([0-9.]+)", line)
        if found:
            figures.setdefault(mode, {})[found.group(1)] = float(found.group(2))
    return result, figures
