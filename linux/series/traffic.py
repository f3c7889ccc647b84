# SPDX-License-Identifier: GPL-2.0-only
"""Traffic through the drivers that the series converts: in its kernels, and in Debian's with dmah.ko."""

import hashlib
import os
import re
import tempfile

from lab.vm import emulator, ktap, machine

from . import boot

# Bytes that the network brings, and takes to this address.
FILE = 1 << 20
SINK = "10.0.2.100"
# Lines of the kernel's log that must not be there.
BAD = r"DMAR: \[|arm-smmu-v3.*event|WARNING:|BUG|Oops|DMA-API: [^ ]+ [^ ]+: |dmah: .*(leak|misuse|stale)|KASAN|possible .*deadlock"

# dma-debug prints its first error only, which a test of KUnit may have caused: let it print all.
ALL_ERRORS = """
[ ! -e /sys/kernel/debug/dma-api/all_errors ] || echo 1 >/sys/kernel/debug/dma-api/all_errors
"""

# Lines that follow an unmap of what is not mapped, or is another's.
WRONG = re.compile(r"WARNING: .*(iommu|dmah)|BUG: |Oops|DMAR: \[DMA|dmah: .*(misuse|stale)")


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
    waits:  after each packet whose map fails the driver waits for the watchdog, two seconds
    """

    def __init__(self, name, path, option, card, needs=(), stock=(), newer=False, faults="^$", bug=False, opens=False,
                 waits=False):
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
        self.waits = waits


# A fault at the last byte of a page: see neighbour(). The boot is repeated then, up to so many times in all.
NEIGHBOUR = re.compile(r"virtio_iommu_translate permission error on 0x[0-9a-f]*fff\(")
TRIES = 3

ETHERNET = "drivers/net/ethernet/"
DRIVERS = {d.name: d for d in (
    Driver("e1000e", ETHERNET + "intel/e1000e", "CONFIG_E1000E", "e1000e", stock=["ptp"], bug=True, opens=True),
    Driver("8139cp", ETHERNET + "realtek/8139cp.c", "CONFIG_8139CP", "rtl8139", needs=["mii"], stock=["mii"],
           bug=True),
    Driver("e100", ETHERNET + "intel/e100.c", "CONFIG_E100", "i82550", needs=["mii"], stock=["mii"],
           # The model reads a second buffer's address behind the only one that the driver writes.
           faults=r"DMAR: \[DMA Read|DMAR: DRHD: handling fault", waits=True),
    Driver("igb", ETHERNET + "intel/igb", "CONFIG_IGB", "igb", needs=["i2c-core", "i2c-algo-bit"],
           stock=["ptp", "i2c-algo-bit", "dca"], newer=True, opens=True),
)}


def on_arch(arch):
    """Returns the names of the drivers whose cards work there. 8139cp wants to set the size of a cache line on the bus, which
    QEMU's machines of arm do not know; e100 and igb were not tried on them."""
    return list(DRIVERS) + [DISK] if arch == "amd64" else ["e1000e"]


def network(image, name, on):
    """Boot a machine of MACHINES with a driver's card; see traffic(). Returns the Result."""
    driver = DRIVERS[name]
    modules = [image.module(n) for n in driver.needs + [name]]
    for _ in range(TRIES):
        result = traffic(driver, modules, lambda **more: boot.computer(image, on, devices=[], modules=modules, **more)[0],
                         "series-%s-%s-%s" % (image.name, name, on))
        if not neighbour(result.console):
            break
    return result


def neighbour(console):
    """Returns true if QEMU's virtio-iommu looked into the wrong mapping.

    Its virtio_iommu_translate() looks up the two bytes from an address on. So an access at the last byte of a page finds the
    mapping of the next page where there is one, and faults if that is for the other direction. A buffer of one byte
    there is rare: TCP makes one where an odd window ends.
    """
    return any(NEIGHBOUR.search(line) for line in console)


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
    return result, [l for l in result.messages if WRONG.search(l) and not re.search(driver.faults, l)]


