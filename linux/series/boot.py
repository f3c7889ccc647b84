# SPDX-License-Identifier: GPL-2.0-only
"""Boots kernels of the series under QEMU: KUnit, the test module on edu, network traffic, figures."""

import hashlib
import os
import re
import tempfile

from lab.vm import emulator, ktap, machine, xen

# Bytes that the network brings, and takes to this address.
FILE = 1 << 20
SINK = "10.0.2.100"
# Lines of the kernel's log that must not be there.
BAD = r"DMAR: \[|arm-smmu-v3.*event|WARNING:|BUG|Oops|DMA-API|dmah: .*(leak|misuse|stale)|KASAN|possible .*deadlock"

# Lines of reports that no test provokes: of KASAN, KCSAN, lockdep, and of the checks of lists and of sleeping.
REPORT = re.compile(r"BUG: |possible (circular|recursive) locking|lock inversion|inconsistent lock state|"
                    r"suspicious RCU usage|list_(add|del) corruption|Unable to handle|Oops|held lock freed")
# Lines that follow an unmap of what is not mapped, or is another's.
WRONG = re.compile(r"WARNING: .*(iommu|dmah)|BUG: |Oops|DMAR: \[DMA|dmah: .*(misuse|stale)")
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
        "strict": dict(iommu="strict", swiotlb="force", append=KUNIT),
        "lazy": dict(iommu="lazy", swiotlb="force"),
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
        "strict": dict(iommu="strict", append=KUNIT),
        "lazy": dict(iommu="lazy"),
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


class Driver:
    """A network driver that the series converts.

    path:   its source: a directory or a file of the kernel
    option: of the kernel's configuration
    card:   QEMU's device
    needs:  other modules that it loads after, in a kernel of the series and in Debian's
    newer:  the card is one of the newer QEMU
    faults: lines of the log that the unconverted driver causes, too
    bug:    the unconverted driver unmaps what it has not mapped after a map call that failed
    opens:  the interface comes up while maps of receive buffers fail
    """

    def __init__(self, name, path, option, card, needs=(), stock=(), newer=False, faults="^$", bug=False, opens=False):
        self.name = name
        self.path = path
        self.option = option
        self.card = card
        self.needs = list(needs)
        self.stock = list(stock)
        self.newer = newer
        self.faults = faults
        self.bug = bug
        self.opens = opens


ETHERNET = "drivers/net/ethernet/"
DRIVERS = {d.name: d for d in (
    Driver("e1000e", ETHERNET + "intel/e1000e", "CONFIG_E1000E", "e1000e", stock=["ptp"], bug=True, opens=True),
    Driver("8139cp", ETHERNET + "realtek/8139cp.c", "CONFIG_8139CP", "rtl8139", needs=["mii"], stock=["mii"],
           bug=True),
    Driver("e100", ETHERNET + "intel/e100.c", "CONFIG_E100", "i82550", needs=["mii"], stock=["mii"],
           # The model reads a second buffer's address behind the only one that the driver writes.
           faults=r"DMAR: \[DMA Read|DMAR: DRHD: handling fault"),
    Driver("igb", ETHERNET + "intel/igb", "CONFIG_IGB", "igb", stock=["ptp", "i2c-algo-bit", "dca"], newer=True, opens=True),
)}


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


def network(image, name, on):
    """Boot a machine of MACHINES with a driver's card; see traffic(). Returns the Result."""
    driver = DRIVERS[name]
    modules = [image.module(n) for n in driver.needs + [name]]
    return traffic(driver, modules, lambda **more: computer(image, on, devices=[], modules=modules, **more)[0],
                   "series-%s-%s-%s" % (image.name, name, on))


def stock(kernel, name, kos, **settings):
    """Boot Debian's kernel with dmah.ko and a driver that was built from the series' source; see traffic()."""
    driver = DRIVERS[name]
    return traffic(driver, kos, lambda **more: machine.Machine(kernel=kernel, devices=[], modules=driver.stock + kos,
                                                               **dict(settings, **more)),
                   "series-stock-%s-%s" % (name, settings.get("iommu", "strict")))