DISK = "nvme"
# Of nvme: lists of physical pages only, and lists of SGL descriptors for all that has two segments.
THRESHOLDS = (0, 1)
# Machines of boot.MACHINES for the disk: mapped by dma_iova_*() where all is aligned, and each segment by itself.
DISKS = ("strict", "bounced")


def disk(image, on):
    """Boot a machine of MACHINES with an NVMe disk: write, load the driver anew, read. Returns the Result.

    QEMU says on the console which requests have SGL descriptors.
    """
    modules = [image.module(n) for n in ("nvme-core", "nvme")]
    script = ALL_ERRORS + load(modules[:1]) + """
echo KTAP version 1
n=0
verdict() {
	n=$((n + 1))
	if [ "$2" = "$3" ]; then echo "ok $n - $1"; else echo "not ok $n - $1 ($2)"; fi
}
disk() {
	insmod /modules/nvme.ko sgl_threshold=$1 || exit 1
	for t in 1 2 3 4 5 6 7 8 9 10; do
		[ -b /dev/nvme0n1 ] && break
		sleep 1
	done
}
for threshold in %(thresholds)s; do
	dd if=/dev/urandom of=/tmp/in bs=1M count=4 2>/dev/null
	disk $threshold
	dd if=/tmp/in of=/dev/nvme0n1 bs=1M conv=fsync 2>/dev/null
	rmmod nvme
	disk $threshold
	verdict "4 MiB written and read, sgl_threshold $threshold" "$(dd if=/dev/nvme0n1 bs=1M count=4 2>/dev/null | md5sum)" \
		"$(md5sum </tmp/in)"
	rmmod nvme
done
dmesg | grep -E "%(bad)s" >/tmp/bad && { cat /tmp/bad; echo "not ok 3 - reports"; } || echo "ok 3 - no reports"
echo 1..3
""" % {"thresholds": " ".join(str(t) for t in THRESHOLDS), "bad": BAD}
    machine_, _ = boot.computer(image, on, devices=["nvme"], modules=modules, append="",
                                qemu=["-trace", "pci_nvme_map_sgl"])
    return machine_.boot(script, "series-%s-nvme-%s" % (image.name, on))


def sgl_requests(result):
    """Returns the case that says if requests had lists of SGL descriptors."""
    count = sum("pci_nvme_map_sgl" in line for line in result.console)
    return ktap.Case("%d requests have SGL descriptors" % count, "ok" if count else "not ok")


def lists(kernel, nvme, probe):
    """Boot Debian's kernel without an IOMMU, all bounced: read while a module writes into the lists of descriptors what the
    disk could write there. Returns the Result; its cases say if bounce buffers are lost.

    nvme: Debian's driver; probe: the module
    """
    script = load([nvme, probe]).replace("nvme.ko", "nvme.ko sgl_threshold=1") + """
for t in 1 2 3 4 5 6 7 8 9 10; do
	[ -b /dev/nvme0n1 ] && break
	sleep 1
done
used() { cat /sys/kernel/debug/swiotlb/io_tlb_used; }
lost() {
	before=$(used)
	dd if=/dev/nvme0n1 of=/dev/null bs=1M count=4 skip=$1 2>/dev/null
	echo $(($(used) - before))
}
echo KTAP version 1
n=$(lost 0)
[ $n = 0 ] && echo "ok 1 - control: $n bounce slots are lost" || echo "not ok 1 - control: $n bounce slots are lost"
echo 1 >/sys/module/series_list/parameters/on
n=$(lost 8)
echo 0 >/sys/module/series_list/parameters/on
text="$(cat /sys/module/series_list/parameters/written) lists are written to, $n bounce slots are lost"
[ $n -gt 0 ] && echo "ok 2 - the bug is seen: $text" || echo "not ok 2 - the bug is not seen: $text"
echo 1..2
"""
    return machine.Machine(kernel=kernel, iommu="off", swiotlb="force", devices=["nvme"],
                           modules=["nvme-core", nvme, probe]).boot(script, "series-lists-debian-nvme")


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
        head = ALL_ERRORS + """
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