def traffic(driver, kos, make, name):
    """Receive a file by TFTP and send it by TCP, twice, with the interface down and up between.

    kos: modules that the script loads, in their order. make: returns a machine with these settings more.
    Returns the Result; its cases say if the file is the same, and if nothing was reported.
    """
    return exchange(make, load(kos) + """
echo KTAP version 1
once
once
rmmod %(driver)s && echo "ok 5 - rmmod" || echo "not ok 5 - rmmod"
dmesg | grep -vE "%(faults)s" | grep -E "%(bad)s" >/tmp/bad && { cat /tmp/bad; echo "not ok 6 - reports"; } || echo "ok 6 - no reports"
echo 1..6
""" % {"driver": driver.name, "bad": BAD, "faults": driver.faults}, driver, name)


def failing(kernel, driver, kos, probe, name):
    """The same while one map call of seven fails. Returns the Result, and the lines that report a wrong unmap.

    kos: the module that makes calls fail, what the driver needs, the driver. probe: parameters of the first
    """
    more = dict(devices=[], modules=driver.stock + [k for k in kos if k.endswith(".ko")], iommu="strict")
    first, last = kos[:-1], kos[-1:]
    result = exchange(lambda **m: machine.Machine(kernel=kernel, **dict(more, **m)), load(first[1:]) + """
insmod /modules/series_fail.ko driver=%(driver)s every=7 %(probe)s || exit 1
""" % {"driver": driver.name, "probe": probe} + load(last) + """
echo KTAP version 1
once
once
rmmod %(driver)s && echo "ok 5 - rmmod" || echo "not ok 5 - rmmod"
failed=$(cat /sys/module/series_fail/parameters/failed)
[ "$failed" -gt 10 ] && echo "ok 6 - $failed map calls failed" || echo "not ok 6 - $failed map calls failed"
echo 1..6
""" % {"driver": driver.name}, driver, name)
    return result, [l for l in result.messages if WRONG.search(l)]


def load(kos):
    """Returns lines of shell that load modules."""
    return "".join("insmod /modules/%s || exit 1\n" % os.path.basename(k) for k in kos)


def exchange(make, script, driver, name):
    """Boot with the driver's card and a script that calls once() for one file in and out. Returns the Result."""
    with tempfile.TemporaryDirectory(prefix="dmah-tftp-") as files:
        data = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(FILE // 32))
        with open(os.path.join(files, "file"), "wb") as f:
            f.write(data)
        qemu = ["-netdev", "user,id=n,restrict=on,tftp=%s,guestfwd=tcp:%s:9-cmd:sh -c 'head -c %d | md5sum'"
                % (files, SINK, FILE), "-device", driver.card + ",netdev=n"]
        head = """
n=0
verdict() {
	n=$((n + 1))
	if [ "$2" = %(md5)s ]; then echo "ok $n - $1 $n"; else echo "not ok $n - $1 $n ($2)"; fi
}
once() {
	ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up || exit 1
	sleep 4
	tftp -g -b 1428 -r file -l /tmp/file 10.0.2.2
	verdict file "$(md5sum </tmp/file | cut -d' ' -f1)"
	verdict sent "$(nc %(sink)s 9 </tmp/file | cut -d' ' -f1)"
	rm -f /tmp/file
	ifconfig eth0 down
}
""" % {"md5": hashlib.md5(data).hexdigest(), "sink": SINK}
        more = {"emulated_by": emulator.Newer()} if driver.newer else {}
        return make(qemu=qemu, **more).boot(head + script, name)


def reports(result):
    """Returns the case that says if a sanitizer, or the kernel itself, has reported anything."""
    found = [l for l in result.messages + result.output if REPORT.search(l)]
    return ktap.Case("no sanitizer reports anything", "not ok" if found else "ok", notes=found[:20])


def bench(image, name):
    """Boot a machine that counts instructions. Returns the Result and {(size, api, call): figure}."""
    m, parameters = computer(image, name, devices=["edu"], icount="shift=0", modules=[image.module("series_test")],
                             append="")
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
    m, _ = computer(image, name, devices=["edu"], icount="shift=0", append="",
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
